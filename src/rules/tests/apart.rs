//! Two rules that can't both match one event: what is known of that, against what matches.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::rules::exclusive::Pairs;
use crate::rules::matcher::{Condition, Field, Group, Order, Seen, Test, Word};

const RINGING: &str = "on = \"call.ringing\"";

/// Whether two rules with these lines, each of which takes hold of a call, are told as two that may act on one.
fn told(first: &str, second: &str) -> bool {
    let files = [
        ("vip.csv", "number,name\n+16135550142,Ada\n+16135550143,Bea\n"),
        ("banned.csv", "number\n+14165550100\n"),
        ("both.csv", "number\n+14165550100\n613 555 0142\n"),
        ("ottawa.csv", "prefix\n+1613\n+1343\n"),
        ("toronto.csv", "prefix\n+1416\n+1647\n"),
        ("canada.csv", "prefix\n+1613555\n+1905\n"),
        ("floor1.csv", "extension\n2001\n2002\n"),
        ("floor2.csv", "extension\n3001\n3002\n"),
        ("lobby.csv", "extension\n3001\n2009\n"),
        ("empty.csv", "extension\n"),
    ];
    let mut text = String::from(
        "[vars.night]\nvalues = [\"open\", \"closed\"]\n[hours.office]\nopen = \"Mo-Fr 09:00-17:00\"\ntimezone = \"UTC\"\n",
    );
    for (file, header) in files {
        let (name, key) = (file.trim_end_matches(".csv"), header.split(['\n', ',']).next().unwrap());
        let more = match key {
            "number" => "phone = true",
            "prefix" => "phone = true\nmatch = \"longest-prefix\"",
            _ => "",
        };
        write!(text, "[tables.{name}]\nfile = \"{file}\"\nkey = \"{key}\"\n{more}\n").unwrap();
    }
    for (name, lines) in [("a", first), ("b", second)] {
        write!(text, "[[rule]]\nname = \"{name}\"\n{lines}\ndo = [{{ redirect = {{ to = \"4001\" }} }}]\n").unwrap();
    }
    let files = files.map(|(name, text)| (name.to_owned(), Source::new(name, text)));
    let attached = Attached::Given(Arc::new(files.into()));
    let found = match compile(&[Source::new("all.toml", text)], &World { attached, ..world() }) {
        Ok(rules) => rules.warnings().clone(),
        Err(report) => panic!("{report}"),
    };
    found.findings().iter().any(|finding| finding.code == "two-rules-one-call")
}

/// What is too dear to ask is not known, and what comes after it is asked all the same.
#[test]
fn a_large_table_does_not_hide_what_comes_after_it() {
    let rows: Vec<String> = (100_000..150_000).map(|row| row.to_string()).collect();
    let prefixes: Vec<String> = (0..41).map(|prefix| format!("\"9{prefix:02}\"")).collect();
    let rule = |name: &str, matcher: &str| {
        format!(
            "[[rule]]\nname = \"{name}\"\n{RINGING}\nwhere = {{ call.endpoint = {matcher} }}\ndo = [{{ redirect = {{ to = \"4001\" }} }}]\n"
        )
    };
    let text = [
        "[tables.large]\nfile = \"large.csv\"\nkey = \"ext\"\n".to_owned(),
        rule("by table", "{ table = \"large\" }"),
        rule("by floor", &format!("{{ prefix = [{}] }}", prefixes.join(", "))),
        rule("same a", "\"3001\""),
        rule("same b", "\"3001\""),
    ];
    let files = [("large.csv".to_owned(), Source::new("large.csv", format!("ext\n{}\n", rows.join("\n"))))];
    let attached = Attached::Given(Arc::new(files.into()));
    let rules = compile(&[Source::new("all.toml", text.concat())], &World { attached, ..world() });
    let found = match rules {
        Ok(rules) => rules.warnings().clone(),
        Err(report) => panic!("{report}"),
    };
    let told = found.findings().into_iter().filter(|finding| finding.code == "two-rules-one-call");
    let told: Vec<&str> = told.map(|finding| &*finding.message).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("`same a` and `same b`"), "{told:?}");
}

