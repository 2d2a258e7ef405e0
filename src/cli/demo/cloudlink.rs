//! The simulator from outside, over HTTP like everyone else: its control API, its books, and what stands in a
//! conversation.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Client, Method, RequestBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::mishap::Mishap;

/// The client that both the gateway and the demo are, to the simulator.
pub(super) const CLIENT: &str = "switchhook-demo";

/// Drives one simulator.
pub(super) struct CloudLink {
    http: Client,
    origin: String,
    secret: String,
}

/// A call at a phone.
#[derive(Debug, Deserialize)]
pub(super) struct Leg {
    pub(super) endpoint: String,
    pub(super) call: String,
    pub(super) state: String,
    pub(super) tracking_id: String,
    pub(super) created_on: DateTime<Utc>,
    pub(super) path: String,
}

/// A request that the simulator got.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    /// Epoch milliseconds of the simulated world.
    pub(super) time: i64,
    pub(super) method: String,
    pub(super) body: Value,
    /// Absent if it was not answered.
    pub(super) status: Option<u16>,
}

impl Request {
    /// Whether CloudLink did what was asked.
    pub(super) fn is_done(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// An attempt to hand a notification to the gateway.
#[derive(Debug, Deserialize)]
pub(super) struct Delivery {
    pub(super) took_ms: u64,
    pub(super) status: Option<u16>,
    pub(super) error: Option<String>,
}

/// A message that was said.
#[derive(Debug, Deserialize)]
pub(super) struct Said {
    pub(super) conversation: String,
    pub(super) message: String,
}

/// A message as it stands in a conversation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    pub(super) message_id: String,
    pub(super) body: String,
}

/// An HTTP client for this machine: no proxy, no patience for what does not answer.
pub(super) fn local_client() -> Result<Client, Mishap> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = Client::builder().no_proxy().timeout(Duration::from_secs(5)).build();
    client.map_err(Mishap::broken("an HTTP client could not be made"))
}

impl CloudLink {
    /// The simulator at this address.
    pub(super) fn at(address: SocketAddr, http: Client, secret: String) -> Self {
        Self { http, origin: format!("http://{address}"), secret }
    }

    /// The base URL of all APIs.
    pub(super) fn api_url(&self) -> String {
        format!("{}/2017-09-01", self.origin)
    }

    /// Whether it answers.
    pub(super) async fn is_there(&self) -> bool {
        self.http.get(format!("{}/control/moods", self.origin)).send().await.is_ok_and(|r| r.status().is_success())
    }

    /// Has all notifications of calls and chats sent to this URL.
    pub(super) async fn subscribe(&self, url: &str, application_id: &str) -> Result<(), Mishap> {
        let topics = ["platform-api-media", "platform-api-conversations"];
        let wish = json!({ "url": url, "application_id": application_id, "topics": topics });
        self.control::<Value>(Method::POST, "/subscriptions", Some(wish)).await.map(drop)
    }

    /// An outside call rings at a phone.
    pub(super) async fn ring(&self, endpoint: &str, from: &str, name: &str) -> Result<Leg, Mishap> {
        let call = json!({ "endpoint": endpoint, "from": from, "from_name": name });
        self.control(Method::POST, "/calls", Some(call)).await
    }

    /// Whoever sits at the phone answers.
    pub(super) async fn answer(&self, leg: &Leg) -> Result<(), Mishap> {
        self.control::<Value>(Method::POST, &format!("/calls/{}/answer", leg.call), None).await.map(drop)
    }

    /// All legs of the call to which this one belongs, ended ones first.
    pub(super) async fn legs(&self, leg: &Leg) -> Result<Vec<Leg>, Mishap> {
        #[derive(Deserialize)]
        struct Calls {
            calls: Vec<Leg>,
        }
        let all: Calls = self.control(Method::GET, "/calls", None).await?;
        Ok(all.calls.into_iter().filter(|other| other.tracking_id == leg.tracking_id).collect())
    }

    /// A guest says something in a new conversation.
    pub(super) async fn say(&self, sender: &str, body: &str) -> Result<Said, Mishap> {
        self.control(Method::POST, "/messages", Some(json!({ "sender": sender, "body": body }))).await
    }

    /// From now on no API request is answered.
    pub(super) async fn go_away(&self) -> Result<(), Mishap> {
        let mood = json!({ "path_contains": "", "drop": true });
        self.control::<Value>(Method::POST, "/moods", Some(mood)).await.map(drop)
    }

    /// All is well again.
    pub(super) async fn come_back(&self) -> Result<(), Mishap> {
        let request = self.http.delete(format!("{}/control/moods", self.origin));
        self.send(request, "DELETE /control/moods").await.map(drop)
    }

