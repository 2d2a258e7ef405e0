//! A genuine notification leads to exactly what the guide shows, whatever form the traps of the wire take.

use serde_json::{Value, json};

use crate::harness::{APPLICATION, World, command, letters};

/// Open one minute in four years: closed whenever a story is told.
pub(crate) const AFTER_HOURS: &str = r#"
[hours.leap]
open = "Feb 29 03:00-03:01"
timezone = "America/Toronto"
[[rule]]
name = "after hours"
on = "call.ringing"
where = { call.endpoint = "3001", call.direction = "inbound" }
while_closed = "leap"
do = [{ redirect = { to = "4001" } }]
"#;

/// What the far side saw of a call: one redirect to 4001, on its own path.
async fn redirected(world: &World, call: &str) {
    let acts = world.far.wait_acts(&format!("/calls/{call}"), 1).await;
    let (method, path) = (acts[0].method.as_str(), acts[0].path.as_str());
    assert_eq!((method, path), ("PUT", &*format!("/2017-09-01/endpoints/3001/calls/{call}")));
    assert_eq!(acts[0].text, r#"{"action":"redirect","destination":"4001"}"#);
}

#[tokio::test]
async fn the_real_payload_signed_by_openssl_is_redirected_as_the_guide_shows() {
    let world = World::start(AFTER_HOURS).await;
    let body = letters::real();
    let arguments = ["dgst", "-sha256", "-hmac", APPLICATION, "-hex", "-r"];
    let said = command::run_with("openssl", &arguments, body.as_bytes()).unwrap();
    let signature = said.out.split_whitespace().next().unwrap().to_owned();

    let post = world.request("POST", "/notify").header("x-notify-signature", &signature);
    let answer = world.ask(post.header("content-type", "application/json").body(body)).await;

    assert_eq!((answer.status, &*answer.body), (200, ""));
    redirected(&world, "48151623").await;
    world.wait_fate("after hours", "done").await;
    assert_eq!(world.far.acts("").len(), 1);
    let put = &world.far.acts("")[0];
    let token = put.headers["authorization"].to_str().unwrap();
    assert!(token.starts_with("Bearer token-of-the-far-side-") && token.ends_with("-1"), "{token}");
    assert_eq!(put.headers["content-type"], "application/json");
    assert!(put.headers.contains_key("x-mitel-correlation-id") && put.headers.contains_key("x-mitel-app"));
}

type Trap = (&'static str, fn(&mut Value));

#[tokio::test]
async fn the_traps_of_the_wire_mislead_nobody() {
    let world = World::start(AFTER_HOURS).await;
    let traps: [Trap; 10] = [
        ("callId is another path", |p| p["content"]["callId"] = "endpoints/9999/calls/1".into()),
        ("extraPbxData is a text", |p| {
            p["content"]["extraPbxData"] = json!({ "callTrackingID": "1#2" }).to_string().into();
        }),
        ("extraPbxData is no JSON", |p| p["content"]["extraPbxData"] = "callTrackingID=1#2".into()),
        ("the subject has no version", |p| {
            p["subject"] = p["subject"].as_str().unwrap().replace("/2017-09-01", "").into();
        }),
        ("the subject has the version of 2017", |p| {
            p["subject"] = p["subject"].as_str().unwrap().replace("/2017-09-01", "/api/2016-12-31").into();
        }),
        ("there is no link", |p| drop(p["content"].as_object_mut().unwrap().remove("_links"))),
        ("the link leads to another host", |p| {
            p["content"]["_links"]["self"] = "http://192.0.2.1/2017-09-01/endpoints/9/calls/9".into();
        }),
        ("the platform's deviceId is no phone", |p| p["content"]["deviceId"] = "3002".into()),
        ("the method is in small letters", |p| p["method"] = "put".into()),
        ("there are fields of tomorrow", |p| p["content"]["tomorrow"] = json!([{ "a": null }, 1.5e300])),
    ];
    for (number, (trap, set)) in traps.iter().enumerate() {
        let call = format!("50{number}");
        let mut publication = letters::ringing("3001", &call);
        set(&mut publication);
        world.deliver(&publication).await;
        redirected(&world, &call).await;
        assert_eq!(world.far.acts(&format!("/calls/{call}")).len(), 1, "{trap}");
    }
    assert_eq!(world.far.acts("").len(), traps.len(), "nothing else was done");
}

#[tokio::test]
async fn a_path_that_leads_elsewhere_is_not_followed() {
    let world = World::start(AFTER_HOURS).await;
    for (number, call) in
        ["..", "%2e%2e", "1%2f..%2f..%2fsubscriptions", "1?x=y", "1#x", "1\r\nx: y"].into_iter().enumerate()
    {
        let mut publication = letters::ringing("3001", &format!("5{number}"));
        publication["content"]["_links"]["self"] = format!("/2017-09-01/endpoints/3001/calls/{call}").into();
        world.deliver(&publication).await;
    }
    world.wait_idle().await;
    for put in world.far.acts("") {
        assert!(put.path.starts_with("/2017-09-01/endpoints/3001/calls/1%") && !put.path.contains('?'), "{put:?}");
    }
    let outcomes = world.events().into_iter().map(|event| event["outcomes"][0]["fate"].clone());
    assert_eq!(outcomes.filter(|fate| fate == "failed").count(), 3);
}

#[tokio::test]
async fn what_is_no_ringing_call_of_the_rule_is_left_alone() {
    let world = World::start(AFTER_HOURS).await;
    let mut outbound = letters::ringing("3001", "62");
    outbound["content"]["direction"] = "outbound".into();
    for other in [letters::ringing("3002", "60"), letters::in_state("3001", "61", "connected"), outbound] {
        world.deliver(&other).await;
    }
    world.deliver(&json!([])).await;
    world.deliver(&json!({ "content": "a publication without topic" })).await;
    world.wait_idle().await;
    assert!(world.far.acts("").is_empty());
}

#[tokio::test]
async fn a_state_that_comes_again_is_no_new_ringing_even_after_a_restart() {
    let mut world = World::start(AFTER_HOURS).await;
    world.deliver(&letters::ringing("3001", "70")).await;
    redirected(&world, "70").await;
    world.wait_idle().await;
    world.stop().await;
    world.restart().await;
    world.deliver(&letters::ringing("3001", "70")).await;
    world.wait_idle().await;
    assert_eq!(world.far.acts("").len(), 1);
    assert_eq!(world.events()[1]["decision"]["kind"], "call.updated");
}
