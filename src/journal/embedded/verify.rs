//! Looking for damage: SQLite's own check first, then the laws that hold between our rows. It reads one snapshot and
//! writes nothing.

use rusqlite::Connection;
use serde::Serialize;

use super::Reader;

/// The most findings that are told of one law.
const TOLD: usize = 20;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is wrong, and where.
    pub what: String,
    /// What to do about it.
    pub remedy: &'static str,
}

/// A law: a question whose every row is a sentence about what breaks it.
struct Law {
    /// The first format that it holds in.
    format: i64,
    question: &'static str,
    remedy: &'static str,
}

const DAMAGED: &str = "stop the gateway, keep this folder, and start on a backup; without one `sqlite3 journal.db .recover` saves \
                       what can be read";

const LAWS: [Law; 9] = [
    Law {
        format: 1,
        question: "SELECT 'the mark, which tells what is done, is gone' WHERE (SELECT count(*) FROM mark) <> 1",
        remedy: "start on a backup; this store can't be opened for writing",
    },
    Law {
        format: 1,
        question: "
            SELECT 'an outcome of ' || run || ' belongs to publication ' || seq || ', which never was: the newest is '
                   || (SELECT max(last_seq, coalesce((SELECT max(seq) FROM publication), 0)) FROM mark)
            FROM outcome
            WHERE seq > (SELECT max(last_seq, coalesce((SELECT max(seq) FROM publication), 0)) FROM mark) ORDER BY n",
        remedy: "publications are missing: start on a backup, or these positions are given out again and what comes \
                 is taken for done",
    },
    Law {
        format: 1,
        question: "
            SELECT 'publication ' || seq || ' counts as done and has no line that ends it' FROM publication
            WHERE seq <= (SELECT done_to FROM mark)
            AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.seq = publication.seq AND last = 1) ORDER BY seq",
        remedy: "it is not taken up by itself any more: `switchhook events` shows it, and `switchhook replay` acts on it \
                 if that still matters",
    },
    Law {
        format: 1,
        question: "
            SELECT 'publication ' || seq || ' has ' || count(*) || ' lines that end it' FROM outcome
            WHERE last = 1 GROUP BY seq HAVING count(*) > 1 ORDER BY seq",
        remedy: "something of it may have been done twice: look at `switchhook events`, and report this as a mistake of \
                 switchhook",
    },
    Law {
        format: 1,
        question: "
            SELECT 'outcome ' || n || ' (publication ' || seq || ', ' || fate || ') has a record that is no JSON' FROM outcome
            WHERE typeof(bytes) <> 'text' OR NOT json_valid(bytes) ORDER BY n",
        remedy: "what it tells is lost, and a run that goes on from it begins anew: start on a backup if that matters",
    },
    Law {
        format: 1,
        question: "
            SELECT 'publication ' || seq || ' is no JSON' FROM publication
            WHERE typeof(body) <> 'text' OR NOT json_valid(body) ORDER BY seq",
        remedy: "no rule matches it any more: start on a backup if that matters",
    },
    Law {
        format: 1,
        question: "
            SELECT 'what is remembered as ' || key || ' is no JSON' FROM state
            WHERE typeof(bytes) <> 'text' OR NOT json_valid(bytes) ORDER BY key",
        remedy: "it counts as not remembered; it goes by itself when its time is over",
    },
    Law {
        format: 2,
        question: "
            SELECT CASE WHEN EXISTS (SELECT 1 FROM publication WHERE publication.seq = letter.seq)
                   THEN 'letter ' || id || ' says that ' || run || ' of publication ' || seq || ' ended as ' || fate
                        || ', and no line of it does'
                   ELSE 'letter ' || id || ' is about publication ' || seq || ', which is not there' END
            FROM letter
            WHERE NOT EXISTS (SELECT 1 FROM publication WHERE publication.seq = letter.seq)
            OR NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.seq = letter.seq AND outcome.run = letter.run
                           AND outcome.fate = letter.fate)
            ORDER BY id",
        remedy: "it can't be tried again: `switchhook dead discard` and its number",
    },
    Law {
        format: 2,
        question: "
            SELECT 'timer ' || id || ' can''t be read' FROM timer
            WHERE typeof(due) <> 'integer' OR typeof(event) <> 'text' OR typeof(lane) <> 'text' OR typeof(source) <> 'text'
            OR typeof(body) <> 'text' OR NOT json_valid(body) ORDER BY id",
        remedy: "stop the gateway and delete it with sqlite3 (DELETE FROM timer WHERE id = …): it may keep the others \
                 from firing",
    },
];

impl Reader {
    /// Everything that is wrong with the store; of each law no more than 20 findings. It reads all of it, which takes a
    /// while; a gateway that runs is not held up, but its log grows meanwhile.
    pub fn verify(&self) -> Vec<Finding> {
        let unreadable = |error: rusqlite::Error| Finding {
            what: format!("the store can't be read through: {error}"),
            remedy: DAMAGED,
        };
        let moment = match self.connection.unchecked_transaction() {
            Ok(moment) => moment,
            Err(error) => return vec![unreadable(error)],
        };
        let mut findings = Vec::new();
        match rows(&moment, &format!("PRAGMA integrity_check({TOLD})")) {
            Ok(said) => {
                let wrong = said.into_iter().filter(|said| said != "ok");
                findings.extend(wrong.map(|said| Finding { what: format!("SQLite finds: {said}"), remedy: DAMAGED }));
            }
            Err(error) => findings.push(unreadable(error)),
        }
        for law in LAWS.iter().filter(|law| law.format <= self.format) {
            match rows(&moment, law.question) {
                Ok(broken) => {
                    findings.extend(broken.into_iter().map(|what| Finding { what, remedy: law.remedy }));
                }
                Err(error) => findings.push(unreadable(error)),
            }
        }
        // A damaged file fails every question in the same words.
        findings.dedup();
        findings
    }
}

/// The first rows of a question, and whether there are more.
fn rows(connection: &Connection, question: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(question)?;
    let mut rows = statement.query([])?;
    let mut told = Vec::new();
    while let Some(row) = rows.next()? {
        if told.len() == TOLD {
            told.push("… and more like these".to_owned());
            break;
        }
        told.push(row.get(0)?);
    }
    Ok(told)
}

#[cfg(test)]
mod tests;
