//! Limits of rules: asked and counted before anything is done, in the decision's own transaction.

use std::sync::Arc;

use super::Desk;
use super::planning::{Deciding, Next, Opening, Stage};
use crate::dispatch::Planning;
use crate::journal::Claim;
use crate::memory::limits::limit_key;
use crate::rules::{Plan, RunPlan};

impl Desk {
    /// Plans; whose limit was not asked yet, is asked. A rule over its limit does not match, so another one may in its place.
    pub(super) fn ask_limits(&self, deciding: Box<Deciding>, claim: &Claim) -> Next {
        let plan = Self::plan_of(&deciding);
        let unasked = plan.runs.iter().filter(|run| run.rule.limit.is_some() && self.acts(run));
        let unasked: Vec<Arc<str>> = unasked
            .map(|run| Arc::clone(&run.rule.name))
            .filter(|name| !deciding.asked.iter().any(|asked| asked == name))
            .collect();
        if unasked.is_empty() {
            return self.decided_by_rules(deciding, plan, claim);
        }
        let key = |run: &RunPlan| {
            let per = run.rule.limit.as_ref().and_then(|limit| limit.per(&deciding.event));
            limit_key(&deciding.event.account, &run.rule.name, per.as_deref())
        };
        let keys = plan.runs.iter().filter(|run| unasked.contains(&run.rule.name)).map(key).collect();
        Planning::Needs(Opening(Stage::Limits(deciding, plan, unasked)), keys)
    }

    /// Counts an act of each of the rules, or bars it.
    pub(super) fn count_acts(
        &self,
        mut deciding: Box<Deciding>,
        plan: Plan,
        rules: &[Arc<str>],
        values: &[Option<Arc<str>>],
        claim: &Claim,
    ) -> Next {
        for (name, value) in rules.iter().zip(values) {
            deciding.asked.push(Arc::clone(name));
            let run = plan.runs.iter().find(|run| run.rule.name == *name);
            let Some(limit) = run.and_then(|run| run.rule.limit.as_ref()) else { continue };
            let per = limit.per(&deciding.event);
            // By the gateway's clock, which only goes on: by an event's own time an act could be forgotten too early.
            let verdict = limit.limit.reserve(value.as_deref(), claim.arrived);
            if verdict.allowed {
                let key = limit_key(&deciding.event.account, name, per.as_deref());
                deciding.state.push(verdict.stored.at(key));
            } else {
                let failure = limit.failure(&deciding.event);
                deciding.barred.insert(Arc::clone(name), failure);
            }
        }
        self.ask_limits(deciding, claim)
    }
}
