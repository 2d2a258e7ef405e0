//! The one thread that writes: group commit, outcomes that ride along, what happens when a commit fails.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, params};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::super::{Accepted, Claim, Entry, Error, Line, Options, RIDE, StateChange};
use super::ranges::Ranges;
use super::reader::{self, Recovered};
use super::retention::Retention;
use super::schema;
use super::shared::Shared;
use crate::kit::clock::Clock;

/// A batch that is larger than this waits for company.
const GATHER_OVER: usize = 3;
/// How long it waits.
const GATHER: Duration = Duration::from_micros(300);
/// The most publications in one transaction.
const BATCH: usize = 2048;
/// How long to wait before what was settled is tried again after a commit that failed.
const RETRY: Duration = Duration::from_millis(250);
/// How often the mark is written, at most.
const MARK_EVERY: Duration = Duration::from_secs(1);

type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// What the writer is asked for.
pub(super) enum Command {
    /// Store these, all or none.
    Accept { entries: Vec<Entry>, reply: Reply<Vec<Accepted>>, permit: OwnedSemaphorePermit },
    /// There is something settled to take; it may ride along.
    Settled,
    /// Write what is settled now; somebody waits.
    Flush(Reply<()>),
}

/// One request to accept, while its transaction is under way.
struct Request {
    entries: Vec<Entry>,
    reply: Reply<Vec<Accepted>>,
    _permit: OwnedSemaphorePermit,
}

/// What the next transaction writes.
#[derive(Default)]
struct Batch {
    accepts: Vec<Request>,
    count: usize,
    replies: Vec<Reply<()>>,
}

