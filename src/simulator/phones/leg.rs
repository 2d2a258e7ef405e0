//! One call at one phone, and how the wire shows it: as the API's call object and as a notification's content.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::simulator::answer::BASE;
use crate::simulator::clock;
use crate::simulator::variants::{Variant, Variants};
use crate::simulator::world::guid;

/// What a call is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Ringing,
    Connected,
    Held,
    Completed,
}

impl State {
    /// As the wire writes it under these variants.
    pub(crate) fn written(self, variants: Variants) -> &'static str {
        match self {
            Self::Completed if variants.has(Variant::StateEnded) => "ended",
            Self::Completed if variants.has(Variant::StateIdle) => "idle",
            plain => plain.word(),
        }
    }

    /// As the wire writes it plainly.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ringing => "ringing",
            Self::Connected => "connected",
            Self::Held => "held",
            Self::Completed => "completed",
        }
    }
}

/// Which way a call goes, seen from its phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Inbound,
    Outbound,
}

impl Direction {
    /// As the wire writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// One call at one phone.
#[derive(Clone, Debug)]
pub(crate) struct Leg {
    pub(crate) call_id: String,
    pub(crate) endpoint: String,
    pub(crate) state: State,
    pub(crate) cause: &'static str,
    pub(crate) direction: Direction,
    pub(crate) from: String,
    pub(crate) from_name: String,
    pub(crate) to: String,
    /// Ties the legs of one conversation together, across redirects and transfers.
    pub(crate) tracking_id: String,
    /// The GUID under which the history has the call.
    pub(crate) record_id: String,
    pub(crate) created_on: DateTime<Utc>,
    pub(crate) answered_on: Option<DateTime<Utc>>,
    pub(crate) ended_on: Option<DateTime<Utc>>,
    /// Whether it is recorded when it is answered.
    pub(crate) record: bool,
    /// The caller's own id for it.
    pub(crate) associated_id: Option<String>,
    /// The call id of the leg at the other end, if that is one of our phones.
    pub(crate) peer: Option<String>,
    /// The principal whose phone it is.
    pub(crate) owner: String,
}

impl Leg {
    /// The path of the call, with the version: link and subject.
    pub(crate) fn path(&self) -> String {
        format!("{BASE}/endpoints/{}/calls/{}", self.endpoint, self.call_id)
    }

    /// What notifications and lists call the `callId`: a path without the version.
    pub(crate) fn long_id(&self) -> String {
        format!("endpoints/{}/calls/{}", self.endpoint, self.call_id)
    }

    fn pbx_data(&self) -> Value {
        json!({ "alertingDevice": self.endpoint, "calledDevice": self.to, "callTrackingID": self.tracking_id })
    }

    /// The call object of the API, with the plain id.
    pub(crate) fn object(&self, site: &str, variants: Variants) -> Value {
        let mut call = json!({
            "callId": self.call_id, "siteId": site,
            "from": self.from, "fromName": self.from_name, "fromNumberE164": is_e164(&self.from),
            "to": self.to, "toName": "", "toNumberE164": is_e164(&self.to),
            "state": self.state.written(variants), "cause": self.cause, "direction": self.direction.word(),
            "extraPbxData": maybe_text(self.pbx_data(), variants), "createdOn": clock::iso(self.created_on),
            "_links": { "self": self.path() },
        });
        let own = if self.direction == Direction::Inbound { "toPrincipalId" } else { "fromPrincipalId" };
        call[own] = self.owner.clone().into();
        if let Some(id) = &self.associated_id {
            call["associatedCallId"] = id.clone().into();
        }
        call
    }

    /// The call as its history has it: with a GUID, and times in seconds.
    pub(crate) fn record(&self, site: &str, account_id: &str, variants: Variants) -> Value {
        let mut record = self.object(site, variants);
        let ended = self.ended_on.unwrap_or(self.created_on);
        record["callId"] = self.record_id.clone().into();
        record["principal"] = self.owner.clone().into();
        record["accountId"] = account_id.into();
        record["userId"] = self.owner.clone().into();
        record["endpointId"] = self.endpoint.clone().into();
        record["endTime"] = clock::iso(ended).into();
        record["completed"] = (self.answered_on.is_some() && self.ended_on.is_some()).into();
        record["ringTime"] = (self.answered_on.unwrap_or(ended) - self.created_on).num_seconds().max(0).into();
        record["billingTime"] = self.answered_on.map_or(0, |answered| (ended - answered).num_seconds().max(0)).into();
        record["_links"] = json!({ "self": format!("{BASE}/calls/{}/records", self.record_id) });
        record
    }

    /// The content of the notification of a change that the PBX saw at `now` (epoch milliseconds). Here `callId` is a path, and `deviceId` a machine of the platform.
    pub(crate) fn notification(
        &self,
        pbx_event: &str,
        (account_id, site): (&str, &str),
        now: i64,
        variants: Variants,
    ) -> Value {
        let mut pbx_data = self.pbx_data();
        pbx_data["eventType"] = pbx_event.into();
        json!({
            "callId": self.long_id(),
            "endpointId": self.endpoint,
            "state": self.state.written(variants), "cause": self.cause, "direction": self.direction.word(),
            "from": self.from, "fromName": self.from_name, "to": self.to, "toName": "",
            "createdOn": clock::iso(self.created_on),
            "timestamp": now, "mediaReceivedTimestamp": now + 1, "mediaEventProcessedTimestamp": now + 2,
            "eventId": guid(), "eventType": "CallStateNotification", "isCtiEvent": true,
            "extraPbxData": maybe_text(pbx_data, variants),
            "accountId": account_id, "siteId": site,
            "principalId": self.owner, "userId": self.owner, "callLegOwner": self.owner,
            "deviceId": "platform-api-mediaservice-sim-1",
            "_links": { "self": self.path() },
        })
    }
}

/// What the PBX adds, as an object or as a text that holds it.
fn maybe_text(data: Value, variants: Variants) -> Value {
    if variants.has(Variant::PbxDataText) { data.to_string().into() } else { data }
}

fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| digits.len() >= 7 && digits.bytes().all(|b| b.is_ascii_digit()))
}
