//! A rule's steps on one event, as far as they have come.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::end;
use crate::actions::{self, Class, ErrorWord, Outcome};
use crate::dispatch::{Carried, fate};
use crate::event::Event;
use crate::kit::clock::Clock;
use crate::record::{Attempted, Each, Progress, write};
use crate::rules::request::Request;
use crate::rules::{OnError, RenderError, Rule, RuleSet, Scope, Step};

/// See the module.
pub(crate) struct Run {
    pub(super) rules: Arc<RuleSet>,
    pub(super) rule: Arc<Rule>,
    pub(super) event: Arc<Event>,
    pub(super) progress: Progress,
    pub(super) scope: Option<Scope>,
    /// The journal has the items of the current step.
    pub(super) told: bool,
}

/// What a step has to do.
pub(super) enum Ready {
    /// This is to be carried out.
    Go(Box<Request>),
    /// Its `if` does not hold.
    LeftOut,
    /// There is no item to do it for.
    NoItem,
}

/// What lies on the shelf. What earlier steps returned does not: the journal has it.
#[derive(Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Shelved {
    pub(super) rules: String,
    pub(super) progress: Progress,
}

impl Run {
    /// The name of the account whose event it is about.
    pub(crate) fn account(&self) -> &str {
        &self.event.account
    }

    pub(super) fn shelve(&self) -> String {
        let each = self.progress.each.as_ref().map(|each| if self.told { each.place() } else { each.clone() });
        let progress = Progress { results: Map::new(), each, ..self.progress.clone() };
        write(&Shelved { rules: self.rules.hash().to_owned(), progress })
    }

    /// What a run that was shelved inside of a step with `each` needs of the journal. False if it is not there yet.
    pub(super) fn find_items(progress: &mut Progress, journaled: Option<Each>) -> bool {
        match (&mut progress.each, journaled) {
            (Some(each), Some(journaled)) if each.items.is_empty() => {
                let there = journaled.at >= each.at;
                *each = journaled;
                there
            }
            (Some(each), None) => !each.items.is_empty(),
            _ => true,
        }
    }

    pub(super) fn render(&mut self, clock: &Clock) -> Result<Ready, RenderError> {
        let Some(step) = self.rule.steps.get(self.progress.step) else { return Ok(Ready::LeftOut) };
        let scope = self.scope.get_or_insert_with(|| {
            Scope::shared(&self.rules, &self.event, &self.progress.bindings, &self.progress.results, clock.now())
        });
        if self.progress.each.is_none() && step.is_for_each() {
            let items = step.items(scope)?.unwrap_or_default();
            if items.is_empty() {
                return Ok(Ready::NoItem);
            }
            self.progress.each = Some(Each::new(items));
        }
        let item = self.progress.each.as_ref().and_then(Each::item);
        let of_item = item.map(|item| scope.of_item(item));
        let request = step.render(of_item.as_ref().unwrap_or(scope))?;
        Ok(request.map_or(Ready::LeftOut, |request| Ready::Go(Box::new(request))))
    }

    /// The place of the current step, counted from 0.
    pub(in crate::daemon) fn place(&self) -> usize {
        self.progress.step
    }

    /// The current step, if it is ready to be carried out.
    pub(in crate::daemon) fn current(&self) -> Option<(&Step, &Request)> {
        Some((self.rule.steps.get(self.progress.step)?, self.progress.request.as_ref()?))
    }

    pub(super) fn nothing_left(&self) -> Carried {
        Carried::Ended { fate: end::DONE, record: write(&self.record(0, Duration::ZERO)) }
    }

