//! The shapes of answers and the reading of bodies that all services share: errors, strict objects, form fields.
//! No route and no state lives here; collections are written in `page`.

use std::collections::HashMap;

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::variants::{Variant, Variants};

/// The base path of every API; links carry it.
pub(crate) const BASE: &str = "/2017-09-01";

/// What a handler gives back.
pub(crate) type Answer = Result<Response, Refusal>;

/// An error answer: `{ "name": …, "message": … }`.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) name: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    /// An error answer with this status, name and message.
    pub(crate) fn new(status: StatusCode, name: &'static str, message: impl Into<String>) -> Self {
        Self { status, name, message: message.into() }
    }

    /// 400: the caller's mistake.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// 404 with the service's own name for what is missing.
    pub(crate) fn missing(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, name, message)
    }
}

impl Refusal {
    /// 403: it may not be done by this caller.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
    }

    /// As it is written under these variants.
    pub(crate) fn shaped(self, variants: Variants) -> Response {
        let body = if variants.has(Variant::MessageOnly) {
            json!({ "message": self.message })
        } else if variants.has(Variant::ErrorWords) {
            json!({ "error": self.name, "error_description": self.message })
        } else if variants.has(Variant::ErrorEmpty) {
            return self.status.into_response();
        } else {
            return self.into_response();
        };
        (self.status, Json(body)).into_response()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "name": self.name, "message": self.message }))).into_response()
    }
}

/// A JSON answer.
pub(crate) fn with(status: StatusCode, value: Value) -> Response {
    (status, Json(value)).into_response()
}

/// 200 with a JSON body.
#[expect(clippy::unnecessary_wraps, reason = "it is how a handler ends, and a handler can fail")]
pub(crate) fn ok(value: Value) -> Answer {
    Ok(with(StatusCode::OK, value))
}

/// 201 with a JSON body.
#[expect(clippy::unnecessary_wraps, reason = "it is how a handler ends, and a handler can fail")]
pub(crate) fn created(value: Value) -> Answer {
    Ok(with(StatusCode::CREATED, value))
}

/// 204 without a body.
#[expect(clippy::unnecessary_wraps, reason = "it is how a handler ends, and a handler can fail")]
pub(crate) fn nothing() -> Answer {
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// 202 without a body.
#[expect(clippy::unnecessary_wraps, reason = "it is how a handler ends, and a handler can fail")]
pub(crate) fn accepted() -> Answer {
    Ok(StatusCode::ACCEPTED.into_response())
}

/// The fields of a JSON or form body, as texts.
pub(crate) fn fields(body: &Bytes) -> Result<HashMap<String, String>, Refusal> {
    if body.trim_ascii().is_empty() {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "MissingBodyInRequest", "the request has no body"));
    }
    if body.trim_ascii_start().starts_with(b"{") {
        let map = object(body)?;
        return Ok(map.into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))).collect());
    }
    Ok(url::form_urlencoded::parse(body).into_owned().collect())
}

/// The body as a JSON object.
pub(crate) fn object(body: &Bytes) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Refusal::bad("the body should be object")),
        Err(error) => Err(Refusal::bad(format!("the body is no JSON: {error}"))),
    }
}

/// Refuses properties that are not in `known`, as the real services do.
pub(crate) fn only(map: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match map.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Refusal::bad(format!("should NOT have additional properties: {key}"))),
        None => Ok(()),
    }
}

/// An optional text; null counts as absent.
pub(crate) fn text(map: &Map<String, Value>, key: &str) -> Result<Option<String>, Refusal> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::bad(format!("{key} should be string"))),
    }
}

/// An optional truth value; null counts as absent.
pub(crate) fn flag(map: &Map<String, Value>, key: &str) -> Result<Option<bool>, Refusal> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Refusal::bad(format!("{key} should be boolean"))),
    }
}

/// One of several words, if it is there.
pub(crate) fn one_of(map: &Map<String, Value>, key: &str, words: &[&str]) -> Result<Option<String>, Refusal> {
    let word = text(map, key)?;
    match &word {
        Some(word) if !words.contains(&&**word) => {
            Err(Refusal::bad(format!("{key} should be equal to one of the allowed values: {}", words.join(", "))))
        }
        _ => Ok(word),
    }
}

/// A text that must be there and must not be empty.
pub(crate) fn required(map: &Map<String, Value>, key: &str) -> Result<String, Refusal> {
    text(map, key)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Refusal::bad(format!("should have required property '{key}'")))
}
