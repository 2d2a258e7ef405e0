//! What is stored of a call, and what follows from it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::leg::{Leg, State};
use super::{CallView, LegHeard};
use crate::memory::spans::{LEGS, OWN, PATH};
use crate::memory::stored::clip;

/// A whole call. It is known once a leg of it was heard in some state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    /// When it was first heard of, by the gateway's clock: its own name among calls of the same id.
    pub(super) began: i64,
    /// When it was last heard of, by the gateway's clock.
    pub(super) heard: i64,
    /// The latest time of its events.
    pub(super) seen: i64,
    pub(super) hops: u32,
    pub(super) path: Vec<String>,
    pub(super) legs: Vec<Leg>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answered: Option<Answered>,
    /// The times of legs that are no longer kept, in milliseconds.
    #[serde(skip_serializing_if = "is_zero")]
    rung: i64,
    #[serde(skip_serializing_if = "is_zero")]
    talked: i64,
    /// It was handed on and waits so long for its next leg, by the gateway's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) open_until: Option<i64>,
    /// When its timer is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) armed: Option<i64>,
    /// When it was finished, by the gateway's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finished: Option<i64>,
}

/// Who answered. A leg that was called answers for itself; a leg that called shows only the number it called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Answered {
    by: Option<String>,
    outbound: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Record {
    pub(super) fn is_known(&self) -> bool {
        !self.legs.is_empty()
    }

    pub(super) fn lives(&self) -> bool {
        self.legs.iter().any(Leg::lives)
    }

    /// Whether a leg rings that ended with this call: the PBX uses its id again.
    pub(super) fn is_another_call(&self, heard: &LegHeard<'_>) -> bool {
        let leg = self.legs.iter().rev().find(|leg| leg.is(heard));
        let later = leg.and_then(|leg| leg.ended).is_some_and(|ended| heard.time > ended);
        self.finished.is_some() && heard.state == Some(State::Ringing) && later
    }

    /// The next call with the same home. It has another name even when it begins in the same millisecond.
    pub(super) fn next(&self) -> Self {
        Self { began: self.began.saturating_add(1), ..Self::default() }
    }

    /// Takes in an event of a leg. Returns, if the leg ended with it, whether it was handed on.
    pub(super) fn hear(&mut self, heard: &LegHeard<'_>) -> Option<bool> {
        let at = match self.legs.iter().rposition(|leg| leg.is(heard)) {
            Some(at) => at,
            None => self.add(heard)?,
        };
        let leg = &mut self.legs[at];
        let was = leg.state;
        let ends = heard.state.is_some_and(|state| leg.goes(state, heard));
        if heard.keep && (heard.time >= self.seen || ends) {
            leg.shows(heard.view);
        }
        let answers = was != leg.state && matches!(leg.state, State::Connected | State::Held);
        let handed_on = ends.then(|| leg.is_handed_on());
        if answers {
            self.answered(heard);
        }
        self.heard = self.heard.max(heard.now);
        self.seen = self.seen.max(heard.time);
        handed_on
    }

    /// A new leg; nothing for a mere update, or when there is no room for a leg that only rings or ended.
    fn add(&mut self, heard: &LegHeard<'_>) -> Option<usize> {
        let state = heard.state?;
        if !self.is_known() {
            self.began = heard.now.max(self.began);
        }
        if self.legs.len() >= LEGS {
            self.forget_a_leg(state)?;
        }
        // It begins as ringing without a time, so that any state is ahead of it.
        self.legs.push(Leg::new(heard, State::Ringing));
        let endpoint = clip(heard.endpoint);
        if self.path.last().map(String::as_str) != Some(endpoint) && self.path.len() < PATH {
            self.path.push(endpoint.to_owned());
        }
        Some(self.legs.len() - 1)
    }

    fn forget_a_leg(&mut self, for_one: State) -> Option<()> {
        let ended = self.legs.iter().position(|leg| !leg.lives());
        let ringing = || self.legs.iter().position(|leg| leg.state == State::Ringing);
        let at = match for_one {
            State::Ended => None,
            State::Ringing => ended,
            State::Connected | State::Held => ended.or_else(ringing),
        }?;
        let leg = self.legs.remove(at);
        let length = |span: Option<(i64, i64)>| span.map_or(0, |(from, to)| to.saturating_sub(from).max(0));
        self.rung = self.rung.saturating_add(length(leg.ringing(self.seen)));
        self.talked = self.talked.saturating_add(length(leg.talking(self.seen)));
        Some(())
    }

    fn answered(&mut self, heard: &LegHeard<'_>) {
        let outbound = heard.is_outbound();
        let by = if outbound { heard.other } else { Some(heard.endpoint) };
        if self.answered.as_ref().is_none_or(|known| known.outbound && !outbound) {
            self.answered = Some(Answered { by: by.map(|by| clip(by).to_owned()), outbound });
        }
    }

    /// Whether the leg that an event's leg was handed on to is there already and lives.
    pub(super) fn has_next(&self, heard: &LegHeard<'_>) -> bool {
        let Some(at) = self.legs.iter().rposition(|leg| leg.is(heard)) else { return false };
        let behind = self.legs[at].legs_then.unwrap_or(at + 1);
        self.legs.iter().skip(behind).any(Leg::lives)
    }

    /// Whether the leg of an event was answered.
    pub(super) fn is_answered(&self, heard: &LegHeard<'_>) -> bool {
        self.legs.iter().rev().find(|leg| leg.is(heard)).is_some_and(|leg| leg.answered.is_some())
    }

    /// A redirect of ours is planned for a leg.
    pub(super) fn redirected(&mut self, heard: &LegHeard<'_>) {
        let count = self.legs.len();
        if let Some(leg) = self.legs.iter_mut().rev().find(|leg| leg.is(heard) && leg.lives()) {
            leg.redirected = true;
            leg.legs_then = Some(count);
            leg.acted = Some(heard.now);
        }
    }

    /// Whether an end or an update of a leg shows what a step of ours did to it.
    pub(super) fn is_own(&self, heard: &LegHeard<'_>) -> bool {
        let ends_or_updates = matches!(heard.state, None | Some(State::Ended));
        let acted = self.legs.iter().rev().find(|leg| leg.is(heard)).and_then(|leg| leg.acted);
        ends_or_updates && acted.is_some_and(|acted| heard.now < acted.saturating_add(OWN))
    }

    /// The legs that live, as endpoint and call id.
    pub(super) fn living(&self) -> Vec<(String, String)> {
        let living = self.legs.iter().filter(|leg| leg.lives());
        living.map(|leg| (leg.endpoint.clone(), leg.call.clone())).collect()
    }

    /// Legs that are gone; when they ended, nobody said.
    pub(super) fn are_gone(&mut self, legs: &[(String, String)]) {
        let is_gone = |leg: &Leg| legs.iter().any(|(endpoint, call)| *endpoint == leg.endpoint && *call == leg.call);
        for leg in self.legs.iter_mut().filter(|leg| leg.lives() && is_gone(leg)) {
            leg.state = State::Ended;
            leg.ended = Some(self.seen);
        }
    }

    /// What is known of the leg that ended last.
    pub(super) fn last_leg(&self) -> Map<String, Value> {
        let last = self.legs.iter().max_by_key(|leg| leg.ended);
        let mut fields = last.map(|leg| leg.view.clone()).unwrap_or_default();
        fields.insert("state".into(), json!("ended"));
        fields
    }

    pub(super) fn view(&self, time: i64) -> CallView {
        let talking = union(self.legs.iter().filter_map(|leg| leg.talking(time)));
        let busy = union(self.legs.iter().flat_map(|leg| [leg.ringing(time), leg.talking(time)].into_iter().flatten()));
        CallView {
            hops: self.hops,
            path: self.path.clone(),
            answered: self.answered.is_some(),
            answered_by: self.answered.as_ref().and_then(|answered| answered.by.clone()),
            ring_seconds: self.rung.saturating_add(busy.saturating_sub(talking)).max(0) / 1000,
            talk_seconds: self.talked.saturating_add(talking).max(0) / 1000,
        }
    }
}

/// How long any of the spans lasts, each moment counted once.
fn union(spans: impl Iterator<Item = (i64, i64)>) -> i64 {
    let mut spans: Vec<(i64, i64)> = spans.filter(|(from, to)| from < to).collect();
    spans.sort_unstable();
    let (mut total, mut reached) = (0_i64, i64::MIN);
    for (from, to) in spans {
        let from = from.max(reached);
        if to > from {
            total = total.saturating_add(to.saturating_sub(from));
            reached = to;
        }
    }
    total
}
