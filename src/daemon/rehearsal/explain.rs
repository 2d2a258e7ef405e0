//! One event, told to the end: what it is, what becomes of every rule, and what its steps would ask for. Nothing is carried
//! out and nothing is known from before but what is given.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::player::{Player, happened_at};
use super::{Heard, Played};
use crate::daemon::desk::Desk;
use crate::daemon::desk::own::Own;
use crate::event::{Event, Publication, publication};
use crate::journal::Claim;
use crate::record::Attempted;
use crate::rules::rehearsal::{Given, GivenVar, Typical};
use crate::rules::{Finding, RuleSet, Verdict};
use crate::telemetry::Metrics;

/// The most publications that are told at once.
const MOST: usize = 1000;

/// What is asked.
pub(crate) struct Question<'a> {
    /// Of these rules.
    pub(crate) rules: &'a Arc<RuleSet>,
    /// With this given. A var that is kept for each value of a field has its value for whatever an event has there.
    pub(crate) given: Given,
    /// When it is; else it is when the event says.
    pub(crate) at: Option<DateTime<Utc>>,
    /// The time, for an event that does not say.
    pub(crate) now: DateTime<Utc>,
}

/// What happened.
pub(crate) enum Happened {
    /// A body as a webhook has it.
    Body(Vec<u8>),
    /// A typical event.
    Typical(Typical),
}

/// What the rules make of an event.
#[derive(Debug)]
pub(crate) struct Explained {
    /// As it was planned.
    pub(crate) event: Event,
    /// Why something was left alone, or why no rule was asked.
    pub(crate) note: Option<String>,
    /// What became of every rule; of those whose `for` is over only.
    pub(crate) verdicts: Vec<Verdict>,
    /// What became of each step, with its rule, in order.
    pub(crate) attempts: Vec<(Arc<str>, Attempted)>,
    /// What would be done when `for` is over, if it lasts.
    pub(crate) later: Vec<Explained>,
    /// Events of our own making that follow from it.
    pub(crate) follows: Vec<Explained>,
    /// What keeps it from being told to the end.
    pub(crate) trouble: Vec<String>,
}

/// Tells what the rules make of what happened: for each publication in turn, each in the light of those before it.
pub(crate) fn explain(question: &Question<'_>, happened: &Happened) -> Result<Vec<Explained>, String> {
    let Question { rules, given, at, now } = question;
    let metrics = Arc::new(Metrics::default());
    let lacks = |var: &GivenVar| {
        var.per.is_none() && rules.vars().get(&*var.name).is_some_and(|declared| declared.per.is_some())
    };
    let (of_each, vars): (Vec<GivenVar>, Vec<GivenVar>) = given.vars.iter().cloned().partition(lacks);
    let given = Given { vars, answers: given.answers.clone() };
    let begins = at.unwrap_or(*now);
    let mut telling = Telling::new(rules, &given, begins, &metrics);
    match happened {
        Happened::Body(body) => {
            let publications = publication::decode(body).map_err(|error| format!("can't use the event: {error}"))?;
            if publications.len() > MOST {
                return Err(format!("there are {} events: at most {MOST} are told at once", publications.len()));
            }
            publications.into_iter().map(|one| telling.publication(one, *at, *now, &of_each)).collect()
        }
        Happened::Typical(typical) => {
            if !of_each.is_empty() {
                // Which var it is, is known when the event is.
                let known = Telling::new(rules, &given, begins, &metrics).typical(typical, begins)?;
                telling.set(&of_each, &known.event)?;
            }
            Ok(vec![telling.typical(typical, begins)?])
        }
    }
}

/// Tells what recorded events would come to if they were replayed.
pub(crate) struct Replayer<'a>(Telling<'a>);

impl<'a> Replayer<'a> {
    /// Under these rules; `given` is empty.
    pub(crate) fn new(
        rules: &'a Arc<RuleSet>,
        given: &'a Given,
        now: DateTime<Utc>,
        metrics: &'a Arc<Metrics>,
    ) -> Self {
        Self(Telling::new(rules, given, now, metrics))
    }

    /// What the steps of these rules, of all if none is named, would ask for.
    pub(crate) fn replay(&mut self, claim: &Claim, rules: &[String]) -> Vec<(Arc<str>, Attempted)> {
        let Ok(entry) = Own::replay(claim, rules.to_vec(), "shown") else { return Vec::new() };
        let (Telling { desk, player }, mut played) = (&mut self.0, Played::default());
        player.published = 0;
        player.publish(desk, entry, &mut played);
        played.heard.into_iter().next().map(|heard| heard.attempts).unwrap_or_default()
    }
}

struct Telling<'a> {
    desk: Desk,
    player: Player<'a>,
}

