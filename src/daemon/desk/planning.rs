//! How a publication is planned: what is remembered is asked for in turns, since what is needed next follows from what was
//! found; then the rules decide, and what must be counted before anything is done is counted.
//!
//! Loops end here. A call that we redirected [`HOPS`](crate::memory::spans::HOPS) times is left alone, and a bot that has answered the same peer too
//! often in too short a time is silent. Both are counted in the decision's own transaction, before a step is taken, and so
//! are limits.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use super::afar::{Fetch, know_told};
use super::facts::{Facts, know_own, know_vars};
use super::gateway::About;
use super::own::{Own, Why};
use super::run::Run;
use super::{Desk, is_own_message, was};
use crate::dispatch::{Planned, Planning, Work, fate};
use crate::event::{Event, Kind, Opened};
use crate::journal::{Change, Claim, Entry, StateChange, TimerChange};
use crate::memory::call::{CallMemory, Elsewhere, Found};
use crate::memory::clocks::Clocks;
use crate::memory::schedule::schedule_key;
use crate::memory::spans::TURNS;
use crate::memory::talk::{Talk, Turn, talk_key};
use crate::record::{self, Decision, Pasts};
use crate::rules::{Barred, Plan, RuleSet, RunPlan, Step};

/// What is noted of a message that comes back to us.
const OWN_MESSAGE: &str = "the gateway itself wrote this message: only rules with `event.own = true` may act on it";

/// A publication on its way to a plan: what waits for something to be loaded.
pub(crate) struct Opening(pub(super) Stage);

pub(super) enum Stage {
    Read(Box<Read>),
    /// For what has come by itself.
    Called(Box<Deciding>),
    /// For what the rules may ask of the event.
    Facts(Box<Deciding>, Facts),
    /// For the call, which is at another key.
    Elsewhere(Box<Deciding>, Elsewhere),
    /// For what is fetched.
    Afar(Box<Deciding>, Fetch),
    /// It was fetched.
    Told(Box<Deciding>),
    /// For how often these rules acted.
    Limits(Box<Deciding>, Plan, Vec<Arc<str>>),
    /// For the calls that wait for their next leg where this one is redirected to.
    HandedOn(Box<Deciding>, Plan, String),
    /// For how often we answered.
    Talk(Box<Deciding>, Plan, Arc<str>),
}

/// As it was read.
pub(super) struct Read {
    rules: Arc<RuleSet>,
    opened: Opened,
    own: Option<Own>,
    /// What is remembered of its resource is the first of the keys.
    has_key: bool,
    /// Under which key the skew of its site is, and whether it has to be loaded.
    skew: Option<(Arc<str>, bool)>,
}

/// An event that is being decided about.
pub(super) struct Deciding {
    /// Those in force when it was read: others take over between two events.
    pub(super) rules: Arc<RuleSet>,
    pub(super) event: Event,
    pub(super) state: Vec<StateChange>,
    pub(super) timers: Vec<TimerChange>,
    pub(super) events: Vec<Entry>,
    /// How many milliseconds the site's clock is slow.
    pub(super) skew: i64,
    known: Option<Decision>,
    pasts: Pasts,
    /// What was known of the whole call.
    pub(super) call: Map<String, Value>,
    /// What the publication does not carry, by view.
    pub(super) told: Map<String, Value>,
    /// It was asked for.
    pub(super) has_asked: bool,
    pub(super) memory: Option<CallMemory>,
    pub(super) clocks: Option<Clocks>,
    /// Whether it shows what a step of ours did.
    pub(super) own: bool,
    /// Why it came, if we published it ourselves.
    why: Option<Why>,
    /// The rules whose `for` is over.
    begun: Vec<Arc<str>>,
    pub(super) barred: Barred,
    /// The rules whose limit was asked.
    pub(super) asked: Vec<Arc<str>>,
    pub(super) note: Option<String>,
    left_alone: bool,
    /// A later state of the leg is known.
    overtaken: bool,
}

