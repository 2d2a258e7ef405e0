//! What must hold of what is remembered between events: vars, clocks of `for`, limits, whole calls, schedules.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Court, Stored, id};

/// Rules that a clock may call.
pub(super) const CLOCKS: [&str; 3] = ["lasting", "over", "tick"];
/// The limit of the rule "few": so many within that time, in milliseconds, less a few seconds for what waited for its lane. An act
/// counts from its event's arrival on, and is forgotten by the clock: after a crash they are far apart.
const MOST: usize = 2;
const WITHIN: i64 = 30_000 - 5_000;

impl Stored<'_> {
    fn acts(&self, rule: &str) -> bool {
        self.claim.history.iter().any(|line| &*line.run == rule)
    }

    /// When it was decided about, in milliseconds since 1970.
    fn decided(&self) -> i64 {
        self.claim.history.iter().find(|line| line.run.is_empty()).map_or(self.claim.arrived, |line| line.at)
    }

    /// A part of what we published ourselves.
    fn own(&self, pointer: &str) -> Option<Value> {
        let body: Value = serde_json::from_str(&self.claim.entry.body).ok()?;
        body.pointer(pointer).cloned()
    }
}

impl Court<'_> {
    pub(super) fn remembered(&mut self) {
        for (name, wrong) in [
            ("for", self.lasted()),
            ("limit", self.limited()),
            ("var", self.seen()),
            ("finished", self.once("over", "/publication/content/call/tracking_id")),
            ("every", self.once("tick", "/why/tick/due")),
        ] {
            for what in wrong {
                self.broken(name, what);
            }
        }
    }

    /// A state that lasts is acted on once, and not when a later one was planned before.
    fn lasted(&self) -> Vec<String> {
        let mut acted: BTreeMap<&str, u64> = BTreeMap::new();
        let mut wrong = Vec::new();
        for stored in self.stored.iter().filter(|stored| stored.acts("lasting")) {
            let (lane, seq) = (&*stored.claim.entry.lane, stored.claim.seq);
            if let Some(first) = acted.insert(lane, seq) {
                wrong.push(format!("{lane} lasted twice, in {first} and {seq}"));
            }
            let later = |other: &&Stored<'_>| {
                other.sent.is_some()
                    && *other.claim.entry.lane == *lane
                    && other.claim.seq < seq
                    && ["call.connected", "call.ended"].contains(&&*other.kind)
            };
            if let Some(other) = self.stored.iter().find(later) {
                wrong.push(format!("{lane} lasted in {seq}, and was {} in {}", other.kind, other.claim.seq));
            }
        }
        wrong
    }

    /// Never more acts within the time than the limit allows.
    fn limited(&self) -> Vec<String> {
        let acts = self.stored.iter().filter(|stored| stored.acts("few"));
        let mut times: Vec<(i64, i64)> = acts.map(|stored| (stored.decided(), stored.claim.arrived)).collect();
        times.sort_unstable();
        let close = times.windows(MOST + 1).filter(|times| {
            let arrived = times.iter().map(|(_, arrived)| *arrived);
            let span = arrived.clone().max().zip(arrived.min()).map_or(0, |(last, first)| last - first);
            times[MOST].0 - times[0].0 < WITHIN && span < WITHIN
        });
        close.map(|times| format!("{} acts, decided and arrived at {times:?}", times.len())).collect()
    }

    /// An event sees what the last run before it set, or a later one.
    fn seen(&self) -> Vec<String> {
        let mut lanes: BTreeMap<&str, Vec<&Stored<'_>>> = BTreeMap::new();
        for stored in self.stored.iter().filter(|stored| stored.kind == "presence.changed") {
            lanes.entry(&stored.claim.entry.lane).or_default().push(stored);
        }
        let mut wrong = Vec::new();
        for (lane, all) in lanes {
            let place = |seen: Option<&str>| all.iter().position(|stored| Some(id(stored.claim)) == seen);
            for stored in &all {
                let decided = stored.claim.history.iter().find(|line| line.run.is_empty()).map(|line| line.at);
                let set = |other: &&&Stored<'_>| {
                    let mut lines = other.claim.history.iter();
                    lines.any(|line| &*line.run == "note" && &*line.fate == "done" && Some(line.at) < decided)
                };
                let last = all.iter().rev().find(set).map(|other| id(other.claim));
                let seen = stored.decision.vars.get("seen").and_then(Value::as_str);
                if place(seen) < place(last) {
                    wrong.push(format!("{} of {lane} sees {seen:?}, and {last:?} was set", id(stored.claim)));
                }
            }
        }
        wrong
    }

    /// A rule acts once for each value of what its event is about.
    fn once(&self, rule: &str, about: &str) -> Vec<String> {
        let mut acted: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for stored in self.stored.iter().filter(|stored| stored.acts(rule)) {
            let what = stored.own(about).unwrap_or_default().to_string();
            acted.entry(what).or_default().push(stored.claim.seq);
        }
        acted.retain(|_, all| all.len() > 1);
        acted.into_iter().map(|(what, all)| format!("{rule} acts for {what} in {all:?}")).collect()
    }
}
