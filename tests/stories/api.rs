//! `switchhook api` asks any route of CloudLink, signed in: against the simulator, and against a far side of the story's own for
//! what the simulator does not do.

use std::sync::Arc;

use axum::Router;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use serde_json::{Value, json};
use switchhook::simulator::Options;

use crate::harness::command::{self, Said};
use crate::harness::{PROGRAM, port};
use crate::simulator::Bench;

/// A simulator and settings that lead to it.
pub(crate) struct Desk {
    pub(crate) bench: Bench,
    folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) async fn start(options: Options) -> Self {
        let bench = Bench::start(options).await;
        let folder = tempfile::tempdir().unwrap();
        settings(folder.path(), &bench.running.api_url(), "simulator");
        Self { bench, folder }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the program with these settings, beside this runtime, on which the simulator lives.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Said {
        run(self.folder.path(), arguments).await
    }
}

/// Settings of an account that lives at `url`.
pub(crate) fn settings(folder: &std::path::Path, url: &str, secret: &str) {
    let text = format!(
        "[[application]]\nname = \"main\"\nid = \"9f1c2b3a-0000-4000-8000-000000000001\"\n\
         [cloudlink]\naccount_id = \"10000495\"\nurls = {{ all = \"{url}\" }}\n\
         auth = {{ grant = \"client_credentials\", client_id = \"simulator\", client_secret = \"{secret}\" }}\n"
    );
    std::fs::write(folder.join("switchhook.toml"), text).unwrap();
}

