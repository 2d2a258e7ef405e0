//! What was given up is kept, told, tried again once, or thrown away.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::letters::{aged, chat, ringing};
use crate::harness::{APPLICATION, CLIENT_SECRET, World, command::Said, until};

const RULES: &str = r#"
[[rule]]
name = "redirect"
on = "call.ringing"
where = { call.endpoint = "3001" }
do = [{ redirect = { to = "4001" } }]
[[rule]]
name = "ticket"
on = "call.ringing"
where = { call.endpoint = "3002" }
[[rule.do]]
http = { get = "FAR/contacts?phone={{ call.from }}" }
as = "contact"
[[rule.do]]
http = { post = "FAR/ticket/{{ call.id }}", json = { title = "{{ contact.body.name }}" } }
"#;

/// A world in which the ticket of one call was refused for good, and one of another call was broken off by a kill.
async fn given_up() -> World {
    let mut world = World::start(RULES).await;
    world.far.when("POST", "/ticket/1").times(1).answers(422);
    world.deliver(&ringing("3002", "1")).await;
    world.wait_fate("ticket", "failed").await;
    world.far.when("POST", "/ticket/2").though_done().hangs();
    world.deliver(&ringing("3002", "2")).await;
    world.far.wait_acts("/ticket/2", 1).await;
    world.kill().await;
    world.far.let_go();
    world.restart().await;
    world.wait_fate("ticket", "unknown").await;
    world
}

