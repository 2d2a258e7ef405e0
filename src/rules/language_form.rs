//! A request in the words of the rule language: what `expect` of a test is compared with.

use serde_json::{Map, Value};

use super::request::Request;

/// `{ "redirect": { "to": "4001", … } }`: the action with its arguments as rules name them, what the event gave among them.
pub fn language_form(request: &Request) -> Value {
    Value::Object(Map::from_iter([(request.action().to_owned(), Value::Object(request.arguments()))]))
}