impl<'a> Telling<'a> {
    fn new(rules: &'a Arc<RuleSet>, given: &'a Given, begins: DateTime<Utc>, metrics: &'a Arc<Metrics>) -> Self {
        let mut player = Player::new(rules, given, begins, metrics);
        player.keeps_events = true;
        Self { desk: player.desk(), player }
    }

    fn typical(&mut self, typical: &Typical, at: DateTime<Utc>) -> Result<Explained, String> {
        let mut played = Played::default();
        self.player.happen(&self.desk, typical, at, &mut played);
        self.told(played, None)
    }

    /// Sets the vars that are kept for each value of a field, for that event's.
    fn set(&mut self, vars: &[GivenVar], event: &Event) -> Result<(), String> {
        for var in vars {
            let per = self.player.rules.vars().get(&*var.name).and_then(|declared| declared.per.as_deref());
            let Some(value) = per.and_then(|path| event.field(path.split('.'))) else { continue };
            let per = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let set = self.player.set(&GivenVar { per: Some(per), ..var.clone() });
            set.map_err(|error| format!("vars.{} can't be set: {error}", var.name))?;
        }
        Ok(())
    }

    fn publication(
        &mut self,
        publication: Publication,
        at: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
        vars: &[GivenVar],
    ) -> Result<Explained, String> {
        let publication = match at {
            Some(at) => happened_then(publication, at),
            None => publication,
        };
        self.player.clock.set(at.unwrap_or(now));
        let alone = self.player.alone(&publication);
        self.player.clock.set(alone.time);
        self.set(vars, &alone)?;
        let mut played = Played::default();
        self.player.published = 0;
        self.player.take_in(&self.desk, publication, &mut played);
        self.told(played, Some(alone))
    }

    /// `alone` is the event as it is by itself, for one that was not planned.
    fn told(&mut self, played: Played, alone: Option<Event>) -> Result<Explained, String> {
        let Played { heard, trouble, .. } = played;
        let mut heard = heard.into_iter();
        let first = heard.next().and_then(|first| self.one(first, alone));
        let Some(mut told) = first else { return Err(trouble.join("; ")) };
        told.follows = heard.filter_map(|heard| self.one(heard, None)).collect();
        told.trouble = trouble;
        told.later = self.later(&told);
        Ok(told)
    }

    fn one(&self, heard: Heard, alone: Option<Event>) -> Option<Explained> {
        let Heard { decision, event, attempts, .. } = heard;
        let (rules, planned) = (self.player.rules, event.is_some());
        let event = event.or(alone)?;
        let barred = rules.over_limit(&event, &decision.barred);
        let begun: Vec<Arc<str>> = decision.begun.iter().map(|name| name.as_str().into()).collect();
        let verdicts = match (planned, begun.is_empty()) {
            (false, _) => Vec::new(),
            (true, true) => rules.explain_but(&event, &barred),
            (true, false) => rules.plan_due(&event, &begun, &barred).verdicts,
        };
        let (note, later, follows, trouble) = (decision.note, Vec::new(), Vec::new(), Vec::new());
        Some(Explained { event, note, verdicts, attempts, later, follows, trouble })
    }

    /// What rules with `for` that begin with this event do when it lasts: all timers until then run out, and afterwards nothing has
    /// happened.
    fn later(&mut self, told: &Explained) -> Vec<Explained> {
        let waits = told.verdicts.iter().filter(|verdict| verdict.finding == Finding::Waits);
        let waits: Vec<&str> = waits.map(|verdict| &*verdict.rule).collect();
        let longest = waits.iter().filter_map(|name| self.player.rules.rule(name)?.wait).max();
        let Some(longest) = longest else { return Vec::new() };
        let (store, now) = (self.player.store.clone(), self.player.clock.now());
        let from = now.max(told.event.time).timestamp_millis();
        let until = from.saturating_add(i64::try_from(longest.as_millis()).unwrap_or(i64::MAX));
        let mut played = Played::default();
        while let Some(timer) = self.player.store.fire(until) {
            let due = DateTime::from_timestamp_millis(timer.due.max(self.player.clock.millis()));
            self.player.clock.set(due.unwrap_or(now));
            self.player.publish(&self.desk, timer.entry, &mut played);
            if !played.trouble.is_empty() {
                break;
            }
        }
        self.player.clock.set(now);
        self.player.store = store;
        let is_ours = |heard: &Heard| heard.decision.begun.iter().any(|name| waits.contains(&name.as_str()));
        played.heard.into_iter().filter(is_ours).filter_map(|heard| self.one(heard, None)).collect()
    }
}

/// A publication as if it happened at that time.
fn happened_then(publication: Publication, at: DateTime<Utc>) -> Publication {
    let Ok(mut document) = serde_json::from_str::<Value>(&publication.body) else { return publication };
    happened_at(&mut document, at);
    Publication { body: document.to_string().into(), ..publication }
}
