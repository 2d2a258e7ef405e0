//! Who may see and change which account.

use std::sync::Arc;

use super::TOPIC;
use crate::simulator::answer::Refusal;
use crate::simulator::realm::Realm;
use crate::simulator::service::Ask;
use crate::simulator::variants::Variant;
use serde_json::{Value, json};

/// The account that `{accountId}` names, by GUID or number: the own one, or for a partner any.
pub(super) fn realm(ask: &Ask) -> Result<&Arc<Realm>, Refusal> {
    let named = ask.part("accountId");
    if ask.realm().account.is_named(named) {
        return Ok(&ask.holder.realm);
    }
    if !ask.holder.is_partner() {
        return Err(Refusal::forbidden("the account is not yours"));
    }
    ask.world.named(named)
}

/// The same, for changes: only administrators may.
pub(super) fn realm_to_change(ask: &Ask) -> Result<&Arc<Realm>, Refusal> {
    if !ask.holder.is_admin() {
        return Err(Refusal::forbidden("this needs ACCOUNT_ADMIN"));
    }
    realm(ask)
}

/// Publishes that a user was made, changed or removed.
pub(super) fn tell(ask: &Ask, realm: &Realm, method: &str, user: &Value) {
    let account = if ask.plays(Variant::AdminNumber) { &realm.account.number } else { &realm.account.id };
    let id = user["userId"].as_str().unwrap_or_default();
    let below = if ask.plays(Variant::AdminShort) { String::new() } else { format!("/{id}") };
    let path = format!("/accounts/{account}/users{below}");
    let subject = ask.world.subject(&path, false, Variant::AdminVersioned);
    let content = if ask.plays(Variant::AdminIdOnly) { json!({ "userId": id }) } else { user.clone() };
    ask.world.publish(realm, (TOPIC, method), subject, content, ask.by());
}
