//! `[[test]]`: what is read, and the mistakes that are found.

use chrono::{DateTime, Utc};

use super::*;
use crate::rules::rehearsal::{Expected, Given, Happening, Test};

const RULE: &str = r#"
[vars.night]
values = ["auto", "open"]
[vars.greeted]
per = "message.conversation"
[[rule]]
name = "button"
on   = { hook = "night" }
do   = [{ log = { message = "{{ vars.night }}" } }]
[[rule]]
name = "card"
on   = "call.ringing"
[[rule.do]]
http = { get = "/contacts", credential = "crm" }
as   = "contact"
[[rule.do]]
redirect = { to = "4001" }
"#;

fn tests(text: &str) -> Vec<Test> {
    rules(&format!("{RULE}{text}")).tests().to_vec()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn a_test_is_read_whole() {
    let text = r#"
[[test]]
name  = "not there"
given = { contact = { error = "timeout" }, vars = { night = "open", greeted = { c = "yes" } } }
[[test.step]]
at    = "2026-12-07T10:00"
event = { kind = "call.ringing", endpoint = "2001", hops = 1, content.siteId = "s", user.email = "a@b" }
[[test.step]]
after  = "12s"
expect = [{ redirect = { to = "2002" } }, { http = { json = { rows = [1, { when = 2026-12-07 }] } } }]
[[test]]
name   = "another"
event  = { kind = "timer", rule = "card" }
expect = []
"#;
    let tests = tests(text);
    let [test, another] = tests.as_slice() else { panic!("{tests:?}") };
    assert_eq!((&*test.name, &*test.file, test.line, test.steps.len()), ("not there", "all.toml", 20, 2));
    assert_eq!(test.given.answers["contact"], json!({ "error": "timeout" }));
    let vars = test.given.vars.iter().map(|var| (&*var.name, var.per.as_deref(), &*var.value));
    assert_eq!(vars.collect::<Vec<_>>(), [("night", None, "open"), ("greeted", Some("c"), "yes")]);
    let (first, second) = (&test.steps[0], &test.steps[1]);
    assert_eq!((first.line, second.line), (22, 25));
    assert_eq!((first.at, second.at), (utc("2026-12-07T15:00:00Z"), utc("2026-12-07T15:00:12Z")));
    let Some(Happening::Typical(event)) = &first.event else { panic!("{first:?}") };
    assert_eq!((&*event.kind, event.family()), ("call.ringing", "call"));
    let fields = json!({ "endpoint": "2001", "hops": 1, "content": { "siteId": "s" }, "user": { "email": "a@b" } });
    assert_eq!(Value::Object(event.fields.clone()), fields);
    assert!(first.expect.is_none() && second.event.is_none());
    let expected = |action: &str, arguments: Value| Expected {
        action: action.into(),
        arguments: arguments.as_object().unwrap().clone(),
    };
    let wanted = vec![
        expected("redirect", json!({ "to": "2002" })),
        expected("http", json!({ "json": { "rows": [1, { "when": "2026-12-07" }] } })),
    ];
    assert_eq!(second.expect, Some(wanted));
    assert_eq!((another.given.clone(), another.steps[0].expect.as_deref()), (Given::default(), Some(&[][..])));
    assert_eq!(another.steps[0].at, utc("2026-01-05T15:00:00Z"), "a Monday morning in Toronto");
}

#[test]
fn the_clock_goes_on_from_step_to_step() {
    let at = |steps: &str| {
        tests(&format!("[[test]]\nname = \"t\"\n{steps}"))[0].steps.iter().map(|step| step.at).collect::<Vec<_>>()
    };
    let step = |time: &str| format!("[[test.step]]\n{time}\nevent = {{ kind = \"call.ringing\" }}\n");
    let steps =
        ["at = \"2026-12-07T10:00-05:00\"", "", "after = \"1h\"", "after = \"0s\"", "at = \"2026-12-08 10:00:05\""];
    assert_eq!(
        at(&steps.map(step).concat()),
        [
            "2026-12-07T15:00:00Z",
            "2026-12-07T15:00:00Z",
            "2026-12-07T16:00:00Z",
            "2026-12-07T16:00:00Z",
            "2026-12-08T15:00:05Z"
        ]
        .map(utc)
    );
    assert_eq!(at(&["after = \"1m\"", ""].map(step).concat()), ["2026-01-05T15:01:00Z"; 2].map(utc));
}

#[test]
fn a_recorded_event_is_read_beside_its_test() {
    let recorded = Source::new("ringing.json", r#"{ "topic": "t", "content": { "timestamp": 1770106530124 } }"#);
    let attached = Attached::Given(Arc::new([("ringing.json".to_owned(), recorded.clone())].into()));
    let text = format!("{RULE}[[test]]\nname = \"t\"\nevent = {{ file = \"ringing.json\" }}\n");
    let world = World { attached, ..world() };
    let rules = compile(&[Source::new("all.toml", &*text)], &world).unwrap();
    let step = &rules.tests()[0].steps[0];
    assert_eq!(step.event, Some(Happening::Recorded(recorded)));
    assert_eq!(step.at.timestamp_millis(), 1_770_106_530_124, "its own time, since the test names none");
    assert_eq!(rules.attached(), [Arc::from("ringing.json")]);
}

/// Code, what is underlined, and the help.
fn found_in(test: &str) -> Vec<(String, String, String)> {
    let report = found(&format!("{RULE}[[test]]\n{test}"));
    let shown = report.findings().into_iter().map(|finding| {
        let place = finding.source.text[finding.span.clone()].to_owned();
        (finding.code.to_owned(), place, finding.help.clone().unwrap_or_default())
    });
    shown.collect()
}

/// Each test has one mistake.
#[test]
fn mistakes_are_found_where_they_stand() {
    let event = "name = \"t\"\nevent = { kind = \"call.ringing\" }\n";
    let steps = |second: &str| {
        format!(
            "name = \"t\"\n[[test.step]]\nat = \"2026-12-07T10:00\"\nevent = {{ kind = \"call.ringing\" }}\n[[test.step]]\n{second}\n"
        )
    };
    let with = |more: &str| format!("{event}{more}\n");
    let of = |fields: &str| format!("name = \"t\"\nevent = {{ {fields} }}\n");
    let mut wrong = Vec::new();
    for (test, code, place, help) in [
        // Keys.
        (with("expct = []"), "unknown-key", "expct", "`expect`"),
        ("event = { kind = \"call.ringing\" }\n".to_owned(), "missing-key", "[[test]]", "name ="),
        ("name = \"\"\nevent = { kind = \"call.ringing\" }\n".to_owned(), "bad-name", "\"\"", ""),
        (with("chat = [\"> hello\"]"), "not-supported", "chat", ""),
        (with("step = 1"), "wrong-type", "step", "[[test.step]]"),
        (with("[[test.step]]\nafter = \"1s\""), "two-forms", "event", "one step"),
        (steps("given = {}\nafter = \"1s\""), "test-key-in-step", "given", ""),
        (steps("evnt = {}\nafter = \"1s\""), "unknown-key", "evnt", "`event`"),
        (steps("expect = []"), "empty-step", "[[test.step]]", "after"),
        ("name = \"t\"\nexpect = []\n".to_owned(), "empty-step", "[[test]]", "event"),
        // Times.
        (with("at = \"soon\""), "time", "\"soon\"", "2026-12-07T10:00"),
        (with("at = 2026-12-07T10:00:00"), "wrong-type", "2026-12-07T10:00:00", "in quotes"),
        (with("after = \"soon\""), "duration", "\"soon\"", "20s"),
        (with("at = \"2026-12-07T10:00\"\nafter = \"1s\""), "two-forms", "after", ""),
        (steps("at = \"2026-12-07T09:59\""), "time-goes-back", "\"2026-12-07T09:59\"", ""),
        // Events.
        (of("kind = \"call.rining\""), "unknown-kind", "\"call.rining\"", "`call.ringing`"),
        (of("from = \"1\""), "missing-key", "{ from = \"1\" }", "kind"),
        (of("kind = \"call.ringing\", endpiont = \"2001\""), "unknown-field", "endpiont", "`endpoint`"),
        (of("kind = \"call.ringing\", body = \"x\""), "field-never-there", "body", "`endpoint`"),
        (of("kind = \"call.ringing\", endpoint = 2001"), "wrong-type", "2001", "\"2001\""),
        (of("kind = \"call.ringing\", hops = \"1\""), "wrong-type", "\"1\"", ""),
        (of("kind = \"call.ringing\", call.from = \"1\""), "unknown-field", "call", "without it"),
        (of("kind = \"chat.message\", conversation.tga = \"x\""), "unknown-field", "tga", "`tag`"),
        (of("kind = \"timer\", rule = \"crad\""), "unknown-rule", "\"crad\"", "`card`"),
        (of("kind = \"hook\", name = \"nihgt\""), "unknown-hook", "\"nihgt\"", "`night`"),
        (of("file = \"x.json\", from = \"1\""), "two-forms", "from", ""),
        (of("file = \"x.json\""), "unreadable-file", "\"x.json\"", ""),
        // What is given.
        (with("given = { contcat = {} }"), "unknown-step", "contcat", "`contact`"),
        (with("given = { contact = 1 }"), "wrong-type", "1", "status"),
        (with("given = { contact = { error = \"timout\" } }"), "unknown-value", "\"timout\"", "`timeout`"),
        (with("given = { contact = { status = \"200\", body = {} } }"), "wrong-type", "\"200\"", ""),
        (with("given = { vars = { nihgt = \"auto\" } }"), "unknown-var", "nihgt", "`night`"),
        (with("given = { vars = { night = \"opne\" } }"), "unknown-value", "\"opne\"", "`open`"),
        (with("given = { vars = { night = true } }"), "wrong-type", "true", "\"true\""),
        (with("given = { vars = { greeted = \"yes\" } }"), "wrong-type", "\"yes\"", "u-1"),
        // What is expected.
        (with("expect = {}"), "wrong-type", "{}", "`[]` is none"),
        (with("expect = [{}]"), "no-action", "{}", ""),
        (with("expect = [{ redirct = { to = \"1\" } }]"), "unknown-action", "redirct", "`redirect`"),
        (with("expect = [{ redirect = { too = \"1\" } }]"), "unknown-key", "too", "`to`"),
        (with("expect = [{ redirect = { to = 4001 } }]"), "wrong-type", "4001", "\"4001\""),
        (with("expect = [{ redirect = { to = \"1\" }, reply = {} }]"), "two-actions", "reply", ""),
        (with("expect = [{ redirect = \"4001\" }]"), "wrong-type", "\"4001\"", ""),
    ] {
        let found = found_in(&test);
        let one = matches!(found.as_slice(), [(found_code, found_place, found_help)]
            // A table's place is its header.
            if found_code == code && found_place.lines().next() == Some(place) && found_help.contains(help));
        if !one {
            wrong.push(format!("{test}\n{code} {place} {help}\n{found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(found_in(event).is_empty());
}

#[test]
fn a_test_of_an_unknown_step_looks_like_this() {
    insta::assert_snapshot!(found(&format!("{RULE}[[test]]\nname = \"t\"\ngiven = {{ contcat = {{}} }}\nevent = {{ kind = \"call.ringing\" }}\n")), @r#"
    unknown-step

      × no step of a rule is named `contcat`
        ╭─[all.toml:20:11]
     20 │ given = { contcat = {} }
        ·           ───────
        ╰────
      help: did you mean `contact`?
    "#);
}
