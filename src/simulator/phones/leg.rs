//! One call at one phone, and how the wire shows it: as the API's call object and as a notification's content.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::simulator::answer::BASE;
use crate::simulator::clock;
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
    /// As the wire writes it.
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
    pub(crate) created_on: DateTime<Utc>,
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
    pub(crate) fn object(&self) -> Value {
        json!({
            "callId": self.call_id,
            "from": self.from, "fromName": self.from_name, "fromNumberE164": is_e164(&self.from),
            "to": self.to, "toName": "", "toNumberE164": is_e164(&self.to),
            "state": self.state.word(), "cause": self.cause, "direction": self.direction.word(),
            "extraPbxData": self.pbx_data(), "createdOn": clock::iso(self.created_on),
            "_links": { "self": self.path() },
        })
    }

    /// The content of the notification of a change that the PBX saw at `now` (epoch milliseconds). Here `callId` is a path, and `deviceId` a machine of the platform.
    pub(crate) fn notification(&self, pbx_event: &str, account_id: &str, now: i64) -> Value {
        let mut pbx_data = self.pbx_data();
        pbx_data["eventType"] = pbx_event.into();
        json!({
            "callId": self.long_id(),
            "endpointId": self.endpoint,
            "state": self.state.word(), "cause": self.cause, "direction": self.direction.word(),
            "from": self.from, "fromName": self.from_name, "to": self.to, "toName": "",
            "createdOn": clock::iso(self.created_on),
            "timestamp": now, "mediaReceivedTimestamp": now + 1, "mediaEventProcessedTimestamp": now + 2,
            "eventId": guid(), "eventType": "CallStateNotification", "isCtiEvent": true,
            "extraPbxData": pbx_data,
            "accountId": account_id, "siteId": "9c2d8e44-1f0b-4a6d-b7c5-3e2a1d0f9b88",
            "principalId": self.owner, "userId": self.owner, "callLegOwner": self.owner,
            "deviceId": "platform-api-mediaservice-sim-1",
            "_links": { "self": self.path() },
        })
    }
}

fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| digits.len() >= 7 && digits.bytes().all(|b| b.is_ascii_digit()))
}
