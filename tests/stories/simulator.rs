//! Stories of the simulator, told from outside: a gateway with reqwest, a webhook receiver with axum.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use switchhook::simulator::{Options, Redelivery, Running, SignatureForm, start};

const APPLICATION: &str = "9f1c2b3a-0000-4000-8000-000000000001";

/// A gateway's view of a simulator.
pub(crate) struct Bench {
    pub(crate) running: Running,
    pub(crate) http: reqwest::Client,
    pub(crate) token: String,
}

impl Bench {
    pub(crate) async fn start(options: Options) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let bench = Self { running: start(options).await.unwrap(), http, token: String::new() };
        let token = bench.fetch_token().await["access_token"].as_str().unwrap().to_owned();
        Self { token, ..bench }
    }

    pub(crate) async fn fetch_token(&self) -> Value {
        let form = [("grant_type", "client_credentials"), ("client_id", "simulator"), ("client_secret", "simulator")];
        let answer = self.http.post(self.running.api_url() + "/token").form(&form).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.json().await.unwrap()
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null))
    }

    pub(crate) async fn api(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.http.request(method, self.running.api_url() + path).bearer_auth(&self.token);
        self.send(if body.is_null() { request } else { request.json(&body) }).await
    }

    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.http.request(method, self.running.control_url() + path);
        self.send(if body.is_null() { request } else { request.json(&body) }).await
    }

    pub(crate) async fn ring(&self, endpoint: &str) -> String {
        let call = json!({ "endpoint": endpoint, "from": "+16135550142" });
        let (status, made) = self.control(Method::POST, "/calls", call).await;
        assert_eq!(status, 201);
        made["call"].as_str().unwrap().to_owned()
    }

    /// A guest's conversation: the path of its messages.
    pub(crate) async fn conversation(&self) -> String {
        let guest = json!({ "sender": "guest-1", "body": "hello" });
        let said = self.control(Method::POST, "/messages", guest).await.1;
        format!("/conversations/{}/messages", said["conversation"].as_str().unwrap())
    }

    pub(crate) async fn listen(&self, url: &str, topic: &str) {
        let wish = json!({ "url": url, "application_id": APPLICATION, "topics": [topic] });
        assert_eq!(self.control(Method::POST, "/subscriptions", wish).await.0, 201);
    }
}

/// What came to a webhook.
pub(crate) struct Arrival {
    signature: String,
    body: Bytes,
}