pub(super) struct Writer {
    connection: Option<Connection>,
    queue: Receiver<Command>,
    shared: Arc<Shared>,
    options: Options,
    clock: Clock,
    last_seq: u64,
    last_n: i64,
    done_to: u64,
    done: Ranges,
    marked: (u64, Instant),
    /// Settled and not yet durable, with their numbers: kept until a commit succeeds.
    lines: Vec<(i64, Line)>,
    state: HashMap<Arc<str>, StateChange>,
    /// When what is settled must be tried, at the latest.
    due: Option<Instant>,
    retention: Retention,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        queue: Receiver<Command>,
        shared: Arc<Shared>,
        options: Options,
        clock: Clock,
        recovered: Recovered,
    ) -> Self {
        let retention = Retention::new(&options);
        let mut done: Ranges = recovered.done.iter().copied().collect();
        let done_to = done.advance(recovered.done_to);
        let writer = Self {
            connection: Some(connection),
            queue,
            shared,
            options,
            clock,
            last_seq: recovered.last_seq,
            last_n: recovered.last_n,
            done_to,
            done,
            marked: (recovered.done_to, Instant::now()),
            lines: Vec::new(),
            state: HashMap::new(),
            due: None,
            retention,
        };
        writer.shared.figures.done_to.store(done_to, Ordering::Relaxed);
        writer.shared.figures.committed.store(recovered.last_seq, Ordering::Relaxed);
        writer
    }

    /// Until everybody who could ask has gone and everything is written.
    pub(super) fn run(mut self) {
        loop {
            let (batch, open) = self.gather();
            if batch.count > 0
                || !batch.replies.is_empty()
                || self.due.is_some_and(|due| due <= Instant::now())
                || !open
            {
                self.commit(batch);
            }
            if !open {
                return self.close();
            }
            if let Some(connection) = &self.connection {
                self.retention.work(connection, &self.shared, &self.clock, self.done_to, self.last_seq, self.last_n);
            }
        }
    }

    /// Waits for the first command, then takes everything that waits; a batch of some size waits a moment for more.
    fn gather(&mut self) -> (Batch, bool) {
        let mut batch = Batch::default();
        let now = Instant::now();
        let patience = self.due.map_or(self.retention.patience(), |due| due.saturating_duration_since(now));
        match self.queue.recv_timeout(patience) {
            Ok(command) => self.take(command, &mut batch),
            Err(RecvTimeoutError::Timeout) => return (batch, true),
            Err(RecvTimeoutError::Disconnected) => return (batch, false),
        }
        let mut until = None;
        while batch.count < BATCH {
            match self.queue.try_recv() {
                Ok(command) => self.take(command, &mut batch),
                Err(mpsc::TryRecvError::Disconnected) => return (batch, false),
                Err(mpsc::TryRecvError::Empty) if batch.count <= GATHER_OVER => break,
                Err(mpsc::TryRecvError::Empty) => {
                    let left =
                        until.get_or_insert_with(|| Instant::now() + GATHER).saturating_duration_since(Instant::now());
                    match self.queue.recv_timeout(left) {
                        Ok(command) => self.take(command, &mut batch),
                        Err(_) => break,
                    }
                }
            }
        }
        (batch, true)
    }

    fn take(&mut self, command: Command, batch: &mut Batch) {
        match command {
            Command::Accept { entries, reply, permit } => {
                batch.count += entries.len().max(1);
                batch.accepts.push(Request { entries, reply, _permit: permit });
            }
            Command::Settled => drop(self.due.get_or_insert_with(|| Instant::now() + RIDE)),
            Command::Flush(reply) => batch.replies.push(reply),
        }
    }

    /// Takes over what was settled since the last time.
    fn take_settled(&mut self) {
        for change in self.shared.take() {
            for line in change.lines {
                self.last_n += 1;
                self.lines.push((self.last_n, line));
            }
            self.state.extend(change.state.into_iter().map(|change| (Arc::clone(&change.key), change)));
        }
    }

    fn commit(&mut self, mut batch: Batch) {
        if self.retention.is_full() {
            let accepts = std::mem::take(&mut batch.accepts);
            let full = Error::Full(format!("it has reached max_size, {} bytes", self.options.max_size));
            // Outcomes are written all the same: what is done can be deleted, which makes room.
            Self::refuse(Batch { accepts, ..Batch::default() }, &full);
        }
        self.take_settled();
        let arrived = self.clock.millis();
        match self.write(&batch.accepts, arrived) {
            Ok(results) => self.committed(batch, results, arrived),
            Err(error) => {
                tracing::error!(%error, "the journal could not commit; senders are told to come again");
                self.shared.figures.failing.store(true, Ordering::Relaxed);
                self.due = Some(Instant::now() + RETRY);
                let disk_full = matches!(&error, rusqlite::Error::SqliteFailure(e, _) if e.code == ErrorCode::DiskFull);
                if !disk_full {
                    self.reopen();
                }
                let error = if disk_full { Error::Full(error.to_string()) } else { Error::Broken(error.to_string()) };
                Self::refuse(batch, &error);
            }
        }
    }

    fn refuse(batch: Batch, error: &Error) {
        // Whoever has gone away meanwhile needs no answer.
        for request in batch.accepts {
            drop(request.reply.send(Err(error.clone())));
        }
        for reply in batch.replies {
            drop(reply.send(Err(error.clone())));
        }
    }

    /// One transaction: publications, lines, state, and now and then the mark.
    fn write(&mut self, accepts: &[Request], arrived: i64) -> rusqlite::Result<Vec<Vec<Accepted>>> {
        let Some(connection) = &self.connection else {
            let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
            return Err(rusqlite::Error::SqliteFailure(busy, Some("the file could not be opened again".into())));
        };
        let transaction = rusqlite::Transaction::new_unchecked(connection, rusqlite::TransactionBehavior::Immediate)?;
        let mut seq = self.last_seq;
        let results = accepts
            .iter()
            .map(|request| request.entries.iter().map(|entry| store(&transaction, entry, &mut seq, arrived)).collect())
            .collect::<rusqlite::Result<_>>()?;
        for (n, line) in &self.lines {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO outcome(n, seq, run, fate, at, due, last, bytes) VALUES (?,?,?,?,?,?,?,?)",
                )?
                .execute(params![n, line.seq, line.run, line.fate, line.at, line.due, line.last, line.bytes])?;
        }
        for change in self.state.values() {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO state(key, until, bytes) VALUES (?,?,?)")?
                .execute(params![change.key, change.until, change.bytes])?;
        }
        if self.done_to != self.marked.0 && self.marked.1.elapsed() >= MARK_EVERY {
            mark(&transaction, self.done_to, seq, self.last_n)?;
            self.marked = (self.done_to, Instant::now());
        }
        transaction.commit()?;
        Ok(results)
    }

    fn committed(&mut self, batch: Batch, results: Vec<Vec<Accepted>>, arrived: i64) {
        self.shared.figures.failing.store(false, Ordering::Relaxed);
        let mut bytes = 0;
        for (_, line) in self.lines.drain(..) {
            bytes += line.bytes.len() + 128;
            if line.last && line.seq > self.done_to {
                self.done.insert(line.seq);
            }
        }
        self.done_to = self.done.advance(self.done_to);
        self.shared.figures.done_to.store(self.done_to, Ordering::Relaxed);
        self.shared.written(&self.state);
        self.state.clear();
        self.due = None;
        let mut claims = Vec::new();
        let mut replies = Vec::with_capacity(batch.accepts.len());
        for (request, accepted) in batch.accepts.into_iter().zip(results) {
            for (entry, accepted) in request.entries.into_iter().zip(&accepted) {
                if let Accepted::New(seq) = *accepted {
                    bytes += entry.body.len() + 256;
                    self.last_seq = seq;
                    claims.push(Claim { seq, arrived, entry, recovered: false, history: Vec::new() });
                }
            }
            replies.push((request.reply, accepted));
        }
        self.shared.publish(claims);
        for (reply, accepted) in replies {
            drop(reply.send(Ok(accepted)));
        }
        for reply in batch.replies {
            drop(reply.send(Ok(())));
        }
        self.retention.wrote(bytes);
    }

    /// After any failure but a full disk the handle is not trusted: what a failed sync left behind is unknown. The file
    /// is opened again and what it holds decides.
    fn reopen(&mut self) {
        self.connection = None;
        let path = schema::file(&self.options.path);
        match schema::open(&path).map_err(|error| error.to_string()).and_then(|connection| {
            let recovered = reader::recover(&connection).map_err(|error| error.to_string())?;
            Ok((connection, recovered))
        }) {
            Ok((connection, recovered)) => {
                self.connection = Some(connection);
                self.last_seq = self.last_seq.max(recovered.last_seq);
                self.shared.ready().reset(None, self.last_seq);
                self.shared.wake.notify_one();
            }
            Err(error) => tracing::error!(error, "the journal could not be opened again; trying with the next commit"),
        }
    }

    fn close(&mut self) {
        if !self.lines.is_empty() {
            tracing::error!(
                lines = self.lines.len(),
                "the journal ends without these outcomes; what they tell may be done again"
            );
        }
        if let Some(connection) = &self.connection {
            let closed = mark(connection, self.done_to, self.last_seq, self.last_n)
                .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
            if let Err(error) = closed {
                tracing::warn!(%error, "the journal could not be tidied at the end; the next start does it");
            }
        }
    }
}

/// Stores one publication, unless its id is known.
fn store(connection: &Connection, entry: &Entry, seq: &mut u64, arrived: i64) -> rusqlite::Result<Accepted> {
    let next = *seq + 1;
    let new = connection
        .prepare_cached("INSERT INTO seen(seq, at, id) VALUES (?,?,?) ON CONFLICT(id) DO NOTHING")?
        .execute(params![next, arrived, entry.id])?;
    if new == 0 {
        return Ok(Accepted::Known);
    }
    connection
        .prepare_cached("INSERT INTO publication(seq, arrived, id, lane, source, body) VALUES (?,?,?,?,?,?)")?
        .execute(params![next, arrived, entry.id, entry.lane, entry.source, entry.body])?;
    *seq = next;
    Ok(Accepted::New(next))
}

/// Writes the mark.
pub(super) fn mark(connection: &Connection, done_to: u64, last_seq: u64, last_n: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE mark SET done_to = ?, last_seq = ?, last_n = ?")?
        .execute(params![done_to, last_seq, last_n])
        .map(drop)
}
