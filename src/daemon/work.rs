//! What the dispatcher is given: publications become events, events meet rules, steps meet actions.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::SecondsFormat;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::actions::{self, Actions, Class, Outcome};
use crate::dispatch::{Attempt, Carried, NewRun, Planned, Prepared, Work, fate};
use crate::event::{Event, Kind, Opened};
use crate::journal::{Claim, StateChange};
use crate::kit::clock::Clock;
use crate::record::{self, Attempted, Decision, Past, Pasts, Progress, write};
use crate::rules::request::Request;
use crate::rules::{OnError, Plan, Rule, RuleSet, RunPlan, Scope};
use crate::telemetry::Metrics;

/// How many rule sets are kept for the runs that began under them.
const GENERATIONS: usize = 32;
/// What our own chat messages carry in their tag.
const OWN_TAG: &str = "swh";

/// How a run ends, in a word, beside the dispatcher's own.
mod end {
    pub(super) const DONE: &str = "done";
    pub(super) const MOVED: &str = "moved";
    pub(super) const UNKNOWN: &str = "unknown";
    pub(super) const DRY_RUN: &str = "dry_run";
    pub(super) const ABANDONED: &str = "abandoned";
}

/// See the module.
pub(super) struct Desk {
    rules: ArcSwap<RuleSet>,
    generations: Mutex<VecDeque<Arc<RuleSet>>>,
    actions: Actions,
    clock: Clock,
    metrics: Arc<Metrics>,
    dry_run: bool,
}

/// A rule's steps on one event, as far as they have come.
pub(super) struct Run {
    rules: Arc<RuleSet>,
    rule: Arc<Rule>,
    event: Arc<Event>,
    progress: Progress,
    scope: Option<Scope>,
}

impl Desk {
    /// A desk with its first rules.
    pub(super) fn new(
        rules: Arc<RuleSet>,
        actions: Actions,
        clock: Clock,
        metrics: Arc<Metrics>,
        dry_run: bool,
    ) -> Self {
        let generations = Mutex::new(VecDeque::from([Arc::clone(&rules)]));
        Self { rules: ArcSwap::new(rules), generations, actions, clock, metrics, dry_run }
    }

    /// Other rules are in force from the next event on; runs that began go on under theirs.
    pub(super) fn put_in_force(&self, rules: Arc<RuleSet>) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.retain(|before| before.hash() != rules.hash());
        generations.push_front(Arc::clone(&rules));
        generations.truncate(GENERATIONS);
        self.rules.store(rules);
    }

    fn generation(&self, hash: &str) -> Option<Arc<RuleSet>> {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.iter().find(|rules| rules.hash() == hash).cloned()
    }

    /// Runs that had not begun before a restart are planned again under the rules of now; those that had begun go on
    /// with the rule that they began with, if it is still there.
    fn line_up(&self, claim: &Claim, event: &Arc<Event>, plan: Plan, mut pasts: Pasts) -> Vec<NewRun<Run>> {
        let rules = self.rules.load_full();
        let mut runs = Vec::new();
        for RunPlan { rule, bindings } in plan.runs {
            let past = pasts.remove(&*rule.name).unwrap_or_default();
            if !past.over {
                runs.push(Self::resume(claim, event, &rules, rule, bindings, past));
            }
        }
        for (name, past) in pasts.into_iter().filter(|(_, past)| !past.over) {
            runs.push(match rules.rule(&name) {
                Some(rule) => Self::resume(claim, event, &rules, Arc::clone(rule), Map::new(), past),
                None => abandoned(&name, claim, "its rule is gone"),
            });
        }
        runs
    }

    fn resume(
        claim: &Claim,
        event: &Arc<Event>,
        rules: &Arc<RuleSet>,
        rule: Arc<Rule>,
        bindings: Map<String, Value>,
        past: Past,
    ) -> NewRun<Run> {
        if !past.rule.is_empty() && past.rule != rule.hash {
            return abandoned(&rule.name, claim, "its rule was changed when it had begun");
        }
        // Between the last line and the end of the process an attempt may have been made that no line tells of.
        let unsure = past.unsure || claim.recovered;
        let (name, controls) = (Arc::clone(&rule.name), rule.controls_call());
        let (deadline, allowance) = (deadline(event, &rule), rule.deadline);
        let run = if let Some(attempt) = past.unknown {
            let why = Some("the process ended before the answer came".to_owned());
            Err((end::UNKNOWN, write(&Attempted { why, ..attempt })))
        } else {
            let kind = event.kind.as_str().to_owned();
            let was = was(event);
            let progress =
                Progress { kind, was, bindings, step: past.step, request: past.request, results: past.results };
            Ok(Run { rules: Arc::clone(rules), rule, event: Arc::clone(event), progress, scope: None })
        };
        let (number, due) = (past.attempts, past.due);
        NewRun { rule: name, deadline, allowance, controls, unsure, number, due, run }
    }

    fn decision(event: &Event, rules: &RuleSet, plan: &Plan, note: Option<String>) -> String {
        let verdicts = plan.verdicts.iter().map(|verdict| serde_json::to_value(verdict).unwrap_or_default()).collect();
        let time = event.time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let (kind, was) = (event.kind.as_str().to_owned(), was(event));
        write(&Decision { kind, time, rules: rules.hash().to_owned(), verdicts, was, note })
    }
}