impl Arrival {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A webhook that refuses the first few and takes the rest.
pub(crate) struct Receiver {
    pub(crate) url: String,
    pub(crate) came: Arc<Mutex<Vec<Arrival>>>,
}

impl Receiver {
    pub(crate) async fn start(refuse: usize) -> Self {
        let came: Arc<Mutex<Vec<Arrival>>> = Arc::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/notify", listener.local_addr().unwrap());
        let take = async move |State(came): State<Arc<Mutex<Vec<Arrival>>>>, headers: HeaderMap, body: Bytes| {
            let mut came = came.lock().unwrap();
            let signature = headers["x-notify-signature"].to_str().unwrap().to_owned();
            came.push(Arrival { signature, body });
            if came.len() <= refuse { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
        };
        let router = Router::new().route("/notify", post(take)).with_state(Arc::clone(&came));
        #[expect(clippy::disallowed_methods, reason = "the receiver of a test ends with its runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, came }
    }

    pub(crate) async fn wait(&self, number: usize) -> Vec<Value> {
        for _ in 0..500 {
            if self.came.lock().unwrap().len() >= number {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let came: Vec<Value> = self.came.lock().unwrap().iter().map(Arrival::json).collect();
        assert!(came.len() >= number, "{} of {number} came", came.len());
        came
    }
}

pub(crate) fn hurried() -> Options {
    let redelivery = Redelivery { first_pause: Duration::from_millis(20), ..Redelivery::default() };
    Options { redelivery, ..Options::default() }
}

#[tokio::test]
async fn a_token_is_needed_and_expires() {
    let bench = Bench::start(Options { token_lifetime: Duration::from_secs(1), ..Options::default() }).await;
    let (status, me) = bench.api(Method::GET, "/token", Value::Null).await;
    assert_eq!((status, &me["accountId"]), (200, &json!(Options::default().account_id)));
    let url = bench.running.api_url();
    assert_eq!(bench.send(bench.http.get(url.clone() + "/token")).await.0, 401);
    let bare = bench.http.get(url.clone() + "/subscriptions").header("authorization", &bench.token);
    assert_eq!(bench.send(bare).await.0, 200);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let (status, error) = bench.api(Method::GET, "/token", Value::Null).await;
    assert_eq!((status, &error["name"]), (401, &json!("Unauthorized")));
}

#[tokio::test]
async fn tokens_are_refused_as_documented_and_can_be_revoked() {
    let bench = Bench::start(Options::default()).await;
    let url = bench.running.api_url() + "/token";
    for (body, status, name) in [
        (json!({ "grant_type": "magic" }), 400, "InvalidGrantType"),
        (json!({ "grant_type": "client_credentials" }), 400, "MissingParameters"),
        (json!({ "grant_type": "client_credentials", "client_id": "x", "client_secret": "y" }), 404, "ClientNotFound"),
        (
            json!({ "grant_type": "client_credentials", "client_id": "simulator", "client_secret": "y" }),
            401,
            "ClientSecretMismatch",
        ),
        (json!({ "grant_type": "refresh_token", "refresh_token": "y" }), 401, "InvalidLoginCredentials"),
    ] {
        let (got, error) = bench.send(bench.http.post(&url).json(&body)).await;
        assert_eq!((got, error["name"].as_str()), (status, Some(name)), "{body}");
    }
    let basic = bench.http.post(&url).basic_auth("simulator", Some("simulator"));
    let (status, pair) = bench.send(basic.form(&[("grant_type", "client_credentials")])).await;
    assert_eq!(status, 201);
    let refresh = json!({ "grant_type": "refresh_token", "refresh_token": pair["refresh_token"] });
    assert_eq!(bench.send(bench.http.post(&url).json(&refresh)).await.0, 201);
    bench.control(Method::POST, "/tokens/revoke", Value::Null).await;
    assert_eq!(bench.api(Method::GET, "/token", Value::Null).await.0, 401);
    let books = bench.control(Method::GET, "/books/requests", Value::Null).await.1.to_string();
    assert!(!books.contains(pair["refresh_token"].as_str().unwrap()));
}

#[tokio::test]
async fn a_call_arrives_as_a_signed_bare_publication() {
    let (bench, receiver) = (Bench::start(Options::default()).await, Receiver::start(0).await);
    bench.listen(&receiver.url, "platform-api-media").await;
    let call = bench.ring("3001").await;
    let publication = &receiver.wait(1).await[0];
    assert_eq!((&publication["topic"], &publication["method"]), (&json!("platform-api-media"), &json!("PUT")));
    assert_eq!(publication["subject"], format!("/2017-09-01/endpoints/3001/calls/{call}"));
    assert_eq!(publication["content"]["callId"], format!("endpoints/3001/calls/{call}"));
    assert_eq!(
        (&publication["content"]["state"], &publication["content"]["cause"]),
        (&json!("ringing"), &json!("newCall"))
    );
    let arrival = &receiver.came.lock().unwrap()[0];
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(APPLICATION.as_bytes()).unwrap();
    mac.update(&arrival.body);
    assert_eq!(arrival.signature, hex::encode(mac.finalize().into_bytes()));
}

#[tokio::test]
async fn the_signature_is_written_as_asked() {
    let options = Options { signature: SignatureForm::Prefixed, ..Options::default() };
    let (bench, receiver) = (Bench::start(options).await, Receiver::start(0).await);
    bench.listen(&receiver.url, "platform-api-media").await;
    bench.ring("3001").await;
    receiver.wait(1).await;
    assert!(receiver.came.lock().unwrap()[0].signature.starts_with("sha256="));
}

#[tokio::test]
async fn a_delivery_is_repeated_until_it_is_taken_and_keeps_its_place() {
    let (bench, receiver) = (Bench::start(hurried()).await, Receiver::start(2).await);
    bench.listen(&receiver.url, "platform-api-media").await;
    let call = bench.ring("3001").await;
    bench.control(Method::POST, &format!("/calls/{call}/answer"), Value::Null).await;
    let came = receiver.wait(4).await;
    let states: Vec<&str> = came.iter().map(|p| p["content"]["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["ringing", "ringing", "ringing", "connected"]);
    assert_eq!(came[0]["publicationId"], came[2]["publicationId"]);
    // The receiver sees an arrival before its answer is in the books.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let book = bench.control(Method::GET, "/books/deliveries", Value::Null).await.1;
    let tries: Vec<(u64, u64)> = book["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| (d["attempt"].as_u64().unwrap(), d["status"].as_u64().unwrap()))
        .collect();
    assert_eq!(tries, [(1, 503), (2, 503), (3, 200), (1, 200)]);
}

#[tokio::test]
async fn nobody_listening_is_written_down_and_given_up() {
    let redelivery = Redelivery { give_up_after: Duration::from_millis(50), ..hurried().redelivery };
    let bench = Bench::start(Options { redelivery, ..Options::default() }).await;
    bench.listen("http://127.0.0.1:1/notify", "platform-api-media").await;
    bench.ring("3001").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let book = bench.control(Method::GET, "/books/deliveries", Value::Null).await.1;
    let tries = book["deliveries"].as_array().unwrap();
    assert!((1..=3).contains(&tries.len()), "{book}");
    assert!(tries[0]["error"].is_string() && tries[0]["status"].is_null());
}

#[tokio::test]
async fn a_redirect_ends_the_call_here_and_lets_it_ring_there() {
    let (bench, receiver) = (Bench::start(Options::default()).await, Receiver::start(0).await);
    bench.listen(&receiver.url, "platform-api-media").await;
    let call = bench.ring("3001").await;
    receiver.wait(1).await;
    let path = format!("/endpoints/3001/calls/{call}");
    let redirect = json!({ "action": "redirect", "destination": "4001" });
    assert_eq!(bench.api(Method::PUT, &path, redirect.clone()).await.0, 202);
    let came = receiver.wait(3).await;
    let find = |endpoint: &str, state: &str| {
        let mut fitting = came.iter().map(|publication| &publication["content"]);
        fitting.find(|content| content["endpointId"] == endpoint && content["state"] == state).unwrap()
    };
    let (old, new) = (find("3001", "completed"), find("4001", "ringing"));
    assert_eq!((&old["cause"], &new["cause"]), (&json!("redirected"), &json!("redirected")));
    assert_eq!(old["extraPbxData"]["callTrackingID"], new["extraPbxData"]["callTrackingID"]);
    assert_ne!(old["callId"], new["callId"]);
    let (status, error) = bench.api(Method::PUT, &path, redirect).await;
    assert_eq!((status, &error["name"]), (404, &json!("CallNotFound")));
    let there = bench.api(Method::GET, "/endpoints/4001/calls", Value::Null).await.1;
    assert_eq!(there["_embedded"]["items"][0]["from"], "+16135550142");
}

#[tokio::test]
async fn a_guest_is_answered_and_unknown_properties_are_not_taken() {
    let (bench, receiver) = (Bench::start(Options::default()).await, Receiver::start(0).await);
    bench.listen(&receiver.url, "platform-api-conversations").await;
    let hello = json!({ "sender": "guest-1", "body": "When do you open?", "language": "en-US" });
    let (_, said) = bench.control(Method::POST, "/messages", hello).await;
    let path = format!("/conversations/{}/messages", said["conversation"].as_str().unwrap());
    let (status, error) = bench.api(Method::POST, &path, json!({ "body": "At nine.", "Tag": "x" })).await;
    assert_eq!(status, 400);
    assert!(error["message"].as_str().unwrap().starts_with("should NOT have additional properties"));
    assert_eq!(bench.api(Method::POST, &path, json!({ "body": "At nine.", "tag": "t" })).await.0, 201);
    let came = receiver.wait(2).await;
    assert_eq!(came[0]["subject"], format!("{path}/{}", said["message"].as_str().unwrap()));
    assert_eq!((&came[0]["content"]["body"], &came[1]["content"]["tag"]), (&json!("When do you open?"), &json!("t")));
    let newest = bench.api(Method::GET, &format!("{path}?$top=1"), Value::Null).await.1;
    assert_eq!(newest["_embedded"]["items"][0]["body"], "At nine.");
    assert!(newest["_links"]["next"].is_string());
}

#[tokio::test]
async fn conversations_of_others_are_not_heard_and_not_written_to() {
    let (bench, receiver) = (Bench::start(Options::default()).await, Receiver::start(0).await);
    let stranger = json!({ "url": receiver.url, "application_id": APPLICATION,
        "topics": ["platform-api-conversations"], "principal_id": "stranger" });
    bench.control(Method::POST, "/subscriptions", stranger).await;
    let guest = json!({ "sender": "guest-1", "body": "secret" });
    let conversation = bench.control(Method::POST, "/messages", guest).await.1["conversation"].clone();
    let heard = json!({ "topic": "platform-api-conversations", "method": "PUT", "subject": "/end", "content": null });
    assert_eq!(bench.api(Method::POST, "/publications", heard).await.0, 201);
    assert_eq!(receiver.wait(1).await[0]["subject"], "/end");
    let form = json!({ "grant_type": "client_credentials", "client_id": "simulator", "client_secret": "simulator",
        "principalId": "anonymous-7" });
    let token = bench.send(bench.http.post(bench.running.api_url() + "/token").json(&form)).await.1;
    let path = format!("{}/conversations/{}/messages", bench.running.api_url(), conversation.as_str().unwrap());
    let say = bench.http.post(path).bearer_auth(token["access_token"].as_str().unwrap());
    assert_eq!(bench.send(say.json(&json!({ "body": "me too" }))).await.0, 403);
}

#[tokio::test]
async fn filters_decide_what_comes() {
    let (bench, receiver) = (Bench::start(Options::default()).await, Receiver::start(0).await);
    let wish = json!({
        "applicationId": APPLICATION, "deviceId": receiver.url, "transport": "webhook",
        "topic": "platform-api-media", "subjectFilter": "^/2017-09-01/endpoints/300[0-9]/calls/",
        "methodFilter": "PUT", "publicationFilter": "$.publications[?(@.content.state == 'ringing')]",
    });
    let (status, made) = bench.api(Method::POST, "/subscriptions", wish.clone()).await;
    assert_eq!(status, 201);
    for endpoint in ["2001", "3001", "13002", "3002"] {
        let call = bench.ring(endpoint).await;
        bench.control(Method::POST, &format!("/calls/{call}/end"), Value::Null).await;
    }
    receiver.wait(2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut endpoints: Vec<String> = receiver
        .wait(2)
        .await
        .iter()
        .map(|publication| publication["content"]["endpointId"].as_str().unwrap().to_owned())
        .collect();
    endpoints.sort();
    assert_eq!(endpoints, ["3001", "3002"]);
    for (key, value) in [
        ("publicationFilter", "$.publications[?(@.content.state != 'ringing')]"),
        ("subjectFilter", "("),
        ("transport", "websocket"),
        ("expiryDateTime", "2001-01-01T00:00:00Z"),
        ("deviceId", "nowhere"),
    ] {
        let mut wrong = wish.clone();
        wrong[key] = value.into();
        assert_eq!(bench.api(Method::POST, "/subscriptions", wrong).await.0, 400, "{key}");
    }
    let one = format!("/subscriptions/{}", made["subscriptionId"].as_str().unwrap());
    let mut later = bench.api(Method::GET, &one, Value::Null).await.1;
    later["expiryDateTime"] = "2999-01-01T00:00:00.000Z".into();
    assert_eq!(bench.api(Method::PUT, &one, later.clone()).await, (200, later));
    assert_eq!(bench.api(Method::DELETE, &one, Value::Null).await.0, 204);
    assert_eq!(bench.api(Method::DELETE, &one, Value::Null).await.0, 404);
}

#[tokio::test]
async fn moods_break_what_they_fit_and_pass() {
    let bench = Bench::start(Options::default()).await;
    let call = bench.ring("3001").await;
    let path = format!("/endpoints/3001/calls/{call}");
    let limit = json!({ "path_contains": "/calls/", "status": 429, "retry_after": "2", "times": 1 });
    bench.control(Method::POST, "/moods", limit).await;
    let answer = bench.http.get(bench.running.api_url() + &path).bearer_auth(&bench.token).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (429, "2"));
    assert!(answer.headers().contains_key("x-mitel-correlation-id"));
    assert_eq!(bench.api(Method::GET, &path, Value::Null).await.0, 200);

    for (after, state) in [(false, "ringing"), (true, "connected")] {
        let lost = json!({ "path_contains": "/calls/", "method": "PUT", "drop": true, "after": after, "times": 1 });
        bench.control(Method::POST, "/moods", lost).await;
        let put = bench.http.put(bench.running.api_url() + &path).bearer_auth(&bench.token);
        assert!(put.json(&json!({ "action": "answer" })).send().await.is_err());
        assert_eq!(bench.api(Method::GET, &path, Value::Null).await.1["state"], state);
    }

    bench.control(Method::POST, "/moods", json!({ "path_contains": "", "delay_ms": 150 })).await;
    let began = std::time::Instant::now();
    assert_eq!(bench.api(Method::GET, &path, Value::Null).await.0, 200);
    assert!(began.elapsed() >= Duration::from_millis(150));
    bench.control(Method::DELETE, "/moods", Value::Null).await;
    let book = bench.control(Method::GET, "/books/requests?path_contains=/calls/", Value::Null).await.1;
    let statuses: Vec<Value> = book["requests"].as_array().unwrap().iter().map(|r| r["status"].clone()).collect();
    assert_eq!(statuses, [429.into(), 200.into(), Value::Null, 200.into(), Value::Null, 200.into(), 200.into()]);
}

#[tokio::test]
async fn a_wrong_path_or_method_answers_with_the_misleading_403() {
    let bench = Bench::start(Options::default()).await;
    for (method, path) in [(Method::GET, "/endpoint/3001"), (Method::PATCH, "/subscriptions"), (Method::PUT, "/token")]
    {
        let (status, error) = bench.api(method, path, Value::Null).await;
        assert_eq!(status, 403);
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("missing equal-sign") && message.contains(&bench.token), "{message}");
    }
}

#[tokio::test]
async fn after_the_shutdown_nothing_answers() {
    let bench = Bench::start(Options::default()).await;
    let url = bench.running.api_url();
    bench.running.shutdown().await;
    assert!(bench.http.get(url + "/token").send().await.is_err());
}

#[tokio::test]
async fn many_calls_all_arrive() {
    let (bench, receiver) = (Bench::start(hurried()).await, Receiver::start(50).await);
    bench.listen(&receiver.url, "platform-api-media").await;
    for number in 0..300 {
        bench.ring(&format!("{}", 3000 + number)).await;
    }
    let came = receiver.wait(350).await;
    let ids: std::collections::HashSet<&str> = came.iter().map(|p| p["publicationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 300);
}
