//! What one transaction writes, row by row. Nothing here decides what belongs into it.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, Transaction, TransactionBehavior, params};

use super::super::{Accepted, Change, Claim, Entry, Letter, Line, StateChange, TimerChange};
use super::writer::Request;

/// What was settled and is not yet durable: kept until a commit succeeds. What replaces each other is kept once.
#[derive(Default)]
pub(super) struct Pending {
    /// With their numbers.
    pub(super) lines: Vec<(i64, Line)>,
    pub(super) state: HashMap<Arc<str>, StateChange>,
    timers: HashMap<Arc<str>, TimerChange>,
    pub(super) events: Vec<Entry>,
    letters: Vec<Letter>,
    discard: Vec<u64>,
}

/// What a transaction stored.
#[derive(Default)]
pub(super) struct Written {
    /// For each request.
    pub(super) accepted: Vec<Vec<Accepted>>,
    /// Our own publications, as they are claimed.
    pub(super) own: Vec<Claim>,
    /// By how many letters there are more.
    pub(super) letters: i64,
    /// When the next timer is due, if that was asked for.
    pub(super) next_due: Option<i64>,
}

impl Pending {
    /// Adds a change; `n` is the newest line's number before and after.
    pub(super) fn add(&mut self, change: Change, n: &mut i64) {
        for line in change.lines {
            *n += 1;
            self.lines.push((*n, line));
        }
        self.state.extend(change.state.into_iter().map(|change| (Arc::clone(&change.key), change)));
        self.timers.extend(change.timers.into_iter().map(|timer| (Arc::clone(timer.id()), timer)));
        self.events.extend(change.events);
        self.letters.extend(change.letters);
        self.discard.extend(change.discard);
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
            && self.state.is_empty()
            && self.timers.is_empty()
            && self.events.is_empty()
            && self.letters.is_empty()
            && self.discard.is_empty()
    }

    /// How much waits.
    pub(super) fn len(&self) -> usize {
        self.lines.len() + self.events.len() + self.letters.len()
    }

    /// All but the events, which need positions. By how many letters there are more.
    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<i64> {
        let mut letters = 0;
        insert_lines(connection, &self.lines)?;
        if !self.state.is_empty() {
            let mut set =
                connection.prepare_cached("INSERT OR REPLACE INTO state(key, until, bytes) VALUES (?,?,?)")?;
            for change in self.state.values() {
                set.execute(params![change.key, change.until, change.bytes])?;
            }
        }
        for timer in self.timers.values() {
            set_timer(connection, timer)?;
        }
        for letter in &self.letters {
            letters += connection
                .prepare_cached(
                    // Once, also when it is written again after a commit of which it was not known whether it succeeded.
                    "INSERT INTO letter(seq, run, fate, at, until) SELECT ?1, ?2, ?3, ?4, ?5
                     WHERE NOT EXISTS (SELECT 1 FROM letter WHERE seq = ?1 AND run = ?2 AND at = ?4)",
                )?
                .execute(params![letter.seq, letter.run, letter.fate, letter.at, letter.until])?
                as i64;
        }
        for id in &self.discard {
            letters -= connection.prepare_cached("DELETE FROM letter WHERE id = ?")?.execute([id])? as i64;
        }
        Ok(letters)
    }
}

/// Begins a transaction that writes.
pub(super) fn begin(connection: &Connection) -> rusqlite::Result<Transaction<'_>> {
    Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
}

/// Stores the publications of requests at their positions.
pub(super) fn accept(connection: &Connection, requests: &[Request]) -> rusqlite::Result<Vec<Vec<Accepted>>> {
    if requests.is_empty() {
        return Ok(Vec::new());
    }
    let mut store = Store::on(connection)?;
    let each = |request: &Request| {
        let numbered = (request.first..).zip(&request.entries);
        numbered.map(|(seq, entry)| store.put(entry, seq, request.arrived)).collect()
    };
    requests.iter().map(each).collect()
}

/// Stores publications of our own from a position on; those whose id is known are left out.
pub(super) fn publish(
    connection: &Connection,
    entries: Vec<Entry>,
    first: u64,
    arrived: i64,
) -> rusqlite::Result<Vec<Claim>> {
    let mut claims = Vec::with_capacity(entries.len());
    if entries.is_empty() {
        return Ok(claims);
    }
    let mut store = Store::on(connection)?;
    for (seq, entry) in (first..).zip(entries) {
        if store.put(&entry, seq, arrived)? == Accepted::New(seq) {
            claims.push(Claim { seq, arrived, entry, recovered: false, history: Vec::new() });
        }
    }
    Ok(claims)
}

/// Takes a timer away.
pub(super) fn clear_timer(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM timer WHERE id = ?")?.execute([id]).map(drop)
}

/// Writes the mark.
pub(super) fn mark(connection: &Connection, done_to: u64, last_seq: u64, last_n: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE mark SET done_to = ?, last_seq = ?, last_n = ?")?
        .execute(params![done_to, last_seq, last_n])
        .map(drop)
}

/// Notes that nothing is under way any more.
pub(super) fn mark_clean(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("UPDATE mark SET clean = 1", []).map(drop)
}

/// What stores publications, made ready once for all of a transaction.
struct Store<'a> {
    seen: CachedStatement<'a>,
    publication: CachedStatement<'a>,
}

impl<'a> Store<'a> {
    fn on(connection: &'a Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            seen: connection
                .prepare_cached("INSERT INTO seen(seq, at, id) VALUES (?,?,?) ON CONFLICT(id) DO NOTHING")?,
            publication: connection
                .prepare_cached("INSERT INTO publication(seq, arrived, id, lane, source, body) VALUES (?,?,?,?,?,?)")?,
        })
    }

    /// Stores one publication, unless its id is known.
    fn put(&mut self, entry: &Entry, seq: u64, arrived: i64) -> rusqlite::Result<Accepted> {
        if self.seen.execute(params![seq, arrived, entry.id])? == 0 {
            return Ok(Accepted::Known);
        }
        self.publication.execute(params![seq, arrived, entry.id, entry.lane, entry.source, entry.body])?;
        Ok(Accepted::New(seq))
    }
}

fn insert_lines(connection: &Connection, lines: &[(i64, Line)]) -> rusqlite::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO outcome(n, seq, run, fate, at, due, last, bytes) VALUES (?,?,?,?,?,?,?,?)",
    )?;
    for (n, line) in lines {
        insert.execute(params![n, line.seq, line.run, line.fate, line.at, line.due, line.last, line.bytes])?;
    }
    Ok(())
}

fn set_timer(connection: &Connection, change: &TimerChange) -> rusqlite::Result<()> {
    let timer = match change {
        TimerChange::Clear(id) => return clear_timer(connection, id),
        TimerChange::Set(timer) => timer,
    };
    let entry = &timer.entry;
    connection
        .prepare_cached("INSERT OR REPLACE INTO timer(id, due, event, lane, source, body) VALUES (?,?,?,?,?,?)")?
        .execute(params![timer.id, timer.due, entry.id, entry.lane, entry.source, entry.body])
        .map(drop)
}
