//! Clocks that run: a rule with `for` acts when that long has passed and nothing has changed.
//!
//! There is one clock for a rule and a resource (a leg, a conversation, a presentity). It is a durable timer whose id is made of
//! account, rule and resource, so that it is found again after a restart, and after a reload by the rule's name; a reload that
//! changes how long a `for` is changes nothing of a clock that runs. Each firing has the due time in its id, and fires
//! only if its clock still runs for that time. Stored are a state and four numbers, below 1 KB.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::key::key;
use super::spans::{FOREVER, PENDING};
use super::stored::{clip, read};
use super::{Stored, Timer};

/// What an event says to a clock.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// The state that the resource is in with this event: that of a leg, status and override of a presentity; a
    /// conversation is always in the same.
    pub state: &'a str,
    /// What the event is to the rule.
    pub rule: Asked,
    /// Where the event is in the journal.
    pub seq: u64,
    /// From when the clock runs, in milliseconds since 1970.
    pub time: i64,
}

/// What an event is to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is of a kind that the rule is `on`, and `where` and `when` hold.
    Begins,
    /// It is a mere `….updated` of such a kind, and `where` and `when` hold.
    Holds,
    /// It is of such a kind or its `….updated`, and `where` or `when` fails.
    Fails,
    /// It is of another kind: only its state matters.
    Other,
}

/// What follows for the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it runs on, or there is none.
    Keep,
    /// It is called off.
    CallOff {
        /// The timer to take away. One that fires all the same is not wanted.
        timer: Timer,
        /// What is to be stored.
        stored: Stored,
    },
    /// It begins. If one ran for another state, this replaces it.
    Begin {
        /// The timer to set.
        timer: Timer,
        /// What is to be stored.
        stored: Stored,
    },
}

/// A clock ran out: the rule is to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The id of the event, one for each firing.
    pub id: Arc<str>,
    /// Where the event that began it is in the journal.
    pub seq: u64,
    /// The state that began it.
    pub state: String,
    /// What is to be stored.
    pub stored: Stored,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Running {
    state: String,
    seq: u64,
    began: i64,
    due: i64,
}

/// The clock of a rule for a resource.
#[derive(Clone, Debug)]
pub struct Pending {
    key: Arc<str>,
    running: Option<Running>,
}

impl Pending {
    /// The key of the clock of a rule for a resource: its timer's id, too.
    pub fn key(account: &str, rule: &str, resource: &str) -> Arc<str> {
        key(account, "for", &[rule, resource])
    }

    /// The clock with the value of its key.
    pub fn read(key: Arc<str>, stored: Option<&str>) -> Self {
        Self { key, running: read(stored) }
    }

    /// The timer, if it runs.
    pub fn timer(&self) -> Option<Timer> {
        self.running.as_ref().map(|running| self.timer_at(running.due))
    }

    /// What an event of the resource does to it. `wait` is the rule's `for`, in milliseconds.
    pub fn hear(&mut self, heard: &Heard<'_>, wait: i64) -> Step {
        let state = clip(heard.state);
        let goes_on = |running: &Running| running.state == state && heard.rule != Asked::Fails;
        if self.running.as_ref().is_some_and(goes_on) {
            return Step::Keep;
        }
        let ran = self.running.take();
        if heard.rule == Asked::Begins {
            let due = heard.time.saturating_add(wait);
            let running = Running { state: state.to_owned(), seq: heard.seq, began: heard.time, due };
            let stored = Stored::new(&running, due.saturating_add(PENDING).min(FOREVER));
            self.running = Some(running);
            return Step::Begin { timer: self.timer_at(due), stored };
        }
        match ran {
            Some(ran) => Step::CallOff { timer: self.timer_at(ran.due), stored: Stored::nothing(heard.time) },
            None => Step::Keep,
        }
    }

    /// Its timer fired that was due then. Nothing, if it was called off or replaced since.
    pub fn fired(&mut self, due: i64) -> Option<Due> {
        let running = self.running.take_if(|running| running.due == due)?;
        Some(Due {
            id: self.timer_at(due).firing(),
            seq: running.seq,
            state: running.state,
            stored: Stored::nothing(due),
        })
    }

    fn timer_at(&self, due: i64) -> Timer {
        Timer { id: Arc::clone(&self.key), due }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WAIT: i64 = 12_000;

    fn clock(stored: Option<&str>) -> Pending {
        Pending::read(Pending::key("main", "no answer", "leg/2001/7"), stored)
    }

    fn heard(state: &str, rule: Asked, time: i64) -> Heard<'_> {
        Heard { state, rule, seq: time as u64, time }
    }

