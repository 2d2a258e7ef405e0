//! Publications of our own: a dead letter that is tried again, a recorded event that is replayed, a clock that ran out, an event
//! that we make ourselves. Each carries the publication that it is about, and goes the way of every other: durable, once,
//! in the order of its lane.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::Desk;
use crate::dispatch::fate;
use crate::event::{Kind, Opened};
use crate::journal::{Claim, Entry, Letter};
use crate::memory;
use crate::record::{Decision, Each, Past, Progress, past};

/// The topic of events that we make ourselves.
const TOPIC: &str = "switchhook";
/// What the source of our own publications ends with. No application is called like that.
const SOURCE: &str = "@switchhook";

/// A publication of our own.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Own {
    /// The id of the publication that it is about: what tags and idempotency keys are made of.
    id: String,
    /// What was decided about it then, less the verdicts.
    decision: Decision,
    /// Why it comes again.
    pub(crate) why: Why,
    /// Whose key verified it.
    verified_by: String,
    /// As it came.
    publication: Box<RawValue>,
}

/// Why a publication comes again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Why {
    /// A dead letter is tried again, from the step at which its run was given up.
    Retry {
        /// The rule.
        rule: String,
        /// The hash of its text then.
        hash: String,
        /// How far it had come.
        progress: Box<Progress>,
    },
    /// A recorded event is replayed.
    Replay {
        /// For these rules; for all if none is named.
        rules: Vec<String>,
    },
    /// It is an event that we make ourselves: a hook, a call that finished.
    Event,
    /// The time of a rule with `every` or `cron` has come.
    Tick {
        /// The rule.
        rule: String,
        /// When its timer was due, in milliseconds since 1970.
        due: i64,
    },
    /// The clock of a rule with `for` ran out.
    Due {
        /// The rule.
        rule: String,
        /// When it was due, in milliseconds since 1970.
        due: i64,
    },
    /// Something has to be done about a call of which nothing is heard.
    Call {
        /// Where it is stored.
        home: String,
        /// When its timer was due, in milliseconds since 1970.
        due: i64,
        /// The legs of which CloudLink knows nothing any more, as endpoint and call id, once that was asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gone: Option<Vec<(String, String)>>,
    },
}

/// Why a letter can't be tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    /// Its record is not what this version writes.
    #[error("its record can't be read: look at `switchhook events`, then discard it")]
    Unreadable,
    /// It may have been done.
    #[error("whether it was done is not known: trying it again may do it twice (say so with --again)")]
    MayBeDone,
    /// Nobody would carry it out.
    #[error("its rule is gone: replay its event for other rules, or discard it")]
    RuleGone,
    /// What it asked for may not be what is wanted now.
    #[error("its rule was changed since: replay its event instead (`switchhook replay`), or discard it")]
    RuleChanged,
    /// It is for other events now, or another rule acts in its place.
    #[error("its rule does not act on this event any more: discard it")]
    NotWanted,
    /// Nothing was decided about it so far.
    #[error("it is not planned yet")]
    NotPlanned,
}

impl Own {
    /// The entry that tries a letter again. `again` accepts that what may have been done is done twice.
    fn retry(letter: &Letter, claim: &Claim, again: bool) -> Result<Entry, Unfit> {
        if &*letter.fate == fate::UNKNOWN && !again {
            return Err(Unfit::MayBeDone);
        }
        let (decision, mut runs) = past(&claim.history);
        let decision = decision.ok_or(Unfit::Unreadable)?;
        let Past { step, request, results, rule: hash, bindings, each, last, .. } =
            runs.remove(&*letter.run).ok_or(Unfit::Unreadable)?;
        // The line that ended it tells its step; one that never began has none.
        let (step, request) = match last {
            Some(last) if !last.action.is_empty() => (last.step, last.request),
            _ => (step, request),
        };
        let kind = decision.kind.clone();
        let was = decision.was.clone();
        let progress = Progress { kind, was, bindings, step, request, results, each };
        let why = Why::Retry { rule: letter.run.to_string(), hash, progress: Box::new(progress) };
        Self::entry(claim, decision, why, &format!("retry:{}", letter.id))
    }

