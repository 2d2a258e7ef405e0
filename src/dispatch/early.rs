//! What was begun before it is durable: plain data, no tasks.
//!
//! A publication may be planned while it is being committed, and the first step of its runs may be taken if that does
//! no harm twice. Everything else waits for the commit: the decision and what is remembered with it are held back here,
//! and a run's second step, its outcome, and a step that must not be done twice wait on a [`Commit`].
//!
//! When the commit fails, what was held back is dropped, which takes the memory back; what was done all the same is kept
//! under the publication's id, so that its redelivery finds it as its history and does not act again. Until that is claimed,
//! nothing else of its lane is planned: it would not know of what was done, and do the same once more.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::journal::{Change, Claim, Entry, Line, RIDE};

/// After so long what was settled is durable, unless the journal can't write: then nothing is early at all.
const SETTLED: Duration = RIDE.saturating_mul(5);
/// With more ends than that in so short a time nothing is early: the gateway is busy anyway.
const MOST_RECENT: usize = 512;
/// The most publications that are begun and not yet durable.
const MOST: usize = 64;
/// The most ids of which is known what was done though they were not stored.
const MOST_ACTED: usize = 4096;

/// The outcome of a commit, for those who wait for it.
#[derive(Clone, Debug)]
pub(super) struct Commit(Shared<oneshot::Receiver<bool>>);

