//! How presence looks on the wire. The guides print neither the names of the two presences nor a notification, so there are
//! several ways.

use serde_json::{Map, Value, json};

use super::state::{CATEGORIES, Presence};
use crate::simulator::answer::BASE;
use crate::simulator::variants::{Variant, Variants};

/// One presence.
pub(super) fn presence(presence: &Presence, variants: Variants) -> Value {
    let mut fields = Map::new();
    fields.insert("status".to_owned(), presence.status.clone().into());
    if let Some(reason) = &presence.reason {
        fields.insert("reason".to_owned(), reason.clone().into());
    }
    fields.insert("enteredOn".to_owned(), presence.entered_on.clone().into());
    if let Some(extended) = &presence.extended {
        fields.insert("extended".to_owned(), extended.clone());
    }
    if !variants.has(Variant::PresenceUpper) {
        return fields.into();
    }
    let upper = fields.into_iter().map(|(key, value)| {
        let value = if key == "status" { value.as_str().unwrap_or_default().to_uppercase().into() } else { value };
        (key[..1].to_uppercase() + &key[1..], value)
    });
    Value::Object(upper.collect())
}

/// A presentity with its aggregate and what the principal says.
pub(super) fn presentity(
    (account, principal): (&str, &str),
    aggregate: &Presence,
    own: &Presence,
    variants: Variants,
) -> Value {
    let (aggregate, own) = (presence(aggregate, variants), presence(own, variants));
    let path = format!("{BASE}/presentities/{principal}");
    let categories: Map<String, Value> = CATEGORIES
        .iter()
        .map(|category| ((*category).to_owned(), format!("{path}/categories/{category}").into()))
        .collect();
    let mut written = json!({ "principalId": principal, "accountId": account, "type": "user" });
    if variants.has(Variant::PresenceFlat) {
        written["aggregatePresence"] = aggregate;
        written["principalPresence"] = own;
    } else if variants.has(Variant::PresenceShort) {
        written["presences"] = json!({ "aggregate": aggregate, "principal": own });
    } else if variants.has(Variant::PresenceArray) {
        let typed = |mut presence: Value, kind: &str| {
            presence["type"] = kind.into();
            presence
        };
        written["presences"] = json!([typed(own, "principal"), typed(aggregate, "aggregate")]);
    } else {
        written["presences"] = json!({ "aggregatePresence": aggregate, "principalPresence": own });
    }
    written["_links"] = json!({ "self": path, "categories": categories });
    written
}

/// The content of a notification.
pub(super) fn notification(presentity: &Value, aggregate: &Presence, variants: Variants) -> Value {
    let (account, principal) = (&presentity["accountId"], &presentity["principalId"]);
    if variants.has(Variant::PresenceSingle) {
        json!({ "principalId": principal, "accountId": account, "presence": presence(aggregate, variants) })
    } else if variants.has(Variant::PresenceBare) {
        let mut bare = presence(aggregate, variants);
        bare["principalId"] = principal.clone();
        bare
    } else {
        presentity.clone()
    }
}
