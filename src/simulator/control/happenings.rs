//! Control routes that make something happen to people: calls and messages.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::read;
use crate::simulator::answer::{self, Answer, Refusal};
use crate::simulator::chat::{Opening, Words};
use crate::simulator::clock;
use crate::simulator::phones::{Action, Dial, Direction, Leg};
use crate::simulator::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    endpoint: String,
    from: String,
    #[serde(default)]
    from_name: String,
    tracking_id: Option<String>,
}

/// An outside call rings at a phone.
pub(super) async fn call(State(world): State<Arc<World>>, body: Bytes) -> Answer {
    let call: Call = read(&body)?;
    if call.endpoint.is_empty() || call.endpoint.contains('/') {
        return Err(Refusal::bad("endpoint should be an extension"));
    }
    let leg = world.phones.dial(
        &world,
        Dial {
            endpoint: call.endpoint,
            direction: Direction::Inbound,
            far: call.from,
            far_name: call.from_name,
            tracking_id: call.tracking_id,
        },
    )?;
    Ok(answer::with(StatusCode::CREATED, shown(&leg)))
}

/// All calls with their states.
pub(super) async fn calls(State(world): State<Arc<World>>) -> Response {
    let calls: Vec<Value> = world.phones.all().iter().map(shown).collect();
    answer::with(StatusCode::OK, json!({ "calls": calls }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Control {
    destination: Option<String>,
}

/// Someone does something at a phone. Answers the legs that changed.
pub(super) async fn control(
    State(world): State<Arc<World>>,
    Path((call, action)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let action = Action::read(&action, read::<Control>(&body)?.destination).map_err(Refusal::bad)?;
    let changed: Vec<Value> = world.phones.control(&world, None, &call, &action)?.iter().map(shown).collect();
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
pub(super) async fn message(State(world): State<Arc<World>>, body: Bytes) -> Answer {
    let message: Message = read(&body)?;
    let conversation = match message.conversation {
        Some(id) => {
            world.chats.join(&id, &message.sender)?;
            id
        }
        None => world.chats.open(Opening {
            creator: message.sender.clone(),
            participants: vec![message.sender.clone(), world.options.principal_id.clone()],
            stream: false,
            name: None,
            language_code: message.language,
        }),
    };
    let said = world.chats.say(&world, &conversation, &message.sender, Words::plain(message.body))?;
    Ok(answer::with(StatusCode::CREATED, json!({ "conversation": conversation, "message": said["messageId"] })))
}
