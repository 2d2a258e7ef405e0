//! Events of the gateway itself: other rules are in force, a run was given up, a circuit breaker opened or closed. Each is made
//! only if a rule is for it, and what such an event causes makes none.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Desk;
use super::own::Own;
use crate::cloudlink::{Turn, Turned};
use crate::daemon::told::rfc3339;
use crate::event::{Event, Kind};
use crate::journal::{Entry, Line};
use crate::kit::clock::Clock;
use crate::record::{self, Attempted};

/// Of so many letters of one rule in [`WITHIN`] milliseconds each is an event. A rule whose far side is gone for a day would
/// fill its account's channel otherwise, and the store with it.
const MOST: u32 = 20;
const WITHIN: i64 = 60_000;
/// Of how many rules it is known how many letters were told, before those at rest are forgotten.
const MANY: usize = 1024;
/// How much is told of why, and of a subject or a host, in characters.
const WHY: usize = 500;
const SUBJECT: usize = 200;

/// What there is to say of an event when a run of it is given up, in few bytes.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct About<'a> {
    pub(crate) account: Cow<'a, str>,
    kind: Cow<'a, str>,
    subject: Cow<'a, str>,
}

impl About<'_> {
    /// Of an event; none of one of the gateway itself, whose runs are given up in silence.
    pub(super) fn of(event: &Event) -> Option<Arc<String>> {
        if event.kind.is_gateway() {
            return None;
        }
        let (account, kind, subject) = (&*event.account, event.kind.as_str(), cut(&event.subject, SUBJECT));
        Some(record::write(&About { account: account.into(), kind: kind.into(), subject: subject.into() }).into())
    }

    /// As [`About::of`] wrote it.
    pub(crate) fn read(text: &str) -> About<'static> {
        record::read(text)
    }
}

/// How many letters of each rule were told lately.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<HashMap<Arc<str>, OfRule>>);

#[derive(Debug, Default)]
struct OfRule {
    /// When the first of them was, in milliseconds since 1970.
    since: i64,
    told: u32,
    /// How many were not told since one was told.
    untold: u64,
}

impl OfRule {
    fn is_recent(&self, at: i64) -> bool {
        (0..WITHIN).contains(&at.saturating_sub(self.since))
    }
}

impl Told {
    /// One more letter of a rule. How many before it were not told if it is to be told, or none.
    fn one_more(&self, rule: &Arc<str>, at: i64) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MANY && !all.contains_key(rule) {
            all.retain(|_, of| of.is_recent(at));
        }
        let of = all.entry(Arc::clone(rule)).or_default();
        if !of.is_recent(at) {
            (of.since, of.told) = (at, 0);
        }
        if of.told >= MOST {
            of.untold += 1;
            if of.untold == 1 {
                tracing::warn!(
                    rule = &**rule,
                    "more dead letters than {MOST} a minute: the further ones are counted, rules are not told of each"
                );
            }
            return None;
        }
        of.told += 1;
        Some(std::mem::take(&mut of.untold))
    }
}

impl Desk {
    /// The event that tells that other rules are in force, or why they can't be; none if no rule is for it.
    pub(in crate::daemon) fn reloaded(&self, trouble: Option<&str>, clock: &Clock) -> Option<Entry> {
        let rules = self.rules.load();
        if !rules.listens(Kind::GatewayReload) {
            return None;
        }
        let mut content = Map::new();
        content.insert("rules".into(), rules.hash().into());
        content.insert("trouble".into(), trouble.into());
        let name = format!("reload:{}:{}", rules.hash(), clock.millis());
        Some(Own::event(&self.account, Kind::GatewayReload, &name, &format!("{}/gateway", self.account), content))
    }

    /// The event that tells that a run was given up; none if no rule is for it, or if so many are that nobody would read of
    /// each.
    pub(super) fn tell_given_up(&self, about: &str, line: &Line) -> Option<Entry> {
        if !self.rules.load().listens(Kind::GatewayDeadLetter) {
            return None;
        }
        let (rule, seq, at) = (&line.run, line.seq, line.at);
        let untold = self.told.one_more(rule, at)?;
        let (About { kind, subject, .. }, record) = (About::read(about), record::read::<Attempted>(&line.bytes));
        let letter = json!({
            "rule": &**rule, "fate": &*line.fate, "why": cut(record.why.as_deref().unwrap_or_default(), WHY), "action": record.action,
            "at": rfc3339(at), "seq": seq, "kind": kind, "subject": subject, "untold": untold,
        });
        // The same for the same letter, however often it is written.
        let name = format!("dead_letter:{seq}:{at}:{rule}");
        let lane = format!("{}/gateway/dead_letter/{rule}", self.account);
        Some(self.tell(Kind::GatewayDeadLetter, &name, &lane, letter, at))
    }

