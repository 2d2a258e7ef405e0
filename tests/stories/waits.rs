//! What waits for its time on the real clock: rules with `for`, and those that are called by the clock.

use std::time::Duration;

use serde_json::Value;

use crate::harness::letters::{now, ringing};
use crate::harness::{World, until};

/// Rule and fate of all that became of these events.
fn fates(world: &World) -> Vec<(String, String)> {
    let events = world.events();
    let outcomes = events.iter().filter_map(|event| event["outcomes"].as_array()).flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    outcomes.map(|outcome| (text(&outcome["rule"]), text(&outcome["fate"]))).collect()
}

const RULES: &str = r#"
[[rule]]
name = "first"
on = "call.ringing"
for = "300ms"
route = "desk"
where = { call.endpoint = "3001" }
do = [{ redirect = { to = "4001" } }]
[[rule]]
name = "second"
on = "call.ringing"
for = "300ms"
route = "desk"
where = { call.endpoint = "3001" }
do = [{ redirect = { to = "4002" } }]
"#;

/// Both clocks run out at one moment; the second finds that it was decided with the first, and that is no news of the call.
#[tokio::test]
async fn of_two_rules_that_are_due_together_the_first_acts() {
    let world = World::start(RULES).await;
    for call in ["a", "b", "c", "d", "e"] {
        world.deliver(&ringing("3001", call)).await;
    }
    for call in ["a", "b", "c", "d", "e"] {
        let acts = world.far.wait_acts(&format!("/calls/{call}"), 1).await;
        assert_eq!(acts.len(), 1, "{call}");
    }
    world.wait_idle().await;
    assert_eq!(fates(&world), vec![("first".to_owned(), "done".to_owned()); 5]);
}

/// It is late by longer than the deadline of such a rule.
#[tokio::test]
async fn a_night_that_was_slept_through_is_caught_up_where_the_rule_says_so() {
    let at_of_all = (now() - chrono::TimeDelta::hours(5)).format("%M %H * * *").to_string();
    let at = &at_of_all;
    let before = (now() - chrono::TimeDelta::hours(6)).format("%M %H * * *").to_string();
    let rule = |name: &str, missed: &str| {
        format!(
            r#"
[[rule]]
name = "{name}"
on = {{ cron = "{at}", missed = "{missed}" }}
do = [{{ log = {{ message = "{name}" }} }}]
"#
        )
    };
    let rules = rule("left out", "skip") + &rule("caught up", "run");
    let edited = |at: &str| format!("{rules}{}", rule("edited", "run").replace(&at_of_all, at));
    let mut world = World::start(&edited(&at_of_all)).await;
    assert_eq!(world.stop().await.0, 0);
    // A schedule that is written anew has missed nothing.
    world.write_rules(&edited(&before));
    world.let_pass(Duration::from_hours(30));
    world.restart().await;
    let outcomes = until("it is caught up", async || {
        let events = world.events();
        let outcomes: Vec<_> =
            events.iter().filter_map(|event| event["outcomes"].as_array().cloned()).flatten().collect();
        (!outcomes.is_empty()).then_some(outcomes)
    })
    .await;
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    assert_eq!((&outcomes[0]["rule"], &outcomes[0]["fate"]), (&"caught up".into(), &"done".into()), "{outcomes:?}");
    let shown = world.cli(&["events"]).out;
    assert!(shown.contains("\n    the schedule of the rule caught up, for 20"), "{shown}");
}

const WAITING: &str = r#"
[[rule]]
name = "stays"
on = "call.ringing"
for = "1s"
do = [{ redirect = { to = "4001" } }]
[[rule]]
name = "renamed"
on = "call.ringing"
for = "1s"
do = [{ log = { message = "by its old name" } }]
"#;

#[tokio::test]
async fn a_clock_runs_on_by_the_name_of_its_rule() {
    let mut world = World::start(WAITING).await;
    world.deliver(&ringing("3001", "a")).await;
    world.wait_idle().await;
    world.kill().await;
    world.write_rules(&WAITING.replace("\"renamed\"", "\"another\"").replace("4001", "4002").replace("1s", "1h"));
    world.restart().await;
    let act = world.far.wait_acts("/calls/a", 1).await.remove(0);
    assert_eq!(act.json()["destination"], "4002", "the steps are those of now");
    world.wait_idle().await;
    assert_eq!(fates(&world), [("stays".to_owned(), "done".to_owned())]);
    let gone = "its rule is gone: no `renamed` with `for` is for call.ringing now, so it does nothing";
    let notes = || world.events().iter().filter(|event| event["decision"]["note"] == gone).count();
    until("the other clock has run out", async || (notes() == 1).then_some(())).await;
}
