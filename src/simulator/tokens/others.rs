//! Tokens for guests of a meeting, and for partners who act in a customer's account.

use super::refuse;
use super::store::{Holder, Kind};
use crate::simulator::answer::{self, Answer, fields, object, only, required, text};
use crate::simulator::service::{Ask, Wire};
use crate::simulator::world::guid;

/// Characters of the longest name of a guest.
const LONGEST_NAME: usize = 100;

/// `POST /guest/token`: an account, or a meeting's access code, is enough.
pub(super) fn guest(wire: &Wire) -> Answer {
    let fields = fields(&wire.body)?;
    let given = |key: &str| fields.get(key).map(String::as_str).filter(|text| !text.is_empty());
    let realm = match (given("accountId"), given("accessCode")) {
        (Some(account), _) => {
            wire.world.named(account).map_err(|_| refuse(400, "AccountNotFound", format!("no account {account}")))?
        }
        (None, Some(code)) => {
            let found = wire.world.realms.iter().find(|realm| realm.meetings.with_access_code(code).is_some());
            found.ok_or_else(|| refuse(400, "AccountNotFound", "no meeting has this access code"))?
        }
        (None, None) => return Err(refuse(400, "AccountMissing", "accountId or accessCode is needed")),
    };
    if !realm.is_active() {
        return Err(refuse(403, "InactiveAccount", "the account is not active"));
    }
    if realm.directory.account()["policy"]["allowGuestAccess"] != true {
        return Err(refuse(403, "NotAllowed", "the account does not let guests in"));
    }
    let name = given("name").unwrap_or("Guest");
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(refuse(400, "NameInvalid", "the name is too long or has control characters"));
    }
    let mail = given("guestEmail");
    if mail.is_some_and(|mail| mail.split_once('@').is_none_or(|(who, host)| who.is_empty() || host.is_empty())) {
        return Err(refuse(400, "EmailInvalid", "guestEmail is no address"));
    }
    let principal = given("principalId").map_or_else(guid, str::to_owned);
    let mut holder = Holder::new(realm, &principal, "GUEST", name, Kind::Guest);
    if let Some(mail) = mail {
        holder.claims.insert("email".to_owned(), mail.into());
    }
    answer::created(wire.world.tokens.issue(holder, true))
}

/// `POST /assume-role/token`: a partner's token for a customer's account, or a lesser role in the own one.
pub(super) fn assume(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &["role", "accountId", "policyId"])?;
    let role = required(&map, "role")?;
    if !matches!(&*role, "PARTNER_ADMIN" | "ACCOUNT_ADMIN" | "USER") {
        return Err(refuse(400, "InvalidPrincipals", "there is no such role"));
    }
    let realm = match text(&map, "accountId")? {
        Some(account) => ask.world.named(&account)?,
        None => &ask.holder.realm,
    };
    let own = realm.account.id == ask.realm().account.id;
    let allowed = if own { ask.holder.is_admin() } else { ask.holder.is_partner() };
    if !allowed || (role == "PARTNER_ADMIN" && !ask.holder.is_partner()) {
        return Err(refuse(403, "ImpersonationNotAllowed", "only a partner may act in a customer's account"));
    }
    let mut holder = Holder::new(realm, ask.by(), &role, &ask.holder.name, ask.holder.kind);
    holder.kind = Kind::Client;
    holder.claims.insert("assumedBy".to_owned(), ask.realm().account.id.clone().into());
    answer::created(ask.world.tokens.issue(holder, true))
}