pub(super) type Next = Planning<Opening, Run>;

impl Desk {
    /// Reads a publication, and says what planning has to know first.
    pub(super) fn read(&self, claim: &Claim) -> (Opening, Vec<Arc<str>>) {
        let (entry, own, account) = (&claim.entry, Own::of(claim), self.account_of(claim));
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
        (Opening(Stage::Read(Box::new(Read { rules: self.rules.load_full(), opened, own, has_key, skew }))), keys)
    }

    /// Goes on with what was loaded.
    pub(super) fn go_on(&self, opening: Opening, claim: &Claim, values: &[Option<Arc<str>>]) -> Next {
        let value = || values.first().and_then(|value| value.as_deref());
        match opening.0 {
            Stage::Read(read) => self.resolve(*read, claim, values),
            Stage::Called(deciding) => self.called(deciding, claim, value()),
            Stage::Facts(deciding, facts) => self.take_in(deciding, &facts, claim, values),
            Stage::Elsewhere(mut deciding, elsewhere) => {
                let rules = Arc::clone(&deciding.rules);
                Self::hear(&mut deciding, &rules, elsewhere.read(value()));
                self.decide(deciding, claim)
            }
            // Where there is no room for fetching it goes on without.
            Stage::Afar(deciding, _) => self.told(deciding, claim),
            Stage::Told(deciding) => self.came(deciding, claim),
            Stage::Limits(deciding, plan, rules) => self.count_acts(deciding, plan, &rules, values, claim),
            Stage::HandedOn(mut deciding, plan, target) => match deciding.memory.take() {
                Some(memory) => self.count_hop(deciding, plan, memory, &target, value(), claim),
                None => self.decided(*deciding, plan, claim),
            },
            Stage::Talk(mut deciding, mut plan, key) => {
                let stored = match Talk::turn(value(), claim.arrived) {
                    Turn::Allowed { stored } => stored,
                    Turn::Stopped { stored, .. } => {
                        plan.runs.retain(|run| !replies(run));
                        deciding.leave_alone(&format!(
                            "the gateway answered this sender {TURNS} times within a minute, which looks like two bots that \
                             answer each other: this message gets no answer"
                        ));
                        stored
                    }
                };
                deciding.state.push(stored.at(key));
                self.decided(*deciding, plan, claim)
            }
        }
    }

    /// An event of a publication that was planned before, or that was made to be planned.
    pub(super) fn event_again(&self, opened: Opened, known: &Decision) -> Event {
        let kind = known.kind.parse().unwrap_or(Kind::Publication);
        let mut event = opened.resolve_as(kind, known.was.as_deref(), self.rules.load().numbers());
        event.know_call(&known.call);
        know_vars(&mut event, known.vars.clone());
        know_told(&mut event, &known.told);
        if known.own {
            know_own(&mut event);
        }
        self.know_account(&mut event);
        if let Ok(time) = DateTime::parse_from_rfc3339(&known.time) {
            happened(&mut event, time.timestamp_millis());
        }
        event
    }

    /// What a publication was planned as.
    pub(in crate::daemon) fn as_planned(&self, claim: &Claim, decision: &Decision) -> Event {
        let own = Own::of(claim);
        let (id, body) =
            own.as_ref().map_or((&*claim.entry.id, &*claim.entry.body), |own| (own.id(), own.publication()));
        let opened = Opened::new(claim.seq, &self.account_of(claim), id, &claim.entry.lane, claim.arrived, body);
        let mut event = self.event_again(opened, decision);
        self.hands.tell(&mut event);
        event
    }

