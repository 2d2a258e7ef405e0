//! Rules with `for`: their clocks begin, are called off, and run out.

use std::sync::Arc;

use serde_json::Value;

use super::Desk;
use super::own::Own;
use super::planning::Deciding;
use crate::event::Event;
use crate::journal::{Claim, Timer, TimerChange};
use crate::memory::clocks::{Heard, Step};
use crate::rules::RuleSet;

impl Desk {
    /// An event says its say to the clocks of its resource.
    pub(super) fn hear_clocks(deciding: &mut Deciding, rules: &RuleSet, claim: &Claim) {
        let Some(mut clocks) = deciding.clocks.take() else { return };
        let event = &deciding.event;
        let running = clocks.rules();
        // The PBX's clock by the gateway's, but never ahead of it.
        let happened = event.time.timestamp_millis().saturating_add(deciding.skew).min(claim.arrived);
        let state = state(event);
        for (rule, asked) in rules.clocks(event, &running) {
            let heard = Heard { state: &state, rule: asked, seq: claim.seq, time: happened };
            let wait = rule.wait.map_or(0, |wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
            match clocks.hear(&rule.name, &heard, wait) {
                Step::Keep => {}
                Step::CallOff(timer) => deciding.timers.push(TimerChange::Clear(timer.id)),
                Step::Begin(timer) => {
                    let entry = Own::due(claim, deciding.as_decision(), &rule.name, &timer);
                    let (id, due) = (timer.id, timer.due);
                    deciding.timers.extend(entry.map(|entry| TimerChange::Set(Timer { id, due, entry })));
                }
            }
        }
        deciding.state.extend(clocks.change(claim.arrived));
    }

    /// A rule's clock ran out: the rules that are due with it.
    pub(super) fn clock_ran_out(deciding: &mut Deciding, rule: &str, due: i64, now: i64) -> Vec<Arc<str>> {
        let Some(mut clocks) = deciding.clocks.take() else { return Vec::new() };
        let fired = clocks.fired(rule, due);
        let others = fired.iter().filter(|other| &*other.rule != rule);
        deciding.timers.extend(others.map(|other| TimerChange::Clear(Arc::clone(&other.timer.id))));
        deciding.state.extend(clocks.change(now));
        fired.into_iter().map(|due| due.rule).collect()
    }
}

/// The state that lasts: that of a leg, status and override of a presentity; a conversation is always in the same.
fn state(event: &Event) -> String {
    let text = |view: &str, field: &str| event.field([view, field]).and_then(Value::as_str).unwrap_or_default();
    match event.kind.family() {
        "call" => text("call", "state").to_owned(),
        "presence" => format!("{}/{}", text("presence", "status"), text("presence", "override")),
        _ => String::new(),
    }
}
