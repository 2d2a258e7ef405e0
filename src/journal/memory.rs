//! The engine for simulations: nothing but memory, with a disk that can be taken away at any point.
//!
//! It keeps the laws of [`Journal`], commits in groups after a delay on tokio's clock, and [`Memory::crash`] leaves what
//! a power cut would: everything that was promised, nothing that was only asked for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::{Accepted, Change, Claim, Entry, Error, Journal, Line, RIDE, Range, StateChange};
use crate::kit::clock::Clock;

/// What survives a crash.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    publications: Vec<(i64, Entry)>,
    seen: HashSet<Arc<str>>,
    lines: BTreeMap<u64, Vec<Line>>,
    state: HashMap<Arc<str>, StateChange>,
}

/// See the module.
#[derive(Debug)]
pub struct Memory {
    inner: Mutex<Inner>,
    wake: Notify,
    clock: Clock,
    delay: Duration,
}

#[derive(Debug)]
struct Inner {
    disk: Disk,
    waiting: Vec<(Vec<Entry>, oneshot::Sender<Vec<Accepted>>)>,
    settled: Vec<(Instant, Change)>,
    cursor: usize,
    recovered_to: usize,
    full: bool,
}

impl Disk {
    fn apply(&mut self, change: Change) {
        for line in change.lines {
            self.lines.entry(line.seq).or_default().push(line);
        }
        self.state.extend(change.state.into_iter().map(|change| (Arc::clone(&change.key), change)));
    }

    fn store(&mut self, entry: Entry, arrived: i64) -> Accepted {
        if !self.seen.insert(Arc::clone(&entry.id)) {
            return Accepted::Known;
        }
        self.publications.push((arrived, entry));
        Accepted::New(self.publications.len() as u64)
    }

    fn claim(&self, seq: u64) -> Option<Claim> {
        let (arrived, entry) = self.publications.get(usize::try_from(seq.checked_sub(1)?).ok()?)?;
        let history = self.lines.get(&seq).cloned().unwrap_or_default();
        Some(Claim { seq, arrived: *arrived, entry: entry.clone(), recovered: false, history })
    }
}

impl Memory {
    /// Opens a disk. A commit takes `delay`.
    pub fn open(disk: Disk, clock: Clock, delay: Duration) -> Self {
        let recovered_to = disk.publications.len();
        let inner = Inner { disk, recovered_to, waiting: Vec::new(), settled: Vec::new(), cursor: 0, full: false };
        Self { inner: Mutex::new(inner), wake: Notify::new(), clock, delay }
    }

    /// Takes the power away: what a disk holds then.
    pub fn crash(&self) -> Disk {
        let mut inner = self.inner();
        let now = Instant::now();
        let settled = std::mem::take(&mut inner.settled);
        let mut disk = inner.disk.clone();
        settled.into_iter().filter(|(at, _)| now >= *at + RIDE).for_each(|(_, change)| disk.apply(change));
        disk
    }

    /// From now on the disk is full, or is not any more.
    pub fn set_full(&self, full: bool) {
        self.inner().full = full;
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit(&self) {
        let arrived = self.clock.millis();
        let mut inner = self.inner();
        if inner.full {
            inner.waiting.clear();
            return;
        }
        for (_, change) in std::mem::take(&mut inner.settled) {
            inner.disk.apply(change);
        }
        for (entries, reply) in std::mem::take(&mut inner.waiting) {
            let accepted = entries.into_iter().map(|entry| inner.disk.store(entry, arrived)).collect();
            // A sender that has gone away needs no answer; its entries are stored all the same.
            let _ = reply.send(accepted);
        }
        drop(inner);
        self.wake.notify_one();
    }
}

impl Journal for Memory {
    async fn accept(&self, entries: Vec<Entry>) -> Result<Vec<Accepted>, Error> {
        let (reply, answer) = oneshot::channel();
        self.inner().waiting.push((entries, reply));
        tokio::time::sleep(self.delay).await;
        self.commit();
        answer.await.map_err(|_| Error::Full("the simulated disk is full".into()))
    }

    async fn claim(&self, max: usize) -> Result<Vec<Claim>, Error> {
        let mut inner = self.inner();
        let mut claims = Vec::new();
        while claims.len() < max && inner.cursor < inner.disk.publications.len() {
            inner.cursor += 1;
            let recovered = inner.cursor <= inner.recovered_to;
            let claim = inner.disk.claim(inner.cursor as u64).map(|claim| Claim { recovered, ..claim });
            claims.extend(claim.filter(|claim| !claim.history.iter().any(|line| line.last)));
        }
        Ok(claims)
    }

    async fn scan(&self, range: Range) -> Result<Vec<Claim>, Error> {
        let inner = self.inner();
        let newest = inner.disk.publications.len() as u64;
        let (first, last) = match range {
            Range::Newest(max) => (newest.saturating_sub(max as u64) + 1, newest),
            Range::After(seq, max) => (seq + 1, newest.min(seq.saturating_add(max as u64))),
            Range::One(seq) => (seq, seq),
        };
        Ok((first..=last).filter_map(|seq| inner.disk.claim(seq)).collect())
    }

    async fn load(&self, keys: &[Arc<str>]) -> Result<Vec<Option<Arc<str>>>, Error> {
        let now = self.clock.millis();
        let inner = self.inner();
        let fresh = |key: &Arc<str>| {
            inner.settled.iter().rev().flat_map(|(_, change)| &change.state).find(|set| set.key == *key)
        };
        Ok(keys
            .iter()
            .map(|key| fresh(key).or_else(|| inner.disk.state.get(key)).filter(|set| set.until > now))
            .map(|set| set.map(|set| Arc::clone(&set.bytes)))
            .collect())
    }

    fn settle(&self, change: Change) {
        self.inner().settled.push((Instant::now(), change));
    }

    async fn attempt(&self, change: Change) -> Result<(), Error> {
        self.settle(change);
        tokio::time::sleep(self.delay).await;
        self.commit();
        if self.inner().full { Err(Error::Full("the simulated disk is full".into())) } else { Ok(()) }
    }

    async fn wake(&self) {
        self.wake.notified().await;
    }

    async fn flush(&self) -> Result<(), Error> {
        self.attempt(Change::default()).await
    }
}