    /// From the resource's own memory to an event.
    fn resolve(&self, read: Read, claim: &Claim, values: &[Option<Arc<str>>]) -> Next {
        let Read { rules, opened, own, has_key, skew } = read;
        let own = match own {
            Some(own) if matches!(own.why, Why::Retry { .. } | Why::Replay { .. }) => {
                return Planning::Done(self.plan_own(opened, own, claim));
            }
            own => own,
        };
        let mut values = values.iter().map(Option::as_deref);
        let of_resource = has_key.then(|| values.next().flatten()).flatten();
        let mut state = Vec::new();
        let skew = skew.map_or(0, |(key, load)| {
            let stored = load.then(|| values.next().flatten()).flatten();
            self.skew(key, stored, &opened, claim, &mut state)
        });
        let (known, pasts) = record::past(&claim.history);
        let overtaken = own.is_none() && opened.is_overtaken(of_resource, known.is_some());
        let mut event = match (&known, &own) {
            (Some(known), _) => self.event_again(opened, known),
            (None, Some(own)) => {
                let mut event = self.event_again(opened, own.decision());
                if let Why::Due { due, .. } = own.why {
                    happened(&mut event, due);
                }
                event
            }
            (None, None) => {
                let resolved = opened.resolve(of_resource, rules.numbers());
                let remember = resolved.remember.into_iter();
                state.extend(remember.map(|set| StateChange { key: set.key, bytes: set.bytes, until: set.until }));
                self.tell_directory(&resolved.event);
                resolved.event
            }
        };
        let of_known = known.clone().unwrap_or_default();
        // A limit may be for what only is told.
        self.hands.tell(&mut event);
        let barred = rules.over_limit(&event, &of_known.barred);
        let deciding = Box::new(Deciding {
            rules,
            event,
            state,
            timers: Vec::new(),
            events: Vec::new(),
            skew,
            pasts,
            call: of_known.call,
            told: of_known.told,
            has_asked: false,
            memory: None,
            clocks: None,
            own: of_known.own,
            why: own.map(|own| own.why),
            begun: of_known.begun.iter().map(|rule| rule.as_str().into()).collect(),
            barred,
            asked: Vec::new(),
            note: of_known.note,
            left_alone: of_known.left_alone,
            overtaken,
            known,
        });
        if deciding.known.is_some() {
            return self.plan_once_more(*deciding, claim);
        }
        match &deciding.why {
            Some(Why::Tick { rule, .. }) => {
                let key = schedule_key(&deciding.event.account, rule);
                Planning::Needs(Opening(Stage::Called(deciding)), vec![key])
            }
            Some(Why::Call { home, .. }) => {
                let key = home.as_str().into();
                Planning::Needs(Opening(Stage::Called(deciding)), vec![key])
            }
            _ => self.ask_facts(deciding, claim),
        }
    }

    /// What has come by itself: nothing more, or an event like others.
    fn called(&self, mut deciding: Box<Deciding>, claim: &Claim, stored: Option<&str>) -> Next {
        match deciding.why.take() {
            Some(Why::Tick { rule, due }) => {
                let rules = Arc::clone(&deciding.rules);
                let called = Self::tick(&mut deciding, &rules, &rule, stored, claim.arrived);
                deciding.why = Some(Why::Tick { rule, due });
                if called { self.ask_facts(deciding, claim) } else { self.decided(*deciding, Plan::default(), claim) }
            }
            Some(Why::Call { home, due, gone }) => {
                self.call_clock(&mut deciding, &home.into(), stored, due, gone.as_deref(), claim.arrived);
                self.decided(*deciding, Plan::default(), claim)
            }
            _ => self.decided(*deciding, Plan::default(), claim),
        }
    }

    pub(super) fn ask_facts(&self, mut deciding: Box<Deciding>, claim: &Claim) -> Next {
        let rules = Arc::clone(&deciding.rules);
        self.hands.tell(&mut deciding.event);
        let facts = Facts::of(&rules, &deciding.event, deciding.is_due());
        let keys = facts.keys(&rules, &deciding.event.account);
        if keys.is_empty() {
            return self.take_in(deciding, &facts, claim, &[]);
        }
        Planning::Needs(Opening(Stage::Facts(deciding, facts)), keys)
    }

