//! Reading back: what is not done, what was, and what is remembered. Never writes.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::{Claim, Entry, Letter, Line, Range, Timer};
use super::ranges::Ranges;

/// What recovery needs to know before anything is handed out.
pub(super) struct Recovered {
    /// Everything up to here is done.
    pub done_to: u64,
    /// What is not done beyond that, in order; every other position up to `last_seq` is done or was never used.
    pub open: Vec<u64>,
    /// The newest position.
    pub last_seq: u64,
    /// The newest line.
    pub last_n: i64,
    /// Whether the last stop was a good one: nothing was under way.
    pub clean: bool,
}

/// Reads the marks and what is not done beyond them.
pub(super) fn recover(connection: &Connection) -> rusqlite::Result<Recovered> {
    let (done_to, marked_seq, marked_n, clean): (u64, u64, i64, bool) =
        connection.query_row("SELECT done_to, last_seq, last_n, clean FROM mark", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
    let newest = |table: &str, column: &str| {
        connection.query_row(&format!("SELECT coalesce(max({column}), 0) FROM {table}"), [], |row| row.get::<_, i64>(0))
    };
    let last_seq = marked_seq.max(newest("publication", "seq")? as u64).max(done_to);
    let last_n = marked_n.max(newest("outcome", "n")?);
    let open = connection
        .prepare(
            "SELECT seq FROM publication WHERE seq > ?1
             AND seq NOT IN (SELECT seq FROM outcome WHERE seq > ?1 AND last = 1) ORDER BY seq",
        )?
        .query_map([done_to], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Recovered { done_to, open, last_seq, last_n, clean })
}

impl Recovered {
    /// What is done beyond `done_to`.
    pub(super) fn done(&self) -> Ranges {
        let mut done = Ranges::default();
        let mut next = self.done_to + 1;
        for open in self.open.iter().copied().chain([self.last_seq + 1]) {
            done.insert_range(next, open - 1);
            next = open + 1;
        }
        done
    }
}

/// Whether an id is remembered.
pub(super) fn is_seen(connection: &Connection, id: &str) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM seen WHERE id = ?1")?.exists([id])
}

