//! What changes something, done only when it is wished for: a socket's address, and one subscription of our own, which is
//! deleted again and would end by itself.

use bytes::Bytes;
use chrono::{SecondsFormat, TimeDelta};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Visit, short};
use crate::cloudlink::Api;
use crate::doctor::{Held, Line, shape};

/// How long a subscription lives that could not be deleted.
const LIFE: TimeDelta = TimeDelta::minutes(10);
/// Hosts that a socket may be at.
const HOSTS: [&str; 2] = [".mitel.io", ".amazonaws.com"];

impl Visit<'_> {
    /// The answer of `POST /connections` (4 \[C\] that there is an address in it). The address is a secret and is not used.
    pub(super) async fn connection(&mut self) {
        let body = json!({ "transport": "websocket" });
        let answer = match self.post("/connections", &body).await {
            Ok((_, answer)) => answer,
            Err(why) => {
                self.learn("connection-answer", Held::Unclear, format!("POST /connections: {why}"));
                return;
            }
        };
        let Some((place, host)) = shape::socket(&answer) else {
            let keys = shape::keys(&answer);
            self.learn("connection-answer", Held::No, format!("there is no wss:// address in it: {keys}"));
            return;
        };
        self.learn(
            "connection-answer",
            Held::Yes,
            format!("the address is at {place}; there is {}", shape::keys(&answer)),
        );
        let known = HOSTS.iter().any(|end| host.ends_with(end)) || host == "127.0.0.1" || host == "localhost";
        let held = if known { Held::Yes } else { Held::No };
        self.learn("connection-host", held, format!("it leads to {host}"));
    }

    async fn post(&mut self, path: &str, body: &Value) -> Result<(u16, Value), String> {
        let body = Bytes::from(body.to_string());
        let answer =
            self.ask(Method::POST, Api::Notifications, path, Some(body)).await.map_err(|error| short(&error))?;
        Ok((answer.status.as_u16(), answer.json().unwrap_or_default()))
    }

    /// One subscription that fits nothing: made, read, deleted.
    pub(super) async fn subscription(&mut self, address: &str) {
        let ends = (self.clock.now() + LIFE).to_rfc3339_opts(SecondsFormat::Secs, true);
        let application = format!("switchhook-doctor-{}", self.clock.millis());
        let body = json!({
            "applicationId": application, "deviceId": address, "transport": "webhook", "topic": "platform-api-media",
            "subjectFilter": "^/switchhook-doctor/nothing$", "expiryDateTime": ends,
        });
        let (status, answer) = match self.post("/subscriptions", &body).await {
            Ok(made) => made,
            Err(why) => {
                self.learn("subscription-answer", Held::Unclear, format!("POST /subscriptions: {why}"));
                return;
            }
        };
        let id = ["subscriptionId", "id"].into_iter().find_map(|name| Some((name, answer[name].as_str()?.to_owned())));
        let keys = shape::keys(&answer);
        let Some((name, id)) = id else {
            self.learn("subscription-answer", Held::No, format!("{status}, and no id in it: {keys}"));
            let todo = format!("it ends by itself at {ends}; look for the applicationId {application} and delete it");
            self.found.lines.push(Line::warn("subscription", "one was made that can't be deleted", todo));
            return;
        };
        let held = if name == "subscriptionId" { Held::Yes } else { Held::Tolerated };
        self.learn("subscription-answer", held, format!("{status}; the id is called {name}; there is {keys}"));
        self.expiry(&answer, &ends);
        let path = format!("/subscriptions/{id}");
        let read = self.get(Api::Notifications, &path).await.err().map(|error| short(&error));
        let deleted = self.ask(Method::DELETE, Api::Notifications, &path, None).await.err().map(|error| short(&error));
        let saw = format!(
            "GET of one {}; DELETE {}",
            read.as_deref().unwrap_or("works"),
            deleted.as_deref().unwrap_or("works")
        );
        let held = match (&read, &deleted) {
            (None, None) => Held::Yes,
            (Some(_), None) => Held::Tolerated,
            _ => Held::No,
        };
        self.learn("subscription-routes", held, saw);
        match deleted {
            None => self.ok("subscription", "one was made, read and deleted"),
            Some(why) => {
                let todo = format!("it ends by itself at {ends}; delete it before by its id, {id}");
                self.found.lines.push(Line::warn("subscription", format!("one was made and not deleted: {why}"), todo));
            }
        }
    }

    /// Whether the end that was asked for is kept.
    fn expiry(&mut self, answer: &Value, asked: &str) {
        let read = |text: &str| chrono::DateTime::parse_from_rfc3339(text).ok();
        match answer["expiryDateTime"].as_str() {
            Some(told) if read(told).is_some() && read(told) == read(asked) => {
                self.learn("subscription-expiry", Held::Yes, "expiryDateTime is kept as asked for");
            }
            Some(_) => {
                self.learn("subscription-expiry", Held::Tolerated, "expiryDateTime is another than was asked for");
            }
            None => self.learn("subscription-expiry", Held::Unclear, "the answer does not tell expiryDateTime"),
        }
    }
}
