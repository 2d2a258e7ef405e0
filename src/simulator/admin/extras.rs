//! Mails that the service would send, temporary access codes and the key for SCIM.

use serde_json::json;

use super::guard::realm_to_change;
use super::people::no_such;
use crate::simulator::answer::{self, Answer, Refusal, object, only, text};
use crate::simulator::service::Service::Admin;
use crate::simulator::service::{Ask, Served, Wire, open, signed};
use crate::simulator::world::plain_id;

pub(super) static ROUTES: &[Served] = &[
    open(Admin, "PUT", "/users/{userId}/password", password),
    signed(Admin, "POST", "/accounts/{accountId}/users/{userId}/welcome", welcome),
    signed(Admin, "POST", "/accounts/{accountId}/users/{userId}/accesscode", access_code),
    signed(Admin, "POST", "/accounts/{accountId}/scimkey", |ask| {
        realm_to_change(ask)?;
        answer::created(json!({ "scimKey": format!("sim-scim-{}", plain_id()) }))
    }),
];

/// "Forgot my password": sends a mail to whoever has the address. No token is needed.
fn password(wire: &Wire) -> Answer {
    let map = object(&wire.body)?;
    only(&map, &["email", "action", "accountId"])?;
    if text(&map, "action")?.as_deref() != Some("forgot") {
        return Err(Refusal::bad("action should be forgot"));
    }
    let (address, account) = (wire.part("userId"), text(&map, "accountId")?);
    let mut known = wire.world.realms.iter().filter(|realm| {
        account.as_ref().is_none_or(|account| realm.account.is_named(account))
            && !realm.directory.by_login(address).is_empty()
    });
    let realm = known.next().ok_or_else(|| no_such(address))?;
    realm.directory.mail(address, "password");
    answer::ok(json!({}))
}

fn welcome(ask: &Ask) -> Answer {
    let (realm, id) = (realm_to_change(ask)?, ask.part("userId"));
    let user = realm.directory.user(id).ok_or_else(|| no_such(id))?;
    realm.directory.mail(user["email"].as_str().unwrap_or_default(), "welcome");
    answer::nothing()
}

fn access_code(ask: &Ask) -> Answer {
    let (realm, id) = (realm_to_change(ask)?, ask.part("userId"));
    realm.directory.user(id).ok_or_else(|| no_such(id))?;
    answer::created(json!({ "accessCode": format!("{:08}", fastrand::u32(0..100_000_000)) }))
}
