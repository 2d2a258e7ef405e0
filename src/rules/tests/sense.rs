//! What is well formed and makes no sense: matchers that nothing stands, rules that never act; and what is right.

use proptest::prelude::*;
use serde_json::Map;

use super::*;
use crate::rules::matcher::{Order, Test, Word};
use crate::rules::{fields::Sort, implies, never};

fn codes(text: &str) -> Vec<&'static str> {
    found(text).findings().iter().map(|finding| finding.code).collect()
}

const OFFICE: &str = "[hours.office]\nopen = \"Mo-Fr 09:00-17:00\"\noverride = \"night\"\n[hours.shop]\nopen = \"Sa 10:00-14:00\"\n[vars.night]\nvalues = [\"auto\", \"open\", \"closed\"]\n";

fn rule(on: &str, lines: &str, step: &str) -> String {
    format!("[[rule]]\nname = \"r\"\non = \"{on}\"\n{lines}\ndo = [{{ {step} }}]\n")
}

#[test]
fn what_never_matches() {
    for (lines, wanted) in [
        ("where = { call.hops = { lt = 0 } }", "never-matches"),
        ("where = { call.hops = { lt = 1 } }", ""),
        ("where = { call.hops = { gt = 2, lte = 2 } }", "never-matches"),
        ("where = { call.from = { exists = false, prefix = \"+1\" } }", "never-matches"),
        ("where = { call.from = { prefix = \"+1\", not = \"+16135550142\" } }", ""),
        ("where = { call.from = { prefix = \"+1613\", not = { prefix = [\"+1\", \"+44\"] } } }", "never-matches"),
        ("where = { call.from = { prefix = \"+1\", not = { prefix = \"+1613\" } } }", ""),
        ("where = { call.endpoint = \"3001\", not = { call.endpoint = [\"3001\", \"3002\"] } }", "never-matches"),
        ("where = { call.endpoint = [\"3001\", \"3003\"], not = { call.endpoint = \"3001\" } }", ""),
        ("where = { call.state = \"held\" }", "value-never-there"),
        ("where = { call.state = \"ringing\" }", ""),
        ("where = { call.direction = { not = \"outbond\" } }", "value-never-there"),
        ("where = { call.direction = { prefix = \"inn\" } }", "never-matches"),
        ("where = { vars.night = \"opne\" }", "unknown-value"),
        ("when = \"vars.night == 'opne'\"", "unknown-value"),
        ("when = \"'open' != vars.night and call.direction in ['inbound', 'out']\"", "value-never-there"),
        ("when = \"vars.night | upper == 'OPEN' or 'OPEN' == vars.night | upper\"", ""),
        ("while_open = \"office\"\nwhile_closed = \"office\"", "never-matches"),
        ("while_open = [\"office\", \"shop\"]\nwhile_closed = \"office\"", ""),
        ("while_open = \"office\"\nwhere = { vars.night = \"closed\" }", "never-matches"),
        ("while_closed = \"office\"\nwhere = { vars.night = \"open\" }", "never-matches"),
        ("while_closed = \"office\"\nwhere = { vars.night = \"auto\" }", ""),
        ("limit = { per = \"call.id\", max = 2, within = \"1h\" }", "limit-without-effect"),
        ("limit = { per = \"call.endpoint\", max = 2, within = \"1h\" }", ""),
    ] {
        let text = OFFICE.to_owned() + &rule("call.ringing", lines, "log = { message = \"x\" }");
        let wanted: Vec<&str> = Some(wanted).filter(|wanted| !wanted.is_empty()).into_iter().collect();
        assert_eq!(codes(&text), wanted, "{lines}\n{}", found(&text));
    }
}

#[test]
fn what_an_event_of_our_own_never_says() {
    for (kind, matcher, wanted) in [
        ("gateway.breaker", "content.breaker.state = \"opened\"", "value-never-there"),
        ("gateway.breaker", "content.breaker.state = \"open\"", ""),
        ("gateway.dead_letter", "content.dead_letter.fate = \"faild\"", "value-never-there"),
        ("gateway.dead_letter", "content.dead_letter.fate = [\"failed\", \"unknown\"]", ""),
    ] {
        let text = rule(kind, &format!("where = {{ {matcher} }}"), "log = { message = \"x\" }");
        let wanted: Vec<&str> = Some(wanted).filter(|wanted| !wanted.is_empty()).into_iter().collect();
        assert_eq!(codes(&text), wanted, "{matcher}\n{}", found(&text));
    }
}

