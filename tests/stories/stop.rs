//! Stopping, starting beside another, and putting other rules in force.

use std::time::{Duration, Instant};

use crate::harness::letters::ringing;
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
do = [{ http = { post = "FAR/ticket/{{ call.id }}" } }]
"#;

fn redirect_to(number: &str) -> String {
    RULES.replace("4001", number)
}

#[tokio::test]
async fn a_step_that_runs_is_finished_and_nothing_is_repeated() {
    for (signal, endpoint, path) in [("TERM", "3001", "/calls/1"), ("INT", "3002", "/ticket/1")] {
        let mut world = World::start(RULES).await;
        world.far.when("", path).hangs();
        world.deliver(&ringing(endpoint, "1")).await;
        world.far.wait_acts(path, 1).await;
        world.daemon().signal(signal);
        until("it is stopping", async || world.log().contains("stopping").then_some(())).await;
        assert_eq!(world.daemon().ended(), None, "it waits for the step");
        world.far.let_go();
        let (code, took) = world.daemon().end().await;
        assert!(code == 0 && took < Duration::from_secs(5), "ended with {code} after {took:?}");
        assert!(world.events().iter().all(|event| event["done"] == true));
        world.restart().await;
        world.deliver(&ringing(endpoint, "2")).await;
        world.far.wait_acts("/2", 1).await;
        assert_eq!(world.far.acts(path).len(), 1);
    }
}

#[tokio::test]
async fn a_step_that_hangs_is_not_waited_for_longer_than_ten_seconds() {
    let mut world = World::start(RULES).await;
    world.far.when("", "/ticket/1").hangs();
    world.deliver(&ringing("3002", "1")).await;
    world.far.wait_acts("/ticket/1", 1).await;
    let (code, took) = world.stop().await;
    assert!(code == 0 && took < Duration::from_secs(10), "ended with {code} after {took:?}");
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    let mut world = World::start(RULES).await;
    world.far.when("", "/ticket/1").hangs();
    world.deliver(&ringing("3002", "1")).await;
    world.far.wait_acts("/ticket/1", 1).await;
    world.daemon().signal("TERM");
    until("it is stopping", async || world.log().contains("stopping").then_some(())).await;
    let (code, took) = world.stop().await;
    assert!(code == 0 && took < Duration::from_secs(3), "ended with {code} after {took:?}");
}

#[tokio::test]
async fn a_signal_is_obeyed_as_soon_as_it_listens() {
    let mut world = World::new(RULES).await;
    for _ in 0..15 {
        world.restart().await;
        world.daemon().signal("HUP");
        assert_eq!(world.stop().await.0, 0);
    }
}

#[tokio::test]
async fn a_back_off_stays_journaled_and_is_taken_up_again() {
    let mut world = World::start(RULES).await;
    world.far.when("", "/calls/1").answers(503);
    world.far.when("", "/ticket/2").answers(503);
    world.deliver(&ringing("3001", "1")).await;
    world.deliver(&ringing("3002", "2")).await;
    for path in ["/calls/1", "/ticket/2"] {
        world.far.wait_acts(path, 2).await;
    }
    let (code, took) = world.stop().await;
    assert!(code == 0 && took < Duration::from_secs(4), "ended with {code} after {took:?}");
    for event in world.events() {
        let last = event["outcomes"].as_array().unwrap().last().unwrap();
        assert_eq!((&event["done"], &last["fate"]), (&false.into(), &"retry".into()), "{event}");
    }
    world.far.calm();
    world.restart().await;
    world.wait_fate("redirect", "done").await;
    world.wait_fate("ticket", "done").await;
}

#[tokio::test]
async fn while_it_drains_it_is_not_ready_but_takes_what_comes() {
    let mut world = World::new(RULES).await.server("drain = \"1s\"").up().await;
    assert_eq!(world.admin("/readyz").await.status, 200);
    world.daemon().signal("TERM");
    let readiness = until("it is not ready", async || {
        let answer = world.admin("/readyz").await;
        (answer.status == 503).then(|| answer.json())
    })
    .await;
    assert!(readiness["reasons"][0].as_str().unwrap().contains("stopping"), "{readiness}");
    assert_eq!(world.ask(world.request("GET", "/healthz")).await.status, 503);
    assert_eq!(world.admin("/livez").await.status, 200);
    world.deliver(&ringing("3001", "1")).await;
    world.far.wait_acts("/calls/1", 1).await;
    let (code, took) = world.daemon().end().await;
    assert!(code == 0 && took < Duration::from_secs(5), "ended with {code} after {took:?}");
    assert_eq!(world.events()[0]["done"], true);
}

#[tokio::test]
async fn it_does_not_start_on_a_state_folder_or_a_port_that_is_taken() {
    let world = World::start(RULES).await;
    let second = World::new(RULES).await.state(world.state_folder());
    assert_eq!(second.spawn().end().await.0, 3);
    assert!(second.log().contains("state"), "{}", second.log());

    let third = World::new(RULES).await;
    let _taken = std::net::TcpListener::bind(third.address()).unwrap();
    assert_eq!(third.spawn().end().await.0, 3);
    assert!(third.log().contains("port taken"), "{}", third.log());

    world.deliver(&ringing("3001", "1")).await;
    world.far.wait_acts("/calls/1", 1).await;
}