    /// The requests that concerned a path, reading ones too, oldest first.
    pub(super) async fn requests(&self, path: &str) -> Result<Vec<Request>, Mishap> {
        #[derive(Deserialize)]
        struct Book {
            requests: Vec<Request>,
        }
        let book: Book = self.control(Method::GET, &format!("/books/requests?path_contains={path}"), None).await?;
        Ok(book.requests)
    }

    /// The attempts to deliver what concerned a subject, oldest first.
    pub(super) async fn deliveries(&self, subject: &str) -> Result<Vec<Delivery>, Mishap> {
        #[derive(Deserialize)]
        struct Book {
            deliveries: Vec<Delivery>,
        }
        let path = format!("/books/deliveries?subject_contains={subject}");
        let book: Book = self.control(Method::GET, &path, None).await?;
        Ok(book.deliveries)
    }

    /// A token, as any client of the API gets it.
    pub(super) async fn token(&self) -> Result<String, Mishap> {
        let grant = json!({ "grant_type": "client_credentials", "client_id": CLIENT, "client_secret": self.secret });
        let request = self.http.post(format!("{}/token", self.api_url())).json(&grant);
        let token: Value = read(self.send(request, "POST /token").await?, "POST /token").await?;
        Ok(token["access_token"].as_str().unwrap_or_default().to_owned())
    }

    /// What stands in a conversation, read through the API, oldest first.
    pub(super) async fn conversation(&self, id: &str, token: &str) -> Result<Vec<Message>, Mishap> {
        let path = format!("/conversations/{id}/messages?$orderby=createdOn");
        let request = self.http.get(format!("{}{path}", self.api_url())).bearer_auth(token);
        let mut page: Value = read(self.send(request, &path).await?, &path).await?;
        serde_json::from_value(page["_embedded"]["items"].take())
            .map_err(Mishap::broken("a conversation is unreadable"))
    }

    async fn control<T: DeserializeOwned>(&self, how: Method, path: &str, body: Option<Value>) -> Result<T, Mishap> {
        let what = format!("{how} /control{path}");
        let mut request = self.http.request(how, format!("{}/control{path}", self.origin));
        if let Some(body) = body {
            request = request.json(&body);
        }
        read(self.send(request, &what).await?, &what).await
    }

    async fn send(&self, request: RequestBuilder, what: &str) -> Result<reqwest::Response, Mishap> {
        let what = format!("the simulator did not answer {what} well");
        let response = request.send().await.map_err(Mishap::broken(what.clone()))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let why = format!("{} {}", response.status(), response.text().await.unwrap_or_default());
        Err(Mishap::Broken { what, why })
    }
}

async fn read<T: DeserializeOwned>(response: reqwest::Response, what: &str) -> Result<T, Mishap> {
    response.json().await.map_err(Mishap::broken(format!("the simulator's answer to {what} is unreadable")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::{self, Options, Running};

    async fn world(clock_offset: i64) -> (Running, CloudLink) {
        let (client_id, client_secret) = (CLIENT.to_owned(), "secret".to_owned());
        let options = Options { client_id, client_secret: client_secret.clone(), clock_offset, ..Options::default() };
        let running = simulator::start(options).await.unwrap();
        let cloudlink = CloudLink::at(running.addr, local_client().unwrap(), client_secret);
        (running, cloudlink)
    }

    #[tokio::test]
    async fn a_call_rings_at_the_time_of_that_world_and_is_answered() {
        let (_running, cloudlink) = world(-36_000).await;
        assert!(cloudlink.is_there().await);
        let leg = cloudlink.ring("3001", "+16135550142", "Ada").await.unwrap();
        let ago = crate::kit::clock::Clock::system().now() - leg.created_on;
        assert!((36_000..36_010).contains(&ago.num_seconds()), "{ago}");
        cloudlink.answer(&leg).await.unwrap();
        let legs = cloudlink.legs(&leg).await.unwrap();
        assert!(matches!(&*legs, [only] if only.state == "connected" && only.path == leg.path));
        assert!(cloudlink.deliveries(&leg.path).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_conversation_is_read_and_an_absence_is_noted_in_the_books() {
        let (_running, cloudlink) = world(0).await;
        let said = cloudlink.say("guest-1", "hello").await.unwrap();
        let token = cloudlink.token().await.unwrap();
        let all = cloudlink.conversation(&said.conversation, &token).await.unwrap();
        assert!(matches!(&*all, [only] if only.body == "hello" && only.message_id == said.message));
        cloudlink.go_away().await.unwrap();
        assert!(cloudlink.conversation(&said.conversation, &token).await.is_err());
        cloudlink.come_back().await.unwrap();
        let asked = cloudlink.requests(&said.conversation).await.unwrap();
        let done: Vec<bool> = asked.iter().map(Request::is_done).collect();
        assert_eq!(done, [true, false]);
    }
}
