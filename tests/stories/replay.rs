//! What came once, once more: told without doing anything, or done.

use serde_json::{Value, json};

use crate::harness::letters::{aged, chat, in_state, ringing};
use crate::harness::{World, until};

const RULES: &str = r#"
[[rule]]
name = "redirect"
on = "call.ringing"
where = { call.endpoint = "3001" }
do = [{ redirect = { to = "4001" } }]
[[rule]]
name = "note"
on = ["call.ringing", "call.connected"]
[[rule.do]]
http = { put = "FAR/notes/{{ call.id }}/{{ event.kind }}" }
[[rule.do]]
log = { message = "noted" }
"#;

/// A call that rang and was answered, one that is still ringing, and a message that no rule is for.
async fn past(rules: &str) -> World {
    let world = World::start(rules).await;
    world.deliver(&ringing("3002", "1")).await;
    world.deliver(&in_state("3002", "1", "connected")).await;
    world.deliver(&ringing("3001", "2")).await;
    world.deliver(&chat("c-1", "hello?")).await;
    world.wait_idle().await;
    world
}

fn methods(world: &World, part: &str) -> Vec<String> {
    world.far.requests(part).into_iter().map(|seen| seen.method).collect()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn without_act_it_tells_and_does_nothing() {
    let mut world = past("").await;
    // The rules that were written since, and that no daemon has in force.
    world.stop().await;
    world.write_rules(RULES);
    let (events, seen) = (world.events(), world.far.acts("").len());
    let said = world.cli(&["replay", "--since", "2h"]);
    assert_eq!((said.code, &*said.err), (Some(0), ""));
    let times = regex::Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+").unwrap();
    let text = said.out.replace(&world.far.url(), "FAR");
    insta::assert_snapshot!(times.replace_all(&text, "TIME"), @r#"
    TIME  call.ringing  /2017-09-01/endpoints/3002/calls/1  #1
        +16135550142 calls 3002
        + note
          1  { http = { put = "FAR/notes/1/call.ringing" } }
          2  { log = { message = "noted", level = "info" } }
    TIME  call.connected  /2017-09-01/endpoints/3002/calls/1  #2
        +16135550142 calls 3002
        + note
          1  { http = { put = "FAR/notes/1/call.connected" } }
          2  { log = { message = "noted", level = "info" } }
    TIME  call.ringing  /2017-09-01/endpoints/3001/calls/2  #3
        +16135550142 calls 3001
        + redirect
          1  { redirect = { to = "4001" } }
        + note
          1  { http = { put = "FAR/notes/2/call.ringing" } }
          2  { log = { message = "noted", level = "info" } }
    4 event(s), 3 with rules that match, 4 run(s); nothing was done: --act asks the running gateway to
    "#);

    let said = world.cli(&["replay", "--since", "2h", "--json"]);
    let told = lines(&said.out);
    assert_eq!(told.len(), 4);
    let asks = json!({ "redirect": { "call": "/2017-09-01/endpoints/3001/calls/2", "to": "4001" } });
    assert_eq!((&told[2]["runs"][0]["rule"], &told[2]["runs"][0]["asks"]), (&json!("redirect"), &asks));
    assert_eq!((&told[3]["kind"], &told[3]["runs"]), (&json!("chat.message"), &json!([])));
    assert_eq!((world.events(), world.far.acts("").len()), (events, seen));
}

#[tokio::test]
async fn it_can_be_narrowed_and_says_what_it_does_not_understand() {
    let world = past(RULES).await;
    let count = |arguments: &[&str]| {
        let said = world.cli(&[&["replay", "--json"], arguments].concat());
        assert_eq!((said.code, &*said.err), (Some(0), ""), "{arguments:?}");
        let told = lines(&said.out);
        (told.len(), told.iter().map(|event| event["runs"].as_array().unwrap().len()).sum::<usize>())
    };
    assert_eq!(count(&["--since", "2h"]), (4, 4));
    assert_eq!(count(&["--since", "2h", "--kind", "call.ringing"]), (2, 3));
    assert_eq!(count(&["--since", "2h", "--rule", "redirect"]), (4, 1));
    assert_eq!(count(&["--since", "2h", "--rule", "redirect", "--rule", "note"]), (4, 4));
    assert_eq!(count(&["--since", "2h", "--until", "1h"]), (0, 0));
    assert_eq!(count(&["--since", "2020-01-01T10:00", "--until", "2099-01-01 10:00"]), (4, 4));
    assert_eq!(count(&["--since", "2020-01-01T10:00:00Z", "--until", "2020-01-02T10:00:00+02:00"]), (0, 0));
    for (wrong, why) in [
        (&["--since", "yesterday"][..], "--since: `yesterday` is no time"),
        (&["--since", "2h", "--until", "5"], "--until: `5` is no time"),
        (&["--since", "2h", "--kind", "call.rining"], "`call.rining` is no kind"),
        (&["--since", "2h", "--rule", "redirct"], "there is no rule `redirct`"),
        (&[], "--since"),
    ] {
        let said = world.cli(&[&["replay"], wrong].concat());
        assert!(said.code == Some(2) && said.err.contains(why) && said.out.is_empty(), "{said:?}");
    }
}

#[tokio::test]
async fn with_act_it_is_done_and_a_call_is_looked_at_first() {
    let mut world = past("").await;
    world.write_rules(RULES);
    world.wait_log("other rules are in force").await;
    let said = world.cli(&["replay", "--since", "2h", "--act"]);
    assert_eq!((said.code, &*said.err), (Some(0), ""));
    assert!(said.out.starts_with("4 event(s), 3 with rules that match, 4 run(s); 3 replayed; "), "{}", said.out);
    world.far.wait_acts("/calls/2", 1).await;
    world.wait_idle().await;
    assert_eq!(methods(&world, "/calls/2"), ["GET", "PUT"]);
    assert_eq!(world.far.acts("/notes/").len(), 3);
    let events = world.events();
    assert_eq!(events.len(), 7);
    assert_eq!(events[4]["again"], json!({ "seq": 1, "rules": [] }));
    assert_eq!(
        (&events[6]["publication"], &events[6]["decision"]["kind"]),
        (&events[2]["publication"], &json!("call.ringing"))
    );
    let said = world.cli(&["events", "-n", "1"]);
    for words in ["call.ringing  /2017-09-01/endpoints/3001/calls/2", "+16135550142 calls 3001", "again: replay of #3"]
    {
        assert!(said.out.contains(words), "{words} is not in {}", said.out);
    }
    assert!(!said.out.contains("it comes once more"), "it is told already: {}", said.out);

    // Again, for one rule: what came again is not replayed, what it is about is.
    let said = world.cli(&["replay", "--since", "2h", "--rule", "redirect", "--act", "--json"]);
    assert_eq!(lines(&said.out), [json!({ "events": 4, "replayed": 1, "left_out": 0 })]);
    world.wait_idle().await;
    world.kill().await;
    world.restart().await;
    world.wait_idle().await;
    assert_eq!(world.far.acts("/notes/").len(), 3);
    let events = world.events();
    assert_eq!((events.len(), &events[7]["again"]), (8, &json!({ "seq": 3, "rules": ["redirect"] })));
    // It was redirected already: the look finds that.
    assert_eq!(events[7]["outcomes"].as_array().unwrap().last().unwrap()["fate"], "moved");
}

#[tokio::test]
async fn a_call_of_long_ago_is_looked_at_and_left_alone_when_it_is_over() {
    let world = World::start(RULES).await;
    world.deliver(&aged(ringing("3001", "1"), std::time::Duration::from_hours(1))).await;
    world.wait_fate("redirect", "expired").await;
    world.far.take_call("1");
    assert_eq!(world.cli(&["replay", "--since", "2h", "--rule", "redirect", "--act"]).code, Some(0));
    world.wait_fate("redirect", "moved").await;
    assert_eq!(methods(&world, "/calls/1"), ["GET"]);
}

#[tokio::test]
async fn what_is_done_is_what_was_shown() {
    let mut world = past(RULES).await;
    world.write_rules(&RULES.replace("4001", "{{ broken"));
    let broken = world.cli(&["replay", "--since", "2h", "--act"]);
    assert_eq!(broken.code, Some(1), "{broken:?}");
    world.wait_log("do not hold together").await;
    world.stop().await;
    world.write_rules(RULES);
    let said = world.cli(&["replay", "--since", "2h", "--act"]);
    assert!(said.code == Some(1) && said.err.contains("no gateway answers on 127.0.0.1:"), "{said:?}");
    assert_eq!(world.events().len(), 4);
}

#[tokio::test]
async fn the_listener_takes_only_what_makes_sense() {
    let world = past(RULES).await;
    let unknown = world.operate("/api/v1/replay", json!({ "seqs": [1], "rules": ["redirct"] })).await;
    assert_eq!((unknown.status, &unknown.json()["detail"]), (422, &json!("no rule `redirct` is in force")));
    let many: Vec<u64> = (1..=10_001).collect();
    assert_eq!(world.operate("/api/v1/replay", json!({ "seqs": many })).await.status, 422);
    let gone = world.operate("/api/v1/replay", json!({ "seqs": [99, 3, 3, 0, u64::MAX] })).await.json();
    assert_eq!((&gone["replayed"], &gone["left_out"]), (&json!(1), &json!(3)));
    until("it is done", async || (world.events().len() == 5).then_some(())).await;
    world.wait_idle().await;
    let own = world.operate("/api/v1/replay", json!({ "seqs": [5] })).await.json();
    assert_eq!((&own["replayed"], &own["left_out"]), (&json!(0), &json!(1)));
    assert_eq!(world.events().len(), 5);
}

#[tokio::test]
async fn many_are_taken_in_pages_and_no_more_than_ten_thousand_at_once() {
    let rules = "[[rule]]\nname = \"note\"\non = \"call.ringing\"\nwhere = { call.endpoint = \"3001\" }\n\
                 do = [{ log = { message = \"{{ call.id }}\", level = \"debug\" } }]\n";
    let mut world = World::start("").await;
    let endpoint = |n: usize| if n < 1_500 { "3001" } else { "3002" };
    let all: Vec<Value> = (0..10_001).map(|n| ringing(endpoint(n), &n.to_string())).collect();
    for some in all.chunks(1_000) {
        world.deliver(&some.into()).await;
    }
    world.wait_idle().await;
    world.write_rules(rules);
    world.wait_log("other rules are in force").await;
    let said = world.cli(&["replay", "--since", "2h", "--json"]);
    assert_eq!((said.code, lines(&said.out).len()), (Some(0), 10_000));
    assert!(said.err.starts_with("more than 10000 events at once: those from "), "{}", said.err);
    let said = world.cli(&["replay", "--since", "2h", "--act"]);
    assert!(
        said.out.starts_with("10000 event(s), 1500 with rules that match, 1500 run(s); 1500 replayed; "),
        "{said:?}"
    );
    until("they are done", async || {
        let text = world.admin("/metrics").await.body;
        text.lines().any(|line| line == "switchhook_runs_total{fate=\"done\"} 1500").then_some(())
    })
    .await;
    assert_eq!(world.stop().await.0, 0);
}
