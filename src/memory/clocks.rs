//! Clocks that run: a rule with `for` acts when that long has passed and nothing has changed.
//!
//! There is one clock for a rule and a resource (a leg, a conversation, a presentity). All clocks of a resource are
//! stored together, so that an event of it finds them with one look. Each is a durable timer whose id is made of account, rule and
//! resource, so that it is found again after a restart, and after a reload by the rule's name; a reload that
//! changes how long a `for` is changes nothing of a clock that runs. Each firing has the due time in its id, and fires
//! only if its clock still runs for that time. Stored are a state and three numbers for each rule, below 1 KB.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::key::key;
use super::spans::{FOREVER, PENDING};
use super::stored::{clip, read};
use super::{Stored, Timer};
use crate::journal::StateChange;

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

/// What follows for a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it runs on, or there is none.
    Keep,
    /// It is called off: the timer to take away. One that fires all the same is not wanted.
    CallOff(Timer),
    /// It begins: the timer to set. If one ran for another state, this replaces it.
    Begin(Timer),
}

/// A clock ran out: the rule is to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The rule.
    pub rule: Arc<str>,
    /// Its timer.
    pub timer: Timer,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Running {
    state: String,
    seq: u64,
    due: i64,
}

/// The clocks of a resource.
#[derive(Clone, Debug)]
pub struct Clocks {
    account: Arc<str>,
    resource: Arc<str>,
    running: BTreeMap<Arc<str>, Running>,
    changed: bool,
}

impl Clocks {
    /// The key of all clocks of a resource.
    pub fn key(account: &str, resource: &str) -> Arc<str> {
        key(account, "for", &[resource])
    }

    /// The clocks with the value of their key.
    pub fn read(account: &Arc<str>, resource: &str, stored: Option<&str>) -> Self {
        let running = read(stored).unwrap_or_default();
        Self { account: Arc::clone(account), resource: resource.into(), running, changed: false }
    }

    /// The rules whose clocks run.
    pub fn rules(&self) -> Vec<Arc<str>> {
        self.running.keys().cloned().collect()
    }

    /// The state for which the clock of a rule runs, if it does.
    pub fn state_of(&self, rule: &str) -> Option<&str> {
        self.running.get(rule).map(|running| &*running.state)
    }

    /// What an event of the resource does to the clock of a rule. `wait` is the rule's `for`, in milliseconds.
    pub fn hear(&mut self, rule: &Arc<str>, heard: &Heard<'_>, wait: i64) -> Step {
        let state = clip(heard.state);
        let goes_on = |running: &Running| running.state == state && heard.rule != Asked::Fails;
        if self.running.get(rule).is_some_and(goes_on) {
            return Step::Keep;
        }
        let ran = self.running.remove(rule);
        self.changed |= ran.is_some() || heard.rule == Asked::Begins;
        if heard.rule == Asked::Begins {
            let due = heard.time.saturating_add(wait);
            self.running.insert(Arc::clone(rule), Running { state: state.to_owned(), seq: heard.seq, due });
            return Step::Begin(self.timer(rule, due));
        }
        ran.map_or(Step::Keep, |ran| Step::CallOff(self.timer(rule, ran.due)))
    }

    /// A rule's timer fired that was due then: it, and the rules whose clocks the same event began and that are due at the same
    /// time. Nothing, if it was called off or replaced since.
    pub fn fired(&mut self, rule: &str, due: i64) -> Vec<Due> {
        let Some(seq) = self.running.get(rule).filter(|running| running.due == due).map(|running| running.seq) else {
            return Vec::new();
        };
        let together: Vec<Arc<str>> = self
            .running
            .iter()
            .filter(|(_, running)| running.due == due && running.seq == seq)
            .map(|(rule, _)| Arc::clone(rule))
            .collect();
        self.changed = true;
        self.running.retain(|rule, _| !together.contains(rule));
        together.into_iter().map(|rule| Due { timer: self.timer(&rule, due), rule }).collect()
    }

    /// What is to be stored, in the event's own transaction; nothing when nothing changed.
    pub fn change(&self, now: i64) -> Option<StateChange> {
        let last = self.running.values().map(|running| running.due).max();
        let stored = match last {
            Some(last) => Stored::new(&self.running, last.max(now).saturating_add(PENDING).min(FOREVER)),
            None => Stored::nothing(now),
        };
        self.changed.then(|| stored.at(Self::key(&self.account, &self.resource)))
    }

    fn timer(&self, rule: &str, due: i64) -> Timer {
        Timer { id: key(&self.account, "for", &[rule, &self.resource]), due }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WAIT: i64 = 12_000;

    fn clocks(stored: Option<&StateChange>) -> Clocks {
        Clocks::read(&"main".into(), "leg/2001/7", stored.map(|change| &*change.bytes))
    }

    fn heard(state: &str, rule: Asked, time: i64) -> Heard<'_> {
        Heard { state, rule, seq: time as u64, time }
    }

