//! Phones: what state they are in, do-not-disturb, the lamp.

use std::time::Duration;

use reqwest::Method;

use crate::cloudlink::client::CloudLink;
use crate::cloudlink::error::Error;
use crate::cloudlink::object::object;
use crate::cloudlink::places::Place;
use crate::cloudlink::query::Query;

object! {
    /// A phone or another endpoint \[C, SW\]; its id is usually the extension.
    Endpoint {
        endpoint_id: String = "endpointId",
        name: String = "name",
        kind: String = "type",
        /// `idle`, `ringing`, `connected`, `held`, `outOfService`, `unknown`; an open set.
        state: String = "state",
        /// `available`, `busy`, `dnd` or `away`: not a presence.
        user_availability: String = "userAvailability",
        /// Whether the lamp is lit.
        message_waiting: bool = "messageWaiting",
        /// Do not disturb.
        dnd: bool = "dnd",
        pstn_routing: bool = "pstnRouting",
    }

    /// What is to be changed \[C, SW\]. The specification wants action and availability both, the guide uses either and
    /// calls `dnd` a toggle: look first, send both, look again.
    EndpointChange {
        /// `dnd`, `messageWaiting` or `pstnRouting`.
        action: String = "action",
        user_availability: String = "userAvailability",
        enabled: bool = "enabled",
        /// In milliseconds.
        timeout: u64 = "timeoutMs",
    }
}

impl CloudLink {
    /// The state of a phone \[C, SW\].
    pub async fn endpoint(&self, endpoint: &str, timeout: Duration) -> Result<Endpoint, Error> {
        self.get(Place::Endpoint, &[endpoint], &Query::ALL, timeout).await
    }

    /// Changes a phone; an answer of 202 has nothing to read \[C, SW\].
    pub async fn change_endpoint(
        &self,
        endpoint: &str,
        change: &EndpointChange,
        timeout: Duration,
    ) -> Result<Endpoint, Error> {
        self.send(Method::PUT, Place::Endpoint, &[endpoint], change, timeout).await
    }
}
