//! The queues: one for each rule and lane, strictly in order; which may start, which wait. Plain data, no tasks.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::early::Commit;
use super::fate;

/// The most runs that are carried out at a time, if there is one account. Of several each has its share, and this at least, so that one
/// whose far side hangs leaves the others' calls on time.
const RUNNING: usize = 2048;
const LEAST_RUNNING: usize = 256;
/// The most of one rule, so that one whose far side hangs leaves room for the others.
const RUNNING_OF_RULE: usize = 256;

/// A queue's name: its lane and its rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) lane: Arc<str>,
    pub(super) rule: Arc<str>,
}

impl Key {
    /// Whose it is.
    pub(super) fn owner(&self) -> Owner {
        Owner { lane: Arc::clone(&self.lane), rule: Arc::clone(&self.rule) }
    }
}

/// A rule of an account, which any of its lanes names: rules of two accounts may have the same name.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    lane: Arc<str>,
    pub(super) rule: Arc<str>,
}

impl Owner {
    /// The rule of that name of the account whose lane it is.
    pub(super) fn of(lane: &Arc<str>, rule: &Arc<str>) -> Self {
        Self { lane: Arc::clone(lane), rule: Arc::clone(rule) }
    }

    /// The account's name.
    pub(super) fn account(&self) -> &str {
        self.lane.split_once('/').map_or("", |(account, _)| account)
    }

    fn parts(&self) -> (&str, &str) {
        (self.account(), &self.rule)
    }
}

impl PartialEq for Owner {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Owner {}

impl Hash for Owner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// A run in its queue.
#[derive(Debug)]
pub(super) struct Slot<R> {
    pub(super) seq: u64,
    pub(super) deadline: Instant,
    pub(super) allowance: Duration,
    pub(super) controls: bool,
    pub(super) unsure: bool,
    /// It goes on after a restart: any of its steps may have been carried out, since a few lines can be lost.
    pub(super) taken_up: bool,
    pub(super) doubtful: bool,
    pub(super) number: u32,
    /// What there is to say of its publication if it is given up.
    pub(super) about: Option<Arc<String>>,
    /// While its publication is being committed.
    pub(super) commit: Option<Commit>,
    pub(super) body: Body<R>,
}

/// A run as such, or in few bytes.
#[derive(Debug)]
pub(super) enum Body<R> {
    Held(R),
    Shelved(Box<str>),
}

impl<R> Slot<R> {
    /// How it ends when its deadline passes: nobody says "too late" of what may have been done in time.
    pub(super) fn too_late(&self) -> (&'static str, &'static str) {
        if self.doubtful {
            (fate::UNKNOWN, "its deadline passed before it was known whether it was done")
        } else {
            (fate::EXPIRED, "its deadline passed")
        }
    }
}

#[derive(Debug)]
struct Queue<R> {
    rule: Arc<str>,
    state: State,
    slots: VecDeque<Slot<R>>,
    /// Runs of events before this one that control the call are out of date.
    superseded: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The head may start, and is in line for that.
    Ready,
    /// The head is being carried out; it is not among the slots.
    Running,
    /// The head waits; the number is that of its timer.
    Waiting(u64),
}

/// What an account has in the queues.
#[derive(Debug, Default)]
struct OfAccount {
    open: usize,
    running: usize,
    /// Whose head may start when one of the account's has ended.
    blocked: VecDeque<Key>,
}

/// All queues that are not empty.
#[derive(Debug)]
pub(super) struct Lanes<R> {
    queues: HashMap<Arc<str>, Vec<Queue<R>>>,
    ready: VecDeque<Key>,
    blocked: HashMap<Owner, VecDeque<Key>>,
    running: HashMap<Owner, usize>,
    /// How many of each rule wait or run.
    of_rule: HashMap<Owner, usize>,
    /// How many of each account wait or run, run, and may run.
    of_account: HashMap<Box<str>, OfAccount>,
    may_run: usize,
    total_running: usize,
    open: usize,
    seqs: BTreeSet<(u64, Key)>,
    timers: BinaryHeap<Reverse<(Instant, u64, Key)>>,
    timer: u64,
}

impl<R> Lanes<R> {
    /// Of so many accounts.
    pub(super) fn new(accounts: usize) -> Self {
        Self {
            of_account: HashMap::new(),
            may_run: (RUNNING / accounts.max(1)).max(LEAST_RUNNING),
            queues: HashMap::new(),
            ready: VecDeque::new(),
            blocked: HashMap::new(),
            running: HashMap::new(),
            of_rule: HashMap::new(),
            total_running: 0,
            open: 0,
            seqs: BTreeSet::new(),
            timers: BinaryHeap::new(),
            timer: 0,
        }
    }

