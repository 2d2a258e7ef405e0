//! The embedded engine: one SQLite file in the state folder, one thread that writes it.
//!
//! What is accepted and what is settled travels over one queue to the writer, which commits everything that waits in
//! one transaction ([`writer`]). Committed publications go to the claimer through memory while they fit, else they are
//! read from the file again. The layout of the file is in [`schema`].

mod ranges;
mod reader;
mod retention;
mod schema;
mod shared;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use super::{Accepted, Change, Claim, Entry, Error, Journal, Options, Range};
use crate::kit::clock::Clock;
use shared::{Next, Shared};
use writer::{Command, Writer};

pub use schema::OpenError;
pub use shared::Figures;

/// How many bytes may wait to be stored; more is refused.
const QUEUE_BYTES: usize = 32 << 20;

/// See the module. Dropping it ends the writer after what waits is written.
pub struct Embedded {
    shared: Arc<Shared>,
    commands: Option<mpsc::Sender<Command>>,
    room: Arc<Semaphore>,
    reader: Mutex<Connection>,
    clock: Clock,
    writer: Option<JoinHandle<()>>,
    _lock: File,
}

impl Embedded {
    /// Opens the store: locks the folder, makes or migrates the file, finds what is not done.
    pub fn open(options: &Options, clock: Clock) -> Result<Self, OpenError> {
        let lock = schema::lock(&options.path)?;
        let file = schema::file(&options.path);
        let sqlite = |source| OpenError::Sqlite { path: file.clone(), source };
        let connection = schema::open(&file)?;
        let recovered = reader::recover(&connection).map_err(sqlite)?;
        let reader = schema::open_reader(&file)?;
        let shared = Arc::new(Shared::default());
        {
            let mut ready = shared.ready();
            ready.reset(Some(recovered.done_to), recovered.last_seq);
            ready.recovered_to = recovered.last_seq;
            ready.done = recovered.done.iter().copied().collect();
        }
        let (commands, queue) = mpsc::channel();
        let writer = Writer::new(connection, queue, Arc::clone(&shared), options.clone(), clock.clone(), recovered);
        let writer = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run())
            .map_err(|source| OpenError::Folder { path: options.path.clone(), source })?;
        let room = Arc::new(Semaphore::new(QUEUE_BYTES));
        Ok(Self {
            shared,
            commands: Some(commands),
            room,
            reader: Mutex::new(reader),
            clock,
            writer: Some(writer),
            _lock: lock,
        })
    }

    /// Figures for metrics and readiness.
    pub fn figures(&self) -> &Figures {
        &self.shared.figures
    }

    /// Whether the thread that writes has ended, which it does only by a bug.
    pub fn writer_ended(&self) -> bool {
        self.writer.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn send(&self, command: Command) -> Result<(), Error> {
        self.commands.as_ref().ok_or(Error::Closed)?.send(command).map_err(|_| Error::Closed)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_ready(&self, after: u64, up_to: u64, max: usize) -> rusqlite::Result<Vec<Claim>> {
        let reader = self.reader();
        let (mut claims, more) = reader::after(&reader, after, up_to, max)?;
        let read_to = if more { claims.last().map_or(up_to, |claim| claim.seq) } else { up_to };
        let recovered_to = {
            let ready = self.shared.ready();
            claims.retain(|claim| !ready.done.contains(claim.seq));
            ready.recovered_to
        };
        for claim in claims.iter_mut().filter(|claim| claim.seq <= recovered_to) {
            claim.recovered = true;
            claim.history = reader::lines(&reader, claim.seq)?;
        }
        self.shared.ready().read_to(read_to);
        Ok(claims)
    }
}

impl Journal for Embedded {
    async fn accept(&self, entries: Vec<Entry>) -> Result<Vec<Accepted>, Error> {
        let bytes: usize = entries.iter().map(|entry| entry.body.len() + entry.id.len() + entry.lane.len() + 64).sum();
        let room = u32::try_from(bytes).map_err(|_| Error::Busy)?;
        let permit = Arc::clone(&self.room).try_acquire_many_owned(room).map_err(|_| Error::Busy)?;
        let (reply, answer) = oneshot::channel();
        self.send(Command::Accept { entries, reply, permit })?;
        answer.await.map_err(|_| Error::Closed)?
    }

    async fn claim(&self, max: usize) -> Result<Vec<Claim>, Error> {
        loop {
            let next = self.shared.ready().next(max);
            let claims = match next {
                Next::Claims(claims) => return Ok(claims),
                Next::Nothing => return Ok(Vec::new()),
                Next::Read(after, up_to) => self.read_ready(after, up_to, max).map_err(|error| broken(&error))?,
            };
            if !claims.is_empty() {
                return Ok(claims);
            }
        }
    }

    async fn scan(&self, range: Range) -> Result<Vec<Claim>, Error> {
        reader::scan(&self.reader(), range).map_err(|error| broken(&error))
    }

    async fn load(&self, keys: &[Arc<str>]) -> Result<Vec<Option<Arc<str>>>, Error> {
        let now = self.clock.millis();
        keys.iter()
            .map(|key| match self.shared.fresh(key) {
                Some(set) => Ok((set.until > now).then_some(set.bytes)),
                None => reader::state(&self.reader(), key, now).map_err(|error| broken(&error)),
            })
            .collect()
    }

    fn settle(&self, change: Change) {
        if change.is_empty() {
            return;
        }
        self.shared.remember(&change.state);
        if self.shared.leave(change) {
            // A closed journal means that the process is ending without its writer; what is lost here is done again.
            let _ = self.send(Command::Settled);
        }
    }

    async fn attempt(&self, change: Change) -> Result<(), Error> {
        self.shared.remember(&change.state);
        let (reply, answer) = oneshot::channel();
        self.shared.leave(change);
        self.send(Command::Flush(reply))?;
        answer.await.map_err(|_| Error::Closed)?
    }

    async fn wake(&self) {
        self.shared.wake.notified().await;
    }

    async fn flush(&self) -> Result<(), Error> {
        self.attempt(Change::default()).await
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(writer) = self.writer.take() {
            // Its panic was reported by its own thread; there is nothing left to do about it here.
            let _ = writer.join();
        }
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("figures", &self.shared.figures).finish_non_exhaustive()
    }
}

/// Reads a store from outside, whether a daemon is running on it or not.
pub struct Reader(Connection);

impl Reader {
    /// Opens the store in a state folder.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        schema::open_reader(&schema::file(folder)).map(Self)
    }

    /// Publications of a range with their lines.
    pub fn scan(&self, range: Range) -> Result<Vec<Claim>, Error> {
        reader::scan(&self.0, range).map_err(|error| broken(&error))
    }
}

fn broken(error: &rusqlite::Error) -> Error {
    Error::Broken(error.to_string())
}
