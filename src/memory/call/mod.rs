//! A whole call: which legs it has, how often we redirected it, where it was, who answered, and when it is finished.
//!
//! Legs belong together by tracking id. Without one, a leg that rings at the target of our redirect within
//! [`HANDED_ON`], with the same other end, is the same call; any other is a call of its own. What
//! is stored:
//!
//! ```text
//! ACCOUNT/call/ENDPOINT/CALL        the call itself, if this leg began it and has no tracking id; else where the call is
//! ACCOUNT/call-tracked/TRACKING     the call itself, if it began with this tracking id; else where the call is
//! ACCOUNT/call-next/TARGET/OTHER    the calls that wait for a leg at TARGET from OTHER, oldest first
//! ```
//!
//! So [`CallKeys::keys`] are loaded, [`CallKeys::find`] says where the call is, and in the rare case that it is elsewhere
//! one more key is loaded. Bounds: [`LEGS`](super::spans::LEGS) legs, [`PATH`](super::spans::PATH) endpoints and
//! [`NEXT_LEGS`] waiting calls, each text at most [`TEXT`](super::spans::TEXT) bytes: 1 KB for a
//! usual call. In a larger call the leg that ended longest ago is forgotten; its seconds are kept.

mod heard;
mod keys;
mod leg;
mod record;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use heard::LegHeard;
pub use keys::{CallKeys, Elsewhere, Found};
pub use leg::State;
use record::Record;
use serde_json::{Map, Value, json};

use super::spans::{CALL_FINISHED, CALL_LIVES, FOREVER, HANDED_ON, HOPS, NEXT_LEGS, QUIET};
use super::stored::{clip, write};
use super::{Stored, Timer};
use crate::journal::StateChange;

/// What is known of a call as a whole at some time: what the view `call` has beside its leg's own fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallView {
    /// Redirects of ours, counted when they were planned.
    pub hops: u32,
    /// The endpoints of its legs, in order; one that follows itself stands once.
    pub path: Vec<String>,
    /// Whether a leg was answered.
    pub answered: bool,
    /// The endpoint that answered; of a call that went out the number that did.
    pub answered_by: Option<String>,
    /// Whole seconds in which it rang somewhere and nobody talked.
    pub ring_seconds: i64,
    /// Whole seconds in which somebody talked or was on hold.
    pub talk_seconds: i64,
}

impl CallView {
    /// The fields by name. What is not known is absent.
    pub fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("hops".into(), json!(self.hops));
        fields.insert("path".into(), json!(self.path));
        fields.insert("answered".into(), json!(self.answered));
        if let Some(by) = &self.answered_by {
            fields.insert("answered_by".into(), json!(by));
        }
        fields.insert("ring_seconds".into(), json!(self.ring_seconds));
        fields.insert("talk_seconds".into(), json!(self.talk_seconds));
        fields
    }
}

/// A whole call ended: what `call.finished` shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// The id of the event: one for each call.
    pub id: Arc<str>,
    /// When the last leg ended (or was last heard of), in milliseconds since 1970.
    pub time: i64,
    /// The view `call`: the last leg's own fields, and those of the whole call.
    pub fields: Map<String, Value>,
}

/// What follows from an event of a leg.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The call so far, at the event's time.
    pub view: CallView,
    /// The call is finished with this event.
    pub finished: Option<Finished>,
    /// The timer to set now; without one, what was set stands.
    pub timer: Option<Timer>,
}

/// What follows from a timer of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Fired {
    /// The timer was replaced or the call is finished: nothing.
    Stale,
    /// Something was heard since: set it again.
    Again(Timer),
    /// Nobody took the call up within [`HANDED_ON`].
    Finished(Finished),
    /// Nothing was heard for [`QUIET`]: look at CloudLink which of these legs (endpoint and call id) are gone, and tell
    /// [`CallMemory::looked`]. The look may get lost, so it is asked for again.
    Look {
        /// The legs to look at.
        legs: Vec<(String, String)>,
        /// The timer to set.
        again: Timer,
    },
}

