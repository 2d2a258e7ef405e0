//! Attachments: raw bytes of at most 10 MB, and what is known about them at another path. In 2017 the paths were the other
//! way round, which a variant plays.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use super::routes::told;
use crate::simulator::answer::{self, Answer, BASE, Refusal, object, only};
use crate::simulator::clock::iso;
use crate::simulator::gate::unrouted;
use crate::simulator::service::Ask;
use crate::simulator::variants::Variant;

/// Bytes of the largest attachment.
const LARGEST: usize = 10 * 1024 * 1024;
/// Bytes of all attachments of an account.
const MOST: usize = 256 * 1024 * 1024;

struct Attachment {
    kind: String,
    bytes: Bytes,
    by: String,
    created_on: String,
    described: Map<String, Value>,
}

/// The attachments of an account, by conversation and id.
#[derive(Default)]
pub(super) struct Attachments {
    held: Mutex<BTreeMap<(String, String), Attachment>>,
}

impl Attachments {
    fn held(&self) -> MutexGuard<'_, BTreeMap<(String, String), Attachment>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(ask: &Ask) -> (String, String) {
    (ask.part("conversationId").to_owned(), ask.part("attachmentId").to_owned())
}

fn no_such(id: &str) -> Refusal {
    Refusal::missing("AttachmentNotFound", format!("no attachment {id}"))
}

/// That somebody may write here.
fn member(ask: &Ask) -> Result<(), Refusal> {
    ask.realm().chats.talks().get(ask.part("conversationId"))?.only_members(ask.by())
}

pub(super) fn get(ask: &Ask) -> Answer {
    if ask.plays(Variant::Attachments2017) { known(ask) } else { bytes(ask) }
}

pub(super) fn put(ask: &Ask) -> Answer {
    if ask.plays(Variant::Attachments2017) { describe_it(ask) } else { keep(ask) }
}

pub(super) fn metadata(ask: &Ask) -> Answer {
    if ask.plays(Variant::Attachments2017) { Ok(unrouted(&ask.headers)) } else { known(ask) }
}

pub(super) fn describe(ask: &Ask) -> Answer {
    if ask.plays(Variant::Attachments2017) { Ok(unrouted(&ask.headers)) } else { describe_it(ask) }
}

pub(super) fn content(ask: &Ask) -> Answer {
    if ask.plays(Variant::Attachments2017) { bytes(ask) } else { Ok(unrouted(&ask.headers)) }
}

pub(super) fn put_content(ask: &Ask) -> Answer {
    if ask.plays(Variant::Attachments2017) { keep(ask) } else { Ok(unrouted(&ask.headers)) }
}

fn bytes(ask: &Ask) -> Answer {
    let (held, key) = (ask.realm().chats.attachments.held(), key(ask));
    let found = held.get(&key).ok_or_else(|| no_such(&key.1))?;
    Ok(([(header::CONTENT_TYPE, found.kind.clone())], found.bytes.clone()).into_response())
}

fn keep(ask: &Ask) -> Answer {
    member(ask)?;
    if ask.body.len() > LARGEST {
        let why = "an attachment has at most 10 MB";
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge", why));
    }
    if ask.body.is_empty() {
        return Err(Refusal::bad("an attachment has at least one byte"));
    }
    let (mut held, key) = (ask.realm().chats.attachments.held(), key(ask));
    let all: usize = held.values().map(|attachment| attachment.bytes.len()).sum();
    if all + ask.body.len() > MOST {
        return Err(Refusal::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "InsufficientStorage",
            "there are too many attachments",
        ));
    }
    let attachment = Attachment {
        kind: ask.header("content-type").unwrap_or("application/octet-stream").to_owned(),
        bytes: ask.body.clone(),
        by: ask.by().to_owned(),
        created_on: iso(ask.world.clock.now()),
        described: held.get(&key).map(|before| before.described.clone()).unwrap_or_default(),
    };
    let shown = object_of(&key, &attachment);
    let new = held.insert(key, attachment).is_none();
    drop(held);
    tell(ask, if new { "POST" } else { "PUT" }, shown.clone())?;
    if new { answer::created(shown) } else { answer::ok(shown) }
}

fn tell(ask: &Ask, method: &str, shown: Value) -> Result<(), Refusal> {
    let talks = ask.realm().chats.talks();
    let talk = talks.get(ask.part("conversationId"))?;
    told(ask, talk, method, &format!("/attachments/{}", ask.part("attachmentId")), shown);
    Ok(())
}

fn object_of((conversation, id): &(String, String), attachment: &Attachment) -> Value {
    let mut shown = json!({
        "attachmentId": id, "conversationId": conversation, "contentType": attachment.kind,
        "size": attachment.bytes.len(), "createdOn": attachment.created_on, "createdBy": attachment.by,
    });
    for (key, value) in &attachment.described {
        shown[key] = value.clone();
    }
    shown["_links"] = json!({ "self": format!("{BASE}/conversations/{conversation}/attachments/{id}") });
    shown
}

fn known(ask: &Ask) -> Answer {
    let (held, key) = (ask.realm().chats.attachments.held(), key(ask));
    let found = held.get(&key).ok_or_else(|| no_such(&key.1))?;
    answer::ok(object_of(&key, found))
}

fn describe_it(ask: &Ask) -> Answer {
    member(ask)?;
    let map = object(&ask.body)?;
    only(&map, &["name", "fileName", "description", "width", "height"])?;
    let (mut held, key) = (ask.realm().chats.attachments.held(), key(ask));
    let found = held.get_mut(&key).ok_or_else(|| no_such(&key.1))?;
    found.described.extend(map);
    answer::ok(object_of(&key, found))
}

pub(super) fn remove(ask: &Ask) -> Answer {
    member(ask)?;
    let key = key(ask);
    let gone = ask.realm().chats.attachments.held().remove(&key).ok_or_else(|| no_such(&key.1))?;
    tell(ask, "DELETE", object_of(&key, &gone))?;
    answer::nothing()
}
