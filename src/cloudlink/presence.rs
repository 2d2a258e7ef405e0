//! The Presence API (wire reference, 8).

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::CloudLink;
use super::error::Error;
use super::object::{Field as _, object};
use super::paging::{Items, Paging};
use super::places::Place;
use super::query::Query;

object! {
    /// A presence \[C, G\], its keys in lower camel case \[A\]; also what is to be set: status and reason.
    Presence {
        /// `Available`, `Unknown`, `Offline`, `Busy`, `DoNotDisturb` or `Away`; an open set.
        status: String = "status" | "Status",
        reason: String = "reason" | "Reason",
        entered_on: DateTime<Utc> = "enteredOn" | "EnteredOn",
        /// Free; PBXs put `callId` or `sequenceId` here.
        extended: Value = "extended" | "Extended",
    }

    /// Somebody or something that has a presence \[C, G\].
    Presentity {
        principal_id: String = "principalId",
        account_id: String = "accountId",
        /// `user`, `group` or `external`.
        kind: String = "type",
        /// The aggregate and the principal's own; how they are named in it is assumed: see [`Presentity::aggregate`].
        presences: Value = "presences",
    }
}

impl Presentity {
    /// What others see. The names are \[A\]: `presences.aggregatePresence`, `aggregatePresence`, `presences.aggregate`,
    /// `presence`; of a list the element whose type or name says aggregate.
    pub fn aggregate(&self) -> Option<Presence> {
        self.of("aggregate")
    }

    /// What the principal itself says.
    pub fn own(&self) -> Option<Presence> {
        self.of("principal")
    }

    fn of(&self, which: &str) -> Option<Presence> {
        let presences = self.presences.as_ref();
        let long = format!("{which}Presence");
        let among = |list: &Vec<Value>| {
            let says = |item: &&Value| {
                ["type", "name"]
                    .iter()
                    .any(|key| item[key].as_str().is_some_and(|text| text.to_ascii_lowercase().contains(which)))
            };
            list.iter()
                .find(says)
                .map(|item| if item["presence"].is_object() { &item["presence"] } else { item })
                .cloned()
        };
        let found = presences
            .and_then(|presences| presences.get(&long).cloned())
            .or_else(|| self.rest.get(&long).cloned())
            .or_else(|| presences?.get(which).cloned())
            .or_else(|| presences?.as_array().and_then(among))
            .or_else(|| self.rest.get("presence").filter(|_| which == "aggregate").cloned())?;
        Presence::read(found).ok()
    }
}

impl CloudLink {
    /// Everybody's presence \[C, G\].
    pub fn presentities(&self, query: &Query<'_>, paging: Paging) -> Items<Presentity> {
        self.list(Place::Presentities, &[], query, paging)
    }

    /// One principal's presence \[C, G\].
    pub async fn presentity(&self, principal: &str, timeout: Duration) -> Result<Presentity, Error> {
        self.get(Place::Presentity, &[principal], &Query::ALL, timeout).await
    }

    /// Overrides a principal's presence until it is set back to `Available`. Phones are not touched \[C, G\].
    pub async fn set_presence(
        &self,
        principal: &str,
        presence: &Presence,
        timeout: Duration,
    ) -> Result<Presentity, Error> {
        self.send(Method::PUT, Place::Presentity, &[principal], presence, timeout).await
    }

    /// One category of a principal \[C, G\]: `phones`, `externalEngines`, `acd`, `calendar`; the guide posts to `apps`.
    /// The real names stand in a presentity's `_links.categories`.
    pub async fn presence_category(&self, principal: &str, category: &str, timeout: Duration) -> Result<Value, Error> {
        self.get(Place::PresenceCategory, &[principal, category], &Query::ALL, timeout).await
    }

    /// Makes a source in a category; here the presence is nested \[C, G\].
    pub async fn create_presence_source(
        &self,
        principal: &str,
        category: &str,
        source: &str,
        presence: &Presence,
        timeout: Duration,
    ) -> Result<Value, Error> {
        let body = json!({ "sourceId": source, "presence": presence });
        self.send(Method::POST, Place::PresenceCategory, &[principal, category], &body, timeout).await
    }

    /// What a source says from now on; here the presence is flat \[C, G\].
    pub async fn set_presence_source(
        &self,
        principal: &str,
        category: &str,
        source: &str,
        presence: &Presence,
        timeout: Duration,
    ) -> Result<Value, Error> {
        self.send(Method::PUT, Place::PresenceSource, &[principal, category, source], presence, timeout).await
    }

    /// One source \[A\].
    pub async fn presence_source(
        &self,
        principal: &str,
        category: &str,
        source: &str,
        timeout: Duration,
    ) -> Result<Value, Error> {
        self.get(Place::PresenceSource, &[principal, category, source], &Query::ALL, timeout).await
    }

    /// Takes a source away \[A\].
    pub async fn delete_presence_source(
        &self,
        principal: &str,
        category: &str,
        source: &str,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.delete(Place::PresenceSource, &[principal, category, source], timeout).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_aggregate_is_found_under_every_assumed_name() {
        let busy = json!({ "status": "Busy" });
        for body in [
            json!({ "presences": { "aggregatePresence": busy, "principalPresence": { "status": "Away" } } }),
            json!({ "aggregatePresence": busy }),
            json!({ "presences": { "aggregate": busy } }),
            json!({ "presences": [{ "type": "Principal", "status": "Away" }, { "name": "theAggregate", "status": "Busy" }] }),
            json!({ "presences": [{ "type": "aggregate", "presence": busy }] }),
            json!({ "presence": busy }),
        ] {
            let seen: Presentity = serde_json::from_value(body.clone()).unwrap();
            assert_eq!(seen.aggregate().and_then(|presence| presence.status).as_deref(), Some("Busy"), "{body}");
        }
        let none: Presentity = serde_json::from_value(json!({ "presences": 1 })).unwrap();
        assert_eq!(none.own(), None);
    }
}
