//! The typed views: where CloudLink's payloads keep what rules ask for. Missing is absent: no field here is ever null
//! or empty text.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::kind::{Kind, presence_status};
use super::resource::segments;
use crate::numbers::{Number, Numbers};

/// When it happened: `timestamp` (epoch milliseconds), else the `createdOn` of what is created now. The `createdOn` of what
/// is changed says when that began, perhaps years ago.
pub(super) fn time(content: &Value, method: &str) -> Option<DateTime<Utc>> {
    let epoch = content.get("timestamp").and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()));
    let plausible = |at: &DateTime<Utc>| (2000..2200).contains(&chrono::Datelike::year(at));
    epoch.and_then(DateTime::from_timestamp_millis).filter(plausible).or_else(|| {
        let created = content.get("createdOn").filter(|_| method == "POST")?.as_str()?;
        DateTime::parse_from_rfc3339(created).ok().map(|at| at.with_timezone(&Utc)).filter(plausible)
    })
}

/// An object of the texts that are not empty.
pub(super) fn texts(pairs: &[(&str, &str)]) -> Value {
    // Made large enough at once, also for what is added later: every event has several.
    let mut filled = Map::with_capacity(pairs.len() + 4);
    for (key, text) in pairs.iter().filter(|(_, text)| !text.is_empty()) {
        filled.insert((*key).to_owned(), Value::String((*text).to_owned()));
    }
    Value::Object(filled)
}

