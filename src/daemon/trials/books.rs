//! The books: everything that the world saw, with its time. Two runs of one seed must write the same.

use std::sync::{Mutex, PoisonError};

use crate::kit::clock::Clock;

/// What a request to the far side, or an effect there, belongs to: publication, rule and step.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Deed {
    pub(super) publication: String,
    pub(super) rule: String,
    pub(super) step: String,
}

/// What can be seen.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    /// A delivery was tried; the status that its sender heard.
    Delivered { publication: String, heard: Option<u16> },
    /// A publication was handed to planning.
    Planned { life: u32, seq: u64 },
    /// An attempt at a run begins.
    Began { life: u32, seq: u64, rule: String, number: u32, unsure: bool, deadline: i64 },
    /// It is over, so.
    Came { life: u32, seq: u64, rule: String, how: &'static str },
    /// A request arrives at the far side. `text` is what a rule rendered for it.
    Asked { life: u32, number: usize, method: String, path: String, deed: Deed, text: String, course: String },
    /// Something was done there, by a request that was sent at `sent`.
    Effect { number: usize, sent: i64, deed: Deed },
    /// The answer reached the gateway.
    Answered { life: u32, number: usize, status: u16 },
    /// The process starts, stops, loses its power; the disk fills up or has room again.
    Process { life: u32, what: &'static str },
}

/// See the module.
#[derive(Debug)]
pub(super) struct Books {
    clock: Clock,
    entries: Mutex<Vec<(i64, Entry)>>,
}

impl Books {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, entries: Mutex::default() }
    }

    pub(super) fn write(&self, entry: Entry) {
        let at = self.clock.millis();
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).push((at, entry));
    }

    pub(super) fn take(&self) -> Vec<(i64, Entry)> {
        std::mem::take(&mut *self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
