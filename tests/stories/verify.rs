//! A captured request is looked into at the desk: what `switchhook verify` says, and that the gateway agrees.

use serde_json::Value;

use crate::genuine::AFTER_HOURS;
use crate::harness::{APPLICATION, World, command, letters};

/// What openssl makes of a body.
fn by_openssl(algorithm: &str, key: &str, body: &[u8], more: &[&str]) -> String {
    let said = command::run_with("openssl", &[&["dgst", algorithm, "-hmac", key][..], more].concat(), body).unwrap();
    said.out.split_whitespace().next().unwrap().to_owned()
}

fn capture(signature: &str, body: &str) -> String {
    format!(
        "POST /notify HTTP/1.1\r\nhost: hooks.example.com\r\nX-Notify-Signature: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A world with its settings written, not started.
async fn desk() -> World {
    let world = World::new(AFTER_HOURS).await;
    world.write_settings();
    world
}

fn verify(world: &World, capture: &str, more: &[&str]) -> command::Said {
    let file = world.path("captured");
    std::fs::write(&file, capture).unwrap();
    world.cli(&[&["verify", file.to_str().unwrap()][..], more].concat())
}

#[tokio::test]
async fn what_the_gateway_takes_is_called_accepted() {
    let world = World::start(AFTER_HOURS).await;
    let body = letters::real();
    let signature = by_openssl("-sha256", APPLICATION, body.as_bytes(), &["-r"]);
    let said = verify(&world, &capture(&signature, &body), &[]);
    assert_eq!((said.code, &*said.err), (Some(0), ""), "{said:?}");
    assert!(said.out.contains("lower-case hex") && said.out.contains("the key of `main`"), "{said:?}");
    let post = world.request("POST", "/notify").header("x-notify-signature", &signature).body(body.clone());
    assert_eq!(world.ask(post).await.status, 200, "the gateway agrees");
    let signature = by_openssl("-sha256", APPLICATION, format!("{body}\n").as_bytes(), &["-r"]);
    let said = verify(&world, &capture(&signature, &body), &["--json"]);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        (said.code, &told["status"], &told["fit"]["application"]),
        (Some(1), &Value::from(401), &Value::from("main"))
    );
    let post = world.request("POST", "/notify").header("x-notify-signature", &signature).body(body);
    assert_eq!(world.ask(post).await.status, 401, "the gateway agrees");
}

#[tokio::test]
async fn what_people_read() {
    let world = desk().await;
    let body = r#"{"publicationId":"p1"}"#;
    let by = |key: &str, body: &str| by_openssl("-sha256", key, body.as_bytes(), &["-r"]);
    let of = |signature: &str| {
        let said = verify(&world, &capture(signature, body), &[]);
        format!("{}\nexit code {}", said.out.trim_end(), said.code.unwrap())
    };
    insta::assert_snapshot!(of("eBYjlN8S/u9s7dlZQwaXYjIeL2HkyxkvQlQ4ECW0+KI="), @r#"
    the gateway accepts it (200): a publication, by the key of `main`
      signature: X-Notify-Signature, base64
      made as:   HMAC-SHA256 of the body as it is, keyed by the id as given
    exit code 0
    "#);
    insta::assert_snapshot!(of(&by(&APPLICATION.replace('-', ""), body)), @r#"
    the gateway refuses it (401), but the key of `main` fits in another way
      signature: X-Notify-Signature, lower-case hex
      made as:   HMAC-SHA256 of the body as it is, keyed by the id without dashes
      next:      write the id without dashes: [[application]] id must be exactly what the subscription has
    exit code 1
    "#);
    insta::assert_snapshot!(of(&by(APPLICATION, "{\"publicationId\": \"p1\"}")), @r#"
    the gateway refuses it (401), but the key of `main` fits in another way
      signature: X-Notify-Signature, lower-case hex
      made as:   HMAC-SHA256 of the body written anew with a space after , and :, keyed by the id as given
      next:      something read the JSON and wrote it anew after it was signed, the capture tool or a proxy: capture it once more where the bytes are whole: in front of everything that reads JSON, or on the gateway's own port; a proxy must pass bodies unchanged
    exit code 1
    "#);
    insta::assert_snapshot!(of(&by("another", body)), @r#"
    the gateway refuses it (401), and no key fits in any way that was tried
      tried:     1254 combinations; keys: main
      next:      is the applicationId of the subscription among the keys that were tried (main)? `switchhook api notifications GET /subscriptions` shows the subscriptions; another id goes to --key-file
      next:      a proxy or the capture tool may have changed the body in a way that was not tried: capture it once more where the bytes are whole: in front of everything that reads JSON, or on the gateway's own port
    exit code 1
    "#);
    insta::assert_snapshot!(of("0123456789…"), @r#"
    the gateway refuses it (401), and no key fits in any way that was tried
      next:      the value of X-Notify-Signature (11 characters) is cut off: the capture tool shortens what is long
    exit code 1
    "#);
    insta::assert_snapshot!(of(&by_openssl("-sha1", APPLICATION, body.as_bytes(), &["-r"])), @r#"
    the gateway refuses it (401), but the key of `main` fits in another way
      signature: X-Notify-Signature, lower-case hex
      made as:   HMAC-SHA1 of the body as it is, keyed by the id as given
      next:      it is made by another construction, which this version does not accept: please report it with this text, without ids and bodies
    exit code 1
    "#);
}

#[tokio::test]
async fn keys_come_from_the_settings_from_files_and_from_variables_never_from_the_command_line() {
    let world = desk().await;
    let body = r#"{"publicationId":"p1"}"#;
    let signature = by_openssl("-sha256", "another-application-id", body.as_bytes(), &["-r"]);
    let key = world.path("key");
    std::fs::write(&key, "another-application-id\n").unwrap();
    let with_file = verify(&world, &capture(&signature, body), &["--key-file", key.to_str().unwrap()]);
    assert_eq!(with_file.code, Some(0), "{with_file:?}");
    assert!(with_file.out.contains(&*format!("the key of `{}`", key.display())), "{with_file:?}");
    // A key needs no settings.
    let file = world.path("body");
    std::fs::write(&file, body).unwrap();
    let header = format!("X-Notify-Signature: {signature}");
    let program = crate::harness::PROGRAM;
    let alone = std::process::Command::new(program)
        .args(["verify", "--header", &header, "--key-env", "KEY", "--body"])
        .arg(&file)
        .current_dir(world.path("rules"))
        .env_clear()
        .env("KEY", "another-application-id")
        .output()
        .unwrap();
    let said = String::from_utf8(alone.stdout).unwrap();
    assert!(alone.status.code() == Some(0) && said.contains("the key of `KEY`"), "{said}");
    for all in [&with_file.all(), &said] {
        assert!(!all.contains("another-application-id") && !all.contains(APPLICATION), "{all}");
    }
}

#[tokio::test]
async fn bad_usage_is_told() {
    let world = desk().await;
    for (capture, more, words) in [
        ("HTTP/1.1 200 OK\n\n", &[][..], "this is an answer"),
        ("{}", &[], "JSON without headers"),
        ("a: b\n\n{}", &["--header", "nonsense"], "--header: write it as"),
        ("a: b\n\n{}", &["--key-env", "NOT_SET_ANYWHERE"], "NOT_SET_ANYWHERE is not set"),
        ("a: b\n\n{}", &["--key-file", "/nonexistent"], "can't read /nonexistent"),
    ] {
        let said = verify(&world, capture, more);
        assert!(said.code == Some(2) && said.out.is_empty() && said.err.contains(words), "{words}: {said:?}");
    }
    let stdin = command::run_with(
        crate::harness::PROGRAM,
        &["verify", "-", "--config", world.path("switchhook.toml").to_str().unwrap()],
        capture("00", "{}").as_bytes(),
    );
    assert_eq!(stdin.unwrap().code, Some(1));
}
