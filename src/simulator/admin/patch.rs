//! `PATCH /accounts/{id}/users`: many changes at once, each with an answer of its own.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::guard::realm_to_change;
use super::users::{change, make, remove};
use crate::simulator::answer::{self, Answer, Refusal, object, only};
use crate::simulator::realm::Realm;
use crate::simulator::service::Ask;

/// Operations of one request.
const MOST: usize = 1000;

pub(super) fn patch(ask: &Ask) -> Answer {
    let realm = realm_to_change(ask)?;
    let map = object(&ask.body)?;
    only(&map, &["operations"])?;
    let operations = map.get("operations").and_then(Value::as_array);
    let operations = operations.ok_or_else(|| Refusal::bad("should have required property 'operations'"))?;
    if operations.len() > MOST {
        return Err(Refusal::bad(format!("operations should NOT have more than {MOST} items")));
    }
    let done: Vec<Value> = operations.iter().map(|operation| shown(operation, done(ask, realm, operation))).collect();
    answer::ok(json!({ "operations": done }))
}

fn done(ask: &Ask, realm: &Realm, operation: &Value) -> Result<(StatusCode, Value), Refusal> {
    let body = || -> Result<Map<String, Value>, Refusal> {
        operation["body"].as_object().cloned().ok_or_else(|| Refusal::bad("body should be object"))
    };
    let id = || operation["id"].as_str().ok_or_else(|| Refusal::bad("id should be string"));
    match operation["op"].as_str().map(str::to_ascii_lowercase).as_deref() {
        Some("post" | "create" | "add") => Ok((StatusCode::CREATED, make(ask, realm, body()?)?)),
        Some("put" | "update" | "replace" | "patch") => Ok((StatusCode::OK, change(ask, realm, id()?, body()?)?)),
        Some("delete" | "remove") => remove(ask, realm, id()?).map(|()| (StatusCode::NO_CONTENT, Value::Null)),
        _ => Err(Refusal::bad("op should be one of post, put, delete")),
    }
}

fn shown(operation: &Value, outcome: Result<(StatusCode, Value), Refusal>) -> Value {
    let (status, body) =
        outcome.unwrap_or_else(|refusal| (refusal.status, json!({ "name": refusal.name, "message": refusal.message })));
    json!({
        "op": operation["op"], "id": operation["id"], "statusCode": status.as_u16(),
        "headers": { "Content-Type": "application/json" }, "body": body,
    })
}
