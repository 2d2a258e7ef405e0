//! What the writer and those who ask it share: what is ready to be claimed, what is settled but not yet written, and
//! figures for the metrics.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::super::{Change, Claim, StateChange};
use super::ranges::Ranges;

/// How many bytes of committed publications wait in memory for their claim; the rest is read from the file again.
const READY_BYTES: usize = 8 << 20;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Shared {
    ready: Mutex<Ready>,
    fresh: Mutex<HashMap<Arc<str>, StateChange>>,
    /// Settled, and not yet taken by the writer.
    settled: Mutex<Vec<Change>>,
    pub(super) wake: Notify,
    pub(super) figures: Figures,
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
    pub(super) fn ready(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Remembers values until they are written.
    pub(super) fn remember(&self, changes: &[StateChange]) {
        if changes.is_empty() {
            return;
        }
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

    /// A change that is settled but perhaps not written.
    pub(super) fn fresh(&self, key: &str) -> Option<StateChange> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
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
