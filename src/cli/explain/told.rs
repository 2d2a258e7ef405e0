//! Everything about one event, as JSON; what people read is made of it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::gates;
use crate::daemon;
use crate::daemon::rehearsal::{Explained, as_rules_write};
use crate::event::Event;
use crate::numbers::{Dialling, Numbers};
use crate::record::Attempted;
use crate::rules::rehearsal::Given;
use crate::rules::{Failure, Finding, OnError, RuleSet, Verdict, language_form};
use crate::settings::{Account, Desk};

/// The actions whose destination a phone dials.
const DIALLED: [&str; 4] = ["redirect", "blind_transfer", "consult", "make"];

/// Tells in JSON.
pub(in crate::cli) struct Teller<'a> {
    rules: &'a RuleSet,
    /// The account whose rules they are.
    account: &'a str,
    dialling: Dialling,
    /// Whether the daemon only records what it would do.
    dry_run: bool,
    given: &'a Given,
}

impl<'a> Teller<'a> {
    pub(in crate::cli) fn new(rules: &'a RuleSet, desk: &Desk, account: &'a Account, given: &'a Given) -> Self {
        Self {
            rules,
            account: &account.name,
            dialling: daemon::dialling(&account.locale),
            dry_run: desk.rules.dry_run,
            given,
        }
    }

    /// The account whose rules they are.
    pub(in crate::cli) fn account(&self) -> &str {
        self.account
    }

    /// How numbers are read.
    pub(in crate::cli) fn numbers(&self) -> &Numbers {
        self.rules.numbers()
    }

    /// What the rules make of an event.
    pub(super) fn tell(&self, explained: &Explained) -> Value {
        let Explained { event, verdicts, attempts, .. } = explained;
        let all = |list: &[Explained]| list.iter().map(|one| self.tell(one)).collect::<Vec<_>>();
        let mut told = json!({
            "event": event.fields.get("event"), "kind": event.kind.as_str(), "time": event.time.to_rfc3339(),
            "local_time": event.time.with_timezone(&self.rules.zone()).format("%a %Y-%m-%d %H:%M:%S %Z").to_string(),
            "views": views(event), "vars": event.fields.get("vars").cloned().unwrap_or_else(|| json!({})),
            "rules": verdicts.iter().map(|verdict| self.verdict(verdict, explained)).collect::<Vec<_>>(),
            "hours": gates::tell(self.rules, event),
            "acts": attempts.iter().map(|(rule, attempt)| self.act(rule, attempt)).collect::<Vec<_>>(),
            "supposed": self.supposed(attempts), "later": all(&explained.later), "follows": all(&explained.follows),
            "note": explained.note, "trouble": explained.trouble, "dry_run": self.dry_run, "rule_set": self.rules.hash(),
        });
        told["nothing"] = self.nothing(explained).into();
        told
    }

    fn verdict(&self, verdict: &Verdict, explained: &Explained) -> Value {
        let name = &*verdict.rule;
        let rule = self.rules.rule(name);
        let mut told = match &verdict.finding {
            Finding::Matched => json!({ "rule": name, "verdict": "matched" }),
            Finding::Waits => json!({ "rule": name, "verdict": "waits" }),
            Finding::Superseded { by } => json!({ "rule": name, "verdict": "superseded", "by": by }),
            Finding::Failed(Failure { path, wanted, got }) => {
                json!({ "rule": name, "verdict": "failed", "condition": path, "wanted": wanted, "got": got })
            }
        };
        told["for_this_kind"] = rule.is_some_and(|rule| rule.is_for(explained.event.kind)).into();
        if matches!(verdict.finding, Finding::Failed(_)) {
            return told;
        }
        if let Some(wait) = rule.and_then(|rule| rule.wait).filter(|_| verdict.finding == Finding::Waits) {
            let due =
                chrono::TimeDelta::from_std(wait).ok().and_then(|wait| explained.event.time.checked_add_signed(wait));
            let at = due.map(|due| due.with_timezone(&self.rules.zone()).to_rfc3339());
            told["acts_at"] = at.into();
        }
        if let Some(limit) = rule.and_then(|rule| rule.limit.as_ref()) {
            told["limit"] = limit.shown().into();
        }
        if let Some(true) = rule.map(|rule| rule.dry_run) {
            told["dry_run"] = true.into();
        }
        let bound = explained.attempts.iter().find(|(rule, _)| **rule == *name).map(|(_, attempt)| &attempt.bindings);
        if let Some(bound) = bound.filter(|bound| !bound.is_empty()) {
            told["bound"] = json!(bound);
        }
        told
    }