    /// How many runs wait or run.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// How many are being carried out.
    pub(super) fn running(&self) -> usize {
        self.total_running
    }

    /// How many of a rule wait or run.
    pub(super) fn open_of(&self, owner: &Owner) -> usize {
        self.of_rule.get(owner).copied().unwrap_or(0)
    }

    /// How many of an account wait or run.
    pub(super) fn open_of_account(&self, owner: &Owner) -> usize {
        self.of_account.get(owner.account()).map_or(0, |of| of.open)
    }

    /// Whether nothing of a lane waits or runs.
    pub(super) fn is_idle(&self, lane: &str) -> bool {
        !self.queues.contains_key(lane)
    }

    /// Whether something that waits is in a doubt that no line of the journal tells of.
    pub(super) fn is_unsure(&self) -> bool {
        let mut slots = self.queues.values().flatten().flat_map(|queue| &queue.slots);
        slots.any(|slot| slot.unsure && !slot.doubtful)
    }

    /// The oldest event with an open run.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.seqs.first().map(|(seq, _)| *seq)
    }

    /// Adds a run at the end of its queue; at its head it does not start before `due`. What can't start at once is shelved.
    pub(super) fn push(
        &mut self,
        key: Key,
        mut slot: Slot<R>,
        due: Option<Instant>,
        shelve: impl FnOnce(&R) -> Box<str>,
    ) {
        self.opened(&key, slot.seq);
        let free = self.total_running + self.ready.len() < self.may_run;
        let queues = self.queues.entry(Arc::clone(&key.lane)).or_default();
        let queue = queues.iter_mut().find(|queue| queue.rule == key.rule);
        if !free || queue.is_some() || due.is_some() {
            shelf(&mut slot, shelve);
        }
        if let Some(queue) = queue {
            queue.slots.push_back(slot);
            return;
        }
        let state = match due {
            None => State::Ready,
            Some(due) => {
                self.timer += 1;
                self.timers.push(Reverse((due.min(slot.deadline), self.timer, key.clone())));
                State::Waiting(self.timer)
            }
        };
        queues.push(Queue { rule: Arc::clone(&key.rule), state, slots: VecDeque::from([slot]), superseded: 0 });
        if state == State::Ready {
            self.ready.push_back(key);
        }
    }

    /// The next run that may start; it counts as running from now on, until [`Lanes::ended`], [`Lanes::wait`].
    pub(super) fn start(&mut self) -> Option<(Key, Slot<R>)> {
        loop {
            let key = self.ready.pop_front()?;
            let owner = key.owner();
            let may_run = self.may_run;
            if let Some(of) = self.of_account.get_mut(owner.account()).filter(|of| of.running >= may_run) {
                of.blocked.push_back(key);
                continue;
            }
            if self.running.get(&owner).is_some_and(|running| *running >= RUNNING_OF_RULE) {
                self.pass_on(&owner);
                self.blocked.entry(owner).or_default().push_back(key);
                continue;
            }
            let ready = self.queue(&key).filter(|queue| queue.state == State::Ready);
            let Some(slot) = ready.and_then(|queue| queue.slots.pop_front()) else {
                // Everything in it was superseded meanwhile: its turn is another one's.
                self.drop_empty(&key);
                self.pass_on(&owner);
                self.unblock(&owner);
                continue;
            };
            if let Some(queue) = self.queue(&key) {
                queue.state = State::Running;
            }
            if let Some(of) = self.of_account.get_mut(owner.account()) {
                of.running += 1;
            }
            *self.running.entry(owner).or_default() += 1;
            self.total_running += 1;
            return Some((key, slot));
        }
    }

    /// The running head of a queue is over: the next one's turn.
    pub(super) fn ended(&mut self, key: &Key, seq: u64) {
        self.stopped(&key.owner());
        self.closed(key, seq);
        self.turn(key);
    }

    /// The running head of a queue waits until `due`, before the others of its queue. `Err` gives it back when it is out
    /// of date; it counts as running until [`Lanes::ended`].
    pub(super) fn wait(&mut self, key: &Key, slot: Slot<R>, due: Instant) -> Result<(), Slot<R>> {
        self.timer += 1;
        let timer = self.timer;
        let Some(queue) = self.queue(key) else { return Err(slot) };
        if slot.controls && slot.seq < queue.superseded {
            return Err(slot);
        }
        let due = due.min(slot.deadline);
        queue.state = State::Waiting(timer);
        queue.slots.push_front(slot);
        self.timers.push(Reverse((due, timer, key.clone())));
        self.stopped(&key.owner());
        Ok(())
    }