#[test]
fn a_value_that_a_var_never_has_is_told_with_those_that_it_may_have() {
    for (value, help) in [("opne", "did you mean `open`?"), ("holiday", "known are `auto`, `open` and `closed`")] {
        let text = OFFICE.to_owned() + &rule("call.ringing", "", &format!("set = {{ night = \"{value}\" }}"));
        let report = found(&text);
        assert_eq!(codes(&text), ["unknown-value"], "{report}");
        assert!(report.to_string().contains(help), "{report}");
    }
    let step = r#"set = { night = "{{ call.from_name }}{{ content.mode }}" }"#;
    let set = |mode: &str| {
        let text = OFFICE.to_owned() + &rule("call.ringing", "", step);
        let (rules, mut event) = (rules(&text), ringing());
        event.fields["content"]["mode"] = mode.into();
        let scope = Scope::new(&rules, &event, &Map::new(), &Map::new(), event.time);
        rules.rules()[0].steps[0].render(&scope).unwrap_err().to_string()
    };
    assert_eq!(set("maybe"), "`night` can't be set to \"maybe\": it may be `auto`, `open`, `closed`");
    assert_eq!(set(""), "`night` can't be set to what is missing: it may be `auto`, `open`, `closed`");
}

#[test]
fn what_can_last() {
    for (on, wanted) in [
        ("call.*", ""),
        ("presence.*", ""),
        ("chat.*", ""),
        ("call.updated", ""),
        ("call.finished", "for-without-state"),
        ("user.*", "for-without-state"),
        ("hook", "for-without-state"),
        ("call.ended", "for-without-effect"),
    ] {
        let text = rule(on, "for = \"10s\"", "log = { message = \"x\" }");
        let wanted: Vec<&str> = Some(wanted).filter(|wanted| !wanted.is_empty()).into_iter().collect();
        assert_eq!(codes(&text), wanted, "{on}\n{}", found(&text));
    }
}

#[test]
fn what_is_never_reached() {
    let pair = |first: &str, second: &str| {
        let one = |name: &str, lines: &str| {
            rule("call.ringing", &format!("route = \"x\"\n{lines}"), "redirect = { to = \"4001\" }")
                .replace("\"r\"", &format!("\"{name}\""))
        };
        codes(&(OFFICE.to_owned() + &one("a", first) + &one("b", second)))
    };
    for (first, second, reached) in [
        ("", "where = { call.endpoint = \"1\" }", false),
        ("where = { call.endpoint = \"1\" }", "", true),
        ("where = { call.endpoint = [\"1\", \"2\"] }", "where = { call.endpoint = \"2\", call.outside = true }", false),
        ("where = { call.from = { prefix = \"+1\" } }", "where = { call.from = { prefix = \"+1613\" } }", false),
        ("where = { call.from = { prefix = \"+1613\" } }", "where = { call.from = { prefix = \"+1\" } }", true),
        (
            "where = { any = [{ call.endpoint = \"1\" }, { call.endpoint = \"2\" }] }",
            "where = { call.endpoint = \"2\" }",
            false,
        ),
        ("where = { call.from = { exists = true } }", "where = { call.from = { regex = '^.1' } }", false),
        ("where = { call.hops = { gt = 1 } }", "where = { call.hops = { gt = 2 } }", false),
        ("while_open = \"office\"", "while_open = \"office\"", false),
        ("while_open = \"office\"", "", true),
        ("while_closed = \"office\"", "while_closed = [\"office\", \"shop\"]", false),
        ("while_open = [\"office\", \"shop\"]", "while_open = \"shop\"", false),
        ("when = \"call.hops\"", "when = \"call.hops\"", false),
        ("when = \"call.hops\"", "", true),
        ("limit = { max = 1, within = \"1h\" }", "", true),
        ("dry_run = true", "", true),
        ("enabled = false", "", true),
        ("for = \"10s\"", "", true),
    ] {
        let wanted: &[&str] = if reached { &[] } else { &["never-reached"] };
        assert_eq!(pair(first, second), wanted, "{first} / {second}");
    }
}