    /// The entry that replays a recorded event; `name` keeps several replays apart.
    pub(crate) fn replay(claim: &Claim, rules: Vec<String>, name: &str) -> Result<Entry, Unfit> {
        let (decision, _) = past(&claim.history);
        let decision = decision.ok_or(Unfit::NotPlanned)?;
        Self::entry(claim, decision, Why::Replay { rules }, &format!("replay:{name}:{}", claim.seq))
    }

    fn entry(claim: &Claim, decision: Decision, why: Why, name: &str) -> Result<Entry, Unfit> {
        let account = account(claim);
        // What comes again may come again once more: what it is about stays what it is about.
        let (id, verified_by, publication) = if let Some(own) = Self::of(claim) {
            (own.id, own.verified_by, own.publication)
        } else {
            let text = RawValue::from_string(claim.entry.body.to_string()).map_err(|_| Unfit::Unreadable)?;
            (claim.entry.id.to_string(), claim.entry.source.to_string(), text)
        };
        let id = if matches!(why, Why::Replay { .. }) { format!("{account}/{name}") } else { id };
        let decision = Decision { verdicts: Vec::new(), ..decision };
        let own = Self { id, decision, why, verified_by, publication };
        Ok(Entry {
            // No sender's id is taken for it.
            id: format!("{account}/{SOURCE}/{name}").into(),
            lane: Arc::clone(&claim.entry.lane),
            source: format!("{account}/{SOURCE}").into(),
            body: serde_json::to_string(&own).map_err(|_| Unfit::Unreadable)?.into(),
        })
    }

    /// The entry of an event that we make ourselves. Its views stand in `content` under their names. `name` is its id among
    /// our own. It happened at the `timestamp` of its content, else when it arrives.
    pub(crate) fn event(account: &str, kind: Kind, name: &str, lane: &str, content: Map<String, Value>) -> Entry {
        let decision = Decision { kind: kind.as_str().to_owned(), ..Decision::default() };
        let content = Value::Object(content);
        Self::made(
            account,
            decision,
            Why::Event,
            name,
            lane,
            &json!({ "topic": TOPIC, "method": "POST", "subject": format!("/{kind}"), "content": content }),
        )
    }

    /// The entry that comes when the time of a rule has come.
    /// `armed` is when its timer is set, in milliseconds since 1970: a timer that is set again for a time that fired already
    /// must come again, for the next one is set by it. What is due is decided then.
    pub(crate) fn tick(account: &str, rule: &str, timer: &memory::Timer, armed: i64) -> Entry {
        let decision = Decision { kind: Kind::Timer.as_str().to_owned(), ..Decision::default() };
        let content = json!({ "timer": { "rule": rule } });
        let why = Why::Tick { rule: rule.to_owned(), due: timer.due };
        let document = json!({ "topic": TOPIC, "method": "POST", "subject": "/timer", "content": content });
        Self::made(account, decision, why, &format!("{}/{armed}", timer.firing()), &timer.id, &document)
    }

    /// The entry that comes when the clock of a call ran out.
    pub(crate) fn call(account: &str, home: &str, timer: &memory::Timer, gone: Option<Vec<(String, String)>>) -> Entry {
        let decision = Decision { kind: Kind::Publication.as_str().to_owned(), ..Decision::default() };
        let name = format!("{}{}", timer.firing(), if gone.is_some() { ":looked" } else { "" });
        let why = Why::Call { home: home.to_owned(), due: timer.due, gone };
        let document = json!({ "topic": TOPIC, "method": "POST", "subject": "/call", "content": {} });
        Self::made(account, decision, why, &name, home, &document)
    }

    /// The entry that comes when the `for` of a rule is over that began with this publication.
    pub(crate) fn due(claim: &Claim, decision: Decision, rule: &str, timer: &memory::Timer) -> Option<Entry> {
        let account = account(claim);
        let publication = RawValue::from_string(claim.entry.body.to_string()).ok()?;
        let why = Why::Due { rule: rule.to_owned(), due: timer.due };
        let (id, verified_by) = (claim.entry.id.to_string(), claim.entry.source.to_string());
        let own = Self { id, decision, why, verified_by, publication };
        Some(own.entry_of(account, &timer.firing(), &claim.entry.lane))
    }

