use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::rules::{Asks, Wanted};

fn wanted(rules: &str, kind: Kind, fields: Value) -> Wanted {
    let rules = super::rules(rules);
    let mut event = event(kind, fields);
    event.fields["event"] = json!({ "kind": kind.as_str() });
    rules.asks(&event)
}

const OFFICE: &str = "[hours.office]\nopen = \"Mo-Fr 08:30-17:00\"\ntimezone = \"America/Toronto\"\n";

#[test]
fn only_what_a_rule_that_can_still_match_reads_is_asked_for() {
    let message = |body: &str| json!({ "message": { "conversation": "c", "body": body, "sender": "s" } });
    let rule = |rest: &str| format!("[[rule]]\nname = \"r\"\non = \"chat.message\"\n{rest}");
    let none = Asks::NONE;
    for (rest, wanted_for_hi, wanted_for_bye) in [
        // In `where`: what does not depend on it is asked first.
        (
            "where = { message.body = \"hi\", conversation.tag = \"t\" }\ndo = [{ log = { message = \"m\" } }]",
            Asks::CONVERSATION,
            none,
        ),
        (
            "where = { any = [{ message.body = \"hi\" }, { conversation.tag = \"t\" }] }\ndo = [{ log = { message = \"m\" } }]",
            Asks::CONVERSATION,
            Asks::CONVERSATION,
        ),
        (
            "where = { not = { message.email = \"a@b\", message.body = \"bye\" } }\ndo = [{ log = { message = \"m\" } }]",
            Asks::SENDER,
            Asks::SENDER,
        ),
        (
            "where = { conversation.participants = { contains = \"x\" }, message.body = { prefix = \"h\" } }\ndo = [{ log = { message = \"m\" } }]",
            Asks::PARTICIPANTS,
            none,
        ),
        // In `when`, in a limit, in steps.
        (
            "when = \"message.name == 'x' and message.body == 'bye'\"\ndo = [{ log = { message = \"m\" } }]",
            Asks::SENDER,
            Asks::SENDER,
        ),
        (
            "when = \"message.body == 'hi'\"\ndo = [{ log = { message = \"{{ conversation.name }}\" } }]",
            Asks::CONVERSATION,
            none,
        ),
        (
            "where = { message.body = \"hi\" }\nlimit = { per = \"message.email\", max = 1, within = \"1h\" }\ndo = [{ log = { message = \"m\" } }]",
            Asks::SENDER,
            none,
        ),
        (
            "where = { message.body = \"hi\" }\ndo = [{ reply = { text = { en = \"a\", fr = \"b\" } } }]",
            Asks::CONVERSATION,
            none,
        ),
        (
            "where = { message.body = \"hi\" }\ndo = [{ log = { message = \"m\" }, if = \"message.email\" }]",
            Asks::SENDER,
            none,
        ),
        (
            "where = { message.body = \"hi\" }\ndo = [{ http = { post = \"https://x.example\", json = { all = \"{{ message }}\" } } }]",
            Asks::SENDER | Asks::CONVERSATION,
            none,
        ),
        // What reads nothing of it asks for nothing.
        ("where = { message.body = \"hi\" }\ndo = [{ reply = { text = \"{{ message.sender }}\" } }]", none, none),
        ("enabled = false\ndo = [{ log = { message = \"{{ message.email }}\" } }]", none, none),
    ] {
        let rules = rule(rest);
        assert_eq!(wanted(&rules, Kind::ChatMessage, message("hi")).asks, wanted_for_hi, "{rest}");
        assert_eq!(wanted(&rules, Kind::ChatMessage, message("bye")).asks, wanted_for_bye, "{rest}");
        let call = json!({ "call": { "endpoint": "1", "user": "u" } });
        assert_eq!(wanted(&rules, Kind::CallRinging, call).asks, none, "{rest}");
    }
}

#[test]
fn hours_and_own_events_are_asked_first() {
    let rules = format!(
        "{OFFICE}[[rule]]\nname = \"r\"\non = \"chat.message\"\nwhile_closed = \"office\"\ndo = [{{ reply = {{ text = {{ en = \"a\", fr = \"b\" }} }} }}]"
    );
    let rules = super::rules(&rules);
    let mut message = event(Kind::ChatMessage, json!({ "message": { "conversation": "c", "sender": "s" } }));
    message.time = "2026-12-07T15:00:00Z".parse().unwrap();
    assert_eq!(rules.asks(&message).asks, Asks::NONE, "it is open");
    message.time = "2026-12-07T03:00:00Z".parse().unwrap();
    assert_eq!(rules.asks(&message), Wanted { asks: Asks::CONVERSATION, within: Duration::from_secs(150) });
    message.fields["event"] = json!({ "own": true });
    assert_eq!(rules.asks(&message).asks, Asks::NONE, "nobody answers what we said");
}

