//! Plays the steps of a test: the clock moves, timers that are due act, then the event comes. Each publication is planned
//! by the desk, and its runs are taken to their end in file order, with stubbed answers.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::store::Store;
use super::typical::{Before, Published};
use super::{Act, Heard, Played};
use crate::actions::{self, Class, ErrorWord, Outcome};
use crate::daemon::desk::own::Own;
use crate::daemon::desk::{Desk, Props, Run};
use crate::dispatch::{Carried, NewRun, Planned, Planning, Prepared, Work};
use crate::event::kind::UnknownKind;
use crate::event::{Event, Kind, Opened, Publication, publication};
use crate::journal::{Change, Claim, Entry, Line};
use crate::kit::clock::Clock;
use crate::memory::vars::{self, Lasts, Var};
use crate::record::{self, Attempted, Decision};
use crate::rules::rehearsal::{Given, GivenVar, Happening, TestStep, Typical};
use crate::rules::request::Request;
use crate::rules::{RuleSet, Step, language_form};
use crate::telemetry::Metrics;

/// The account of all tests.
const ACCOUNT: &str = "main";
/// Whose key verified what happens in a test.
const SOURCE: &str = "main/test";
/// The most publications that follow from one step.
const PUBLICATIONS: usize = 1000;
/// The most acts of one step.
const ACTS: usize = 1000;
/// The most turns of one run.
const TURNS: usize = 10_000;
/// How often planning may ask for more.
const LOADS: usize = 100;

/// See the module.
pub(super) struct Player<'a> {
    pub(super) rules: &'a Arc<RuleSet>,
    given: &'a Given,
    metrics: &'a Arc<Metrics>,
    pub(super) clock: Clock,
    props: Arc<Props>,
    pub(super) store: Store,
    before: Before,
    fired: BTreeSet<Arc<str>>,
    /// How many publications followed from the current step.
    pub(super) published: usize,
    /// Whether the events are kept as they were planned.
    pub(super) keeps_events: bool,
    /// How many events of our own making there were.
    made: usize,
    /// Vars that could not be set.
    refused: Vec<String>,
}

impl<'a> Player<'a> {
    /// `begins` is when: what is given is given then.
    pub(super) fn new(
        rules: &'a Arc<RuleSet>,
        given: &'a Given,
        begins: DateTime<Utc>,
        metrics: &'a Arc<Metrics>,
    ) -> Self {
        let mut player = Self {
            rules,
            given,
            metrics,
            clock: Clock::manual(begins),
            props: Arc::default(),
            store: Store::default(),
            before: Before::default(),
            fired: BTreeSet::new(),
            published: 0,
            keeps_events: false,
            made: 0,
            refused: Vec::new(),
        };
        for var in &given.vars {
            if let Err(error) = player.set(var) {
                player.refused.push(format!("what is given can't be set: {error}"));
            }
        }
        player
    }

    /// A desk as a process has it that begins: it knows what is stored and nothing else.
    pub(super) fn desk(&self) -> Desk {
        let (rules, props) = (Arc::clone(self.rules), Arc::clone(&self.props));
        Desk::for_rehearsal(ACCOUNT.into(), rules, props, self.clock.clone(), Arc::clone(self.metrics))
    }

    /// The rules that fired.
    pub(super) fn fired(self) -> BTreeSet<Arc<str>> {
        self.fired
    }

    /// Plays a step.
    pub(super) fn play(&mut self, desk: &Desk, step: &TestStep) -> Played {
        let mut played = Played { trouble: std::mem::take(&mut self.refused), ..Played::default() };
        self.published = 0;
        while let Some(timer) = self.store.fire(step.at.timestamp_millis()) {
            let due = timer.due.max(self.clock.millis());
            self.clock.set(DateTime::from_timestamp_millis(due).unwrap_or(step.at));
            self.publish(desk, timer.entry, &mut played);
            if !played.trouble.is_empty() {
                return played;
            }
        }
        self.clock.set(step.at);
        match &step.event {
            None => {}
            Some(Happening::Typical(event)) => self.happen(desk, event, step.at, &mut played),
            Some(Happening::Recorded(source)) => self.recorded(desk, &source.text, step.at, &mut played),
        }
        played
    }

