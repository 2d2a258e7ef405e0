//! Answers: text, JSON, and refusals as problems (RFC 9457).

use axum::body::Body;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

/// A text of some type.
pub(super) fn text(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// What was asked for or done, which nobody between may keep.
pub(super) fn done(value: &Value) -> Response<Body> {
    let mut response = text(StatusCode::OK, "application/json", value.to_string());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A refusal.
pub(super) fn problem(status: StatusCode, title: &str) -> Response<Body> {
    of(status, &json!({ "type": "about:blank", "title": title, "status": status.as_u16() }))
}

/// A refusal with its reason.
pub(super) fn detailed(status: StatusCode, detail: &str) -> Response<Body> {
    let title = status.canonical_reason().unwrap_or("refused").to_ascii_lowercase();
    of(status, &json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail }))
}

/// A refusal of the method.
pub(super) fn method(allowed: &'static str) -> Response<Body> {
    let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, "method not allowed here");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

fn of(status: StatusCode, problem: &Value) -> Response<Body> {
    let mut response = text(status, "application/problem+json", problem.to_string());
    if matches!(status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
        // What was not read of the body makes the connection useless.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
