//! Rules with `for`: their clocks begin, are called off, and run out.

use std::sync::Arc;

use serde_json::Value;

use super::Desk;
use super::own::Own;
use super::planning::Deciding;
use crate::event::{Event, Kind};
use crate::journal::{Claim, Timer, TimerChange};
use crate::memory::clocks::{Asked, Heard, Step};
use crate::rules::RuleSet;

impl Desk {
    /// An event says its say to the clocks of its resource.
    pub(super) fn hear_clocks(deciding: &mut Deciding, rules: &RuleSet, claim: &Claim) {
        let Some(mut clocks) = deciding.clocks.take() else { return };
        let event = &deciding.event;
        let running = clocks.rules();
        let happened = began(event, deciding.skew, claim.arrived);
        let state = state(event);
        let mut asked: Vec<(Arc<str>, Asked, i64)> = rules
            .clocks(event, &running)
            .into_iter()
            .map(|(rule, asked)| {
                let wait = rule.wait.map_or(0, |wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
                (Arc::clone(&rule.name), asked, wait)
            })
            .collect();
        // One whose rule is gone may come back, and should know then that something changed.
        let gone = running.iter().filter(|name| rules.rule(name).is_none_or(|rule| rule.wait.is_none()));
        asked.extend(gone.map(|name| (Arc::clone(name), Asked::Other, 0)));
        for (rule, asked, wait) in asked {
            // A mere update, or what comes late, never changes the state that a leg is in.
            if event.kind == Kind::CallUpdated && clocks.state_of(&rule).is_some_and(|running| running != state) {
                continue;
            }
            let heard = Heard { state: &state, rule: asked, seq: claim.seq, time: happened };
            match clocks.hear(&rule, &heard, wait) {
                Step::Keep => {}
                Step::CallOff(timer) => deciding.timers.push(TimerChange::Clear(timer.id)),
                Step::Begin(timer) => {
                    let entry = Own::due(claim, deciding.as_decision(), &rule, &timer);
                    let (id, due) = (timer.id, timer.due);
                    deciding.timers.extend(entry.map(|entry| TimerChange::Set(Timer { id, due, entry })));
                }
            }
        }
        deciding.state.extend(clocks.change(claim.arrived));
    }

    /// A rule's clock ran out: the rules that are due with it. Those that a reload took away are noted.
    pub(super) fn clock_ran_out(
        deciding: &mut Deciding,
        rules: &RuleSet,
        rule: &str,
        due: i64,
        now: i64,
    ) -> Vec<Arc<str>> {
        let Some(mut clocks) = deciding.clocks.take() else { return Vec::new() };
        let fired = clocks.fired(rule, due);
        let others = fired.iter().filter(|other| &*other.rule != rule);
        deciding.timers.extend(others.map(|other| TimerChange::Clear(Arc::clone(&other.timer.id))));
        deciding.state.extend(clocks.change(now));
        let kind = deciding.event.kind;
        let waits = |name: &Arc<str>| rules.rule(name).is_some_and(|rule| rule.wait.is_some() && rule.is_for(kind));
        let (begun, gone): (Vec<_>, Vec<_>) = fired.into_iter().map(|due| due.rule).partition(waits);
        if !gone.is_empty() {
            let names: Vec<String> = gone.iter().map(|name| format!("`{name}`")).collect();
            let names = names.join(", ");
            deciding.note =
                Some(format!("its rule is gone: no {names} with `for` is for {kind} now, so it does nothing"));
        }
        begun
    }
}

/// An event that is older than this when it comes was late, or its PBX's clock is slow.
const LATE: i64 = 3_000;

/// From when a clock runs, in milliseconds since 1970: from the event's own time, as the gateway's clock tells it. Of a PBX
/// whose skew is not known yet, what looks late counts from its arrival: a clock that is slow must not make it act at once.
fn began(event: &Event, skew: i64, arrived: i64) -> i64 {
    let happened = event.time.timestamp_millis().saturating_add(skew).min(arrived);
    if skew == 0 && arrived.saturating_sub(happened) > LATE { arrived } else { happened }
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
