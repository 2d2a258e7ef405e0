//! Rules with `for`: what an event says to their clocks. The clocks themselves run in the room `memory`.

use std::sync::Arc;

use crate::event::{Event, Kind};
use crate::memory::clocks::Asked;

use super::plan::Deciding;
use super::{Rule, RuleSet};

impl RuleSet {
    /// Whether a rule with `for` is for events such as this one.
    pub fn has_clocks(&self, kind: Kind) -> bool {
        self.clocks.contains(kind.family())
    }

    /// What an event says to the rules with `for`: to those that it begins, and to those of these names that run.
    pub fn clocks(&self, event: &Event, running: &[Arc<str>]) -> Vec<(Arc<Rule>, Asked)> {
        let mut places: Vec<usize> = running.iter().filter_map(|name| self.place(name)).collect();
        places.extend(self.index.candidates(&self.rules, event).into_iter().map(|place| place as usize));
        places.retain(|place| self.rules[*place].wait.is_some());
        places.sort_unstable();
        places.dedup();
        let deciding = Deciding::new(self, event);
        places.into_iter().map(|place| (Arc::clone(&self.rules[place]), deciding.asked(&self.rules[place]))).collect()
    }
}

impl<'a> Deciding<'a> {
    fn asked(&self, rule: &'a Rule) -> Asked {
        let kinds = &rule.trigger.kinds;
        if !rule.enabled || self.is_own() {
            return Asked::Other;
        }
        if kinds.contains(&self.event.kind) {
            return if self.conditions(rule).is_ok() { Asked::Begins } else { Asked::Fails };
        }
        match began(self.event) {
            Some(kind) if kinds.contains(&kind) && self.conditions(rule).is_ok() => Asked::Holds,
            Some(kind) if kinds.contains(&kind) => Asked::Fails,
            _ => Asked::Other,
        }
    }
}

/// The kind that began the state which a mere update tells of.
fn began(event: &Event) -> Option<Kind> {
    match event.kind {
        Kind::PresenceUpdated => Some(Kind::PresenceChanged),
        Kind::CallUpdated => match event.field(["call", "state"])?.as_str()? {
            "ringing" => Some(Kind::CallRinging),
            "connected" => Some(Kind::CallConnected),
            "held" => Some(Kind::CallHeld),
            "ended" => Some(Kind::CallEnded),
            _ => None,
        },
        _ => None,
    }
}
