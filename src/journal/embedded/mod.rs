//! The embedded engine: one SQLite file in the state folder, one thread that writes it.
//!
//! What is accepted and what is settled travels over one queue to the writer, which commits everything that waits in
//! one transaction ([`writer`]). Committed publications go to the claimer through memory while they fit, else they are
//! read from the file again. The layout of the file is in [`schema`].

mod backup;
mod ids;
mod outside;
mod queue;
mod ranges;
mod reader;
mod retention;
mod schema;
mod shared;
mod stat;
#[cfg(test)]
mod tests;
mod transaction;
mod verify;
mod writer;

use std::fs::File;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use super::{Accepted, Change, Claim, Entry, Error, Journal, Letter, Options, Range};
use crate::kit::clock::Clock;
use queue::Queue;
use shared::{Next, Shared};
use writer::{Command, Request, Writer};

pub use backup::{Backup, BackupError};
pub use outside::Reader;
pub use schema::OpenError;
pub use shared::Figures;
pub use stat::{Known, Open, Stat, Timers};
pub use verify::Finding;

/// How many bytes may wait to be stored; more is refused.
const QUEUE_BYTES: usize = 32 << 20;
/// With more keys of state than that in the file a start does not read them.
const KEYS_AT_START: usize = 50_000;
/// With so many lines settled and not written nothing new should be begun.
const UNWRITTEN: usize = 20_000;

