//! How a publication is planned: what is remembered is asked for in turns, since what is needed next follows from what was
//! found; then the rules decide, and what must be counted before anything is done is counted.
//!
//! Loops end here. A call that we redirected [`HOPS`](crate::memory::spans::HOPS) times is left alone, and a bot that has answered the same peer too
//! often in too short a time is silent. Both are counted in the decision's own transaction, before a step is taken.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::own::{Own, account};
use super::run::Run;
use super::{Desk, is_own_message};
use crate::dispatch::{Planned, Planning, Work, fate};
use crate::event::{Event, Kind, Opened};
use crate::journal::{Change, Claim, StateChange};
use crate::memory::call::{CallKeys, CallMemory, Elsewhere, Found, LegHeard};
use crate::memory::talk::{Talk, Turn, talk_key};
use crate::record::{self, Decision, Pasts};
use crate::rules::request::Request;
use crate::rules::{Plan, RunPlan, Scope};

/// A publication on its way to a plan: what waits for something to be loaded.
pub(crate) struct Opening(Stage);

enum Stage {
    Read(Box<Read>),
    /// For what is known of the call that the leg is of.
    Leg(Box<Deciding>, CallKeys),
    /// For the call, which is at another key.
    Elsewhere(Box<Deciding>, Elsewhere),
    /// For the calls that wait for their next leg where this one is redirected to.
    HandedOn(Box<Deciding>, Plan, Box<CallMemory>, String),
    /// For how often we answered.
    Talk(Box<Deciding>, Plan, Arc<str>),
}

/// As it was read.
struct Read {
    opened: Opened,
    own: Option<Own>,
    /// What is remembered of its resource is the first of the keys.
    has_key: bool,
    /// Under which key the skew of its site is, and whether it has to be loaded.
    skew: Option<(Arc<str>, bool)>,
}

/// An event that is being decided about.
struct Deciding {
    event: Event,
    state: Vec<StateChange>,
    /// How many milliseconds the site's clock is slow.
    skew: i64,
    known: Option<Decision>,
    pasts: Pasts,
    /// What was known of the whole call.
    call: Map<String, Value>,
    note: Option<String>,
    left_alone: bool,
    /// A later state of the leg is known.
    overtaken: bool,
}

type Next = Planning<Opening, Run>;

impl Desk {
    /// Reads a publication, and says what planning has to know first.
    pub(super) fn read(&self, claim: &Claim) -> (Opening, Vec<Arc<str>>) {
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
        (Opening(Stage::Read(Box::new(Read { opened, own, has_key, skew }))), keys)
    }

    /// Goes on with what was loaded.
    pub(super) fn go_on(&self, opening: Opening, claim: &Claim, values: &[Option<Arc<str>>]) -> Next {
        let value = || values.first().and_then(|value| value.as_deref());
        match opening.0 {
            Stage::Read(read) => self.resolve(*read, claim, values),
            Stage::Leg(deciding, keys) => match keys.find(values) {
                Found::Here(memory) => self.hear(deciding, *memory, claim),
                Found::Elsewhere(elsewhere) => {
                    let key = elsewhere.key();
                    Planning::Needs(Opening(Stage::Elsewhere(deciding, elsewhere)), vec![key])
                }
            },
            Stage::Elsewhere(deciding, elsewhere) => self.hear(deciding, elsewhere.read(value()), claim),
            Stage::HandedOn(deciding, plan, memory, target) => {
                self.count_hop(deciding, plan, *memory, &target, value(), claim)
            }
            Stage::Talk(mut deciding, mut plan, key) => {
                let stored = match Talk::turn(value(), claim.arrived) {
                    Turn::Allowed { stored } => stored,
                    Turn::Stopped { stored, .. } => {
                        plan.runs.retain(|run| !replies(run));
                        deciding.leave_alone("we answered this peer too often in too short a time: more is a loop");
                        stored
                    }
                };
                deciding.state.push(stored.at(key));
                self.decided(*deciding, plan, claim)
            }
        }
    }