impl Commit {
    /// Waits until it is known. Whether the publication is durable.
    pub(super) async fn succeeded(&self) -> bool {
        // A sender that is gone decides nothing any more: the process is ending.
        self.0.clone().await.unwrap_or(false)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Early {
    /// Everything up to here was planned or does not come any more.
    through: u64,
    begun: HashMap<u64, Begun>,
    /// What was done for publications that were not stored, by their ids.
    acted: HashMap<Arc<str>, Acted>,
    acted_order: VecDeque<Arc<str>>,
    /// Refused ones with runs that have not said yet what they did.
    unheard: HashMap<u64, Unheard>,
    /// What has to wait for the runs of a refused one, or until it is claimed.
    held: Vec<Claim>,
    /// Those that need not wait any more.
    freed: Vec<Claim>,
    /// Lanes in which something ended so lately that it may not be durable.
    recent: VecDeque<(Instant, Arc<str>)>,
}

/// A refused publication, and how many of its runs have not said yet what they did.
#[derive(Debug)]
struct Unheard {
    entry: Entry,
    left: u32,
}

/// What was done for a publication, as its history.
#[derive(Debug)]
struct Acted {
    lane: Arc<str>,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Begun {
    claim: Claim,
    keys: Vec<Arc<str>>,
    runs: u32,
    held_back: Change,
    outcome: oneshot::Sender<bool>,
}

impl Early {
    /// Whether a publication may be begun now: it is the next one, nothing else of its lane is begun, and nothing was done
    /// there of which only this memory knows.
    pub(super) fn may_begin(&self, claim: &Claim) -> bool {
        claim.seq == self.through + 1
            && self.begun.len() < MOST
            && !self.acted.contains_key(&claim.entry.id)
            && !self.waits(claim)
            && !self.held.iter().chain(&self.freed).any(|held| held.entry.lane == claim.entry.lane)
            && !self.begun.values().any(|begun| begun.claim.entry.lane == claim.entry.lane)
    }

    /// Notes that a run of a lane ended.
    pub(super) fn ended(&mut self, lane: &Arc<str>, now: Instant) {
        while self.recent.front().is_some_and(|(at, _)| now >= *at + SETTLED) {
            self.recent.pop_front();
        }
        if self.recent.len() < MOST_RECENT {
            self.recent.push_back((now, Arc::clone(lane)));
        }
    }

    /// Whether all that ended in a lane is durable: what is done early must not overtake what a crash would do again.
    pub(super) fn is_settled(&self, lane: &str, now: Instant) -> bool {
        let recent = self.recent.iter().rev().take_while(|(at, _)| now < *at + SETTLED);
        self.recent.len() < MOST_RECENT && !recent.into_iter().any(|(_, ended)| **ended == *lane)
    }

    /// Whether planning with these keys would miss what is held back.
    pub(super) fn shares(&self, keys: &[Arc<str>]) -> bool {
        self.begun.values().any(|begun| begun.keys.iter().any(|key| keys.contains(key)))
    }

    /// Whether something was done of which only this memory knows.
    pub(super) fn knows_more(&self) -> bool {
        !self.begun.is_empty()
            || !self.acted.is_empty()
            || !self.unheard.is_empty()
            || !self.held.is_empty()
            || !self.freed.is_empty()
    }

    /// How much is begun and not durable.
    pub(super) fn begun(&self) -> usize {
        self.begun.len()
    }

    /// Whether anything is begun and not durable.
    pub(super) fn is_waiting(&self) -> bool {
        !self.begun.is_empty()
    }

    /// Notes that a publication is begun. What its runs wait on.
    pub(super) fn begin(&mut self, claim: Claim, keys: Vec<Arc<str>>) -> Commit {
        let (outcome, commit) = oneshot::channel();
        self.through = claim.seq;
        let begun = Begun { keys, runs: 0, held_back: Change::default(), outcome, claim };
        self.begun.insert(begun.claim.seq, begun);
        Commit(commit.shared())
    }

    /// Holds back what is to be written for a publication that is begun; gives it back for one that is not.
    pub(super) fn hold_back(&mut self, seq: u64, change: Change) -> Option<Change> {
        match self.begun.get_mut(&seq) {
            Some(begun) => {
                begun.held_back.extend(change);
                None
            }
            None => Some(change),
        }
    }

    /// Notes how many runs a publication has that is begun.
    pub(super) fn has_runs(&mut self, seq: u64, runs: u32) {
        if let Some(begun) = self.begun.get_mut(&seq) {
            begun.runs = runs;
        }
    }

    /// A publication is claimed: what was held back for it, if it was begun. Its runs go on when the guard that comes
    /// with it is dropped: what was decided is to be handed to the journal before that.
    pub(super) fn claimed(&mut self, seq: u64) -> Option<(Change, GoOn)> {
        self.through = self.through.max(seq);
        let begun = self.begun.remove(&seq)?;
        Some((begun.held_back, GoOn(Some(begun.outcome))))
    }

    /// A publication will not be claimed.
    pub(super) fn refused(&mut self, seq: u64) {
        let Some(begun) = self.begun.remove(&seq) else { return };
        // Whose runs are over already, nobody waits for.
        let _ = begun.outcome.send(false);
        if begun.runs > 0 {
            self.unheard.insert(seq, Unheard { entry: begun.claim.entry, left: begun.runs });
        }
    }

    /// A run is over that a publication has which is begun or was refused; whether it is one of a refused one.
    pub(super) fn run_ended(&mut self, seq: u64) -> bool {
        if let Some(begun) = self.begun.get_mut(&seq) {
            begun.runs = begun.runs.saturating_sub(1);
        }
        self.unheard.contains_key(&seq)
    }

    /// What need not wait any more and can be planned now.
    pub(super) fn take_freed(&mut self) -> Vec<Claim> {
        std::mem::take(&mut self.freed)
    }

    /// A run of a refused publication says what it did, as a line. With the last of them, if something was done: the
    /// publication, to be stored when that is possible again. 503 did not say that it would not be, and then what was done
    /// is known however late it comes again.
    pub(super) fn heard(&mut self, seq: u64, line: Option<Line>) -> Option<Entry> {
        let unheard = self.unheard.get_mut(&seq)?;
        unheard.left -= 1;
        let (id, lane, left) = (Arc::clone(&unheard.entry.id), Arc::clone(&unheard.entry.lane), unheard.left);
        if let Some(line) = line {
            self.remember(&id, lane, line);
        }
        if left > 0 {
            return None;
        }
        let Unheard { entry, .. } = self.unheard.remove(&seq)?;
        self.free();
        self.acted.contains_key(&id).then_some(entry)
    }

    /// Frees what nothing holds any more: in each lane up to the first that still waits. That for which the others wait
    /// goes before them.
    fn free(&mut self) {
        let mut waiting: Vec<Arc<str>> = Vec::new();
        for claim in std::mem::take(&mut self.held) {
            let behind = waiting.contains(&claim.entry.lane) && !self.acted.contains_key(&claim.entry.id);
            if behind || self.waits(&claim) {
                waiting.push(Arc::clone(&claim.entry.lane));
                self.held.push(claim);
            } else {
                self.freed.push(claim);
            }
        }
    }

    /// Whether a refused publication of the lane has runs that have not said yet what they did, or is to be claimed first.
    fn waits(&self, claim: &Claim) -> bool {
        let lane = &claim.entry.lane;
        let unheard = self.unheard.values().any(|unheard| unheard.entry.lane == *lane);
        unheard || !self.acted.contains_key(&claim.entry.id) && self.acted.values().any(|acted| acted.lane == *lane)
    }

    /// A claim with what was done for it when it came before and was not stored, as its history. None if it has to wait:
    /// it is held until then.
    pub(super) fn history(&mut self, mut claim: Claim) -> Option<Claim> {
        let own = self.acted.contains_key(&claim.entry.id);
        // What comes later in its lane must not pass what is held.
        let behind = self.held.iter().any(|held| held.entry.lane == claim.entry.lane && held.seq < claim.seq);
        if behind && !own || self.waits(&claim) {
            self.held.push(claim);
            return None;
        }
        if let Some(Acted { lines, .. }) = self.acted.remove(&claim.entry.id) {
            self.acted_order.retain(|id| *id != claim.entry.id);
            claim.history.extend(lines.into_iter().map(|line| Line { seq: claim.seq, ..line }));
            self.free();
        }
        Some(claim)
    }

    fn remember(&mut self, id: &Arc<str>, lane: Arc<str>, line: Line) {
        if !self.acted.contains_key(id) {
            if self.acted_order.len() == MOST_ACTED {
                let oldest = self.acted_order.pop_front();
                oldest.and_then(|id| self.acted.remove(&id));
            }
            self.acted_order.push_back(Arc::clone(id));
        }
        self.acted.entry(Arc::clone(id)).or_insert_with(|| Acted { lane, lines: Vec::new() }).lines.push(line);
    }
}

/// Lets the runs of a publication go on, since it is durable.
pub(super) struct GoOn(Option<oneshot::Sender<bool>>);

impl Drop for GoOn {
    fn drop(&mut self) {
        let _ = self.0.take().map(|outcome| outcome.send(true));
    }
}
