//! Clients: what an account's servers sign in as. The secret is shown once, to whoever made it.

use serde_json::{Value, json};

use super::guard::{realm, realm_to_change};
use crate::simulator::answer::{self, Answer, Refusal, flag, object, one_of, only, required, text};
use crate::simulator::clock::iso;
use crate::simulator::page::Page;
use crate::simulator::service::Service::Admin;
use crate::simulator::service::{Ask, Served, signed};
use crate::simulator::world::{guid, plain_id};

pub(super) static ROUTES: &[Served] = &[
    signed(Admin, "GET", "/accounts/{accountId}/clients", list),
    signed(Admin, "POST", "/accounts/{accountId}/clients", make),
    signed(Admin, "GET", "/accounts/{accountId}/clients/{clientId}", one),
];

fn without_secret(mut client: Value) -> Value {
    if let Some(client) = client.as_object_mut() {
        client.shift_remove("clientSecret");
    }
    client
}

fn list(ask: &Ask) -> Answer {
    let clients = realm_to_change(ask)?.directory.clients.all();
    answer::ok(Page::of(ask)?.collection(clients.into_iter().map(without_secret)))
}

fn one(ask: &Ask) -> Answer {
    answer::ok(without_secret(realm(ask)?.directory.clients.get(ask.part("clientId"))?))
}

fn make(ask: &Ask) -> Answer {
    let realm = realm_to_change(ask)?;
    let map = object(&ask.body)?;
    only(&map, &["name", "role", "type", "active", "clientId"])?;
    let role = one_of(&map, "role", &["PARTNER_ADMIN", "ACCOUNT_ADMIN", "USER"])?.unwrap_or_else(|| "USER".to_owned());
    if role == "PARTNER_ADMIN" && !ask.holder.is_partner() {
        return Err(Refusal::forbidden("the role is above yours"));
    }
    let id = text(&map, "clientId")?.unwrap_or_else(guid);
    if ask.world.realms.iter().any(|realm| realm.directory.client(&id).is_some()) {
        let why = "the clientId is taken";
        return Err(Refusal::new(axum::http::StatusCode::CONFLICT, "ConditionalCheckFailedException", why));
    }
    let client = json!({
        "clientId": id, "clientSecret": plain_id(), "accountId": realm.account.id, "principalId": guid(),
        "name": required(&map, "name")?, "role": role,
        "type": one_of(&map, "type", &["DEFAULT", "APP"])?.unwrap_or_else(|| "DEFAULT".to_owned()),
        "active": flag(&map, "active")?.unwrap_or(true),
        "createdOn": iso(realm.directory.clock.now()), "createdBy": ask.by(),
    });
    realm.directory.clients.put(&id, client.clone())?;
    answer::created(client)
}