    /// What becomes of a step.
    pub(in crate::cli) fn act(&self, rule: &Arc<str>, attempt: &Attempted) -> Value {
        let mut told = json!({ "rule": rule, "step": attempt.action, "number": attempt.step + 1 });
        let asks = attempt.request.as_ref().map(language_form);
        if let Some(to) = asks.as_ref().and_then(|asks| destination(asks)) {
            let dialled = self.dialling.dial(to);
            if dialled != to {
                told["dials"] = dialled.into();
            }
        }
        if let Some(asks) = asks {
            told["written"] = as_rules_write(&asks).into();
            told["asks"] = asks;
        }
        if let Some(name) = &attempt.named {
            told["as"] = name.as_str().into();
        }
        if let Some(item) = attempt.item {
            told["item"] = (item + 1).into();
        }
        if let Some(why) = &attempt.why {
            let key = if attempt.error.is_some() { "failed" } else { "skipped" };
            told[key] = why.as_str().into();
            let steps = self.rules.rule(rule).map(|rule| &rule.steps);
            let on_error = steps.and_then(|steps| steps.get(attempt.step)).map(|step| step.on_error);
            if attempt.error.is_some() {
                told["goes_on"] = (on_error == Some(OnError::Continue)).into();
            }
        }
        told
    }

    /// The named steps that are taken to have returned nothing although later steps may read it.
    fn supposed<'t>(&self, attempts: &'t [(Arc<str>, Attempted)]) -> Vec<&'t str> {
        let mut names: Vec<&'t str> = Vec::new();
        for (place, (rule, attempt)) in attempts.iter().enumerate() {
            let later = attempts[place + 1..].iter().any(|(other, later)| other == rule && later.step > attempt.step);
            let Some(name) = attempt.named.as_deref().filter(|_| later && attempt.request.is_some()) else { continue };
            let set = attempt.error.is_some() || self.given.answers.contains_key(name) || names.contains(&name);
            names.extend((!set).then_some(name));
        }
        names
    }

    /// Why nothing would be done, in a sentence.
    fn nothing(&self, explained: &Explained) -> Option<String> {
        let asked = explained.attempts.iter().any(|(_, attempt)| attempt.request.is_some());
        if asked {
            return None;
        }
        let kind = explained.event.kind;
        let of =
            |wanted: fn(&Finding) -> bool| explained.verdicts.iter().filter(move |verdict| wanted(&verdict.finding));
        if let Some(verdict) = of(|finding| *finding == Finding::Waits).next() {
            return Some(format!("nothing would be done at once: \"{}\" waits until its `for` is over", verdict.rule));
        }
        let failed = explained.attempts.iter().find(|(_, attempt)| attempt.error.is_some());
        if let Some((rule, attempt)) = failed {
            let why = attempt.why.as_deref().unwrap_or_default();
            return Some(format!("nothing would be done: {} of \"{rule}\" fails, since {why}", attempt.action));
        }
        if let Some((rule, _)) = explained.attempts.first() {
            return Some(format!("nothing would be done: every step of \"{rule}\" is left out"));
        }
        if let Some(note) = &explained.note {
            return Some(format!("nothing would be done: {note}"));
        }
        if self.rules.rules().is_empty() {
            return Some("nothing would be done: there are no rules".to_owned());
        }
        let for_kind = |name: &str| self.rules.rule(name).is_some_and(|rule| rule.is_for(kind));
        let failures = explained.verdicts.iter().filter(|verdict| for_kind(&verdict.rule));
        let failures: Vec<(&str, &Failure)> = failures
            .filter_map(|verdict| match &verdict.finding {
                Finding::Failed(failure) => Some((&*verdict.rule, failure)),
                _ => None,
            })
            .collect();
        // Of those that came equally far the first in file order.
        let nearest = failures.iter().rev().max_by_key(|(_, failure)| depth(&failure.path));
        let Some((name, Failure { path, wanted, got })) = nearest else {
            return Some(format!("nothing would be done: no rule is for {kind}"));
        };
        let whose = match failures.len() {
            1 => format!("the one rule for {kind}, \"{name}\", does not match"),
            count => format!("none of the {count} rules for {kind} matches; \"{name}\" comes nearest"),
        };
        Some(format!("nothing would be done: {whose}: {}", Failure::in_words(path, wanted, got)))
    }
}

/// How far a rule came: conditions are asked in this order.
fn depth(path: &str) -> u8 {
    match path {
        "enabled" => 0,
        "on" | "hook.name" | "event.topic" | "event.method" | "event.subject" => 1,
        "when" => 3,
        "while_open" | "while_closed" => 4,
        "limit" => 5,
        _ => 2,
    }
}

fn destination(asks: &Value) -> Option<&str> {
    let (action, arguments) = asks.as_object()?.iter().next()?;
    arguments.get("to")?.as_str().filter(|_| DIALLED.contains(&action.as_str()))
}

/// The typed views that the kind has.
fn views(event: &Event) -> Map<String, Value> {
    let views = event.kind.views().iter();
    views.map(|(name, _)| ((*name).to_owned(), event.fields.get(*name).cloned().unwrap_or_default())).collect()
}
