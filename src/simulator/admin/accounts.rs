//! `/accounts`: the own account, or a partner's customers. They are read and changed, never made here.

use serde_json::Value;

use super::guard::{realm, realm_to_change};
use super::tags;
use crate::simulator::answer::{self, Answer, flag, object, only};
use crate::simulator::clock::iso;
use crate::simulator::page::Page;
use crate::simulator::service::Service::Admin;
use crate::simulator::service::{Ask, Served, signed};

const KNOWN: [&str; 22] = [
    "accountId",
    "accountNumber",
    "name",
    "partnerId",
    "organizationId",
    "active",
    "state",
    "languageCode",
    "domain",
    "location",
    "policy",
    "accessTokenExpiryHours",
    "refreshTokenExpiryHours",
    "userLimit",
    "contacts",
    "createdOn",
    "createdBy",
    "modifiedOn",
    "modifiedBy",
    "_links",
    "_embedded",
    "description",
];
/// What only the service changes; it is ignored.
const OWN: [&str; 6] = ["accountId", "accountNumber", "partnerId", "domain", "_links", "_embedded"];

pub(super) static ROUTES: &[Served] = &[
    signed(Admin, "GET", "/accounts", list),
    signed(Admin, "GET", "/accounts/{accountId}", one),
    signed(Admin, "PUT", "/accounts/{accountId}", change),
];

fn list(ask: &Ask) -> Answer {
    let visible =
        ask.world.realms.iter().filter(|realm| realm.account.id == ask.realm().account.id || ask.holder.is_partner());
    let accounts = visible.map(|realm| {
        let account = realm.directory.account();
        tags::expanded(ask, &realm.directory, &format!("accounts/{}", realm.account.id), account)
    });
    answer::ok(Page::of(ask)?.collection(accounts))
}

fn one(ask: &Ask) -> Answer {
    let realm = realm(ask)?;
    let path = format!("accounts/{}", realm.account.id);
    answer::ok(tags::expanded(ask, &realm.directory, &path, realm.directory.account()))
}

fn change(ask: &Ask) -> Answer {
    let realm = realm_to_change(ask)?;
    let map = object(&ask.body)?;
    only(&map, &KNOWN)?;
    let active = flag(&map, "active")?;
    let changed = realm.directory.change_account(&realm.account.id, |account| {
        for (key, value) in map.into_iter().filter(|(key, _)| !OWN.contains(&&**key)) {
            account[key] = value;
        }
        account["modifiedOn"] = Value::from(iso(ask.world.clock.now()));
        account["modifiedBy"] = ask.by().into();
        Ok(())
    })?;
    if let Some(active) = active {
        realm.set_active(active);
    }
    answer::ok(changed)
}
