//! Control routes that make something happen to people: calls and messages.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Meant, read};
use crate::simulator::answer::{self, Answer, Refusal};
use crate::simulator::chat::{Opening, Words};
use crate::simulator::clock;
use crate::simulator::phones::{self, Dial, Direction, Leg};
use crate::simulator::realm::Realm;
use crate::simulator::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    endpoint: String,
    from: String,
    #[serde(default)]
    from_name: String,
    tracking_id: Option<String>,
    #[serde(default)]
    record: bool,
}

/// An outside call rings at a phone.
pub(super) async fn call(State(world): State<Arc<World>>, Meant(realm): Meant, body: Bytes) -> Answer {
    let call: Call = read(&body)?;
    if call.endpoint.is_empty() || call.endpoint.contains('/') {
        return Err(Refusal::bad("endpoint should be an extension"));
    }
    let dial = Dial {
        far_name: call.from_name,
        tracking_id: call.tracking_id,
        record: call.record,
        ..Dial::plain(call.endpoint, Direction::Inbound, call.from)
    };
    let leg = realm.phones.dial(&world, &realm, dial)?;
    Ok(answer::with(StatusCode::CREATED, shown(&leg)))
}

/// All calls with their states.
pub(super) async fn calls(Meant(realm): Meant) -> Response {
    let calls: Vec<Value> = realm.phones.all().iter().map(shown).collect();
    answer::with(StatusCode::OK, json!({ "calls": calls }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Control {
    destination: Option<String>,
    args: Option<String>,
    other_call: Option<String>,
}

/// Someone does something at a phone. Answers the legs that changed.
pub(super) async fn control(
    State(world): State<Arc<World>>,
    Meant(realm): Meant,
    Path((call, action)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let Control { destination, args, other_call } = read(&body)?;
    let action = realm.phones.action(&action, phones::Words { destination, args, other_call })?;
    let changed: Vec<Value> = realm.phones.control(&world, &realm, None, &call, &action)?.iter().map(shown).collect();
    Ok(answer::with(StatusCode::OK, json!({ "calls": changed })))
}

fn shown(leg: &Leg) -> Value {
    json!({
        "endpoint": leg.endpoint, "call": leg.call_id, "state": leg.state.word(), "cause": leg.cause,
        "direction": leg.direction.word(), "from": leg.from, "to": leg.to,
        "tracking_id": leg.tracking_id, "created_on": clock::iso(leg.created_on), "path": leg.path(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    conversation: Option<String>,
    sender: String,
    body: String,
    language: Option<String>,
}

/// A guest says something, if need be in a new conversation with the client of the API.
pub(super) async fn message(State(world): State<Arc<World>>, Meant(realm): Meant, body: Bytes) -> Answer {
    let message: Message = read(&body)?;
    let conversation = if let Some(id) = message.conversation {
        realm.chats.join(&id, &message.sender)?;
        id
    } else {
        let opening = Opening {
            creator: message.sender.clone(),
            participants: vec![message.sender.clone(), realm.account.principal_id.clone()],
            language_code: message.language,
            ..Opening::default()
        };
        realm.chats.open(opening).0
    };
    said(&world, &realm, &conversation, &message.sender, message.body)
}

fn said(world: &World, realm: &Realm, conversation: &str, sender: &str, text: String) -> Answer {
    let said = realm.chats.say(world, realm, conversation, sender, Words::plain(text))?;
    Ok(answer::with(StatusCode::CREATED, json!({ "conversation": conversation, "message": said["messageId"] })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Press {
    conversation: String,
    sender: String,
    message: String,
    #[serde(default)]
    button: usize,
}

/// Someone presses a button of an action card: its payload comes as an ordinary message of theirs.
pub(super) async fn press(State(world): State<Arc<World>>, Meant(realm): Meant, body: Bytes) -> Answer {
    let press: Press = read(&body)?;
    let text = realm.chats.pressed(&press.conversation, &press.message, press.button)?;
    said(&world, &realm, &press.conversation, &press.sender, text)
}
