//! The shapes of answers and the reading of bodies that all services share: errors, collections, strict objects.
//! No route and no state lives here.

use std::collections::HashMap;

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

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

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "name": self.name, "message": self.message }))).into_response()
    }
}

/// A JSON answer.
pub(crate) fn with(status: StatusCode, value: Value) -> Response {
    (status, Json(value)).into_response()
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

/// A text that must be there and must not be empty.
pub(crate) fn required(map: &Map<String, Value>, key: &str) -> Result<String, Refusal> {
    text(map, key)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Refusal::bad(format!("should have required property '{key}'")))
}

/// The part of a collection that a caller asked for with `$skip` and `$top`.
pub(crate) struct Page {
    skip: usize,
    top: usize,
}

impl Page {
    /// From the query; 100 items if nothing is said.
    pub(crate) fn of(query: &HashMap<String, String>) -> Result<Self, Refusal> {
        let number = |key: &str, default| match query.get(key) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| Refusal::bad(format!("{key} should be number"))),
        };
        Ok(Self { skip: number("$skip", 0)?, top: number("$top", 100)?.clamp(1, 1000) })
    }

    /// The collection at `path` (without the base), with a `next` link while there is more. `count` is the page's.
    pub(crate) fn collection(&self, path: &str, items: impl IntoIterator<Item = Value>) -> Value {
        let mut items = items.into_iter().skip(self.skip);
        let page: Vec<Value> = items.by_ref().take(self.top).collect();
        let mut links = json!({ "self": format!("{BASE}{path}") });
        if items.next().is_some() {
            links["next"] = format!("{BASE}{path}?$skip={}&$top={}", self.skip + self.top, self.top).into();
        }
        json!({ "count": page.len(), "_links": links, "_embedded": { "items": page } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_links_to_its_next_page_until_the_last() {
        let query = HashMap::from([("$top".to_owned(), "2".to_owned())]);
        let first = Page::of(&query).unwrap().collection("/things", (0..3).map(Value::from));
        assert_eq!(first["_embedded"]["items"], json!([0, 1]));
        assert_eq!(first["_links"]["next"], "/2017-09-01/things?$skip=2&$top=2");
        let last = Page { skip: 2, top: 2 }.collection("/things", (0..3).map(Value::from));
        assert_eq!(last["count"], 1);
        assert!(last["_links"].get("next").is_none());
    }
}
