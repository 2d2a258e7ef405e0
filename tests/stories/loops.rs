//! Loops end: a call that is handed round, two bots that answer each other, a bot that hears itself.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::letters::{chat, ringing};
use crate::harness::{World, until};

const RULES: &str = r#"
[[rule]]
name = "to the lobby"
on = "call.ringing"
where = { call.endpoint = "3001" }
do = [{ redirect = { to = "4001" } }]
[[rule]]
name = "to the desk"
on = "call.ringing"
where = { call.endpoint = "4001" }
do = [{ redirect = { to = "3001" } }]
[[rule]]
name = "answer"
on = "chat.message"
do = [{ reply = { text = "I am a bot." } }]
"#;

/// The next leg of a call that is handed round.
fn leg(number: usize, tracking: Option<&str>) -> Value {
    let endpoint = if number.is_multiple_of(2) { "3001" } else { "4001" };
    let mut leg = ringing(endpoint, &format!("leg-{number}"));
    leg["content"]["extraPbxData"] = json!({ "callTrackingID": tracking });
    leg
}

fn note(event: &Value) -> &str {
    event["decision"]["note"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_call_is_redirected_five_times_and_then_left_alone_also_over_a_restart() {
    let mut world = World::start(RULES).await;
    for number in 0..3 {
        world.deliver(&leg(number, Some("t#1"))).await;
        world.far.wait_acts(&format!("/calls/leg-{number}"), 1).await;
    }
    world.wait_idle().await;
    world.kill().await;
    world.restart().await;
    for number in 3..8 {
        world.deliver(&leg(number, Some("t#1"))).await;
    }
    world.wait_idle().await;
    assert_eq!(world.far.acts("/calls/leg-").len(), 5);
    let events = world.events();
    assert!(note(&events[5]).contains("redirected 5 times already"), "{}", events[5]);
    assert_eq!(events[7]["decision"]["left_alone"], true);
    assert!(world.admin("/metrics").await.body.contains("switchhook_loops_stopped_total 3"));
    // Another call is not held liable.
    world.deliver(&ringing("3001", "other")).await;
    world.far.wait_acts("/calls/other", 1).await;
}

#[tokio::test]
async fn legs_without_a_tracking_id_are_one_call_when_they_ring_where_we_sent_it() {
    let world = World::start(RULES).await;
    for number in 0..6 {
        world.deliver(&leg(number, None)).await;
        world.wait_idle().await;
    }
    assert_eq!(world.far.acts("/calls/leg-").len(), 5);
    assert_eq!(world.events()[5]["decision"]["left_alone"], true, "the sixth stays where it rings");
    assert_eq!(world.events()[4]["decision"]["call"]["hops"], 4);
    assert_eq!(world.events()[2]["decision"]["call"]["path"], json!(["3001", "4001", "3001"]));
}

#[tokio::test]
async fn two_bots_that_answer_each_other_fall_silent() {
    let world = World::start(RULES).await;
    for number in 0..14 {
        world.deliver(&chat("c-1", &format!("I am a bot too, {number}"))).await;
    }
    world.wait_idle().await;
    assert_eq!(world.far.messages("c-1").len(), 10);
    assert!(note(world.events().last().unwrap()).contains("answered this sender 10 times within a minute"));
    let mut another = chat("c-1", "and I am a person");
    another["content"]["createdBy"] = "guest-2".into();
    world.deliver(&another).await;
    world.far.wait_acts("/conversations/c-1", 11).await;
}

#[tokio::test]
async fn a_bot_knows_its_own_principal() {
    let world = World::start(RULES).await;
    until("it has asked who it is", async || {
        world.far.requests("/token").iter().any(|seen| seen.method == "GET" && seen.status == Some(200)).then_some(())
    })
    .await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut own = chat("c-1", "written by hand under our own name");
    own["content"]["createdBy"] = "gateway".into();
    world.deliver(&own).await;
    world.wait_idle().await;
    assert!(world.far.messages("c-1").is_empty());
    assert!(note(&world.events()[0]).starts_with("the gateway itself wrote this message"));
}