    /// The event that tells that a circuit breaker opened or closed; none if no rule is for it.
    pub(in crate::daemon) fn turned(&self, turned: &Turned) -> Option<Entry> {
        if !self.rules.load().listens(Kind::GatewayBreaker) {
            return None;
        }
        let at = self.clock.millis().saturating_sub(millis(turned.at.elapsed()));
        let host = cut(&turned.host, SUBJECT);
        let mut breaker = json!({ "host": host, "whose": turned.whose });
        match &turned.turn {
            Turn::Opened { failures, why, period } => {
                breaker["state"] = "open".into();
                breaker["why"] = why.as_str().into();
                breaker["failures"] = (*failures).into();
                breaker["until"] = rfc3339(at.saturating_add(millis(*period))).into();
            }
            Turn::Closed { after } => {
                breaker["state"] = "closed".into();
                breaker["why"] = "it answers".into();
                breaker["seconds"] = after.as_secs().into();
            }
        }
        let name = format!("breaker:{}", uuid::Uuid::new_v4());
        let lane = format!("{}/gateway/breaker/{host}", self.account);
        Some(self.tell(Kind::GatewayBreaker, &name, &lane, breaker, at))
    }

    fn tell(&self, kind: Kind, name: &str, lane: &str, told: Value, at: i64) -> Entry {
        let mut content = Map::new();
        content.extend(kind.content().map(|(thing, _)| (thing.to_owned(), told)));
        content.insert("timestamp".to_owned(), at.into());
        Own::event(&self.account, kind, name, lane, content)
    }
}