    fn made(account: &str, decision: Decision, why: Why, name: &str, lane: &str, document: &Value) -> Entry {
        // A value always can be written.
        let publication = RawValue::from_string(document.to_string()).unwrap_or_default();
        let (id, verified_by) = (format!("{account}/{SOURCE}/{name}"), SOURCE.to_owned());
        Self { id, decision, why, verified_by, publication }.entry_of(account, name, lane)
    }

    fn entry_of(&self, account: &str, name: &str, lane: &str) -> Entry {
        Entry {
            id: format!("{account}/{SOURCE}/{name}").into(),
            lane: lane.into(),
            source: format!("{account}/{SOURCE}").into(),
            body: serde_json::to_string(self).unwrap_or_default().into(),
        }
    }

    /// The publication of our own that a claim is; none if it came from outside.
    pub(crate) fn of(claim: &Claim) -> Option<Self> {
        Self::is(claim).then(|| serde_json::from_str(&claim.entry.body).ok()).flatten()
    }

    /// What a publication of our own is about: the number of the letter that is tried again, or the position of the publication that is replayed.
    pub(crate) fn about(claim: &Claim) -> Option<u64> {
        claim.entry.id.rsplit(':').next()?.parse().ok()
    }

    /// Whether a claim is of our own making.
    pub(crate) fn is(claim: &Claim) -> bool {
        claim.entry.source.split_once('/').is_some_and(|(_, name)| name == SOURCE)
    }

    /// Whether somebody asked that something come again.
    pub(crate) fn came_again(&self) -> bool {
        matches!(self.why, Why::Retry { .. } | Why::Replay { .. })
    }

    /// The id of the publication that it is about, account included.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Its text.
    pub(crate) fn publication(&self) -> &str {
        self.publication.get()
    }

    /// What was decided about it.
    pub(crate) fn decision(&self) -> &Decision {
        &self.decision
    }

    /// At which step it begins.
    pub(crate) fn step(&self) -> usize {
        match &self.why {
            Why::Retry { progress, .. } => progress.step,
            _ => 0,
        }
    }

    /// What earlier steps returned then, by name.
    pub(crate) fn results(&self) -> Map<String, Value> {
        match &self.why {
            Why::Retry { progress, .. } => progress.results.clone(),
            _ => Map::new(),
        }
    }
}

impl Own {
    /// How far a step with `each` had come then.
    pub(crate) fn each(&self) -> Option<Each> {
        match &self.why {
            Why::Retry { progress, .. } => progress.each.clone(),
            _ => None,
        }
    }
}

impl Desk {
    /// The entry that tries a letter again under the rules in force. `again` accepts that what may have been done is done
    /// twice.
    pub(crate) fn retry(&self, letter: &Letter, claim: &Claim, again: bool) -> Result<Entry, Unfit> {
        let entry = Own::retry(letter, claim, again)?;
        let mut own: Own = serde_json::from_str(&entry.body).map_err(|_| Unfit::Unreadable)?;
        let rules = self.rules.load();
        let now = rules.rule(&letter.run).ok_or(Unfit::RuleGone)?;
        let opened = Opened::new(
            claim.seq,
            &self.account_of(claim),
            &own.id,
            &claim.entry.lane,
            claim.arrived,
            own.publication.get(),
        );
        let Why::Retry { hash, progress, .. } = &mut own.why else { return Ok(entry) };
        if !hash.is_empty() {
            return if now.hash == *hash { Ok(entry) } else { Err(Unfit::RuleChanged) };
        }
        // It never had its turn, so what its matchers bound is not recorded.
        let planned = Self::plan_as_then(&rules, &self.event_again(opened, &own.decision), &own.decision).runs;
        let planned = planned.into_iter().find(|run| run.rule.name == now.name).ok_or(Unfit::NotWanted)?;
        progress.bindings = planned.bindings;
        let body = serde_json::to_string(&own).map_err(|_| Unfit::Unreadable)?.into();
        Ok(Entry { body, ..entry })
    }

    /// Whether a rule of that name is in force.
    pub(crate) fn has_rule(&self, name: &str) -> bool {
        self.rules.load().rule(name).is_some()
    }
}

/// The name of a claim's account.
pub(crate) fn account(claim: &Claim) -> &str {
    claim.entry.source.split('/').next().unwrap_or_default()
}
