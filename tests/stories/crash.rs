//! Acknowledged means on disk: what a kill -9 leaves behind is taken up again, and what must not be done twice is not.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;

use crate::harness::letters::{chat, in_state, ringing};
use crate::harness::{World, until};

const RULES: &str = r#"
[[rule]]
name = "redirect"
on = "call.ringing"
where = { call.endpoint = "3001" }
deadline = "2m"
do = [{ redirect = { to = "4001" } }]
[[rule]]
name = "ticket"
on = "call.ringing"
where = { call.endpoint = "3002" }
do = [{ http = { post = "FAR/ticket/{{ call.id }}", json = { from = "{{ call.from }}" } } }]
[[rule]]
name = "keyed ticket"
on = "call.ringing"
where = { call.endpoint = "3003" }
[[rule.do]]
http = { post = "FAR/keyed/{{ call.id }}", json = { at = "{{ now }}" }, headers = { Idempotency-Key = "{{ event.id }}" } }
[[rule]]
name = "answer"
on = "chat.message"
where = { message.body = "hello?" }
do = [{ reply = { text = "Good day." } }]
[[rule]]
name = "written down"
on = ["call.ringing", "call.connected", "call.held", "call.ended"]
where = { call.endpoint = { prefix = "5" } }
deadline = "10m"
do = [{ http = { put = "FAR/log/{{ call.id }}/{{ content.number }}" } }]
"#;

#[tokio::test]
async fn upstream_down_then_killed_then_once() {
    let mut world = World::start(RULES).await;
    world.far.down().await;
    world.deliver(&ringing("3001", "1")).await;
    world.kill().await;
    world.far.up().await;
    world.restart().await;
    world.far.wait_acts("/calls/1", 1).await;
    let done = world.wait_fate("redirect", "done").await;
    assert_eq!(done["record"]["result"]["status"], 200);
    world.kill().await;
    world.restart().await;
    world.deliver(&ringing("3001", "2")).await;
    world.far.wait_acts("/calls/2", 1).await;
    assert_eq!(world.far.acts("/calls/1").len(), 1);
}

/// Five states of a call, in order; `number` says which.
fn states(call: &str) -> Vec<Value> {
    let states = ["ringing", "connected", "held", "connected", "ended"];
    let state = |(number, state): (u32, &str)| {
        let mut publication = in_state(&format!("5{call}"), call, state);
        publication["content"]["number"] = number.into();
        publication
    };
    (0..).zip(states).map(state).collect()
}

#[tokio::test]
async fn two_hundred_in_flight_and_a_kill_at_a_random_moment() {
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut world = World::start(RULES).await;
    for round in 0..3_u32 {
        let calls: Vec<Vec<Value>> = (0..40).map(|n| states(&format!("{round}-{n}"))).collect();
        let sender = world.sender();
        let sent = join_all(calls.iter().map(async |publications| {
            for publication in publications {
                sender.until_taken(publication).await;
            }
        }));
        let killed = async {
            tokio::time::sleep(Duration::from_millis(random.u64(1..250))).await;
            world.kill().await;
            let at = Instant::now();
            world.restart().await;
            at
        };
        let ((), killed) = tokio::join!(async { drop(sent.await) }, killed);
        until("all that was acknowledged is acted on", async || {
            let told = told(&world, round);
            (told.len() == 40 && told.values().all(|told| told.last().is_some_and(|(_, last)| *last == 4)))
                .then_some(())
        })
        .await;
        for (call, told) in told(&world, round) {
            is_in_order(&told, killed, &format!("call {call}, seed {seed}"));
        }
    }
}

/// What the far side heard of each call of a round, in order.
fn told(world: &World, round: u32) -> BTreeMap<String, Vec<(Instant, u32)>> {
    let mut told = BTreeMap::<String, Vec<_>>::new();
    for seen in world.far.acts(&format!("/log/{round}-")) {
        let call = seen.path.split('/').nth(2).unwrap().to_owned();
        told.entry(call).or_default().push((seen.at, seen.last_segment().parse().unwrap()));
    }
    told
}

/// Each life of the daemon told the states one by one; the second began where the first had come, or a little before:
/// what was done just before the crash and not recorded yet is done again, in order too.
fn is_in_order(told: &[(Instant, u32)], killed: Instant, what: &str) {
    let (before, after) = told.split_at(told.partition_point(|(at, _)| *at < killed));
    for life in [before, after] {
        assert!(life.windows(2).all(|pair| pair[1].1 == pair[0].1 + 1), "{what}: {before:?} {after:?}");
    }
    assert!(before.first().is_none_or(|(_, first)| *first == 0), "{what}: {before:?} {after:?}");
    let next = before.last().map_or(0, |(_, last)| last + 1);
    if let Some((_, first)) = after.first() {
        assert!(*first <= next, "{what}: lost: {before:?} {after:?}");
        let old = |(at, number): &&(Instant, u32)| number >= first && killed - *at > Duration::from_secs(1);
        assert_eq!(before.iter().find(old), None, "{what}: done long before the crash, and again: {after:?}");
    }
}

