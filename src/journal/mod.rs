//! The durable queue and state: one trait with its laws, two engines.
//!
//! The journal sees ids, lane keys, bytes and due times, never events, rules or actions. What it promises:
//!
//! - [`Journal::accept`] returns when all its entries are durable, or fails for all of them together. An entry whose id
//!   is known is not stored again; one that is just being stored by somebody else is waited for.
//! - [`Journal::claim`] hands out what is not done, in the order of `seq`, each once in a process's life. After a crash
//!   it begins again with everything that has no final [`Line`], with the lines that are durable as its history.
//! - [`Journal::settle`] writes all of a [`Change`] or nothing. It returns at once: outcomes ride in the next commit, at
//!   most [`RIDE`] later. [`Journal::attempt`] is the same, durable on return, and leaves nothing behind when it fails.
//! - [`Journal::early`] hands out publications whose commit is under way: what may be begun before it is durable. Each
//!   is claimed later, when it is, or named by [`Journal::refused`].
//! - [`Journal::fire`] turns timers that are due into publications, each once.
//!
//! The engines: [`embedded`] (SQLite in the state folder) and [`memory`] (for simulations: it can crash at any point).
//! Both run the file of laws, `laws.rs`.

pub mod embedded;
#[cfg(test)]
mod laws;
pub mod memory;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use embedded::Embedded;

/// How long an outcome may wait for a commit to ride in.
pub const RIDE: Duration = Duration::from_millis(20);

/// How long a letter is kept unless the settings say otherwise.
pub const KEEP_DEAD: Duration = Duration::from_hours(30 * 24);

/// How long a publication's id is remembered, at least while the store is below its largest size.
pub const DEDUPE_WINDOW: Duration = Duration::from_hours(7 * 24);

/// The settled `[journal]`.
#[derive(Clone, Debug)]
pub struct Options {
    /// The state folder.
    pub path: PathBuf,
    /// How long publications and outcomes are kept.
    pub retain: Duration,
    /// The largest size of the store in bytes.
    pub max_size: u64,
    /// How long dead letters are kept, and their publications with them.
    pub keep_dead: Duration,
}

/// One publication, as it is handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its id, account included: what repeats are recognised by.
    pub id: Arc<str>,
    /// Its order key, account included.
    pub lane: Arc<str>,
    /// Whose key verified it: account and application.
    pub source: Arc<str>,
    /// Its JSON text.
    pub body: Arc<str>,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Stored now, at this position.
    New(u64),
    /// Its id was stored before.
    Known,
}

/// One publication, as it is handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its position: larger is later.
    pub seq: u64,
    /// When it was stored, in milliseconds since 1970.
    pub arrived: i64,
    /// What was handed in.
    pub entry: Entry,
    /// Whether it was there when the journal was opened after a crash: something may have been done for it that is not
    /// recorded. After a clean stop ([`Embedded::rest`]) nothing is.
    pub recovered: bool,
    /// What is known of it from before a restart, oldest first.
    pub history: Vec<Line>,
}

/// One thing that became of a publication. Lines are only ever added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The publication.
    pub seq: u64,
    /// The run it belongs to (a rule's name), or empty for the publication itself.
    pub run: Arc<str>,
    /// What happened, in a word.
    pub fate: Arc<str>,
    /// When it happened, in milliseconds since 1970.
    pub at: i64,
    /// When it wants to be taken up again, in milliseconds since 1970.
    pub due: Option<i64>,
    /// Whether the publication is done with this line: nothing more will come.
    pub last: bool,
    /// The record, as JSON text.
    pub bytes: String,
}

/// A change of durable state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The key, account included.
    pub key: Arc<str>,
    /// The new value as JSON text.
    pub bytes: Arc<str>,
    /// When it may be forgotten, in milliseconds since 1970.
    pub until: i64,
}

/// A publication that comes by itself when its time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Its name, account included: setting it again replaces it.
    pub id: Arc<str>,
    /// When it is due, in milliseconds since 1970.
    pub due: i64,
    /// What is published then. Its id should name the due time: that keeps two firings of one timer apart.
    pub entry: Entry,
}

/// A change of the timers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimerChange {
    /// Sets it, in the place of one of the same name.
    Set(Timer),
    /// Calls it off, if it is there.
    Clear(Arc<str>),
}

impl TimerChange {
    /// The timer's name.
    pub fn id(&self) -> &Arc<str> {
        match self {
            Self::Set(timer) => &timer.id,
            Self::Clear(id) => id,
        }
    }
}

