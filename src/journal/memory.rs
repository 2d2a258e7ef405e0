//! The engine for simulations: nothing but memory, with a disk that can be taken away at any point.
//!
//! It keeps the laws of [`Journal`], commits in groups after a delay on tokio's clock, and [`Memory::crash`] leaves what
//! a power cut would: everything that was promised, nothing that was only asked for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::{
    Accepted, Change, Claim, Entry, Error, Journal, Letter, Line, RIDE, Range, StateChange, Timer, TimerChange,
};
use crate::kit::clock::Clock;

/// What survives a crash.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    publications: BTreeMap<u64, (i64, Entry)>,
    seen: HashSet<Arc<str>>,
    lines: BTreeMap<u64, Vec<Line>>,
    state: HashMap<Arc<str>, StateChange>,
    timers: BTreeMap<Arc<str>, Timer>,
    letters: BTreeMap<u64, Letter>,
    last_letter: u64,
    /// The newest position that was given out, so that the books of a simulation know each by one number.
    last_seq: u64,
    clean: bool,
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
    waiting: Vec<Request>,
    settled: Vec<(Instant, Change)>,
    last_seq: u64,
    cursor: u64,
    recovered_to: u64,
    /// Whether something may have been under way when it was opened.
    unsure: bool,
    full: bool,
    in_flight: HashMap<Arc<str>, u32>,
    early: Vec<Claim>,
    refused: Vec<u64>,
}

#[derive(Debug)]
struct Request {
    first: u64,
    arrived: i64,
    entries: Vec<Entry>,
    offered: bool,
    reply: oneshot::Sender<Vec<Accepted>>,
}

impl Disk {
    /// Writes a change; `next` gives positions to its events.
    fn apply(&mut self, change: Change, now: i64, mut next: impl FnMut() -> u64) {
        for line in change.lines {
            self.lines.entry(line.seq).or_default().push(line);
        }
        self.state.extend(change.state.into_iter().map(|change| (Arc::clone(&change.key), change)));
        for timer in change.timers {
            match timer {
                TimerChange::Set(timer) => drop(self.timers.insert(Arc::clone(&timer.id), timer)),
                TimerChange::Clear(id) => drop(self.timers.remove(&id)),
            }
        }
        for letter in change.letters {
            self.last_letter += 1;
            self.letters.insert(self.last_letter, Letter { id: self.last_letter, ..letter });
        }
        self.letters.retain(|id, _| !change.discard.contains(id));
        for entry in change.events {
            self.store(next(), entry, now);
        }
    }

    fn store(&mut self, seq: u64, entry: Entry, arrived: i64) -> Accepted {
        if !self.seen.insert(Arc::clone(&entry.id)) {
            return Accepted::Known;
        }
        self.publications.insert(seq, (arrived, entry));
        Accepted::New(seq)
    }

    fn claim(&self, seq: u64) -> Option<Claim> {
        let (arrived, entry) = self.publications.get(&seq)?;
        let history = self.lines.get(&seq).cloned().unwrap_or_default();
        Some(Claim { seq, arrived: *arrived, entry: entry.clone(), recovered: false, history })
    }

    fn newest(&self) -> u64 {
        self.publications.last_key_value().map_or(0, |(seq, _)| *seq)
    }
}

impl Memory {
    /// Opens a disk. A commit takes `delay`.
    pub fn open(mut disk: Disk, clock: Clock, delay: Duration) -> Self {
        let last_seq = disk.newest().max(disk.last_seq);
        let unsure = !std::mem::take(&mut disk.clean);
        let inner = Inner {
            disk,
            waiting: Vec::new(),
            settled: Vec::new(),
            last_seq,
            cursor: 0,
            recovered_to: last_seq,
            unsure,
            full: false,
            in_flight: HashMap::new(),
            early: Vec::new(),
            refused: Vec::new(),
        };
        Self { inner: Mutex::new(inner), wake: Notify::new(), clock, delay }
    }

