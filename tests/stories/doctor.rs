//! `switchhook doctor`: an installation is looked at without the network, and an account harmlessly.

use std::os::unix::fs::PermissionsExt;

use reqwest::Method;
use serde_json::{Value, json};
use switchhook::doctor::assumptions;
use switchhook::simulator::{Options, Variant};

use crate::api::Desk;
use crate::genuine::AFTER_HOURS;
use crate::harness::{CLIENT_SECRET, World};

/// A check of a report by its name.
fn checks<'a>(told: &'a Value, name: &str) -> Vec<&'a Value> {
    told["checks"].as_array().unwrap().iter().filter(|line| line["check"] == name).collect()
}

fn grade(told: &Value, name: &str) -> String {
    checks(told, name).iter().map(|line| line["grade"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

fn learnt<'a>(told: &'a Value, id: &str) -> &'a Value {
    let found = told["assumptions"].as_array().unwrap().iter().find(|one| one["id"] == id);
    found.unwrap_or_else(|| panic!("{id} is not in {told:#}"))
}

/// The lines that are the same on each machine.
fn plain(text: &str, world: &World) -> String {
    let (mut lines, mut skips) = (Vec::new(), false);
    let checks = text.split("\n\n").next().unwrap();
    for line in checks.lines().map(|line| line.replace(&world.path("").display().to_string(), "FOLDER/")) {
        // What to do stands below its check.
        if !line.starts_with(' ') {
            let word = line.split_whitespace().nth(1).unwrap();
            skips = ["version", "disk", "clock", "open", "systemd", "time"].contains(&word);
        }
        if !skips {
            lines.push(line.replace(&world.address().to_string(), "PUBLIC").replace(&world.admin_address(), "ADMIN"));
        }
    }
    lines.join("\n")
}

#[tokio::test]
async fn an_installation_is_looked_at_before_and_while_it_runs() {
    let mut world = World::new(AFTER_HOURS).await;
    world.write_settings();
    let file = world.path("switchhook.toml");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    let doctor = |world: &World, more: &[&str]| {
        world.cli_with(&[("CLOUDLINK_SECRET", CLIENT_SECRET)], &[&["doctor"], more].concat())
    };
    let before = doctor(&world, &[]);
    assert_eq!(before.code, Some(0), "{before:?}");
    insta::assert_snapshot!(plain(&before.out, &world), @r#"
    ok    settings      FOLDER/switchhook.toml holds together
    ok    secrets       0 in files of their own, 1 in the settings
    ok    rules         1, no findings
    ok    journal       there is none yet
    ok    state folder  FOLDER/state is not there yet and can be made
    ok    public port   PUBLIC is free
    ok    admin port    ADMIN is free
    ok    certificates  nothing needs https
    "#);
    assert!(!world.state_folder().exists(), "looking makes nothing");
    world.restart().await;
    let told: Value = serde_json::from_str(&doctor(&world, &["--json"]).out).unwrap();
    for port in ["public port", "admin port"] {
        let line = checks(&told, port)[0];
        assert!(line["grade"] == "ok" && line["says"].as_str().unwrap().contains("the running gateway's"), "{line}");
    }
    assert_eq!(grade(&told, "journal"), "ok");
}

#[tokio::test]
async fn what_is_wrong_is_told_with_what_to_do() {
    let world = World::new("[[rule]]\nname = \"x\"\non = \"call.rining\"\ndo = []\n").await;
    world.write_settings();
    let taken = std::net::TcpListener::bind(world.address()).unwrap();
    let secret = world.path("secret");
    std::fs::write(&secret, "0123456789abcdef0123456789abcdef").unwrap();
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o644)).unwrap();
    let file = world.path("switchhook.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let application = format!("id   = \"{}\"", crate::harness::APPLICATION);
    std::fs::write(&file, text.replace(&application, "id = { file = \"secret\" }")).unwrap();
    let said = world.cli_with(&[("CLOUDLINK_SECRET", CLIENT_SECRET)], &["doctor", "--json"]);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said.code, Some(1));
    let grades = ["settings", "secrets", "rules", "public port", "admin port"].map(|name| grade(&told, name));
    assert_eq!(grades, ["ok", "warn", "fail", "fail", "ok"], "{told:#}");
    for line in told["checks"].as_array().unwrap() {
        assert!(line["grade"] == "ok" || line["todo"].is_string(), "{line}");
    }
    assert!(!said.all().contains("0123456789abcdef"), "a secret is told nowhere");
    drop(taken);
    // Without its secret the gateway would not start; the rest is looked at all the same.
    let said = world.cli_with(&[], &["doctor"]);
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("CLOUDLINK_SECRET is not set") && said.out.contains("rules"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_asked_by_reading_alone() {
    let desk = Desk::start(Options::default()).await;
    let said = desk.run(&["doctor", "--live", "--json"]).await;
    let told: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    assert_eq!(grade(&told, "sign in"), "ok", "{told:#}");
    for id in ["bearer", "token-answer", "claims", "correlation", "subscription-list", "hosts", "pages", "site-fields"]
    {
        assert_eq!(learnt(&told, id)["held"], "yes", "{id}: {told:#}");
    }
    // The clock is compared with the Date of an answer: here they are one.
    let clocks = checks(&told, "clock");
    assert!(clocks.iter().any(|line| line["says"].as_str().unwrap().contains("agrees")), "{clocks:?}");
    let asked = desk.bench.control(Method::GET, "/books", Value::Null).await.1;
    let requests = asked["requests"].as_array().unwrap();
    let methods = requests.iter().filter(|one| !one["path"].as_str().unwrap().ends_with("/token"));
    let other: Vec<&Value> = methods.filter(|one| one["method"] != "GET").collect();
    assert!(requests.len() > 5 && other.is_empty(), "{other:?}");
    assert!(!said.all().contains("eyJ"), "{said:?}");
    // Everything that is told is in the list, once.
    let ids: Vec<&str> =
        told["assumptions"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    for (at, id) in ids.iter().enumerate() {
        assert!(assumptions::named(id).is_some() && !ids[..at].contains(id), "{id}");
    }
}

/// Under a variant the assumption that it breaks is not told as held.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_otherwise_is_told_so() {
    for (variant, id, held, words) in [
        (Variant::SubscriptionsArray, "subscription-list", "tolerated", "a bare array"),
        (Variant::SubscriptionsRefused, "subscription-list", "tolerated", "it answered 403"),
        (Variant::CorrelationAdopted, "correlation", "tolerated", "is adopted"),
        (Variant::PresenceShort, "presence-shape", "tolerated", "presences.aggregate"),
        (Variant::NextAbsolute, "pages", "tolerated", "a whole address"),
        (Variant::ClaimsTyped, "claims", "yes", "accountId"),
    ] {
        let desk = Desk::start(Options { variants: [variant].into_iter().collect(), ..Options::default() }).await;
        let said = desk.run(&["doctor", "--live", "--json"]).await;
        let told: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
        let one = learnt(&told, id);
        assert!(one["held"] == held && one["saw"].as_str().unwrap().contains(words), "{variant}: {one}");
    }
}

#[test]
fn every_variant_of_the_simulator_breaks_an_assumption_of_the_list() {
    let known: Vec<&str> = Variant::ALL.iter().map(|variant| variant.name()).collect();
    let listed: Vec<&str> = assumptions::ALL.iter().flat_map(|one| one.variants).copied().collect();
    let unknown: Vec<&&str> = listed.iter().filter(|name| !known.contains(name)).collect();
    let missing: Vec<&&str> = known.iter().filter(|name| !listed.contains(name)).collect();
    assert!(unknown.is_empty() && missing.is_empty(), "unknown: {unknown:?}; missing: {missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_something_is_done_only_when_it_is_wished_for_and_leaves_nothing() {
    let desk = Desk::start(Options::default()).await;
    let folder = desk.path("specs");
    let save = folder.to_str().unwrap().to_owned();
    let said = desk.run(&["doctor", "--live", "--connections", "--subscriptions", "--save", &save, "--json"]).await;
    let told: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    for id in ["subscription-answer", "subscription-routes", "subscription-expiry"] {
        assert_eq!(learnt(&told, id)["held"], "yes", "{told:#}");
    }
    let answer = learnt(&told, "connection-answer");
    assert!(
        answer["held"] == "yes" && !answer["saw"].as_str().unwrap().contains("://"),
        "the address is a secret: {answer}"
    );
    let left = desk.bench.api(Method::GET, "/subscriptions", Value::Null).await.1;
    assert!(left["_embedded"]["items"].as_array().is_none_or(Vec::is_empty), "{left}");
    let spec: Value = serde_json::from_slice(&std::fs::read(folder.join("admin.json")).unwrap()).unwrap();
    assert!(spec["paths"].is_object(), "{spec}");
    let usage = desk.run(&["doctor", "--connections"]).await;
    assert!(usage.code == Some(2) && usage.err.contains("--live"), "{usage:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_can_not_be_had_is_a_failure_with_what_to_do() {
    let desk = Desk::start(Options::default()).await;
    let url = desk.bench.running.api_url();
    crate::api::settings(&desk.path(""), &url, "not-the-secret");
    let said = desk.run(&["doctor", "--live", "--json"]).await;
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, grade(&told, "sign in")), (Some(1), "fail".to_owned()));
    assert_eq!(told["assumptions"], json!([]));
    assert!(!said.all().contains("not-the-secret"), "{said:?}");
}
