//! Stories of the simulator's variants, in plain HTTP: each makes a difference.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use regex::Regex;
use reqwest::Method;
use serde_json::{Value, json};
use switchhook::simulator::{Options, Redelivery, Variant};

use super::simulator::{Bench, Receiver};
use super::simulator_signin::{account, items, played};

#[tokio::test]
async fn variants_change_what_is_answered() {
    let bench =
        played(&[Variant::SubscriptionsItems, Variant::SubscriptionId, Variant::Ok200, Variant::ControlDone]).await;
    let wish = json!({ "applicationId": "a", "deviceId": "http://127.0.0.1:1/", "transport": "webhook",
        "topic": "platform-api-media", "subjectFilter": ".*" });
    let (status, made) = bench.api(Method::POST, "/subscriptions", wish).await;
    assert!(status == 200 && made.get("subscriptionId").is_none());
    assert_eq!(bench.api(Method::GET, "/subscriptions", Value::Null).await.1["items"][0]["id"], made["id"]);
    let call = bench.ring("3001").await;
    let answer = bench.api(Method::PUT, &format!("/endpoints/3001/calls/{call}"), json!({ "action": "answer" })).await;
    assert_eq!(answer.0, 200);
}

#[tokio::test]
async fn variants_change_what_is_delivered() {
    let plain = |body: &Value| body["subject"].clone();
    for (variants, shape) in [
        (vec![Variant::Envelope], (|body: &Value| body["publications"][0]["subject"].clone()) as fn(&Value) -> Value),
        (vec![Variant::EnvelopeArray], |body| body[0]["subject"].clone()),
        (vec![Variant::EnvelopeOne, Variant::NoPublicationId], |body| body["publication"]["subject"].clone()),
        (vec![Variant::SubjectApi], |body| body["subject"].as_str().unwrap().strip_prefix("/api").unwrap().into()),
        (vec![Variant::MediaBare], |body| format!("/2017-09-01{}", body["subject"].as_str().unwrap()).into()),
        (vec![Variant::PbxDataText], |body| {
            let data = body["content"]["extraPbxData"].as_str().unwrap();
            assert!(serde_json::from_str::<Value>(data).unwrap()["callTrackingID"].is_string());
            body["subject"].clone()
        }),
        (vec![], plain),
    ] {
        let (bench, receiver) = (played(&variants).await, Receiver::start(0).await);
        bench.listen(&receiver.url, "platform-api-media").await;
        let call = bench.ring("3001").await;
        let came = receiver.wait(1).await;
        assert_eq!(shape(&came[0]), format!("/2017-09-01/endpoints/3001/calls/{call}"), "{variants:?}");
    }
}

#[tokio::test]
async fn a_pressed_button_comes_as_a_message() {
    for (variant, said) in [(None, "sales"), (Some(Variant::ButtonTitle), "Sales")] {
        let bench = played(&variant.into_iter().collect::<Vec<_>>()).await;
        let path = bench.conversation().await;
        let card = json!({ "title": "Welcome", "buttons": [{ "title": "Sales", "action": "post-message", "payload": "sales" }] });
        let message = json!({ "contentType": "application/vnd.mitel.action-card", "body": card.to_string() });
        let message = bench.api(Method::POST, &path, message).await.1["messageId"].clone();
        let press = json!({ "conversation": path.split('/').nth(2), "sender": "guest-1", "message": message });
        assert_eq!(bench.control(Method::POST, "/presses", press).await.0, 201);
        let newest = bench.api(Method::GET, &format!("{path}?$top=1"), Value::Null).await.1;
        assert_eq!(items(&newest)[0]["body"], said);
    }
}

/// What a webhook was sent: how it was asked, how the signature looks, and the body.
type Sent = Arc<Mutex<Vec<String>>>;

/// A webhook that refuses the very first notification and writes down everything.
async fn webhook() -> (String, Sent) {
    let sent = Sent::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/notify", listener.local_addr().unwrap());
    let take = async |State(sent): State<Sent>, method: Method, headers: HeaderMap, body: String| {
        let signature = headers.get("x-notify-signature").map_or("", |value| value.to_str().unwrap());
        let look = (signature.len(), signature.contains('='), signature.to_lowercase() == signature);
        let mut sent = sent.lock().unwrap();
        sent.push(format!("{method} {look:?} {body}"));
        if sent.len() == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
    };
    let router = Router::new().fallback(take).with_state(Arc::clone(&sent));
    #[expect(clippy::disallowed_methods, reason = "the receiver of a test ends with its runtime")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, sent)
}