fn abandoned(name: &str, claim: &Claim, why: &str) -> NewRun<Run> {
    let record = write(&Attempted { why: Some(why.to_owned()), ..Attempted::default() });
    NewRun {
        rule: name.into(),
        deadline: claim.arrived,
        allowance: Duration::ZERO,
        controls: false,
        unsure: false,
        number: 0,
        due: None,
        run: Err((end::ABANDONED, record)),
    }
}

/// Counted from the event's own time; from its arrival when that is earlier, as with a PBX whose clock is fast.
fn deadline(event: &Event, rule: &Rule) -> i64 {
    let allowance = i64::try_from(rule.deadline.as_millis()).unwrap_or(i64::MAX);
    event.time.min(event.arrived).timestamp_millis().saturating_add(allowance)
}

/// The status that a presence had before.
fn was(event: &Event) -> Option<String> {
    event.field(["presence", "was"]).and_then(Value::as_str).map(str::to_owned)
}

/// A message that we sent comes back as a notification; no rule answers it.
fn is_own_message(event: &Event) -> bool {
    let tag = event.field(["message", "tag"]).and_then(Value::as_str);
    tag.and_then(|tag| serde_json::from_str::<Value>(tag).ok()).is_some_and(|tag| tag.get(OWN_TAG).is_some())
}

impl Work for Desk {
    type Opened = Opened;
    type Run = Run;

    fn open(&self, claim: &Claim) -> (Opened, Vec<Arc<str>>) {
        let account: Arc<str> = claim.entry.source.split('/').next().unwrap_or_default().into();
        let entry = &claim.entry;
        let opened = Opened::new(claim.seq, &account, &entry.id, &entry.lane, claim.arrived, &entry.body);
        let keys = opened.key().into_iter().collect();
        (opened, keys)
    }

    fn plan(&self, opened: Opened, claim: &Claim, remembered: &[Option<Arc<str>>]) -> Planned<Run> {
        let rules = self.rules.load_full();
        let (known, pasts) = record::past(&claim.history);
        let known_kind = known.as_ref().and_then(|decision| decision.kind.parse::<Kind>().ok());
        let (event, remember) = if let Some(kind) = known_kind {
            let was = known.as_ref().and_then(|decision| decision.was.as_deref());
            (opened.resolve_as(kind, was), None)
        } else {
            let resolved = opened.resolve(remembered.first().and_then(Option::as_deref));
            (resolved.event, resolved.remember)
        };
        let supersedes = event.kind.is_edge_of_call();
        let own = is_own_message(&event);
        let plan = if own { Plan::default() } else { rules.plan(&event) };
        let note = own.then(|| "our own message".to_owned());
        let event = Arc::new(event);
        let decided = known.as_ref().is_some_and(|known| known.rules == rules.hash());
        let decision = Self::decision(&event, &rules, &plan, note);
        let runs = self.line_up(claim, &event, plan, pasts);
        // With no run left the line that ends the publication is this one, so it is written again.
        let record = (!decided || runs.is_empty()).then_some(decision);
        let state =
            remember.into_iter().map(|set| StateChange { key: set.key, bytes: set.bytes, until: set.until }).collect();
        Planned { record, state, supersedes, runs }
    }

    fn shelve(&self, run: &Run) -> Box<str> {
        write(&Shelved { rules: run.rules.hash().to_owned(), progress: run.progress.clone() }).into()
    }

    fn unshelve(&self, claim: &Claim, rule: &str, shelved: &str) -> Result<Run, String> {
        let Shelved { rules, progress } = record::read(shelved);
        let failed = |why: &str| write(&Attempted { why: Some(why.to_owned()), ..Attempted::default() });
        let rules =
            self.generation(&rules).ok_or_else(|| failed("the rules were reloaded too often while it waited"))?;
        let rule = Arc::clone(rules.rule(rule).ok_or_else(|| failed("its rule is gone"))?);
        let kind = progress.kind.parse().unwrap_or(Kind::Publication);
        let event = Arc::new(self.open(claim).0.resolve_as(kind, progress.was.as_deref()));
        Ok(Run { rules, rule, event, progress, scope: None })
    }

