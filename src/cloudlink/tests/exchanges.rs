//! Recorded exchanges, one file for each API: what the client sends for every route, and what it reads in the answers.
//!
//! They are written from the wire reference, with invented values. `rest` names the fields of an answer that no type
//! knows, `reads` what is read where that is not the answer as it came.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::walk::{self, Told};
use crate::cloudlink::testing::{Far, Reply, Seen, client, token_or};
use crate::cloudlink::{Api, ROUTES};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    pub(super) name: String,
    request: Request,
    response: Response,
    #[serde(default)]
    rest: BTreeSet<String>,
    reads: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: String,
    path: String,
    #[serde(default)]
    query: Map<String, Value>,
    headers: Map<String, Value>,
    body: Option<Value>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Response {
    status: u16,
    headers: Map<String, Value>,
    body: Option<Value>,
}

fn recorded(api: Api) -> Vec<Exchange> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/exchanges");
    let file = folder.join(format!("{}.json", api.name()));
    serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap_or_else(|error| panic!("{file:?}: {error}"))
}

/// The route of an exchange: `GET account_users` of `GET account_users: the last page`.
fn route(name: &str) -> &str {
    name.split(':').next().unwrap()
}

#[test]
fn every_route_is_recorded_and_nothing_else_is() {
    let table = |by_hand: bool| {
        let called = ROUTES.iter().filter(move |route| by_hand || route.function != "sign in");
        called.map(|route| format!("{} {}", route.method, route.place.name())).collect::<BTreeSet<_>>()
    };
    let names = |api| recorded(api).into_iter().map(|exchange| route(&exchange.name).to_owned()).collect::<Vec<_>>();
    let recorded: BTreeSet<String> = Api::ALL.into_iter().flat_map(names).collect();
    assert_eq!(table(false).difference(&recorded).collect::<Vec<_>>(), [] as [&String; 0]);
    assert_eq!(recorded.difference(&table(true)).collect::<Vec<_>>(), [] as [&String; 0]);
}

#[tokio::test]
async fn every_route_is_called_and_answered_as_recorded() {
    let mut failed = Vec::new();
    for exchange in Api::ALL.into_iter().flat_map(recorded) {
        let name = exchange.name.clone();
        if AssertUnwindSafe(play(exchange)).catch_unwind().await.is_err() {
            failed.push(name);
        }
    }
    assert_eq!(failed, [] as [String; 0], "see above");
}

async fn play(exchange: Exchange) {
    let name = exchange.name.as_str();
    let response = Arc::new(Mutex::new(exchange.response.clone()));
    let is_token = name == "POST token";
    let far = Far::start(move |seen: &Seen| {
        let response = response.lock().unwrap().clone();
        if is_token && seen.method == "GET" {
            return Reply::Json(200, Value::Object(Map::new()));
        }
        if is_token { reply(&response) } else { token_or(seen, || reply(&response)) }
    })
    .await;
    let told = walk::call(&client(&far.url), name).await;
    let part = if is_token { "/token" } else { "/2017-09-01/" };
    let sent =
        far.seen(part).into_iter().find(|seen| is_token || !(seen.method == "POST" && seen.path.ends_with("/token")));
    let sent = sent.unwrap_or_else(|| panic!("{name}: nothing was sent, {told:?}"));
    compare_request(name, &exchange.request, &sent);
    if !is_token {
        let told = told.unwrap_or_else(|error| panic!("{name}: {error}"));
        compare_answer(name, &exchange, &told);
    }
}

fn reply(response: &Response) -> Reply {
    let kind = response.headers.get("content-type").and_then(Value::as_str);
    match (&response.body, kind) {
        (Some(body), Some("application/json")) => Reply::Json(response.status, body.clone()),
        (Some(body), _) => Reply::Text(response.status, "image/png", body.as_str().unwrap().to_owned()),
        (None, _) => Reply::Text(response.status, "text/plain", String::new()),
    }
}

fn compare_request(name: &str, recorded: &Request, sent: &Seen) {
    let url = url::Url::parse("http://x").unwrap().join(&sent.path).unwrap();
    let path = percent_encoding::percent_decode_str(url.path()).decode_utf8().unwrap();
    assert_eq!((sent.method.as_str(), &*path), (recorded.method.as_str(), recorded.path.as_str()), "{name}");
    let query: Map<String, Value> = url.query_pairs().map(|(key, value)| (key.into_owned(), value.into())).collect();
    assert_eq!(query, recorded.query, "{name}");
    for (header, value) in &recorded.headers {
        assert_eq!(sent.headers.get(header).map(String::as_str), value.as_str(), "{name}: {header}");
    }
    let has_token = recorded.headers.contains_key("authorization");
    assert_eq!(sent.headers.contains_key("authorization"), has_token, "{name}");
    if has_token {
        assert!(sent.headers.contains_key("x-mitel-correlation-id"), "{name}");
    }
    assert!(sent.headers["x-mitel-app"].contains("switchhook/"), "{name}");
    match &recorded.body {
        Some(Value::String(text)) => assert_eq!(&sent.body, text, "{name}"),
        Some(body) => assert_eq!(&serde_json::from_str::<Value>(&sent.body).unwrap(), body, "{name}"),
        None => assert_eq!(sent.body, "", "{name}"),
    }
}

fn compare_answer(name: &str, recorded: &Exchange, told: &Told) {
    let items = || recorded.response.body.as_ref()?.pointer("/_embedded/items").filter(|_| told.value.is_array());
    if told.value.is_null() {
        // What is answered does not matter to the caller.
        return assert!(recorded.reads.is_none(), "{name}");
    }
    let read = recorded.reads.as_ref().or_else(items).or(recorded.response.body.as_ref()).unwrap_or(&Value::Null);
    assert_eq!(&told.value, read, "{name}");
    assert_eq!(told.rest, recorded.rest, "{name}: what no type knows");
}