/// The ids of some publications, from a position on, in order.
pub(super) fn ids(connection: &Connection, after: u64, max: usize) -> rusqlite::Result<Vec<(u64, String)>> {
    connection
        .prepare_cached("SELECT seq, id FROM seen WHERE seq > ?1 ORDER BY seq LIMIT ?2")?
        .query_map(params![after, max], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Timers that are due, and when the next one is.
pub(super) fn due(connection: &Connection, now: i64, max: usize) -> rusqlite::Result<(Vec<Timer>, Option<i64>)> {
    let mut due: Vec<Timer> = connection
        .prepare_cached("SELECT id, due, event, lane, source, body FROM timer ORDER BY due, id LIMIT ?1")?
        .query_map([max + 1], |row| {
            let entry = Entry { id: row.get(2)?, lane: row.get(3)?, source: row.get(4)?, body: row.get(5)? };
            Ok(Timer { id: row.get(0)?, due: row.get(1)?, entry })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let first_later = due.iter().position(|timer| timer.due > now).unwrap_or(due.len()).min(max);
    let next = due.get(first_later).map(|timer| timer.due);
    due.truncate(first_later);
    Ok((due, next))
}

/// Letters by number.
pub(super) fn letters(connection: &Connection, after: u64, max: usize) -> rusqlite::Result<Vec<Letter>> {
    connection
        .prepare_cached("SELECT id, seq, run, fate, at, until FROM letter WHERE id > ?1 ORDER BY id LIMIT ?2")?
        .query_map(params![after, max], |row| {
            Ok(Letter {
                id: row.get(0)?,
                seq: row.get(1)?,
                run: row.get(2)?,
                fate: row.get(3)?,
                at: row.get(4)?,
                until: row.get(5)?,
            })
        })?
        .collect()
}

/// The positions of publications that arrived between two times (inclusive), behind a position.
pub(super) fn arrived(
    connection: &Connection,
    behind: u64,
    [since, until]: [i64; 2],
    max: usize,
) -> rusqlite::Result<Vec<u64>> {
    connection
        .prepare_cached("SELECT seq FROM publication WHERE seq > ? AND arrived BETWEEN ? AND ? ORDER BY seq LIMIT ?")?
        .query_map(params![behind, since, until, max], |row| row.get(0))?
        .collect()
}

/// How many bytes of publications are read at once, beyond the first.
const READ_BYTES: usize = 4 << 20;

/// Publications after a position, without history, up to a position (inclusive). Whether there may be more.
pub(super) fn after(connection: &Connection, seq: u64, up_to: u64, max: usize) -> rusqlite::Result<(Vec<Claim>, bool)> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, arrived, id, lane, source, body FROM publication WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3",
    )?;
    let mut rows = statement.query(params![seq, up_to, max])?;
    let (mut claims, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let claim = claim(row)?;
        bytes += claim.entry.body.len();
        claims.push(claim);
        if bytes > READ_BYTES {
            return Ok((claims, true));
        }
    }
    let more = claims.len() == max;
    Ok((claims, more))
}

/// Publications of a range with their lines.
pub(super) fn scan(connection: &Connection, range: Range) -> rusqlite::Result<Vec<Claim>> {
    let mut claims = match range {
        Range::After(seq, max) => after(connection, seq, i64::MAX as u64, max)?.0,
        Range::One(seq) => after(connection, seq.saturating_sub(1), seq, 1)?.0,
        Range::Newest(max) => {
            let first: Option<u64> = connection
                .query_row(
                    "SELECT seq FROM publication ORDER BY seq DESC LIMIT 1 OFFSET ?1",
                    [max.saturating_sub(1)],
                    |row| row.get(0),
                )
                .optional()?;
            after(connection, first.map_or(0, |seq| seq - 1), i64::MAX as u64, max)?.0
        }
    };
    for claim in &mut claims {
        claim.history = lines(connection, claim.seq)?;
    }
    Ok(claims)
}

/// The lines of one publication, oldest first.
pub(super) fn lines(connection: &Connection, seq: u64) -> rusqlite::Result<Vec<Line>> {
    connection
        .prepare_cached("SELECT seq, run, fate, at, due, last, bytes FROM outcome WHERE seq = ?1 ORDER BY n")?
        .query_map([seq], |row| {
            Ok(Line {
                seq: row.get(0)?,
                run: row.get(1)?,
                fate: row.get(2)?,
                at: row.get(3)?,
                due: row.get(4)?,
                last: row.get(5)?,
                bytes: row.get(6)?,
            })
        })?
        .collect()
}

/// The keys of all that is remembered; none if there are more than `most`.
pub(super) fn keys(connection: &Connection, most: usize) -> rusqlite::Result<Option<Vec<String>>> {
    let mut statement = connection.prepare("SELECT key FROM state LIMIT ?1")?;
    let keys: Vec<String> = statement.query_map([most + 1], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok((keys.len() <= most).then_some(keys))
}

/// A remembered value that is still good at `now`.
pub(super) fn state(connection: &Connection, key: &str, now: i64) -> rusqlite::Result<Option<Arc<str>>> {
    connection
        .prepare_cached("SELECT bytes FROM state WHERE key = ?1 AND until > ?2")?
        .query_row(params![key, now], |row| row.get(0))
        .optional()
}

fn claim(row: &Row<'_>) -> rusqlite::Result<Claim> {
    Ok(Claim {
        seq: row.get(0)?,
        arrived: row.get(1)?,
        entry: Entry { id: row.get(2)?, lane: row.get(3)?, source: row.get(4)?, body: row.get(5)? },
        recovered: false,
        history: Vec::new(),
    })
}