/// Everything that differs from run to run, struck out.
fn scrubbed(text: &str) -> String {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
        let patterns = [
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "[0-9a-f]{32,64}",
            r"\d{4}-\d\d-\d\dT[0-9:.]+Z",
            r"127\.0\.0\.1:\d+",
            r"\b\d{7,13}\b",
        ];
        Regex::new(&patterns.join("|")).unwrap()
    });
    // The account's number looks like what is struck out, but stays.
    PATTERN.replace_all(&text.replace("10000495", "NUMBER"), "~").into_owned()
}

/// A session with a simulator: what it answers to a bit of everything, and what it delivers.
struct Session {
    bench: Bench,
    told: Vec<String>,
}

impl Session {
    async fn ask(&mut self, method: &str, path: &str, body: Value) -> Value {
        let method: Method = method.parse().unwrap();
        let url = self.bench.running.api_url() + path;
        let request = self.bench.http.request(method.clone(), url).bearer_auth(&self.bench.token);
        let request = request.header("x-mitel-correlation-id", "mine");
        let answer = if body.is_null() { request } else { request.json(&body) }.send().await.unwrap();
        let adopted = answer.headers()["x-mitel-correlation-id"] == "mine";
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        self.told.push(scrubbed(&format!("{method} {path} {status} {adopted} {text}")));
        serde_json::from_str(&text).unwrap_or_default()
    }

    async fn get(&mut self, path: &str) -> Value {
        self.ask("GET", path, Value::Null).await
    }

    async fn subscriptions(&mut self, webhook: &str) {
        self.get("/subscriptions").await;
        for (topic, subject, method) in [
            ("platform-api-media", ".*", None),
            ("platform-api-media", "calls/", Some("PUT|POST")),
            ("platform-api-conversations", ".*", None),
            ("platform-api-admin", "/accounts/", None),
            ("platform-api-presence", "presentities/", None),
        ] {
            let mut wish = json!({ "applicationId": "a", "deviceId": webhook, "transport": "webhook", "topic": topic,
                "subjectFilter": subject });
            if let Some(method) = method {
                wish["methodFilter"] = method.into();
            }
            self.ask("POST", "/subscriptions", wish).await;
        }
        let wish = json!({ "applicationId": "a", "deviceId": webhook, "transport": "webhook",
            "topic": "platform-api-presence", "subjectFilter": "presentities/" });
        let made = self.ask("POST", "/subscriptions", wish.clone()).await;
        let id = made["subscriptionId"].as_str().or_else(|| made["id"].as_str()).unwrap().to_owned();
        self.ask("PUT", &format!("/subscriptions/{id}"), wish).await;
        self.get("/subscriptions").await;
        self.ask("POST", "/connections", json!({ "transport": "websocket" })).await;
        let own = json!({ "topic": "App-X", "method": "POST", "subject": "/x", "content": 1 });
        self.ask("POST", "/publications", own).await;
    }

    async fn phones(&mut self) {
        let call = self.bench.ring("3001").await;
        let path = format!("/endpoints/3001/calls/{call}");
        for action in ["answer", "hold", "hold"] {
            self.ask("PUT", &path, json!({ "action": action })).await;
            self.get(&path).await;
        }
        self.ask("PUT", &path, json!({ "action": "end" })).await;
        self.get("/calls/records").await;
        for body in [
            json!({ "action": "dnd", "enabled": true }),
            json!({ "action": "dnd", "enabled": true, "userAvailability": "dnd" }),
        ] {
            self.ask("PUT", "/endpoints/3001", body).await;
        }
        self.get("/endpoints/3001").await;
        self.get("/conferences?$expand=tags").await;
    }

