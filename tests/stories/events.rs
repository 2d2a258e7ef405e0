//! `switchhook events`: what came, what each rule made of it, what was done, and when; beside a daemon or without one.

use serde_json::json;

use crate::harness::letters::{chat, ringing};
use crate::harness::{APPLICATION, CLIENT_SECRET, World};

const RULES: &str = r#"
[[rule]]
name = "redirect"
on = "call.ringing"
where = { call.endpoint = "3001" }
do = [{ redirect = { to = "4001" } }]
[[rule]]
name = "elsewhere"
on = "call.ringing"
where = { call.endpoint = "3002" }
do = [{ redirect = { to = "4002" } }]
[[rule]]
name = "answer"
on = "chat.message"
dry_run = true
do = [{ reply = { text = "Good day." } }]
"#;

#[tokio::test]
async fn tells_of_verdicts_attempts_and_outcomes_while_it_runs_and_after() {
    let mut world = World::start(RULES).await;
    world.far.when("PUT", "/calls/1").times(1).answers(503);
    let publication = ringing("3001", "1");
    world.deliver(&publication).await;
    world.deliver(&chat("c-1", "hello?")).await;
    world.wait_fate("redirect", "done").await;
    world.wait_idle().await;

    let running = world.events();
    world.stop().await;
    assert_eq!(running, world.events(), "the same without a daemon");

    let event = &running[0];
    assert_eq!((&event["publication"], &event["done"]), (&publication, &json!(true)));
    assert_eq!((&event["verified_by"], &event["lane"]), (&json!("main/main"), &json!("main/call/3001/1")));
    assert_eq!(event["decision"]["kind"], "call.ringing");
    let failed = json!({ "failed": { "path": "call.endpoint", "wanted": "\"3002\"", "got": "\"3001\"" } });
    assert_eq!(
        event["decision"]["verdicts"],
        json!([{ "rule": "redirect", "finding": "matched" }, { "rule": "elsewhere", "finding": failed }])
    );
    let outcomes = event["outcomes"].as_array().unwrap();
    let fates: Vec<_> = outcomes.iter().map(|outcome| (&outcome["fate"], &outcome["record"]["attempt"])).collect();
    assert_eq!(fates, [(&json!("retry"), &json!(1)), (&json!("done"), &json!(2))]);
    let (first, second) = (&outcomes[0], &outcomes[1]);
    assert!(first["due"].is_string() && first["record"]["why"].as_str().unwrap().contains("503"), "{first}");
    let path = "/2017-09-01/endpoints/3001/calls/1";
    assert_eq!(second["record"]["request"], json!({ "redirect": { "call": path, "to": "4001" } }));
    assert_eq!(second["record"]["result"], json!({ "ok": true, "status": 200 }));

    let dry = &running[1]["outcomes"][0];
    assert_eq!((&dry["fate"], &dry["record"]["why"]), (&json!("dry_run"), &json!("dry run")));
    assert!(world.far.acts("/conversations/").is_empty());
}

#[tokio::test]
async fn people_read_rule_fate_and_times() {
    let world = World::start(RULES).await;
    world.far.take_call("2");
    for call in ["1", "2"] {
        world.deliver(&ringing("3001", call)).await;
    }
    world.wait_idle().await;
    let said = world.cli(&["events"]);
    assert_eq!((said.code, &*said.err), (Some(0), ""));
    for words in [
        "call.ringing  /2017-09-01/endpoints/3001/calls/1  #1 by main/main",
        "- elsewhere: call.endpoint wants \"3002\", has \"3001\"",
        "+ redirect: redirect to 4001 done (+",
        "+ redirect: redirect to 4001 moved: ",
        " ms, took ",
    ] {
        assert!(said.out.contains(words), "{words:?} is not in\n{}", said.out);
    }
    let newest = world.cli(&["events", "-n", "1"]);
    assert!(newest.out.contains("/calls/2") && !newest.out.contains("/calls/1"));
    for secret in [APPLICATION, CLIENT_SECRET, "token-of-the-far-side"] {
        assert!(!said.all().contains(secret) && !world.cli(&["events", "--json"]).all().contains(secret));
    }
}

#[tokio::test]
async fn a_publication_is_kept_without_what_must_never_be_stored() {
    let world = World::start(RULES).await;
    let mut publication = ringing("3001", "1");
    publication["content"]["sipPassword"] = "hunter2".into();
    publication["content"]["devices"] = json!([{ "sipPassword": "hunter2", "name": "desk" }]);
    world.deliver(&publication).await;
    world.wait_idle().await;
    assert!(!world.cli(&["events", "--json"]).all().contains("hunter2"));
    for file in std::fs::read_dir(world.state_folder()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(7).any(|bytes| bytes == b"hunter2"));
    }
    assert_eq!(world.events()[0]["publication"]["content"]["devices"][0]["name"], "desk");
}

#[tokio::test]
async fn without_a_journal_it_says_so_and_status_tells_whether_a_gateway_is_there() {
    let mut world = World::new(RULES).await;
    let said = world.cli(&["events"]);
    assert_eq!((said.code, &*said.out), (Some(3), ""));
    assert!(said.err.contains("the journal in"), "{}", said.err);
    assert_eq!(world.cli(&["status"]).code, Some(1));
    world.restart().await;
    let said = world.cli(&["status"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("\"ready\": true"), "{}", said.out);
}

#[tokio::test]
async fn follow_shows_each_event_when_it_is_done() {
    let world = World::start(RULES).await;
    world.deliver(&ringing("3001", "0")).await;
    world.wait_idle().await;
    let mut follower = world.follow();
    assert!(follower.line().await.contains("calls/0"), "first what is there");
    world.far.when("PUT", "/calls/1").hangs();
    world.deliver(&ringing("3001", "1")).await;
    world.far.wait_acts("/calls/1", 1).await;
    world.deliver(&ringing("3001", "2")).await;
    let first = follower.line().await;
    assert!(first.contains("calls/2") && first.contains("\"done\":true"), "{first}");
    world.far.let_go();
    let second = follower.line().await;
    assert!(second.contains("calls/1") && second.contains("\"fate\":\"done\""), "{second}");
}

#[tokio::test]
async fn the_figures_tell_the_same() {
    let world = World::start(RULES).await;
    let publication = ringing("3001", "1");
    world.deliver(&publication).await;
    world.deliver(&publication).await;
    world.far.take_call("2");
    world.deliver(&ringing("3001", "2")).await;
    world.ask(world.request("POST", "/notify").body("{}")).await;
    world.ask(world.signed("no JSON")).await;
    world.wait_idle().await;
    let text = world.admin("/metrics").await.body;
    for line in [
        "switchhook_publications_accepted_total 2",
        "switchhook_publications_known_total 1",
        "switchhook_requests_refused_total{reason=\"Signature\"} 1",
        "switchhook_requests_refused_total{reason=\"NotJson\"} 1",
        "switchhook_runs_total{fate=\"done\"} 1",
        "switchhook_runs_total{fate=\"moved\"} 1",
        "switchhook_reaction_seconds_count 2",
        "switchhook_journal_backlog 0",
        "switchhook_runs_open 0",
        "switchhook_journal_failing 0",
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    let token = text.lines().find_map(|line| line.strip_prefix("switchhook_token_seconds{account=\"main\"} ")).unwrap();
    assert!((3500..=3600).contains(&token.parse::<i32>().unwrap()), "{token}");
}
