//! What the dispatcher is given: publications become events, events meet rules, steps meet actions.

pub(crate) mod own;
mod resume;
mod run;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::SecondsFormat;
use serde_json::Value;
use tokio::time::Instant;

use crate::actions::{self, Actions, Class, Outcome};
use crate::cloudlink::HostState;
use crate::dispatch::{Attempt, Carried, NewRun, Planned, Prepared, Unshelved, Work, fate};
use crate::event::{Event, Kind, Opened};
use crate::journal::{Change, Claim, StateChange};
use crate::kit::clock::Clock;
use crate::memory::skew::Skew;
use crate::record::{self, Attempted, Decision, write};
use crate::rules::{Plan, RuleSet};
use crate::telemetry::Metrics;
use own::{Own, account};
use run::Shelved;

pub(crate) use run::Run;

/// How many rule sets are kept for the runs that began under them.
const GENERATIONS: usize = 32;
/// What our own chat messages carry in their tag.
const OWN_TAG: &str = "swh";

/// How a run ends, in a word, beside the dispatcher's own.
mod end {
    pub(super) const DONE: &str = "done";
    pub(super) const MOVED: &str = "moved";
    pub(super) const DRY_RUN: &str = "dry_run";
}

/// See the module.
pub(crate) struct Desk {
    rules: ArcSwap<RuleSet>,
    generations: Mutex<VecDeque<Arc<RuleSet>>>,
    actions: Actions,
    clock: Clock,
    metrics: Arc<Metrics>,
    dry_run: bool,
    keep_dead: Duration,
    /// The skew of each site whose calls were seen.
    skews: Mutex<HashMap<Arc<str>, Skew>>,
}

/// A publication that was read.
pub(crate) struct Opening {
    opened: Opened,
    own: Option<Own>,
    /// What is remembered of its resource is the first of the keys.
    has_key: bool,
    /// Under which key the skew of its site is, and whether it has to be loaded.
    skew: Option<(Arc<str>, bool)>,
}

impl Desk {
    /// A desk with its first rules.
    pub(super) fn new(
        rules: Arc<RuleSet>,
        actions: Actions,
        clock: Clock,
        metrics: Arc<Metrics>,
        dry_run: bool,
        keep_dead: Duration,
    ) -> Self {
        let generations = Mutex::new(VecDeque::from([Arc::clone(&rules)]));
        let (rules, skews) = (ArcSwap::new(rules), Mutex::default());
        Self { rules, generations, actions, clock, metrics, dry_run, keep_dead, skews }
    }