/// See the module. Dropping it ends the writer after what waits is written.
pub struct Embedded {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    room: Arc<Semaphore>,
    reader: Mutex<Connection>,
    /// For the one question that is asked of every publication before it may be offered early.
    probe: Mutex<Connection>,
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
        // From now on a crash is a crash.
        connection.execute("UPDATE mark SET clean = 0", []).map_err(sqlite)?;
        let (reader, probe) = (schema::open_reader(&file)?, schema::open_reader(&file)?);
        let shared = Arc::new(Shared::default());
        {
            let mut ready = shared.ready();
            ready.reset(Some(recovered.done_to), recovered.last_seq);
            ready.recovered_to = recovered.last_seq;
            ready.unsure = !recovered.clean;
            ready.done = recovered.done();
        }
        shared.admission().last_seq = recovered.last_seq;
        shared.has_keys(reader::keys(&reader, KEYS_AT_START).map_err(sqlite)?);
        let queue = Arc::new(Queue::default());
        let writer =
            Writer::new(connection, Arc::clone(&queue), Arc::clone(&shared), options.clone(), clock.clone(), recovered);
        let writer = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run())
            .map_err(|source| OpenError::Folder { path: options.path.clone(), source })?;
        let room = Arc::new(Semaphore::new(QUEUE_BYTES));
        Ok(Self {
            shared,
            queue,
            room,
            reader: Mutex::new(reader),
            probe: Mutex::new(probe),
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

    /// Notes that nothing is under way and nothing will be: after this a new start is not unsure of anything.
    pub async fn rest(&self) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Rest(reply))?;
        answer.await.map_err(|_| Error::Closed)?
    }

    fn send(&self, command: Command) -> Result<(), Error> {
        self.queue.send(command).map_err(|_| Error::Closed)
    }

    /// Whether the one entry that it is was never stored. What can't be looked up is not new.
    fn is_new(&self, entries: &[Entry]) -> bool {
        let probe = self.probe.lock().unwrap_or_else(PoisonError::into_inner);
        let [entry] = entries else { return false };
        reader::is_seen(&probe, &entry.id).is_ok_and(|seen| !seen)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_ready(&self, after: u64, up_to: u64, max: usize) -> rusqlite::Result<Vec<Claim>> {
        let reader = self.reader();
        let (mut claims, more) = reader::after(&reader, after, up_to, max)?;
        let read_to = if more { claims.last().map_or(up_to, |claim| claim.seq) } else { up_to };
        let (recovered_to, unsure) = {
            let ready = self.shared.ready();
            claims.retain(|claim| !ready.done.contains(claim.seq));
            (ready.recovered_to, ready.unsure)
        };
        for claim in claims.iter_mut().filter(|claim| claim.seq <= recovered_to) {
            claim.recovered = unsure;
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
        let arrived = self.clock.millis();
        let figures = &self.shared.figures;
        let healthy = !figures.failing.load(Ordering::Relaxed) && !figures.full.load(Ordering::Relaxed);
        let (may_be_offered, new) = self.shared.admission().enter(&entries);
        let offered = may_be_offered && healthy && (new || self.is_new(&entries));
        {
            // Under one lock, so that positions are in the order of the queue.
            let mut admission = self.shared.admission();
            let first = admission.positions(entries.len());
            if let (true, [entry]) = (offered, entries.as_slice()) {
                let (entry, history) = (entry.clone(), Vec::new());
                admission.offer(Claim { seq: first, arrived, entry, recovered: false, history });
            }
            let request = Request { first, arrived, entries, offered, reply, _permit: permit };
            self.queue.leave(Command::Accept(request)).map_err(|_| Error::Closed)?;
        }
        // What is begun early is under way before the writer and the disk take their part of the machine: whoever takes
        // it up tells the writer, by its next claim. If nobody waits for it, the writer is told at once.
        let later = offered && self.shared.awaited.swap(false, Ordering::AcqRel);
        if !later {
            self.queue.tell();
        }
        if offered {
            self.shared.wake.notify_one();
        }
        answer.await.map_err(|_| Error::Closed)?
    }

    async fn claim(&self, max: usize) -> Result<Vec<Claim>, Error> {
        self.queue.tell();
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
        // In this order: what is written meanwhile is in one of them.
        let (fresh, may_have) = (self.shared.fresh(keys), self.shared.may_have(keys));
        let each = keys.iter().zip(fresh).zip(may_have).map(|((key, set), may_have)| match set {
            Some(set) => Ok((set.until > now).then_some(set.bytes)),
            None if !may_have => Ok(None),
            None => reader::state(&self.reader(), key, now).map_err(|error| broken(&error)),
        });
        each.collect()
    }

    fn settle(&self, change: Change) {
        if change.is_empty() {
            return;
        }
        self.shared.remember(&change.state);
        if self.shared.leave(change) {
            // A closed journal means that the process is ending without its writer; what is lost here is done again.
            let _ = self.queue.settled();
        }
    }

    async fn attempt(&self, change: Change) -> Result<(), Error> {
        self.shared.note_keys(&change.state);
        let (reply, answer) = oneshot::channel();
        self.send(Command::Attempt(change, reply))?;
        answer.await.map_err(|_| Error::Closed)?
    }

    fn early(&self) -> Vec<Claim> {
        self.shared.admission().take_early()
    }

    fn refused(&self) -> Vec<u64> {
        self.shared.admission().take_refused()
    }

    async fn fire(&self, now: i64) -> Result<Option<i64>, Error> {
        // Also when the file tells of none: one that was settled may not be in it yet.
        let (reply, answer) = oneshot::channel();
        self.send(Command::Fire(now, reply))?;
        answer.await.map_err(|_| Error::Closed)?
    }

    async fn letters(&self, after: u64, max: usize) -> Result<Vec<Letter>, Error> {
        reader::letters(&self.reader(), after, max).map_err(|error| broken(&error))
    }

    fn pressed(&self) -> bool {
        self.shared.unwritten.load(Ordering::Relaxed) > UNWRITTEN
    }

    async fn wake(&self) {
        self.queue.tell();
        let _awaits = self.shared.awaits();
        self.shared.wake.notified().await;
    }

    async fn flush(&self) -> Result<(), Error> {
        self.attempt(Change::default()).await
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.queue.close();
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

fn broken(error: &rusqlite::Error) -> Error {
    Error::Broken(error.to_string())
}