    pub(super) fn happen(&mut self, desk: &Desk, event: &Typical, at: DateTime<Utc>, played: &mut Played) {
        let Some(Published { document, id, facts }) = self.before.publish(event, at) else {
            match self.own(event, at) {
                Ok(entry) => self.publish(desk, entry, played),
                Err(why) => played.trouble.push(why),
            }
            return;
        };
        self.props.learn(&id, facts);
        let first = played.heard.len();
        self.decode(desk, document.to_string().as_bytes(), false, played);
        let kind = played.heard.get(first).map(|heard| heard.decision.kind.clone());
        // Whoever writes the envelope gets the kind that it makes.
        if let Some(kind) = kind.filter(|kind| *kind != *event.kind && event.family() != "publication") {
            let why = if kind.ends_with(".updated") { "it was in that state already" } else { "its fields make it so" };
            played.trouble.push(format!("the event is {kind} here, not {}: {why}", event.kind));
        }
    }

    /// A recorded event, as if it happened now.
    fn recorded(&mut self, desk: &Desk, text: &str, at: DateTime<Utc>, played: &mut Played) {
        let mut document: Value = match serde_json::from_str(text) {
            Ok(document) => document,
            Err(error) => return played.trouble.push(format!("the recorded event is no JSON: {error}")),
        };
        happened_at(&mut document, at);
        self.decode(desk, document.to_string().as_bytes(), true, played);
    }

    /// The publications of a body, each in its turn. From a recorded one later steps take over what it shows.
    fn decode(&mut self, desk: &Desk, body: &[u8], recorded: bool, played: &mut Played) {
        let publications = match publication::decode(body) {
            Ok(publications) => publications,
            Err(error) => return played.trouble.push(format!("the event can't be used: {error}")),
        };
        for publication in publications {
            if recorded {
                self.before.recorded(&self.alone(&publication).fields);
            }
            self.take_in(desk, publication, played);
        }
    }

    /// The event that a publication is by itself, with nothing remembered.
    pub(super) fn alone(&self, publication: &Publication) -> Event {
        let (account, lane, arrived) = (Arc::from(ACCOUNT), &publication.lane, self.clock.millis());
        let opened = Opened::new(0, &account, &publication.id, lane, arrived, &publication.body);
        opened.resolve(None, self.rules.numbers()).event
    }

    /// A publication as it comes from outside.
    pub(super) fn take_in(&mut self, desk: &Desk, publication: Publication, played: &mut Played) {
        let entry = Entry {
            id: format!("{ACCOUNT}/{}", publication.id).into(),
            lane: format!("{ACCOUNT}/{}", publication.lane).into(),
            source: SOURCE.into(),
            body: publication.body,
        };
        self.publish(desk, entry, played);
    }

    /// An event of our own making, as the daemon publishes it.
    fn own(&mut self, event: &Typical, at: DateTime<Utc>) -> Result<Entry, String> {
        let kind: Kind = event.kind.parse().map_err(|error: UnknownKind| error.to_string())?;
        let (mut view, mut content) = (event.fields.clone(), Map::new());
        if let Some(Value::Object(more)) = view.remove("content") {
            content = more;
        }
        match event.family() {
            "call" => {
                view.entry("state").or_insert_with(|| json!("ended"));
                content.insert("call".to_owned(), Value::Object(view));
            }
            family @ ("hook" | "timer") => drop(content.insert(family.to_owned(), Value::Object(view))),
            _ => {}
        }
        content.insert("timestamp".to_owned(), json!(at.timestamp_millis()));
        self.made += 1;
        let name = format!("test:{kind}:{}", self.made);
        Ok(Own::event(ACCOUNT, kind, &name, &format!("{ACCOUNT}/test/{kind}"), content))
    }

    /// Sets a var before anything happens.
    pub(super) fn set(&mut self, given: &GivenVar) -> Result<(), vars::Error> {
        let Some(declaration) = self.rules.vars().get(&*given.name) else { return Ok(()) };
        let var = Var::of(ACCOUNT, &given.name, declaration, given.per.as_deref())?;
        let set = var.set(&given.value, Lasts::Declared, "the test", None, self.clock.millis())?;
        self.store.write(Change { state: vec![set.stored.at(var.key())], ..Change::default() });
        Ok(())
    }

