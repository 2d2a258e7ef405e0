//! JSON with headers and body, as request bins, API gateways and logs write it; and HAR.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use super::{CaptureError, Captured, REQUESTS};

/// What the parts of a request are called.
const METHOD: [&str; 2] = ["method", "httpMethod"];
const TARGET: [&str; 5] = ["url", "path", "rawPath", "target", "uri"];
const HEADERS: [&str; 2] = ["headers", "multiValueHeaders"];
const ENCODED: [&str; 4] = ["body_base64", "bodyBase64", "rawBodyBase64", "base64Body"];
const BODY: [&str; 7] = ["rawBody", "raw_body", "body", "content", "text", "data", "payload"];

pub(super) fn read(text: &[u8]) -> Result<Vec<Captured>, CaptureError> {
    let document: Value = serde_json::from_slice(text)
        .map_err(|error| CaptureError::new(format!("the capture begins like JSON, but is none: {error}")))?;
    let requests = requests(&document);
    if requests.is_empty() {
        return Err(CaptureError::new(
            "the capture is JSON without headers: expected { \"headers\": {…}, \"body\": \"…\" } or a HAR file. A body \
             alone goes to --body, its header to --header",
        ));
    }
    let many = requests.len() > 1;
    let mut read = requests.into_iter().take(REQUESTS).map(request).collect::<Result<Vec<_>, _>>()?;
    // Of what a browser recorded, only what has a body can be a notification.
    if many && read.iter().any(|captured| !captured.body.is_empty()) {
        read.retain(|captured| !captured.body.is_empty());
    }
    Ok(read)
}

/// The requests in a document: itself, its `request`, HAR's entries, or a list of any of these.
fn requests(document: &Value) -> Vec<&Map<String, Value>> {
    let entries = match document {
        Value::Array(entries) => Some(entries),
        other => other["log"]["entries"].as_array(),
    };
    match entries {
        Some(entries) => entries.iter().filter_map(one).collect(),
        None => one(document).into_iter().collect(),
    }
}

fn one(value: &Value) -> Option<&Map<String, Value>> {
    let object = value.as_object()?;
    let has_headers = |object: &Map<String, Value>| HEADERS.iter().any(|name| object.contains_key(*name));
    let inner = object.get("request").and_then(Value::as_object).filter(|inner| has_headers(inner));
    inner.or_else(|| has_headers(object).then_some(object))
}

fn request(object: &Map<String, Value>) -> Result<Captured, CaptureError> {
    let text = |names: &[&str]| names.iter().find_map(|name| object.get(*name)?.as_str()).map(str::to_owned);
    let mut captured = Captured { method: text(&METHOD), target: text(&TARGET), ..Captured::default() };
    for name in HEADERS {
        headers(object.get(name).unwrap_or(&Value::Null), &mut captured.headers);
    }
    body(object, &mut captured)?;
    Ok(captured)
}

/// An object of texts or lists of texts; or a list of pairs, or of objects with name and value.
fn headers(value: &Value, found: &mut Vec<(String, String)>) {
    let mut add = |name: &str, value: &Value| {
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for value in values {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let new = (name.to_owned(), value.trim().to_owned());
            if !found.contains(&new) {
                found.push(new);
            }
        }
    };
    match value {
        Value::Object(named) => named.iter().for_each(|(name, value)| add(name, value)),
        Value::Array(listed) => {
            for header in listed {
                let pair = header.as_array().and_then(|pair| Some((pair.first()?.as_str()?, pair.get(1)?)));
                let named = || Some((header.get("name")?.as_str()?, header.get("value")?));
                if let Some((name, value)) = pair.or_else(named) {
                    add(name, value);
                }
            }
        }
        _ => {}
    }
}

fn body(object: &Map<String, Value>, captured: &mut Captured) -> Result<(), CaptureError> {
    // HAR has it one level deeper.
    let holder = object.get("postData").and_then(Value::as_object).unwrap_or(object);
    let encoded = ENCODED.iter().find_map(|name| holder.get(*name)?.as_str());
    let plain = BODY.iter().filter_map(|name| holder.get(*name)).find(|value| !value.is_null());
    let says_base64 = holder.get("isBase64Encoded") == Some(&Value::Bool(true))
        || holder.get("encoding").and_then(Value::as_str) == Some("base64");
    let encoded = encoded.or_else(|| plain.and_then(Value::as_str).filter(|_| says_base64));
    if let Some(encoded) = encoded {
        captured.body = BASE64_STANDARD
            .decode(encoded.trim())
            .map_err(|error| CaptureError::new(format!("the body should be base64, but is none: {error}")))?;
        return Ok(());
    }
    match plain {
        None => captured.notes.push("the capture has no body".to_owned()),
        Some(Value::String(text)) => captured.body = text.as_bytes().to_vec(),
        Some(values) => {
            captured.body = values.to_string().into_bytes();
            captured.parsed = true;
            captured.notes.push(
                "the body is in the capture as values, not as text, so that its bytes are lost; it was written anew, compact"
                    .to_owned(),
            );
        }
    }
    Ok(())
}
