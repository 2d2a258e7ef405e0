//! Settings and rules that do not hold together are told whole, at the desk and at the start; secrets are told nowhere.

use crate::genuine::AFTER_HOURS;
use crate::harness::letters::{ringing, sign};
use crate::harness::{APPLICATION, CLIENT_SECRET, PROGRAM, World, command};

const BAD_RULES: &str = r#"
[[rule]]
name = "first"
on = "call.rining"
do = [{ redirect = { to = "4001" } }]

[[rule]]
name = "second"
on = "call.ringing"
where = { call.form = "1", call.endpoint = 3001 }
while_open = "recepton"
do = [{ redirct = { to = "{{ call.from" } }]
"#;

#[tokio::test]
async fn every_mistake_in_the_settings_is_told_in_one_run() {
    let more = r#"
[rules]
wach = true
[locale]
timezone = "America/Torronto"
[[credential]]
name = "crm"
base = "ftp://crm.example.com"
bearer = { env = "CRM_TOKEN" }
[loacle]
"#;
    let world = World::new(AFTER_HOURS).await.server("max_body = \"1 megabyte\"\ndrain = \"5\"").more(more);
    assert_eq!(world.spawn().end().await.0, 2);
    let (file, log) = (world.path("switchhook.toml").display().to_string(), world.log());
    let text = std::fs::read_to_string(&file).unwrap();
    for (written, key, remedy) in [
        ("1 megabyte", "server.max_body", "expected a size such as 1048576, 1MiB or 4GiB"),
        ("drain", "server.drain", "has no unit: write 5ms, 5s"),
        ("wach", "rules.wach", "did you mean `watch`?"),
        ("Torronto", "locale.timezone", "did you mean `America/Toronto`?"),
        ("ftp:", "credential[0].base", "must begin with https:// or http://"),
        ("CRM_TOKEN", "credential[0].bearer", "the environment variable CRM_TOKEN is not set"),
        ("loacle", "loacle", "did you mean `locale`?"),
    ] {
        let line = 1 + text.lines().position(|line| line.contains(written)).unwrap();
        let told = log.lines().find(|told| told.contains(&format!("{file}:{line}: {key}: ")));
        assert!(told.is_some_and(|told| told.contains(remedy)), "{key} with its line and remedy is not in\n{log}");
    }
    assert!(!world.state_folder().exists(), "nothing was begun");
    let said = world.cli(&["check"]);
    assert_eq!((said.code, &*said.out), (Some(2), ""));
    assert!(
        said.err.contains("loacle") && !said.err.contains("CRM_TOKEN"),
        "at the desk there are no secrets: {said:?}"
    );
}

#[tokio::test]
async fn every_mistake_in_the_rules_is_told_with_file_and_line() {
    let world = World::new(BAD_RULES).await;
    let at_start = world.spawn().end().await.0;
    let said = world.cli(&["check"]);
    assert_eq!((at_start, said.code), (1, Some(1)));
    for output in [&world.log(), &said.out] {
        for (line, words) in
            [(4, "call.ringing"), (10, "call.from"), (10, "\"3001\""), (11, "recepton"), (12, "redirect")]
        {
            assert!(output.contains(&format!("all.toml:{line}:")), "line {line} is not in\n{output}");
            assert!(output.contains(words), "{words} is not in\n{output}");
        }
    }
    let json = world.cli(&["check", "--json"]);
    let findings: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert!(json.code == Some(1) && findings.to_string().contains("call.rining"), "{findings}");
}

