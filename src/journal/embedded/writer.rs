//! The one thread that writes: group commit, outcomes that ride along, what happens when a commit fails.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::super::{Accepted, Change, Claim, Entry, Error, Options, RIDE};
use super::queue::{Missing, Queue};
use super::ranges::Ranges;
use super::reader::{self, Recovered};
use super::retention::Retention;
use super::schema;
use super::shared::Shared;
use super::transaction::{self, Pending, Written, mark, mark_clean};
use crate::kit::clock::Clock;

/// A batch that is larger than this waits for company.
const GATHER_OVER: usize = 3;
/// How long it waits.
const GATHER: Duration = Duration::from_micros(300);
/// The most publications in one transaction.
const BATCH: usize = 2048;
/// The most timers that fire in one transaction.
const FIRE: usize = 256;
/// How long to wait before what was settled is tried again after a commit that failed.
const RETRY: Duration = Duration::from_millis(250);
/// How many ids are read at once after the start, and how long the writer sleeps at most before the next ones.
const IDS: usize = 1000;
const IDS_EVERY: Duration = Duration::from_millis(2);
/// How often the mark is written, at most.
const MARK_EVERY: Duration = Duration::from_secs(1);

type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// What the writer is asked for.
pub(super) enum Command {
    /// Store these, all or none.
    Accept(Request),
    /// There is something settled to take; it may ride along.
    Settled,
    /// Write this; somebody waits, and when it fails it is forgotten.
    Attempt(Change, Reply<()>),
    /// Turn timers that are due into publications; when the next one is due.
    Fire(i64, Reply<Option<i64>>),
    /// Note that nothing is under way any more.
    Rest(Reply<()>),
}

/// One request to accept.
pub(super) struct Request {
    /// The position of its first entry.
    pub(super) first: u64,
    pub(super) arrived: i64,
    pub(super) entries: Vec<Entry>,
    /// Whether its one entry was offered before it is durable.
    pub(super) offered: bool,
    pub(super) reply: Reply<Vec<Accepted>>,
    pub(super) _permit: OwnedSemaphorePermit,
}

/// What the next transaction writes, beside what is settled.
#[derive(Default)]
struct Batch {
    accepts: Vec<Request>,
    count: usize,
    attempts: Vec<(Change, Reply<()>)>,
    fires: Vec<(i64, Reply<Option<i64>>)>,
    rests: Vec<Reply<()>>,
}

/// Our own publications of a transaction, at their positions.
#[derive(Default)]
struct Own {
    first: u64,
    entries: Vec<Entry>,
    /// The timers that fire.
    fired: Vec<Arc<str>>,
}

