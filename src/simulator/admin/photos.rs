//! Photos of users, contacts and groups, as bytes with their type. The paths are assumed.

use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use super::guard::{realm, realm_to_change};
use super::people::no_such;
use crate::simulator::answer::{self, Answer, Refusal};
use crate::simulator::realm::Realm;
use crate::simulator::service::Service::Admin;
use crate::simulator::service::{Ask, Served, signed};

/// Bytes of the largest photo.
const LARGEST: usize = 10 * 1024 * 1024;

macro_rules! routes_of {
    ($($plural:literal, $id:literal;)*) => {
        pub(super) static ROUTES: &[Served] = &[
            $(
                signed(Admin, "GET", concat!("/accounts/{accountId}/", $plural, "/{", $id, "}/photo"), |ask| show(ask, $id)),
                signed(Admin, "PUT", concat!("/accounts/{accountId}/", $plural, "/{", $id, "}/photo"), |ask| put(ask, $id)),
                signed(Admin, "DELETE", concat!("/accounts/{accountId}/", $plural, "/{", $id, "}/photo"), |ask| remove(ask, $id)),
            )*
        ];
    };
}

routes_of! {
    "users", "userId";
    "contacts", "contactId";
    "groups", "groupId";
}

fn check(realm: &Realm, key: &str, id: &str) -> Result<(), Refusal> {
    match key {
        "userId" => realm.directory.user(id).map(drop).ok_or_else(|| no_such(id)),
        "contactId" => realm.directory.contacts.get(id).map(drop),
        _ => realm.directory.groups.get(id).map(drop),
    }
}

fn show(ask: &Ask, key: &str) -> Answer {
    let (realm, id) = (realm(ask)?, ask.part(key));
    let photo = realm.directory.photo(id);
    let (kind, bytes) = photo.ok_or_else(|| Refusal::missing("PhotoNotFound", format!("{id} has no photo")))?;
    Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
}

fn put(ask: &Ask, key: &str) -> Answer {
    let (realm, id) = (realm_to_change(ask)?, ask.part(key));
    check(realm, key, id)?;
    let kind = ask.header("content-type").unwrap_or_default();
    if !kind.starts_with("image/") {
        return Err(Refusal::bad("content-type should be image/…"));
    }
    if ask.body.is_empty() || ask.body.len() > LARGEST {
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge", "a photo has 1 byte to 10 MB"));
    }
    realm.directory.set_photo(id, Some((kind.to_owned(), ask.body.clone())))?;
    answer::nothing()
}

fn remove(ask: &Ask, key: &str) -> Answer {
    let (realm, id) = (realm_to_change(ask)?, ask.part(key));
    if realm.directory.set_photo(id, None)? {
        return answer::nothing();
    }
    Err(Refusal::missing("PhotoNotFound", format!("{id} has no photo")))
}