/// A call had its [`HOPS`]: it is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call was redirected {hops} times already, more is a loop: it is left where it is")]
pub struct TooManyHops {
    /// Redirects so far.
    pub hops: u32,
}

/// One call, as it is known and changes.
#[derive(Clone, Debug)]
pub struct CallMemory {
    account: Arc<str>,
    home: Arc<str>,
    record: Record,
    known: bool,
    changed: bool,
    /// Where else is to be stored where the call is: keys of legs and of a tracking id.
    pointers: Vec<Arc<str>>,
    /// Lists of waiting calls that changed.
    waiting: Vec<(Arc<str>, Stored)>,
}

impl CallMemory {
    /// Takes in an event of one of its legs.
    pub fn hear(&mut self, heard: &LegHeard<'_>) -> Heard {
        let record = &mut self.record;
        if heard.tracking.is_none() && record.is_another_call(heard) {
            *record = record.next();
        }
        let (legs, was_answered) = (record.legs.len(), record.is_answered(heard));
        let ended = record.hear(heard);
        self.changed |= record.is_known();
        if record.legs.len() > legs || (!was_answered && record.is_answered(heard)) {
            // Somebody took it up.
            record.open_until = None;
        }
        if record.finished.is_none() && ended == Some(true) && !record.has_next(heard) {
            // Though other legs of it may live: one that rings elsewhere too may be called off just now.
            record.open_until = Some(heard.now.saturating_add(HANDED_ON));
        }
        let waits = record.open_until.is_some_and(|until| until > heard.now);
        let mut finished = None;
        if ended.is_some() && !record.lives() && !waits {
            finished = self.finish(heard.now);
        }
        let timer = self.wants_timer(heard.now);
        Heard { view: self.record.view(heard.time), finished, timer }
    }

    /// Whether the event shows what a step of ours did to its leg in the last [`OWN`](super::spans::OWN).
    pub fn is_own(&self, heard: &LegHeard<'_>) -> bool {
        self.record.is_own(heard)
    }

    /// Forgets that a timer was asked for: none is set.
    pub fn disarm(&mut self) {
        self.record.armed = None;
    }

    /// The key at which it is stored.
    pub fn home(&self) -> &Arc<str> {
        &self.home
    }

    /// Whether something was known of it before this event.
    pub fn was_known(&self) -> bool {
        self.known
    }

    /// The call as it is known at an event's time, in milliseconds since 1970.
    pub fn view(&self, time: i64) -> CallView {
        self.record.view(time)
    }

    /// Where the list of calls that wait at a target is stored: load it before a redirect of this leg is planned.
    pub fn waiting_key(&self, leg: &LegHeard<'_>, target: &str) -> Arc<str> {
        keys::next(&self.account, target, leg.other.unwrap_or_default())
    }

    /// Counts a redirect of ours, before it is sent: whether it comes about is seen later, and one of unknown outcome
    /// counts. `waiting` is what is stored at [`waiting_key`](Self::waiting_key); `now` in milliseconds since 1970.
    pub fn redirect_planned(
        &mut self,
        leg: &LegHeard<'_>,
        target: &str,
        waiting: Option<&str>,
        now: i64,
    ) -> Result<(), TooManyHops> {
        if self.record.hops >= HOPS {
            return Err(TooManyHops { hops: self.record.hops });
        }
        self.record.hops += 1;
        self.record.heard = self.record.heard.max(now);
        self.record.redirected(leg);
        self.changed = true;
        if leg.tracking.is_some() {
            // The next leg is known by its tracking id.
            return Ok(());
        }
        let mut calls = keys::waiting(waiting, now);
        calls.push(keys::Waits { call: Arc::clone(&self.home), until: now.saturating_add(HANDED_ON) });
        let extra = calls.len().saturating_sub(NEXT_LEGS);
        calls.drain(..extra);
        let stored = Stored::new(&calls, now.saturating_add(HANDED_ON));
        self.waiting.push((self.waiting_key(leg, target), stored));
        Ok(())
    }

