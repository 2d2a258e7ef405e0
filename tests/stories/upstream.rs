//! A CloudLink that is tired, slow, or of another mind.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::letters::{aged, in_state, ringing};
use crate::harness::{Seen, World, until};

const RULES: &str = r#"
[[rule]]
name = "redirect"
on = "call.ringing"
where = { call.endpoint = "3001" }
do = [{ redirect = { to = "4001" } }]
[[rule]]
name = "hasty"
on = "call.ringing"
where = { call.endpoint = "3002" }
deadline = "2s"
do = [{ redirect = { to = "4002" }, timeout = "300ms" }]
[[rule]]
name = "crm"
on = "call.ringing"
where = { call.endpoint = "2001" }
[[rule.do]]
http = { get = "FAR/contacts?phone={{ call.from }}" }
as = "contact"
timeout = "300ms"
on_error = "continue"
[[rule.do]]
http = { post = "FAR/cards/{{ call.id }}", json = { title = "{{ contact.body.name or call.from }}", why = "{{ contact.error }}" } }
"#;

fn methods(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(|seen| &*seen.method).collect()
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_action_repeated() {
    let world = World::start(RULES).await;
    world.deliver(&ringing("3001", "1")).await;
    world.wait_fate("redirect", "done").await;
    world.far.revoke();
    join_all((2..22).map(async |call| world.deliver(&ringing("3001", &format!("{call}-"))).await)).await;
    world.far.wait_acts("-", 20).await;
    world.wait_idle().await;
    let tokens = world.far.requests("/token").into_iter().filter(|seen| seen.method == "POST");
    assert_eq!(tokens.count(), 2, "one at the start, one in the place of the refused");
    for call in 2..22 {
        let answers: Vec<_> = world.far.acts(&format!("/{call}-")).iter().map(|seen| seen.status).collect();
        assert!(matches!(answers[..], [Some(401), Some(200)] | [Some(200)]), "{answers:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_for_ever_does_not_become_a_stream_of_requests() {
    let world = World::start(RULES).await;
    world.far.when("PUT", "/calls/1").answers(401);
    world.deliver(&ringing("3002", "1")).await;
    world.wait_idle().await;
    let tokens = world.far.requests("/token");
    assert!(tokens.iter().filter(|seen| seen.method == "POST").count() <= 4, "{tokens:?}");
    assert!(world.far.acts("/calls/1").len() <= 8);
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    let world = World::start(RULES).await;
    world.far.when("PUT", "/calls/1").times(1).answers_wait(429, Duration::from_secs(1));
    world.deliver(&ringing("3001", "1")).await;
    let acts = world.far.wait_acts("/calls/1", 2).await;
    let waited = acts[1].at - acts[0].at;
    assert!((Duration::from_secs(1)..Duration::from_secs(3)).contains(&waited), "{waited:?}");
    let done = world.wait_fate("redirect", "done").await;
    assert_eq!(done["record"]["attempt"], 2);
}

#[tokio::test]
async fn retry_after_is_obeyed_across_a_restart() {
    let mut world = World::start(RULES).await;
    world.far.when("PUT", "/calls/1").times(1).answers_wait(429, Duration::from_secs(3));
    world.deliver(&ringing("3001", "1")).await;
    world.wait_fate("redirect", "retry").await;
    world.stop().await;
    world.restart().await;
    let acts = world.far.wait_acts("/calls/1", 2).await;
    assert!(acts[1].at - acts[0].at >= Duration::from_secs(3), "{:?}", acts[1].at - acts[0].at);
}

#[tokio::test]
async fn an_error_that_passes_is_waited_out() {
    let world = World::start(RULES).await;
    for (call, status) in [("10", 503), ("11", 502), ("12", 500), ("13", 429)] {
        world.far.when("PUT", &format!("/calls/{call}")).times(2).answers(status);
        world.deliver(&ringing("3001", call)).await;
    }
    for call in 10..14 {
        let acts = world.far.wait_acts(&format!("/calls/{call}"), 3).await;
        assert_eq!(acts.len(), 3);
    }
    world.wait_idle().await;
    assert!(world.events().iter().all(|event| event["outcomes"].as_array().unwrap().last().unwrap()["fate"] == "done"));
}

#[tokio::test]
async fn nothing_is_tried_after_the_deadline() {
    let world = World::start(RULES).await;
    world.far.when("PUT", "/calls/1").answers(503);
    let began = Instant::now();
    world.deliver(&ringing("3002", "1")).await;
    world.deliver(&aged(ringing("3002", "2"), Duration::from_secs(10))).await;
    world.wait_idle().await;
    world.wait_fate("hasty", "expired").await;
    assert!(began.elapsed() < Duration::from_secs(4));
    world.far.calm();
    world.deliver(&ringing("3002", "3")).await;
    world.far.wait_acts("/calls/3", 1).await;
    let tries = world.far.acts("/calls/1");
    assert!(tries.len() > 1 && tries.iter().all(|seen| seen.at - began < Duration::from_millis(2200)));
    assert!(world.far.acts("/calls/2").is_empty(), "it came too late");
    for event in &world.events()[..2] {
        assert_eq!(event["outcomes"].as_array().unwrap().last().unwrap()["fate"], "expired", "{event}");
    }
}

#[tokio::test]
async fn a_call_that_has_moved_on_is_no_error() {
    let world = World::start(RULES).await;
    world.far.take_call("2");
    world.far.when("PUT", "/calls/1").answers(404);
    for call in ["1", "2"] {
        world.deliver(&ringing("3001", call)).await;
    }
    world.wait_idle().await;
    for (event, status) in world.events().iter().zip([404, 409]) {
        let outcomes = event["outcomes"].as_array().unwrap();
        assert_eq!((outcomes.len(), &outcomes[0]["fate"]), (1, &"moved".into()), "{event}");
        assert!(outcomes[0]["record"]["why"].as_str().unwrap().contains(&status.to_string()), "{event}");
    }
    assert_eq!(world.far.acts("").len(), 2);
}

/// The phone, how the first attempt ends, whether it was carried out, whether somebody took the call; what the far side
/// sees of it, and the fate.
type Told = (&'static str, &'static str, bool, bool, &'static [&'static str], &'static str);

#[tokio::test]
async fn after_a_504_or_a_time_out_the_call_is_looked_at_before_it_is_redirected_again() {
    let world = World::start(RULES).await;
    let stories: [Told; 6] = [
        ("3001", "504", true, false, &["PUT", "GET"], "moved"),
        ("3001", "504", false, false, &["PUT", "GET", "PUT"], "done"),
        ("3001", "504", false, true, &["PUT", "GET"], "moved"),
        ("3002", "hangs", true, false, &["PUT", "GET"], "moved"),
        ("3002", "hangs", false, false, &["PUT", "GET", "PUT"], "done"),
        ("3002", "hangs", false, true, &["PUT", "GET"], "moved"),
    ];
    for (number, (endpoint, mood, done, taken, wanted, fate)) in stories.into_iter().enumerate() {
        let call = format!("70{number}");
        let when = world.far.when("PUT", &format!("/calls/{call}")).times(1);
        let when = if done { when.though_done() } else { when };
        if mood == "504" {
            when.answers(504);
        } else {
            when.hangs();
        }
        if taken {
            world.far.take_call(&call);
        }
        world.deliver(&ringing(endpoint, &call)).await;
        world.wait_idle().await;
        let seen = world.far.requests(&format!("/calls/{call}"));
        assert_eq!(methods(&seen), wanted, "{mood}, done {done}, taken {taken}");
        let event = world.events().pop().unwrap();
        assert_eq!(event["outcomes"].as_array().unwrap().last().unwrap()["fate"], fate, "{event}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_a_time_out_too_but_one_that_was_never_made_is_not() {
    for done in [true, false] {
        let mut world = World::start(RULES).await;
        let when = world.far.when("PUT", "/calls/1").times(1);
        let when = if done { when.though_done() } else { when };
        when.hangs();
        world.deliver(&ringing("3001", "1")).await;
        world.far.wait_acts("/calls/1", 1).await;
        world.far.down().await;
        world.wait_fate("redirect", "retry").await;
        world.far.up().await;
        world.wait_idle().await;
        let wanted = if done { vec!["PUT", "GET"] } else { vec!["PUT", "GET", "PUT"] };
        assert_eq!(methods(&world.far.requests("/calls/1")), wanted);

        world.far.down().await;
        world.deliver(&ringing("3001", "2")).await;
        until("it is tried", async || (world.events()[1]["outcomes"] != json!([])).then_some(())).await;
        world.far.up().await;
        world.wait_idle().await;
        assert_eq!(methods(&world.far.requests("/calls/2")), ["PUT"]);
    }
}

#[tokio::test]
async fn a_post_that_found_no_connection_or_a_clear_no_is_sent_again_but_not_after_a_time_out() {
    let mut world = World::start(RULES).await;
    world.far.down().await;
    world.deliver(&ringing("2001", "1")).await;
    until("it is tried", async || (world.events()[0]["outcomes"] != json!([])).then_some(())).await;
    world.far.up().await;
    world.far.wait_acts("/cards/1", 1).await;
    world.far.when("POST", "/cards/2").times(2).answers(503);
    world.far.when("POST", "/cards/3").times(1).answers(500);
    for call in ["2", "3"] {
        world.deliver(&ringing("2001", call)).await;
        world.wait_idle().await;
    }
    let tries = [1, 2, 3].map(|call| world.far.acts(&format!("/cards/{call}")).len());
    assert_eq!(tries, [1, 3, 1], "what a 500 left behind is not known");
    let fate = |event: &Value| event["outcomes"].as_array().unwrap().last().unwrap()["fate"].clone();
    let fates: Vec<Value> = world.events().iter().map(fate).collect();
    assert_eq!(fates, ["done", "done", "unknown"]);
}

#[tokio::test]
async fn when_the_look_itself_fails_the_redirect_is_repeated() {
    let world = World::start(RULES).await;
    world.far.when("PUT", "/calls/1").times(1).answers(504);
    world.far.when("GET", "/calls/1").answers(500);
    world.deliver(&ringing("3001", "1")).await;
    world.wait_fate("redirect", "done").await;
    assert_eq!(methods(&world.far.requests("/calls/1")), ["PUT", "GET", "PUT"]);
}

#[tokio::test]
async fn a_later_state_of_the_call_ends_what_waits_to_redirect_it() {
    let world = World::start(RULES).await;
    world.far.when("PUT", "/calls/1").answers_wait(503, Duration::from_secs(2));
    world.deliver(&ringing("3001", "1")).await;
    world.wait_fate("redirect", "retry").await;
    world.deliver(&in_state("3001", "1", "connected")).await;
    world.wait_fate("redirect", "superseded").await;
    world.wait_idle().await;
    assert_eq!(world.far.acts("/calls/1").len(), 1);
}

#[tokio::test]
async fn a_crm_that_hangs_fails_or_sends_elsewhere_holds_nothing_up() {
    let world = World::start(RULES).await;
    for (call, why) in [("1", "timeout"), ("2", "status"), ("3", "status"), ("4", "")] {
        let when = world.far.when("GET", "/contacts").times(1);
        match call {
            "1" => when.hangs(),
            "2" => when.answers(500),
            "3" => when.answers(302),
            _ => world.far.calm(),
        }
        world.deliver(&ringing("2001", call)).await;
        let card = &world.far.wait_acts(&format!("/cards/{call}"), 1).await[0];
        let title = if why.is_empty() { "Ada Example" } else { "+16135550142" };
        assert_eq!((&card.json()["title"], card.json()["why"].as_str().unwrap_or_default()), (&title.into(), why));
    }
    let looks = world.far.requests("/contacts");
    assert!(looks.iter().all(|seen| seen.path.ends_with("?phone=%2B16135550142")), "{:?}", looks[0].path);
    let all = [looks, world.far.requests("/cards")].concat();
    assert!(all.len() == 8 && all.iter().all(|seen| !seen.headers.contains_key("authorization")));
}