/// Whatever takes hold of a call, not redirects alone; what waits has its own moment.
#[test]
fn whatever_controls_a_call() {
    let pair = |first: &str, lines: &str, second: &str| {
        let b = rule("call.ringing", lines, second).replace("\"r\"", "\"b\"");
        codes(&(rule("call.ringing", "", first) + &b))
    };
    assert_eq!(pair("answer = {}", "", "end = {}"), ["two-rules-one-call"]);
    assert_eq!(pair("answer = {}", "for = \"10s\"", "end = {}"), [""; 0]);
    assert_eq!(pair("answer = {}", "", "dtmf = { digits = \"1\" }"), [""; 0]);
    for (on, step, wanted) in [
        ("call.ended", "redirect = { to = \"4001\" }", &["call-is-over"][..]),
        ("call.finished", "end = { call = \"/calls/1\" }", &[]),
        ("call.*", "redirect = { to = \"4001\" }", &[]),
    ] {
        assert_eq!(codes(&rule(on, "", step)), wanted, "{on} {step}");
    }
}

#[test]
fn a_message_to_the_own_conversation_is_an_answer() {
    let send = |to: &str| {
        let step = format!("send = {{ to = {to}, text = \"hello you\" }}");
        codes(&rule("chat.message", "where = { message.body = { contains = \"hello\" } }", &step))
    };
    assert_eq!(send("\"{{ message.conversation }}\""), ["answers-itself"]);
    assert_eq!(send("{ conversation = \"{{ message.conversation }}\" }"), ["answers-itself"]);
    assert_eq!(send("\"{{ message.sender }}\""), [""; 0]);
}

fn text() -> impl Strategy<Value = String> {
    "[ab]{0,3}"
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![text().prop_map(Value::from), (-2..4_i64).prop_map(Value::from), any::<bool>().prop_map(Value::from)]
}

fn word() -> impl Strategy<Value = Word> {
    let values = || proptest::collection::vec(value(), 1..4);
    let texts = || proptest::collection::vec(text(), 1..3);
    let order = proptest::sample::select(vec![Order::Greater, Order::AtLeast, Order::Less, Order::AtMost]);
    let leaf = prop_oneof![
        values().prop_map(Word::Equals),
        values().prop_map(Word::NoneOf),
        texts().prop_map(Word::Prefix),
        texts().prop_map(Word::Suffix),
        texts().prop_map(Word::Contains),
        any::<bool>().prop_map(Word::Exists),
        (order, values()).prop_map(|(order, values)| Word::Compare(order, values)),
    ];
    leaf.prop_recursive(1, 4, 2, |inner| {
        proptest::collection::vec(inner, 1..3).prop_map(|words| Word::Not(Box::new(Test(words))))
    })
}

fn a_test() -> impl Strategy<Value = Test> {
    proptest::collection::vec(word(), 1..4).prop_map(Test)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The oracle is the matcher itself, on values.
    #[test]
    fn the_stricter_test_lets_nothing_more_pass(strict in a_test(), loose in a_test(), values in proptest::collection::vec(value(), 1..12)) {
        if implies::test(&strict, &loose) {
            for value in values.iter().map(Some).chain([None]) {
                prop_assert!(!strict.holds(value, None) || loose.holds(value, None), "{} / {} / {:?}", strict, loose, value);
            }
        }
        prop_assert!(implies::test(&strict, &strict) || strict.0.len() > 1 || matches!(&strict.0[0], Word::Compare(..)), "{}", strict);
    }

    #[test]
    fn what_nothing_stands_nothing_stands(test in a_test(), values in proptest::collection::vec(value(), 1..12)) {
        if never::stands(&test, Sort::Open, None).is_some() {
            for value in values.iter().map(Some).chain([None]) {
                prop_assert!(!test.holds(value, None), "{} / {:?}", test, value);
            }
        }
    }
}
