//! `/subscriptions` and `/publications`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value};

use super::{Publication, Subscription, Wish};
use crate::simulator::answer::{self, Answer, Page, Refusal, object, required, text};
use crate::simulator::gate::Caller;
use crate::simulator::world::World;

/// The routes of the Notifications API.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/subscriptions", post(subscribe).get(list))
        .route("/subscriptions/{id}", get(one).put(change).delete(unsubscribe))
        .route("/publications", post(publish))
}

async fn subscribe(State(world): State<Arc<World>>, Caller(holder): Caller, body: Bytes) -> Answer {
    let wish = Wish::read(&object(&body)?, world.clock.now())?;
    let made = world.notify.subscribe(Subscription::new(holder.principal_id, wish, world.clock.now()))?;
    Ok(answer::with(StatusCode::CREATED, made.document(&world.options.account_id)))
}

async fn list(
    State(world): State<Arc<World>>,
    Caller(_): Caller,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let items = world.notify.all().into_iter().map(|held| held.document(&world.options.account_id));
    Ok(answer::with(StatusCode::OK, Page::of(&query)?.collection("/subscriptions", items)))
}

async fn one(State(world): State<Arc<World>>, Caller(_): Caller, Path(id): Path<String>) -> Answer {
    let held = world.notify.get(&id)?;
    Ok(answer::with(StatusCode::OK, held.document(&world.options.account_id)))
}

async fn change(State(world): State<Arc<World>>, Caller(_): Caller, Path(id): Path<String>, body: Bytes) -> Answer {
    let changed = world.notify.change(&id, Wish::read(&object(&body)?, world.clock.now())?)?;
    Ok(answer::with(StatusCode::OK, changed.document(&world.options.account_id)))
}

async fn unsubscribe(
    State(world): State<Arc<World>>,
    Caller(_): Caller,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    world.notify.unsubscribe(&id)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn publish(State(world): State<Arc<World>>, Caller(holder): Caller, body: Bytes) -> Answer {
    let map = object(&body)?;
    answer::only(&map, &["topic", "method", "subject", "content", "accountId", "principalId", "principalFilter"])?;
    let content = map.get("content").cloned().ok_or_else(|| Refusal::bad("should have required property 'content'"))?;
    let by = text(&map, "principalId")?.unwrap_or(holder.principal_id);
    let mut publication = Publication::new(
        &required(&map, "topic")?,
        &required(&map, "method")?,
        required(&map, "subject")?,
        content,
        (&world.options.account_id, &by),
    );
    publication.audience = principals(&map)?;
    world.notify.publish(&publication);
    tracing::info!(target: "simulator", topic = publication.topic, subject = publication.subject, "published");
    Ok(answer::with(StatusCode::CREATED, publication.document()))
}

/// `principalFilter`: one principal or several.
fn principals(map: &Map<String, Value>) -> Result<Option<Vec<String>>, Refusal> {
    match map.get("principalFilter") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(one)) => Ok(Some(vec![one.clone()])),
        Some(several) => serde_json::from_value(several.clone())
            .map(Some)
            .map_err(|_| Refusal::bad("principalFilter should be string or array of string")),
    }
}