    /// A timer of the call fired that was due then.
    pub fn fired(&mut self, due: i64, now: i64) -> Fired {
        if self.record.finished.is_some() || self.record.armed != Some(due) {
            return Fired::Stale;
        }
        self.record.armed = None;
        self.changed = true;
        let now = now.max(due);
        if self.record.open_until.is_some_and(|until| until <= now) {
            self.record.open_until = None;
            if self.record.lives() {
                return self.wants_timer(now).map_or(Fired::Stale, Fired::Again);
            }
            return self.finish(now).map_or(Fired::Stale, Fired::Finished);
        }
        match self.wants_timer(now) {
            Some(timer) if timer.due > now => Fired::Again(timer),
            _ => {
                let again = Timer { id: self.timer_id(), due: now.saturating_add(QUIET) };
                self.record.armed = Some(again.due);
                Fired::Look { legs: self.record.living(), again }
            }
        }
    }

    /// What the look at CloudLink said after [`Fired::Look`]: which of the legs are gone.
    pub fn looked(&mut self, gone: &[(String, String)], now: i64) -> Heard {
        self.changed = true;
        self.record.heard = self.record.heard.max(now);
        self.record.are_gone(gone);
        let is_over = !self.record.lives() && self.record.open_until.is_none();
        let finished = if is_over { self.finish(now) } else { None };
        let timer = self.wants_timer(now);
        Heard { view: self.record.view(self.record.seen), finished, timer }
    }

    /// What is to be stored, in the event's own transaction. Empty when nothing changed.
    pub fn changes(self) -> Vec<StateChange> {
        let mut changes = Vec::new();
        if self.changed {
            let lives = if self.record.finished.is_some() { CALL_FINISHED } else { CALL_LIVES };
            let until = self.record.heard.saturating_add(lives).min(FOREVER);
            let at = write(&keys::Kept::<&Record>::At(Arc::clone(&self.home)));
            for key in self.pointers {
                changes.push(StateChange { key, bytes: Arc::clone(&at), until });
            }
            let bytes = write(&keys::Kept::Call(&self.record));
            changes.push(StateChange { key: Arc::clone(&self.home), bytes, until });
        }
        changes.extend(self.waiting.into_iter().map(|(key, stored)| stored.at(key)));
        changes
    }

    /// Its timer's name.
    pub fn timer_id(&self) -> Arc<str> {
        format!("{}/timer", self.home).into()
    }

    /// Sets the timer earlier where that is wanted. One that is set too early is let fire: most calls are over long before
    /// [`QUIET`], and setting it again with each event would be written each time.
    fn wants_timer(&mut self, now: i64) -> Option<Timer> {
        if self.record.finished.is_some() || !self.record.is_known() {
            return None;
        }
        let due = self.record.open_until.unwrap_or(self.record.heard.saturating_add(QUIET));
        if self.record.armed.is_some_and(|armed| armed <= due && armed >= now) {
            return None;
        }
        self.record.armed = Some(due);
        Some(Timer { id: self.timer_id(), due })
    }

    /// The end of the whole call, once.
    fn finish(&mut self, now: i64) -> Option<Finished> {
        if self.record.finished.is_some() {
            return None;
        }
        self.record.finished = Some(now);
        self.record.heard = self.record.heard.max(now);
        self.record.open_until = None;
        self.record.armed = None;
        self.changed = true;
        let time = self.record.seen;
        let mut fields = self.record.last_leg();
        fields.extend(self.record.view(time).fields());
        // A PBX may use an id again within days; a call that began at another time is another call.
        Some(Finished { id: format!("{}/finished@{}", self.home, self.record.began).into(), time, fields })
    }
}

/// The endpoint and call id of a leg, cut as they are stored.
fn leg_id<'a>(heard: &LegHeard<'a>) -> (&'a str, &'a str) {
    (clip(heard.endpoint), clip(heard.call))
}