async fn run(folder: &std::path::Path, arguments: &[&str]) -> Said {
    let (config, arguments) = (folder.display().to_string(), arguments.join("\u{1f}"));
    let run = move || {
        let arguments: Vec<&str> = arguments.split('\u{1f}').chain(["--config", &config]).collect();
        command::run(PROGRAM, &arguments).unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn json_of(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_looked_at_and_redirected_by_hand() {
    let desk = Desk::start(Options::default()).await;
    let call = desk.bench.ring("3001").await;
    let said = desk.run(&["api", "media", "GET", "/endpoints/3001/calls"]).await;
    assert_eq!((said.code, &*said.err), (Some(0), ""), "{said:?}");
    assert!(said.out.contains(&call) && said.out.lines().count() == 1, "piped JSON is compact: {said:?}");
    let path = format!("/2017-09-01/endpoints/3001/calls/{call}");
    let said = desk
        .run(&["api", "media", "put", &path, "--field", "action=redirect", "--raw-field", "destination=4001"])
        .await;
    assert_eq!((said.code, &*said.out), (Some(0), ""), "{said:?}");
    assert!(said.err.contains("202, accepted"), "{said:?}");
    let there = json_of(&desk.run(&["api", "media", "/endpoints/4001/calls"]).await);
    assert_eq!(there["_embedded"]["items"][0]["state"], "ringing", "{there}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_what_was_written() {
    let desk = Desk::start(Options::default()).await;
    let fields =
        ["originalParticipants[][type]=USER", "originalParticipants[][participantId]=u-1", "stream=true", "name=Night"];
    let mut arguments = vec!["api", "chat", "/conversations"];
    arguments.extend(fields.iter().flat_map(|field| ["-F", field]));
    let made = json_of(&desk.run(&arguments).await);
    let path = format!("/conversations/{}", made["conversationId"].as_str().unwrap());
    let read = json_of(&desk.run(&["api", "conversations", "GET", &path]).await);
    assert_eq!((&read["name"], &read["stream"]), (&json!("Night"), &json!(true)), "{read}");
    let body = desk.path("body.json");
    std::fs::write(&body, r#"{"body": "Good evening"}"#).unwrap();
    let messages = format!("{path}/messages");
    let said = desk.run(&["api", "chat", "POST", &messages, "--data", &format!("@{}", body.display())]).await;
    assert_eq!(json_of(&said)["body"], "Good evening");
    // What CloudLink does not know it refuses; its words come through.
    let said = desk.run(&["api", "chat", "POST", &messages, "--data", r#"{"body": "x", "nonsense": 1}"#]).await;
    assert!(said.code == Some(1) && said.out.contains("additional properties"), "{said:?}");
    assert!(said.err.contains("Chat API: 400 Bad Request") && said.err.contains("correlation id: "), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_path_is_called_so_and_its_token_is_not_shown() {
    let desk = Desk::start(Options::default()).await;
    let said = desk.run(&["api", "media", "GET", "/endponts/3001"]).await;
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("has no such route"), "{said:?}");
    assert!(!said.all().contains("eyJ") && said.out.contains("[secret]"), "{said:?}");
    let said = desk.run(&["api", "authentication", "GET", "/token", "--include"]).await;
    assert!(said.out.starts_with("200 OK\n") && said.out.contains("x-mitel-correlation-id: "), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_usage_ends_with_2_and_asks_nothing() {
    let desk = Desk::start(Options::default()).await;
    for (arguments, words) in [
        (&["medai", "GET", "/x"][..], "did you mean `media`?"),
        (&["media", "FETCH", "/x"], "METHOD is GET"),
        (&["media", "GET", "/x", "--data", "{}"], "a GET has no body"),
        (&["media", "POST", "/x", "--data", "{"], "is no JSON"),
        (&["media", "POST", "/x", "--data", "{}", "--field", "a=1"], "cannot be used with"),
        (&["media", "POST", "/x", "--field", "a"], "KEY=VALUE"),
        (&["media", "POST", "/x", "--paginate"], "--paginate is for GET"),
        (&["media", "/x", "--jsonl"], "--paginate"),
    ] {
        let said = desk.run(&[&["api"], arguments].concat()).await;
        assert!(said.code == Some(2) && said.out.is_empty() && said.err.contains(words), "{words}: {said:?}");
    }
    let asked = desk.bench.control(reqwest::Method::GET, "/books", Value::Null).await.1.to_string();
    assert!(!asked.contains("/x"), "{asked}");
}

/// A far side whose answers are made by hand.
async fn far() -> (String, tempfile::TempDir) {
    let token = || async {
        let token = json!({ "token_type": "bearer", "expires_in": 3600, "access_token": "tok-of-the-story", "scope": "read write" });
        (StatusCode::CREATED, axum::Json(token))
    };
    let who = || async { axum::Json(json!({ "accountId": "a-1", "principalId": "p-1" })) };
    let users = |Query(query): Query<Vec<(String, String)>>| async move {
        let skip = query.iter().find(|(key, _)| key == "$skip").map_or("0", |(_, value)| value).to_owned();
        let size = query.iter().find(|(key, _)| key == "$top").map_or("-", |(_, value)| value).to_owned();
        let page = |number: u32| json!([{ "userId": number, "top": size }]);
        match &*skip {
            "0" => Ok(axum::Json(
                json!({ "count": 1, "_embedded": { "items": page(1) }, "_links": { "next": "/v/accounts/a-1/users?$skip=1&$top=1" } }),
            )),
            "1" => Ok(axum::Json(
                json!({ "items": page(2), "_links": { "next": "/v/accounts/a-1/users?$skip=2&$top=1" } }),
            )),
            _ => Err((StatusCode::SERVICE_UNAVAILABLE, "later, tok-of-the-story")),
        }
    };
    let photo = || async { ([("content-type", "image/png")], b"\x89PNG\r\n\x1a\n\x00\xff".to_vec()) };
    let client = || async { axum::Json(json!({ "clientId": "c", "clientSecret": "s-1", "n": 1.50 })) };
    let echo = |headers: HeaderMap, Query(query): Query<Vec<(String, String)>>, body: String| async move {
        let authorization = headers["authorization"].to_str().unwrap().len();
        let kind = headers.get("content-type").map_or("", |kind| kind.to_str().unwrap());
        axum::Json(json!({ "query": query, "body": body, "authorization": authorization, "kind": kind }))
    };
    let routes = Router::new()
        .route("/v/token", post(token).get(who))
        .route("/v/accounts/a-1/users", get(users))
        .route("/v/users/p-1/photo", get(photo))
        .route("/v/clients", post(client))
        .route("/v/echo", get(echo).post(echo));
    let address = format!("127.0.0.1:{}", port());
    let listener = tokio::net::TcpListener::bind(&address).await.unwrap();
    serve(listener, Arc::new(routes));
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://{address}/v");
    settings(folder.path(), &url, "simulator");
    (url, folder)
}

#[expect(clippy::disallowed_methods, reason = "the far side of a story ends with its runtime")]
fn serve(listener: tokio::net::TcpListener, routes: Arc<Router>) {
    tokio::spawn(async move { axum::serve(listener, Router::clone(&routes)).await });
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_one_list_and_a_broken_list_says_so() {
    let (_url, folder) = far().await;
    let users = ["api", "admin", "/accounts/{account}/users", "--query", "$top=1", "--paginate"];
    let said = run(folder.path(), &users).await;
    assert_eq!(
        json_of(&said),
        json!([{ "userId": 1, "top": "1" }, { "userId": 2, "top": "1" }]),
        "what came is a list"
    );
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("not whole: 2 item(s)") && said.err.contains("503"), "{said:?}");
    assert!(!said.all().contains("tok-of-the-story"), "{said:?}");
    let lines = run(folder.path(), &[&users[..], &["--jsonl"]].concat()).await;
    assert_eq!(lines.out.lines().filter(|line| line.starts_with("{\"userId\":")).count(), 2, "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_stay_bytes_and_secrets_are_left_out() {
    let (_url, folder) = far().await;
    let file = folder.path().join("photo.png");
    let said = run(folder.path(), &["api", "media", "/users/{me}/photo", "--output", file.to_str().unwrap()]).await;
    assert_eq!((said.code, &*said.out), (Some(0), ""), "{said:?}");
    assert_eq!(std::fs::read(&file).unwrap(), b"\x89PNG\r\n\x1a\n\x00\xff");
    let said = run(folder.path(), &["api", "admin", "POST", "/clients"]).await;
    assert!(said.code == Some(0) && !said.out.contains("s-1") && said.err.contains("--show-secrets"), "{said:?}");
    let said = run(folder.path(), &["api", "admin", "POST", "/clients", "--show-secrets"]).await;
    assert!(said.out.contains("s-1") && said.err.is_empty(), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_keep_their_form() {
    let (_url, folder) = far().await;
    let said = run(
        folder.path(),
        &["api", "admin", "GET", "/echo?a=1", "-q", "$filter=name eq 'A&B'", "-F", "b=true", "-f", "c=07"],
    )
    .await;
    let query = json!([["a", "1"], ["$filter", "name eq 'A&B'"], ["b", "true"], ["c", "07"]]);
    assert_eq!((&json_of(&said)["query"], &json_of(&said)["body"]), (&query, &json!("")));
    // A body goes out as it was written, number by number.
    let said = run(folder.path(), &["api", "admin", "/echo", "POST"]).await;
    assert_eq!(said.code, Some(2), "the method comes first: {said:?}");
    let said = run(folder.path(), &["api", "admin", "POST", "/echo", "--data", r#"{ "n": 1.50 }"#]).await;
    assert_eq!(
        (&json_of(&said)["body"], &json_of(&said)["kind"]),
        (&json!(r#"{ "n": 1.50 }"#), &json!("application/json"))
    );
    let file = folder.path().join("note.txt");
    std::fs::write(&file, "no JSON").unwrap();
    let data = format!("@{}", file.display());
    let said =
        run(folder.path(), &["api", "admin", "POST", "/echo", "--data", &data, "--content-type", "text/plain"]).await;
    assert_eq!((&json_of(&said)["body"], &json_of(&said)["kind"]), (&json!("no JSON"), &json!("text/plain")));
}
