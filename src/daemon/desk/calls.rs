//! What is remembered of a whole call when one of its legs changes, and the redirects that are counted before they are sent.

use serde_json::Map;

use super::Desk;
use super::planning::{Deciding, Next, Opening, Stage};
use super::ticks::call_timer;
use crate::dispatch::Planning;
use crate::event::Event;
use crate::journal::{Claim, TimerChange};
use crate::memory::call::{CallMemory, LegHeard};
use crate::rules::request::Request;
use crate::rules::{Plan, RuleSet, RunPlan, Scope, Step};

impl Desk {
    /// The call takes in what happened to its leg.
    pub(super) fn hear(deciding: &mut Deciding, rules: &RuleSet, mut memory: CallMemory) {
        let Some(leg) = LegHeard::of(&deciding.event) else { return };
        let asked = rules.calls();
        deciding.own |= memory.is_own(&leg);
        if deciding.is_due() {
            // That the state lasted is no news of the call.
            deciding.call = memory.view(leg.time).fields();
        } else {
            let heard = memory.hear(&LegHeard { keep: asked.finished, ..leg });
            if asked.finished {
                let (account, home) = (&deciding.event.account, memory.home());
                deciding.timers.extend(heard.timer.map(|timer| call_timer(account, home, timer)));
                if let Some(finished) = heard.finished {
                    deciding.timers.push(TimerChange::Clear(memory.timer_id()));
                    deciding.events.push(Self::finished(account, home, &finished));
                }
            } else {
                // Nobody asks when it is finished, so no clock is set.
                memory.disarm();
            }
            if memory.was_known() || asked.facts || asked.finished {
                deciding.call = heard.view.fields();
            }
        }
        deciding.event.know_call(&deciding.call);
        deciding.memory = Some(memory);
    }

    /// Counts the redirect that is planned, before it is sent.
    pub(super) fn decide_of_call(&self, mut deciding: Box<Deciding>, plan: Plan, claim: &Claim) -> Next {
        let Some(memory) = deciding.memory.take() else { return self.decided(*deciding, plan, claim) };
        let control = plan.runs.iter().find(|run| self.acts(run) && run.rule.steps.iter().any(hands_on));
        let Some(control) = control else {
            let asked = deciding.rules.calls();
            // A call that we never touched and nobody asks for is not written down with each of its events.
            if memory.was_known() || asked.facts || asked.finished {
                deciding.state.extend(memory.changes());
            }
            return self.decided(*deciding, plan, claim);
        };
        let tracked = LegHeard::of(&deciding.event).is_none_or(|leg| leg.tracking.is_some());
        let target = if tracked { None } else { self.target(&deciding.rules, &deciding.event, control) };
        match target.zip(LegHeard::of(&deciding.event)) {
            Some((target, leg)) => {
                let key = memory.waiting_key(&leg, &target);
                deciding.memory = Some(memory);
                Planning::Needs(Opening(Stage::HandedOn(deciding, plan, target)), vec![key])
            }
            None => self.count_hop(deciding, plan, memory, "", None, claim),
        }
    }

    /// Counts the redirect that is planned, or leaves the call alone.
    pub(super) fn count_hop(
        &self,
        mut deciding: Box<Deciding>,
        mut plan: Plan,
        mut memory: CallMemory,
        target: &str,
        waiting: Option<&str>,
        claim: &Claim,
    ) -> Next {
        let counted = LegHeard::of(&deciding.event)
            .map_or(Ok(()), |leg| memory.redirect_planned(&leg, target, waiting, claim.arrived));
        if let Err(too_many) = counted {
            plan.runs.retain(|run| !run.rule.controls_call());
            deciding.leave_alone(&too_many.to_string());
        }
        deciding.state.extend(memory.changes());
        self.decided(*deciding, plan, claim)
    }

    /// Where a run redirects to, as far as that can be said before its steps are taken.
    fn target(&self, rules: &RuleSet, event: &Event, run: &RunPlan) -> Option<String> {
        let step = run.rule.steps.iter().find(|step| hands_on(step))?;
        let scope = Scope::new(rules, event, &run.bindings, &Map::new(), self.clock.now());
        match step.render(&scope) {
            Ok(Some(Request::Redirect { to, .. })) => Some(to),
            _ => None,
        }
    }
}

/// Whether a step hands the call on to somebody else: such a one is a hop.
fn hands_on(step: &Step) -> bool {
    matches!(step.action(), "redirect" | "blind_transfer" | "supervised_transfer")
}
