//! What the lines of a publication tell after a restart: how far each run had come.

use serde_json::{Map, Value};

use super::{Attempted, Decision, Pasts, read};
use crate::dispatch::fate;
use crate::journal::Line;
use crate::rules::request::Request;

/// How far a run had come before a restart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    /// Whether it is over.
    pub over: bool,
    /// The current step.
    pub step: usize,
    /// The current step's request, if an attempt was made.
    pub request: Option<Request>,
    /// Whether the current step may have taken effect.
    pub unsure: bool,
    /// How often the current step was tried in vain.
    pub attempts: u32,
    /// When it was to be tried again, in milliseconds since 1970.
    pub due: Option<i64>,
    /// The request of an attempt that must not be repeated and whose outcome is not recorded.
    pub unknown: Option<Attempted>,
    /// What earlier steps returned, by name.
    pub results: Map<String, Value>,
    /// The hash of the rule's own text then.
    pub rule: String,
    /// What its matchers bound then.
    pub bindings: Map<String, Value>,
    /// How its last line tells that it went.
    pub last: Option<Attempted>,
}

/// Reads the lines of a publication: the decision, if it is there, and each run that had begun.
pub fn past(lines: &[Line]) -> (Option<Decision>, Pasts) {
    let mut decision = None;
    let mut runs = Pasts::new();
    for line in lines {
        if line.run.is_empty() {
            decision = Some(read::<Decision>(&line.bytes));
            continue;
        }
        let record: Attempted = read(&line.bytes);
        let run = runs.entry(line.run.to_string()).or_default();
        if !record.rule.is_empty() {
            run.rule.clone_from(&record.rule);
            run.bindings.clone_from(&record.bindings);
        }
        match &*line.fate {
            fate::ATTEMPT => {
                run.step = record.step;
                run.unknown = Some(record);
            }
            fate::RETRY => {
                (run.step, run.unknown) = (record.step, None);
                (run.attempts, run.due) = (run.attempts + 1, line.due);
                run.unsure |= record.unsure;
                run.request = record.request;
            }
            fate::STEP => {
                let results = record.named.map(|name| (name, record.result));
                run.results.extend(results);
                *run = Past {
                    step: record.step + 1,
                    results: std::mem::take(&mut run.results),
                    rule: std::mem::take(&mut run.rule),
                    bindings: std::mem::take(&mut run.bindings),
                    ..Past::default()
                };
            }
            _ => {
                run.over = true;
                run.last = Some(record);
            }
        }
    }
    (decision, runs)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(run: &str, fate: &str, record: &Value) -> Line {
        Line { seq: 1, run: run.into(), fate: fate.into(), at: 0, due: None, last: false, bytes: record.to_string() }
    }

    #[test]
    fn tells_how_far_each_run_had_come() {
        let request = json!({ "redirect": { "call": "/c", "to": "4001" } });
        let (decision, runs) = past(&[
            line("", "planned", &json!({ "kind": "call.ringing", "time": "t", "rules": "h" })),
            line("a", "step", &json!({ "step": 0, "named": "contact", "result": { "ok": true } })),
            line("a", "retry", &json!({ "step": 1, "request": request, "unsure": true })),
            line("b", "attempt", &json!({ "step": 0, "action": "http" })),
            line("c", "attempt", &json!({ "step": 0 })),
            line("c", "done", &json!({})),
            line("d", "attempt", &json!({ "step": 0 })),
            line("d", "retry", &json!({ "step": 0 })),
        ]);
        assert_eq!(decision.unwrap().kind, "call.ringing");
        assert_eq!(
            (runs["a"].step, runs["a"].unsure, runs["a"].request.is_some(), runs["a"].attempts),
            (1, true, true, 1)
        );
        assert_eq!(runs["a"].results["contact"], json!({ "ok": true }));
        assert_eq!(runs["b"].unknown.as_ref().unwrap().action, "http");
        assert!(runs["c"].over && !runs["d"].over && runs["d"].unknown.is_none());
    }
}
