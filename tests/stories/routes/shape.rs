//! What was heard, held against the recorded exchanges: the status, and every key that a recording has, with its type.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};
use switchhook::cloudlink::{Api, Place};

use super::plain;
use super::stage::Heard;

/// Where the simulator answers something else than was recorded, and why both are right: the exchange, the keys, the
/// reason. `status` and `form` are the answer as a whole.
const DIFFERENT: &[(&str, &str, &str)] = &[
    ("GET account", "accountNumber", "recorded in the other form that the client reads: a number"),
    ("GET account_user", "emailVerified extension", "recorded in the other form that the client reads"),
    ("GET account_users", "emailVerified extension", "recorded in the other form that the client reads"),
    ("GET agreements", "form", "TM Forum lists bare, the simulator as CloudLink's other services do"),
    ("GET application", "partnerId", "recorded in the other form that the client reads: a number"),
    ("GET call", "accountId sequenceNumber userId", "seen by an old client only"),
    ("GET clients", "clientSecret", "recorded so that the client is seen to drop it"),
    ("GET conference_content", "conferenceId text", "nobody says what is found: the simulator finds conferences"),
    ("GET group", "id", "recorded under the other name that the client reads"),
    ("GET member", "extension name", "nobody says what a member has: the simulator knows who it is"),
    ("GET members", "extension name", "nobody says what a member has: the simulator knows who it is"),
    ("GET partner", "partnerId", "recorded in the other form that the client reads: a number"),
    ("GET records_of_call", "billingTime", "recorded in the other form that the client reads: a text"),
    ("POST account_users", "emailVerified extension", "recorded in the other form that the client reads"),
    ("POST account_users", "modifiedBy modifiedOn", "the simulator says so of what was modified only"),
    ("POST conferences", "modifiedBy modifiedOn", "the simulator says so of what was modified only"),
    ("POST connections", "_links", "nobody says where in the answer the address is"),
    ("POST contacts", "modifiedOn", "the simulator says so of what was modified only"),
    ("POST conversations", "modifiedBy modifiedOn", "the simulator says so of what was modified only"),
    ("POST members", "extension name", "nobody says what a member has: the simulator knows who it is"),
    ("POST participants", "lastReadMessageDate", "in the simulator who is new has read nothing"),
];

struct Exchange {
    name: String,
    route: String,
    status: u16,
    kind: Option<String>,
    body: Option<Value>,
}

fn recorded(api: Api) -> Vec<Exchange> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/exchanges");
    let text = std::fs::read_to_string(folder.join(format!("{}.json", api.name()))).unwrap();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    let read = |exchange: &Value| {
        let name = exchange["name"].as_str().unwrap().to_owned();
        let (method, place) = name.split(':').next().unwrap().split_once(' ').unwrap();
        let place = Place::named(place).unwrap();
        let response = &exchange["response"];
        Exchange {
            route: format!("{} {method} {}", place.api().name(), plain(place.template())),
            status: response["status"].as_u64().unwrap().try_into().unwrap(),
            kind: response["headers"]["content-type"].as_str().map(str::to_owned),
            body: response.get("body").cloned(),
            name,
        }
    };
    all.iter().map(read).collect()
}

/// Fails with all that is different and not known to be, and all that is known to be and is not. Of the worlds in which
/// answers were heard, the one that comes nearest to a recording counts.
pub(super) fn compare(worlds: &[Vec<Heard>]) {
    let mut found = BTreeSet::new();
    for exchange in Api::ALL.into_iter().flat_map(recorded) {
        let in_each = worlds.iter().map(|heard| {
            let answers: Vec<&Heard> =
                heard.iter().filter(|heard| heard.route == exchange.route && heard.status == exchange.status).collect();
            differences(&exchange, &answers)
        });
        let fewest = in_each.min_by_key(|keys| (keys.iter().any(|key| key == "status" || key == "form"), keys.len()));
        found.extend(fewest.unwrap_or_default().into_iter().map(|key| (exchange.name.clone(), key)));
    }
    let known: BTreeSet<(String, String)> = DIFFERENT
        .iter()
        .flat_map(|(name, keys, _)| keys.split(' ').map(|key| ((*name).to_owned(), key.to_owned())))
        .collect();
    let new: Vec<_> = found.difference(&known).collect();
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(new.is_empty() && gone.is_empty(), "different: {new:#?}\nno longer different: {gone:#?}");
}

/// What of a recording the answers of its route and status have not.
fn differences(exchange: &Exchange, answers: &[&Heard]) -> Vec<String> {
    let only = |key: &str| vec![key.to_owned()];
    if answers.is_empty() {
        return only("status");
    }
    let Some(recorded) = &exchange.body else { return vec![] };
    let of_kind: Vec<&&Heard> = answers.iter().filter(|heard| heard.kind == exchange.kind).collect();
    if exchange.kind.as_deref() != Some("application/json") {
        return if of_kind.is_empty() { only("form") } else { vec![] };
    }
    let bodies: Vec<&Value> = of_kind.iter().filter_map(|heard| heard.body.as_ref()).collect();
    if bodies.is_empty() || bodies.iter().any(|body| kind(body) != kind(recorded)) {
        return only("form");
    }
    let mut different = BTreeSet::new();
    if let Some(recorded) = recorded.as_object() {
        different.extend(missing(recorded, &bodies.iter().filter_map(|body| body.as_object()).collect::<Vec<_>>()));
    }
    if let Some(item) = items(recorded).first() {
        different.extend(missing(item, &bodies.iter().flat_map(|body| items(body)).collect::<Vec<_>>()));
    }
    different.into_iter().collect()
}

/// The keys that none of the answers has, and those that are of another type in one.
fn missing(recorded: &Map<String, Value>, answers: &[&Map<String, Value>]) -> Vec<String> {
    let alike = |key: &str, value: &Value| {
        let there: Vec<_> =
            answers.iter().filter_map(|answer| answer.get(key)).filter(|value| !value.is_null()).collect();
        !there.is_empty() && there.iter().all(|other| kind(other) == kind(value))
    };
    recorded.iter().filter(|(key, value)| !alike(key, value)).map(|(key, _)| key.clone()).collect()
}

/// What a collection holds, be it a bare list.
fn items(body: &Value) -> Vec<&Map<String, Value>> {
    let list = body.as_array().or_else(|| body.pointer("/_embedded/items")?.as_array());
    list.into_iter().flatten().filter_map(Value::as_object).collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "flag",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}
