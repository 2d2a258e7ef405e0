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
