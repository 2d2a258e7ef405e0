//! Far sides that hang, that ask for a pause, or that are ill: who has nothing to do with them is not held up, and they
//! are not run down by all who wait for them.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use crate::harness::letters::{chat, ringing};
use crate::harness::{World, until};

const RULES: &str = r#"
[[rule]]
name = "look up who calls"
on = "call.ringing"
where = { call.endpoint = "2001" }
do = [{ http = { get = "FAR/contacts?phone={{ call.id }}" }, timeout = "60s" }]
[[rule]]
name = "look up who writes"
on = "chat.message"
do = [{ http = { get = "FAR/contacts?conversation={{ message.conversation }}" }, timeout = "60s" }]
[[rule]]
name = "redirect"
on = "call.ringing"
where = { call.endpoint = "3001" }
do = [{ redirect = { to = "4001" } }]
[[rule]]
name = "card"
on = "call.ringing"
where = { call.endpoint = "2002" }
deadline = "60s"
do = [{ http = { post = "FAR/cards/{{ call.id }}", json = { title = "a call" } } }]
"#;

async fn deliver(world: &World, publications: impl IntoIterator<Item = Value>) {
    world.deliver(&publications.into_iter().collect::<Vec<_>>().into()).await;
}

#[tokio::test]
async fn a_redirect_is_sent_at_once_while_everything_that_asks_the_crm_hangs() {
    let world = World::start(RULES).await;
    world.far.when("GET", "/contacts").hangs();
    deliver(&world, (0..150).map(|call| ringing("2001", &format!("{call}")))).await;
    deliver(&world, (0..150).map(|nth| chat(&format!("c-{nth}"), "hello"))).await;
    let hang = async || world.far.requests("/contacts").len();
    until("every place hangs", async || (hang().await >= 128).then_some(())).await;
    for call in ["r1", "r2", "r3"] {
        world.deliver(&ringing("3001", call)).await;
        world.far.wait_acts(&format!("/calls/{call}"), 1).await;
    }
    until("the redirects are done", async || {
        let done =
            |event: &Value| event["outcomes"].as_array().unwrap().iter().any(|outcome| outcome["fate"] == "done");
        (world.events().iter().filter(|event| done(event)).count() == 3).then_some(())
    })
    .await;
    assert_eq!(hang().await, 128, "no place was free meanwhile");
    assert!(world.far.requests("/contacts").iter().all(|seen| seen.status.is_none()));
    world.far.let_go();
    until("all are looked up", async || (world.far.requests("/contacts").len() == 300).then_some(())).await;
    world.wait_idle().await;
}

#[tokio::test]
async fn when_one_call_is_told_to_wait_all_wait_and_then_all_are_done() {
    const CALLS: usize = 30;
    let world = World::start(RULES).await;
    world.deliver(&ringing("3001", "first-")).await;
    world.wait_fate("redirect", "done").await;
    world.far.when("PUT", "/calls/").times(1).answers_wait(429, Duration::from_secs(3));
    world.deliver(&ringing("3001", "told-")).await;
    let told = world.far.wait_acts("/calls/told-", 1).await[0].at;
    world.wait_fate("redirect", "retry").await;
    join_all((0..CALLS).map(async |call| world.deliver(&ringing("3001", &format!("m{call}-"))).await)).await;
    // The other APIs of CloudLink and other far sides are not meant.
    world.deliver(&ringing("2002", "card")).await;
    assert!(world.far.wait_acts("/cards/", 1).await[0].at - told < Duration::from_secs(3));
    let acts = world.far.wait_acts("/calls/", CALLS + 3).await;
    let (first, rest) = acts.split_at(2);
    assert_eq!((first[0].status, first[1].status), (Some(200), Some(429)));
    let pauses: Vec<_> = rest.iter().map(|seen| seen.at - told).collect();
    assert!(pauses.iter().all(|pause| *pause >= Duration::from_secs(3)), "{pauses:?}");
    world.wait_idle().await;
    assert_eq!(world.far.acts("/calls/").len(), CALLS + 3, "nobody asked twice");
    let ends = world.events().into_iter().map(|event| event["outcomes"].as_array().unwrap().last().unwrap().clone());
    assert!(ends.into_iter().all(|outcome| outcome["fate"] == "done"));
}

#[tokio::test]
async fn what_is_held_is_no_attempt_and_a_post_is_sent_once_when_the_crm_is_well_again() {
    const CARDS: usize = 60;
    let mut world = World::start(RULES).await;
    world.far.down().await;
    deliver(&world, (0..CARDS).map(|call| ringing("2002", &format!("{call}-")))).await;
    until("it is left alone", async || world.log().contains("requests are held").then_some(())).await;
    world.far.up().await;
    let cards = world.far.wait_acts("/cards/", CARDS).await;
    world.wait_idle().await;
    let mut paths: Vec<_> = cards.iter().map(|seen| seen.path.clone()).collect();
    paths.sort();
    paths.dedup();
    assert_eq!((paths.len(), world.far.acts("/cards/").len()), (CARDS, CARDS), "each once");
    let log = world.log();
    assert_eq!(log.matches("requests are held").count(), 1, "{log}");
    assert_eq!(log.matches("requests flow again").count(), 1, "{log}");
}
