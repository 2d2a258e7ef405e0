//! `GET /token`: who am I. Tokens are opaque, so this is the only way to know.

use serde_json::{Value, json};

use crate::simulator::answer::{self, Answer};
use crate::simulator::service::Ask;
use crate::simulator::variants::Variant;
use crate::simulator::world::guid;

pub(super) fn who_am_i(ask: &Ask) -> Answer {
    let (holder, account) = (&ask.holder, &ask.realm().account);
    let mut claims = json!({
        "principalId": holder.principal_id, "userId": holder.principal_id, "accountId": account.id,
        "accountNumber": account.number, "partnerId": account.partner_id, "role": holder.role, "name": holder.name,
        "domain": format!("{}.sim.api.mitel.io", account.id), "iss": "https://authentication.sim-1.sim.api.mitel.io",
        "languageCode": "en-US", "iat": holder.issued_ms / 1000, "exp": holder.expires_ms / 1000, "jti": guid(),
    });
    for (key, value) in &holder.claims {
        claims[key] = value.clone();
    }
    // The samples show times and booleans as texts.
    if !ask.plays(Variant::ClaimsTyped) {
        for value in claims.as_object_mut().into_iter().flat_map(|claims| claims.values_mut()) {
            if !value.is_string() && !value.is_null() {
                *value = Value::from(value.to_string());
            }
        }
    }
    answer::ok(claims)
}