fn millis(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// The beginning of a text.
fn cut(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;
    use tokio::time::Instant;

    use super::*;
    use crate::dispatch::Work as _;
    use crate::language::Source;
    use crate::rules::{World, compile};

    const AT: i64 = 1_800_000_000_000;

    fn desk(on: &str) -> Desk {
        let rule = format!("[[rule]]\nname = \"r\"\non = \"{on}\"\ndo = [{{ log = {{ message = \"x\" }} }}]\n");
        let rules = Arc::new(compile(&[Source::new("all.toml", rule)], &World::default()).unwrap());
        let clock = Clock::manual(DateTime::from_timestamp_millis(AT).unwrap());
        Desk::for_rehearsal("acme".into(), rules, Arc::default(), clock, Arc::default())
    }

    fn event(kind: Kind) -> Event {
        Event {
            seq: 7,
            id: "p-7".into(),
            account: "acme".into(),
            kind,
            time: DateTime::UNIX_EPOCH,
            arrived: DateTime::UNIX_EPOCH,
            lane: "acme/call/1".into(),
            topic: "calls".to_owned(),
            method: "PUT".to_owned(),
            subject: "/calls/1".to_owned(),
            fields: Value::Null,
        }
    }

    fn line(rule: &str, seq: u64, at: i64) -> Line {
        let bytes = r#"{"action":"http","why":"it answered 422"}"#.to_owned();
        Line { seq, run: rule.into(), fate: "failed".into(), at, due: None, last: true, bytes }
    }

    /// What an entry of our own carries.
    fn content(entry: &Entry) -> Value {
        let own: Value = serde_json::from_str(&entry.body).unwrap();
        own["publication"]["content"].clone()
    }

    #[test]
    fn a_letter_is_told_as_it_is_shown() {
        let about = About::of(&event(Kind::CallRinging)).unwrap();
        let told = desk("gateway.dead_letter").given_up(&about, &line("ticket", 7, AT)).unwrap();
        assert_eq!((&*told.lane, &*told.source), ("acme/gateway/dead_letter/ticket", "acme/@switchhook"));
        assert_eq!(
            content(&told),
            json!({
                "dead_letter": {
                    "rule": "ticket", "fate": "failed", "why": "it answered 422", "action": "http",
                    "at": "2027-01-15T08:00:00.000Z", "seq": 7, "kind": "call.ringing", "subject": "/calls/1", "untold": 0,
                },
                "timestamp": AT,
            })
        );
        let same = desk("gateway.*").given_up(&about, &line("ticket", 7, AT)).unwrap();
        assert_eq!(same.id, told.id, "it is the same letter");
        assert_eq!(desk("call.ringing").given_up(&about, &line("ticket", 7, AT)), None, "no rule is for it");
    }

    #[test]
    fn what_is_of_the_gateway_itself_is_given_up_in_silence() {
        let told: Vec<&str> =
            Kind::ALL.iter().filter(|kind| About::of(&event(**kind)).is_none()).map(|kind| kind.as_str()).collect();
        let gateway: Vec<&str> =
            Kind::ALL.iter().map(|kind| kind.as_str()).filter(|kind| kind.starts_with("gateway.")).collect();
        assert_eq!((told, gateway.len()), (gateway, 6));
    }

    #[test]
    fn of_many_letters_of_a_rule_some_are_told_each_minute_and_how_many_were_not() {
        let desk = desk("gateway.dead_letter");
        let about = About::of(&event(Kind::CallRinging)).unwrap();
        let told = |rule: &str, seq: u64, at: i64| desk.given_up(&about, &line(rule, seq, at));
        let first: Vec<_> = (0..100).filter(|seq| told("ticket", *seq, AT + *seq as i64).is_some()).collect();
        assert_eq!(first, (0..20).collect::<Vec<_>>());
        assert!(told("other", 1, AT + 100).is_some(), "another rule's is told");
        assert!(told("ticket", 200, AT + 59_999).is_none());
        let next = content(&told("ticket", 201, AT + 60_000).unwrap());
        assert_eq!(next["dead_letter"]["untold"], 81);
        let then = content(&told("ticket", 202, AT + 60_001).unwrap());
        assert_eq!(then["dead_letter"]["untold"], 0);
        // A clock that was set back does not silence it.
        assert!(told("ticket", 203, AT - 3_600_000).is_some());
    }

    #[test]
    fn what_is_long_is_cut() {
        let mut long = event(Kind::Publication);
        long.subject = "ä".repeat(10_000);
        let about = About::of(&long).unwrap();
        assert_eq!(About::read(&about).subject.chars().count(), SUBJECT);
        let why = json!({ "why": "ö".repeat(10_000) }).to_string();
        let told = desk("gateway.dead_letter").given_up(&about, &Line { bytes: why, ..line("r", 1, AT) }).unwrap();
        assert_eq!(content(&told)["dead_letter"]["why"].as_str().unwrap().chars().count(), WHY);
    }

    #[test]
    fn rules_that_are_gone_are_forgotten() {
        let told = Told::default();
        for rule in 0..5000 {
            assert_eq!(told.one_more(&format!("r{rule}").into(), AT + rule * 1000), Some(0));
        }
        assert!(told.0.lock().unwrap().len() <= MANY);
    }

    #[tokio::test(start_paused = true)]
    async fn a_breaker_is_told_as_open_and_closed() {
        let desk = desk("gateway.breaker");
        let turned = |turn: Turn| {
            let (host, whose) = ("http://crm.example:81".to_owned(), "other".to_owned());
            content(&desk.turned(&Turned { host, whose, at: Instant::now(), turn }).unwrap())
        };
        let why = "10 requests in a row failed".to_owned();
        let opened = turned(Turn::Opened { failures: 10, why, period: Duration::from_millis(1500) });
        assert_eq!(
            opened,
            json!({
                "breaker": {
                    "host": "http://crm.example:81", "whose": "other", "state": "open", "failures": 10,
                    "why": "10 requests in a row failed", "until": "2027-01-15T08:00:01.500Z",
                },
                "timestamp": AT,
            })
        );
        let closed = turned(Turn::Closed { after: Duration::from_secs(75) });
        let breaker = &closed["breaker"];
        assert_eq!((&breaker["state"], &breaker["seconds"]), (&json!("closed"), &json!(75)));
        for fields in [&opened["breaker"], breaker] {
            let known = Kind::GatewayBreaker.content().unwrap().1;
            assert!(fields.as_object().unwrap().keys().all(|field| known.contains(&&**field)), "{fields}");
        }
    }
}
