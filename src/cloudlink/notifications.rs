//! The Notifications API: subscriptions, connections, publications of our own (wire reference, 3 and 4).

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Map, Value};

use super::client::{Api, CloudLink};
use super::error::Error;
use super::object::object;
use super::paging::{Items, Paging};
use super::places::Place;
use super::query::Query;
use super::verbs;
use crate::kit::secret::Secret;

object! {
    /// A subscription \[C, G\]: what is asked for, and what is answered or listed, where Mitel promises only the id
    /// \[C, NS\] and the rest is assumed to be echoed \[A\].
    Subscription {
        subscription_id: String = "subscriptionId" | "id",
        /// Signs webhooks: a secret. It is sent, and never written otherwise.
        application_id: Secret = "applicationId",
        /// Of a webhook the URL to call, of a websocket the MQTT client id.
        device_id: String = "deviceId",
        /// `webhook` or `websocket`.
        transport: String = "transport",
        /// The publishing service, such as `platform-api-media`.
        topic: String = "topic",
        /// A regular expression; not a full match.
        subject_filter: String = "subjectFilter",
        /// One verb: whether it may be more is not known \[A\].
        method_filter: String = "methodFilter",
        /// JSONPath on `{"publications": […]}`.
        publication_filter: String = "publicationFilter",
        expires: DateTime<Utc> = "expiryDateTime",
        created_on: DateTime<Utc> = "createdOn",
        account_id: String = "accountId",
        principal_id: String = "principalId",
    }

    /// A publication of our own \[C, G\]: topic, method, subject and content are required.
    NewPublication {
        topic: String = "topic",
        /// A verb, or any word if none fits.
        method: String = "method",
        subject: String = "subject",
        content: Value = "content",
        account_id: String = "accountId",
        principal_id: String = "principalId",
        /// Who may get it; whether a text or a list is wanted is assumed \[A\].
        principal_filter: Vec<String> = "principalFilter",
    }

    /// What came of a publication \[A\].
    Published {
        publication_id: String = "publicationId" | "id",
    }
}

/// A connection for notifications over a websocket.
#[derive(Clone, Debug)]
pub struct Connection {
    /// To be used exactly as it is, once; it carries its own permission.
    pub url: Secret,
}

impl Subscription {
    fn body(&self) -> Value {
        let mut body = serde_json::to_value(self).unwrap_or_default();
        if let Some(id) = &self.application_id {
            body["applicationId"] = id.expose().into();
        }
        body
    }
}

impl CloudLink {
    /// `POST /subscriptions` \[C, G, NS\].
    pub async fn subscribe(&self, new: &Subscription, timeout: Duration) -> Result<Subscription, Error> {
        self.send(Method::POST, Place::Subscriptions, &[], &new.body(), timeout).await
    }

    /// The subscriptions that we may see \[P, SH\]; whose they are is assumed.
    pub fn subscriptions(&self, query: &Query<'_>, paging: Paging) -> Items<Subscription> {
        self.list(Place::Subscriptions, &[], query, paging)
    }

    /// One subscription \[A\].
    pub async fn subscription(&self, subscription: &str, timeout: Duration) -> Result<Subscription, Error> {
        self.get(Place::Subscription, &[subscription], &Query::ALL, timeout).await
    }

    /// Changes a subscription, such as its end \[A\].
    pub async fn change_subscription(
        &self,
        subscription: &str,
        change: &Subscription,
        timeout: Duration,
    ) -> Result<Subscription, Error> {
        self.send(Method::PUT, Place::Subscription, &[subscription], &change.body(), timeout).await
    }

    /// Ends a subscription \[P, RN\]. One that is gone is ended.
    pub async fn unsubscribe(&self, subscription: &str, timeout: Duration) -> Result<(), Error> {
        match self.delete(Place::Subscription, &[subscription], timeout).await {
            Err(error) if error.status().is_some_and(|status| status.as_u16() == 404) => Ok(()),
            other => other,
        }
    }

    /// Asks for the URL of a websocket \[C, F171\]; `extra` goes along with `{"transport":"websocket"}`. Where in the
    /// answer the URL stands is said nowhere \[A\]: the first text that begins like one is taken.
    pub async fn connect(&self, extra: Map<String, Value>, timeout: Duration) -> Result<Connection, Error> {
        let mut body = Map::from_iter([("transport".to_owned(), "websocket".into())]);
        body.extend(extra);
        let (place, api) = (Place::Connections, Api::Notifications);
        let answer = self.exchange(Method::POST, place, &[], &Query::ALL, &body, timeout).await?;
        // Some services answer with the URL as plain text.
        let text = answer.body.as_ref().ok().and_then(|body| std::str::from_utf8(body).ok()).map(str::trim);
        let url = match text.filter(|text| is_websocket(text)) {
            Some(url) => Some(url.to_owned()),
            None => websocket(&verbs::json(api, answer, true)?, DEPTH),
        };
        let url = url.ok_or_else(|| Error::unreadable(api, "it holds no wss:// address"))?;
        Ok(Connection { url: Secret::new(url) })
    }

    /// Publishes something of our own \[C, G\]; where is assumed \[A\].
    pub async fn publish(&self, new: &NewPublication, timeout: Duration) -> Result<Published, Error> {
        self.send(Method::POST, Place::Publications, &[], new, timeout).await
    }
}

/// How deep an answer is looked into for an address.
const DEPTH: usize = 16;

fn websocket(value: &Value, depth: usize) -> Option<String> {
    match value {
        Value::String(text) if is_websocket(text) => Some(text.clone()),
        Value::Array(items) if depth > 0 => items.iter().find_map(|item| websocket(item, depth - 1)),
        Value::Object(fields) if depth > 0 => fields.values().find_map(|item| websocket(item, depth - 1)),
        _ => None,
    }
}

fn is_websocket(text: &str) -> bool {
    let begins = |scheme: &str| text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
    (begins("wss://") || begins("ws://")) && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_found_wherever_it_stands() {
        for answer in [
            json!({ "url": "wss://x.example/mqtt?a=%2B b".replace(' ', "") }),
            json!({ "id": 1, "_links": { "self": "/x", "connection": [{ "href": "WSS://x.example/mqtt" }] } }),
            json!("ws://127.0.0.1:1/mqtt"),
        ] {
            assert!(websocket(&answer, DEPTH).is_some(), "{answer}");
        }
        let mut deep = json!("wss://x.example");
        for _ in 0..=DEPTH {
            deep = json!([deep]);
        }
        for answer in [json!({ "url": "https://x.example" }), json!({ "note": "wss:// is spoken here" }), deep] {
            assert_eq!(websocket(&answer, DEPTH), None, "{answer}");
        }
    }
}