#[test]
fn a_var_is_asked_for_by_what_it_is_kept_for() {
    let rules = "[vars.greeted]\nper = \"message.email\"\n[vars.plain]\ndefault = \"x\"\n[[rule]]\nname = \"r\"\non = \"chat.message\"\nwhere = { vars.greeted = \"yes\" }\ndo = [{ log = { message = \"m\" } }]\n[[rule]]\nname = \"s\"\non = \"chat.message\"\nwhere = { vars.plain = \"x\" }\ndo = [{ set = { greeted = \"yes\" } }]";
    let message = json!({ "message": { "conversation": "c", "sender": "s" }, "vars": { "plain": "y" } });
    assert_eq!(wanted(rules, Kind::ChatMessage, message).asks, Asks::SENDER);
    assert!(super::rules(rules).has_far_vars());
    let only = rules.replace("where = { vars.greeted = \"yes\" }\n", "where = { vars.plain = \"z\" }\n");
    let message = |plain: &str| json!({ "message": { "sender": "s" }, "vars": { "plain": plain } });
    assert_eq!(wanted(&only, Kind::ChatMessage, message("y")).asks, Asks::NONE);
    assert_eq!(wanted(&only, Kind::ChatMessage, message("x")).asks, Asks::SENDER, "a var that is set");
}

#[test]
fn calls_and_users_have_their_own() {
    let call = "[[rule]]\nname = \"r\"\non = \"call.finished\"\nwhere = { call.answered = false }\ndo = [{ send = { to = \"{{ call.user }}\", text = \"m\" } }]";
    let event = |answered: bool| json!({ "call": { "endpoint": "1", "answered": answered } });
    assert_eq!(wanted(call, Kind::CallFinished, event(false)).asks, Asks::CALLED);
    assert_eq!(wanted(call, Kind::CallFinished, event(true)).asks, Asks::NONE);
    let user = "[[rule]]\nname = \"r\"\non = \"user.*\"\ndo = [{ log = { message = \"{{ user.name }}\" } }]";
    assert_eq!(wanted(user, Kind::UserUpdated, json!({ "user": { "id": "u" } })).asks, Asks::USER);
}

/// A group of conditions, as it is written, over a field that is there and two that have to be fetched.
fn group() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("\"a\""),
        Just("[\"a\", \"b\"]"),
        Just("{ not = \"a\" }"),
        Just("{ exists = false }"),
        Just("{ prefix = \"b\" }"),
    ];
    let leaves = prop::collection::btree_map(
        prop_oneof![Just("message.body"), Just("message.email"), Just("conversation.tag")],
        word,
        1..3,
    );
    let leaves = leaves.prop_map(|leaves| {
        leaves.into_iter().map(|(path, word)| format!("{path} = {word}")).collect::<Vec<_>>().join(", ")
    });
    leaves.prop_recursive(2, 8, 2, |inner| {
        (inner.clone(), inner.clone(), prop_oneof![Just("any"), Just("all"), Just("not")]).prop_map(
            |(one, other, how)| match how {
                "not" => format!("not = {{ {one} }}"),
                _ => format!("{how} = [{{ {one} }}, {{ {other} }}]"),
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever rules match when all is known, what they read was asked for when it was not.
    #[test]
    fn what_a_rule_that_matches_reads_was_asked_for(
        groups in prop::collection::vec(group(), 1..4),
        body in prop::sample::select(vec!["a", "b", "c"]),
        email in prop::option::of(prop::sample::select(vec!["a", "b", "c"])),
        tag in prop::option::of(prop::sample::select(vec!["a", "b", "c"])),
    ) {
        let rule = |(at, group): (usize, &String)| {
            format!("[[rule]]\nname = \"r{at}\"\non = \"chat.message\"\nwhere = {{ {group} }}\ndo = [{{ log = {{ message = \"m\" }} }}]\n")
        };
        let rules = rules(&groups.iter().enumerate().map(rule).collect::<String>());
        let known = json!({ "message": { "conversation": "c", "body": body, "sender": "s" }, "conversation": { "id": "c" } });
        let asked = rules.asks(&event(Kind::ChatMessage, known.clone())).asks;
        let mut all = known;
        if let Some(email) = email {
            all["message"]["email"] = email.into();
        }
        if let Some(tag) = tag {
            all["conversation"]["tag"] = tag.into();
        }
        for run in rules.plan(&event(Kind::ChatMessage, all)).runs {
            let reads = run.rule.asks;
            prop_assert_eq!(asked | reads, asked, "{} reads {:?}, asked {:?}", run.rule.name, reads, asked);
        }
    }
}
