//! A store from outside, whether a daemon is running on it or not: what `events`, `dead` and `replay` read. It never
//! writes.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::super::{Claim, Error, Letter, Range};
use super::{OpenError, broken, reader, schema};

/// See the module.
pub struct Reader {
    pub(super) connection: Connection,
    /// The state folder.
    pub(super) folder: PathBuf,
    /// The version of the file's format.
    pub(super) format: i64,
}

impl Reader {
    /// Opens the store in a state folder.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let path = schema::file(folder);
        let connection = schema::open_reader(&path)?;
        let format = connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(|source| OpenError::Sqlite { path, source })?;
        Ok(Self { connection, folder: folder.to_owned(), format })
    }

    /// Publications of a range with their lines.
    pub fn scan(&self, range: Range) -> Result<Vec<Claim>, Error> {
        reader::scan(&self.connection, range).map_err(|error| broken(&error))
    }

    /// Letters with larger numbers than `after`, by number.
    pub fn letters(&self, after: u64, max: usize) -> Result<Vec<Letter>, Error> {
        if !self.has_letters() {
            return Ok(Vec::new());
        }
        reader::letters(&self.connection, after, max).map_err(|error| broken(&error))
    }

    /// The positions of up to `max` publications that arrived between two times (inclusive, in milliseconds since 1970),
    /// behind a position, in order. There is no index by time: it reads the whole table, though not the texts.
    pub fn arrived(&self, behind: u64, between: [i64; 2], max: usize) -> Result<Vec<u64>, Error> {
        reader::arrived(&self.connection, behind, between, max).map_err(|error| broken(&error))
    }

    /// Whether the file's format has timers, letters and the mark of a good stop.
    pub(super) fn has_letters(&self) -> bool {
        self.format >= 2
    }
}
