//! How the outcome of tests looks: a line for each, and for those that fail what was expected beside what was done, and why
//! each rule did or did not match.

use serde_json::{Value, json};

use super::Outcome;
use crate::daemon::rehearsal::{Difference, FailedStep, Heard};
use crate::record::Decision;
use crate::rules::rehearsal::Test;
use crate::rules::{Failure, RuleSet};

/// The most verdicts that are shown of one event.
const VERDICTS: usize = 32;
/// The most events that are shown of one step.
const EVENTS: usize = 20;

const RED: &str = "31";
const GREEN: &str = "32";

/// For people.
pub(super) fn text(outcome: &Outcome<'_>, coverage: bool, colour: bool) -> String {
    let paint =
        |text: &str, code: &str| if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() };
    let mut lines = Vec::new();
    for (test, verdict) in &outcome.tests {
        let Some(failed) = &verdict.failed else {
            lines.push(format!("{}      {}", paint("ok", GREEN), test.name));
            continue;
        };
        lines.push(format!("{}  {}", paint("FAILED", RED), test.name));
        for line in failure(outcome.rules, test, failed) {
            let code = match line.trim_start().as_bytes() {
                [b'-', b' ', b'{', ..] => RED,
                [b'+', b' ', b'{', ..] => GREEN,
                _ => "",
            };
            lines.push(if code.is_empty() { line } else { paint(&line, code) });
        }
        lines.push(String::new());
    }
    let (count, failed) = (outcome.tests.len(), outcome.failed());
    lines.push(match (count, failed) {
        (0, _) => "there are no tests".to_owned(),
        (1, 0) => "1 test, it passed".to_owned(),
        (count, 0) => format!("{count} tests, all passed"),
        (count, failed) => format!("{count} test(s), {} passed, {failed} failed", count - failed),
    });
    if coverage {
        let (rules, never) = outcome.coverage();
        lines.push(format!(
            "{} of {rules} rule(s) are fired by a test ({} %)",
            rules - never.len(),
            share(rules, never.len())
        ));
        if !never.is_empty() {
            lines.push("never fired:".to_owned());
            lines.extend(never.iter().map(|rule| format!("  {}:{}  {}", rule.file, rule.line, rule.name)));
        }
    }
    lines.join("\n")
}

/// How many of a hundred rules are fired, rounded down: 100 is all of them.
fn share(rules: usize, never: usize) -> usize {
    ((rules - never) * 100).checked_div(rules).unwrap_or(100)
}

fn failure(rules: &RuleSet, test: &Test, failed: &FailedStep) -> Vec<String> {
    let at = failed.at.with_timezone(&rules.zone()).format("%a %Y-%m-%d %H:%M:%S %Z");
    let place = if test.steps.len() > 1 {
        format!("  {}:{}, step {} at {}:{}, {at}", test.file, test.line, failed.number, test.file, failed.line)
    } else {
        format!("  {}:{}, {at}", test.file, test.line)
    };
    let mut lines = vec![place];
    lines.extend(failed.played.trouble.iter().map(|trouble| format!("  {trouble}")));
    if !failed.differences.is_empty() {
        lines.push("  - expected, + done".to_owned());
    }
    lines.extend(failed.differences.iter().map(|difference| match difference {
        Difference::Same(text) => format!("      {text}"),
        Difference::Missing(text) => format!("    - {text}"),
        Difference::Surplus(text, rule) => format!("    + {text}  by {rule}"),
    }));
    if failed.played.heard.is_empty() && failed.played.trouble.is_empty() {
        lines.push("  nothing happened: no timer was due and the step has no event".to_owned());
    }
    for heard in failed.played.heard.iter().take(EVENTS) {
        lines.extend(event(heard));
    }
    let more = failed.played.heard.len().saturating_sub(EVENTS);
    if more > 0 {
        lines.push(format!("  and {more} more event(s)"));
    }
    lines
}

fn event(heard: &Heard) -> Vec<String> {
    let Decision { kind, verdicts, note, .. } = &heard.decision;
    let kind = if kind.is_empty() { "an event" } else { kind };
    let note = note.as_deref().map(|note| format!(", {note}")).unwrap_or_default();
    let mut lines = vec![if verdicts.is_empty() && note.is_empty() {
        format!("  {kind}: no rule is for it")
    } else {
        format!("  {kind}{note}:")
    }];
    lines.extend(verdicts.iter().take(VERDICTS).map(|verdict| format!("    {}", words(verdict))));
    let more = verdicts.len().saturating_sub(VERDICTS);
    if more > 0 {
        lines.push(format!("    and {more} more rule(s)"));
    }
    lines.extend(heard.notes.iter().map(|note| format!("    {note}")));
    lines
}

/// Why a rule matched or did not.
fn words(verdict: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (rule, finding) = (text(&verdict["rule"]), &verdict["finding"]);
    if let Some(failure) = finding.get("failed") {
        let (path, wanted, got) = (text(&failure["path"]), text(&failure["wanted"]), text(&failure["got"]));
        return format!("{rule}: no, {}", Failure::in_words(&path, &wanted, &got));
    }
    if finding.as_str() == Some("waits") {
        return format!("{rule}: begins to wait, acts when its `for` is over");
    }
    match finding.get("superseded") {
        Some(by) => format!("{rule}: matches, but {} acts in its place", text(&by["by"])),
        None => format!("{rule}: matches"),
    }
}

/// For tools.
pub(super) fn json(outcome: &Outcome<'_>, coverage: bool) -> Value {
    let tests: Vec<Value> = outcome.tests.iter().map(|(test, verdict)| one(test, verdict.failed.as_ref())).collect();
    let failed = outcome.failed();
    let mut told = json!({ "tests": tests, "passed": tests.len() - failed, "failed": failed });
    if coverage {
        let (rules, never) = outcome.coverage();
        let never: Vec<Value> =
            never.iter().map(|rule| json!({ "rule": rule.name, "file": rule.file, "line": rule.line })).collect();
        told["coverage"] = json!({ "rules": rules, "fired": rules - never.len(), "percent": share(rules, never.len()), "never": never });
    }
    told
}

fn one(test: &Test, failed: Option<&FailedStep>) -> Value {
    let mut told = json!({ "name": test.name, "file": test.file, "line": test.line, "ok": failed.is_none() });
    if let Some(failed) = failed {
        let differences = failed.differences.iter().map(|difference| match difference {
            Difference::Same(text) => json!({ "same": text }),
            Difference::Missing(text) => json!({ "expected": text }),
            Difference::Surplus(text, rule) => json!({ "done": text, "rule": rule }),
        });
        let events = failed.played.heard.iter().map(|heard| {
            let Decision { kind, verdicts, note, .. } = &heard.decision;
            json!({ "kind": kind, "note": note, "verdicts": verdicts, "steps": heard.notes })
        });
        let acts = failed.played.acts.iter().map(|act| json!({ "rule": act.rule, "action": act.asked }));
        told["failure"] = json!({
            "step": failed.number, "line": failed.line, "at": failed.at.to_rfc3339(), "trouble": failed.played.trouble,
            "differences": differences.collect::<Vec<_>>(), "actions": acts.collect::<Vec<_>>(),
            "events": events.collect::<Vec<_>>(),
        });
    }
    told
}
