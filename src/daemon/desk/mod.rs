//! What the dispatcher is given: publications become events, events meet rules, steps meet actions.

mod afar;
mod calls;
mod facts;
mod gateway;
mod hands;
mod limits;
pub(crate) mod own;
mod planning;
mod resume;
mod run;
mod ticks;
pub(crate) mod vars;
mod waiting;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::SecondsFormat;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::actions::{self, Actions, Class, Outcome};
use crate::cloudlink::{self, HostState, Turned};
use crate::directory::Directory;
use crate::dispatch::{Again, Attempt, Carried, Planned, Planning, Prepared, Unshelved, Work, fate};
use crate::event::{Event, Opened};
use crate::journal::{Change, Claim, Entry, KEEP_DEAD, Line, StateChange};
use crate::kit::clock::Clock;
use crate::memory::skew::Skew;
use crate::numbers::Dialling;
use crate::record::{self, Attempted, Decision, write};
use crate::rules::request::Request;
use crate::rules::{Plan, RuleSet};
use crate::telemetry::Metrics;
use hands::Hands;
use own::{Own, account};
pub(crate) use planning::Opening;
use planning::Stage;
use run::{Ready, Shelved};

pub(crate) use gateway::About;
pub(crate) use hands::Props;
pub(super) use hands::REHEARSED;
pub(crate) use run::Run;
pub(crate) use ticks::{Look, next_tick};
pub(crate) use vars::NoVar;

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
    /// The account whose rules they are.
    account: Arc<str>,
    generations: Mutex<VecDeque<Arc<RuleSet>>>,
    hands: Hands,
    /// People, groups and sites of the account; none in a rehearsal.
    directory: Option<Directory>,
    clock: Clock,
    metrics: Arc<Metrics>,
    dry_run: bool,
    keep_dead: Duration,
    /// Who looks at CloudLink after calls of which nothing is heard.
    pub(crate) looks: OnceLock<mpsc::Sender<Look>>,
    /// The skew of each site whose calls were seen.
    skews: Mutex<HashMap<Arc<str>, Site>>,
    /// How many dead letters rules were told of lately.
    told: gateway::Told,
}

/// A site whose calls were seen.
struct Site {
    skew: Skew,
    /// The newest event that was heard, and what it left to be written down.
    heard: u64,
    change: Option<StateChange>,
}

impl Desk {
    /// A desk with its first rules.
    pub(super) fn new(
        account: Arc<str>,
        rules: Arc<RuleSet>,
        actions: Actions,
        clock: Clock,
        metrics: Arc<Metrics>,
        dry_run: bool,
        keep_dead: Duration,
    ) -> Self {
        Self::with(account, rules, Hands::Far(Box::new(actions)), clock, metrics, dry_run, keep_dead)
    }

    /// A desk at which nothing is carried out.
    pub(super) fn for_rehearsal(
        account: Arc<str>,
        rules: Arc<RuleSet>,
        props: Arc<Props>,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self::with(account, rules, Hands::Rehearsal(props), clock, metrics, false, KEEP_DEAD)
    }

    /// A desk without rules and without hands, for what is left of an account that is not in the settings any more.
    pub(super) fn of_nobody(
        account: Arc<str>,
        no_rules: Arc<RuleSet>,
        clock: Clock,
        metrics: Arc<Metrics>,
        keep_dead: Duration,
    ) -> Self {
        Self::with(account, no_rules, Hands::None, clock, metrics, true, keep_dead)
    }

    fn with(
        account: Arc<str>,
        rules: Arc<RuleSet>,
        hands: Hands,
        clock: Clock,
        metrics: Arc<Metrics>,
        dry_run: bool,
        keep_dead: Duration,
    ) -> Self {
        let generations = Mutex::new(VecDeque::from([Arc::clone(&rules)]));
        let (rules, skews) = (ArcSwap::new(rules), Mutex::default());
        let (directory, looks, told) = (None, OnceLock::new(), gateway::Told::default());
        Self { rules, account, generations, hands, directory, clock, metrics, dry_run, keep_dead, looks, skews, told }
    }

    /// The same with the account's directory, which learns what the rules need of it.
    pub(super) fn with_directory(self, directory: Directory) -> Self {
        let desk = Self { directory: Some(directory), ..self };
        desk.need_directory(&desk.rules.load());
        desk
    }

    /// The account's directory.
    pub(crate) fn directory(&self) -> Option<&Directory> {
        self.directory.as_ref()
    }

