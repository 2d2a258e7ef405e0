//! What rules stand on between events, on the real binary and through kill -9: `for`, vars, limits, schedules, whole calls,
//! our own acts.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::World;
use crate::harness::letters::{chat, in_state, ringing};

const ALONE: Duration = Duration::from_millis(1500);

/// An end with a cause, of a leg of a tracked call.
fn ended(endpoint: &str, call: &str, cause: &str) -> Value {
    let mut letter = in_state(endpoint, call, "completed");
    letter["content"]["cause"] = cause.into();
    letter
}

fn tracked(mut letter: Value, tracking: &str) -> Value {
    letter["content"]["extraPbxData"] = json!({ "callTrackingID": tracking });
    letter
}

const WAITING: &str = r#"
[[rule]]
name = "again: voicemail"
on = "call.ringing"
for = "1s"
route = "overflow"
where = { call.endpoint = ["2001", "2002"], call.hops = { gte = 1 } }
do = [{ redirect = { to = "5000" } }]
[[rule]]
name = "next"
on = "call.ringing"
for = "1s"
route = "overflow"
where = { call.endpoint = "2001" }
do = [{ redirect = { to = "2002" } }]
[[rule]]
name = "note"
on = "call.ringing"
for = "1s"
do = [{ http = { post = "FAR/note", json = { at = "{{ call.endpoint }}" } } }]
"#;

#[tokio::test]
async fn a_call_that_nobody_takes_is_handed_on_and_one_that_is_taken_is_left_alone() {
    let world = World::start(WAITING).await;
    world.deliver(&ringing("2001", "taken")).await;
    world.deliver(&ringing("2001", "waits")).await;
    world.deliver(&in_state("2001", "taken", "connected")).await;
    let first = world.far.wait_acts("/calls/waits", 1).await;
    assert_eq!(first[0].json()["destination"], "2002");
    world.deliver(&tracked(ended("2001", "waits", "redirected"), "t#waits")).await;
    world.deliver(&tracked(ringing("2002", "second"), "t#waits")).await;
    let second = world.far.wait_acts("/calls/second", 1).await;
    assert_eq!(second[0].json()["destination"], "5000", "the hop is counted");
    world.far.wait_acts("/note", 2).await;
    tokio::time::sleep(ALONE).await;
    assert_eq!(world.far.acts("/calls/").len(), 2, "each once: {:?}", world.far.acts("/calls/"));
    assert_eq!(world.far.acts("/note").len(), 2);
}

#[tokio::test]
async fn what_is_waited_for_is_waited_for_over_kill_9_and_reload() {
    let mut world = World::start(&WAITING.replace("1s", "3s")).await;
    world.deliver(&ringing("2001", "over")).await;
    world.deliver(&ringing("2001", "gone")).await;
    world.wait_idle().await;
    world.kill().await;
    world.restart().await;
    world.write_rules(&WAITING.replace("1s", "30s").replace("5000", "5001"));
    world.wait_log("other rules are in force").await;
    world.deliver(&ended("2001", "gone", "callerEnded")).await;
    let acts = world.far.wait_acts("/calls/over", 1).await;
    assert_eq!(acts[0].json()["destination"], "2002");
    tokio::time::sleep(ALONE).await;
    assert!(world.far.acts("/calls/gone").is_empty());
    assert_eq!(world.far.acts("/calls/over").len(), 1);
}

const NIGHT: &str = r#"
[hours.office]
open = "24/7"
timezone = "Europe/Berlin"
override = "night"
[vars.night]
values = ["auto", "open", "closed"]
default = "auto"
[vars.greeted]
per = "message.conversation"
keep = "1h"

[[rule]]
name = "button"
on = { hook = "night" }
do = [{ set = { night = "{{ hook.body.mode }}", for = "1h" } }]
[[rule]]
name = "told"
on = "gateway.var"
do = [{ http = { post = "FAR/told", json = { var = "{{ content.var.name }}", to = "{{ content.var.to }}" } } }]
[[rule]]
name = "closed"
on = "call.ringing"
while_closed = "office"
do = [{ redirect = { to = "4001" } }]
[[rule]]
name = "greet"
on = "chat.message"
when = "not vars.greeted"
do = [{ set = { greeted = "yes" } }, { reply = { text = "Hello" } }]
"#;

