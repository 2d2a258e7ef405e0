//! What the writer and those who ask it share: what is ready to be claimed, what is settled but not yet written, and
//! figures for the metrics.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::super::{Change, Claim, Entry, StateChange};
use super::ids::Ids;
use super::ranges::Ranges;

/// How many bytes of committed publications wait in memory for their claim; the rest is read from the file again.
const READY_BYTES: usize = 8 << 20;

/// While so many are on their way to a commit nothing is offered early: it would only cost, the disk is busy anyway.
const FEW: usize = 8;
/// The most keys of state whose fingerprints are kept: some 8 MB.
pub(super) const MOST_KEYS: usize = 400_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Shared {
    ready: Mutex<Ready>,
    admission: Mutex<Admission>,
    fresh: Mutex<HashMap<Arc<str>, StateChange>>,
    /// A fingerprint of each key of state that may be in the file: most keys that are asked for are not. None when there
    /// are too many of them.
    keys: Mutex<Option<HashSet<u64>>>,
    /// Settled, and not yet taken by the writer.
    settled: Mutex<Vec<Change>>,
    pub(super) wake: Notify,
    /// Whether somebody waits for [`Self::wake`], who will ask for what there is.
    pub(super) awaited: AtomicBool,
    pub(super) figures: Figures,
    /// How much is settled and could not be written yet.
    pub(super) unwritten: AtomicUsize,
}

/// What is on its way to a commit. Positions are given out here, in the order in which the writer gets the entries.
#[derive(Debug, Default)]
pub(super) struct Admission {
    /// The newest position that was given out.
    pub(super) last_seq: u64,
    /// What was ever on its way or stored.
    pub(super) ids: Ids,
    /// How many times each id is on its way.
    in_flight: HashMap<Arc<str>, u32>,
    /// What may be begun before it is durable.
    early: Vec<Claim>,
    refused: Vec<u64>,
}

/// Figures for metrics and readiness.
#[derive(Debug, Default)]
pub struct Figures {
    /// Everything up to this position is done.
    pub done_to: AtomicU64,
    /// The newest durable position.
    pub committed: AtomicU64,
    /// Bytes in use in the store.
    pub bytes: AtomicU64,
    /// Whether the last commit failed.
    pub failing: AtomicBool,
    /// Whether the store has reached its largest size.
    pub full: AtomicBool,
    /// Letters that are kept.
    pub letters: AtomicU64,
    /// Arrival of the oldest id that dedupe still knows, in milliseconds since 1970; 0 when there is none.
    pub oldest_seen: AtomicI64,
}

/// Committed publications on their way to the claimer.
#[derive(Debug, Default)]
pub(super) struct Ready {
    queue: VecDeque<Claim>,
    bytes: usize,
    /// The newest position that was queued or handed out.
    cursor: u64,
    /// The newest durable position.
    committed: u64,
    /// Positions up to here were there at the start and may have a history.
    pub(super) recovered_to: u64,
    /// Whether something may have been under way then.
    pub(super) unsure: bool,
    /// What was done before the start.
    pub(super) done: Ranges,
}

/// Where the next claim comes from.
pub(super) enum Next {
    /// From memory.
    Claims(Vec<Claim>),
    /// From the file: after the first position, up to the second.
    Read(u64, u64),
    /// There is none.
    Nothing,
}

impl Shared {
    pub(super) fn admission(&self) -> MutexGuard<'_, Admission> {
        self.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ready(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that somebody waits.
    pub(super) fn awaits(&self) -> Awaits<'_> {
        self.awaited.store(true, Ordering::Release);
        Awaits(&self.awaited)
    }

    /// Leaves a change for the writer. Whether it is the first since the writer last looked: only then the writer must
    /// be told, so that under load nobody wakes it for what rides along anyway.
    pub(super) fn leave(&self, change: Change) -> bool {
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        settled.push(change);
        settled.len() == 1
    }

