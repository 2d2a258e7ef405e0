//! The player from outside: rules and tests as text in, verdicts out.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::player::Player;
use super::typical::Before;
use super::*;
use crate::actions::ErrorWord;
use crate::event::Kind;
use crate::hours::Locale;
use crate::journal::{Claim, Entry, Line};
use crate::language::{Attached, Source};
use crate::record;
use crate::rules::rehearsal::{ERRORS, Given, Happening, TestStep, Typical};
use crate::rules::{World, compile};

fn rules(text: &str) -> Arc<RuleSet> {
    with_files(text, &[])
}

fn with_files(text: &str, files: &[(&str, &str)]) -> Arc<RuleSet> {
    let locale = Locale { timezone: Some(chrono_tz::America::Toronto), country: Some("CA".to_owned()), dial: None };
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), Source::new(*name, *text)));
    let world = World {
        locale,
        credentials: vec!["crm".to_owned()],
        attached: Attached::Given(Arc::new(files.collect())),
        now: "2026-12-07T15:00:00Z".parse().unwrap(),
    };
    Arc::new(compile(&[Source::new("all.toml", text)], &world).unwrap_or_else(|report| panic!("{report}")))
}

/// The tests that fail, each with what it was told of.
fn failing(rules: &Arc<RuleSet>) -> Vec<String> {
    let metrics = Arc::default();
    let verdicts = rules.tests().iter().map(|test| (test, rehearse(rules, test, &metrics).failed));
    verdicts.filter_map(|(test, failed)| Some(format!("{}: {:#?}", test.name, failed?))).collect()
}

fn passes(text: &str) {
    let rules = rules(text);
    assert!(!rules.tests().is_empty());
    assert_eq!(failing(&rules), Vec::<String>::new());
}

/// Everything that is heard in the steps of one test.
fn heard(rules: &Arc<RuleSet>, events: &[Value]) -> Vec<Played> {
    let (given, metrics) = (Given::default(), Arc::default());
    let mut player = Player::new(rules, &given, begins(), &metrics);
    let desk = player.desk();
    events.iter().map(|event| player.play(&desk, &step(0, event))).collect()
}

fn begins() -> DateTime<Utc> {
    "2026-12-07T15:00:00Z".parse().unwrap()
}

fn step(after: i64, event: &Value) -> TestStep {
    let mut fields = event.as_object().unwrap().clone();
    let kind = fields.remove("kind").unwrap().as_str().unwrap().into();
    let at = begins() + chrono::TimeDelta::milliseconds(after);
    TestStep { line: 1, at, event: Some(Happening::Typical(Typical { kind, fields })), expect: None }
}

