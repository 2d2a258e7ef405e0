//! What every API request passes before and after its handler: the books, moods, the correlation id; and the two ways of
//! not getting in: no valid token (401) and no such route (403 with the service's misleading text).

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::answer::{BASE, Refusal};
use super::books;
use super::moods::{Broken, Mood};
use super::service::below_base;
use super::tokens::Holder;
use super::variants::Variant;
use super::world::{World, guid};

const CORRELATION: &str = "x-mitel-correlation-id";
/// The largest body that is read: attachments may have 10 MB.
const MAX_BODY: usize = 11 * 1024 * 1024;

/// The middleware over all routes; requests that are not for the API go straight through.
pub(crate) async fn pass(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    if below_base(request.uri().path()).is_none() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let adopted = parts.headers.get(CORRELATION).filter(|_| world.options.variants.has(Variant::CorrelationAdopted));
    let correlation = adopted.and_then(|sent| sent.to_str().ok()).map_or_else(guid, str::to_owned);
    let mut response = match to_bytes(body, MAX_BODY).await {
        Ok(body) => noted(&world, parts, body, &correlation, next).await,
        Err(_) => Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge", "too large").into_response(),
    };
    if let Ok(value) = HeaderValue::from_str(&correlation) {
        response.headers_mut().insert(CORRELATION, value);
    }
    response
}

/// The request in the books, under a mood if there is one. What the handler did is written down when it has done it: the
/// caller may be gone before a mood lets the answer go.
async fn noted(world: &World, parts: Parts, body: Bytes, correlation: &str, next: Next) -> Response {
    let now = world.clock.epoch_ms();
    let mood = world.moods.take(parts.method.as_str(), parts.uri.path(), now);
    let n = world.books.came(entry(&parts, &body, correlation, mood.as_ref().map(Mood::title), now));
    let work = async {
        let response = next.run(Request::from_parts(parts, Body::from(body))).await;
        if response.status().is_success() {
            world.books.carried_out(n, world.clock.epoch_ms());
        }
        response
    };
    let response = match mood {
        Some(mood) => mood.over(work).await,
        None => work.await,
    };
    if response.extensions().get::<Broken>().is_none() {
        world.books.answered(n, response.status().as_u16());
    }
    response
}

fn entry(parts: &Parts, body: &[u8], correlation: &str, mood: Option<String>, time: i64) -> books::Request {
    let header = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    books::Request {
        n: 0,
        time,
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        body: books::written(&header("content-type").unwrap_or_default(), body),
        status: None,
        mood,
        carried_out: false,
        correlation_id: correlation.to_owned(),
        sent_correlation_id: header(CORRELATION),
        x_mitel_app: header("x-mitel-app"),
    }
}

/// The holder of the valid token that a request carries, or 401.
pub(crate) fn holder(world: &World, headers: &HeaderMap) -> Result<Arc<Holder>, Refusal> {
    let refused = |why: &str| Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized", why);
    let holder = bearer(headers)
        .and_then(|token| world.tokens.holder(token))
        .ok_or_else(|| refused("the access token is missing, unknown or expired"))?;
    if holder.realm.is_active() { Ok(holder) } else { Err(refused("the account is not active")) }
}

/// The token of a request, with or without the word Bearer.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    match text.split_once(' ') {
        Some((word, token)) if word.eq_ignore_ascii_case("bearer") => Some(token.trim()),
        Some(_) => None,
        None => Some(text),
    }
}

/// Where no route leads: under the API the 403 that speaks of an equal-sign and repeats the token, elsewhere a 404.
pub(crate) async fn no_route(uri: Uri, headers: HeaderMap) -> Response {
    if below_base(uri.path()).is_none() {
        let message = format!("nothing here: the API is under {BASE}, the control API under /control");
        return Refusal::missing("NotFound", message).into_response();
    }
    unrouted(&headers)
}

/// What the API says where it has no route for a path or method.
pub(crate) fn unrouted(headers: &HeaderMap) -> Response {
    let message = match headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) {
        Some(sent) => {
            let token = sent.rsplit(' ').next().unwrap_or(sent);
            format!("'{token}' not a valid key=value pair (missing equal-sign) in Authorization header: '{sent}'.")
        }
        None => "Missing Authentication Token".to_owned(),
    };
    (StatusCode::FORBIDDEN, Json(json!({ "message": message }))).into_response()
}
