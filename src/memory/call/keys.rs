//! Where a call is stored, and finding it from one of its legs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::record::Record;
use super::{CallMemory, LegHeard, State, leg_id};
use crate::memory::Stored;
use crate::memory::key::key;
use crate::memory::spans::NEXT_LEGS;
use crate::memory::stored::{clip, read};

/// What is stored at the key of a leg or of a tracking id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kept<R> {
    /// The call itself.
    Call(R),
    /// The key at which the call is.
    At(Arc<str>),
}

/// A call that waits for its next leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waits {
    /// The key at which the call is.
    pub(super) call: Arc<str>,
    /// Until when, in milliseconds since 1970.
    pub(super) until: i64,
}

/// The key of the calls that wait for a leg at a target from an other end.
pub(super) fn next(account: &str, target: &str, other: &str) -> Arc<str> {
    key(account, "call-next", &[target.trim(), other])
}

/// The calls that still wait, oldest first.
pub(super) fn waiting(stored: Option<&str>, now: i64) -> Vec<Waits> {
    let mut calls: Vec<Waits> = read(stored).unwrap_or_default();
    calls.retain(|call| call.until > now);
    calls.truncate(NEXT_LEGS);
    calls
}

/// The keys from which the call of a leg is found.
#[derive(Clone, Debug)]
pub struct CallKeys {
    account: Arc<str>,
    leg: Arc<str>,
    second: Second,
    /// Whether the event begins a leg: only such a one can be the next leg of a call that waits.
    begins: bool,
    now: i64,
}

#[derive(Clone, Debug)]
enum Second {
    Tracked(Arc<str>),
    Next(Arc<str>),
}

/// Where a call was found.
#[derive(Debug)]
pub enum Found {
    /// Here it is, known or new.
    Here(Box<CallMemory>),
    /// It is at another key, which is to be loaded.
    Elsewhere(Elsewhere),
}

/// A call that is at another key.
#[derive(Debug)]
pub struct Elsewhere {
    memory: Box<CallMemory>,
}

impl CallKeys {
    /// The keys for a leg.
    pub fn of(account: &Arc<str>, heard: &LegHeard<'_>) -> Self {
        let (endpoint, call) = leg_id(heard);
        let second = match heard.tracking {
            Some(tracking) => Second::Tracked(key(account, "call-tracked", &[clip(tracking)])),
            None => Second::Next(next(account, heard.endpoint, heard.other.unwrap_or_default())),
        };
        Self {
            account: Arc::clone(account),
            leg: key(account, "call", &[endpoint, call]),
            second,
            begins: matches!(heard.state, Some(State::Ringing | State::Connected)),
            now: heard.now,
        }
    }

    /// What to load, in this order.
    pub fn keys(&self) -> Vec<Arc<str>> {
        let (Second::Tracked(second) | Second::Next(second)) = &self.second;
        vec![Arc::clone(&self.leg), Arc::clone(second)]
    }

    /// Finds the call in the values of [`keys`](Self::keys). Where a leg once belonged it stays; a tracking id that is
    /// heard later leads to the same call.
    pub fn find(&self, values: &[Option<Arc<str>>]) -> Found {
        let value = |at: usize| values.get(at).and_then(|value| value.as_deref());
        let kept = |at: usize| read::<Kept<Record>>(value(at));
        let tracked = match &self.second {
            Second::Tracked(tracked) => Some(tracked),
            Second::Next(_) => None,
        };
        match (kept(0), tracked) {
            (Some(Kept::Call(record)), tracked) => {
                let mut memory = self.memory(&self.leg, record);
                // Without a value there is no other call of that tracking id yet.
                memory.pointers.extend(tracked.filter(|_| value(1).is_none()).cloned());
                Found::here(memory)
            }
            (Some(Kept::At(home)), Some(tracked)) if home == *tracked => {
                let record = match kept(1) {
                    Some(Kept::Call(record)) => record,
                    _ => Record::default(),
                };
                Found::here(self.memory(&home, record))
            }
            (Some(Kept::At(home)), _) => Found::elsewhere(self.memory(&home, Record::default())),
            (None, Some(tracked)) => match kept(1) {
                Some(Kept::At(home)) => Found::elsewhere(self.joins(&home, Record::default())),
                Some(Kept::Call(record)) => Found::here(self.joins(tracked, record)),
                None => Found::here(self.joins(tracked, Record::default())),
            },
            (None, None) => self.next_leg(value(1)),
        }
    }

    /// A leg that nothing is known of and that has no tracking id.
    fn next_leg(&self, stored: Option<&str>) -> Found {
        let mut calls = waiting(stored, self.now);
        let (Second::Next(list), true, false) = (&self.second, self.begins, calls.is_empty()) else {
            return Found::here(self.memory(&self.leg, Record::default()));
        };
        let taken = calls.remove(0);
        let until = calls.last().map_or(self.now, |call| call.until);
        let mut memory = self.joins(&taken.call, Record::default());
        memory.waiting.push((Arc::clone(list), Stored::new(&calls, until)));
        Found::elsewhere(memory)
    }

    /// A leg that is new to the call at a home.
    fn joins(&self, home: &Arc<str>, record: Record) -> CallMemory {
        let mut memory = self.memory(home, record);
        memory.pointers.push(Arc::clone(&self.leg));
        memory
    }

    fn memory(&self, home: &Arc<str>, record: Record) -> CallMemory {
        CallMemory {
            account: Arc::clone(&self.account),
            home: Arc::clone(home),
            known: record.is_known(),
            record,
            changed: false,
            pointers: Vec::new(),
            waiting: Vec::new(),
        }
    }
}

impl Found {
    fn here(memory: CallMemory) -> Self {
        Self::Here(Box::new(memory))
    }

    fn elsewhere(memory: CallMemory) -> Self {
        Self::Elsewhere(Elsewhere { memory: Box::new(memory) })
    }
}

impl Elsewhere {
    /// What to load.
    pub fn key(&self) -> Arc<str> {
        Arc::clone(&self.memory.home)
    }

    /// The call, with the value of [`key`](Self::key).
    pub fn read(self, value: Option<&str>) -> CallMemory {
        let mut memory = *self.memory;
        if let Some(Kept::Call(record)) = read(value) {
            memory.record = record;
            memory.known = true;
        }
        memory
    }
}

impl CallMemory {
    /// The call of a timer that fired: its home is the timer's id without its last part. Load that key.
    pub fn key_of_timer(id: &str) -> Option<Arc<str>> {
        id.strip_suffix("/timer").map(Into::into)
    }

    /// The call of a timer that fired, with the value of its key; nothing when it is no longer known.
    pub fn of_timer(account: &Arc<str>, home: &Arc<str>, value: Option<&str>) -> Option<Self> {
        let Some(Kept::<Record>::Call(record)) = read(value) else { return None };
        Some(Self {
            account: Arc::clone(account),
            home: Arc::clone(home),
            known: record.is_known(),
            record,
            changed: false,
            pointers: Vec::new(),
            waiting: Vec::new(),
        })
    }
}
