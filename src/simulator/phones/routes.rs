//! `/endpoints`: phones, their calls, making and controlling calls. Control answers 202 with an empty body; success shows
//! in the notification.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::json;

use super::leg::{Direction, State as CallState};
use super::switch::{Action, Dial};
use crate::simulator::answer::{self, Answer, BASE, Page, Refusal, object, only, required, text};
use crate::simulator::gate::Caller;
use crate::simulator::world::World;

const CALL: [&str; 10] = [
    "to",
    "from",
    "fromName",
    "record",
    "originateTimeout",
    "timeoutMs",
    "successUrl",
    "failureUrl",
    "associatedCallId",
    "executeOnAnswer",
];

/// The routes of the Media API.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/endpoints/{endpoint}", get(endpoint))
        .route("/endpoints/{endpoint}/calls", get(list).post(make))
        .route("/endpoints/{endpoint}/calls/{call}", get(one).put(control))
}

async fn endpoint(State(world): State<Arc<World>>, Caller(_): Caller, Path(id): Path<String>) -> Answer {
    let calls = world.phones.at(&id);
    let state = calls.first().map_or("idle", |leg| leg.state.word());
    let availability = if calls.iter().any(|leg| leg.state != CallState::Ringing) { "busy" } else { "available" };
    let phone = json!({
        "endpointId": id, "name": format!("Phone {id}"), "type": "deskphone", "state": state,
        "userAvailability": availability, "messageWaiting": false, "dnd": false, "pstnRouting": false,
        "_links": { "self": format!("{BASE}/endpoints/{id}"), "calls": format!("{BASE}/endpoints/{id}/calls") },
    });
    Ok(answer::with(StatusCode::OK, phone))
}

async fn list(
    State(world): State<Arc<World>>,
    Caller(_): Caller,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let items = world.phones.at(&id).into_iter().map(|leg| {
        let mut call = leg.object();
        call["callId"] = leg.long_id().into();
        call
    });
    Ok(answer::with(StatusCode::OK, Page::of(&query)?.collection(&format!("/endpoints/{id}/calls"), items)))
}

async fn make(State(world): State<Arc<World>>, Caller(_): Caller, Path(id): Path<String>, body: Bytes) -> Answer {
    let map = object(&body)?;
    only(&map, &CALL)?;
    let dial = Dial {
        endpoint: id,
        direction: Direction::Outbound,
        far: required(&map, "to")?,
        far_name: String::new(),
        tracking_id: None,
    };
    Ok(answer::with(StatusCode::OK, world.phones.dial(&world, dial)?.object()))
}

async fn one(
    State(world): State<Arc<World>>,
    Caller(_): Caller,
    Path((endpoint, call)): Path<(String, String)>,
) -> Answer {
    Ok(answer::with(StatusCode::OK, world.phones.one(&endpoint, &call)?.object()))
}

async fn control(
    State(world): State<Arc<World>>,
    Caller(_): Caller,
    Path((endpoint, call)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let map = object(&body)?;
    only(&map, &["action", "destination", "args", "callId", "timeoutMs"])?;
    // The examples say `destination`, the schema `args`.
    let destination = text(&map, "destination")?.or(text(&map, "args")?);
    world.phones.one(&endpoint, &call)?;
    let action = Action::read(&required(&map, "action")?, destination).map_err(Refusal::bad)?;
    world.phones.control(&world, Some(&endpoint), &call, &action)?;
    Ok(StatusCode::ACCEPTED.into_response())
}