    /// Everything that was left.
    pub(super) fn take(&self) -> Vec<Change> {
        std::mem::take(&mut self.settled.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// These keys, and no others, have a value in the file.
    pub(super) fn has_keys(&self, keys: Option<Vec<String>>) {
        let keys = keys.map(|keys| keys.iter().map(|key| fingerprint(key)).collect());
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// For each key whether it may have a value.
    pub(super) fn may_have(&self, keys: &[Arc<str>]) -> Vec<bool> {
        let known = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter().map(|key| known.as_ref().is_none_or(|known| known.contains(&fingerprint(key)))).collect()
    }

    /// From now on these keys may have a value.
    pub(super) fn note_keys(&self, changes: &[StateChange]) {
        let mut known = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = known.as_mut() {
            set.extend(changes.iter().map(|change| fingerprint(&change.key)));
            if set.len() > MOST_KEYS {
                *known = None;
            }
        }
    }

    /// Remembers values until they are written.
    pub(super) fn remember(&self, changes: &[StateChange]) {
        if changes.is_empty() {
            return;
        }
        self.note_keys(changes);
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            fresh.insert(Arc::clone(&change.key), change.clone());
        }
    }

    /// Forgets values that are written now, unless they were set anew meanwhile.
    pub(super) fn written(&self, changes: &HashMap<Arc<str>, StateChange>) {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, change) in changes {
            if fresh.get(key).is_some_and(|set| Arc::ptr_eq(&set.bytes, &change.bytes)) {
                fresh.remove(key);
            }
        }
    }

    /// For each key the change that is settled but perhaps not written.
    pub(super) fn fresh(&self, keys: &[Arc<str>]) -> Vec<Option<StateChange>> {
        let fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter().map(|key| fresh.get(key).cloned()).collect()
    }

    /// Hands freshly committed publications to the claimer, in memory if there is room.
    pub(super) fn publish(&self, claims: Vec<Claim>) {
        let Some(newest) = claims.last().map(|claim| claim.seq) else { return };
        let mut ready = self.ready();
        let caught_up = ready.cursor == ready.committed;
        let bytes: usize = claims.iter().map(|claim| claim.entry.body.len()).sum();
        if caught_up && ready.bytes + bytes <= READY_BYTES {
            ready.bytes += bytes;
            ready.cursor = newest;
            ready.queue.extend(claims);
        }
        ready.committed = newest;
        drop(ready);
        self.figures.committed.store(newest, Ordering::Relaxed);
        self.wake.notify_one();
    }
}

/// Somebody waits until this is dropped.
pub(super) struct Awaits<'a>(&'a AtomicBool);

impl Drop for Awaits<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// The same in a process's life.
pub(super) fn fingerprint(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

impl Admission {
    /// Notes that entries are on their way. Whether the one entry that it is may be offered early: no copy of it is on its
    /// way, and few others are. Its id must be new to the store too, which the second answer says if it is sure.
    pub(super) fn enter(&mut self, entries: &[Entry]) -> (bool, bool) {
        let (mut fresh, mut new) = (true, true);
        for entry in entries {
            new &= self.ids.add(&entry.id);
            let count = self.in_flight.entry(Arc::clone(&entry.id)).or_default();
            *count += 1;
            fresh &= *count == 1;
        }
        // What nobody takes is not piled up.
        let few = entries.len() == 1 && self.in_flight.len() <= FEW && self.early.len() <= FEW;
        (fresh && few, new)
    }

    /// Notes that entries have arrived, or will not.
    pub(super) fn leave(&mut self, entries: &[Entry]) {
        for entry in entries {
            if let Some(count) = self.in_flight.get_mut(&entry.id) {
                *count -= 1;
                if *count == 0 {
                    self.in_flight.remove(&entry.id);
                }
            }
        }
    }

    /// Positions for so many entries: the first of them.
    pub(super) fn positions(&mut self, count: usize) -> u64 {
        let first = self.last_seq + 1;
        self.last_seq += count as u64;
        first
    }

    pub(super) fn offer(&mut self, claim: Claim) {
        self.early.push(claim);
    }

    pub(super) fn take_early(&mut self) -> Vec<Claim> {
        std::mem::take(&mut self.early)
    }

    pub(super) fn refuse(&mut self, seq: u64) {
        // Nobody may have asked for it yet.
        let offered = self.early.len();
        self.early.retain(|claim| claim.seq != seq);
        if self.early.len() == offered {
            self.refused.push(seq);
        }
    }

    pub(super) fn take_refused(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.refused)
    }
}

impl Ready {
    /// After a start, and after a commit whose outcome is unknown: everything up to `committed` is in the file.
    pub(super) fn reset(&mut self, cursor: Option<u64>, committed: u64) {
        if let Some(cursor) = cursor {
            self.cursor = cursor;
        }
        self.committed = self.committed.max(committed);
    }

    pub(super) fn next(&mut self, max: usize) -> Next {
        if !self.queue.is_empty() {
            let count = max.min(self.queue.len());
            let claims: Vec<Claim> = self.queue.drain(..count).collect();
            self.bytes -= claims.iter().map(|claim| claim.entry.body.len()).sum::<usize>();
            return Next::Claims(claims);
        }
        if self.cursor < self.committed { Next::Read(self.cursor, self.committed) } else { Next::Nothing }
    }

    /// Notes that everything up to `seq` was read from the file.
    pub(super) fn read_to(&mut self, seq: u64) {
        self.cursor = self.cursor.max(seq);
    }
}