    /// A phone of the account's site dials otherwise from now on.
    pub(super) fn set_dialling(&self, dialling: Dialling) {
        self.hands.set_dialling(&self.account, dialling);
    }

    fn need_directory(&self, rules: &RuleSet) {
        if let Some(directory) = &self.directory {
            directory.need(afar::needs(rules));
        }
    }

    /// Other rules are in force from the next event on; runs that began go on under theirs.
    pub(super) fn put_in_force(&self, rules: Arc<RuleSet>) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.retain(|before| before.hash() != rules.hash());
        generations.push_front(Arc::clone(&rules));
        generations.truncate(GENERATIONS);
        self.need_directory(&rules);
        self.rules.store(rules);
    }

    /// The rules in force.
    pub(crate) fn rules_in_force(&self) -> Arc<RuleSet> {
        self.rules.load_full()
    }

    /// The account whose rules they are.
    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    /// The account of a claim, which is this desk's; in a rehearsal it may be another.
    fn account_of(&self, claim: &Claim) -> Arc<str> {
        let account = account(claim);
        if *account == *self.account { Arc::clone(&self.account) } else { account.into() }
    }

    /// Says from now on when the circuit breaker of a far side of `http` steps opens or closes.
    pub(super) fn tell_turns(&self, turns: &mpsc::Sender<Turned>) {
        self.hands.tell_turns(turns);
    }

    /// The far sides of `http` steps.
    pub(crate) fn hosts(&self) -> Vec<HostState> {
        self.hands.hosts()
    }

    fn generation(&self, hash: &str) -> Option<Arc<RuleSet>> {
        let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.iter().find(|rules| rules.hash() == hash).cloned()
    }

    fn skews(&self) -> MutexGuard<'_, HashMap<Arc<str>, Site>> {
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
        let site = skews.entry(Arc::clone(&key)).or_insert_with(|| Site {
            skew: stored.map_or_else(Skew::default, Skew::read),
            heard: 0,
            change: None,
        });
        if let Some((_, lag)) = opened.lag().filter(|_| claim.history.is_empty())
            && site.heard != claim.seq
        {
            let news = site.skew.hear(lag, claim.arrived);
            let change =
                |skew: &Skew| StateChange { key, bytes: skew.write().into(), until: Skew::until(claim.arrived) };
            (site.heard, site.change) = (claim.seq, news.then(|| change(&site.skew)));
        }
        // Planned a second time, the same event has the same to say.
        state.extend(site.change.clone().filter(|_| site.heard == claim.seq));
        site.skew.millis(claim.arrived)
    }

    fn verdicts(plan: &Plan) -> Vec<Value> {
        plan.verdicts.iter().map(|verdict| serde_json::to_value(verdict).unwrap_or_default()).collect()
    }

    fn decision(event: &Event, rules: &RuleSet, plan: &Plan) -> Decision {
        let verdicts = Self::verdicts(plan);
        let time = event.time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let (kind, was) = (event.kind.as_str().to_owned(), was(event));
        Decision { kind, time, rules: rules.hash().to_owned(), verdicts, was, ..Decision::default() }
    }

    /// What CloudLink's publications say of the account, ours do not: its id, as far as it is known.
    fn know_account(&self, event: &mut Event) {
        if event.kind.is_own()
            && let Some(id) = self.hands.account_id(&event.account)
            && let Some(Value::Object(account)) = event.fields.get_mut("account")
        {
            account.insert("id".to_owned(), Value::from(&*id));
        }
    }

    /// Whether a message is from the principal that we sign in as.
    fn is_own_principal(&self, event: &Event) -> bool {
        let sender = event.field(["message", "sender"]).and_then(Value::as_str);
        sender.is_some_and(|sender| self.hands.principal(&event.account).is_some_and(|own| *own == *sender))
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
        self.read(claim)
    }

    fn plan(&self, opening: Opening, claim: &Claim, values: &[Option<Arc<str>>]) -> Planning<Opening, Run> {
        self.go_on(opening, claim, values)
    }

    async fn fetch(&self, opening: Opening) -> Opening {
        match opening.0 {
            Stage::Afar(deciding, fetch) => self.fetch_afar(deciding, fetch).await,
            _ => opening,
        }
    }

    fn plan_again(&self, claim: &Claim, rule: &str) -> Again<Run> {
        // What was decided is not there to be read yet; without it the event would be another one.
        if !Own::is(claim) && record::past(&claim.history).0.is_none() {
            return Again::NotYet;
        }
        let (opening, keys) = self.read(claim);
        match self.go_on(opening, claim, &vec![None; keys.len()]) {
            Planning::Done(Planned { runs, about, .. }) => match runs.into_iter().find(|run| &*run.rule == rule) {
                Some(run) => Again::Run(run, about),
                None => Again::Unwanted(about),
            },
            Planning::Needs(..) | Planning::Fetch(_) => Again::NotYet,
        }
    }

    fn shelve(&self, run: &Run) -> Box<str> {
        run.shelve().into()
    }

    fn unshelve(&self, claim: &Claim, rule: &str, shelved: &str) -> Unshelved<Run> {
        let Shelved { rules, mut progress } = record::read(shelved);
        let gone = |why: &str| Unshelved::Gone(write(&Attempted { why: Some(why.to_owned()), ..Attempted::default() }));
        let Some(rules) = self.generation(&rules) else { return gone("the rules were reloaded too often meanwhile") };
        let Some(past_rule) = rules.rule(rule).cloned() else { return gone("its rule is gone") };
        let (Some(known), mut pasts) = record::past(&claim.history) else { return Unshelved::NotYet };
        let own = Own::of(claim);
        if let Some(own) = &own {
            progress.results = own.results();
        }
        let mut journaled =
            own.as_ref().and_then(Own::each).filter(|_| own.as_ref().map(Own::step) == Some(progress.step));
        if let Some(past) = pasts.remove(rule) {
            if past.step < progress.step {
                return Unshelved::NotYet;
            }
            progress.results.extend(past.results);
            journaled = past.each.or(journaled);
        } else if progress.step > own.as_ref().map_or(0, Own::step) {
            return Unshelved::NotYet;
        }
        let told = progress.each.as_ref().is_some_and(|each| each.items.is_empty());
        if !Run::find_items(&mut progress, journaled) {
            return Unshelved::NotYet;
        }
        let (id, body) =
            own.as_ref().map_or((&*claim.entry.id, &*claim.entry.body), |own| (own.id(), own.publication()));
        let opened = Opened::new(claim.seq, &self.account_of(claim), id, &claim.entry.lane, claim.arrived, body);
        let event = Arc::new(self.event_again(opened, &known));
        Unshelved::Run(Run { rules, rule: past_rule, event, progress, scope: None, told })
    }

    fn prepare(&self, run: &mut Run) -> Prepared {
        if run.progress.request.is_none() {
            match run.render(&self.clock) {
                Ok(Ready::Go(request)) => run.progress.request = Some(*request),
                Ok(Ready::LeftOut) => return Prepared::Already(run.skip("its condition does not hold")),
                Ok(Ready::NoItem) => return Prepared::Already(run.without_items()),
                Err(error) => {
                    let result = serde_json::json!({ "ok": false, "error": error.word() });
                    let (word, why) = (error.word(), error.to_string());
                    return Prepared::Already(run.failed(word, &why, result, 0, Duration::ZERO));
                }
            }
        }
        let Some(request) = &run.progress.request else { return Prepared::Go { early: true } };
        if self.dry_run || run.rule.dry_run {
            return Prepared::Already(run.skip("dry run"));
        }
        if let Request::Set(setting) = request {
            return match self.keys_of(&run.rules, setting) {
                Ok(keys) => Prepared::Remember(keys),
                Err(why) => Prepared::Already(run.not_set(&why)),
            };
        }
        match actions::class(request) {
            Class::Never => Prepared::DurableFirst(write(&run.record(0, Duration::ZERO))),
            // Of a publication that is refused a limit's count is taken back: what it counts is not to be done before.
            Class::Repeat => Prepared::Go { early: run.rule.limit.is_none() },
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
        let outcome = cloudlink::untold(run.event.kind.is_gateway(), self.hands.perform(request, &attempted)).await;
        let took = began.elapsed();
        if run.progress.step == 0 && !matches!(outcome, Outcome::Retry { .. }) {
            self.metrics.reacted((self.clock.millis() - run.event.arrived.timestamp_millis()).max(0) as f64 / 1000.0);
        }
        run.settle(outcome, attempt.number, attempt.doubtful, took)
    }

    fn remember(&self, run: &mut Run, values: &[Option<Arc<str>>]) -> (Carried, Change) {
        self.set_vars(run, values)
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

    fn given_up(&self, about: &str, line: &Line) -> Option<Entry> {
        self.tell_given_up(about, line)
    }

    fn epitaph(&self, run: Option<&Run>, why: &str) -> String {
        let record = run.map_or_else(Attempted::default, |run| run.record(0, Duration::ZERO));
        write(&Attempted { why: Some(why.to_owned()), ..record })
    }
}
