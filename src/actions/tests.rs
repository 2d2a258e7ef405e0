//! Every family against a far side that behaves, and misbehaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Actions, Attempt, Class, Credential, CredentialAuth, ErrorWord, Outcome, class, guarded_wire};
use crate::cloudlink::message_tag;
use crate::cloudlink::testing::{Far, Reply, Seen, client, nowhere, token_or};
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::secret::Secret;
use crate::kit::supervisor::Supervisor;
use crate::rules::request::{Asked, Body, CloudLinkRequest, Format, HttpRequest, LogLevel, Method, Request};

const SOON: Duration = Duration::from_secs(5);
const FIRST: Attempt<'_> = Attempt { account: "main", tag: "tag-1", look_first: false, timeout: SOON };
const AGAIN: Attempt<'_> = Attempt { look_first: true, ..FIRST };
const HURRIED: Attempt<'_> = Attempt { timeout: Duration::from_millis(200), ..FIRST };

fn actions_at(url: &str, credentials: Vec<Credential>) -> Actions {
    let accounts = [("main".into(), client(url))].into();
    let clock = Clock::manual("2026-02-03T08:15:00Z".parse().unwrap());
    Actions::new(accounts, credentials, guarded_wire(), clock, Chance::seeded(1), Supervisor::new().0).unwrap()
}

fn redirect() -> Request {
    Request::Redirect { call: "/2017-09-01/endpoints/3001/calls/1".into(), to: "4001".into() }
}

fn reply() -> Request {
    Request::Reply { conversation: "c1".into(), text: "Open from nine.".into(), format: Format::Text }
}

fn http(method: Method, url: &str) -> HttpRequest {
    HttpRequest { method, credential: None, url: url.into(), headers: vec![], body: None }
}

fn crm(base: &str, auth: CredentialAuth) -> Vec<Credential> {
    vec![Credential { name: "crm".into(), base: Secret::new(base), auth }]
}

fn with_credential(method: Method, url: &str) -> Request {
    Request::Http(HttpRequest { credential: Some("crm".into()), ..http(method, url) })
}

#[test]
fn every_request_has_its_class() {
    assert_eq!(class(&redirect()), Class::Repeat);
    assert_eq!(class(&reply()), Class::Check);
    assert_eq!(class(&Request::Log { level: LogLevel::Info, message: "x".into() }), Class::Repeat);
    for (method, wanted) in [
        (Method::Get, Class::Repeat),
        (Method::Put, Class::Repeat),
        (Method::Delete, Class::Repeat),
        (Method::Post, Class::Never),
        (Method::Patch, Class::Never),
    ] {
        assert_eq!(class(&Request::Http(http(method, "http://x/"))), wanted);
        let keyed = |value: &str| {
            let headers = vec![("idempotency-KEY".into(), value.into())];
            class(&Request::Http(HttpRequest { headers, ..http(method, "http://x/") }))
        };
        assert_eq!(keyed("k1"), Class::Repeat);
        assert_eq!(keyed(" "), wanted);
    }
}

/// A far side where the call's GET gives `look` and its PUT `put`.
async fn phone(look: fn() -> Reply, put: fn() -> Reply) -> (Far, Actions) {
    let far = Far::start(move |seen: &Seen| token_or(seen, || if seen.method == "GET" { look() } else { put() })).await;
    let actions = actions_at(&far.url, vec![]);
    (far, actions)
}

fn methods(far: &Far, part: &str) -> Vec<String> {
    far.seen(part).into_iter().map(|seen| seen.method).collect()
}

#[tokio::test]
async fn a_redirect_is_one_put() {
    let (far, actions) = phone(|| Reply::HangUp, || Reply::Json(202, json!({}))).await;
    let outcome = actions.perform(&redirect(), &FIRST).await;
    assert_eq!(outcome, Outcome::Done { result: json!({ "ok": true, "status": 202 }) });
    assert_eq!(methods(&far, "/calls/"), ["PUT"]);
}

