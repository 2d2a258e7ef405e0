//! Figures of a store: how large, how many, how old.

use std::path::Path;

use rusqlite::OptionalExtension;
use serde::Serialize;

use super::super::Error;
use super::{Reader, broken, reader, schema};

/// See the module. Times are in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stat {
    /// The version of the file's format.
    pub format: i64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of the log beside it that is not yet folded in.
    pub wal_bytes: u64,
    /// Publications that are kept.
    pub publications: u64,
    /// Lines of what became of them.
    pub outcomes: u64,
    /// The newest position.
    pub last_seq: u64,
    /// Everything up to this position is done, as far as was noted.
    pub done_to: u64,
    /// The ids by which repeats are recognised.
    pub ids: Known,
    /// What is not done.
    pub open: Open,
    /// What comes by itself.
    pub timers: Timers,
    /// What was given up and is kept.
    pub dead_letters: u64,
    /// Whether the last stop was a good one; false while a gateway runs.
    pub clean: bool,
}

/// Ids that are remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Known {
    /// How many.
    pub count: u64,
    /// When the oldest came.
    pub since: Option<i64>,
}

/// Publications that are not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Open {
    /// How many.
    pub count: usize,
    /// The position of the oldest.
    pub oldest: Option<u64>,
    /// When it came.
    pub since: Option<i64>,
}

/// Timers that are set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Timers {
    /// How many.
    pub count: u64,
    /// When the next one is due.
    pub next: Option<i64>,
}

impl Reader {
    /// The figures of one moment. It counts rows, which takes a while in a large store.
    pub fn stat(&self) -> Result<Stat, Error> {
        self.figures().map_err(|error| broken(&error))
    }

    fn figures(&self) -> rusqlite::Result<Stat> {
        let moment = self.connection.unchecked_transaction()?;
        let count = |table: &str| moment.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0));
        let first = |sql: &str| moment.query_row(sql, [], |row| row.get::<_, i64>(0)).optional();
        let newer = |table: &str| if self.has_letters() { count(table) } else { Ok(0) };
        let recovered = if self.has_letters() { Some(reader::recover(&moment)?) } else { None };
        let (open, since) = match recovered.as_ref().and_then(|recovered| recovered.open.first()) {
            Some(oldest) => (Some(*oldest), first(&format!("SELECT arrived FROM publication WHERE seq = {oldest}"))?),
            None => (None, None),
        };
        let file = schema::file(&self.folder);
        let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |data| data.len());
        let next = if self.has_letters() { first("SELECT due FROM timer ORDER BY due LIMIT 1")? } else { None };
        Ok(Stat {
            format: self.format,
            bytes: bytes(&file),
            wal_bytes: bytes(&file.with_extension("db-wal")),
            publications: count("publication")?,
            outcomes: count("outcome")?,
            last_seq: recovered.as_ref().map_or(0, |recovered| recovered.last_seq),
            done_to: recovered.as_ref().map_or(0, |recovered| recovered.done_to),
            ids: Known { count: count("seen")?, since: first("SELECT at FROM seen ORDER BY seq LIMIT 1")? },
            open: Open { count: recovered.as_ref().map_or(0, |recovered| recovered.open.len()), oldest: open, since },
            timers: Timers { count: newer("timer")?, next },
            dead_letters: newer("letter")?,
            clean: recovered.is_some_and(|recovered| recovered.clean),
        })
    }
}