fn letters(world: &World) -> Vec<Value> {
    let said = world.cli(&["dead", "list", "--json"]);
    assert_eq!((said.code, &*said.err), (Some(0), ""));
    said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Times, ports and ids of one run of a story, made the same for every run.
fn steady(said: &Said, world: &World) -> String {
    let text = said.all().replace(&world.far.url(), "FAR");
    let times = regex::Regex::new(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?").unwrap();
    let text = times.replace_all(&text, "TIME").into_owned();
    let spans = regex::Regex::new(r"\+\d+ ms, took \d+ ms").unwrap();
    let text = spans.replace_all(&text, "+N ms, took N ms").into_owned();
    regex::Regex::new(r"127\.0\.0\.1:\d+").unwrap().replace_all(&text, "ADMIN").into_owned()
}

async fn metric(world: &World, line: &str) {
    let text = world.admin("/metrics").await.body;
    assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
}

#[tokio::test]
async fn what_is_given_up_becomes_a_letter_with_a_figure_and_a_line_in_the_log() {
    let world = given_up().await;
    metric(&world, "switchhook_dead_letters_total 1").await;
    metric(&world, "switchhook_dead_letters_kept 2").await;
    let log = world.log();
    assert!(log.contains("given up; see `switchhook dead list`") && log.contains("ticket"), "{log}");
    let letters = letters(&world);
    let told: Vec<_> = letters.iter().map(|letter| (&letter["id"], &letter["rule"], &letter["fate"])).collect();
    let ticket = json!("ticket");
    assert_eq!(told, [(&json!(1), &ticket, &json!("failed")), (&json!(2), &ticket, &json!("unknown"))]);
    assert_eq!(letters[0]["request"]["http"]["body"]["json"]["title"], "Ada Example");
    assert_eq!(world.admin("/api/v1/dead").await.json(), json!({ "letters": letters, "more": false }));
    assert_eq!(world.admin("/api/v1/dead?after=1").await.json()["letters"], json!([letters[1]]));

    let said = world.cli(&["dead", "list"]);
    insta::assert_snapshot!(steady(&said, &world), @r#"
    1  TIME  ticket (http) failed: post 127.0.0.1/ticket/1: it answered 422
        call.ringing  /2017-09-01/endpoints/3002/calls/1  #1
        +16135550142 calls 3002
    2  TIME  ticket (http) unknown: the process ended before the answer came
        call.ringing  /2017-09-01/endpoints/3002/calls/2  #2
        +16135550142 calls 3002
    2 dead letter(s); `switchhook dead show|retry|discard` and their numbers, or --all
    "#);
    let said = world.cli(&["dead", "show", "2"]);
    insta::assert_snapshot!(steady(&said, &world), @r#"
    2  TIME  ticket (http) unknown: the process ended before the answer came
        call.ringing  /2017-09-01/endpoints/3002/calls/2  #2
        +16135550142 calls 3002

    it asked for: {"http":{"method":"POST","credential":null,"url":"FAR/ticket/2","body":{"json":{"title":"Ada Example"}}}}
    it is kept until TIME
    it may have been done: look there first; `dead retry` wants --again

    TIME  call.ringing  /2017-09-01/endpoints/3002/calls/2  #2 by main/main
        +16135550142 calls 3002
        - redirect: call.endpoint wants "3001", has "3002"
        + ticket: http get FAR/contacts?phone=%2B16135550142 done (+N ms, took N ms)
        + ticket: http post FAR/ticket/2 begun (+N ms, took N ms)
        + ticket: http post FAR/ticket/2 unknown: the process ended before the answer came (+N ms, took N ms)
    "#);
    let whole: Value = serde_json::from_str(&world.cli(&["dead", "show", "1", "--json"]).out).unwrap();
    assert_eq!((&whole["id"], &whole["event"]["seq"]), (&json!(1), &json!(1)));
    assert_eq!(world.cli(&["dead", "list", "--rule", "redirect"]).out, "no dead letters\n");
    let gone = world.cli(&["dead", "show", "9"]);
    assert_eq!((gone.code, gone.err.contains("there is no dead letter 9")), (Some(1), true));
    for said in [said, world.cli(&["dead", "show", "1", "--json"])] {
        assert!(!said.all().contains(APPLICATION) && !said.all().contains(CLIENT_SECRET));
    }
}

#[tokio::test]
async fn a_retry_goes_on_where_it_was_given_up_and_does_it_once() {
    let mut world = given_up().await;
    let looks = world.far.requests("/contacts").len();
    let said = world.cli(&["dead", "retry", "1"]);
    assert_eq!((said.code, &*said.all()), (Some(0), "1: ticket is tried again\n"));
    let acts = world.far.wait_acts("/ticket/1", 2).await;
    assert_eq!(acts[1].json()["title"], "Ada Example", "what the first step returned is still known");
    world.wait_idle().await;
    assert_eq!(world.far.requests("/contacts").len(), looks, "the first step was done");
    assert_eq!(letters(&world).len(), 1);

    let events = world.events();
    let again = events.last().unwrap();
    assert_eq!(again["again"], json!({ "letter": 1, "rule": "ticket" }));
    assert_eq!(again["publication"], events[0]["publication"]);
    assert_eq!(again["outcomes"].as_array().unwrap().last().unwrap()["fate"], "done");
    insta::assert_snapshot!(steady(&world.cli(&["events", "-n", "1"]), &world), @r#"
    TIME  call.ringing  /2017-09-01/endpoints/3002/calls/1  #3 by main/@switchhook
        +16135550142 calls 3002
        again: dead letter 1, ticket
        + ticket: http post FAR/ticket/1 begun (+N ms, took N ms)
        + ticket: http post FAR/ticket/1 done (+N ms, took N ms)
    "#);

    let said = world.cli(&["dead", "retry", "1"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("there is no dead letter 1 (any more)"), "{said:?}");
    world.kill().await;
    world.restart().await;
    world.wait_idle().await;
    assert_eq!(world.far.acts("/ticket/1").len(), 2);
}

#[tokio::test]
async fn many_retries_at_once_act_once() {
    let world = given_up().await;
    let answers = join_all((0..12).map(async |_| world.operate("/api/v1/dead/1/retry", json!({})).await.status)).await;
    assert!(answers.contains(&200) && answers.iter().all(|status| [200, 404].contains(status)), "{answers:?}");
    world.far.wait_acts("/ticket/1", 2).await;
    world.wait_idle().await;
    assert_eq!(world.far.acts("/ticket/1").len(), 2);
    assert_eq!(world.events().iter().filter(|event| event["again"].is_object()).count(), 1);
}

#[tokio::test]
async fn what_may_have_been_done_is_tried_again_only_if_that_is_said() {
    let world = given_up().await;
    let said = world.cli(&["dead", "retry", "--all"]);
    assert_eq!(said.code, Some(1));
    insta::assert_snapshot!(steady(&said, &world), @r#"
    1: ticket is tried again
    2: whether it was done is not known: trying it again may do it twice (say so with --again)
    "#);
    world.wait_idle().await;
    assert_eq!((letters(&world).len(), world.far.acts("/ticket/2").len()), (1, 1));
    assert_eq!(world.operate("/api/v1/dead/2/retry", json!({ "again": false })).await.status, 409);
    let said = world.cli(&["dead", "retry", "2", "--again"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    world.far.wait_acts("/ticket/2", 2).await;
    world.wait_idle().await;
    assert_eq!(letters(&world), Vec::<Value>::new());
}

#[tokio::test]
async fn a_retry_that_fails_is_a_letter_again_and_a_changed_rule_is_not_carried_out() {
    let world = given_up().await;
    world.far.when("POST", "/ticket/1").times(1).answers(400);
    world.cli(&["dead", "retry", "1"]);
    until("it is given up again", async || {
        let letters = letters(&world);
        (letters.len() == 2 && letters[1]["id"] == 3).then_some(())
    })
    .await;
    world.write_rules(&RULES.replace("/ticket/", "/desk/"));
    world.wait_log("other rules are in force").await;
    for (rules, why) in [(None, "its rule was changed since"), (Some("# none\n"), "its rule is gone")] {
        if let Some(rules) = rules {
            world.write_rules(rules);
            world.wait_log("there are no rules").await;
        }
        let said = world.cli(&["dead", "retry", "3"]);
        assert!(said.code == Some(1) && said.err.contains(why), "{said:?}");
    }
    world.write_rules(RULES);
    until("it is carried out", async || (world.cli(&["dead", "retry", "3"]).code == Some(0)).then_some(())).await;
    world.far.wait_acts("/ticket/1", 3).await;
    world.wait_idle().await;
    assert_eq!(letters(&world).len(), 1);
}

#[tokio::test]
async fn a_redirect_that_was_refused_is_looked_at_before_it_is_tried_again() {
    let world = World::start(RULES).await;
    for call in ["1", "2"] {
        world.far.when("PUT", &format!("/calls/{call}")).times(1).answers(400);
        world.deliver(&ringing("3001", call)).await;
        until("it is given up", async || (letters(&world).len() == call.parse::<usize>().unwrap()).then_some(())).await;
    }
    world.far.take_call("2");
    let said = world.cli(&["dead", "retry", "--all", "--rule", "redirect"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    world.wait_idle().await;
    let methods = |call: &str| -> Vec<String> {
        world.far.requests(&format!("/calls/{call}")).into_iter().map(|seen| seen.method).collect()
    };
    assert_eq!(
        (methods("1"), methods("2")),
        (vec!["PUT".into(), "GET".into(), "PUT".into()], vec!["PUT".into(), "GET".into()])
    );
    let fate = |event: &Value| event["outcomes"].as_array().unwrap().last().unwrap()["fate"].clone();
    assert_eq!(world.events()[2..].iter().map(fate).collect::<Vec<_>>(), ["done", "moved"]);
    // A call that was not redirected in time needs nobody.
    world.deliver(&aged(ringing("3001", "3"), std::time::Duration::from_mins(10))).await;
    world.wait_fate("redirect", "expired").await;
    assert_eq!(letters(&world), Vec::<Value>::new());
}

#[tokio::test]
async fn what_came_too_late_has_its_time_anew() {
    let rules = RULES
        .replace("where = { call.endpoint = \"3002\" }", "where = { call.endpoint = \"3002\" }\ndeadline = \"1s\"");
    let world = World::start(&rules).await;
    world.far.when("POST", "/ticket/1").answers(503);
    world.deliver(&ringing("3002", "1")).await;
    world.wait_fate("ticket", "expired").await;
    world.far.calm();
    assert_eq!(letters(&world)[0]["fate"], "expired");
    assert_eq!(world.cli(&["dead", "retry", "--all"]).code, Some(0));
    world.wait_fate("ticket", "done").await;
    let acts = world.far.acts("/ticket/1");
    assert_eq!(acts.iter().filter(|seen| seen.status == Some(200)).count(), 1, "{acts:?}");
    assert_eq!(letters(&world), Vec::<Value>::new());
}

#[tokio::test]
async fn what_never_had_its_turn_is_retried_with_what_its_matchers_bind() {
    let rules = r#"
[[rule]]
name = "order"
on = "chat.message"
where = { message.body = { regex = '^order (?<number>\d+)$' } }
deadline = "2s"
do = [{ http = { put = "FAR/orders/{{ number }}" } }]
"#;
    let world = World::start(rules).await;
    world.far.when("PUT", "/orders/1").hangs();
    world.deliver(&chat("c-1", "order 1")).await;
    world.far.wait_acts("/orders/1", 1).await;
    // Behind it in its lane, and late before its turn comes.
    world.deliver(&aged(chat("c-1", "order 2"), std::time::Duration::from_secs(1))).await;
    until("both are given up", async || (letters(&world).len() == 2).then_some(())).await;
    assert!(world.far.acts("/orders/2").is_empty());
    world.far.let_go();
    let letter = letters(&world).into_iter().find(|letter| letter["seq"] == 2).unwrap();
    assert_eq!(world.cli(&["dead", "retry", &letter["id"].to_string()]).code, Some(0));
    world.wait_fate("order", "done").await;
    assert_eq!(world.far.acts("/orders/2").len(), 1);
}

#[tokio::test]
async fn what_is_discarded_is_gone_and_was_not_done() {
    let world = given_up().await;
    for nobody in ["0", "7", "18446744073709551615"] {
        for what in ["retry", "discard"] {
            assert_eq!(
                world.operate(&format!("/api/v1/dead/{nobody}/{what}"), json!({})).await.status,
                404,
                "{nobody}"
            );
        }
    }
    let said = world.cli(&["dead", "discard", "2", "7"]);
    assert_eq!((said.code, &*said.out), (Some(1), "2: ticket is thrown away\n"));
    assert_eq!(said.err, "7: there is no dead letter 7 (any more)\n");
    assert_eq!(world.cli(&["dead", "discard", "--all", "--rule", "redirect"]).out, "no dead letters\n");
    let said = world.cli(&["dead", "discard", "--all"]);
    assert_eq!((said.code, &*said.all()), (Some(0), "1: ticket is thrown away\n"));
    metric(&world, "switchhook_dead_letters_kept 0").await;
    assert_eq!((world.far.acts("/ticket/").len(), world.events().len()), (2, 2));
}

#[tokio::test]
async fn a_page_in_a_browser_throws_nothing_away() {
    let world = given_up().await;
    let path = "/api/v1/dead/1/discard";
    let form = world.operation(path).header("content-type", "text/plain").body("{}");
    assert_eq!(world.ask(form).await.status, 415);
    for (header, value) in [("origin", "https://evil.example"), ("host", "evil.example:9180")] {
        let answer = world.ask(world.operation(path).header(header, value).json(&json!({}))).await;
        assert_eq!((answer.status, answer.header("content-type")), (403, "application/problem+json"), "{header}");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    let large = world.operation(path).header("content-type", "application/json").body("x".repeat(70_000));
    assert_eq!(world.ask(large).await.status, 413);
    assert_eq!(letters(&world).len(), 2);
}

#[tokio::test]
async fn without_a_gateway_it_says_so_and_lists_all_the_same() {
    let mut world = given_up().await;
    world.stop().await;
    assert_eq!(letters(&world).len(), 2);
    for what in ["retry", "discard"] {
        let said = world.cli(&["dead", what, "1"]);
        assert_eq!((said.code, &*said.out), (Some(1), ""));
        assert!(said.err.contains("no gateway answers on 127.0.0.1:"), "{}", said.err);
        assert!(said.err.contains("start it (`switchhook run`)"), "{}", said.err);
    }
    assert_eq!(letters(&world).len(), 2);
    for usage in [&["dead", "retry"][..], &["dead", "retry", "1", "--all"], &["dead", "discard", "1", "--rule", "x"]] {
        assert_eq!(world.cli(usage).code, Some(2), "{usage:?}");
    }
}

#[tokio::test]
async fn with_a_token_it_is_sent_and_without_it_nothing_is_done() {
    let secret = "a-token-of-the-stories";
    let world = World::new(RULES).await;
    std::fs::write(world.path("token"), secret).unwrap();
    let world = world.admin_lines("token = { file = \"token\" }").up().await;
    world.far.when("POST", "/ticket/1").times(1).answers(422);
    world.deliver(&ringing("3002", "1")).await;
    world.wait_fate("ticket", "failed").await;
    assert_eq!(world.operate("/api/v1/dead/1/discard", json!({})).await.status, 401);
    assert_eq!(world.admin("/api/v1/dead").await.status, 401);
    assert_eq!(world.admin_with("/api/v1/dead", secret).await.status, 200);
    let said = world.cli(&["dead", "discard", "1"]);
    assert_eq!((said.code, said.all().contains(secret)), (Some(0), false));
    std::fs::write(world.path("token"), "another").unwrap();
    let said = world.cli(&["dead", "discard", "1"]);
    assert!(said.code == Some(1) && said.err.contains("token missing or wrong"), "{said:?}");
    std::fs::remove_file(world.path("token")).unwrap();
    let said = world.cli(&["dead", "discard", "1"]);
    assert!(said.code == Some(2) && said.err.contains("admin.token"), "{said:?}");
}
