//! What it starts from, and what it makes of work that was left by rules of before.

use crate::genuine::AFTER_HOURS;
use crate::harness::letters::ringing;
use crate::harness::{World, command, until};

const RULES: &str = r#"
[[rule]]
name = "redirect"
on = "call.ringing"
deadline = "2m"
do = [{ redirect = { to = "4001" } }]
"#;
const OTHER: &str = "[[rule]]\nname = \"other\"\non = \"call.ended\"\ndo = [{ log = { message = \"over\" } }]\n";

#[tokio::test]
async fn it_starts_and_takes_what_comes_while_cloudlink_is_away() {
    let mut world = World::new(RULES).await;
    world.far.down().await;
    world.restart().await;
    world.deliver(&ringing("3001", "1")).await;
    let readiness = until("it says why", async || {
        let now = world.admin("/readyz").await.json();
        (!now["reasons"].as_array().unwrap().is_empty()).then_some(now)
    })
    .await;
    assert_eq!(readiness["ready"], true, "a load balancer should send to it: {readiness}");
    assert!(readiness["reasons"][0].as_str().unwrap().contains("no token from CloudLink"), "{readiness}");
    world.far.up().await;
    world.far.wait_acts("/calls/1", 1).await;
    world.wait_fate("redirect", "done").await;
    assert_eq!(world.admin("/readyz").await.json()["reasons"], serde_json::json!([]));
}

#[tokio::test]
async fn a_wrong_client_secret_is_told_and_not_tried_for_ever() {
    let world = World::new(RULES).await.variable("CLOUDLINK_SECRET", "wrong-client-secret").up().await;
    world.deliver(&ringing("3001", "1")).await;
    let failed = world.wait_fate("redirect", "failed").await;
    assert!(failed["record"]["why"].as_str().unwrap().contains("ClientSecretMismatch"), "{failed}");
    let readiness = world.admin("/readyz").await;
    assert!(readiness.body.contains("ClientSecretMismatch"), "{}", readiness.body);
    assert!(world.far.requests("/token").len() <= 3);
    assert!(!world.log().contains("wrong-client-secret") && !failed.to_string().contains("wrong-client-secret"));
}

#[tokio::test]
async fn a_store_that_is_not_its_own_is_left_alone() {
    for (what, content) in [
        ("no database", &b"this is no database, and longer than its head of a hundred bytes"[..]),
        ("cut off", b"SQLite format 3\0"),
    ] {
        let world = World::new(RULES).await;
        std::fs::create_dir(world.state_folder()).unwrap();
        let file = world.state_folder().join("journal.db");
        let content = content.repeat(50);
        std::fs::write(&file, &content).unwrap();
        assert_eq!(world.spawn().end().await.0, 3, "{what}: {}", world.log());
        assert!(world.log().contains("journal.db"), "{what}: {}", world.log());
        assert_eq!(std::fs::read(&file).unwrap(), content, "{what}");
    }
}

#[tokio::test]
async fn what_waits_goes_on_under_the_rules_that_began_it() {
    let mut world = World::new(RULES).await.more("[rules]\nwatch = false").up().await;
    world.far.when("PUT", "/calls/").answers(503);
    world.deliver(&ringing("3001", "1")).await;
    world.wait_fate("redirect", "retry").await;
    world.write_rules(&RULES.replace("4001", "4002"));
    let before = world.admin("/readyz").await.json()["rules"].clone();
    world.daemon().signal("HUP");
    until("others are in force", async || (world.admin("/readyz").await.json()["rules"] != before).then_some(())).await;
    world.far.calm();
    world.deliver(&ringing("3001", "2")).await;
    world.wait_idle().await;
    let to = |call: &str| world.far.acts(call).last().unwrap().json()["destination"].as_str().unwrap().to_owned();
    assert_eq!([to("/calls/1"), to("/calls/2")], ["4001", "4002"]);
}

#[tokio::test]
async fn what_had_begun_under_a_rule_that_is_gone_or_changed_is_abandoned_after_a_restart() {
    for rules in [OTHER.to_owned(), RULES.replace("4001", "4002")] {
        let mut world = World::start(RULES).await;
        world.far.when("PUT", "/calls/1").answers(503);
        world.deliver(&ringing("3001", "1")).await;
        world.wait_fate("redirect", "retry").await;
        world.kill().await;
        world.far.calm();
        let before = world.far.acts("/calls/1").len();
        world.write_rules(&rules);
        world.restart().await;
        let end = world.wait_fate("redirect", "abandoned").await;
        assert!(end["record"]["why"].as_str().unwrap().contains("its rule"), "{end}");
        world.wait_idle().await;
        assert_eq!(world.far.acts("/calls/1").len(), before, "it was not carried out");
    }
}

#[tokio::test]
async fn what_had_not_begun_is_planned_again_under_the_rules_of_now() {
    let mut world = World::start(RULES).await;
    world.far.down().await;
    world.deliver(&ringing("3001", "1")).await;
    world.kill().await;
    let begun = world.events()[0]["outcomes"].as_array().unwrap().len();
    world.write_rules(&RULES.replace("\"redirect\"", "\"renamed\"").replace("4001", "4002"));
    world.far.up().await;
    world.restart().await;
    assert_eq!(world.far.wait_acts("/calls/1", 1).await[0].json()["destination"], "4002");
    world.wait_fate("renamed", "done").await;
    world.wait_idle().await;
    let event = &world.events()[0];
    let abandoned = event["outcomes"].as_array().unwrap().iter().filter(|end| end["fate"] == "abandoned").count();
    assert_eq!(abandoned, usize::from(begun > 0), "{event}");
}

#[tokio::test]
async fn it_speaks_tls_where_it_has_a_certificate() {
    let tls = "tls = { cert = \"cert.pem\", key = \"key.pem\" }";
    let world = World::new(AFTER_HOURS).await.host("0.0.0.0").server(tls);
    let at = |name: &str| world.path(name).display().to_string();
    let (cert, key) = (at("cert.pem"), at("key.pem"));
    let made = command::run(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-keyout",
            &key,
            "-out",
            &cert,
        ],
    )
    .unwrap();
    assert_eq!(made.code, Some(0), "{made:?}");
    let mut daemon = world.spawn();
    let place = format!("127.0.0.1:{}", world.address().port());
    let arguments = ["s_client", "-quiet", "-connect", &place, "-CAfile", &cert, "-verify_return_error"];
    let request = b"GET /notify HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let said = until("it answers over TLS", async || {
        assert_eq!(daemon.ended(), None, "{}", world.log());
        command::run_with("openssl", &arguments, request).filter(|said| !said.out.is_empty())
    })
    .await;
    assert!(said.out.starts_with("HTTP/1.1 200"), "{said:?}");

    daemon.signal("TERM");
    assert_eq!(daemon.end().await.0, 0);
    std::fs::write(world.path("cert.pem"), "no certificate").unwrap();
    assert_eq!(world.spawn().end().await.0, 3);
    assert!(world.log().contains("cert.pem"), "{}", world.log());
}