    /// An event of a publication that was planned before.
    pub(super) fn event_again(&self, opened: Opened, known: &Decision) -> Event {
        let kind = known.kind.parse().unwrap_or(Kind::Publication);
        let mut event = opened.resolve_as(kind, known.was.as_deref(), self.rules.load().numbers());
        event.know_call(&known.call);
        event
    }

    /// From the resource's own memory to an event.
    fn resolve(&self, read: Read, claim: &Claim, values: &[Option<Arc<str>>]) -> Next {
        let Read { opened, own, has_key, skew } = read;
        if let Some(own) = own {
            return Planning::Done(self.plan_own(opened, own, claim));
        }
        let mut values = values.iter().map(Option::as_deref);
        let of_resource = has_key.then(|| values.next().flatten()).flatten();
        let mut state = Vec::new();
        let skew = skew.map_or(0, |(key, load)| {
            let stored = load.then(|| values.next().flatten()).flatten();
            self.skew(key, stored, &opened, claim, &mut state)
        });
        let (known, pasts) = record::past(&claim.history);
        let overtaken = opened.is_overtaken(of_resource, known.is_some());
        let (event, call) = if let Some(known) = &known {
            (self.event_again(opened, known), known.call.clone())
        } else {
            let resolved = opened.resolve(of_resource, self.rules.load().numbers());
            let remember = resolved.remember.into_iter();
            state.extend(remember.map(|set| StateChange { key: set.key, bytes: set.bytes, until: set.until }));
            (resolved.event, Map::new())
        };
        let left_alone = known.as_ref().is_some_and(|known| known.left_alone);
        let note = known.as_ref().and_then(|known| known.note.clone());
        let deciding = Box::new(Deciding { event, state, skew, known, pasts, call, note, left_alone, overtaken });
        if deciding.known.is_some() {
            return self.plan_once_more(*deciding, claim);
        }
        match LegHeard::of(&deciding.event) {
            Some(leg) => {
                let keys = CallKeys::of(&deciding.event.account, &leg);
                let wanted = keys.keys();
                Planning::Needs(Opening(Stage::Leg(deciding, keys)), wanted)
            }
            None => self.decide(deciding, None, claim),
        }
    }

    /// What was counted then counts still.
    fn plan_once_more(&self, deciding: Deciding, claim: &Claim) -> Next {
        let own = is_own_message(&deciding.event);
        let mut plan = if own { Plan::default() } else { self.rules.load().plan(&deciding.event) };
        if deciding.left_alone {
            plan.runs.retain(|run| !run.rule.controls_call() && !replies(run));
        }
        self.decided(deciding, plan, claim)
    }

    /// The call takes in what happened to its leg.
    fn hear(&self, mut deciding: Box<Deciding>, mut memory: CallMemory, claim: &Claim) -> Next {
        if let Some(leg) = LegHeard::of(&deciding.event) {
            // No rule asks for call.finished yet.
            let heard = memory.hear(&LegHeard { keep: false, ..leg });
            if memory.was_known() {
                deciding.call = heard.view.fields();
                deciding.event.know_call(&deciding.call);
            }
        }
        self.decide(deciding, Some(memory), claim)
    }

    /// The rules decide.
    fn decide(&self, mut deciding: Box<Deciding>, memory: Option<CallMemory>, claim: &Claim) -> Next {
        if is_own_message(&deciding.event) || self.is_own_principal(&deciding.event) {
            deciding.note = Some("our own message".to_owned());
            return self.decided(*deciding, Plan::default(), claim);
        }
        let plan = self.rules.load().plan(&deciding.event);
        if let Some(memory) = memory {
            return self.decide_of_call(deciding, plan, memory, claim);
        }
        if deciding.event.kind == Kind::ChatMessage && plan.runs.iter().any(|run| self.acts(run) && replies(run)) {
            let text = |key: &str| deciding.event.field(["message", key]).and_then(Value::as_str).unwrap_or_default();
            let key = talk_key(&deciding.event.account, text("conversation"), text("sender"));
            return Planning::Needs(Opening(Stage::Talk(deciding, plan, Arc::clone(&key))), vec![key]);
        }
        self.decided(*deciding, plan, claim)
    }