    /// Other rules are in force from the next event on; runs that began go on under theirs.
    pub(super) fn put_in_force(&self, rules: Arc<RuleSet>) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.retain(|before| before.hash() != rules.hash());
        generations.push_front(Arc::clone(&rules));
        generations.truncate(GENERATIONS);
        self.rules.store(rules);
    }

    /// The far sides of `http` steps.
    pub(crate) fn hosts(&self) -> Vec<HostState> {
        self.actions.hosts()
    }

    fn generation(&self, hash: &str) -> Option<Arc<RuleSet>> {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.iter().find(|rules| rules.hash() == hash).cloned()
    }

    fn skews(&self) -> MutexGuard<'_, HashMap<Arc<str>, Skew>> {
        self.skews.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The skew of an event's site in milliseconds, having heard this event.
    fn skew(
        &self,
        key: Arc<str>,
        stored: Option<&str>,
        opened: &Opened,
        claim: &Claim,
        state: &mut Vec<StateChange>,
    ) -> i64 {
        let mut skews = self.skews();
        let skew = skews.entry(Arc::clone(&key)).or_insert_with(|| stored.map_or_else(Skew::default, Skew::read));
        if let Some((_, lag)) = opened.lag().filter(|_| claim.history.is_empty())
            && skew.hear(lag, claim.arrived)
        {
            state.push(StateChange { key, bytes: skew.write().into(), until: Skew::until(claim.arrived) });
        }
        skew.millis(claim.arrived)
    }

    fn decision(event: &Event, rules: &RuleSet, plan: &Plan, note: Option<String>) -> String {
        let verdicts = plan.verdicts.iter().map(|verdict| serde_json::to_value(verdict).unwrap_or_default()).collect();
        let time = event.time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let (kind, was) = (event.kind.as_str().to_owned(), was(event));
        write(&Decision { kind, time, rules: rules.hash().to_owned(), verdicts, was, note })
    }
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
    type Opened = Opening;
    type Run = Run;

    fn open(&self, claim: &Claim) -> (Opening, Vec<Arc<str>>) {
        let (entry, own, account) = (&claim.entry, Own::of(claim), account(claim));
        let (id, body) = own.as_ref().map_or((&*entry.id, &*entry.body), |own| (own.id(), own.publication()));
        let opened = Opened::new(claim.seq, &account, id, &entry.lane, claim.arrived, body);
        let mut keys: Vec<Arc<str>> = Vec::new();
        if own.is_none() {
            keys.extend(opened.key());
        }
        let has_key = !keys.is_empty();
        let skew = opened.lag().map(|(site, _)| Arc::from(format!("{account}/skew/{site}")));
        let skew = skew.filter(|_| own.is_none()).map(|key| {
            let load = !self.skews().contains_key(&key);
            (key, load)
        });
        keys.extend(skew.iter().filter(|(_, load)| *load).map(|(key, _)| Arc::clone(key)));
        (Opening { opened, own, has_key, skew }, keys)
    }

    fn plan(&self, opening: Opening, claim: &Claim, remembered: &[Option<Arc<str>>]) -> Planned<Run> {
        let Opening { opened, own, has_key, skew } = opening;
        if let Some(own) = own {
            return self.plan_own(opened, own, claim);
        }
        let mut remembered = remembered.iter().map(Option::as_deref);
        let of_resource = has_key.then(|| remembered.next().flatten()).flatten();
        let mut state = Vec::new();
        let skew = skew.map_or(0, |(key, load)| {
            let stored = load.then(|| remembered.next().flatten()).flatten();
            self.skew(key, stored, &opened, claim, &mut state)
        });
        let rules = self.rules.load_full();
        let (known, pasts) = record::past(&claim.history);
        let known_kind = known.as_ref().and_then(|decision| decision.kind.parse::<Kind>().ok());
        let event = if let Some(kind) = known_kind {
            opened.resolve_as(kind, known.as_ref().and_then(|decision| decision.was.as_deref()))
        } else {
            let resolved = opened.resolve(of_resource);
            let remember = resolved.remember.into_iter();
            state.extend(remember.map(|set| StateChange { key: set.key, bytes: set.bytes, until: set.until }));
            resolved.event
        };
        let supersedes = event.kind.is_edge_of_call();
        let own = is_own_message(&event);
        let plan = if own { Plan::default() } else { rules.plan(&event) };
        let note = own.then(|| "our own message".to_owned());
        let event = Arc::new(event);
        let decided = known.as_ref().is_some_and(|known| known.rules == rules.hash());
        let decision = Self::decision(&event, &rules, &plan, note);
        let runs = self.line_up(claim, &event, plan, pasts, skew);
        // With no run left the line that ends the publication is this one, so it is written again.
        let record = (!decided || runs.is_empty()).then_some(decision);
        let with = Change { state, ..Change::default() };
        Planned { record, with, durable_first: false, supersedes, runs }
    }

    fn plan_again(&self, claim: &Claim, rule: &str) -> Option<NewRun<Run>> {
        let (opening, keys) = self.open(claim);
        let planned = self.plan(opening, claim, &vec![None; keys.len()]);
        planned.runs.into_iter().find(|run| &*run.rule == rule)
    }

    fn shelve(&self, run: &Run) -> Box<str> {
        run.shelve().into()
    }

    fn unshelve(&self, claim: &Claim, rule: &str, shelved: &str) -> Unshelved<Run> {
        let Shelved { rules, mut progress } = record::read(shelved);
        let gone = |why: &str| Unshelved::Gone(write(&Attempted { why: Some(why.to_owned()), ..Attempted::default() }));
        let Some(rules) = self.generation(&rules) else { return gone("the rules were reloaded too often meanwhile") };
        let Some(past_rule) = rules.rule(rule).cloned() else { return gone("its rule is gone") };
        let (opened, own) = {
            let opening = self.open(claim).0;
            (opening.opened, opening.own)
        };
        if let Some(own) = &own {
            progress.results = own.results();
        }
        if let Some(past) = record::past(&claim.history).1.remove(rule) {
            if past.step < progress.step {
                return Unshelved::NotYet;
            }
            progress.results.extend(past.results);
        } else if progress.step > own.as_ref().map_or(0, Own::step) {
            return Unshelved::NotYet;
        }
        let kind = progress.kind.parse().unwrap_or(Kind::Publication);
        let event = Arc::new(opened.resolve_as(kind, progress.was.as_deref()));
        Unshelved::Run(Run { rules, rule: past_rule, event, progress, scope: None })
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
        let Some(request) = &run.progress.request else { return Prepared::Go { early: true } };
        if self.dry_run || run.rule.dry_run {
            return Prepared::Already(run.skip("dry run"));
        }
        match actions::class(request) {
            Class::Never => Prepared::DurableFirst(write(&run.record(0, Duration::ZERO))),
            Class::Repeat => Prepared::Go { early: true },
            Class::Check => Prepared::Go { early: false },
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

    fn keep(&self, fate: &str, controls: bool) -> Option<Duration> {
        let given_up = match fate {
            fate::FAILED | fate::ABANDONED | fate::UNKNOWN => true,
            // A call that was not redirected in time needs nobody any more.
            fate::EXPIRED => !controls,
            _ => false,
        };
        given_up.then_some(self.keep_dead)
    }

    fn epitaph(&self, run: Option<&Run>, why: &str) -> String {
        let record = run.map_or_else(Attempted::default, |run| run.record(0, Duration::ZERO));
        write(&Attempted { why: Some(why.to_owned()), ..record })
    }
}