    /// Takes the power away: what a disk holds then.
    pub fn crash(&self) -> Disk {
        let mut inner = self.inner();
        let now = Instant::now();
        let settled = std::mem::take(&mut inner.settled);
        let (mut disk, mut seq) = (inner.disk.clone(), inner.last_seq);
        let millis = self.clock.millis();
        for (_, change) in settled.into_iter().filter(|(at, _)| !inner.full && now >= *at + RIDE) {
            disk.apply(change, millis, || {
                seq += 1;
                seq
            });
        }
        disk.last_seq = seq;
        disk
    }

    /// Takes the power away just after everything that waits was committed, before anybody heard of it.
    pub fn crash_committed(&self) -> Disk {
        self.commit();
        let inner = self.inner();
        Disk { last_seq: inner.last_seq, ..inner.disk.clone() }
    }

    /// From now on the disk is full, or is not any more.
    pub fn set_full(&self, full: bool) {
        let mut inner = self.inner();
        inner.full = full;
        // What was settled meanwhile rides in a commit that is still to come.
        inner.settled.iter_mut().for_each(|(at, _)| *at = Instant::now());
        drop(inner);
        if !full {
            self.commit();
        }
    }

    /// Notes that nothing is under way and nothing will be: after this a new start is not unsure of anything.
    pub async fn rest(&self) -> Result<(), Error> {
        self.flush().await?;
        self.inner().disk.clean = true;
        Ok(())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that waits becomes durable, or is refused.
    fn commit(&self) {
        let now = self.clock.millis();
        let mut inner = self.inner();
        let inner = &mut *inner;
        let waiting = std::mem::take(&mut inner.waiting);
        if inner.full {
            for request in waiting {
                inner.resolve(&request, None);
            }
        } else {
            for request in waiting {
                let numbered = (request.first..).zip(request.entries.clone());
                let accepted: Vec<Accepted> =
                    numbered.map(|(seq, entry)| inner.disk.store(seq, entry, request.arrived)).collect();
                inner.resolve(&request, Some(&accepted));
                // A sender that has gone away needs no answer; its entries are stored all the same.
                let _ = request.reply.send(accepted);
            }
            for (_, change) in std::mem::take(&mut inner.settled) {
                inner.apply(change, now);
            }
        }
        self.wake.notify_one();
    }
}

impl Inner {
    fn apply(&mut self, change: Change, now: i64) {
        let last_seq = &mut self.last_seq;
        self.disk.apply(change, now, || {
            *last_seq += 1;
            *last_seq
        });
    }

    /// A request is not on its way any more; one that was offered early and is not stored is said to be refused.
    fn resolve(&mut self, request: &Request, accepted: Option<&[Accepted]>) {
        for entry in &request.entries {
            if let Some(count) = self.in_flight.get_mut(&entry.id) {
                *count -= 1;
                if *count == 0 {
                    self.in_flight.remove(&entry.id);
                }
            }
        }
        if request.offered && accepted.is_none_or(|accepted| accepted == [Accepted::Known]) {
            let before = self.early.len();
            self.early.retain(|claim| claim.seq != request.first);
            if self.early.len() == before {
                self.refused.push(request.first);
            }
        }
    }
}

impl Journal for Memory {
    async fn accept(&self, entries: Vec<Entry>) -> Result<Vec<Accepted>, Error> {
        let (reply, answer) = oneshot::channel();
        let arrived = self.clock.millis();
        {
            let mut inner = self.inner();
            let mut fresh = entries.len() == 1;
            for entry in &entries {
                let count = inner.in_flight.entry(Arc::clone(&entry.id)).or_default();
                *count += 1;
                fresh &= *count == 1;
            }
            let first = inner.last_seq + 1;
            inner.last_seq += entries.len() as u64;
            let offered = fresh && entries.iter().all(|entry| !inner.disk.seen.contains(&entry.id));
            if offered {
                let claim = |entry: &Entry| Claim {
                    seq: first,
                    arrived,
                    entry: entry.clone(),
                    recovered: false,
                    history: Vec::new(),
                };
                let early: Vec<Claim> = entries.iter().map(claim).collect();
                inner.early.extend(early);
                self.wake.notify_one();
            }
            inner.waiting.push(Request { first, arrived, entries, offered, reply });
        }
        tokio::time::sleep(self.delay).await;
        self.commit();
        answer.await.map_err(|_| Error::Full("the simulated disk is full".into()))
    }