    fn decide_of_call(&self, mut deciding: Box<Deciding>, plan: Plan, memory: CallMemory, claim: &Claim) -> Next {
        let control = plan.runs.iter().find(|run| self.acts(run) && run.rule.controls_call());
        let Some(control) = control else {
            // A call that we never touched is not written down with each of its events.
            if memory.was_known() {
                deciding.state.extend(memory.changes());
            }
            return self.decided(*deciding, plan, claim);
        };
        let tracked = LegHeard::of(&deciding.event).is_none_or(|leg| leg.tracking.is_some());
        let target = if tracked { None } else { self.target(&deciding.event, control) };
        match target.zip(LegHeard::of(&deciding.event)) {
            Some((target, leg)) => {
                let key = memory.waiting_key(&leg, &target);
                Planning::Needs(Opening(Stage::HandedOn(deciding, plan, Box::new(memory), target)), vec![key])
            }
            None => self.count_hop(deciding, plan, memory, "", None, claim),
        }
    }

    /// Counts the redirect that is planned, or leaves the call alone.
    fn count_hop(
        &self,
        mut deciding: Box<Deciding>,
        mut plan: Plan,
        mut memory: CallMemory,
        target: &str,
        waiting: Option<&str>,
        claim: &Claim,
    ) -> Next {
        let counted = LegHeard::of(&deciding.event)
            .map_or(Ok(()), |leg| memory.redirect_planned(&leg, target, waiting, claim.arrived));
        if let Err(too_many) = counted {
            plan.runs.retain(|run| !run.rule.controls_call());
            deciding.leave_alone(&too_many.to_string());
        }
        deciding.state.extend(memory.changes());
        self.decided(*deciding, plan, claim)
    }

    fn decided(&self, deciding: Deciding, plan: Plan, claim: &Claim) -> Next {
        let Deciding { event, state, skew, known, pasts, call, note, left_alone, overtaken } = deciding;
        let rules = self.rules.load_full();
        let supersedes = event.kind.is_edge_of_call();
        let event = Arc::new(event);
        let decided = known.as_ref().is_some_and(|known| known.rules == rules.hash());
        let told = note.clone().filter(|_| left_alone && known.is_none());
        let decision = Decision { call, left_alone, note, ..Self::decision(&event, &rules, &plan) };
        let mut runs = self.line_up(claim, &event, plan, pasts, skew);
        for run in runs.iter_mut().filter(|run| overtaken && run.controls && run.run.is_ok()) {
            run.run = Err((fate::SUPERSEDED, self.epitaph(None, "a later state of the call is known")));
        }
        // With no run left the line that ends the publication is this one, so it is written again.
        let record = (!decided || runs.is_empty()).then(|| record::write(&decision));
        let with = Change { state, ..Change::default() };
        Planning::Done(Planned { record, with, left_alone: told, supersedes, runs })
    }

    /// Whether a run will do something.
    fn acts(&self, run: &RunPlan) -> bool {
        !self.dry_run && !run.rule.dry_run
    }

    /// Where a run redirects to, as far as that can be said before its steps are taken.
    fn target(&self, event: &Event, run: &RunPlan) -> Option<String> {
        let rules = self.rules.load();
        let step = run.rule.steps.iter().find(|step| step.controls_call())?;
        let scope = Scope::new(&rules, event, &run.bindings, &Map::new(), self.clock.now());
        match step.render(&scope) {
            Ok(Some(Request::Redirect { to, .. })) => Some(to),
            _ => None,
        }
    }
}

impl Deciding {
    fn leave_alone(&mut self, why: &str) {
        self.note = Some(why.to_owned());
        self.left_alone = true;
    }
}

fn replies(run: &RunPlan) -> bool {
    run.rule.steps.iter().any(|step| step.action() == "reply")
}
