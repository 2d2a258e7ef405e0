//! Rules that never act because of an earlier one: of a route the first that matches acts, and one before asks less.

use std::collections::HashMap;

use crate::language::{Finding, Report};

use super::implies::{self, Budget};
use super::read::Draft;
use super::rule::{Gates, Rule};

/// The most steps that all comparisons may take.
const WORK: usize = 10_000_000;
/// What a pair of rules takes at least.
const PAIR: usize = 20;
/// With how many earlier rules of its route one rule is compared.
const EARLIER: usize = 1_000;

/// Finds rules of a route that an earlier one of it leaves nothing.
pub(super) fn check(drafts: &[&Draft], report: &mut Report) {
    let mut budget = Budget::of(WORK, WORK);
    let mut routes: HashMap<&str, Vec<&Draft>> = HashMap::new();
    for draft in drafts {
        let Some(route) = draft.rule.route.as_deref() else { continue };
        let earlier = routes.entry(route).or_default();
        for before in earlier.iter().take(EARLIER) {
            if !budget.takes(PAIR) {
                return;
            }
            if leaves_nothing(&before.rule, &draft.rule, &mut budget) {
                report.push(finding(before, draft));
                break;
            }
        }
        earlier.push(draft);
    }
}

fn finding(before: &Draft, draft: &Draft) -> Finding {
    let (first, second) = (&before.rule, &draft.rule);
    let message = format!(
        "`{}` never acts: `{}`, before it in the route, matches every event that it would",
        second.name, first.name
    );
    let help = format!(
        "of a route the first rule that matches acts: write this one above `{}` ({}:{}), or let that one ask more",
        first.name, first.file, first.line
    );
    Finding::warning("never-reached", &draft.source, draft.span.clone(), message).help(help)
}

/// Whenever `second` matches, `first` does.
fn leaves_nothing(first: &Rule, second: &Rule, budget: &mut Budget) -> bool {
    let same_moment = first.wait == second.wait;
    // A limit lets some events pass, and what only shows what it would do takes nothing.
    let always = first.limit.is_none() && !first.dry_run && first.enabled;
    let asks = match (&first.when, &second.when) {
        (None, _) => true,
        (Some(first), Some(second)) => first.shown == second.shown,
        (Some(_), None) => false,
    };
    same_moment
        && always
        && asks
        && trigger(first, second)
        && gates(&first.gates, &second.gates)
        && first.conditions.wants_own() == second.conditions.wants_own()
        && implies::group_within(&second.conditions, &first.conditions, budget)
}

fn trigger(first: &Rule, second: &Rule) -> bool {
    let (first, second) = (&first.trigger, &second.trigger);
    first.envelope.is_none()
        && first.schedule.is_none()
        && (first.hook.is_none() || first.hook == second.hook)
        && !second.kinds.is_empty()
        && second.kinds.iter().all(|kind| first.kinds.contains(kind))
}

fn gates(first: &Gates, second: &Gates) -> bool {
    let open = first.open.is_empty()
        || !second.open.is_empty()
            && second.open.iter().all(|(name, _)| first.open.iter().any(|(other, _)| other == name));
    open && first.closed.iter().all(|(name, _)| second.closed.iter().any(|(other, _)| other == name))
}