#[tokio::test]
async fn a_var_is_set_by_a_hook_and_by_hand_and_stays_over_kill_9() {
    let mut world = World::start(NIGHT).await;
    world.deliver(&ringing("2001", "day")).await;
    let answer = world.operate("/api/v1/hooks/night", json!({ "mode": "closed" })).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    world.far.wait_acts("/told", 1).await;
    world.kill().await;
    world.restart().await;
    world.deliver(&ringing("2001", "night")).await;
    world.far.wait_acts("/calls/night", 1).await;
    assert!(world.far.acts("/calls/day").is_empty());
    let listed = world.cli(&["vars", "list"]);
    assert!(listed.out.contains("night = \"closed\"") && listed.out.contains("by button"), "{listed:?}");
    let set = world.cli(&["vars", "set", "night", "auto", "--for", "2h"]);
    assert_eq!((set.code, set.out.contains("\"closed\" -> \"auto\"")), (Some(0), true), "{set:?}");
    world.deliver(&ringing("2001", "auto")).await;
    let fired = world.cli(&["fire", "night", "--data", r#"{"mode":"closed"}"#]);
    assert_eq!(fired.code, Some(0), "{fired:?}");
    let told = world.far.wait_acts("/told", 3).await;
    assert_eq!(told[2].json(), json!({ "var": "night", "to": "closed" }));
    world.wait_idle().await;
    assert!(world.far.acts("/calls/auto").is_empty());
    for (arguments, why) in [
        (&["vars", "set", "nigth", "auto"][..], "did you mean `night`?"),
        (&["vars", "set", "night", "shut"], "one of auto, open, closed"),
        (&["vars", "set", "night", "open", "--until", "soon"], "time of day"),
        (&["fire", "nite"], "no rule is for a hook `nite`"),
    ] {
        let said = world.cli(arguments);
        assert!(said.code == Some(1) && said.err.contains(why), "{arguments:?}: {said:?}");
    }
}

#[tokio::test]
async fn a_hook_is_closed_to_pages_and_junk() {
    let world = World::start(NIGHT).await;
    let page = world.operation("/api/v1/hooks/night").header("origin", "http://evil.example").json(&json!({}));
    assert_eq!(world.ask(page).await.status, 403);
    let deep = format!("{}1{}", "[".repeat(126), "]".repeat(126));
    let deep = world.operation("/api/v1/hooks/night").header("content-type", "application/json").body(deep);
    assert_eq!(world.ask(deep).await.status, 422);
    let large = world.operation("/api/v1/hooks/night").json(&json!({ "mode": "x".repeat(70_000) }));
    assert_eq!(world.ask(large).await.status, 413);
    assert_eq!(world.operate("/api/v1/hooks/other", json!({})).await.status, 404);
    // What no value of the var is ends in the record, not in the var.
    assert_eq!(world.operate("/api/v1/hooks/night", json!({ "mode": "maybe" })).await.status, 200);
    let outcome = world.wait_fate("button", "failed").await;
    let why = "`night` can't be set to \"maybe\": it may be `auto`, `open`, `closed`";
    assert_eq!(outcome["record"]["why"], why, "{outcome}");
}

#[tokio::test]
async fn one_var_for_each_conversation() {
    let world = World::start(NIGHT).await;
    for conversation in ["c1", "c2", "c1"] {
        world.deliver(&chat(conversation, "hi")).await;
        world.wait_idle().await;
    }
    assert_eq!((world.far.messages("c1").len(), world.far.messages("c2").len()), (1, 1));
    let listed = world.cli(&["vars", "list", "--per", "c1"]);
    assert!(listed.out.contains("greeted = \"yes\"") && listed.out.contains("night = \"auto\""), "{listed:?}");
}

#[tokio::test]
async fn a_limit_holds_over_kill_9_and_gives_way_to_the_next_of_its_route() {
    let rules = r#"
[[rule]]
name = "first two"
on = "call.ringing"
route = "r"
limit = { per = "call.from", max = 2, within = "1h" }
do = [{ http = { post = "FAR/first", json = { call = "{{ call.id }}" } } }]
[[rule]]
name = "others"
on = "call.ringing"
route = "r"
do = [{ http = { post = "FAR/others", json = { call = "{{ call.id }}" } } }]
"#;
    let mut world = World::start(rules).await;
    world.deliver(&ringing("2001", "one")).await;
    world.far.wait_acts("/first", 1).await;
    world.kill().await;
    world.restart().await;
    for call in ["two", "three"] {
        world.deliver(&ringing("2001", call)).await;
    }
    let mut elsewhere = ringing("2001", "elsewhere");
    elsewhere["content"]["from"] = "+16135550199".into();
    world.deliver(&elsewhere).await;
    let others = world.far.wait_acts("/others", 1).await;
    world.far.wait_acts("/first", 3).await;
    world.wait_idle().await;
    assert_eq!(others[0].json()["call"], "three");
    let verdicts: Vec<Value> = world.events().iter().map(|event| event["decision"]["verdicts"].clone()).collect();
    assert!(verdicts.iter().any(|verdicts| verdicts[0]["finding"]["failed"]["path"] == "limit"), "{verdicts:?}");
    let shown = world.cli(&["events"]).out;
    let why = "- first two: limit: at most 2 within 1h for each call.from, reached for \"+16135550142\"";
    assert_eq!(shown.matches(why).count(), 1, "{shown}");
}

#[tokio::test]
async fn the_clock_calls_a_rule_each_time_once_also_after_kill_9() {
    let rules = r#"
[[rule]]
name = "tick"
on = { every = "1s" }
do = [{ http = { post = "FAR/tick", json = { at = "{{ event.time }}" } } }]
"#;
    let mut world = World::start(rules).await;
    world.far.wait_acts("/tick", 2).await;
    world.kill().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = world.far.acts("/tick").len();
    world.restart().await;
    world.far.wait_acts("/tick", before + 3).await;
    let mut times: Vec<String> =
        world.far.acts("/tick").iter().map(|act| act.json()["at"].as_str().unwrap().to_owned()).collect();
    let count = times.len();
    times.sort();
    times.dedup();
    // A post whose answer the kill took away is never sent again; no time comes twice.
    assert_eq!(times.len(), count, "{times:?}");
}

const LOG: &str = r#"
[[rule]]
name = "night"
on = "call.ringing"
where = { call.endpoint = "2001" }
do = [{ redirect = { to = "2002" } }]
[[rule]]
name = "log"
on = "call.finished"
[[rule.do]]
http = { post = "FAR/log", json = { path = "{{ call.path }}", hops = "{{ call.hops }}", answered = "{{ call.answered }}", by = "{{ call.answered_by }}" } }
[[rule]]
name = "ends"
on = "call.ended"
do = [{ http = { post = "FAR/ends", json = { call = "{{ call.id }}" } } }]
[[rule]]
name = "our own"
on = "call.ended"
where = { event.own = true }
do = [{ http = { post = "FAR/own", json = { call = "{{ call.id }}" } } }]
"#;

#[tokio::test]
async fn a_whole_call_finishes_once_and_what_we_did_is_our_own() {
    let mut world = World::start(LOG).await;
    world.deliver(&tracked(ringing("2001", "a"), "t1")).await;
    world.far.wait_acts("/calls/a", 1).await;
    world.deliver(&tracked(ended("2001", "a", "redirected"), "t1")).await;
    world.deliver(&tracked(ringing("2002", "b"), "t1")).await;
    world.wait_idle().await;
    world.kill().await;
    world.restart().await;
    world.deliver(&tracked(in_state("2002", "b", "connected"), "t1")).await;
    world.deliver(&tracked(ended("2002", "b", "callerEnded"), "t1")).await;
    let logged = world.far.wait_acts("/log", 1).await;
    assert_eq!(
        logged[0].json(),
        json!({ "path": ["2001", "2002"], "hops": 1, "answered": true, "by": "2002" }),
        "the call as a whole"
    );
    let own = world.far.wait_acts("/own", 1).await;
    let ends = world.far.wait_acts("/ends", 1).await;
    tokio::time::sleep(ALONE).await;
    assert_eq!((own[0].json()["call"].as_str(), ends[0].json()["call"].as_str()), (Some("a"), Some("b")));
    for part in ["/own", "/ends", "/log"] {
        assert_eq!(world.far.acts(part).len(), 1, "{part}");
    }
}
