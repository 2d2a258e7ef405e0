//! The control API under `/control`: how a person, a demo or a test makes things happen and sees what happened. JSON in
//! and out, no token; it is not part of CloudLink, and the books do not list it. Errors are `{ "name", "message" }`.
//!
//! | route | what it does |
//! |---|---|
//! | `POST /control/calls` | `{endpoint, from, from_name?, tracking_id?}`: an outside call rings |
//! | `GET /control/calls` | all calls with their states, the last ended ones too |
//! | `POST /control/calls/{call}/{action}` | answer, end, hold, retrieve; redirect and blindTransfer with `{destination}` |
//! | `POST /control/messages` | `{conversation?, sender, body, language?}`: a guest says something |
//! | `POST /control/presses` | `{conversation, sender, message, button?}`: someone presses a button of an action card |
//! | `GET /control/mails` | the mails that would have been sent |
//! | `POST`, `GET /control/subscriptions` | `{url, application_id, topics, subject_filter?, method_filter?, publication_filter?, principal_id?}` |
//! | `DELETE /control/subscriptions/{id}` | ends a subscription |
//! | `POST /control/tokens/revoke` | makes every token worthless; `{token}` or `{last: true}` one access token |
//! | `POST`, `GET`, `DELETE /control/moods` | how requests are mistreated, see [`super::moods::Mood`] |
//! | `POST /control/outages` | `{seconds, path_contains?, status?}`: a part is away for a while, as a mood before all others |
//! | `POST`, `GET`, `DELETE /control/whims` | what comes twice or late, see [`super::notify::Whim`] |
//! | `PUT`, `GET /control/redelivery` | `{schedule_ms?, first_pause_ms?, longest_pause_ms?, give_up_after_ms?}` |
//! | `GET`, `DELETE /control/books` | requests and deliveries; `?after=N` only newer entries; DELETE empties effects too |
//! | `GET /control/books/requests` | `?after=N&method=PUT&path_contains=/calls/` |
//! | `GET /control/books/deliveries` | `?after=N&subject_contains=/calls/` |
//! | `GET /control/books/effects` | `?contains=redirect`: how often what was carried out |
//!
//! Calls, messages, mails and subscriptions are those of the first account; `?account=` with a GUID or number names another.
//! `docs/simulator.md` has an example of each.

mod books;
mod faults;
mod happenings;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::answer::{self, Answer, Refusal};
use super::notify::{Owner, Subscription, Wish};
use super::realm::Realm;
use super::variants::Variants;
use super::world::World;

/// All control routes.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/calls", post(happenings::call).get(happenings::calls))
        .route("/calls/{call}/{action}", post(happenings::control))
        .route("/messages", post(happenings::message))
        .route("/presses", post(happenings::press))
        .route("/mails", get(mails))
        .route("/subscriptions", post(subscribe).get(subscriptions))
        .route("/subscriptions/{id}", delete(unsubscribe))
        .route("/tokens/revoke", post(faults::revoke))
        .route("/moods", post(faults::add_mood).get(faults::moods).delete(faults::clear_moods))
        .route("/outages", post(faults::outage))
        .route("/whims", post(faults::add_whim).get(faults::whims).delete(faults::clear_whims))
        .route("/redelivery", get(faults::redelivery).put(faults::change_redelivery))
        .route("/books", get(books::both).delete(books::clear))
        .route("/books/requests", get(books::requests))
        .route("/books/deliveries", get(books::deliveries))
        .route("/books/effects", get(books::effects))
}

/// Reads a body; an empty one counts as an empty object.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    let body: &[u8] = if body.trim_ascii().is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Refusal::bad(error.to_string()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscribe {
    url: String,
    application_id: String,
    topics: Vec<String>,
    subject_filter: Option<String>,
    method_filter: Option<String>,
    publication_filter: Option<String>,
    principal_id: Option<String>,
}

impl Subscribe {
    /// The wish that the API would have been sent for this topic.
    fn wish(&self, topic: &str, now: DateTime<Utc>, variants: Variants) -> Result<Wish, Refusal> {
        let fields = [
            ("applicationId", Some(&*self.application_id)),
            ("deviceId", Some(&*self.url)),
            ("transport", Some("webhook")),
            ("topic", Some(topic)),
            ("subjectFilter", Some(self.subject_filter.as_deref().unwrap_or(".*"))),
            ("methodFilter", self.method_filter.as_deref()),
            ("publicationFilter", self.publication_filter.as_deref()),
        ];
        let given = fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), Value::from(value?))));
        Wish::read(&given.collect::<Map<_, _>>(), now, variants)
    }
}

async fn subscribe(State(world): State<Arc<World>>, Meant(realm): Meant, body: Bytes) -> Answer {
    let asked: Subscribe = read(&body)?;
    if asked.topics.is_empty() {
        return Err(Refusal::bad("topics should not be empty"));
    }
    let (now, variants) = (world.clock.now(), world.options.variants);
    let wishes = asked.topics.iter().map(|topic| asked.wish(topic, now, variants)).collect::<Result<Vec<_>, _>>()?;
    let principal = asked.principal_id.as_ref().unwrap_or(&realm.account.principal_id);
    let owner = Owner { account_id: realm.account.id.clone(), principal_id: principal.clone(), token: None };
    let mut ids = vec![];
    for wish in wishes {
        ids.push(world.notify.subscribe(Subscription::new(owner.clone(), wish, now))?.id.clone());
    }
    Ok(answer::with(StatusCode::CREATED, json!({ "subscription_ids": ids })))
}

async fn subscriptions(State(world): State<Arc<World>>) -> Response {
    let variants = world.options.variants;
    let all: Vec<Value> = world.notify.all().iter().map(|held| held.document(variants)).collect();
    answer::with(StatusCode::OK, json!({ "subscriptions": all }))
}

async fn mails(Meant(realm): Meant) -> Response {
    answer::with(StatusCode::OK, json!({ "mails": realm.directory.mails() }))
}

/// The account that a request means: the one that `?account=` names, else the first.
struct Meant(Arc<Realm>);

impl FromRequestParts<Arc<World>> for Meant {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, world: &Arc<World>) -> Result<Self, Refusal> {
        let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let named = query.into_iter().find(|(key, _)| key == "account");
        let realm = match named {
            Some((_, account)) => world.named(&account)?,
            None => world.main(),
        };
        Ok(Self(Arc::clone(realm)))
    }
}

async fn unsubscribe(State(world): State<Arc<World>>, Path(id): Path<String>) -> Answer {
    world.notify.unsubscribe(&id)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