    /// Plans a publication and takes its runs to their end, then those that follow from it.
    pub(super) fn publish(&mut self, desk: &Desk, entry: Entry, played: &mut Played) {
        let mut waiting = VecDeque::from([entry]);
        while let Some(entry) = waiting.pop_front() {
            self.published += 1;
            if self.published > PUBLICATIONS {
                return played
                    .trouble
                    .push(format!("more than {PUBLICATIONS} events follow from this step: it has no end"));
            }
            let Some(claim) = self.store.accept(entry, self.clock.millis()) else {
                let note = Some("its publicationId was seen before: it is not acted on again".to_owned());
                let decision = Decision { note, ..Decision::default() };
                played.heard.push(Heard { decision, ..Heard::default() });
                continue;
            };
            let Some(planned) = self.plan(desk, &claim) else {
                return played.trouble.push("planning asks for more and more".to_owned());
            };
            let decision = planned.record.as_deref().map(record::read).unwrap_or_default();
            let event = self.keeps_events.then(|| desk.as_planned(&claim, &decision));
            played.heard.push(Heard { decision, event, ..Heard::default() });
            waiting.extend(self.store.write(planned.with));
            for run in planned.runs {
                let about = planned.about.as_deref().map(String::as_str);
                waiting.extend(self.carry(desk, run, (claim.seq, about), played));
            }
        }
    }

    pub(super) fn plan(&self, desk: &Desk, claim: &Claim) -> Option<Planned<Run>> {
        let (mut opening, mut keys) = desk.open(claim);
        for _ in 0..LOADS {
            let values: Vec<_> = keys.iter().map(|key| self.store.load(key, self.clock.millis())).collect();
            match desk.plan(opening, claim, &values) {
                Planning::Done(planned) => return Some(planned),
                Planning::Needs(more, wanted) => (opening, keys) = (more, wanted),
                // What is not given is missing.
                Planning::Fetch(more) => (opening, keys) = (more, Vec::new()),
            }
        }
        None
    }

    /// Takes a run to its end. An event is on time in a test. `of` is its publication, and what there is to say of that.
    fn carry(&mut self, desk: &Desk, new: NewRun<Run>, of: (u64, Option<&str>), played: &mut Played) -> Vec<Entry> {
        let mut follow = Vec::new();
        let mut run = match new.run {
            Ok(run) => run,
            Err((_, record)) => {
                note(played, &new.rule, &record);
                return follow;
            }
        };
        self.fired.insert(Arc::clone(&new.rule));
        // The step that is taken, and how often it was.
        let (mut place, mut times) = (run.place(), 0);
        for _ in 0..TURNS {
            if run.place() != place {
                (place, times) = (run.place(), 0);
            }
            let prepared = desk.prepare(&mut run);
            if let (false, Some((_, request))) = (matches!(prepared, Prepared::Already(_)), run.current()) {
                if played.acts.len() >= ACTS {
                    played.trouble.push(format!("more than {ACTS} actions follow from this step"));
                    return follow;
                }
                played.acts.push(Act { rule: Arc::clone(&new.rule), asked: language_form(request) });
            }
            let carried = match prepared {
                Prepared::Already(carried) => carried,
                Prepared::Remember(keys) => {
                    let values: Vec<_> = keys.iter().map(|key| self.store.load(key, self.clock.millis())).collect();
                    let (carried, change) = desk.remember(&mut run, &values);
                    follow.extend(self.store.write(change));
                    carried
                }
                Prepared::Go { .. } | Prepared::DurableFirst(_) => {
                    let Some((step, request)) = run.current() else { return follow };
                    let outcome = self.answer(step, request, times);
                    times += 1;
                    run.settle(outcome, 0, false, Duration::ZERO)
                }
            };
            match carried {
                Carried::Next { record } => note(played, &new.rule, &record),
                Carried::Ended { fate, record } => {
                    note(played, &new.rule, &record);
                    follow.extend(self.given_up(desk, (&new.rule, new.controls), of, (fate, record)));
                    return follow;
                }
                // What is tried again is asked for once.
                Carried::Wait { .. } => drop(played.acts.pop()),
            }
        }
        played.trouble.push(format!("the steps of \"{}\" have no end", new.rule));
        follow
    }

