//! Refresh tokens on disk: `sign-in/ACCOUNT.json` in the state folder, for nobody but its owner, replaced as a whole and
//! synced before anything is done with the new one. Only who holds the account's lock writes, so that a daemon and a
//! command that renew at the same time each build on the other's.
//!
//! The folder may be another user's than ours, when root runs a command: no name in it is trusted. See `folder`.

mod folder;

use std::fs::{DirBuilder, File, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::kit::secret::Secret;
use folder::Folder;

/// The folder in the state folder.
const FOLDER: &str = "sign-in";
/// The version of the file's format.
const VERSION: u32 = 1;
/// More than any such file has.
const LARGEST: u64 = 64 * 1024;

/// How long another may hold the lock: one token request, and a little.
pub const LOCK_PATIENCE: Duration = Duration::from_secs(15);
/// How often a lock that is taken is tried.
const LOCK_TRIES: Duration = Duration::from_millis(50);

/// Where the refresh token of an account is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    state: PathBuf,
    account: String,
}

/// A refresh token with its story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The token.
    pub refresh_token: Secret,
    /// The base URL of the Authentication API that gave it: it is sent nowhere else.
    pub issuer: String,
    /// The application that was logged in to.
    pub client_id: Option<String>,
    /// A fingerprint of the token in the settings that this one goes back to.
    pub seed: Option<String>,
    /// Names the login that it goes back to.
    pub login: String,
    /// When that was.
    pub signed_in: DateTime<Utc>,
    /// When this token was stored.
    pub stored: DateTime<Utc>,
}

/// What can go wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system says no.
    #[error("{what} {}: {source}", .path.display())]
    Io {
        /// What was to be done.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Others can read it.
    #[error("{} can be read by others than its owner (mode {mode:04o}): it may be known to them; log in again, or `chmod 600` it", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error("{} belongs to user {owner}, and this is user {us}: run this as that user", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who we are.
        us: u32,
    },
    /// It is not what this version writes.
    #[error("{} can't be read: {why}; log in again", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not, without repeating it.
        why: String,
    },
}

/// The lock of an account's store: who has it may write. It ends with the value, and with the process.
#[derive(Debug)]
pub struct Lock {
    store: Store,
    folder: Folder,
    _file: File,
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    account: String,
    issuer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<String>,
    login: String,
    signed_in: DateTime<Utc>,
    stored: DateTime<Utc>,
    refresh_token: String,
}

impl Store {
    /// That of an account, below a state folder. Nothing is made yet.
    pub fn new(state: &Path, account: &str) -> Self {
        // A name that could be a path is none: settings allow letters, digits, - and _.
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
        Self { state: state.to_owned(), account: account.chars().map(plain).collect() }
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        self.folder().join(self.named("json"))
    }

    fn folder(&self) -> PathBuf {
        self.state.join(FOLDER)
    }

    /// What is stored; none if nothing is.
    pub fn read(&self) -> Result<Option<Stored>, StoreError> {
        let path = self.path();
        let opened = |source| StoreError::Io { what: "open", path: path.clone(), source };
        let Some(folder) = Folder::open(&self.state, FOLDER).map_err(opened)? else { return Ok(None) };
        let Some(mut file) = folder.file(&self.named("json")).map_err(opened)? else { return Ok(None) };
        let failed = |source| StoreError::Io { what: "read", path: path.clone(), source };
        let unreadable = |why: String| StoreError::Unreadable { path: path.clone(), why };
        let about = file.metadata().map_err(failed)?;
        if !about.is_file() || about.nlink() != 1 || about.len() > LARGEST {
            return Err(unreadable("it is no small file with one name".to_owned()));
        }
        if about.mode() & 0o077 != 0 {
            return Err(StoreError::Open { path, mode: about.mode() & 0o7777 });
        }
        if !folder.may_own(about.uid()) {
            return Err(StoreError::Foreign { path, owner: about.uid(), us: us() });
        }
        let mut text = String::new();
        (&mut file).take(LARGEST).read_to_string(&mut text).map_err(failed)?;
        // Where it is wrong is said, what is there is not.
        let wrong = |error: serde_json::Error| unreadable(format!("line {} is not as it was written", error.line()));
        let version = serde_json::from_str::<serde_json::Value>(&text).map_err(wrong)?["version"].as_u64();
        if version != Some(u64::from(VERSION)) {
            return Err(unreadable("another version of switchhook wrote it".to_owned()));
        }
        let written: Written = serde_json::from_str(&text).map_err(wrong)?;
        Ok(Some(Stored {
            refresh_token: Secret::new(written.refresh_token),
            issuer: written.issuer,
            client_id: written.client_id,
            seed: written.seed,
            login: written.login,
            signed_in: written.signed_in,
            stored: written.stored,
        }))
    }

