//! The file: its lock, its version, its tables.
//!
//! ```text
//! publication(seq, arrived, id, lane, source, body)     only grows at its right edge
//! outcome(n, seq, run, fate, at, due, last, bytes)      only grows; indexed by seq, which grows with n
//! seen(seq, at, id)                                     ids for dedupe, unique
//! state(key, until, bytes)                              small: what is remembered between events
//! timer(id, due, event, lane, source, body)             small: publications that come when they are due
//! letter(id, seq, run, fate, at, until)                 small: what was given up; it keeps its publication
//! mark(done_to, last_seq, last_n, clean)                one row; everything up to done_to is done; clean after a good stop
//! ```
//! No row is changed to show its status; rows leave only by retention. JSON is stored as text, so that the `sqlite3`
//! of any distribution reads it.
//!
//! Versions: the number in `PRAGMA user_version`. A newer one is refused, an older one is migrated here, in place, in
//! one transaction. Version 1 is the first; version 2 has timers, letters and `mark.clean`.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

/// The format this program writes.
pub(super) const VERSION: i64 = 2;

/// Marks the file as ours (`SWHK`).
const APPLICATION_ID: i64 = 0x5357_484b;

/// What makes each version of the one before; an empty file is version 0.
pub(super) const STEPS: [&str; VERSION as usize] = [
    "
CREATE TABLE publication(seq INTEGER PRIMARY KEY, arrived INTEGER NOT NULL, id TEXT NOT NULL, lane TEXT NOT NULL,
                         source TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE outcome(n INTEGER PRIMARY KEY, seq INTEGER NOT NULL, run TEXT NOT NULL, fate TEXT NOT NULL,
                     at INTEGER NOT NULL, due INTEGER, last INTEGER NOT NULL, bytes TEXT NOT NULL);
CREATE INDEX outcome_by_seq ON outcome(seq);
CREATE TABLE seen(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id TEXT NOT NULL UNIQUE);
CREATE TABLE state(key TEXT PRIMARY KEY, until INTEGER NOT NULL, bytes TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE mark(one INTEGER PRIMARY KEY CHECK (one = 1), done_to INTEGER NOT NULL, last_seq INTEGER NOT NULL,
                  last_n INTEGER NOT NULL);
INSERT INTO mark VALUES (1, 0, 0, 0);
",
    "
CREATE TABLE timer(id TEXT PRIMARY KEY, due INTEGER NOT NULL, event TEXT NOT NULL, lane TEXT NOT NULL,
                   source TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX timer_by_due ON timer(due);
CREATE TABLE letter(id INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT NULL, run TEXT NOT NULL, fate TEXT NOT NULL,
                    at INTEGER NOT NULL, until INTEGER NOT NULL);
CREATE INDEX letter_by_seq ON letter(seq);
ALTER TABLE mark ADD COLUMN clean INTEGER NOT NULL DEFAULT 0;
",
];

/// Why the store can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another daemon has the folder.
    #[error(
        "the state folder {} is in use by another switchhook; stop that one, or give this one a [journal] path of its own",
        .0.display()
    )]
    Locked(PathBuf),
    /// The folder or its lock can't be made.
    #[error("can't use the state folder {}: {source}; make it writable for this user", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Written by a later version.
    #[error("{} has format {found}, this version knows formats up to {VERSION}; use the newer switchhook that wrote it", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
    },
    /// Not ours.
    #[error("{} is a database of another program; give switchhook a [journal] path of its own", .0.display())]
    Foreign(PathBuf),
    /// SQLite's own reason.
    #[error("can't open {}: {source}", .path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: rusqlite::Error,
    },
}

/// The store's file inside the state folder.
pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join("journal.db")
}

/// How long to wait for a folder that another process has locked: one that is just ending, or a child of this one that was
/// forked while the lock was held and has not yet become its own program.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
/// How often it is tried meanwhile.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Makes the folder if needed and locks it for this process; the lock goes with the process, however it ends.
pub(super) fn lock(folder: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::Folder { path: folder.to_owned(), source };
    // What callers and guests say lies in there: for this user alone.
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(folder.join("lock"))
        .map_err(failed)?;
    let until = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => return Err(OpenError::Locked(folder.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}

/// Opens the file for writing, makes or migrates its tables.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    let sqlite = |source| OpenError::Sqlite { path: path.to_owned(), source };
    // Made here with these rights; SQLite gives its log the same.
    let made = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path);
    made.map_err(|source| OpenError::Folder { path: path.to_owned(), source })?;
    let mut connection = Connection::open(path).map_err(sqlite)?;
    let found = version(&connection, path)?;
    set_up(&connection).map_err(sqlite)?;
    if found < VERSION {
        let transaction = connection.transaction().map_err(sqlite)?;
        for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
            transaction.execute_batch(step).map_err(sqlite)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(sqlite)?;
        transaction.pragma_update(None, "user_version", VERSION).map_err(sqlite)?;
        transaction.commit().map_err(sqlite)?;
    }
    Ok(connection)
}

/// Opens the file for reading beside a writer, or without one.
pub(super) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    let sqlite = |source| OpenError::Sqlite { path: path.to_owned(), source };
    // Not SQLITE_OPEN_READ_ONLY: a reader of a WAL file whose writer has gone must be able to make the shared-memory
    // file. query_only keeps it from changing anything else.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    version(&connection, path)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(sqlite)?;
    connection.pragma_update(None, "query_only", true).map_err(sqlite)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// The file's version: 0 for an empty one. Refuses what is newer or not ours.
fn version(connection: &Connection, path: &Path) -> Result<i64, OpenError> {
    let read = |pragma: &str| connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0));
    let sqlite = |source| OpenError::Sqlite { path: path.to_owned(), source };
    let found = read("user_version").map_err(sqlite)?;
    let ours = read("application_id").map_err(sqlite)?;
    if found > VERSION && ours == APPLICATION_ID {
        return Err(OpenError::Newer { path: path.to_owned(), found });
    }
    if (found != 0 || ours != 0) && ours != APPLICATION_ID {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    Ok(found)
}

/// The settings that the promises rest on: a commit is in the write-ahead log and synced before it returns.
fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    // Before the first table, or it has no effect. 4 KiB pages write least for a lone event; 8 KiB hold several
    // notifications a page and won the bench of batches.
    connection.pragma_update(None, "page_size", 4096)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Checkpoints are made by the writer, when it is idle or the log is long.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -8192)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}