    fn take_in(&self, mut deciding: Box<Deciding>, facts: &Facts, claim: &Claim, values: &[Option<Arc<str>>]) -> Next {
        let rules = Arc::clone(&deciding.rules);
        let (clocks, of_call) = facts.take_in(&rules, &mut deciding.event, values, claim.arrived);
        deciding.clocks = clocks;
        if let Some(leg) = &facts.leg {
            match leg.find(of_call) {
                Found::Here(memory) => Self::hear(&mut deciding, &rules, *memory),
                Found::Elsewhere(elsewhere) => {
                    let key = elsewhere.key();
                    return Planning::Needs(Opening(Stage::Elsewhere(deciding, elsewhere)), vec![key]);
                }
            }
        }
        self.decide(deciding, claim)
    }

    /// What was counted then counts still.
    fn plan_once_more(&self, deciding: Deciding, claim: &Claim) -> Next {
        let rules = Arc::clone(&deciding.rules);
        let mut plan = match &deciding.why {
            Some(Why::Call { .. }) => Plan::default(),
            Some(Why::Due { .. }) => rules.plan_due(&deciding.event, &deciding.begun, &deciding.barred),
            _ => rules.plan_but(&deciding.event, &deciding.barred),
        };
        if deciding.left_alone {
            plan.runs.retain(|run| !run.rule.controls_call() && !replies(run));
        }
        self.decided(deciding, plan, claim)
    }

    /// Everything is known of it that is remembered here.
    fn decide(&self, mut deciding: Box<Deciding>, claim: &Claim) -> Next {
        self.hands.tell(&mut deciding.event);
        if is_own_message(&deciding.event) || self.is_own_principal(&deciding.event) {
            deciding.note = Some(OWN_MESSAGE.to_owned());
            deciding.own = true;
        }
        // What was told when a clock began is told still.
        if matches!(deciding.why, Some(Why::Due { .. })) {
            return self.decide_now(deciding, claim);
        }
        if deciding.own {
            know_own(&mut deciding.event);
        }
        self.ask_afar(deciding, claim)
    }

    /// The rules decide.
    pub(super) fn decide_now(&self, mut deciding: Box<Deciding>, claim: &Claim) -> Next {
        let rules = Arc::clone(&deciding.rules);
        if let Some(Why::Due { rule, due }) = deciding.why.take() {
            deciding.begun = Self::clock_ran_out(&mut deciding, &rules, &rule, due, claim.arrived);
            if deciding.begun.is_empty() && deciding.note.is_none() {
                deciding.note =
                    Some("the clock of this `for` was called off or began anew meanwhile: nothing is done".to_owned());
            }
            deciding.why = Some(Why::Due { rule, due });
        } else {
            Self::hear_clocks(&mut deciding, &rules, claim);
        }
        self.ask_limits(deciding, claim)
    }

    /// What rules make of an event that came before; what was over then is over.
    pub(super) fn plan_as_then(rules: &RuleSet, event: &Event, then: &Decision) -> Plan {
        if then.begun.is_empty() {
            return rules.plan(event);
        }
        let begun: Vec<Arc<str>> = then.begun.iter().map(|rule| rule.as_str().into()).collect();
        rules.plan_due(event, &begun, &Barred::new())
    }

    pub(super) fn plan_of(deciding: &Deciding) -> Plan {
        let rules = &deciding.rules;
        if deciding.is_due() {
            return rules.plan_due(&deciding.event, &deciding.begun, &deciding.barred);
        }
        rules.plan_but(&deciding.event, &deciding.barred)
    }