#[tokio::test]
async fn a_file_or_a_folder_and_the_environment_overrides() {
    let mut world = World::new(AFTER_HOURS).await.variable("SWITCHHOOK__SERVER__PATH", "/in/here");
    let other = format!("127.0.0.1:{}", crate::harness::port());
    world = world.variable("SWITCHHOOK__ADMIN__LISTEN", &other);
    let mut daemon = world.spawn();
    let body = ringing("3001", "1").to_string();
    let url = world.url("/in/here");
    crate::harness::until("it listens there", async || {
        assert_eq!(daemon.ended(), None);
        let post = daemon.request("POST", &url).header("x-notify-signature", sign(APPLICATION, body.as_bytes()));
        (post.body(body.clone()).send().await.ok()?.status() == 200).then_some(())
    })
    .await;
    world.far.wait_acts("/calls/1", 1).await;
    let ready = daemon.request("GET", &format!("http://{other}/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), 200);
    daemon.signal("TERM");
    assert_eq!(daemon.end().await.0, 0);

    let file = world.path("switchhook.toml").display().to_string();
    assert_eq!(command::run(PROGRAM, &["check", "--config", &file]).unwrap().code, Some(0));
    assert_eq!(command::run(PROGRAM, &["check", "--config", "/nowhere"]).unwrap().code, Some(2));
    assert_eq!(command::run(PROGRAM, &["run", "--confg", &file]).unwrap().code, Some(2));
    let version = command::run(PROGRAM, &["--version"]).unwrap();
    assert_eq!((version.code, &*version.out), (Some(0), "switchhook 0.1.0\n"));
}

#[tokio::test]
async fn it_does_not_listen_beyond_loopback_without_protection() {
    let world = World::new(AFTER_HOURS).await.host("0.0.0.0");
    assert_eq!(world.spawn().end().await.0, 2);
    assert!(world.log().contains("behind_proxy = true"), "{}", world.log());
    let world = World::new(AFTER_HOURS).await.host("0.0.0.0").server("behind_proxy = true").up().await;
    world.deliver(&ringing("3001", "1")).await;

    let admin = |world: World| world.variable("SWITCHHOOK__ADMIN__LISTEN", "0.0.0.0:9");
    let world = admin(World::new(AFTER_HOURS).await);
    assert_eq!(world.spawn().end().await.0, 2);
    assert!(world.log().contains("admin.token: is missing"), "{}", world.log());
}

/// All secrets from files and variables, everything logged, every face asked: none of them shows.
#[tokio::test]
async fn a_secret_shows_nowhere() {
    const CRM: &str = "t0ken-of-the-crm-in-a-file";
    const NEXT: &str = "0c7d2a90-0000-4000-8000-00000000000a";
    const ADMIN: &str = "t0ken-of-the-admin-listener";
    let rules = format!(
        "{AFTER_HOURS}{}",
        r#"
[[rule]]
name = "card"
on = "call.ringing"
where = { call.endpoint = "3001" }
[[rule.do]]
http = { get = "/contacts/{{ call.id }}", credential = "crm" }
as = "contact"
[[rule.do]]
log = { message = "{{ contact.body }} {{ contact.status }}" }
"#
    );
    let more = r#"
[[application]]
name = "next"
id = { file = "secrets/next" }
[[credential]]
name = "crm"
base = "FAR/crm"
bearer = { file = "secrets/crm" }
"#;
    let mut world = World::new(&rules).await.more(more).variable("SWITCHHOOK_LOG", "trace");
    world = world.variable("SWITCHHOOK__ADMIN__TOKEN", ADMIN);
    std::fs::create_dir(world.path("secrets")).unwrap();
    std::fs::write(world.path("secrets/next"), format!("{NEXT}\n")).unwrap();
    std::fs::write(world.path("secrets/crm"), CRM).unwrap();
    world.restart().await;

    let body = ringing("3001", "1").to_string();
    let post = world.request("POST", "/notify/next").header("x-notify-signature", sign(NEXT, body.as_bytes()));
    assert_eq!(world.ask(post.body(body)).await.status, 200);
    world.wait_fate("card", "done").await;
    let crm = &world.far.requests("/crm/contacts/1")[0];
    assert_eq!(crm.headers["authorization"], format!("Bearer {CRM}"));
    world.far.when("PUT", "/calls/2").answers(400);
    world.far.when("GET", "/contacts/2").answers(403);
    world.deliver(&ringing("3001", "2")).await;
    world.wait_idle().await;

    assert_eq!(world.admin("/metrics").await.status, 401);
    let metrics = world.admin_with("/metrics", ADMIN).await;
    assert_eq!(metrics.status, 200);
    let faces = [
        metrics.body,
        world.admin("/readyz").await.body,
        world.cli(&["events"]).all(),
        world.cli(&["events", "--json"]).all(),
        world.cli(&["check"]).all(),
        world.cli(&["status"]).all(),
    ];
    assert_eq!(world.stop().await.0, 0);
    for secret in [APPLICATION, NEXT, CLIENT_SECRET, CRM, ADMIN, "token-of-the-far-side-1"] {
        for face in &faces {
            assert!(!face.contains(secret), "{secret} shows in {face}");
        }
        let log = world.log();
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} shows in the log");
        for file in std::fs::read_dir(world.state_folder()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(
                !bytes.windows(secret.len()).any(|part| part == secret.as_bytes()),
                "{secret} is in the state folder"
            );
        }
    }
}