#[test]
fn rules_that_exclude_each_other_are_not_told() {
    for (first, second, wanted) in [
        ("", "", true),
        // Values and words of them.
        (r#"call.endpoint = "1""#, r#"call.endpoint = ["1", "2"]"#, true),
        (r#"call.endpoint = "1""#, r#"call.endpoint = ["2", "3"]"#, false),
        (r#"call.from = { suffix = "42" }"#, r#"call.from = { suffix = ["43", "44"] }"#, false),
        (r#"call.from = { suffix = "2" }"#, r#"call.from = { suffix = "42" }"#, true),
        (r#"call.from = { prefix = "+1" }"#, r#"call.from = { not = { prefix = ["+1", "+44"] } }"#, false),
        (r#"call.from = { prefix = "+" }"#, r#"call.from = { not = { prefix = ["+1", "+44"] } }"#, true),
        ("call.hops = { lt = 2 }", "call.hops = { gte = 2 }", false),
        ("call.hops = { lte = 2 }", "call.hops = { gte = 2 }", true),
        ("call.from = { exists = false }", r#"call.from = { regex = "^x" }"#, false),
        ("call.from = { exists = false }", r#"call.from = { not = "x" }"#, true),
        (r#"vars.night = "open""#, r#"vars.night = "closed""#, false),
        // Tables.
        (r#"call.from = { table = "vip" }"#, r#"call.from = { table = "banned" }"#, false),
        (r#"call.from = { table = "vip" }"#, r#"call.from = { table = ["banned", "both"] }"#, true),
        (r#"call.from = { table = "vip" }"#, r#"call.to = { table = "banned" }"#, true),
        (r#"call.from = { table = "vip" }"#, r#"call.from = { not = { table = "vip" } }"#, false),
        (r#"call.from = { table = "vip" }"#, r#"call.from = { not = { table = "both" } }"#, true),
        (r#"call.from = { table = "ottawa" }"#, r#"call.from = { table = "toronto" }"#, false),
        (r#"call.from = { table = "ottawa" }"#, r#"call.from = { table = "canada" }"#, true),
        (r#"call.from = { table = "canada" }"#, r#"call.from = { table = "ottawa" }"#, true),
        (r#"call.from = { table = "vip" }"#, r#"call.from = { table = "ottawa" }"#, true),
        (r#"call.from = { table = "toronto" }"#, r#"call.from = { table = "vip" }"#, false),
        (r#"call.endpoint = { table = "floor1" }"#, r#"call.endpoint = { table = "floor2" }"#, false),
        (r#"call.endpoint = { table = ["floor1", "floor2"] }"#, r#"call.endpoint = { table = "lobby" }"#, true),
        (r#"call.endpoint = { table = "floor1" }"#, r#"call.endpoint = { table = "lobby" }"#, false),
        (r#"call.endpoint = { table = "empty" }"#, r#"call.endpoint = { table = "lobby" }"#, false),
        (r#"call.endpoint = { table = "floor1" }"#, r#"call.endpoint = { prefix = "3" }"#, false),
        (r#"call.endpoint = { table = "lobby" }"#, r#"call.endpoint = { prefix = "3" }"#, true),
        (r#"call.endpoint = { table = "floor1", not = "2001" }"#, r#"call.endpoint = { regex = "1$" }"#, false),
        (r#"call.endpoint = { table = "floor1" }"#, r#"call.endpoint = "3001""#, false),
        // Of numbers and of others nothing is known.
        (r#"call.from = { table = "vip" }"#, r#"call.from = { table = "floor1" }"#, true),
        // Groups.
        (r#"any = [{ call.endpoint = "1" }, { call.endpoint = "2" }]"#, r#"call.endpoint = "3""#, false),
        (r#"any = [{ call.endpoint = "1" }, { call.outside = true }]"#, r#"call.endpoint = "3""#, true),
        (
            r#"any = [{ call.endpoint = "1" }, { call.endpoint = "2" }]"#,
            r#"any = [{ call.endpoint = "3" }, { all = [{ call.endpoint = "4" }] }]"#,
            false,
        ),
        (r#"all = [{ call.endpoint = "1" }]"#, r#"all = [{ call.endpoint = "2" }]"#, false),
        (r#"not = { call.endpoint = ["1", "2"] }"#, r#"call.endpoint = "2""#, false),
        (r#"not = { call.endpoint = "1", call.outside = true }"#, r#"call.endpoint = "1""#, true),
    ] {
        let lines = |conditions: &str| {
            format!(
                "{RINGING}{}",
                if conditions.is_empty() { String::new() } else { format!("\nwhere = {{ {conditions} }}") }
            )
        };
        for (one, other) in [(first, second), (second, first)] {
            assert_eq!(told(&lines(one), &lines(other)), wanted, "{one} / {other}");
        }
    }
}

#[test]
fn kinds_hours_envelopes_and_what_we_did_tell_rules_apart_too() {
    let ringing = |lines: &str| format!("{RINGING}\n{lines}");
    let envelope = |topic: &str, method: &str| format!("on = {{ topic = {topic}, method = \"{method}\" }}");
    for (first, second, wanted) in [
        (RINGING.to_owned(), "on = \"call.connected\"".to_owned(), false),
        (RINGING.to_owned(), "on = \"call.*\"".to_owned(), true),
        (ringing("while_open = \"office\""), ringing("while_closed = \"office\""), false),
        (ringing("where = { event.own = true }"), ringing(""), false),
        (ringing("where = { event.own = true }"), ringing("where = { event.own = true }"), true),
        (envelope("[\"a\", \"b\"]", "PUT"), envelope("[\"b\", \"c\"]", "put"), true),
        (envelope("[\"a\", \"b\"]", "PUT"), envelope("\"c\"", "PUT"), false),
        (envelope("\"a\"", "PUT"), envelope("\"a\"", "POST"), false),
        (envelope("\"a\"", "PUT"), RINGING.to_owned(), true),
    ] {
        for (one, other) in [(&first, &second), (&second, &first)] {
            assert_eq!(told(one, other), wanted, "{one} / {other}");
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    "[ab]{0,3}"
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![text().prop_map(Value::from), (-1..4_i64).prop_map(Value::from)]
}

fn word() -> impl Strategy<Value = Word> {
    let values = || proptest::collection::vec(value(), 1..3);
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
    leaf.prop_recursive(1, 3, 2, |inner| {
        proptest::collection::vec(inner, 1..3).prop_map(|words| Word::Not(Box::new(Test(words))))
    })
}

fn group() -> impl Strategy<Value = Group> {
    let field = (any::<bool>(), proptest::collection::vec(word(), 1..3)).prop_map(|(a, words)| {
        let name = if a { "a" } else { "b" };
        let keys = vec![Arc::from("content"), Arc::from(name)];
        Condition::Field(Field::new(format!("content.{name}").into(), keys, Test(words)))
    });
    let condition = field.prop_recursive(2, 8, 2, |inner| {
        let groups = || proptest::collection::vec(proptest::collection::vec(inner.clone(), 1..3).prop_map(Group), 1..3);
        prop_oneof![
            groups().prop_map(Condition::Any),
            groups().prop_map(Condition::All),
            groups().prop_map(|groups| Condition::Not(groups.into_iter().next().unwrap_or_default())),
        ]
    });
    proptest::collection::vec(condition, 1..3).prop_map(Group)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The oracle are the matchers themselves, on events.
    #[test]
    fn no_event_stands_groups_that_exclude_each_other(
        one in group(),
        other in group(),
        values in proptest::collection::vec((proptest::option::of(value()), proptest::option::of(value())), 1..12),
    ) {
        if Pairs::within(100_000).groups(&one, &other) {
            for (a, b) in values {
                let content: serde_json::Map<String, Value> =
                    [("a", a), ("b", b)].into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
                let event = event(Kind::CallRinging, json!({ "content": content }));
                let seen = Seen::new(&event);
                let both = one.holds(&seen, &mut Vec::new()) && other.holds(&seen, &mut Vec::new());
                prop_assert!(!both, "{one:?} / {other:?} / {event:?}");
            }
        }
    }
}