    /// What controls a call, or answers, is counted before it is done.
    pub(super) fn decided_by_rules(&self, deciding: Box<Deciding>, plan: Plan, claim: &Claim) -> Next {
        if deciding.memory.is_some() {
            return self.decide_of_call(deciding, plan, claim);
        }
        if deciding.event.kind == Kind::ChatMessage && plan.runs.iter().any(|run| self.acts(run) && replies(run)) {
            let text = |key: &str| deciding.event.field(["message", key]).and_then(Value::as_str).unwrap_or_default();
            let key = talk_key(&deciding.event.account, text("conversation"), text("sender"));
            return Planning::Needs(Opening(Stage::Talk(deciding, plan, Arc::clone(&key))), vec![key]);
        }
        self.decided(*deciding, plan, claim)
    }

    pub(super) fn decided(&self, deciding: Deciding, plan: Plan, claim: &Claim) -> Next {
        let rules = Arc::clone(&deciding.rules);
        let decided = deciding.known.as_ref().is_some_and(|known| known.rules == rules.hash());
        let told = deciding.note.as_deref().filter(|_| deciding.left_alone && deciding.known.is_none()).map(Into::into);
        let as_decision = deciding.as_decision();
        // That something lasted is no news of the call.
        let supersedes = !deciding.is_due() && deciding.event.kind.is_edge_of_call();
        let Deciding { event, state, timers, events, skew, pasts, note, left_alone, overtaken, begun, barred, .. } =
            deciding;
        let event = Arc::new(event);
        let decision = Decision {
            left_alone,
            note,
            barred: barred.keys().map(ToString::to_string).collect(),
            begun: begun.iter().map(ToString::to_string).collect(),
            verdicts: Self::verdicts(&plan),
            rules: rules.hash().to_owned(),
            ..as_decision
        };
        let mut runs = Self::line_up(claim, &rules, &event, plan, pasts, skew);
        for run in runs.iter_mut().filter(|run| overtaken && run.controls && run.run.is_ok()) {
            run.run = Err((fate::SUPERSEDED, self.epitaph(None, "a later state of the call is known")));
        }
        let about = if runs.is_empty() && claim.history.is_empty() { None } else { About::of(&event) };
        // With no run left the line that ends the publication is this one, so it is written again.
        let record = (!decided || runs.is_empty()).then(|| record::write(&decision));
        let with = Change { state, timers, events, ..Change::default() };
        Planning::Done(Planned { record, with, left_alone: told, supersedes, about, runs })
    }

    /// Whether a run will do something.
    pub(super) fn acts(&self, run: &RunPlan) -> bool {
        !self.dry_run && !run.rule.dry_run
    }
}

impl Deciding {
    pub(super) fn leave_alone(&mut self, why: &str) {
        self.note = Some(why.to_owned());
        self.left_alone = true;
    }

    /// Whether the `for` of rules is over.
    pub(super) fn is_due(&self) -> bool {
        matches!(self.why, Some(Why::Due { .. }))
    }

    /// It happened then, in milliseconds since 1970.
    pub(super) fn happened(&mut self, millis: i64) {
        happened(&mut self.event, millis);
    }

    /// What the event is, as far as it can't be told again.
    pub(super) fn as_decision(&self) -> Decision {
        let vars = self.event.fields.get("vars").and_then(Value::as_object).cloned().unwrap_or_default();
        Decision {
            kind: self.event.kind.as_str().to_owned(),
            time: self.event.time.to_rfc3339_opts(SecondsFormat::Millis, true),
            was: was(&self.event),
            call: self.call.clone(),
            told: self.told.clone(),
            own: self.own,
            vars,
            ..Decision::default()
        }
    }
}

fn happened(event: &mut Event, millis: i64) {
    let time: Option<DateTime<Utc>> = DateTime::from_timestamp_millis(millis);
    event.time = time.unwrap_or(event.time);
    if event.kind.is_own()
        && let Some(Value::Object(of_event)) = event.fields.get_mut("event")
    {
        of_event.insert("time".to_owned(), event.time.to_rfc3339_opts(SecondsFormat::Millis, true).into());
    }
}

pub(super) fn replies(run: &RunPlan) -> bool {
    run.rule.steps.iter().any(Step::answers)
}
