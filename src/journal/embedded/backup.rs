//! A copy of a store that a daemon may be writing to meanwhile: consistent, whole or not there, on disk on return.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::Serialize;

use super::{Reader, reader, schema};

/// What a copy holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backup {
    /// The folder: it can be a `[journal] path`.
    pub path: PathBuf,
    /// Bytes of its file.
    pub bytes: u64,
    /// The newest position; everything that was acknowledged before the copy began stands at or before it.
    pub last_seq: u64,
    /// How many publications are not done in it.
    pub open: usize,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something is there already.
    #[error("{} is there and not empty; name a new folder", .0.display())]
    NotEmpty(PathBuf),
    /// SQLite wants text.
    #[error("{} is not UTF-8; name another folder", .0.display())]
    Name(PathBuf),
    /// The folder or the file can't be written.
    #[error("can't write {}: {source}; choose a folder that this user may write to, with room for the store", .path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// SQLite's own reason.
    #[error("the copy failed: {0}; is there room for it? `switchhook journal verify` tells whether the store is sound")]
    Sqlite(#[from] rusqlite::Error),
}

impl Reader {
    /// Copies the store as it is at this moment into a new folder. A writer goes on meanwhile; only its log can't be
    /// shortened until the copy is done. In the copy it counts as not known whether what is open was begun, so that a
    /// start on it looks first.
    pub fn backup(&self, folder: &Path) -> Result<Backup, BackupError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| BackupError::Folder { path, source }
        };
        let made = make(folder)?;
        let (unfinished, file) = (folder.join("journal.db.unfinished"), schema::file(folder));
        let name = unfinished.to_str().ok_or_else(|| BackupError::Name(folder.to_owned()))?;
        // An empty file with these rights, which SQLite fills.
        let empty = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&unfinished);
        empty.map_err(failed(&unfinished))?;
        let copied = self.copy(name).and_then(|recovered| {
            let synced = File::open(&unfinished).and_then(|copy| {
                copy.sync_all()?;
                copy.metadata()
            });
            let bytes = synced.map_err(failed(&unfinished))?.len();
            std::fs::rename(&unfinished, &file).map_err(failed(&file))?;
            for synced in &made {
                File::open(synced).and_then(|folder| folder.sync_all()).map_err(failed(synced))?;
            }
            let (last_seq, open) = (recovered.last_seq, recovered.open.len());
            Ok(Backup { path: folder.to_owned(), bytes, last_seq, open })
        });
        if copied.is_err() {
            // What is left of it is useless; it may also be gone.
            let _ = std::fs::remove_file(&unfinished);
        }
        copied
    }

    /// `VACUUM INTO` reads one snapshot, however long it takes, and writes a file without holes.
    fn copy(&self, name: &str) -> Result<reader::Recovered, BackupError> {
        self.connection.pragma_update(None, "query_only", false)?;
        let vacuumed = self.connection.execute("VACUUM INTO ?1", [name]);
        self.connection.pragma_update(None, "query_only", true)?;
        vacuumed?;
        let copy = Connection::open(name)?;
        if self.has_letters() {
            copy.execute("UPDATE mark SET clean = 0", [])?;
            return Ok(reader::recover(&copy)?);
        }
        let last_seq = copy.query_row("SELECT coalesce(max(seq), 0) FROM publication", [], |row| row.get(0))?;
        Ok(reader::Recovered { done_to: 0, open: Vec::new(), last_seq, last_n: 0, clean: false })
    }
}

/// The folder for the copy, for this user alone. It, and those above it in which something was made.
fn make(folder: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let failed = |source| BackupError::Folder { path: folder.to_owned(), source };
    if folder.exists() {
        if std::fs::read_dir(folder).map_err(failed)?.next().is_some() {
            return Err(BackupError::NotEmpty(folder.to_owned()));
        }
        std::fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(failed)?;
        return Ok(vec![folder.to_owned()]);
    }
    let named = |path: &Path| if path.as_os_str().is_empty() { PathBuf::from(".") } else { path.to_owned() };
    let above: Vec<PathBuf> = folder.ancestors().map(named).collect();
    let first = above.iter().position(|path| path.exists()).unwrap_or(above.len() - 1);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    Ok(above.into_iter().take(first + 1).collect())
}
