//! A long day: calls, chats and posts, a far side that fails, a sender that repeats itself. What went in is what came
//! out, to the one.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use serde_json::Value;

use crate::harness::letters::{chat, ringing};
use crate::harness::{World, until};

const RULES: &str = r#"
[[rule]]
name = "redirect"
on = "call.ringing"
where = { call.endpoint = "3001" }
deadline = "10m"
do = [{ redirect = { to = "4001" } }]
[[rule]]
name = "ticket"
on = "call.ringing"
where = { call.endpoint = "3002" }
do = [{ http = { post = "FAR/ticket/{{ call.id }}", json = { from = "{{ call.from }}" } } }]
[[rule]]
name = "answer"
on = "chat.message"
do = [{ reply = { text = "Good day." } }]
"#;
const EVENTS: usize = 2000;
const SEED: u64 = 20;

/// One in twenty fails, half of them though done where that can be found out; one in a hundred is slow.
fn bad_day(world: &World) {
    for (method, part) in [("PUT", "/calls/"), ("POST", "/messages")] {
        world.far.when(method, part).one_in(40, SEED).though_done().answers(500);
        world.far.when(method, part).one_in(40, SEED + 1).answers(500);
    }
    world.far.when("POST", "/ticket/").one_in(20, SEED).answers(503);
    world.far.when("", "").one_in(100, SEED).dawdles(Duration::from_millis(300));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_events_with_faults_and_repeats_are_each_done_once() {
    let world = World::start(RULES).await;
    until("the daemon is signed in", async || (!world.far.requests("/token").is_empty()).then_some(())).await;
    bad_day(&world);
    let letters: Vec<Value> = (0..EVENTS)
        .map(|number| match number % 3 {
            0 => ringing("3001", &format!("r{number}")),
            1 => ringing("3002", &format!("t{number}")),
            _ => chat(&format!("c{number}"), "hello?"),
        })
        .collect();
    let mut dice = fastrand::Rng::with_seed(SEED);
    // A repeat comes at once, or much later.
    let again: Vec<&Value> = letters.iter().filter(|_| dice.usize(..20) == 0).collect();
    let (soon, late) = again.split_at(again.len() / 2);
    assert!(soon.len() > 25 && late.len() > 25, "{}", again.len());
    let sent = letters.iter().chain(late.iter().copied()).flat_map(|letter| {
        let twice = soon.iter().any(|soon| soon["publicationId"] == letter["publicationId"]);
        std::iter::repeat_n(letter, if twice { 2 } else { 1 })
    });
    stream::iter(sent).for_each_concurrent(32, async |letter| world.deliver(letter).await).await;
    until("all is done", async || {
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.events().iter().all(|event| event["done"] == true).then_some(())
    })
    .await;

    for (part, number) in [("/calls/r", 667), ("/ticket/t", 667), ("/conversations/c", 666)] {
        let effects = world.far.effects(part);
        let twice: Vec<_> = effects.iter().filter(|(_, count)| **count != 1).collect();
        assert_eq!((effects.len(), twice), (number, vec![]), "{part}");
    }
    let events = world.events();
    assert_eq!(events.len(), EVENTS);
    for event in &events {
        let last = &event["outcomes"].as_array().unwrap().last().unwrap()["fate"];
        assert!(last == "done" || last == "moved", "{event}");
    }
    let failed = world.far.acts("").iter().filter(|seen| matches!(seen.status, Some(500 | 503))).count();
    assert!(failed > 60, "only {failed} failed");
}
