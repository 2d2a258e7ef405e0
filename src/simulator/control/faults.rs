//! Control routes that break something: moods and outages of the APIs, whims of deliveries, their repetition, and tokens
//! that end early.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::read;
use crate::simulator::answer::{self, Answer, Refusal};
use crate::simulator::moods::Mood;
use crate::simulator::notify::Whim;
use crate::simulator::options::Redelivery;
use crate::simulator::world::World;

/// The longest outage, in seconds: a day.
const LONGEST_OUTAGE: u32 = 24 * 60 * 60;

/// Sets a mood behind those that are set.
pub(super) async fn add_mood(State(world): State<Arc<World>>, body: Bytes) -> Answer {
    set(&world, read(&body)?, false)?;
    Ok(moods(State(world)).await)
}

fn set(world: &World, mood: Mood, first: bool) -> Result<(), Refusal> {
    if let Some(fault) = mood.fault() {
        return Err(Refusal::bad(fault));
    }
    tracing::info!(target: "simulator", ?mood, "a mood was set");
    let added = world.moods.add(mood, first, world.clock.epoch_ms());
    added.then_some(()).ok_or_else(|| Refusal::bad("there are too many moods"))
}

/// All moods with what they have left.
pub(super) async fn moods(State(world): State<Arc<World>>) -> Response {
    answer::with(StatusCode::OK, json!({ "moods": world.moods.all(world.clock.epoch_ms()) }))
}

/// Back to normal; ends outages too.
pub(super) async fn clear_moods(State(world): State<Arc<World>>) -> Response {
    world.moods.clear();
    tracing::info!(target: "simulator", "all moods were cleared");
    StatusCode::NO_CONTENT.into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outage {
    seconds: u32,
    #[serde(default)]
    path_contains: String,
    status: Option<u16>,
}

/// A part of the service is away for a while: it resets connections, or answers with a status. It goes before all moods.
pub(super) async fn outage(State(world): State<Arc<World>>, body: Bytes) -> Answer {
    let Outage { seconds, path_contains, status } = read(&body)?;
    if !(1..=LONGEST_OUTAGE).contains(&seconds) {
        return Err(Refusal::bad(format!("seconds should be 1 to {LONGEST_OUTAGE}")));
    }
    let for_ms = Some(seconds * 1000);
    set(&world, Mood { path_contains, status, reset: status.is_none(), for_ms, ..Mood::default() }, true)?;
    Ok(moods(State(world)).await)
}

/// Sets a whim behind those that are set.
pub(super) async fn add_whim(State(world): State<Arc<World>>, body: Bytes) -> Answer {
    let whim: Whim = read(&body)?;
    if let Some(fault) = whim.fault() {
        return Err(Refusal::bad(fault));
    }
    tracing::info!(target: "simulator", ?whim, "a whim was set");
    if !world.notify.add_whim(whim) {
        return Err(Refusal::bad("there are too many whims"));
    }
    Ok(whims(State(world)).await)
}

/// All whims.
pub(super) async fn whims(State(world): State<Arc<World>>) -> Response {
    answer::with(StatusCode::OK, json!({ "whims": world.notify.whims() }))
}

/// Deliveries go in order and once.
pub(super) async fn clear_whims(State(world): State<Arc<World>>) -> Response {
    world.notify.clear_whims();
    StatusCode::NO_CONTENT.into_response()
}

/// How deliveries are repeated. In a change, what is left out stays.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the unit is part of each name on the wire")]
struct Repeats {
    schedule_ms: Option<Vec<u32>>,
    first_pause_ms: Option<u32>,
    longest_pause_ms: Option<u32>,
    give_up_after_ms: Option<u32>,
}

/// Changes it, for what is under way too.
pub(super) async fn change_redelivery(State(world): State<Arc<World>>, body: Bytes) -> Answer {
    let repeats: Repeats = read(&body)?;
    let ms = |ms: u32| Duration::from_millis(ms.into());
    let change = |place: &mut Duration, given: Option<u32>| *place = given.map_or(*place, ms);
    let mut held = world.notify.redelivery();
    if let Some(schedule) = repeats.schedule_ms {
        held.schedule = schedule.into_iter().map(ms).collect();
    }
    change(&mut held.first_pause, repeats.first_pause_ms);
    change(&mut held.longest_pause, repeats.longest_pause_ms);
    change(&mut held.give_up_after, repeats.give_up_after_ms);
    Ok(shown(&held))
}

/// How deliveries are repeated now.
pub(super) async fn redelivery(State(world): State<Arc<World>>) -> Response {
    shown(&world.notify.redelivery())
}

fn shown(held: &Redelivery) -> Response {
    let ms = |pause: &Duration| u32::try_from(pause.as_millis()).unwrap_or(u32::MAX);
    let repeats = Repeats {
        schedule_ms: Some(held.schedule.iter().map(ms).collect()),
        first_pause_ms: Some(ms(&held.first_pause)),
        longest_pause_ms: Some(ms(&held.longest_pause)),
        give_up_after_ms: Some(ms(&held.give_up_after)),
    };
    answer::with(StatusCode::OK, json!(repeats))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Revoke {
    token: Option<String>,
    last: bool,
}

/// Makes tokens worthless before their time: all of them with their refresh tokens, or one access token alone.
pub(super) async fn revoke(State(world): State<Arc<World>>, body: Bytes) -> Answer {
    let Revoke { token, last } = read(&body)?;
    let revoked = match (&token, last) {
        (None, false) => world.tokens.revoke_all(),
        (None, true) | (Some(_), false) => usize::from(world.tokens.revoke_one(token.as_deref())),
        (Some(_), true) => return Err(Refusal::bad("token and last exclude each other")),
    };
    tracing::info!(target: "simulator", revoked, "tokens were revoked");
    Ok(answer::with(StatusCode::OK, json!({ "revoked": revoked })))
}
