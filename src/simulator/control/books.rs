//! Control routes that read the books.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::simulator::answer;
use crate::simulator::world::World;

/// Which entries are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(default)]
    after: u64,
    method: Option<String>,
    #[serde(default)]
    path_contains: String,
    #[serde(default)]
    subject_contains: String,
    #[serde(default)]
    contains: String,
}

/// Both books, newest last.
pub(super) async fn both(State(world): State<Arc<World>>, Query(wanted): Query<Wanted>) -> Response {
    let requests = world.books.requests(|entry| entry.n > wanted.after);
    let deliveries = world.books.deliveries(|entry| entry.n > wanted.after);
    answer::with(StatusCode::OK, json!({ "requests": requests, "deliveries": deliveries }))
}

/// The requests.
pub(super) async fn requests(State(world): State<Arc<World>>, Query(wanted): Query<Wanted>) -> Response {
    let requests = world.books.requests(|entry| {
        entry.n > wanted.after
            && entry.path.contains(&wanted.path_contains)
            && wanted.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(&entry.method))
    });
    answer::with(StatusCode::OK, json!({ "requests": requests }))
}

/// The deliveries.
pub(super) async fn deliveries(State(world): State<Arc<World>>, Query(wanted): Query<Wanted>) -> Response {
    let deliveries =
        world.books.deliveries(|entry| entry.n > wanted.after && entry.subject.contains(&wanted.subject_contains));
    answer::with(StatusCode::OK, json!({ "deliveries": deliveries }))
}

/// How often what was carried out.
pub(super) async fn effects(State(world): State<Arc<World>>, Query(wanted): Query<Wanted>) -> Response {
    let (effects, forgotten) = world.books.effects(&wanted.contains);
    answer::with(StatusCode::OK, json!({ "effects": effects, "forgotten": forgotten }))
}

/// Empties all.
pub(super) async fn clear(State(world): State<Arc<World>>) -> Response {
    world.books.clear();
    StatusCode::NO_CONTENT.into_response()
}
