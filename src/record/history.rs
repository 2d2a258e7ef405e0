//! What the lines of a publication tell after a restart: how far each run had come.

use serde_json::{Map, Value};

use super::{Attempted, Decision, Each, Pasts, read};
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
    /// Of a current step with `each` how far it has come.
    pub each: Option<Each>,
    /// How its last line tells that it went.
    pub last: Option<Attempted>,
}

impl Past {
    fn step_done(&mut self, record: Attempted) {
        let mut step = record.step + 1;
        let mut result = record.result;
        if record.item.is_some()
            && let Some(mut each) = self.each.take()
        {
            if each.done(result) {
                (step, result, self.each) = (record.step, Value::Null, Some(each));
            } else {
                result = each.list();
            }
        }
        if self.each.is_none() {
            self.results.extend(record.named.map(|name| (name, result)));
        }
        *self = Self {
            step,
            each: self.each.take(),
            results: std::mem::take(&mut self.results),
            rule: std::mem::take(&mut self.rule),
            bindings: std::mem::take(&mut self.bindings),
            ..Self::default()
        };
    }
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
        let mut record: Attempted = read(&line.bytes);
        let run = runs.entry(line.run.to_string()).or_default();
        if !record.rule.is_empty() {
            run.rule.clone_from(&record.rule);
            run.bindings.clone_from(&record.bindings);
        }
        if record.each.is_some() {
            run.each = record.each.take();
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
            fate::STEP => run.step_done(record),
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
    fn tells_how_far_a_step_with_items_had_come() {
        let each = json!({ "items": ["x", "y", "z"] });
        let first = json!({ "step": 1, "named": "all", "item": 0, "each": each, "result": { "ok": true } });
        let second = json!({ "step": 1, "named": "all", "item": 1, "result": { "ok": false } });
        let third = json!({ "step": 1, "named": "all", "item": 2, "result": null });
        let run = |lines: &[&Value]| {
            let lines: Vec<Line> = lines.iter().map(|record| line("a", "step", record)).collect();
            past(&lines).1.remove("a").unwrap()
        };
        let begun = run(&[&first, &second]);
        let each = begun.each.unwrap();
        assert_eq!((begun.step, each.at, each.item(), begun.results.len()), (1, 2, Some(&json!("z")), 0));
        let over = run(&[&first, &second, &third]);
        let list = json!([{ "ok": true, "of": "x" }, { "ok": false, "of": "y" }, { "of": "z" }]);
        assert_eq!((over.step, over.each, &over.results["all"]), (2, None, &list));
        // Given up at the third, it is tried again from there.
        let failed = json!({ "step": 1, "action": "http", "item": 2 });
        let (_, mut runs) =
            past(&[line("a", "step", &first), line("a", "step", &second), line("a", "failed", &failed)]);
        assert_eq!(runs.remove("a").unwrap().each.unwrap().at, 2);
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