    #[test]
    fn it_begins_once_and_acts_once() {
        let mut pending = clock(None);
        let Step::Begin { timer, stored } = pending.hear(&heard("ringing", Asked::Begins, 5), WAIT) else {
            panic!("it did not begin")
        };
        assert_eq!((&*timer.id, timer.due), ("main/for/no answer/leg%2F2001%2F7", 12_005));
        let mut pending = clock(Some(&stored.bytes));
        for rule in [Asked::Begins, Asked::Holds, Asked::Other] {
            assert_eq!(pending.hear(&heard("ringing", rule, 9), WAIT), Step::Keep);
        }
        assert_eq!(pending.fired(12_004), None);
        let due = pending.fired(12_005).unwrap();
        assert_eq!((&*due.id, due.seq, &*due.state), ("main/for/no answer/leg%2F2001%2F7@12005", 5, "ringing"));
        assert_eq!(pending.fired(12_005), None);
        assert_eq!(clock(Some(&due.stored.bytes)).fired(12_005), None);
        assert_eq!(pending.hear(&heard("ringing", Asked::Holds, 12_006), WAIT), Step::Keep, "an update begins nothing");
    }

    #[test]
    fn another_state_or_a_failed_condition_calls_it_off() {
        for (state, rule) in [("connected", Asked::Other), ("ringing", Asked::Fails), ("held", Asked::Holds)] {
            let mut pending = clock(None);
            pending.hear(&heard("ringing", Asked::Begins, 0), WAIT);
            let step = pending.hear(&heard(state, rule, 1), WAIT);
            assert!(matches!(step, Step::CallOff { timer, .. } if timer.due == WAIT), "{state}");
            assert_eq!(pending.fired(WAIT), None);
        }
    }

    #[test]
    fn another_state_that_the_rule_asks_for_begins_anew() {
        let mut pending = clock(None);
        pending.hear(&heard("ringing", Asked::Begins, 0), WAIT);
        assert!(
            matches!(pending.hear(&heard("held", Asked::Begins, 100), WAIT), Step::Begin { timer, .. } if timer.due == 12_100)
        );
        assert_eq!(pending.fired(WAIT), None, "the first one is replaced");
        assert_eq!(pending.fired(12_100).unwrap().state, "held");
    }

    fn any_heard() -> impl Strategy<Value = (&'static str, Asked)> {
        let rule = prop::sample::select(vec![Asked::Begins, Asked::Holds, Asked::Fails, Asked::Other]);
        (prop::sample::select(vec!["ringing", "connected"]), rule)
    }

    proptest! {
        /// Against the whole history: it fires for a time exactly if an event began it then, none of the events since called
        /// it off, and it ran through a restart at each step.
        #[test]
        fn it_fires_if_nothing_changed(events in prop::collection::vec(any_heard(), 1..20)) {
            let mut stored: Option<Stored> = None;
            let mut model: Option<(&str, i64)> = None;
            for (time, (state, rule)) in (0..).zip(&events) {
                let mut pending = clock(stored.as_ref().map(|stored| &*stored.bytes));
                match pending.hear(&heard(state, *rule, time), WAIT) {
                    Step::Keep => {}
                    Step::CallOff { stored: new, .. } | Step::Begin { stored: new, .. } => stored = Some(new),
                }
                model = model.filter(|(began, _)| began == state && *rule != Asked::Fails);
                if model.is_none() && *rule == Asked::Begins {
                    model = Some((state, time));
                }
            }
            for time in 0..events.len() as i64 {
                let mut pending = clock(stored.as_ref().map(|stored| &*stored.bytes));
                prop_assert_eq!(pending.fired(time + WAIT).is_some(), model.is_some_and(|(_, began)| began == time));
            }
        }

        #[test]
        fn what_is_written_reads_back(state in ".{0,300}", time in any::<i64>(), wait in any::<i64>()) {
            let mut pending = clock(None);
            let Step::Begin { stored, timer } = pending.hear(&heard(&state, Asked::Begins, time), wait) else {
                return Err(TestCaseError::fail("it did not begin"));
            };
            let again = clock(Some(&stored.bytes));
            prop_assert_eq!(again.timer(), Some(timer));
            prop_assert_eq!(again.running, pending.running);
        }

        #[test]
        fn broken_text_is_no_clock(text in ".{0,30}", due in any::<i64>()) {
            prop_assert_eq!(clock(Some(&text)).fired(due), None);
        }
    }
}