/// What was given up and waits for somebody to look at it. Its publication is kept as long as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its number; 0 until it is written.
    pub id: u64,
    /// The publication.
    pub seq: u64,
    /// The run that was given up: a rule's name.
    pub run: Arc<str>,
    /// How it ended, in a word. The record is in the run's last line.
    pub fate: Arc<str>,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// How long it is kept, in milliseconds since 1970.
    pub until: i64,
}

/// What is written together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Lines to add.
    pub lines: Vec<Line>,
    /// State to set.
    pub state: Vec<StateChange>,
    /// Timers to set or to call off.
    pub timers: Vec<TimerChange>,
    /// Publications of our own; one whose id is known is not stored again.
    pub events: Vec<Entry>,
    /// Letters to keep.
    pub letters: Vec<Letter>,
    /// Letters to throw away, by number.
    pub discard: Vec<u64>,
}

impl Change {
    /// Nothing but lines.
    pub fn lines(lines: Vec<Line>) -> Self {
        Self { lines, ..Self::default() }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds another change.
    pub fn extend(&mut self, other: Self) {
        self.lines.extend(other.lines);
        self.state.extend(other.state);
        self.timers.extend(other.timers);
        self.events.extend(other.events);
        self.letters.extend(other.letters);
        self.discard.extend(other.discard);
    }
}

/// Which publications to read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The newest so many, oldest first.
    Newest(usize),
    /// So many from this position on (exclusive).
    After(u64, usize),
    /// Just this one.
    One(u64),
}

/// Why the journal can't take something.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// More waits to be stored than memory allows.
    #[error("the journal's queue is full")]
    Busy,
    /// The disk is full, or the store has reached its largest size with nothing to delete.
    #[error("no room in the store: {0}")]
    Full(String),
    /// The store can't be written.
    #[error("the store can't be written: {0}")]
    Broken(String),
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
}

/// The durable queue and state.
pub trait Journal: Send + Sync + 'static {
    /// Stores entries, all or none; durable on return.
    fn accept(&self, entries: Vec<Entry>) -> impl Future<Output = Result<Vec<Accepted>, Error>> + Send;

    /// Takes up to `max` publications that are not done, in order; each is handed out once until the journal is opened
    /// again. Empty when there are none just now.
    fn claim(&self, max: usize) -> impl Future<Output = Result<Vec<Claim>, Error>> + Send;

    /// Reads publications back, with their durable lines.
    fn scan(&self, range: Range) -> impl Future<Output = Result<Vec<Claim>, Error>> + Send;

    /// The values of keys, settled ones whether durable or not; `None` for unknown or forgotten ones.
    fn load(&self, keys: &[Arc<str>]) -> impl Future<Output = Result<Vec<Option<Arc<str>>>, Error>> + Send;

    /// Writes a change with the next commit, at most [`RIDE`] later, all or nothing; a commit that fails is tried again.
    fn settle(&self, change: Change);

    /// Writes a change; durable on return. When it fails nothing of it is written, now or later.
    fn attempt(&self, change: Change) -> impl Future<Output = Result<(), Error>> + Send;

    /// Returns when there may be something to claim. It may return for nothing, and may be late: ask now and then.
    fn wake(&self) -> impl Future<Output = ()> + Send;

    /// Publications whose commit is under way, in the order of `seq`, each once: what may be begun early. None of them is
    /// promised to anybody yet. An engine that can't tell has none.
    fn early(&self) -> Vec<Claim> {
        Vec::new()
    }

    /// Which early ones will not be claimed under this `seq`: their commit failed, or their id was known. Ask after
    /// every [`Journal::claim`]: what was refused before something claimed is named by then.
    fn refused(&self) -> Vec<u64> {
        Vec::new()
    }

    /// Turns timers that are due at `now` (milliseconds since 1970) into publications: the timer goes and the publication
    /// comes in one commit. When the next one is due.
    fn fire(&self, now: i64) -> impl Future<Output = Result<Option<i64>, Error>> + Send;

    /// Letters with larger numbers than `after`, by number.
    fn letters(&self, after: u64, max: usize) -> impl Future<Output = Result<Vec<Letter>, Error>> + Send;

    /// Whether so much is settled and can't be written that nothing new should be begun.
    fn pressed(&self) -> bool {
        false
    }

    /// Makes everything durable that was settled.
    fn flush(&self) -> impl Future<Output = Result<(), Error>> + Send;
}
