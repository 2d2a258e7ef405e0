//! The examples of the manual, and rules as they are met in the field, work as they stand.

use super::*;

/// The TOML examples of docs/rules.md, those of steps put into a rule.
fn examples() -> Vec<String> {
    let manual = include_str!("../../../docs/rules.md");
    let blocks = manual.split("```toml\n").skip(1).filter_map(|block| block.split("```").next());
    let mut found = Vec::new();
    for block in blocks {
        if block.contains("[[rule]]") || block.contains("[hours.") {
            found.push(block.to_owned());
            continue;
        }
        let steps: Vec<String> = if block.starts_with("do = ") {
            block.lines().map(str::to_owned).collect()
        } else {
            vec![block.to_owned()]
        };
        let kind = if block.contains("reply") { "chat.message" } else { "call.ringing" };
        found.extend(steps.into_iter().map(|step| format!("[[rule]]\nname = \"r\"\non = \"{kind}\"\n{step}\n")));
    }
    found
}

#[test]
fn the_examples_of_the_manual_are_clean() {
    let examples = examples();
    assert!(examples.len() >= 6, "{examples:?}");
    for example in examples {
        let report = found(&example);
        assert!(report.is_empty(), "{example}\n{report}");
    }
}

/// That nothing is left out: kinds, keys of a rule, and the fields of every view stand in the manual.
#[test]
fn the_manual_names_all_there_is() {
    let manual = include_str!("../../../docs/rules.md");
    let keys = read::RULE_KEYS.iter().copied();
    let views = Kind::ALL.iter().flat_map(|kind| kind.views()).flat_map(|(view, fields)| [&[*view], *fields].concat());
    let kinds = Kind::ALL.iter().map(|kind| kind.as_str());
    let (event, account) = (crate::event::kind::EVENT, crate::event::kind::ACCOUNT);
    for word in keys.chain(views).chain(kinds).chain(event.iter().chain(account).copied()) {
        assert!(manual.contains(&format!("`{word}`")), "docs/rules.md does not say what `{word}` is");
    }
}

#[test]
fn a_card_for_the_caller() {
    let text = r#"
[hours.leap]
open = "Feb 29 03:00-03:01"
timezone = "America/Toronto"
[[rule]]
name = "redirect when closed"
on = "call.ringing"
where = { "call.endpoint" = "3001", "call.direction" = "inbound" }
while_closed = "leap"
do = [{ redirect = { to = "4001" } }]
[[rule]]
name = "answer"
on = "chat.message"
where = { "message.body" = { regex = "(?i)hello" } }
do = [{ reply = { text = "Open from nine, {{ message.sender }}." } }]
[[rule]]
name = "relay"
on = "call.ringing"
where = { call.endpoint = ["3001", "2002"], call.from = { prefix = "+1613" } }
[[rule.do]]
http = { get = "http://127.0.0.1:1/contacts?phone={{ call.from | urlencode }}&again={{ call.from }}" }
as = "contact"
[[rule.do]]
http = { post = "http://127.0.0.1:1/screenpop", json = { name = "{{ contact.body.name }}", from = "{{ call.from }}", call = "{{ call.id }}" } }
"#;
    assert!(found(text).is_empty(), "{}", found(text));
    let rules = rules(text);
    assert_eq!(names(&rules.plan(&ringing())), ["redirect when closed", "relay"]);
    assert_eq!(names(&rules.plan(&message())), ["answer"]);
}