    async fn claim(&self, max: usize) -> Result<Vec<Claim>, Error> {
        let now = self.clock.millis();
        let mut inner = self.inner();
        let inner = &mut *inner;
        // What is settled does not wait for somebody else's commit for ever. Its events come behind what is on its way.
        if !inner.full
            && inner.waiting.is_empty()
            && inner.settled.first().is_some_and(|(at, _)| Instant::now() >= *at + RIDE)
        {
            for (_, change) in std::mem::take(&mut inner.settled) {
                inner.apply(change, now);
            }
        }
        let mut claims = Vec::new();
        while claims.len() < max {
            let next = inner.disk.publications.range(inner.cursor + 1..).next().map(|(seq, _)| *seq);
            let Some(seq) = next else { break };
            inner.cursor = seq;
            let recovered = inner.unsure && seq <= inner.recovered_to;
            let claim = inner.disk.claim(seq).map(|claim| Claim { recovered, ..claim });
            claims.extend(claim.filter(|claim| !claim.history.iter().any(|line| line.last)));
        }
        Ok(claims)
    }

    async fn scan(&self, range: Range) -> Result<Vec<Claim>, Error> {
        let inner = self.inner();
        let all = inner.disk.publications.keys().copied();
        let wanted: Vec<u64> = match range {
            Range::Newest(max) => all.skip(inner.disk.publications.len().saturating_sub(max)).collect(),
            Range::After(after, max) => all.filter(|seq| *seq > after).take(max).collect(),
            Range::One(one) => vec![one],
        };
        Ok(wanted.into_iter().filter_map(|seq| inner.disk.claim(seq)).collect())
    }

    async fn load(&self, keys: &[Arc<str>]) -> Result<Vec<Option<Arc<str>>>, Error> {
        let now = self.clock.millis();
        let inner = self.inner();
        let fresh = |key: &Arc<str>| {
            inner.settled.iter().rev().flat_map(|(_, change)| change.state.iter().rev()).find(|set| set.key == *key)
        };
        Ok(keys
            .iter()
            .map(|key| fresh(key).or_else(|| inner.disk.state.get(key)).filter(|set| set.until > now))
            .map(|set| set.map(|set| Arc::clone(&set.bytes)))
            .collect())
    }

    fn settle(&self, change: Change) {
        if !change.is_empty() {
            self.inner().settled.push((Instant::now(), change));
        }
    }

    async fn attempt(&self, change: Change) -> Result<(), Error> {
        tokio::time::sleep(self.delay).await;
        self.commit();
        let now = self.clock.millis();
        let mut inner = self.inner();
        if inner.full {
            return Err(Error::Full("the simulated disk is full".into()));
        }
        inner.apply(change, now);
        drop(inner);
        self.wake.notify_one();
        Ok(())
    }

    fn early(&self) -> Vec<Claim> {
        std::mem::take(&mut self.inner().early)
    }

    fn refused(&self) -> Vec<u64> {
        std::mem::take(&mut self.inner().refused)
    }

    async fn fire(&self, now: i64) -> Result<Option<i64>, Error> {
        self.flush().await?;
        let mut inner = self.inner();
        let mut due: Vec<Timer> = inner.disk.timers.values().filter(|timer| timer.due <= now).cloned().collect();
        due.sort_by(|a, b| (a.due, &a.id).cmp(&(b.due, &b.id)));
        for timer in due {
            inner.disk.timers.remove(&timer.id);
            inner.apply(Change { events: vec![timer.entry], ..Change::default() }, now);
        }
        let next = inner.disk.timers.values().map(|timer| timer.due).min();
        drop(inner);
        self.wake.notify_one();
        Ok(next)
    }

    async fn letters(&self, after: u64, max: usize) -> Result<Vec<Letter>, Error> {
        let inner = self.inner();
        Ok(inner.disk.letters.range(after + 1..).take(max).map(|(_, letter)| letter.clone()).collect())
    }

    async fn wake(&self) {
        self.wake.notified().await;
    }

    async fn flush(&self) -> Result<(), Error> {
        self.attempt(Change::default()).await
    }
}