pub(super) struct Writer {
    connection: Option<Connection>,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    options: Options,
    clock: Clock,
    /// The newest position that may be in the file.
    last_seq: u64,
    last_n: i64,
    done_to: u64,
    done: Ranges,
    marked: (u64, Instant),
    pending: Pending,
    /// When what is settled must be tried, at the latest.
    due: Option<Instant>,
    /// Positions of a failed commit of which it is not known whether they are in the file.
    uncertain: Vec<u64>,
    retention: Retention,
    /// Up to where the ids that were there at the start are read; none when all are.
    ids_to: Option<u64>,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        queue: Arc<Queue>,
        shared: Arc<Shared>,
        options: Options,
        clock: Clock,
        recovered: Recovered,
    ) -> Self {
        let retention = Retention::new(&options);
        let mut done = recovered.done();
        let done_to = done.advance(recovered.done_to);
        let mut writer = Self {
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
            pending: Pending::default(),
            due: None,
            uncertain: Vec::new(),
            retention,
            ids_to: Some(0),
        };
        writer.shared.figures.done_to.store(done_to, Ordering::Relaxed);
        writer.shared.figures.committed.store(recovered.last_seq, Ordering::Relaxed);
        writer.count_letters();
        writer.read_ids();
        writer
    }

    /// Until everybody who could ask has gone and everything is written.
    pub(super) fn run(mut self) {
        loop {
            let (batch, open) = self.gather();
            let idle = batch.is_empty();
            if !batch.is_empty() || self.due.is_some_and(|due| due <= Instant::now()) || !open {
                self.commit(batch);
            }
            if !open {
                return self.close();
            }
            if let Some(connection) = &self.connection {
                self.retention.work(connection, &self.shared, &self.clock, self.done_to, self.last_seq, self.last_n);
            }
            if idle {
                self.read_ids();
            }
        }
    }

    /// Reads some of the ids that were there at the start, when there is nothing else to do. What came since is known without.
    fn read_ids(&mut self) {
        let (Some(after), Some(connection)) = (self.ids_to, &self.connection) else { return };
        let ids = match reader::ids(connection, after, IDS) {
            Ok(ids) => ids,
            Err(error) => return tracing::debug!(%error, "ids could not be read; trying again"),
        };
        let mut admission = self.shared.admission();
        for (_, id) in &ids {
            admission.ids.add(id);
        }
        self.ids_to = ids.last().map(|(seq, _)| *seq).filter(|_| ids.len() == IDS);
        admission.ids.complete = self.ids_to.is_none();
    }

    /// Waits for the first command, then takes everything that waits; a batch of some size waits a moment for more.
    fn gather(&mut self) -> (Batch, bool) {
        let mut batch = Batch::default();
        let now = Instant::now();
        let mut patience = self.due.map_or(self.retention.patience(), |due| due.saturating_duration_since(now));
        if self.ids_to.is_some() {
            patience = patience.min(IDS_EVERY);
        }
        match self.queue.wait(patience) {
            Ok(command) => self.take(command, &mut batch),
            Err(missing) => return (batch, missing == Missing::Yet),
        }
        let mut until = None;
        while batch.count < BATCH {
            match self.queue.next() {
                Ok(command) => self.take(command, &mut batch),
                Err(Missing::Ever) => return (batch, false),
                Err(Missing::Yet) if batch.count <= GATHER_OVER => break,
                Err(Missing::Yet) => {
                    let left =
                        until.get_or_insert_with(|| Instant::now() + GATHER).saturating_duration_since(Instant::now());
                    match self.queue.wait(left) {
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
            Command::Accept(request) => {
                batch.count += request.entries.len().max(1);
                batch.accepts.push(request);
            }
            Command::Settled => self.look_soon(),
            Command::Attempt(change, reply) => batch.attempts.push((change, reply)),
            Command::Fire(now, reply) => batch.fires.push((now, reply)),
            Command::Rest(reply) => batch.rests.push(reply),
        }
    }

    /// Looks for what is settled at most [`RIDE`] from now: nobody needs to tell of it until then.
    fn look_soon(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + RIDE);
        self.queue.looks(true);
    }

    fn commit(&mut self, mut batch: Batch) {
        // Before what is settled is taken: whatever is left after that sets it anew.
        self.due = None;
        self.queue.looks(false);
        for change in self.shared.take() {
            self.pending.add(change, &mut self.last_n);
        }
        if batch.is_empty() && self.pending.is_empty() {
            return;
        }
        let own = match self.own(&mut batch) {
            Ok(own) => own,
            Err(error) => return self.failed(batch, &Own::default(), &error),
        };
        self.shared.figures.full.store(self.retention.is_full(), Ordering::Relaxed);
        if self.retention.is_full() {
            // Outcomes are written all the same: what is done can be deleted, which makes room.
            let full = Error::Full(format!("it has reached max_size, {} bytes", self.options.max_size));
            let accepts = std::mem::take(&mut batch.accepts);
            self.give_up(accepts.iter().flat_map(Request::positions));
            self.refuse(accepts, &full);
        }
        match self.write(&batch, &own) {
            Ok(written) => self.committed(batch, &own, written),
            Err(error) => self.failed(batch, &own, &error),
        }
    }

    /// Our own publications get positions behind those that are on their way: the writer takes all of these into the
    /// batch first, so that positions grow from commit to commit.
    fn own(&mut self, batch: &mut Batch) -> rusqlite::Result<Own> {
        let mut own = Own::default();
        let some = |batch: &Batch| batch.attempts.iter().any(|(change, _)| !change.events.is_empty());
        if self.pending.events.is_empty() && batch.fires.is_empty() && !some(batch) {
            return Ok(own);
        }
        let shared = Arc::clone(&self.shared);
        let mut admission = shared.admission();
        while let Ok(command) = self.queue.next() {
            self.take(command, batch);
        }
        own.entries.extend(self.pending.events.iter().cloned());
        own.entries.extend(batch.attempts.iter().flat_map(|(change, _)| change.events.iter().cloned()));
        if let (Some(now), Some(connection)) = (batch.fires.iter().map(|(now, _)| *now).max(), &self.connection) {
            for timer in reader::due(connection, now, FIRE)?.0 {
                own.fired.push(timer.id);
                own.entries.push(timer.entry);
            }
        }
        for entry in &own.entries {
            admission.ids.add(&entry.id);
        }
        own.first = admission.positions(own.entries.len());
        Ok(own)
    }

    /// One transaction: publications, what is settled, what is attempted, timers that fire, now and then the mark.
    fn write(&mut self, batch: &Batch, own: &Own) -> rusqlite::Result<Written> {
        let Some(connection) = &self.connection else {
            let closed = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
            return Err(rusqlite::Error::SqliteFailure(closed, Some("the file could not be opened again".into())));
        };
        let arrived = self.clock.millis();
        let transaction = transaction::begin(connection)?;
        let accepted = transaction::accept(&transaction, &batch.accepts)?;
        // A timer that fires goes before one of the same name is set anew.
        for id in &own.fired {
            transaction::clear_timer(&transaction, id)?;
        }
        let mut letters = self.pending.write(&transaction)?;
        for (change, _) in &batch.attempts {
            let mut attempted = Pending::default();
            attempted.add(change.clone(), &mut self.last_n);
            letters += attempted.write(&transaction)?;
        }
        let next_due = if batch.fires.is_empty() { None } else { reader::due(&transaction, i64::MIN, 1)?.1 };
        let own = transaction::publish(&transaction, own.entries.clone(), own.first, arrived)?;
        let newest = batch.newest().max(own.last().map_or(0, |claim| claim.seq)).max(self.last_seq);
        if !batch.rests.is_empty() {
            mark_clean(&transaction)?;
        }
        if self.done_to != self.marked.0 && self.marked.1.elapsed() >= MARK_EVERY {
            mark(&transaction, self.done_to, newest, self.last_n)?;
            self.marked = (self.done_to, Instant::now());
        }
        transaction.commit()?;
        Ok(Written { accepted, own, letters, next_due })
    }

    fn committed(&mut self, batch: Batch, own: &Own, written: Written) {
        self.shared.figures.failing.store(false, Ordering::Relaxed);
        self.last_seq = self.last_seq.max(batch.newest()).max(own.newest());
        let pending = std::mem::take(&mut self.pending);
        let mut bytes = pending.lines.iter().map(|(_, line)| line.bytes.len() + 128).sum();
        let attempted = batch.attempts.iter().flat_map(|(change, _)| &change.lines);
        for line in pending.lines.iter().map(|(_, line)| line).chain(attempted).filter(|line| line.last) {
            self.finish(line.seq);
        }
        self.shared.written(&pending.state);
        self.shared.unwritten.store(0, Ordering::Relaxed);
        self.shared.figures.letters.fetch_add(written.letters.cast_unsigned(), Ordering::Relaxed);
        let stored: Vec<u64> = written.own.iter().map(|claim| claim.seq).collect();
        self.give_up(own.positions().filter(|seq| !stored.contains(seq)));
        let mut claims = Vec::new();
        let mut replies = Vec::with_capacity(batch.accepts.len());
        {
            let mut admission = self.shared.admission();
            for (request, accepted) in batch.accepts.into_iter().zip(written.accepted) {
                admission.leave(&request.entries);
                for ((seq, entry), accepted) in (request.first..).zip(request.entries).zip(&accepted) {
                    if *accepted == Accepted::Known {
                        self.done.insert(seq);
                        if request.offered {
                            admission.refuse(seq);
                        }
                        continue;
                    }
                    bytes += entry.body.len() + 256;
                    claims.push(Claim { seq, arrived: request.arrived, entry, recovered: false, history: Vec::new() });
                }
                replies.push((request.reply, accepted));
            }
        }
        self.done_to = self.done.advance(self.done_to);
        self.shared.figures.done_to.store(self.done_to, Ordering::Relaxed);
        claims.extend(written.own);
        if !claims.is_empty() {
            // What is decided about them follows.
            self.look_soon();
        }
        self.shared.publish(claims);
        for (reply, accepted) in replies {
            drop(reply.send(Ok(accepted)));
        }
        for reply in batch.attempts.into_iter().map(|(_, reply)| reply).chain(batch.rests) {
            drop(reply.send(Ok(())));
        }
        for (_, reply) in batch.fires {
            drop(reply.send(Ok(written.next_due)));
        }
        self.retention.wrote(bytes);
    }

    fn failed(&mut self, batch: Batch, own: &Own, error: &rusqlite::Error) {
        tracing::error!(%error, "the journal could not commit; senders are told to come again");
        self.shared.figures.failing.store(true, Ordering::Relaxed);
        self.shared.unwritten.store(self.pending.len(), Ordering::Relaxed);
        self.due = Some(Instant::now() + RETRY);
        let positions: Vec<u64> = batch.accepts.iter().flat_map(Request::positions).chain(own.positions()).collect();
        let disk_full = matches!(error, rusqlite::Error::SqliteFailure(e, _) if e.code == ErrorCode::DiskFull);
        if disk_full {
            self.give_up(positions.into_iter());
        } else {
            self.uncertain.extend(positions);
            self.reopen();
        }
        let error = if disk_full { Error::Full(error.to_string()) } else { Error::Broken(error.to_string()) };
        self.refuse(batch.accepts, &error);
        for reply in batch.attempts.into_iter().map(|(_, reply)| reply).chain(batch.rests) {
            drop(reply.send(Err(error.clone())));
        }
        for (_, reply) in batch.fires {
            drop(reply.send(Err(error.clone())));
        }
    }

    /// Whoever has gone away meanwhile needs no answer.
    fn refuse(&self, accepts: Vec<Request>, error: &Error) {
        let mut offered = false;
        for request in accepts {
            let mut admission = self.shared.admission();
            admission.leave(&request.entries);
            if request.offered {
                admission.refuse(request.first);
                offered = true;
            }
            drop(admission);
            drop(request.reply.send(Err(error.clone())));
        }
        if offered {
            self.shared.wake.notify_one();
        }
    }

    /// Nothing will ever stand at these positions.
    fn give_up(&mut self, positions: impl Iterator<Item = u64>) {
        for seq in positions {
            // It is spent: were it given out again after a restart, what stands there would pass for done.
            self.last_seq = self.last_seq.max(seq);
            self.finish(seq);
        }
        self.done_to = self.done.advance(self.done_to);
        self.shared.figures.done_to.store(self.done_to, Ordering::Relaxed);
    }

    fn finish(&mut self, seq: u64) {
        if seq > self.done_to {
            self.done.insert(seq);
        }
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
                self.count_letters();
                self.last_seq = self.last_seq.max(recovered.last_seq);
                let uncertain = std::mem::take(&mut self.uncertain);
                self.give_up(uncertain.into_iter().filter(|seq| recovered.open.binary_search(seq).is_err()));
                self.shared.ready().reset(None, self.last_seq);
                self.shared.wake.notify_one();
            }
            Err(error) => tracing::error!(error, "the journal could not be opened again; trying with the next commit"),
        }
    }

    fn count_letters(&self) {
        let count = |connection: &Connection| connection.query_row("SELECT count(*) FROM letter", [], |row| row.get(0));
        if let Some(Ok(letters)) = self.connection.as_ref().map(count) {
            self.shared.figures.letters.store(letters, Ordering::Relaxed);
        }
    }

    fn close(&mut self) {
        if !self.pending.is_empty() {
            tracing::error!(
                lines = self.pending.len(),
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

/// However the writer ends, nobody waits for it in vain.
impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.desert();
    }
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.accepts.is_empty() && self.attempts.is_empty() && self.fires.is_empty() && self.rests.is_empty()
    }

    fn newest(&self) -> u64 {
        self.accepts.iter().filter_map(|request| request.positions().next_back()).max().unwrap_or(0)
    }
}

impl Request {
    fn positions(&self) -> std::ops::Range<u64> {
        self.first..self.first + self.entries.len() as u64
    }
}

impl Own {
    fn positions(&self) -> std::ops::Range<u64> {
        self.first..self.first + self.entries.len() as u64
    }

    fn newest(&self) -> u64 {
        self.positions().next_back().unwrap_or(0)
    }
}