    /// What tells rules that a run was given up, as the dispatcher has it written.
    fn given_up(
        &self,
        desk: &Desk,
        (rule, controls): (&Arc<str>, bool),
        (seq, about): (u64, Option<&str>),
        (fate, bytes): (&str, String),
    ) -> Option<Entry> {
        desk.keep(fate, controls)?;
        let (run, at) = (Arc::clone(rule), self.clock.millis());
        desk.given_up(about?, &Line { seq, run, fate: fate.into(), at, due: None, last: false, bytes })
    }

    /// What a step returns: what is given for its name, else that it is done. `times` is how often it was carried out for
    /// other items.
    fn answer(&self, step: &Step, request: &Request, times: usize) -> Outcome {
        let given = step.save_as.as_ref().and_then(|name| self.given.answers.get(name));
        let given = match given {
            Some(Value::Array(answers)) if step.is_for_each() => answers.get(times),
            given => given,
        };
        match given {
            Some(Value::Object(fields)) => stubbed(fields, actions::class(request)),
            Some(whole) => Outcome::Done { result: whole.clone() },
            None => Outcome::Done {
                result: match request {
                    Request::Http(_) => json!({ "ok": true, "status": 200 }),
                    _ => json!({ "ok": true }),
                },
            },
        }
    }
}

/// What became of a step, and for people why it was not carried out.
fn note(played: &mut Played, rule: &str, record: &str) {
    let record: Attempted = record::read(record);
    let Some(heard) = played.heard.last_mut() else { return };
    if let Some(why) = &record.why {
        let action = if record.action.is_empty() { "it" } else { &record.action };
        heard.notes.push(match record.error {
            Some(_) => format!("{rule}: {action} failed: {why}"),
            None => format!("{rule}: {action} was left out: {why}"),
        });
    }
    heard.attempts.push((rule.into(), record));
}

/// An answer as it is given: an error, a status that is one, or done with these fields. As in life it is not known of what
/// must not be done twice whether it was done, where the answer does not say so.
fn stubbed(fields: &Map<String, Value>, class: Class) -> Outcome {
    let status = fields.get("status").and_then(Value::as_i64).filter(|status| *status >= 400);
    let failed = fields.get("ok") == Some(&Value::Bool(false));
    let error = fields.get("error").cloned().or(status.map(|_| json!("status"))).or(failed.then(|| json!("refused")));
    let ok = json!(error.is_none());
    let mut result = Map::from_iter([("ok".to_owned(), ok)]);
    result.extend(error.iter().map(|error| ("error".to_owned(), error.clone())));
    let more = fields.iter().filter(|(key, _)| !["ok", "error"].contains(&key.as_str()));
    result.extend(more.map(|(key, value)| (key.clone(), value.clone())));
    let result = Value::Object(result);
    let Some(error) = error else { return Outcome::Done { result } };
    let why = "it is given so".to_owned();
    match serde_json::from_value(error).unwrap_or(ErrorWord::Refused) {
        ErrorWord::Moved => Outcome::Moved { why, result },
        ErrorWord::Unknown => Outcome::OutcomeUnknown { why, result },
        ErrorWord::Timeout if class == Class::Never => Outcome::OutcomeUnknown { why, result },
        ErrorWord::Status
            if class == Class::Never && status.is_some_and(|status| [500, 502, 504].contains(&status)) =>
        {
            Outcome::OutcomeUnknown { why, result }
        }
        error => Outcome::Failed { error, why, result },
    }
}

/// Sets the times of a recorded event, wherever in an envelope it is.
pub(super) fn happened_at(document: &mut Value, at: DateTime<Utc>) {
    match document {
        Value::Array(items) => items.iter_mut().for_each(|item| happened_at(item, at)),
        Value::Object(fields) => {
            if let Some(Value::Object(content)) = fields.get_mut("content") {
                content.insert("timestamp".to_owned(), json!(at.timestamp_millis()));
            }
            if let Some(Value::Object(notification)) = fields.get_mut("notification") {
                notification.insert("createdOn".to_owned(), json!(at.to_rfc3339()));
            }
            for key in ["publication", "publications"] {
                fields.get_mut(key).into_iter().for_each(|inner| happened_at(inner, at));
            }
        }
        _ => {}
    }
}
