//! Users: under their account, and those of the own account at `/users`. Changes are published.

use serde_json::{Map, Value};

use super::guard::{realm, realm_to_change, tell};
use super::people::no_such;
use super::{patch, tags};
use crate::simulator::answer::{self, Answer, Refusal, flag, object, one_of, only, text};
use crate::simulator::page::Page;
use crate::simulator::realm::Realm;
use crate::simulator::service::Service::Admin;
use crate::simulator::service::{Ask, Served, signed};

/// What may be sent.
const KNOWN: [&str; 33] = [
    "userId",
    "uniqueUserId",
    "loginId",
    "accountId",
    "siteId",
    "name",
    "displayName",
    "email",
    "role",
    "extension",
    "phone",
    "mobile",
    "sipAddress",
    "sipPassword",
    "photoUrl",
    "avatars",
    "source",
    "active",
    "languageCode",
    "password",
    "emailVerified",
    "emailValid",
    "phoneVerified",
    "mobileVerified",
    "extensionVerified",
    "userVerified",
    "externalId",
    "createdOn",
    "createdBy",
    "modifiedOn",
    "modifiedBy",
    "_links",
    "_embedded",
];
/// Of that what is the service's own and ignored.
const OWN: [&str; 9] =
    ["userId", "accountId", "createdOn", "createdBy", "modifiedOn", "modifiedBy", "_links", "_embedded", "password"];
const ROLES: [&str; 3] = ["PARTNER_ADMIN", "ACCOUNT_ADMIN", "USER"];

pub(super) static ROUTES: &[Served] = &[
    signed(Admin, "GET", "/accounts/{accountId}/users", list),
    signed(Admin, "POST", "/accounts/{accountId}/users", |ask| {
        answer::created(make(ask, realm_to_change(ask)?, object(&ask.body)?)?)
    }),
    signed(Admin, "PATCH", "/accounts/{accountId}/users", patch::patch),
    signed(Admin, "GET", "/accounts/{accountId}/users/{userId}", one),
    signed(Admin, "PUT", "/accounts/{accountId}/users/{userId}", |ask| {
        answer::ok(change(ask, realm_to_change(ask)?, ask.part("userId"), object(&ask.body)?)?)
    }),
    signed(Admin, "DELETE", "/accounts/{accountId}/users/{userId}", |ask| {
        remove(ask, realm_to_change(ask)?, ask.part("userId"))?;
        answer::nothing()
    }),
    signed(Admin, "GET", "/users", |ask| page_of(ask, ask.realm())),
    signed(Admin, "GET", "/users/{userId}", own),
];

fn list(ask: &Ask) -> Answer {
    page_of(ask, realm(ask)?)
}

fn page_of(ask: &Ask, realm: &Realm) -> Answer {
    let mut page = realm.directory.people.page(&Page::of(ask)?);
    if let Some(items) = page["_embedded"]["items"].as_array_mut() {
        for user in items {
            let whole = std::mem::take(user);
            *user = expanded(ask, realm, whole);
        }
    } else if let Some(page) = page.as_object_mut() {
        // Looking for what is not there has made it.
        if page.get("_embedded").is_some_and(Value::is_null) {
            page.shift_remove("_embedded");
        }
    }
    answer::ok(page)
}

fn expanded(ask: &Ask, realm: &Realm, user: Value) -> Value {
    let path = format!("users/{}", user["userId"].as_str().unwrap_or_default());
    tags::expanded(ask, &realm.directory, &path, user)
}

fn one(ask: &Ask) -> Answer {
    let (realm, id) = (realm(ask)?, ask.part("userId"));
    let user = realm.directory.user(id).ok_or_else(|| no_such(id))?;
    answer::ok(expanded(ask, realm, user))
}

fn own(ask: &Ask) -> Answer {
    let id = ask.principal("userId");
    let user = ask.realm().directory.user(id).ok_or_else(|| no_such(id))?;
    answer::ok(expanded(ask, ask.realm(), user))
}

/// Adds a user and says so.
pub(super) fn make(ask: &Ask, realm: &Realm, map: Map<String, Value>) -> Result<Value, Refusal> {
    let password = text(&map, "password")?;
    let mut user = checked(ask, map)?;
    if !["name", "displayName", "email"].iter().any(|key| user.contains_key(*key)) {
        return Err(Refusal::bad("should have required property 'name'"));
    }
    for (key, usual) in [("role", Value::from("USER")), ("active", true.into()), ("source", "API".into())] {
        user.entry(key).or_insert(usual);
    }
    let made = realm.directory.people.add(Value::Object(user), ask.by())?;
    if let (Some(password), Some(id)) = (password, made["userId"].as_str()) {
        realm.directory.set_password(id, &password);
    }
    tell(ask, realm, "POST", &made);
    Ok(made)
}

/// Changes a user and says so.
pub(super) fn change(ask: &Ask, realm: &Realm, id: &str, map: Map<String, Value>) -> Result<Value, Refusal> {
    let password = text(&map, "password")?;
    let changed = realm.directory.people.change(id, checked(ask, map)?, ask.by())?;
    if let Some(password) = password {
        realm.directory.set_password(id, &password);
    }
    tell(ask, realm, "PUT", &changed);
    Ok(changed)
}

/// Removes a user and says so.
pub(super) fn remove(ask: &Ask, realm: &Realm, id: &str) -> Result<(), Refusal> {
    let removed = realm.directory.people.remove(id)?;
    tell(ask, realm, "DELETE", &removed);
    Ok(())
}

fn checked(ask: &Ask, mut map: Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    only(&map, &KNOWN)?;
    for key in ["name", "displayName", "email", "extension", "phone", "mobile", "siteId"] {
        text(&map, key)?;
    }
    flag(&map, "active")?;
    if one_of(&map, "role", &ROLES)?.is_some_and(|role| role == "PARTNER_ADMIN") && !ask.holder.is_partner() {
        return Err(Refusal::forbidden("the role is above yours"));
    }
    map.retain(|key, _| !OWN.contains(&&**key));
    Ok(map)
}