#[tokio::test]
async fn a_post_in_flight_is_not_repeated_but_told_as_unknown() {
    let mut world = World::start(RULES).await;
    world.far.when("POST", "/ticket/1").though_done().hangs();
    world.deliver(&ringing("3002", "1")).await;
    world.far.wait_acts("/ticket/1", 1).await;
    world.kill().await;
    world.far.let_go();
    world.restart().await;
    let unknown = world.wait_fate("ticket", "unknown").await;
    assert_eq!(unknown["record"]["request"]["http"]["method"], "POST", "{unknown}");
    assert!(unknown["record"]["why"].as_str().unwrap().contains("the process ended before the answer came"));
    world.wait_idle().await;
    assert_eq!(world.far.acts("/ticket/").len(), 1);
}

#[tokio::test]
async fn a_post_that_was_never_sent_is_sent_after_a_crash() {
    let mut world = World::start(RULES).await;
    world.far.when("POST", "/ticket/7").hangs();
    let mut again = ringing("3002", "7");
    world.deliver(&ringing("3002", "7")).await;
    world.far.wait_acts("/ticket/7", 1).await;
    // The leg rings anew: behind the first in the queue of rule and call, not begun when the process is killed.
    world.deliver(&in_state("3002", "7", "connected")).await;
    again["content"]["timestamp"] = (again["content"]["timestamp"].as_i64().unwrap() + 60_000).into();
    world.deliver(&again).await;
    world.kill().await;
    world.far.let_go();
    world.restart().await;
    world.wait_idle().await;
    let fates: Vec<Value> = world
        .events()
        .iter()
        .map(|event| event["outcomes"].as_array().unwrap().last().cloned().unwrap_or_default())
        .map(|outcome| outcome["fate"].clone())
        .collect();
    assert_eq!(fates, ["unknown".into(), Value::Null, "done".into()], "{:?}", world.events()[2]);
    assert_eq!(world.far.acts("/ticket/7").len(), 2);
}

#[tokio::test]
async fn a_post_with_an_idempotency_key_is_repeated_with_the_same_key() {
    let mut world = World::start(RULES).await;
    world.far.when("POST", "/keyed/1").times(1).though_done().hangs();
    let publication = ringing("3003", "1");
    world.deliver(&publication).await;
    world.far.wait_acts("/keyed/1", 1).await;
    world.kill().await;
    world.restart().await;
    let acts = world.far.wait_acts("/keyed/1", 2).await;
    world.wait_fate("keyed ticket", "done").await;
    let keys: Vec<_> = acts.iter().map(|seen| seen.headers["idempotency-key"].to_str().unwrap()).collect();
    let id = publication["publicationId"].as_str().unwrap();
    assert_eq!(keys, [id, id]);
}

#[tokio::test]
async fn a_chat_reply_in_flight_is_found_by_its_tag() {
    for stored in [true, false] {
        let mut world = World::start(RULES).await;
        let mood = world.far.when("POST", "/conversations/c-1/messages").times(1);
        if stored {
            mood.though_done().hangs();
        } else {
            mood.hangs();
        }
        world.deliver(&chat("c-1", "hello?")).await;
        world.far.wait_acts("/conversations/c-1", 1).await;
        world.kill().await;
        world.restart().await;
        let done = world.wait_fate("answer", "done").await;
        assert_eq!(done["record"]["result"]["body"]["body"], "Good day.");
        let posts = world.far.acts("/conversations/c-1");
        assert_eq!(posts.len(), if stored { 1 } else { 2 }, "only what is not there is sent again");
        assert!(posts.iter().all(|post| post.json()["tag"] == posts[0].json()["tag"]));
        let looks = world.far.requests("/conversations/c-1").iter().filter(|seen| seen.method == "GET").count();
        assert!(looks >= 1 && world.far.messages("c-1").len() == 1);
    }
}

#[tokio::test]
async fn a_redirect_in_flight_is_looked_at_first() {
    for done in [true, false] {
        let mut world = World::start(RULES).await;
        let mood = world.far.when("PUT", "/calls/1").times(1);
        if done {
            mood.though_done().hangs();
        } else {
            mood.hangs();
        }
        world.deliver(&ringing("3001", "1")).await;
        world.far.wait_acts("/calls/1", 1).await;
        world.kill().await;
        world.restart().await;
        world.wait_fate("redirect", if done { "moved" } else { "done" }).await;
        let methods: Vec<_> = world.far.requests("/calls/1").into_iter().map(|seen| seen.method).collect();
        assert_eq!(methods, if done { vec!["PUT", "GET"] } else { vec!["PUT", "GET", "PUT"] });
    }
}
