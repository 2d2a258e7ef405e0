//! What CloudLink sends: publications as the wire reference shows them, and their signature.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

/// The time now.
#[expect(clippy::disallowed_methods, reason = "letters carry the time at which they are written")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// The one real notification of a call that the wire reference has, as text, with its times moved to now.
pub(crate) fn real() -> String {
    let (now, at) = (now(), |text: &str| text.parse::<DateTime<Utc>>().unwrap());
    let mut text = include_str!("../../fixtures/ringing.json").to_owned();
    let began = at("2026-02-03T08:15:30.120Z");
    for stamp in ["2026-02-03T08:15:30.120Z", "2026-02-03T08:15:31.150Z"] {
        text = text.replace(stamp, &iso(now + (at(stamp) - began)));
    }
    for stamp in [1_770_106_530_124, 1_770_106_530_650, 1_770_106_530_668_i64] {
        let moved = now.timestamp_millis() + stamp - 1_770_106_530_120;
        text = text.replace(&stamp.to_string(), &moved.to_string());
    }
    text
}

fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A publication of any topic.
pub(crate) fn publication(topic: &str, method: &str, subject: &str, content: Value) -> Value {
    json!({
        "publicationId": uuid::Uuid::new_v4().to_string(), "topic": topic, "method": method, "subject": subject,
        "content": content, "publisher": { "accountId": "a", "principalId": "p" },
        "subscription": { "subscriptionId": "0f1e2d3c4b5a69788796a5b4c3d2e1f0" },
        "notification": { "createdOn": iso(now()), "correlationId": uuid::Uuid::new_v4().to_string() }
    })
}

/// A call that begins to ring at a phone.
pub(crate) fn ringing(endpoint: &str, call: &str) -> Value {
    in_state(endpoint, call, "ringing")
}

/// A call in a state.
pub(crate) fn in_state(endpoint: &str, call: &str, state: &str) -> Value {
    let path = format!("endpoints/{endpoint}/calls/{call}");
    let content = json!({
        "callId": path, "endpointId": endpoint, "state": state, "cause": "newCall", "direction": "inbound",
        "from": "+16135550142", "fromName": "", "to": endpoint, "toName": "", "createdOn": iso(now()),
        "timestamp": now().timestamp_millis(), "extraPbxData": { "callTrackingID": format!("t#{call}") },
        "_links": { "self": format!("/2017-09-01/{path}") }
    });
    publication("platform-api-media", "PUT", &format!("/2017-09-01/{path}"), content)
}

/// The same as if the PBX had seen it so long ago.
pub(crate) fn aged(mut publication: Value, age: Duration) -> Value {
    let then = now() - age;
    publication["content"]["timestamp"] = then.timestamp_millis().into();
    publication["content"]["createdOn"] = iso(then).into();
    publication
}

/// Somebody writes into a conversation.
pub(crate) fn chat(conversation: &str, text: &str) -> Value {
    let message = uuid::Uuid::new_v4().to_string();
    let content = json!({ "messageId": message, "conversationId": conversation, "body": text, "contentType": "text/plain",
                          "createdBy": "guest-1", "createdOn": iso(now()) });
    publication(
        "platform-api-conversations",
        "POST",
        &format!("/conversations/{conversation}/messages/{message}"),
        content,
    )
}

/// The signature as lower-case hex.
pub(crate) fn sign(key: &str, body: &[u8]) -> String {
    hex::encode(ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes()), body))
}
