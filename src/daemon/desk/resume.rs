//! From what is planned, and what is known from before, to runs.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::gateway::About;
use super::own::{Own, Why};
use super::run::Run;
use super::{Desk, was};
use crate::dispatch::{NewRun, Planned, fate};
use crate::event::{Event, Opened};
use crate::journal::{Change, Claim};
use crate::record::{self, Attempted, Decision, Past, Pasts, Progress, write};
use crate::rules::{Plan, Rule, RuleSet, RunPlan};

impl Desk {
    /// Runs that had not begun before a restart are planned again under the rules of now; those that had begun go on
    /// with the rule that they began with, if it is still there. `skew` is how many milliseconds the site's clock is slow.
    pub(super) fn line_up(
        claim: &Claim,
        rules: &Arc<RuleSet>,
        event: &Arc<Event>,
        plan: Plan,
        mut pasts: Pasts,
        skew: i64,
    ) -> Vec<NewRun<Run>> {
        let mut runs = Vec::new();
        for RunPlan { rule, bindings } in plan.runs {
            let past = pasts.remove(&*rule.name).unwrap_or_default();
            if !past.over {
                runs.push(resume(claim, event, rules, rule, bindings, past, skew));
            }
        }
        for (name, past) in pasts.into_iter().filter(|(_, past)| !past.over) {
            runs.push(match rules.rule(&name) {
                Some(rule) => resume(claim, event, rules, Arc::clone(rule), Map::new(), past, skew),
                None => abandoned(&name, claim, "its rule is gone"),
            });
        }
        runs
    }

    /// What comes again is not an event anew: nothing is remembered of it, and what is done is looked for first.
    pub(super) fn plan_own(&self, opened: Opened, own: Own, claim: &Claim) -> Planned<Run> {
        let rules = self.rules.load_full();
        let mut event = self.event_again(opened, own.decision());
        self.hands.tell(&mut event);
        let event = Arc::new(event);
        let (known, mut pasts) = record::past(&claim.history);
        let (plan, mut runs) = match &own.why {
            Why::Replay { rules: wanted } => {
                let mut plan = Self::plan_as_then(&rules, &event, own.decision());
                plan.runs.retain(|run| wanted.is_empty() || wanted.iter().any(|name| **name == *run.rule.name));
                (plan, Vec::new())
            }
            Why::Retry { rule, hash, progress } => {
                let past = pasts.remove(rule).unwrap_or_else(|| Past {
                    step: progress.step,
                    request: progress.request.clone(),
                    each: progress.each.clone(),
                    ..Past::default()
                });
                let run = match rules.rule(rule) {
                    _ if past.over => None,
                    Some(now) if hash.is_empty() || now.hash == *hash => {
                        let results = [&progress.results, &past.results].into_iter().flatten();
                        let results = results.map(|(name, result)| (name.clone(), result.clone())).collect();
                        let past = Past { results, rule: String::new(), ..past };
                        Some(resume(claim, &event, &rules, Arc::clone(now), progress.bindings.clone(), past, 0))
                    }
                    Some(_) => Some(abandoned(rule, claim, "its rule was changed since: replay the event instead")),
                    None => Some(abandoned(rule, claim, "its rule is gone")),
                };
                (Plan::default(), Vec::from_iter(run))
            }
            // These are planned as events anew.
            Why::Event | Why::Tick { .. } | Why::Due { .. } | Why::Call { .. } => (Plan::default(), Vec::new()),
        };
        let note = Some("it comes once more: a dead letter that is tried again, or a replay".to_owned());
        let decision = Decision { note, call: own.decision().call.clone(), ..Self::decision(&event, &rules, &plan) };
        runs.extend(Self::line_up(claim, &rules, &event, plan, pasts, 0));
        for run in &mut runs {
            run.unsure = true;
            run.deadline = claim.arrived.saturating_add(i64::try_from(run.allowance.as_millis()).unwrap_or(i64::MAX));
        }
        let record = (known.is_none() || runs.is_empty()).then(|| write(&decision));
        Planned { record, with: Change::default(), left_alone: None, supersedes: false, about: About::of(&event), runs }
    }
}

fn resume(
    claim: &Claim,
    event: &Arc<Event>,
    rules: &Arc<RuleSet>,
    rule: Arc<Rule>,
    bindings: Map<String, Value>,
    past: Past,
    skew: i64,
) -> NewRun<Run> {
    let begun = !past.rule.is_empty();
    if begun && past.rule != rule.hash {
        return abandoned(&rule.name, claim, "its rule was changed when it had begun");
    }
    // Between the last line and a crash an attempt may have been made that no line tells of.
    let (unsure, doubtful) = (past.unsure || claim.recovered, past.unsure);
    let (name, controls) = (Arc::clone(&rule.name), rule.controls_call());
    let (deadline, allowance) = (deadline(event, &rule, skew), rule.deadline);
    let run = if let Some(attempt) = past.unknown {
        let why = Some("the process ended before the answer came".to_owned());
        Err((fate::UNKNOWN, write(&Attempted { why, ..attempt })))
    } else {
        let (kind, was) = (event.kind.as_str().to_owned(), was(event));
        let bindings = if begun { past.bindings } else { bindings };
        let Past { step, request, results, each, .. } = past;
        let progress = Progress { kind, was, bindings, step, request, results, each };
        Ok(Run { rules: Arc::clone(rules), rule, event: Arc::clone(event), progress, scope: None, told: false })
    };
    let (number, due) = (past.attempts, past.due);
    NewRun { rule: name, deadline, allowance, controls, unsure, doubtful, number, due, run }
}

fn abandoned(name: &str, claim: &Claim, why: &str) -> NewRun<Run> {
    let record = write(&Attempted { why: Some(why.to_owned()), ..Attempted::default() });
    NewRun {
        rule: name.into(),
        deadline: claim.arrived,
        allowance: Duration::ZERO,
        controls: false,
        unsure: false,
        doubtful: false,
        number: 0,
        due: None,
        run: Err((fate::ABANDONED, record)),
    }
}

/// Counted from the event's own time plus what the site's clock is slow; from its arrival when that is earlier, as with
/// a clock that is fast and not known to be.
fn deadline(event: &Event, rule: &Rule, skew: i64) -> i64 {
    let allowance = i64::try_from(rule.deadline.as_millis()).unwrap_or(i64::MAX);
    // What we publish ourselves is new when it comes, whatever time it tells of: a day that was missed, a call long over.
    let happened = if event.kind.is_own() { i64::MAX } else { event.time.timestamp_millis().saturating_add(skew) };
    happened.min(event.arrived.timestamp_millis()).saturating_add(allowance)
}