    fn prepare(&self, run: &mut Run) -> Prepared {
        if run.progress.request.is_none() {
            match run.render(&self.clock) {
                Ok(Some(request)) => run.progress.request = Some(request),
                Ok(None) => return Prepared::Already(run.skip("its condition does not hold")),
                Err(error) => {
                    let result = serde_json::json!({ "ok": false, "error": "missing" });
                    return Prepared::Already(run.failed("missing", &error, result, 0, Duration::ZERO));
                }
            }
        }
        let Some(request) = &run.progress.request else { return Prepared::Go };
        if self.dry_run || run.rule.dry_run {
            return Prepared::Already(run.skip("dry run"));
        }
        match actions::class(request) {
            Class::Never => Prepared::DurableFirst(write(&run.record(0, Duration::ZERO))),
            Class::Repeat | Class::Check => Prepared::Go,
        }
    }

    async fn carry(&self, run: &mut Run, attempt: Attempt) -> Carried {
        let Some((step, request)) = run.current() else { return run.nothing_left() };
        let began = Instant::now();
        let timeout = step.timeout.min(attempt.deadline.saturating_duration_since(began));
        let tag = run.tag();
        // What must not be done twice has a durable attempt before it is sent: without one it was not sent, and one
        // whose outcome is unknown does not get here.
        let look_first = attempt.unsure && actions::class(request) != Class::Never;
        let attempted = actions::Attempt { account: &run.event.account, tag: &tag, look_first, timeout };
        let outcome = self.actions.perform(request, &attempted).await;
        let took = began.elapsed();
        if run.progress.step == 0 && !matches!(outcome, Outcome::Retry { .. }) {
            self.metrics.reacted((self.clock.millis() - run.event.arrived.timestamp_millis()).max(0) as f64 / 1000.0);
        }
        run.settle(outcome, attempt.number, took)
    }

    fn epitaph(&self, run: Option<&Run>, why: &str) -> String {
        let record = run.map_or_else(Attempted::default, |run| run.record(0, Duration::ZERO));
        write(&Attempted { why: Some(why.to_owned()), ..record })
    }
}

/// What lies on the shelf.
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Shelved {
    rules: String,
    progress: Progress,
}

impl Run {
    fn render(&mut self, clock: &Clock) -> Result<Option<Request>, String> {
        let Some(step) = self.rule.steps.get(self.progress.step) else { return Ok(None) };
        let scope = self.scope.get_or_insert_with(|| {
            Scope::shared(&self.rules, &self.event, &self.progress.bindings, &self.progress.results, clock.now())
        });
        step.render(scope).map_err(|error| error.to_string())
    }

    fn current(&self) -> Option<(&crate::rules::Step, &Request)> {
        Some((self.rule.steps.get(self.progress.step)?, self.progress.request.as_ref()?))
    }

    fn nothing_left(&self) -> Carried {
        Carried::Ended { fate: end::DONE, record: write(&self.record(0, Duration::ZERO)) }
    }

    /// The same for the same publication, rule and step, after any crash.
    fn tag(&self) -> String {
        let name = format!("{}/{}\n{}\n{}", self.event.account, self.event.id, self.rule.name, self.progress.step);
        hex::encode(&Sha256::digest(name)[..16])
    }

    fn record(&self, number: u32, took: Duration) -> Attempted {
        let step = self.rule.steps.get(self.progress.step);
        Attempted {
            step: self.progress.step,
            action: step.map(|step| step.action().to_owned()).unwrap_or_default(),
            request: self.progress.request.clone(),
            attempt: number + 1,
            took_ms: took.as_millis() as u64,
            named: step.and_then(|step| step.save_as.clone()),
            rule: self.rule.hash.clone(),
            ..Attempted::default()
        }
    }

    /// What an attempt came to.
    fn settle(&mut self, outcome: Outcome, number: u32, took: Duration) -> Carried {
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
                    self.next(record, end::UNKNOWN)
                } else {
                    Carried::Ended { fate: end::UNKNOWN, record: write(&record) }
                }
            }
        }
    }

    fn goes_on(&self) -> bool {
        self.rule.steps.get(self.progress.step).is_some_and(|step| step.on_error == OnError::Continue)
    }

    fn failed(&mut self, error: &str, why: &str, result: Value, number: u32, took: Duration) -> Carried {
        let record =
            Attempted { error: Some(error.to_owned()), why: Some(why.to_owned()), result, ..self.record(number, took) };
        if self.goes_on() {
            self.next(record, fate::FAILED)
        } else {
            Carried::Ended { fate: fate::FAILED, record: write(&record) }
        }
    }

    fn skip(&mut self, why: &str) -> Carried {
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
