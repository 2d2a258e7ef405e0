//! A long outage of the far side: memory stays bounded, what is acknowledged is done when it is back, others do not wait.

use std::collections::HashSet;

use serde_json::Value;

use crate::harness::letters::{chat, in_state, ringing};
use crate::harness::{World, until};

const RULES: &str = r#"
[[rule]]
name = "written down"
on = ["call.ringing", "call.connected", "call.ended"]
deadline = "100s"
do = [{ http = { put = "FAR/log/{{ call.id }}/{{ call.state }}", json = "{{ content }}" } }]
[[rule]]
name = "answer"
on = "chat.message"
do = [{ reply = { text = "Good day." } }]
"#;
const CALLS: usize = 3000;

fn heard(world: &World) -> HashSet<String> {
    world.far.acts("/log/").iter().filter(|seen| seen.status == Some(200)).map(|seen| seen.path.clone()).collect()
}

/// How often a step was not done and waits for another turn: sent in vain, or held.
async fn again(world: &World) -> usize {
    let metrics = world.admin("/metrics").await.body;
    let line = metrics.lines().find_map(|line| line.strip_prefix("switchhook_attempts_again_total "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn thousands_wait_within_bounded_memory_and_are_done_when_the_far_side_is_back() {
    let mut world = World::start(RULES).await;
    world.far.when("PUT", "/log/").answers(503);
    let calls: Vec<Value> = (0..CALLS).map(|call| ringing("3001", &call.to_string())).collect();
    for some in calls.chunks(500) {
        world.deliver(&some.into()).await;
    }
    until("most have had their turn", async || (again(&world).await > CALLS).then_some(())).await;
    let sent = world.far.acts("/log/").len();
    assert!(sent < CALLS / 2, "one that is ill is left alone, it was sent {sent}");
    // What has nothing to do with it is not held up.
    world.deliver(&chat("c-1", "hello")).await;
    world.far.wait_acts("/conversations/c-1", 1).await;
    let peak = world.daemon().peak_memory();
    world.kill().await;
    world.far.calm();
    world.restart().await;
    until("all are done", async || (heard(&world).len() == CALLS).then_some(())).await;
    world.wait_idle().await;
    let peak = peak.max(world.daemon().peak_memory());
    assert!(peak < 100, "its memory rose to {peak} MB");
}

#[tokio::test]
async fn a_far_side_that_is_gone_for_a_moment_costs_no_order_and_no_post_twice() {
    let mut world = World::start(RULES).await;
    let states = ["ringing", "connected", "ended"];
    world.far.down().await;
    for state in states {
        for call in 0..50 {
            world.deliver(&in_state("3001", &format!("m{call}"), state)).await;
        }
    }
    world.far.up().await;
    until("all are done", async || (heard(&world).len() == 150).then_some(())).await;
    for call in 0..50 {
        let told = world.far.acts(&format!("/log/m{call}/"));
        let told: Vec<_> = told.iter().map(super::harness::Seen::last_segment).collect();
        assert_eq!(told, states, "no connection, so nothing came twice");
    }
}

#[tokio::test]
async fn one_call_that_hangs_holds_up_its_own_later_events_and_nobody_else() {
    let world = World::start(RULES).await;
    world.far.when("PUT", "/log/slow/ringing").hangs();
    world.deliver(&ringing("3001", "slow")).await;
    world.far.wait_acts("/log/slow/", 1).await;
    world.deliver(&in_state("3001", "slow", "connected")).await;
    for call in 0..200 {
        world.deliver(&ringing("3001", &format!("m{call}"))).await;
    }
    world.far.wait_acts("/log/m", 200).await;
    assert_eq!(world.far.acts("/log/slow/").len(), 1);
    world.far.let_go();
    let told = world.far.wait_acts("/log/slow/", 2).await;
    assert_eq!(told[1].last_segment(), "connected");
}