    fn rule() -> Arc<str> {
        "no answer".into()
    }

    #[test]
    fn it_begins_once_and_acts_once() {
        let mut first = clocks(None);
        let Step::Begin(timer) = first.hear(&rule(), &heard("ringing", Asked::Begins, 5), WAIT) else {
            panic!("it did not begin")
        };
        assert_eq!((&*timer.id, timer.due), ("main/for/no answer/leg%2F2001%2F7", 12_005));
        let stored = first.change(5).unwrap();
        assert_eq!(&*stored.key, "main/for/leg%2F2001%2F7");
        let mut again = clocks(Some(&stored));
        for asked in [Asked::Begins, Asked::Holds, Asked::Other] {
            assert_eq!(again.hear(&rule(), &heard("ringing", asked, 9), WAIT), Step::Keep);
        }
        assert_eq!(again.change(9), None);
        assert_eq!(again.fired("no answer", 12_004), []);
        assert_eq!(again.fired("no answer", 12_005), [Due { rule: rule(), timer }]);
        assert_eq!(again.fired("no answer", 12_005), []);
        assert_eq!(clocks(again.change(12_005).as_ref()).fired("no answer", 12_005), []);
        let update = again.hear(&rule(), &heard("ringing", Asked::Holds, 12_006), WAIT);
        assert_eq!(update, Step::Keep, "an update begins nothing");
    }

    #[test]
    fn another_state_or_a_failed_condition_calls_it_off() {
        for (state, asked) in [("connected", Asked::Other), ("ringing", Asked::Fails), ("held", Asked::Holds)] {
            let mut clocks = clocks(None);
            clocks.hear(&rule(), &heard("ringing", Asked::Begins, 0), WAIT);
            let step = clocks.hear(&rule(), &heard(state, asked, 1), WAIT);
            assert!(matches!(step, Step::CallOff(timer) if timer.due == WAIT), "{state}");
            assert_eq!(clocks.fired("no answer", WAIT), []);
        }
    }

    #[test]
    fn another_state_that_the_rule_asks_for_begins_anew() {
        let mut clocks = clocks(None);
        clocks.hear(&rule(), &heard("ringing", Asked::Begins, 0), WAIT);
        let anew = clocks.hear(&rule(), &heard("held", Asked::Begins, 100), WAIT);
        assert!(matches!(anew, Step::Begin(timer) if timer.due == 12_100));
        assert_eq!(clocks.fired("no answer", WAIT), [], "the first one is replaced");
        assert_eq!(clocks.fired("no answer", 12_100).len(), 1);
    }

    #[test]
    fn what_one_event_began_is_due_together() {
        let mut clocks = clocks(None);
        for (rule, wait) in [("a", WAIT), ("b", WAIT), ("later", 2 * WAIT)] {
            clocks.hear(&rule.into(), &heard("ringing", Asked::Begins, 7), wait);
        }
        clocks.hear(&"other event".into(), &heard("ringing", Asked::Begins, 6), WAIT + 1);
        let rules: Vec<Arc<str>> = clocks.fired("b", WAIT + 7).into_iter().map(|due| due.rule).collect();
        assert_eq!(rules, ["a".into(), "b".into()]);
        assert_eq!(clocks.rules(), ["later".into(), "other event".into()]);
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
            let mut stored: Option<StateChange> = None;
            let mut model: Option<(&str, i64)> = None;
            for (time, (state, asked)) in (0..).zip(&events) {
                let mut clocks = clocks(stored.as_ref());
                clocks.hear(&rule(), &heard(state, *asked, time), WAIT);
                stored = clocks.change(time).or(stored);
                model = model.filter(|(began, _)| began == state && *asked != Asked::Fails);
                if model.is_none() && *asked == Asked::Begins {
                    model = Some((state, time));
                }
            }
            for time in 0..events.len() as i64 {
                let fired = !clocks(stored.as_ref()).fired("no answer", time + WAIT).is_empty();
                prop_assert_eq!(fired, model.is_some_and(|(_, began)| began == time));
            }
        }

        #[test]
        fn what_is_written_reads_back(state in ".{0,300}", time in any::<i64>(), wait in any::<i64>()) {
            let mut first = clocks(None);
            first.hear(&rule(), &heard(&state, Asked::Begins, time), wait);
            prop_assert_eq!(clocks(first.change(0).as_ref()).running, first.running);
        }

        #[test]
        fn broken_text_is_no_clock(text in ".{0,30}", due in any::<i64>()) {
            prop_assert_eq!(Clocks::read(&"main".into(), "x", Some(&text)).fired("no answer", due), []);
        }
    }
}