    async fn chats(&mut self) {
        let opening = json!({ "originalParticipants": [{ "participantId": "guest-2" }] });
        let first = self.ask("POST", "/conversations", opening.clone()).await["conversationId"].clone();
        let second = self.ask("POST", "/conversations", opening).await["conversationId"].clone();
        self.told.push(format!("the same conversation: {}", first == second));
        let path = format!("/conversations/{}", first.as_str().unwrap());
        self.get(&format!("{path}/participants")).await;
        for (body, tag) in [("one", "t1"), ("two", "t2")] {
            self.ask("POST", &format!("{path}/messages"), json!({ "body": body, "tag": tag })).await;
        }
        self.get(&format!("{path}/messages")).await;
        self.get(&format!("{path}/messages?$filter=tag eq 't1'")).await;
        self.ask("PUT", &format!("{path}/attachments/a-1"), json!({ "name": "x" })).await;
        self.get(&format!("{path}/attachments/a-1/metadata")).await;
        let card = json!({ "buttons": [{ "title": "Sales", "payload": "sales" }] }).to_string();
        let message = self.ask("POST", &format!("{path}/messages"), json!({ "body": card })).await["messageId"].clone();
        let press = json!({ "conversation": first, "sender": "guest-2", "message": message });
        assert_eq!(self.bench.control(Method::POST, "/presses", press).await.0, 201);
        self.get(&format!("{path}/messages")).await;
    }

    async fn others(&mut self) {
        let account = account();
        let user = format!("{}-05e4-4c00-8000-000000000002", &account[..8]);
        self.get(&format!("/presentities/{user}")).await;
        self.ask("PUT", &format!("/presentities/{user}"), json!({ "status": "Busy" })).await;
        self.ask("PUT", &format!("/accounts/{account}/users/{user}"), json!({ "displayName": "C" })).await;
        self.get("/accounts/10000495/users?$top=5&$filter=role eq 'USER'").await;
        self.get("/accounts/10000495/tags").await;
        self.get("/agreements").await;
        self.get("/token").await;
        self.get("/users/nobody").await;
    }

    /// Fetching, refreshing twice with the first refresh token, and a call after all tokens are gone.
    async fn tokens(&mut self) {
        let fields =
            json!({ "grant_type": "client_credentials", "client_id": "simulator", "client_secret": "simulator" });
        let pair = self.ask("POST", "/token", fields).await;
        for _ in 0..2 {
            let fields = json!({ "grant_type": "refresh_token", "refresh_token": pair["refresh_token"] });
            self.ask("POST", "/token", fields).await;
        }
        self.bench.control(Method::POST, "/tokens/revoke", Value::Null).await;
        self.bench.ring("3005").await;
    }
}

/// What one session with these variants tells: the answers, and the deliveries in any order.
async fn session(variants: Vec<Variant>) -> (Vec<String>, Vec<String>) {
    let redelivery = Redelivery { first_pause: Duration::from_millis(10), ..Redelivery::default() };
    let options = Options { variants: variants.into_iter().collect(), redelivery, ..Options::default() };
    let mut session = Session { bench: Bench::start(options).await, told: vec![] };
    let (url, sent) = webhook().await;
    session.subscriptions(&url).await;
    session.phones().await;
    session.chats().await;
    session.others().await;
    session.tokens().await;
    let count = || sent.lock().unwrap().len();
    // Until nothing more comes for a while. What came too late would only hide a difference.
    for mut last in [usize::MAX; 3] {
        while count() != last {
            last = count();
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    }
    let mut deliveries: Vec<String> = sent.lock().unwrap().iter().map(|sent| scrubbed(sent)).collect();
    deliveries.sort();
    (session.told, deliveries)
}

#[tokio::test]
async fn every_variant_makes_a_difference_and_nothing_else_does() {
    let plain = session(vec![]).await;
    let again = session(vec![]).await;
    for (again, first) in again.0.iter().zip(&plain.0).chain(again.1.iter().zip(&plain.1)) {
        assert_eq!(again, first, "the same session tells the same");
    }
    let mut idle = vec![];
    for some in Variant::ALL.chunks(13) {
        let played = some.iter().map(async |variant| (variant, session(vec![*variant]).await));
        let told = futures_util::future::join_all(played).await;
        idle.extend(told.into_iter().filter(|(_, told)| *told == plain).map(|(variant, _)| variant.name()));
    }
    assert_eq!(idle, [""; 0], "these change nothing");
}