    /// Takes out what waits to control the call of a lane and belongs to an event before `seq`.
    pub(super) fn supersede(&mut self, lane: &Arc<str>, seq: u64) -> Vec<(Key, Slot<R>)> {
        let Some(queues) = self.queues.get_mut(lane) else { return Vec::new() };
        let mut out = Vec::new();
        for queue in queues {
            queue.superseded = seq;
            let key = Key { lane: Arc::clone(lane), rule: Arc::clone(&queue.rule) };
            let (dated, kept) = queue.slots.drain(..).partition(|slot| slot.controls && slot.seq < seq);
            queue.slots = kept;
            let dated: VecDeque<Slot<R>> = dated;
            out.extend(dated.into_iter().map(|slot| (key.clone(), slot)));
        }
        for (key, slot) in &out {
            self.closed(key, slot.seq);
            if self.queue(key).is_some_and(|queue| queue.state != State::Running) {
                self.turn(key);
            }
        }
        out
    }

    /// When the next waiting head is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((due, ..))| *due)
    }

    /// Lines up every head whose time has come.
    pub(super) fn wake(&mut self, now: Instant) {
        while let Some(Reverse((due, ..))) = self.timers.peek() {
            if *due > now {
                return;
            }
            let Some(Reverse((_, timer, key))) = self.timers.pop() else { return };
            if let Some(queue) = self.queue(&key).filter(|queue| queue.state == State::Waiting(timer)) {
                queue.state = State::Ready;
                self.ready.push_back(key);
            }
        }
    }

    fn opened(&mut self, key: &Key, seq: u64) {
        self.open += 1;
        let owner = key.owner();
        if let Some(of) = self.of_account.get_mut(owner.account()) {
            of.open += 1;
        } else {
            self.of_account.insert(owner.account().into(), OfAccount { open: 1, ..OfAccount::default() });
        }
        *self.of_rule.entry(owner).or_default() += 1;
        self.seqs.insert((seq, key.clone()));
    }

    fn closed(&mut self, key: &Key, seq: u64) {
        self.open -= 1;
        let owner = key.owner();
        if let Some(of) = self.of_account.get_mut(owner.account()) {
            of.open -= 1;
        }
        if let Some(count) = self.of_rule.get_mut(&owner) {
            *count -= 1;
            if *count == 0 {
                self.of_rule.remove(&owner);
            }
        }
        self.seqs.remove(&(seq, key.clone()));
    }

    fn queue(&mut self, key: &Key) -> Option<&mut Queue<R>> {
        self.queues.get_mut(&key.lane)?.iter_mut().find(|queue| queue.rule == key.rule)
    }

    /// Lines up the head of a queue, or drops an empty queue. One that is lined up already stays so, even when it is empty:
    /// its name stands in the line.
    fn turn(&mut self, key: &Key) {
        let Some(queue) = self.queue(key).filter(|queue| queue.state != State::Ready) else { return };
        if queue.slots.is_empty() {
            self.drop_empty(key);
        } else {
            queue.state = State::Ready;
            self.ready.push_back(key.clone());
        }
    }

    fn drop_empty(&mut self, key: &Key) {
        if let Some(queues) = self.queues.get_mut(&key.lane) {
            queues.retain(|queue| queue.rule != key.rule || !queue.slots.is_empty());
            if queues.is_empty() {
                self.queues.remove(&key.lane);
            }
        }
    }

    /// One of a rule's runs is not carried out any more: another one may be.
    fn stopped(&mut self, owner: &Owner) {
        self.total_running -= 1;
        if let Some(running) = self.running.get_mut(owner) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(owner);
            }
        }
        if let Some(of) = self.of_account.get_mut(owner.account()) {
            of.running -= 1;
        }
        self.pass_on(owner);
        self.unblock(owner);
    }

    /// The account's turn is another run's, if one was held back for want of it.
    fn pass_on(&mut self, owner: &Owner) {
        if let Some(of) = self.of_account.get_mut(owner.account()) {
            self.ready.extend(of.blocked.pop_front());
        }
    }

    fn unblock(&mut self, owner: &Owner) {
        if let Some(blocked) = self.blocked.get_mut(owner) {
            self.ready.extend(blocked.pop_front());
            if blocked.is_empty() {
                self.blocked.remove(owner);
            }
        }
    }
}

/// Puts a slot's run on the shelf.
fn shelf<R>(slot: &mut Slot<R>, shelve: impl FnOnce(&R) -> Box<str>) {
    if let Body::Held(run) = &slot.body {
        slot.body = Body::Shelved(shelve(run));
    }
}

#[cfg(test)]
mod tests;