    /// The lock, waited for as long as one renewal may take; none if it is taken even then.
    pub async fn lock(&self) -> Result<Option<Lock>, StoreError> {
        let until = Instant::now() + LOCK_PATIENCE;
        loop {
            let trying = self.clone();
            let lock = blocking(move || trying.try_lock()).await?;
            if lock.is_some() || Instant::now() >= until {
                return Ok(lock);
            }
            sleep(LOCK_TRIES).await;
        }
    }

    /// The lock; none while another process, or another task of this one, has it.
    pub fn try_lock(&self) -> Result<Option<Lock>, StoreError> {
        let path = self.folder().join(self.named("lock"));
        let failed = |what, path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Io { what, path, source }
        };
        if !self.state.is_dir() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.state);
            made.map_err(failed("make", &self.state))?;
        }
        let folder = Folder::make(&self.state, FOLDER).map_err(failed("open", &self.folder()))?;
        let file = folder.own_file(&self.named("lock")).map_err(failed("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { store: self.clone(), folder, _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(StoreError::Io { what: "lock", path, source }),
        }
    }

    /// A name in the folder.
    fn named(&self, kind: &str) -> String {
        format!("{}.{kind}", self.account)
    }
}

impl Lock {
    /// Stores a token. When this returns it is on disk, in the place of the one before.
    pub fn write(&self, stored: &Stored) -> Result<(), StoreError> {
        let (folder, fresh) = (&self.folder, self.store.named("new"));
        let write = || {
            // One that was left behind by a crash may be half written, or have another mode.
            folder.remove(&fresh)?;
            let mut file = folder.fresh_file(&fresh)?;
            file.write_all(&self.text(stored)?)?;
            file.sync_all()?;
            folder.rename(&fresh, &self.store.named("json"))?;
            folder.sync()
        };
        write().map_err(|source| {
            // A token that will never be used must not lie about.
            let _ = folder.remove(&fresh);
            StoreError::Io { what: "write", path: self.store.path(), source }
        })
    }

    fn text(&self, stored: &Stored) -> std::io::Result<Vec<u8>> {
        let written = Written {
            version: VERSION,
            account: self.store.account.clone(),
            issuer: stored.issuer.clone(),
            client_id: stored.client_id.clone(),
            seed: stored.seed.clone(),
            login: stored.login.clone(),
            signed_in: stored.signed_in,
            stored: stored.stored,
            refresh_token: stored.refresh_token.expose().to_owned(),
        };
        let mut text = serde_json::to_vec_pretty(&written)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Removes what is stored, and what a crash left of it. Whether there was something.
    pub fn remove(&self) -> Result<bool, StoreError> {
        let remove = || {
            let removed = self.folder.remove(&self.store.named("json"))?;
            // A crash may have left a token there.
            let left = self.folder.remove(&self.store.named("new"))?;
            if removed || left {
                self.folder.sync()?;
            }
            Ok(removed || left)
        };
        remove().map_err(|source| StoreError::Io { what: "remove", path: self.store.path(), source })
    }
}

/// Work on files is no worker's.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(StoreError::Io { what: "reach", path: PathBuf::new(), source: std::io::Error::other(error) })
    })
}

/// Our own user.
fn us() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests;
