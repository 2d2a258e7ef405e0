//! `/conversations`: opening and listing them, their messages and participants. Whoever is not a participant may read
//! (the client is an administrator) but not write.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde_json::{Map, Value};

use super::talk::{Opening, Words};
use crate::simulator::answer::{self, Answer, Page, Refusal, object, only, required, text};
use crate::simulator::gate::Caller;
use crate::simulator::world::World;

const OPENING: [&str; 9] = [
    "stream",
    "name",
    "languageCode",
    "visibility",
    "hidden",
    "generateSystemMessages",
    "accessCode",
    "thumbnailUrl",
    "originalParticipants",
];

/// The routes of the Conversations API.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/conversations", post(open).get(list))
        .route("/conversations/{id}", get(one))
        .route("/conversations/{id}/messages", post(say).get(messages))
        .route("/conversations/{id}/messages/{message}", get(message))
        .route("/conversations/{id}/participants", post(join).get(participants))
}

async fn open(State(world): State<Arc<World>>, Caller(holder): Caller, body: Bytes) -> Answer {
    let map = object(&body)?;
    only(&map, &OPENING)?;
    let id = world.chats.open(Opening {
        creator: holder.principal_id,
        participants: original_participants(&map)?,
        stream: map.get("stream").and_then(Value::as_bool).unwrap_or(false),
        name: text(&map, "name")?,
        language_code: text(&map, "languageCode")?,
    });
    let talks = world.chats.talks();
    Ok(answer::with(StatusCode::CREATED, talks.get(&id)?.document(&world.options.account_id)))
}

fn original_participants(map: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let wrong = || Refusal::bad("originalParticipants should be array of {type, participantId}");
    let Some(list) = map.get("originalParticipants") else { return Ok(vec![]) };
    let id = |entry: &Value| entry["participantId"].as_str().map(str::to_owned).ok_or_else(wrong);
    list.as_array().ok_or_else(wrong)?.iter().map(id).collect()
}

async fn list(
    State(world): State<Arc<World>>,
    Caller(_): Caller,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let talks = world.chats.talks();
    let items = talks.all().map(|talk| talk.document(&world.options.account_id));
    Ok(answer::with(StatusCode::OK, Page::of(&query)?.collection("/conversations", items)))
}

async fn one(State(world): State<Arc<World>>, Caller(_): Caller, Path(id): Path<String>) -> Answer {
    let talks = world.chats.talks();
    Ok(answer::with(StatusCode::OK, talks.get(&id)?.document(&world.options.account_id)))
}

async fn say(State(world): State<Arc<World>>, Caller(holder): Caller, Path(id): Path<String>, body: Bytes) -> Answer {
    let words = Words::read(&object(&body)?)?;
    let message = world.chats.say(&world, &id, &holder.principal_id, words)?;
    Ok(answer::with(StatusCode::CREATED, message))
}

/// Newest first, unless `$orderby=createdOn asc` (or without a direction) asks for the opposite.
async fn messages(
    State(world): State<Arc<World>>,
    Caller(_): Caller,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let talks = world.chats.talks();
    let newest_first = talks.get(&id)?.newest_first().cloned();
    let (page, path) = (Page::of(&query)?, format!("/conversations/{id}/messages"));
    let collection = match query.get("$orderby").map(|text| text.trim()) {
        None | Some("createdOn desc") => page.collection(&path, newest_first),
        Some("createdOn" | "createdOn asc") => page.collection(&path, newest_first.rev()),
        Some(other) => return Err(Refusal::bad(format!("the simulator can't order by {other}"))),
    };
    Ok(answer::with(StatusCode::OK, collection))
}

async fn message(
    State(world): State<Arc<World>>,
    Caller(_): Caller,
    Path((id, message)): Path<(String, String)>,
) -> Answer {
    let talks = world.chats.talks();
    let found = talks.get(&id)?.newest_first().find(|kept| kept["messageId"] == *message);
    let found = found.ok_or_else(|| Refusal::missing("MessageNotFound", format!("no message {message}")))?;
    Ok(answer::with(StatusCode::OK, found.clone()))
}

async fn participants(
    State(world): State<Arc<World>>,
    Caller(_): Caller,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let talks = world.chats.talks();
    let talk = talks.get(&id)?;
    let items = talk.participants().map(|who| talk.participant(who, &world.options.account_id));
    let path = format!("/conversations/{id}/participants");
    Ok(answer::with(StatusCode::OK, Page::of(&query)?.collection(&path, items)))
}

async fn join(State(world): State<Arc<World>>, Caller(_): Caller, Path(id): Path<String>, body: Bytes) -> Answer {
    let map = object(&body)?;
    only(&map, &["participantId", "type"])?;
    let who = required(&map, "participantId")?;
    let new = world.chats.join(&id, &who)?;
    let talks = world.chats.talks();
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(answer::with(status, talks.get(&id)?.participant(&who, &world.options.account_id)))
}
