//! `/applications`: which applications may send users here to sign in, where they may be sent back to, and on which accounts
//! they are enabled. Partners register them.

use axum::http::StatusCode;
use serde_json::{Value, json};
use url::{Host, Url};

use super::refuse;
use crate::simulator::answer::{self, Answer, Refusal, flag, object, only, required, text};
use crate::simulator::clock::{Clock, iso};
use crate::simulator::options::Tenant;
use crate::simulator::page::Page;
use crate::simulator::service::Ask;
use crate::simulator::shelf::Shelf;
use crate::simulator::world::guid;

/// What may be sent.
const KNOWN: [&str; 10] = [
    "applicationId",
    "accountId",
    "partnerId",
    "name",
    "description",
    "active",
    "redirectUris",
    "createdOn",
    "modifiedOn",
    "_links",
];
/// A registered URI that stands for any port and path on this machine.
const LOOPBACK: &str = "http://127.0.0.1";

/// All registered applications. On which accounts one is enabled is kept beside what is shown.
pub(crate) struct Applications {
    shown: Shelf,
    /// `application account` pairs.
    enabled: Shelf,
    clock: Clock,
}

impl Applications {
    /// Each account's client is an application too, which may send users back to this machine.
    pub(crate) fn new(tenants: &[Tenant], clock: Clock) -> Self {
        let shown = tenants.iter().map(|tenant| {
            let application = json!({
                "applicationId": tenant.client_id, "accountId": tenant.account_id, "name": tenant.client_id,
                "description": "An application of the simulator", "active": true, "redirectUris": [LOOPBACK],
                "createdOn": iso(clock.now()),
            });
            (tenant.client_id.clone(), application)
        });
        let pairs =
            tenants.iter().flat_map(|by| tenants.iter().map(|on| (pair(&by.client_id, &on.account_id), Value::Null)));
        Self { shown: Shelf::with("ClientNotFound", shown), enabled: Shelf::with("ClientNotFound", pairs), clock }
    }

    /// Whether an application's users may be of this account.
    pub(super) fn is_enabled(&self, application: &str, account: &str) -> bool {
        self.enabled.get(&pair(application, account)).is_ok()
    }

    /// That an application is there, is active and may be sent back to this URI; without one it needs none.
    pub(super) fn check(&self, application: &str, redirect_uri: Option<&str>) -> Result<(), Refusal> {
        let known = self.shown.get(application).map_err(|_| refuse(403, "InvalidClient", "no such application"))?;
        if known["active"] == false {
            return Err(refuse(403, "ClientNotActive", "the application is not active"));
        }
        let Some(uri) = redirect_uri else { return Ok(()) };
        let registered: Vec<&str> =
            known["redirectUris"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if registered.is_empty() {
            return Err(refuse(403, "UnconfiguredRedirectUri", "the application has no redirect URI"));
        }
        let fits = |known: &&str| *known == uri || (*known == LOOPBACK && is_here(uri));
        if registered.iter().any(fits) {
            Ok(())
        } else {
            Err(refuse(403, "InvalidRedirectUri", "the redirect URI is not registered"))
        }
    }
}

fn pair(application: &str, account: &str) -> String {
    format!("{application} {account}")
}

/// Whether a URI leads to this machine, whatever its port and path (RFC 8252, 7.3).
fn is_here(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else { return false };
    let here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    here && url.scheme() == "http" && url.username().is_empty() && url.fragment().is_none()
}

fn partner(ask: &Ask) -> Result<(), Refusal> {
    if ask.holder.is_partner() { Ok(()) } else { Err(refuse(403, "AuthenticationFailure", "this needs PARTNER_ADMIN")) }
}

pub(super) fn list(ask: &Ask) -> Answer {
    partner(ask)?;
    answer::ok(Page::of(ask)?.collection(ask.world.applications.shown.all()))
}

pub(super) fn one(ask: &Ask) -> Answer {
    partner(ask)?;
    answer::ok(ask.world.applications.shown.get(ask.part("applicationId"))?)
}

pub(super) fn make(ask: &Ask) -> Answer {
    partner(ask)?;
    let map = object(&ask.body)?;
    required(&map, "name")?;
    let id = text(&map, "applicationId")?.unwrap_or_else(guid);
    if ask.world.applications.shown.get(&id).is_ok() {
        return Err(Refusal::new(StatusCode::CONFLICT, "ConditionalCheckFailedException", "the id is taken"));
    }
    answer::created(keep(ask, &id)?)
}

/// Changes one; with an accountId it is enabled there. Makes it if it is not there.
pub(super) fn change(ask: &Ask) -> Answer {
    partner(ask)?;
    answer::ok(keep(ask, ask.part("applicationId"))?)
}

fn keep(ask: &Ask, id: &str) -> Result<Value, Refusal> {
    let map = object(&ask.body)?;
    only(&map, &KNOWN)?;
    flag(&map, "active")?;
    let uris = map.get("redirectUris").cloned().unwrap_or_else(|| json!([]));
    serde_json::from_value::<Vec<Url>>(uris).map_err(|_| Refusal::bad("redirectUris should be array of uri"))?;
    let applications = &ask.world.applications;
    let account = match text(&map, "accountId")? {
        Some(account) => ask.world.named(&account)?.account.id.clone(),
        None => ask.realm().account.id.clone(),
    };
    let mut application = applications.shown.get(id).unwrap_or_else(|_| {
        json!({
            "applicationId": id, "accountId": account, "partnerId": ask.realm().account.partner_id, "active": true,
            "redirectUris": [], "createdOn": iso(applications.clock.now()),
        })
    });
    for (key, value) in map.into_iter().filter(|(key, _)| !matches!(&**key, "applicationId" | "accountId" | "_links")) {
        application[key] = value;
    }
    application["modifiedOn"] = iso(applications.clock.now()).into();
    applications.enabled.put(&pair(id, &account), Value::Null)?;
    applications.shown.put(id, application.clone())?;
    Ok(application)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_here() {
        for uri in ["http://127.0.0.1:49152/callback", "http://localhost:1/x?y=1", "http://[::1]:80/"] {
            assert!(is_here(uri), "{uri}");
        }
        for uri in
            ["https://127.0.0.1/", "http://127.0.0.1.example.com/", "http://x@localhost/", "http://localhost/#x", "x"]
        {
            assert!(!is_here(uri), "{uri}");
        }
    }
}