#[tokio::test]
async fn a_redirect_looks_before_it_repeats() {
    let done: fn() -> Reply = || Reply::Json(200, json!({}));
    let ringing: fn() -> Reply = || Reply::Json(200, json!({ "state": "ringing" }));
    let talking: fn() -> Reply = || Reply::Json(200, json!({ "state": "connected" }));
    let gone: fn() -> Reply = || Reply::Json(404, json!({ "name": "CallNotFound" }));
    let broken: fn() -> Reply = || Reply::Json(500, json!({}));
    for (look, put, sent) in [
        (ringing, done, true),
        (broken, done, true),
        (|| Reply::HangUp, done, true),
        (talking, done, false),
        (gone, done, false),
    ] {
        let (far, actions) = phone(look, put).await;
        let outcome = actions.perform(&redirect(), &AGAIN).await;
        match &outcome {
            Outcome::Done { .. } => assert!(sent),
            Outcome::Moved { result, .. } => assert!(!sent && result["error"] == "moved" && result["ok"] == false),
            other => panic!("{other:?}"),
        }
        assert_eq!(methods(&far, "/calls/").contains(&"PUT".to_owned()), sent, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_redirects_failures() {
    let retry = |outcome: &Outcome| match outcome {
        Outcome::Retry { unknown, error, .. } => Some((*unknown, *error)),
        _ => None,
    };
    let look: fn() -> Reply = || Reply::HangUp;
    type Answer = fn() -> Reply;
    let cases: [(Answer, bool, ErrorWord); 4] = [
        (|| Reply::Json(503, json!({})), false, ErrorWord::Status),
        (|| Reply::Json(504, json!({})), true, ErrorWord::Timeout),
        (|| Reply::HangUp, true, ErrorWord::Connection),
        (|| Reply::After(SOON, Box::new(Reply::HangUp)), true, ErrorWord::Timeout),
    ];
    for (put, unknown, word) in cases {
        let (_far, actions) = phone(look, put).await;
        let outcome = actions.perform(&redirect(), &HURRIED).await;
        assert_eq!(retry(&outcome), Some((unknown, word)), "{outcome:?}");
    }
    let (_far, actions) = phone(look, || Reply::Json(404, json!({}))).await;
    assert!(matches!(actions.perform(&redirect(), &FIRST).await, Outcome::Moved { .. }));
    let (_far, actions) = phone(look, || Reply::Json(403, json!({ "message": "no" }))).await;
    assert!(matches!(actions.perform(&redirect(), &FIRST).await, Outcome::Failed { error: ErrorWord::Status, .. }));
    let outcome = actions.perform(&redirect(), &Attempt { account: "acme", ..FIRST }).await;
    assert!(matches!(outcome, Outcome::Failed { error: ErrorWord::Refused, .. }));
    let down = actions_at(&nowhere().await, vec![]).perform(&redirect(), &FIRST).await;
    assert_eq!(retry(&down), Some((false, ErrorWord::SignIn)), "{down:?}");
}

#[tokio::test]
async fn a_reply_carries_its_tag_and_is_found_by_it() {
    let far = Far::start(|seen: &Seen| {
        token_or(seen, || match seen.method.as_str() {
            "GET" => Reply::Json(
                200,
                json!({ "_embedded": { "items": [
                { "messageId": "m0", "tag": message_tag("tag-0") }, { "messageId": "m1", "tag": message_tag("tag-1") },
            ] } }),
            ),
            _ => Reply::Json(201, json!({ "messageId": "new" })),
        })
    })
    .await;
    let actions = actions_at(&far.url, vec![]);
    let outcome = actions.perform(&reply(), &FIRST).await;
    assert_eq!(outcome, Outcome::Done { result: json!({ "ok": true, "body": { "messageId": "new" } }) });
    let sent: Value = serde_json::from_str(&far.seen("/messages")[0].body).unwrap();
    assert_eq!(sent["tag"], message_tag("tag-1"));

    let outcome = actions.perform(&reply(), &AGAIN).await;
    assert_eq!(outcome.result()["body"]["messageId"], "m1");
    assert_eq!(methods(&far, "/messages"), ["POST", "GET"]);
    actions.perform(&reply(), &Attempt { tag: "tag-2", ..AGAIN }).await;
    assert_eq!(methods(&far, "/messages"), ["POST", "GET", "GET", "POST"]);
}

#[tokio::test]
async fn a_reply_is_not_repeated_unseen() {
    let (far, actions) = phone(|| Reply::Json(503, json!({})), || Reply::Json(201, json!({}))).await;
    let outcome = actions.perform(&reply(), &AGAIN).await;
    assert!(matches!(outcome, Outcome::Retry { unknown: true, .. }), "{outcome:?}");
    let (other, actions) = phone(|| Reply::Json(403, json!({})), || Reply::Json(500, json!({}))).await;
    let outcome = actions.perform(&reply(), &AGAIN).await;
    assert!(matches!(outcome, Outcome::OutcomeUnknown { .. }), "{outcome:?}");
    assert_eq!((methods(&far, "/messages"), methods(&other, "/messages")), (vec!["GET".into()], vec!["GET".into()]));
    let outcome = actions.perform(&reply(), &FIRST).await;
    assert!(matches!(outcome, Outcome::Retry { unknown: true, .. }), "it may be stored: {outcome:?}");
}

#[tokio::test]
async fn a_look_that_is_held_is_a_look_that_failed() {
    let busy: fn() -> Reply = || Reply::With(429, "retry-after", "30".into(), json!({}));
    let (far, actions) = phone(busy, || Reply::Json(200, json!({}))).await;
    for sent in 1..=2 {
        for (request, wanted) in [(reply(), true), (redirect(), false)] {
            let outcome = actions.perform(&request, &AGAIN).await;
            let Outcome::Retry { after: Some(after), unknown, .. } = &outcome else { panic!("{sent}: {outcome:?}") };
            assert!(*unknown == wanted && *after > Duration::from_secs(25), "{sent}: {outcome:?}");
        }
    }
    // One look of each taught the pause; the redirect behind its look was held by it too.
    assert_eq!((methods(&far, "/messages"), methods(&far, "/calls/")), (vec!["GET".into()], vec!["GET".into()]));
}

async fn answering(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (Far, Actions) {
    let far = Far::start(answer).await;
    let actions = with_crm(&far).await;
    (far, actions)
}

async fn with_crm(far: &Far) -> Actions {
    let auth = CredentialAuth::Bearer(Secret::new("crm-token-1"));
    actions_at(&nowhere().await, crm(&format!("{}/api", far.url), auth))
}

#[tokio::test]
async fn an_http_step_gets_json_or_text() {
    let (far, actions) = answering(|seen: &Seen| match seen.path.as_str() {
        "/json" => Reply::Json(200, json!({ "name": "Ada" })),
        "/untyped" => Reply::Text(200, "text/plain", "[1]".into()),
        "/number" => Reply::Text(200, "text/plain", "0049".into()),
        "/empty" => Reply::Text(204, "text/plain", String::new()),
        _ => Reply::Text(404, "text/html", "<p>no</p>".into()),
    })
    .await;
    for (path, status, body) in [
        ("/json", 200, json!({ "name": "Ada" })),
        ("/untyped", 200, json!([1])),
        ("/number", 200, json!("0049")),
        ("/empty", 204, Value::Null),
    ] {
        let outcome = actions.perform(&Request::Http(http(Method::Get, &format!("{}{path}", far.url))), &FIRST).await;
        assert_eq!(outcome, Outcome::Done { result: json!({ "ok": true, "status": status, "body": body }) });
    }
    let outcome = actions.perform(&Request::Http(http(Method::Get, &format!("{}/none?key=k", far.url))), &FIRST).await;
    let Outcome::Failed { error: ErrorWord::Status, why, result } = outcome else { panic!("{outcome:?}") };
    assert_eq!(result, json!({ "ok": false, "error": "status", "status": 404 }));
    assert_eq!(why, "get 127.0.0.1/none: it answered 404");
    assert!(far.seen("").iter().all(|seen| !seen.headers.contains_key("authorization")));
}

#[tokio::test]
async fn bodies_and_headers_on_the_wire() {
    let (far, actions) = answering(|_: &Seen| Reply::Json(200, json!({}))).await;
    let send = async |body: Option<Body>, headers: &[(&str, &str)]| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let url = far.url.replace("http://", "http://me:p%40ss@");
        actions.perform(&Request::Http(HttpRequest { headers, body, ..http(Method::Post, &url) }), &FIRST).await
    };
    send(Some(Body::Json(json!({ "b": 1, "a": [] }))), &[]).await;
    send(Some(Body::Form(vec![("from".into(), "+1 613".into())])), &[("X-One", "1")]).await;
    send(Some(Body::Text("hé".into())), &[("Content-Type", "text/markdown")]).await;
    send(None, &[("Authorization", "Own x")]).await;
    let seen = far.seen("");
    let kinds: Vec<_> = seen.iter().map(|seen| seen.headers.get("content-type").map(String::as_str)).collect();
    let form = Some("application/x-www-form-urlencoded");
    assert_eq!(kinds, [Some("application/json"), form, Some("text/markdown"), None]);
    let bodies: Vec<_> = seen.iter().map(|seen| seen.body.as_str()).collect();
    assert_eq!(bodies, [r#"{"b":1,"a":[]}"#, "from=%2B1+613", "hé", ""]);
    assert_eq!(seen[1].headers["x-one"], "1");
    assert_eq!(
        (seen[0].headers["authorization"].as_str(), seen[3].headers["authorization"].as_str()),
        ("Basic bWU6cEBzcw==", "Own x")
    );
    for name in ["Host", "content-length", "Proxy-Authorization", "a b"] {
        assert!(
            matches!(send(None, &[(name, "1")]).await, Outcome::Failed { error: ErrorWord::Refused, .. }),
            "{name}"
        );
    }
    assert_eq!(far.seen("").len(), 4);
}

#[tokio::test]
async fn a_credential_goes_below_its_base_only() {
    let (far, actions) = answering(|_: &Seen| Reply::Json(200, json!({ "echo": "Bearer crm-token-1" }))).await;
    let outcome = actions.perform(&with_credential(Method::Get, "/contacts?phone=1"), &FIRST).await;
    assert_eq!(outcome.result()["body"]["echo"], "Bearer [secret]");
    let seen = &far.seen("")[0];
    assert_eq!(
        (seen.path.as_str(), seen.headers["authorization"].as_str()),
        ("/api/contacts?phone=1", "Bearer crm-token-1")
    );
    for url in
        ["/../admin", "http://localhost/api", "https://evil.example/api", &format!("{}/apix", far.url), "/%2e%2e%2fx"]
    {
        let outcome = actions.perform(&with_credential(Method::Get, url), &FIRST).await;
        assert!(matches!(outcome, Outcome::Failed { error: ErrorWord::Refused, .. }), "{url}: {outcome:?}");
    }
    assert_eq!(far.seen("").len(), 1);
    let unknown = Request::Http(HttpRequest { credential: Some("crn".into()), ..http(Method::Get, "/") });
    assert!(matches!(actions.perform(&unknown, &FIRST).await, Outcome::Failed { error: ErrorWord::Refused, .. }));
}

#[tokio::test]
async fn a_secret_base_is_not_told() {
    let credentials = crm(&format!("{}/T0/B0/s3cret", nowhere().await), CredentialAuth::None);
    let outcome = actions_at(&nowhere().await, credentials).perform(&with_credential(Method::Post, "/x"), &FIRST).await;
    let Outcome::Retry { why, unknown: false, error: ErrorWord::Connection, .. } = &outcome else {
        panic!("{outcome:?}")
    };
    assert!(why.starts_with("post crm /x: could not connect: "), "{why}");
    assert!(!format!("{outcome:?}").contains("s3cret"));
}

#[tokio::test]
async fn redirects_of_http_are_not_followed() {
    let (far, actions) = answering(|_: &Seen| Reply::With(302, "location", "/elsewhere".into(), json!({}))).await;
    let outcome = actions.perform(&with_credential(Method::Get, "/x"), &FIRST).await;
    assert!(matches!(outcome, Outcome::Failed { error: ErrorWord::Status, .. }), "{outcome:?}");
    assert_eq!(far.seen("").len(), 1);
}

#[tokio::test]
async fn what_must_not_be_repeated_is_not() {
    let (far, _) = answering(|seen: &Seen| match seen.path.rsplit('/').next().unwrap() {
        "hang" => Reply::HangUp,
        "slow" => Reply::After(SOON, Box::new(Reply::HangUp)),
        status => Reply::With(status.parse().unwrap(), "retry-after", "2".into(), json!({})),
    })
    .await;
    for (path, never, repeat) in [
        ("hang", "unknown", "retry"),
        ("slow", "unknown", "retry"),
        ("429", "retry", "retry"),
        ("503", "retry", "retry"),
        ("500", "unknown", "retry"),
        ("502", "unknown", "retry"),
        ("504", "unknown", "retry"),
        ("400", "failed", "failed"),
        ("201", "done", "done"),
    ] {
        for (method, wanted) in [(Method::Post, never), (Method::Put, repeat)] {
            // Each with a wire that knows nothing of the pauses that the others were asked for.
            let outcome = with_crm(&far).await.perform(&with_credential(method, path), &HURRIED).await;
            let got = match &outcome {
                Outcome::Done { .. } => "done",
                Outcome::Retry { .. } => "retry",
                Outcome::Failed { .. } => "failed",
                Outcome::OutcomeUnknown { .. } => "unknown",
                Outcome::Moved { .. } => "moved",
            };
            assert_eq!(got, wanted, "{method:?} {path}: {outcome:?}");
        }
    }
    // What only reads leaves no doubt.
    for (path, method, doubt) in [
        ("hang", Method::Get, false),
        ("hang", Method::Put, true),
        ("504", Method::Get, false),
        ("504", Method::Put, true),
    ] {
        let outcome = with_crm(&far).await.perform(&with_credential(method, path), &HURRIED).await;
        assert!(matches!(outcome, Outcome::Retry { unknown, .. } if unknown == doubt), "{path}: {outcome:?}");
    }
    let actions = with_crm(&far).await;
    let asked = Duration::from_secs(2)..Duration::from_millis(2300);
    for _ in 0..2 {
        let outcome = actions.perform(&with_credential(Method::Post, "429"), &FIRST).await;
        let Outcome::Retry { after: Some(after), unknown: false, .. } = &outcome else { panic!("{outcome:?}") };
        assert!((Duration::from_millis(1900)..asked.end).contains(after), "{outcome:?}");
    }
    let asks = far.seen("/api/429").len();
    let outcome = actions.perform(&with_credential(Method::Get, "201"), &FIRST).await;
    assert!(matches!(outcome, Outcome::Retry { unknown: false, error: ErrorWord::Connection, .. }), "{outcome:?}");
    assert_eq!((asks, far.seen("/api/429").len()), (3, 3), "the pause is kept by all, and nothing is sent");
    let outcome = actions.perform(&with_credential(Method::Post, "201"), &AGAIN).await;
    assert!(matches!(outcome, Outcome::OutcomeUnknown { .. }), "sent once, and no more: {outcome:?}");
}

#[tokio::test]
async fn metadata_services_are_out_of_reach() {
    let actions = actions_at(&nowhere().await, vec![]);
    for url in ["http://169.254.169.254/latest", "http://[::ffff:a9fe:a9fe]/", "http://[fe80::1]/"] {
        let outcome = actions.perform(&Request::Http(http(Method::Get, url)), &HURRIED).await;
        assert!(matches!(outcome, Outcome::Failed { error: ErrorWord::Refused, .. }), "{url}: {outcome:?}");
    }
}

#[tokio::test]
async fn oauth2_tokens_are_kept_and_renewed_once() {
    let number = Arc::new(AtomicUsize::new(0));
    let (far, _) = answering(move |seen: &Seen| match seen.path.as_str() {
        "/token" => {
            let text = format!("oauth-{}", number.fetch_add(1, Ordering::SeqCst));
            Reply::Json(200, json!({ "access_token": text, "expires_in": 3600 }))
        }
        _ if seen.headers["authorization"] == "Bearer oauth-0" && seen.path.ends_with("/late") => {
            Reply::Json(401, json!({}))
        }
        _ => Reply::Json(200, json!({})),
    })
    .await;
    let auth = CredentialAuth::OAuth2 {
        token_url: format!("{}/token", far.url).parse().unwrap(),
        client_id: "id".into(),
        client_secret: Secret::new("oauth-secret"),
        scope: Some("contacts".into()),
    };
    let actions = actions_at(&nowhere().await, crm(&format!("{}/api", far.url), auth));
    for path in ["a", "b", "late", "c"] {
        let outcome = actions.perform(&with_credential(Method::Post, path), &FIRST).await;
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    }
    let tokens = far.seen("/token");
    assert_eq!(tokens[0].body, "grant_type=client_credentials&client_id=id&scope=contacts&client_secret=oauth-secret");
    assert_eq!((tokens.len(), far.seen("/api").len()), (2, 5));
    assert_eq!(far.seen("/api/c")[0].headers["authorization"], "Bearer oauth-1");
}

#[tokio::test]
async fn a_line_in_the_log() {
    let actions = actions_at(&nowhere().await, vec![]);
    let outcome = actions.perform(&Request::Log { level: LogLevel::Debug, message: "x".into() }, &FIRST).await;
    assert_eq!(outcome, Outcome::Done { result: json!({ "ok": true }) });
}

#[test]
fn outcomes_are_kept_as_json() {
    let outcome = Outcome::Retry {
        after: Some(Duration::from_millis(1500)),
        error: ErrorWord::SignIn,
        why: "sign in".into(),
        unknown: false,
        result: json!({ "ok": false }),
    };
    let text = serde_json::to_string(&outcome).unwrap();
    assert_eq!(
        text,
        r#"{"retry":{"after":1500,"error":"sign_in","why":"sign in","unknown":false,"result":{"ok":false}}}"#
    );
    assert_eq!(serde_json::from_str::<Outcome>(&text).unwrap(), outcome);
    let bare = r#"{"retry":{"error":"late","why":"x","unknown":true,"result":null}}"#;
    assert!(matches!(serde_json::from_str(bare).unwrap(), Outcome::Retry { after: None, .. }));
}

#[tokio::test]
async fn what_can_not_be_carried_out_sends_nothing() {
    let far = Far::start(|_: &Seen| Reply::HangUp).await;
    let actions = actions_at(&far.url, vec![]);
    let arguments = json!({ "digits": "1" }).as_object().unwrap().clone();
    let request = Request::Asked(Asked { action: "dtmf".into(), arguments });
    assert_eq!(class(&request), Class::Repeat, "there is nothing that could be done twice");
    let Outcome::Failed { error, why, result } = actions.perform(&request, &FIRST).await else { panic!() };
    assert_eq!((error, &result["error"]), (ErrorWord::Unsupported, &json!("unsupported")));
    assert!(why.contains("`dtmf`"), "{why}");
    assert!(far.seen("").is_empty());
}

fn any(method: Method, path: &str) -> Request {
    Request::CloudLink(CloudLinkRequest { method, api: "admin".into(), path: path.into(), json: None, paginate: false })
}

#[tokio::test]
async fn any_route_has_the_class_of_its_method() {
    let far = Far::start(|seen: &Seen| {
        token_or(seen, || match seen.path.rsplit('/').next() {
            Some("broken") => Reply::Json(500, json!({})),
            Some("gone") => Reply::Json(404, json!({})),
            _ => Reply::Json(200, json!({ "name": "Ada" })),
        })
    })
    .await;
    let actions = actions_at(&far.url, vec![]);
    let ask = async |method, path, attempt| {
        let request = any(method, path);
        (class(&request), actions.perform(&request, attempt).await)
    };
    let found = ask(Method::Get, "/users/1", &FIRST).await;
    let result = json!({ "ok": true, "status": 200, "body": { "name": "Ada" } });
    assert_eq!(found, (Class::Repeat, Outcome::Done { result }));
    let (class, outcome) = ask(Method::Post, "/users/broken", &FIRST).await;
    assert!(class == Class::Never && matches!(outcome, Outcome::OutcomeUnknown { .. }), "{outcome:?}");
    let (class, outcome) = ask(Method::Put, "/users/broken", &FIRST).await;
    assert!(class == Class::Repeat && matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    let (_, outcome) = ask(Method::Get, "/users/gone", &FIRST).await;
    assert!(matches!(outcome, Outcome::Failed { error: ErrorWord::Status, .. }), "{outcome:?}");
    let (_, outcome) = ask(Method::Delete, "/users/gone", &AGAIN).await;
    assert!(matches!(outcome, Outcome::Done { .. }), "an earlier attempt has done it: {outcome:?}");
}
