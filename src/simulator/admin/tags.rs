//! Tags on accounts and users: any JSON under a name. With `$expand=tags` they come along.

use serde_json::{Value, json};

use super::directory::Directory;
use super::guard::{realm, realm_to_change};
use super::people::no_such;
use crate::simulator::answer::{self, Answer, Refusal};
use crate::simulator::page::Page;
use crate::simulator::service::Service::Admin;
use crate::simulator::service::{Ask, Served, Wire, signed};

pub(super) static ROUTES: &[Served] = &[
    signed(Admin, "GET", "/accounts/{accountId}/tags", |ask| list(ask, of_account(ask)?)),
    signed(Admin, "GET", "/accounts/{accountId}/tags/{tagId}", |ask| one(ask, of_account(ask)?)),
    signed(Admin, "PUT", "/accounts/{accountId}/tags/{tagId}", |ask| put(ask, of_account(ask)?)),
    signed(Admin, "DELETE", "/accounts/{accountId}/tags/{tagId}", |ask| remove(ask, of_account(ask)?)),
    signed(Admin, "GET", "/accounts/{accountId}/users/{userId}/tags", |ask| list(ask, of_user(ask)?)),
    signed(Admin, "GET", "/accounts/{accountId}/users/{userId}/tags/{tagId}", |ask| one(ask, of_user(ask)?)),
    signed(Admin, "PUT", "/accounts/{accountId}/users/{userId}/tags/{tagId}", |ask| put(ask, of_user(ask)?)),
    signed(Admin, "DELETE", "/accounts/{accountId}/users/{userId}/tags/{tagId}", |ask| remove(ask, of_user(ask)?)),
];

fn of_account(ask: &Ask) -> Result<String, Refusal> {
    Ok(format!("accounts/{}", realm(ask)?.account.id))
}

fn of_user(ask: &Ask) -> Result<String, Refusal> {
    let id = ask.part("userId");
    realm(ask)?.directory.user(id).ok_or_else(|| no_such(id))?;
    Ok(format!("users/{id}"))
}

fn key(ask: &Ask, of: &str) -> String {
    format!("{of}/{}", ask.part("tagId"))
}

fn on(directory: &Directory, of: &str) -> Vec<Value> {
    let mut tags = directory.tags.all();
    tags.retain(|tag| tag["on"] == *of);
    tags.iter().map(shown).collect()
}

fn shown(tag: &Value) -> Value {
    json!({ "tagId": tag["tagId"], "value": tag["value"] })
}

fn list(ask: &Ask, of: String) -> Answer {
    answer::ok(Page::of(ask)?.collection(on(&realm(ask)?.directory, &of)))
}

fn one(ask: &Ask, of: String) -> Answer {
    answer::ok(shown(&realm(ask)?.directory.tags.get(&key(ask, &of))?))
}

/// The body is the value, or an object that has it in `value`.
fn put(ask: &Ask, of: String) -> Answer {
    let sent: Value =
        serde_json::from_slice(&ask.body).map_err(|error| Refusal::bad(format!("the body is no JSON: {error}")))?;
    let value = sent.get("value").cloned().unwrap_or(sent);
    let tag = json!({ "on": of, "tagId": ask.part("tagId"), "value": value });
    realm_to_change(ask)?.directory.tags.put(&key(ask, &of), tag.clone())?;
    answer::ok(shown(&tag))
}

fn remove(ask: &Ask, of: String) -> Answer {
    realm_to_change(ask)?.directory.tags.take(&key(ask, &of))?;
    answer::nothing()
}

/// An item with its tags, if they were asked for.
pub(super) fn expanded(wire: &Wire, directory: &Directory, of: &str, mut item: Value) -> Value {
    if wire.query.get("$expand").is_some_and(|wanted| wanted.split(',').any(|word| word.trim() == "tags")) {
        let tags = on(directory, of);
        item["_embedded"] = json!({ "tags": { "count": tags.len(), "_embedded": { "items": tags } } });
    }
    item
}
