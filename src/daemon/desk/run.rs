//! A rule's steps on one event, as far as they have come.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::end;
use crate::actions::Outcome;
use crate::dispatch::{Carried, fate};
use crate::event::Event;
use crate::kit::clock::Clock;
use crate::record::{Attempted, Progress, write};
use crate::rules::request::Request;
use crate::rules::{OnError, Rule, RuleSet, Scope, Step};

/// See the module.
pub(crate) struct Run {
    pub(super) rules: Arc<RuleSet>,
    pub(super) rule: Arc<Rule>,
    pub(super) event: Arc<Event>,
    pub(super) progress: Progress,
    pub(super) scope: Option<Scope>,
}

/// What lies on the shelf. What earlier steps returned does not: the journal has it.
#[derive(Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Shelved {
    pub(super) rules: String,
    pub(super) progress: Progress,
}

impl Run {
    pub(super) fn shelve(&self) -> String {
        let progress = Progress { results: Map::new(), ..self.progress.clone() };
        write(&Shelved { rules: self.rules.hash().to_owned(), progress })
    }

    pub(super) fn render(&mut self, clock: &Clock) -> Result<Option<Request>, String> {
        let Some(step) = self.rule.steps.get(self.progress.step) else { return Ok(None) };
        let scope = self.scope.get_or_insert_with(|| {
            Scope::shared(&self.rules, &self.event, &self.progress.bindings, &self.progress.results, clock.now())
        });
        step.render(scope).map_err(|error| error.to_string())
    }

    pub(super) fn current(&self) -> Option<(&Step, &Request)> {
        Some((self.rule.steps.get(self.progress.step)?, self.progress.request.as_ref()?))
    }

    pub(super) fn nothing_left(&self) -> Carried {
        Carried::Ended { fate: end::DONE, record: write(&self.record(0, Duration::ZERO)) }
    }

    /// The same for the same publication, rule and step, after any crash.
    pub(super) fn tag(&self) -> String {
        let name = format!("{}/{}\n{}\n{}", self.event.account, self.event.id, self.rule.name, self.progress.step);
        hex::encode(&Sha256::digest(name)[..16])
    }

    pub(super) fn record(&self, number: u32, took: Duration) -> Attempted {
        let step = self.rule.steps.get(self.progress.step);
        Attempted {
            step: self.progress.step,
            action: step.map(|step| step.action().to_owned()).unwrap_or_default(),
            request: self.progress.request.clone(),
            attempt: number + 1,
            took_ms: took.as_millis() as u64,
            named: step.and_then(|step| step.save_as.clone()),
            rule: self.rule.hash.clone(),
            bindings: self.progress.bindings.clone(),
            ..Attempted::default()
        }
    }

    /// What an attempt came to.
    pub(super) fn settle(&mut self, outcome: Outcome, number: u32, took: Duration) -> Carried {
        let record = self.record(number, took);
        match outcome {
            Outcome::Done { result } => self.next(Attempted { result, ..record }, end::DONE),
            Outcome::Moved { why, result } => {
                let record = Attempted { why: Some(why), result, ..record };
                if self.goes_on() {
                    self.next(record, end::MOVED)
                } else {
                    Carried::Ended { fate: end::MOVED, record: write(&record) }
                }
            }
            // What may fail is tried once: the steps behind it are not to wait for it.
            Outcome::Retry { error, why, result, .. } if self.goes_on() => {
                self.failed(error.as_str(), &why, result, number, took)
            }
            Outcome::Retry { after, error, why, unknown, .. } => {
                let record =
                    Attempted { error: Some(error.as_str().to_owned()), why: Some(why), unsure: unknown, ..record };
                Carried::Wait { after, unsure: unknown, record: write(&record) }
            }
            Outcome::Failed { error, why, result } => self.failed(error.as_str(), &why, result, number, took),
            Outcome::OutcomeUnknown { why, result } => {
                let record =
                    Attempted { error: Some("unknown".to_owned()), why: Some(why), unsure: true, result, ..record };
                if self.goes_on() {
                    self.next(record, fate::UNKNOWN)
                } else {
                    Carried::Ended { fate: fate::UNKNOWN, record: write(&record) }
                }
            }
        }
    }

    fn goes_on(&self) -> bool {
        self.rule.steps.get(self.progress.step).is_some_and(|step| step.on_error == OnError::Continue)
    }

    pub(super) fn failed(&mut self, error: &str, why: &str, result: Value, number: u32, took: Duration) -> Carried {
        let record =
            Attempted { error: Some(error.to_owned()), why: Some(why.to_owned()), result, ..self.record(number, took) };
        if self.goes_on() {
            self.next(record, fate::FAILED)
        } else {
            Carried::Ended { fate: fate::FAILED, record: write(&record) }
        }
    }

    pub(super) fn skip(&mut self, why: &str) -> Carried {
        let fate = if self.progress.request.is_some() { end::DRY_RUN } else { end::DONE };
        let record = Attempted { why: Some(why.to_owned()), ..self.record(0, Duration::ZERO) };
        self.next(record, fate)
    }

    /// The step is over: the next one, or the end of the run.
    fn next(&mut self, record: Attempted, fate: &'static str) -> Carried {
        if let Some(name) = &record.named {
            if let Some(scope) = &mut self.scope {
                scope.add_result(name, &record.result);
            }
            self.progress.results.insert(name.clone(), record.result.clone());
        }
        self.progress.step += 1;
        self.progress.request = None;
        let record = write(&record);
        if self.progress.step < self.rule.steps.len() {
            Carried::Next { record }
        } else {
            Carried::Ended { fate, record }
        }
    }
}