/// What each rule's log says when the event is heard.
fn said(text: &str, kind: &str, events: &[Value]) -> Vec<String> {
    let text = format!("[[rule]]\nname = \"r\"\non = \"{kind}\"\ndo = [{{ log = {{ message = \"{text}\" }} }}]\n");
    let played = heard(&rules(&text), events);
    let acts = played.iter().flat_map(|played| {
        assert!(played.trouble.is_empty(), "{played:?}");
        &played.acts
    });
    acts.map(|act| act.asked["log"]["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_typical_event_of_every_kind_is_of_that_kind() {
    let rules = Arc::new(RuleSet::default());
    // A mere update wants something before it.
    let alone = |kind: &&Kind| {
        !kind.is_own() && !matches!(**kind, Kind::CallUpdated | Kind::PresenceUpdated | Kind::EndpointUpdated)
    };
    for kind in Kind::ALL.iter().filter(alone).map(|kind| kind.as_str()) {
        let played = heard(&rules, &[json!({ "kind": kind })]);
        assert_eq!(played[0].trouble, Vec::<String>::new(), "{kind}");
        assert_eq!(played[0].heard[0].decision.kind, kind);
    }
    for kind in ["call", "presence", "endpoint"] {
        let first = if kind == "call" { "call.ringing" } else { &format!("{kind}.changed") };
        let played = heard(&rules, &[json!({ "kind": first }), json!({ "kind": format!("{kind}.updated") })]);
        assert_eq!(played[1].trouble, Vec::<String>::new(), "{kind}");
    }
}

#[test]
fn a_typical_call_is_inbound_new_without_names_and_from_outside() {
    let text = "{{ call.direction }} {{ call.cause }} {{ call.from_name }}|{{ call.to_name }} {{ call.outside }} {{ call.to }} {{ call.state }}";
    assert_eq!(
        said(text, "call.ringing", &[json!({ "kind": "call.ringing" })]),
        ["inbound newCall | true 2001 ringing"]
    );
    let written =
        json!({ "kind": "call.ringing", "from": "", "from_name": "Ada", "tracking_id": "7", "id": "x", "user": "u-7" });
    let text = "{{ call.from is defined }} {{ call.from_name }} {{ call.tracking_id }} {{ call.id }} {{ call.user }} {{ call.outside }}";
    assert_eq!(said(text, "call.ringing", &[written]), ["false Ada 7 x u-7 true"]);
    let outbound = json!({ "kind": "call.ringing", "direction": "outbound", "endpoint": "2002" });
    assert_eq!(said("{{ call.from }}", "call.ringing", &[outbound]), ["2002"]);
}

#[test]
fn a_step_takes_over_who_and_where_but_not_what() {
    let text = "{{ call.endpoint }} {{ call.from }} {{ call.user }} {{ call.cause }}|{{ call.from_name }}|{{ call.tracking_id }}";
    let first = json!({ "kind": "call.ringing", "endpoint": "2005", "from": "2006", "user": "u-3", "cause": "x", "from_name": "A", "tracking_id": "t" });
    let said_of =
        said(text, "call.*", &[first.clone(), json!({ "kind": "call.connected" }), json!({ "kind": "call.ringing" })]);
    assert_eq!(said_of, ["2005 2006 u-3 x|A|t", "2005 2006 u-3 ||", "2005 2006 u-3 newCall||"]);
    let ids = said(
        "{{ call.id }}",
        "call.*",
        &[first, json!({ "kind": "call.connected" }), json!({ "kind": "call.ringing" })],
    );
    assert!(ids[0] == ids[1] && ids[1] != ids[2], "{ids:?}");
    let chat = [
        json!({ "kind": "chat.message", "conversation": "c-7", "sender": "ann", "body": "one", "id": "m" }),
        json!({ "kind": "chat.message" }),
    ];
    let said_of = said(
        "{{ message.conversation }} {{ message.sender }} {{ message.body }} {{ message.id }}",
        "chat.message",
        &chat,
    );
    assert_eq!(said_of, ["c-7 ann one m", "c-7 ann hello message-2"]);
}

#[test]
fn another_call_kind_goes_on_with_the_last_leg_of_its_endpoint() {
    let events = [
        json!({ "kind": "call.ringing", "endpoint": "2001" }),
        json!({ "kind": "call.ringing", "endpoint": "2002" }),
        json!({ "kind": "call.ended", "endpoint": "2001", "cause": "redirected" }),
        json!({ "kind": "call.connected", "endpoint": "2002" }),
    ];
    let ids = said("{{ call.id }}", "call.*", &events);
    assert_eq!((&ids[2], &ids[3]), (&ids[0], &ids[1]));
}

#[test]
fn an_event_that_is_none_of_its_kind_fails_the_test() {
    let connected = json!({ "kind": "call.connected" });
    let played = heard(&Arc::new(RuleSet::default()), &[connected.clone(), connected]);
    assert!(played[0].trouble.is_empty());
    assert_eq!(played[1].trouble, ["the event is call.updated here, not call.connected: it was in that state already"]);
}

const CARD: &str = r#"
[hours.day]
open = "Mo-Fr 09:00-17:00"
[[rule]]
name       = "card"
on         = "call.ringing"
while_open = "day"
[[rule.do]]
http     = { get = "/c", credential = "crm" }
as       = "contact"
on_error = "continue"
[[rule.do]]
if   = "contact.body.cards"
http = { post = "/cards", credential = "crm", json = "{{ contact.body }}" }
as   = "card"
[[rule.do]]
log = { message = "{{ contact.ok }} {{ contact.error }} {{ contact.status }} {{ card.ok }} {{ now | date('%H:%M') }}" }
"#;

#[test]
fn answers_are_those_that_are_given() {
    passes(&format!(
        r#"{CARD}
[[test]]
name   = "done, with these fields"
given  = {{ contact = {{ status = 200, body = {{ cards = 1 }} }} }}
at     = "2026-12-07T10:00"
event  = {{ kind = "call.ringing" }}
expect = [{{ http = {{ post = "/cards", json = {{ cards = 1 }} }} }}, {{ log = {{ message = "true  200 true 10:00" }} }}]
[[test]]
name   = "in vain"
given  = {{ contact = {{ error = "timeout", body = {{ cards = 1 }} }}, card = {{ status = 503 }} }}
at     = "2026-12-07T10:00"
event  = {{ kind = "call.ringing" }}
expect = [{{ http = {{ get = "/c" }} }}, {{ http = {{ post = "/cards" }} }}]
[[test]]
name   = "a status that is an error"
given  = {{ contact = {{ status = 404 }} }}
at     = "2026-12-07T10:00"
event  = {{ kind = "call.ringing" }}
expect = [{{ log = {{ message = "false status 404  10:00" }} }}]
[[test]]
name   = "nothing given: done, and nothing in it"
at     = "2026-12-07T10:00"
event  = {{ kind = "call.ringing" }}
expect = [{{ log = {{ message = "true  200  10:00" }} }}]
[[test]]
name   = "closed by the test's own clock"
at     = "2026-12-07T17:00"
event  = {{ kind = "call.ringing" }}
expect = []
"#
    ));
}

#[test]
fn what_is_not_as_expected_fails_with_what_was_done() {
    let rules = rules(&format!(
        "{CARD}[[test]]\nname = \"t\"\nat = \"2026-12-07T10:00\"\n[test.event]\nkind = \"call.ringing\"\n[[test.expect]]\nlog.message = \"x\"\n"
    ));
    let failed = rehearse(&rules, &rules.tests()[0], &Arc::default()).failed.unwrap();
    let other = r#"{ log = { message = "true  200  10:00", level = "info" } }"#;
    assert_eq!(
        failed.differences,
        [
            Difference::Missing(r#"{ log = { message = "x" } }"#.to_owned()),
            Difference::Surplus(other.to_owned(), "card".to_owned())
        ]
    );
    assert_eq!(failed.played.acts.len(), 2);
    assert_eq!(failed.played.heard[0].notes, ["card: http was left out: its condition does not hold"]);
}

#[test]
fn rules_that_act_are_those_that_fired() {
    let rules = rules(&format!(
        "{CARD}[[rule]]\nname = \"dry\"\non = \"call.ringing\"\ndry_run = true\ndo = [{{ redirect = {{ to = \"1\" }} }}]\n[[rule]]\nname = \"no\"\non = \"call.held\"\ndo = [{{ log = {{ message = \"\" }} }}]\n[[test]]\nname = \"t\"\nat = \"2026-12-07T22:00\"\nevent = {{ kind = \"call.ringing\" }}\nexpect = []\n"
    ));
    let verdict = rehearse(&rules, &rules.tests()[0], &Arc::default());
    assert!(verdict.failed.is_none(), "{verdict:?}");
    assert_eq!(verdict.fired, BTreeSet::from(["dry".into()]));
}

#[test]
fn what_a_directory_would_know_is_as_it_is_written() {
    let chat = json!({ "kind": "chat.message", "email": "a@b", "name": "Ann", "language": "fr", "conversation": { "id": "c", "tag": "desk" } });
    let mut before = Before::default();
    let mut facts = |event: &Value| {
        let TestStep { event: Some(Happening::Typical(event)), at, .. } = step(0, event) else { unreachable!() };
        Value::Object(before.publish(&event, at).unwrap().facts)
    };
    let first = facts(&chat);
    assert_eq!(first["message"], json!({ "email": "a@b", "name": "Ann", "language": "fr" }));
    assert_eq!(first["conversation"], json!({ "id": "c", "tag": "desk" }));
    let second = facts(&json!({ "kind": "chat.message" }));
    assert_eq!(second["message"], json!({ "language": "fr" }), "the language is taken over");
    assert_eq!(second["conversation"], json!({ "id": "c" }));
    assert_eq!(facts(&json!({ "kind": "call.ringing", "hops": 2 })), json!({ "call": { "hops": 2 } }));
}

#[test]
fn recorded_events_happen_now_and_once() {
    let recorded = r#"{ "publicationId": "p-1", "topic": "platform-api-media", "method": "PUT", "subject": "/2017-09-01/endpoints/3001/calls/7",
        "content": { "state": "ringing", "direction": "inbound", "from": "+16135550142", "to": "3001", "timestamp": 1770106530124 } }"#;
    let text = r#"
[hours.day]
open = "Mo-Fr 09:00-17:00"
[[rule]]
name         = "night"
on           = ["call.ringing", "call.connected"]
where        = { call.endpoint = "3001", call.from = "+16135550142" }
while_closed = "day"
do           = [{ redirect = { to = "4001" } }]
[[test]]
name = "t"
[[test.step]]
at     = "2026-12-07T22:00"
event  = { file = "ringing.json" }
expect = [{ redirect = { to = "4001" } }]
[[test.step]]
event  = { file = "ringing.json" }
expect = []
[[test.step]]
after  = "1s"
event  = { kind = "call.connected" }
expect = [{ redirect = { to = "4001" } }]
"#;
    assert_eq!(failing(&with_files(text, &[("ringing.json", recorded)])), Vec::<String>::new());
}

#[test]
fn every_error_that_may_be_given_is_one_of_those_that_steps_have() {
    for word in ERRORS {
        let known: ErrorWord = serde_json::from_value(json!(word)).unwrap();
        assert_eq!(known.as_str(), word);
    }
}

const ROUTES: &str = r#"
[[rule]]
name  = "first"
on    = "call.ringing"
where = { call.endpoint = "2001" }
do    = [{ redirect = { to = "2002" } }]
[[rule]]
name  = "loop"
on    = "call.ringing"
where = { call.endpoint = "2002" }
do    = [{ redirect = { to = "2001" } }]
[[rule]]
name = "echo"
on   = "chat.message"
do   = [{ reply = { text = "{{ message.body }}" } }]
[[rule]]
name = "presence"
on   = "presence.changed"
do   = [{ log = { message = "{{ presence.was }} {{ presence.status }}" } }]
"#;

fn any_event() -> impl Strategy<Value = Value> {
    let endpoint = prop_oneof![Just("2001"), Just("2002"), Just("2003")];
    let call = prop_oneof![Just("call.ringing"), Just("call.connected"), Just("call.ended")];
    let tracking = prop::option::of(prop_oneof![Just("1"), Just("2")]);
    prop_oneof![
        4 => (call, endpoint, tracking).prop_map(|(kind, endpoint, tracking)| {
            let mut event = json!({ "kind": kind, "endpoint": endpoint, "from": "+16135550142" });
            if let Some(tracking) = tracking {
                event["tracking_id"] = json!(tracking);
            }
            event
        }),
        2 => prop_oneof![Just("ann"), Just("bob")].prop_map(|sender| json!({ "kind": "chat.message", "sender": sender })),
        1 => prop_oneof![Just("Busy"), Just("Away")].prop_map(|status| json!({ "kind": "presence.changed", "status": status })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// What a process had in memory is never needed: a restart between any two events changes nothing of what is done.
    #[test]
    fn restarts_change_nothing(events in prop::collection::vec((any_event(), 0_i64..40_000, any::<bool>()), 1..40)) {
        let rules = rules(ROUTES);
        let (given, metrics) = (Given::default(), Arc::default());
        let play = |restarts: bool| {
            let mut player = Player::new(&rules, &given, begins(), &metrics);
            let (mut desk, mut now) = (player.desk(), 0);
            let mut acts = Vec::new();
            for (event, after, restart) in &events {
                if restarts && *restart {
                    desk = player.desk();
                }
                now += after;
                let played = player.play(&desk, &step(now, event));
                acts.push(played.acts.into_iter().map(|act| act.asked).collect::<Vec<_>>());
            }
            acts
        };
        prop_assert_eq!(play(true), play(false));
    }
}

#[test]
fn timers_hooks_vars_and_finished_calls_are_events_too() {
    passes(
        r#"
[vars.night]
values  = ["auto", "closed"]
default = "auto"
[[rule]]
name = "button"
on   = { hook = "night" }
do   = [{ set = { night = "{{ hook.body.mode }}", for = "1h" } }]
[[rule]]
name  = "closed"
on    = "call.ringing"
where = { vars.night = "closed" }
do    = [{ redirect = { to = "4001" } }]
[[rule]]
name = "nightly"
on   = { cron = "30 2 * * *" }
do   = [{ log = { message = "{{ timer.rule }} {{ now | date('%H:%M') }}" } }]
[[rule]]
name  = "not answered"
on    = "call.ringing"
where = { call.endpoint = ["2005", "2006"] }
for   = "12s"
do    = [{ redirect = { to = "5000" } }]
[[rule]]
name = "log"
on   = "call.finished"
do   = [{ log = { message = "{{ call.answered }} {{ call.endpoint }}" } }]

[[test]]
name = "a button for an hour"
[[test.step]]
at     = "2026-12-07T10:00"
event  = { kind = "hook", name = "night", body = { mode = "closed" } }
expect = [{ set = { night = "closed" } }]
[[test.step]]
after  = "59m"
event  = { kind = "call.ringing" }
expect = [{ redirect = { to = "4001" } }]
[[test.step]]
after  = "1m"
event  = { kind = "call.ringing" }
expect = []
[[test]]
name   = "a var that is given"
given  = { vars = { night = "closed" } }
at     = "2026-12-07T10:00"
event  = { kind = "call.ringing" }
expect = [{ redirect = { to = "4001" } }]
[[test]]
name   = "the clock"
at     = "2026-12-08T02:30"
event  = { kind = "timer", rule = "nightly" }
expect = [{ log = { message = "nightly 02:30" } }]
[[test]]
name = "after 12 s, not before, and not once it is answered"
[[test.step]]
event  = { kind = "call.ringing", endpoint = "2005" }
expect = []
[[test.step]]
after  = "11s"
expect = []
[[test.step]]
after  = "1s"
expect = [{ redirect = { to = "5000" } }]
[[test.step]]
event  = { kind = "call.ringing", endpoint = "2006" }
[[test.step]]
after  = "11s"
event  = { kind = "call.connected" }
[[test.step]]
after  = "1h"
expect = []
[[test]]
name   = "a finished call, as it is written"
event  = { kind = "call.finished", endpoint = "2003", answered = true }
expect = [{ log = { message = "true 2003" } }]
"#,
    );
}

/// A reload takes a rule away while its clock runs: it is removed, renamed, or for something else now. The clock ends without
/// acting, that is noted, and nothing of it is kept.
#[test]
fn a_clock_whose_rule_is_gone_ends_quietly() {
    let rule = |name: &str, lines: &str| {
        format!("[[rule]]\nname = \"{name}\"\n{lines}\ndo = [{{ log = {{ message = \"x\" }} }}]\n")
    };
    let waits = "on = \"call.ringing\"\nfor = \"12s\"";
    let before = rules(&rule("waits", waits));
    let (given, metrics) = (Given::default(), Arc::default());
    let gone = "its rule is gone: no `waits` with `for` is for call.ringing now, so it does nothing";
    for (after, note, acts) in [
        (rule("waits", waits), None, 1),
        (rule("waits", "on = \"call.ringing\"\nfor = \"1h\""), None, 1),
        (rule("waits", &format!("{waits}\nenabled = false")), None, 0),
        (rule("renamed", waits), Some(gone), 0),
        (rule("other", "on = \"hook\""), Some(gone), 0),
        (rule("waits", "on = \"call.ringing\""), Some(gone), 0),
        (rule("waits", "on = \"call.held\"\nfor = \"12s\""), Some(gone), 0),
    ] {
        let mut player = Player::new(&before, &given, begins(), &metrics);
        let desk = player.desk();
        player.play(&desk, &step(0, &json!({ "kind": "call.ringing" })));
        let clocks = |player: &Player<'_>| {
            let kept = player.store.kept(player.clock.millis());
            kept.iter().filter(|key| key.starts_with("main/for/")).count()
        };
        assert_eq!(clocks(&player), 2, "its state and its timer");
        desk.put_in_force(rules(&after));
        let later = TestStep { event: None, ..step(12_000, &json!({ "kind": "call.ringing" })) };
        let played = player.play(&desk, &later);
        assert_eq!((played.acts.len(), played.trouble.len(), played.heard.len()), (acts, 0, 1), "{after}");
        assert_eq!(played.heard[0].decision.note.as_deref(), note, "{after}");
        assert_eq!(clocks(&player), 0, "{after}");
    }
}

/// A family beside `for`: each state that lasts is acted on once, and what is a mere update begins none.
#[test]
fn each_state_of_a_family_lasts_on_its_own() {
    passes(
        r#"
[[rule]]
name = "lasts"
on   = "call.*"
for  = "30s"
do   = [{ http = { post = "/lasts", credential = "crm", json = { state = "{{ call.state }}" } } }]
[[rule]]
name = "away"
on   = "presence.*"
for  = "1m"
do   = [{ http = { post = "/away", credential = "crm", json = {} } }]

[[test]]
name = "a call"
[[test.step]]
event = { kind = "call.ringing", endpoint = "2001" }
[[test.step]]
after  = "30s"
expect = [{ http = { json = { state = "ringing" } } }]
[[test.step]]
after = "1s"
event = { kind = "call.updated", state = "ringing" }
[[test.step]]
after  = "1h"
expect = []
[[test.step]]
event  = { kind = "call.connected" }
[[test.step]]
after  = "20s"
event  = { kind = "call.updated", state = "connected" }
[[test.step]]
after  = "10s"
expect = [{ http = { json = { state = "connected" } } }]

[[test]]
name = "a person"
[[test.step]]
event = { kind = "presence.changed", status = "Away" }
[[test.step]]
after  = "1m"
expect = [{ http = { post = "/away" } }]
[[test.step]]
event  = { kind = "presence.updated", status = "Away" }
[[test.step]]
after  = "1h"
expect = []
"#,
    );
}

#[test]
fn events_of_our_own_tell_the_account_too() {
    for (kind, event) in [
        ("hook", json!({ "kind": "hook", "name": "night" })),
        ("gateway.reload", json!({ "kind": "gateway.reload" })),
        ("call.finished", json!({ "kind": "call.finished" })),
        ("call.ringing", json!({ "kind": "call.ringing" })),
    ] {
        assert_eq!(said("{{ account.id }} {{ account.name }}", kind, &[event]), ["account main"], "{kind}");
    }
}

/// What was decided before a restart is decided still, and a limit that was reached then says which it is.
#[test]
fn a_limit_that_was_reached_says_so_when_it_is_planned_again() {
    let rules = rules(
        "[[rule]]\nname = \"few\"\non = \"call.ringing\"\nlimit = { per = \"call.from\", max = 3, within = \"10m\" }\ndo = [{ log = { message = \"x\" } }]\n",
    );
    let (given, metrics) = (Given::default(), Arc::default());
    let player = Player::new(&rules, &given, begins(), &metrics);
    let content = json!({ "state": "ringing", "from": "+16135550142", "to": "3001", "direction": "inbound" });
    let body = json!({ "publicationId": "p", "topic": "platform-api-media", "method": "PUT", "subject": "/2017-09-01/endpoints/3001/calls/7", "content": content });
    let decision = Decision {
        kind: "call.ringing".to_owned(),
        time: "2026-12-07T15:00:00Z".to_owned(),
        barred: vec!["few".to_owned()],
        ..Decision::default()
    };
    let bytes = record::write(&decision);
    let planned = Line { seq: 1, run: "".into(), fate: "planned".into(), at: 0, due: None, last: false, bytes };
    let (id, lane, source) = ("main/p".into(), "main/call/3001/7".into(), "main/test".into());
    let entry = Entry { id, lane, source, body: body.to_string().into() };
    let claim = Claim { seq: 1, arrived: 1, entry, recovered: true, history: vec![planned] };
    let again = player.plan(&player.desk(), &claim).unwrap();
    let again: Decision = record::read(&again.record.unwrap());
    assert_eq!((&again.barred, &again.verdicts[0]["rule"]), (&decision.barred, &json!("few")));
    let failed = json!({ "path": "limit", "wanted": "at most 3 within 10m for each call.from", "got": "reached for \"+16135550142\"" });
    assert_eq!(again.verdicts[0]["finding"]["failed"], failed);
}

/// What was given up is an event in a test too; what the rules for it do makes none.
#[test]
fn what_is_given_up_is_told_to_the_rules_that_are_for_it() {
    passes(
        r#"
[vars.trouble]
[[rule]]
name = "ticket"
on = "call.ended"
do = [{ http = { post = "https://crm.example/tickets" }, as = "ticket" }]
[[rule]]
name = "alert"
on = "gateway.dead_letter"
do = [
  { set = { trouble = "{{ content.dead_letter.rule }}" } },
  { http = { post = "https://chat.example/", body = "{{ content.dead_letter.rule }}: {{ content.dead_letter.kind }}" }, as = "chat" },
]
[[rule]]
name = "var"
on = "gateway.var"
do = [{ log = { message = "a var" } }]
[[rule]]
name = "nobody knows"
on = "gateway.dead_letter"
where = { content.dead_letter.fate = "unknown" }
do = [{ log = { message = "look whether {{ content.dead_letter.rule }} was done" } }]
[[rule]]
name = "back"
on = "gateway.breaker"
where = { content.breaker.state = "closed", content.breaker.seconds.gte = 60 }
do = [{ log = { message = "{{ content.breaker.host }} is back" } }]

[[test]]
name = "given up"
given = { ticket = { status = 422 }, chat = { status = 500 } }
event = { kind = "call.ended", endpoint = "2001", from = "+16135550142" }
expect = [
  { http = { post = "https://crm.example/tickets" } },
  { set = { trouble = "ticket" } },
  { http = { post = "https://chat.example/", body = "ticket: call.ended" } },
]
[[test]]
name = "not known"
given = { ticket = { error = "timeout" } }
event = { kind = "call.ended", endpoint = "2001", from = "+16135550142" }
expect = [
  { http = { post = "https://crm.example/tickets" } },
  { set = { trouble = "ticket" } },
  { http = { post = "https://chat.example/", body = "ticket: call.ended" } },
  { log = { message = "look whether ticket was done" } },
]
[[test]]
name = "by itself"
event = { kind = "gateway.dead_letter", content = { dead_letter = { rule = "x", kind = "hook" } } }
expect = [{ set = { trouble = "x" } }, { http = { post = "https://chat.example/", body = "x: hook" } }]
[[test]]
name = "a breaker"
event = { kind = "gateway.breaker", content = { breaker = { host = "crm", state = "closed", seconds = 61 } } }
expect = [{ log = { message = "crm is back" } }]
[[test]]
name = "one that opens"
event = { kind = "gateway.breaker", content = { breaker = { host = "crm", state = "open" } } }
expect = []
"#,
    );
}