    /// The same for the same publication, rule, step and item, after any crash.
    pub(super) fn tag(&self) -> String {
        let (account, id, rule) = (&self.event.account, &self.event.id, &self.rule.name);
        let item = self.progress.each.as_ref().map(|each| format!("\n{}", each.at)).unwrap_or_default();
        let name = format!("{account}/{id}\n{rule}\n{}{item}", self.progress.step);
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
            item: self.progress.each.as_ref().map(|each| each.at),
            each: self.progress.each.clone().filter(|_| !self.told),
            ..Attempted::default()
        }
    }

    /// What an attempt came to, after so many before it. `doubtful`: of one of those it is not known whether it was done.
    pub(in crate::daemon) fn settle(
        &mut self,
        outcome: Outcome,
        number: u32,
        doubtful: bool,
        took: Duration,
    ) -> Carried {
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
            Outcome::Retry { error, why, unknown, result, .. } if !self.tries_again(number) => {
                if unknown || doubtful {
                    self.left_in_doubt(error, &why, Attempted { result, ..record })
                } else {
                    self.failed(error.as_str(), &why, result, number, took)
                }
            }
            Outcome::Retry { after, error, why, unknown, .. } => {
                let after = after.max(self.step().and_then(|step| step.retry).and_then(|retry| retry.wait));
                let record =
                    Attempted { error: Some(error.as_str().to_owned()), why: Some(why), unsure: unknown, ..record };
                Carried::Wait { after, unsure: unknown, record: write(&record) }
            }
            // The far side may say no because it was done before. What is looked for first was not.
            Outcome::Failed { error, why, result } if doubtful && !self.is_looked_for() => {
                self.left_in_doubt(error, &why, Attempted { result, ..record })
            }
            Outcome::Failed { error, why, result } => self.failed(error.as_str(), &why, result, number, took),
            Outcome::OutcomeUnknown { why, result } => {
                let error = Some("unknown".to_owned());
                self.in_doubt(Attempted { error, why: Some(why), unsure: true, result, ..record })
            }
        }
    }

    /// Whether what may be done already is looked for before it is done again.
    fn is_looked_for(&self) -> bool {
        self.progress.request.as_ref().is_some_and(|request| actions::class(request) == Class::Check)
    }

    /// It is given up, and an attempt at it may have been done.
    fn left_in_doubt(&mut self, error: ErrorWord, why: &str, record: Attempted) -> Carried {
        let why = Some(format!("{why}; whether it was done is not known"));
        self.in_doubt(Attempted { error: Some(error.as_str().to_owned()), why, unsure: true, ..record })
    }

    /// Nobody will know whether it was done.
    fn in_doubt(&mut self, record: Attempted) -> Carried {
        if self.goes_on() {
            self.next(record, fate::UNKNOWN)
        } else {
            Carried::Ended { fate: fate::UNKNOWN, record: write(&record) }
        }
    }

    fn step(&self) -> Option<&Step> {
        self.rule.steps.get(self.progress.step)
    }

    fn goes_on(&self) -> bool {
        self.step().is_some_and(|step| step.on_error == OnError::Continue)
    }

    /// Whether what did not work is tried once more, after so many attempts before this one. What may fail is tried once
    /// unless the rule says other: the steps behind it are not to wait for it.
    fn tries_again(&self, number: u32) -> bool {
        match self.step().and_then(|step| step.retry) {
            Some(retry) => number < retry.max,
            None => !self.goes_on(),
        }
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

    /// A `set` that can't be done.
    pub(super) fn not_set(&mut self, why: &str) -> Carried {
        self.failed("refused", why, serde_json::json!({ "ok": false, "error": "refused" }), 0, Duration::ZERO)
    }

    pub(super) fn skip(&mut self, why: &str) -> Carried {
        let fate = if self.progress.request.is_some() { end::DRY_RUN } else { end::DONE };
        let record = Attempted { why: Some(why.to_owned()), ..self.record(0, Duration::ZERO) };
        self.next(record, fate)
    }

    /// There was nothing to do it for.
    pub(super) fn without_items(&mut self) -> Carried {
        let why = Some("there is no item to do it for".to_owned());
        let record = self.record(0, Duration::ZERO);
        self.next(Attempted { why, result: Value::Array(Vec::new()), ..record }, end::DONE)
    }

    /// The step is over, or one item of it: the next one, or the end of the run.
    fn next(&mut self, record: Attempted, fate: &'static str) -> Carried {
        self.progress.request = None;
        let mut result = record.result.clone();
        if let Some(mut each) = self.progress.each.take() {
            if each.done(result) {
                (self.progress.each, self.told) = (Some(each), true);
                return Carried::Next { record: write(&record) };
            }
            result = each.list();
        }
        self.told = false;
        if let Some(name) = &record.named {
            if let Some(scope) = &mut self.scope {
                scope.add_result(name, &result);
            }
            self.progress.results.insert(name.clone(), result);
        }
        self.progress.step += 1;
        let record = write(&record);
        if self.progress.step < self.rule.steps.len() {
            Carried::Next { record }
        } else {
            Carried::Ended { fate, record }
        }
    }
}

#[cfg(test)]
mod tests;
