//! The portal: the page on which a user signs in with a browser, at `/authorize`. Whoever signs in is sent back to the
//! application with a code; whoever may not be sent anywhere stays on a page that says why.

mod html;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use url::Url;

use super::answer::Answer;
use super::service::Wire;
use super::tokens::{Demand, signed_in};
use super::world::World;
use html::Form;

/// The page and what its form sends.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new().route("/authorize", get(show).post(sign_in))
}

/// The page for a request under the API's own host.
#[expect(clippy::unnecessary_wraps, reason = "the table of routes wants a handler, and a handler can fail")]
pub(crate) fn page(wire: &Wire) -> Answer {
    Ok(shown(&wire.world, &wire.query))
}

async fn show(State(world): State<Arc<World>>, Query(query): Query<HashMap<String, String>>) -> Response {
    shown(&world, &query)
}

fn shown(world: &World, query: &HashMap<String, String>) -> Response {
    match Demand::read(world, query) {
        Ok(_) => answer(StatusCode::OK, html::form(&Form { query, complaint: None })),
        Err(error) => answer(StatusCode::BAD_REQUEST, html::dead_end(error.message())),
    }
}

async fn sign_in(State(world): State<Arc<World>>, body: Bytes) -> Response {
    let fields: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let demand = match Demand::read(&world, &fields) {
        Ok(demand) => demand,
        Err(error) => return answer(StatusCode::BAD_REQUEST, html::dead_end(error.message())),
    };
    let back = demand.redirect_uri.as_deref().and_then(|uri| Url::parse(uri).ok());
    let Some(back) = back else {
        return answer(StatusCode::BAD_REQUEST, html::dead_end("redirect_uri is missing"));
    };
    let given = |key: &str| fields.get(key).map_or("", String::as_str);
    if fields.contains_key("cancel") {
        return sent(back, &[("error", "access_denied"), ("state", given("state"))]);
    }
    let who = (given("username").trim(), given("password"), fields.get("account_id").map(|id| id.trim()));
    match signed_in(&world, demand, who) {
        Ok(code) => sent(back, &[("code", &code), ("state", given("state"))]),
        Err(complaint) => {
            let form = html::form(&Form { query: &fields, complaint: Some(&complaint) });
            answer(StatusCode::UNAUTHORIZED, form)
        }
    }
}

/// Back to the application, with what there is to say.
fn sent(mut to: Url, pairs: &[(&str, &str)]) -> Response {
    to.query_pairs_mut().extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
    let mut response = StatusCode::FOUND.into_response();
    if let Ok(value) = HeaderValue::from_str(to.as_str()) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn answer(status: StatusCode, page: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, page).into_response()
}