/// A field as text; numbers that are names (extensions, ids) become text too.
fn text(content: &Value, key: &str) -> String {
    match content.get(key) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// A call's state in the words of the kinds; `completed`, `ended` and `idle` are one, and so is a DELETE.
pub(super) fn call_state(content: &Value, method: &str) -> Option<String> {
    let state = text(content, "state").to_lowercase();
    match state.as_str() {
        "completed" | "ended" | "idle" => Some("ended".to_owned()),
        "" if method == "DELETE" => Some("ended".to_owned()),
        "" => None,
        _ => Some(state),
    }
}

/// The view `call`. `content.callId` is a path, so the id comes from the subject.
pub(super) fn call(
    content: &Value,
    endpoint: &str,
    call: &str,
    subject: &str,
    method: &str,
    numbers: &Numbers,
) -> Value {
    let get = |key: &str| text(content, key);
    let user = [get("userId"), get("principalId")].into_iter().find(|id| !id.is_empty()).unwrap_or_default();
    let (from, to, direction) = (get("from"), get("to"), get("direction").to_lowercase());
    let (from_read, to_read) = (numbers.read(&from), numbers.read(&to));
    let outside = *(if direction == "outbound" { &to_read } else { &from_read }) != Number::Inside;
    let own_link = content.get("_links").and_then(|links| links.get("self")).and_then(Value::as_str);
    let link =
        own_link.filter(|link| matches!(segments(link).as_slice(), ["endpoints", _, "calls", _])).unwrap_or(subject);
    let mut view = texts(&[
        ("id", call),
        ("endpoint", endpoint),
        ("user", &user),
        ("from", shown(&from_read, &from)),
        ("from_raw", &from),
        ("from_name", &get("fromName")),
        ("to", shown(&to_read, &to)),
        ("to_raw", &to),
        ("to_name", &get("toName")),
        ("state", &call_state(content, method).unwrap_or_default()),
        ("cause", &get("cause")),
        ("direction", &direction),
        ("tracking_id", &tracking_id(content)),
        ("link", link),
    ]);
    view["outside"] = json!(outside);
    view
}

/// `extraPbxData` is an object on the wire and a text in the specification: a text is read as JSON if it can be.
fn tracking_id(content: &Value) -> String {
    match content.get("extraPbxData") {
        Some(Value::String(inner)) => {
            serde_json::from_str::<Value>(inner).map(|inner| text(&inner, "callTrackingID")).unwrap_or_default()
        }
        Some(data) => text(data, "callTrackingID"),
        None => String::new(),
    }
}

/// A number as rules see it: in E.164 when it is one of the public network, missing when it is withheld.
fn shown<'a>(number: &'a Number, sent: &'a str) -> &'a str {
    match number {
        Number::Inside => sent,
        Number::Outside(number) => number,
        Number::Withheld => "",
    }
}

/// The view `message`. In 2017 `content.body` was the whole message object: it is unwrapped.
pub(super) fn message(content: &Value, conversation: &str, rest: &[String], publisher: Option<&str>) -> Value {
    let inner = content.get("body").filter(|body| body.is_object());
    let message = inner.unwrap_or(content);
    let first = |keys: &[&str]| {
        let both = keys.iter().flat_map(|key| [text(message, key), text(content, key)]);
        both.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    };
    let id = match rest {
        [messages, id, ..] if messages == "messages" => id.clone(),
        _ => first(&["messageId"]),
    };
    let mut sender = first(&["createdBy", "userId"]);
    if sender.is_empty() {
        publisher.unwrap_or_default().clone_into(&mut sender);
    }
    let body = message.get("body").and_then(Value::as_str).unwrap_or_default();
    texts(&[
        ("conversation", conversation),
        ("id", &id),
        ("body", body),
        ("content_type", &first(&["contentType"])),
        ("sender", &sender),
        ("tag", &first(&["tag"])),
    ])
}

/// The view `conversation`: its id, and what its own publications tell of it. The rest is fetched.
pub(super) fn conversation(content: &Value, conversation: &str, kind: Kind) -> Value {
    if kind != Kind::ChatConversation {
        return texts(&[("id", conversation)]);
    }
    let get = |key: &str| text(content, key);
    let mut view = texts(&[("id", conversation), ("name", &get("name")), ("tag", &get("tag"))]);
    if let (Value::Object(view), Some(stream)) = (&mut view, content.get("stream").and_then(Value::as_bool)) {
        view.insert("stream".to_owned(), json!(stream));
    }
    view
}

/// System messages are no messages of people.
pub(super) fn is_system_message(content: &Value) -> bool {
    text(content, "contentType").to_lowercase().contains("system")
}

/// The view `presence`, less the principal. The names of the two presences are assumed: see docs/assumptions.md.
pub(super) fn presence(content: &Value) -> Map<String, Value> {
    let presences = content.get("presences").unwrap_or(content);
    let pick = |word: &str| -> Option<&Value> {
        if let Value::Array(items) = presences {
            let named =
                |item: &&Value| ["type", "name"].iter().any(|key| text(item, key).to_lowercase().contains(word));
            let item = items.iter().find(named)?;
            return Some(item.get("presence").filter(|inner| inner.is_object()).unwrap_or(item));
        }
        let named = |map: &'_ &Value| map.is_object();
        presences.get(format!("{word}Presence")).or_else(|| presences.get(word)).filter(named)
    };
    let aggregate =
        pick("aggregate").or_else(|| content.get("presence").filter(|value| value.is_object())).unwrap_or(content);
    let own = pick("principal").map(status_of).unwrap_or_default();
    let reason = in_any_case(aggregate, "reason");
    match texts(&[("status", &status_of(aggregate)), ("override", &own), ("reason", &reason)]) {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The status of one presence as rules write it: how its letters are written is assumed.
fn status_of(presence: &Value) -> String {
    presence_status(&in_any_case(presence, "status")).to_owned()
}

/// A field as text, whatever the case of its name.
fn in_any_case(content: &Value, key: &str) -> String {
    let exact = text(content, key);
    if !exact.is_empty() {
        return exact;
    }
    let mut names = content.as_object().into_iter().flat_map(Map::keys);
    names.find(|name| name.eq_ignore_ascii_case(key)).map(|name| text(content, name)).unwrap_or_default()
}

/// The view `user`.
pub(super) fn user(content: &Value, id: Option<&str>) -> Value {
    let id = id.map_or_else(|| text(content, "userId"), str::to_owned);
    let name = [text(content, "name"), text(content, "displayName")]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or_default();
    texts(&[
        ("id", &id),
        ("name", &name),
        ("email", &text(content, "email")),
        ("extension", &text(content, "extension")),
    ])
}