#[tokio::test]
async fn sighup_puts_good_rules_in_force_and_leaves_broken_ones_out() {
    let mut world = World::new(RULES).await.more("[rules]\nwatch = false").up().await;
    let first = world.admin("/readyz").await.json();

    world.write_rules("[[rule]]\nname = \"broken\"\non = \"call.rining\"\n");
    world.daemon().signal("HUP");
    let broken = until("the trouble shows", async || {
        let now = world.admin("/readyz").await.json();
        (now["reasons"].as_array().unwrap().len() == 1).then_some(now)
    })
    .await;
    assert_eq!((&broken["ready"], &broken["rules"]), (&true.into(), &first["rules"]));
    assert!(broken["reasons"][0].as_str().unwrap().contains("not in force"), "{broken}");
    assert!(world.admin("/metrics").await.body.contains("switchhook_rules_reload_failed 1"));
    assert!(world.log().contains("all.toml:3"), "the log says what is wrong and where: {}", world.log());
    world.deliver(&ringing("3001", "1")).await;
    assert_eq!(world.far.wait_acts("/calls/1", 1).await[0].json()["destination"], "4001");

    world.write_rules(&redirect_to("4002"));
    world.daemon().signal("HUP");
    let good = until("the good ones are in force", async || {
        let now = world.admin("/readyz").await.json();
        (now["rules"] != first["rules"]).then_some(now)
    })
    .await;
    assert_eq!((&good["ready"], &good["reasons"]), (&true.into(), &serde_json::json!([])));
    assert!(world.admin("/metrics").await.body.contains("switchhook_rules_reload_failed 0"));
    world.deliver(&ringing("3001", "2")).await;
    assert_eq!(world.far.wait_acts("/calls/2", 1).await[0].json()["destination"], "4002");
}

/// Ways in which files change: written in place, replaced, moved into a new folder, swapped as Kubernetes does.
fn change(world: &World, way: usize, rules: &str) {
    let (folder, rules) = (world.path("rules"), rules.replace("FAR", &world.far.url()));
    let replace = |name: &str, text: &str| {
        std::fs::write(world.path(".new"), text).unwrap();
        std::fs::rename(world.path(".new"), folder.join(name)).unwrap();
    };
    match way {
        0 => std::fs::write(folder.join("all.toml"), rules).unwrap(),
        1 => replace("all.toml", &rules),
        2 => {
            std::fs::create_dir(folder.join("more")).unwrap();
            std::fs::remove_file(folder.join("all.toml")).unwrap();
            replace("more/other.toml", &rules);
        }
        _ => {
            let version = folder.join(format!("..{way}"));
            std::fs::create_dir(&version).unwrap();
            std::fs::write(version.join("map.toml"), rules).unwrap();
            std::os::unix::fs::symlink(&version, folder.join("..tmp")).unwrap();
            std::fs::rename(folder.join("..tmp"), folder.join("..data")).unwrap();
            if way == 3 {
                std::os::unix::fs::symlink("..data/map.toml", folder.join("map.toml")).unwrap();
                std::fs::remove_file(folder.join("more/other.toml")).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_changed_file_takes_over_within_two_seconds_however_it_is_written() {
    let world = World::start(RULES).await;
    let mut before = world.admin("/readyz").await.json()["rules"].clone();
    for (way, to) in ["4002", "4003", "4004", "4005", "4006"].into_iter().enumerate() {
        let changed = Instant::now();
        change(&world, way, &redirect_to(to));
        before = until(&format!("other rules are in force, way {way}"), async || {
            let now = world.admin("/readyz").await.json()["rules"].clone();
            (now != before).then_some(now)
        })
        .await;
        assert!(changed.elapsed() < Duration::from_secs(2), "way {way} after {:?}", changed.elapsed());
        let call = format!("8{way}");
        world.deliver(&ringing("3001", &call)).await;
        let acts = world.far.wait_acts(&format!("/calls/{call}"), 1).await;
        assert_eq!(acts[0].json()["destination"], to, "way {way}");
    }
    assert_eq!(world.admin("/readyz").await.json()["reasons"], serde_json::json!([]));
}

#[tokio::test]
async fn a_reload_drops_no_event_and_each_is_decided_by_one_rule_set() {
    let mut world = World::new(RULES).await.more("[rules]\nwatch = false").up().await;
    for round in 0..10 {
        world.write_rules(&redirect_to(if round % 2 == 0 { "4002" } else { "4001" }));
        world.daemon().signal("HUP");
        for call in 0..10 {
            world.deliver(&ringing("3001", &format!("r{round}-{call}"))).await;
        }
    }
    let acts = world.far.wait_acts("/calls/r", 100).await;
    world.wait_idle().await;
    assert_eq!(acts.len(), 100);
    assert!(acts.iter().all(|seen| matches!(seen.json()["destination"].as_str(), Some("4001" | "4002"))));
}
