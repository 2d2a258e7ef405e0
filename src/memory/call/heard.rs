//! What an event says of a leg.

use serde_json::Value;

use super::State;
use crate::event::{Event, Kind};

/// One event of one leg.
#[derive(Clone, Copy, Debug)]
pub struct LegHeard<'a> {
    /// The endpoint whose leg it is.
    pub endpoint: &'a str,
    /// The leg's call id.
    pub call: &'a str,
    /// The tracking id that ties legs together, if the PBX sends one.
    pub tracking: Option<&'a str>,
    /// The number at the other end, as sent; missing when withheld.
    pub other: Option<&'a str>,
    /// The state that the leg came into; missing for a mere update.
    pub state: Option<State>,
    /// Why, in CloudLink's word.
    pub cause: Option<&'a str>,
    /// When it happened, by the event, in milliseconds since 1970.
    pub time: i64,
    /// When the gateway had it, in milliseconds since 1970.
    pub now: i64,
    /// The view `call` of the leg.
    pub view: &'a Value,
    /// Whether the view is to be kept, for `call.finished` to show; without it the call takes half the room.
    pub keep: bool,
}

impl<'a> LegHeard<'a> {
    /// What an event says of a leg; nothing if it is none of a leg.
    pub fn of(event: &'a Event) -> Option<Self> {
        let view = event.fields.get("call").filter(|_| event.kind != Kind::CallFinished)?;
        let text = |key: &str| view.get(key).and_then(Value::as_str);
        let is_outbound = text("direction") == Some("outbound");
        Some(Self {
            endpoint: text("endpoint")?,
            call: text("id")?,
            tracking: text("tracking_id"),
            other: text(if is_outbound { "to_raw" } else { "from_raw" }),
            state: match event.kind {
                Kind::CallRinging => Some(State::Ringing),
                Kind::CallConnected => Some(State::Connected),
                Kind::CallHeld => Some(State::Held),
                Kind::CallEnded => Some(State::Ended),
                _ => None,
            },
            cause: text("cause"),
            time: event.time.timestamp_millis(),
            now: event.arrived.timestamp_millis(),
            view,
            keep: true,
        })
    }

    /// Whether the leg called somebody; else it was called.
    pub(super) fn is_outbound(&self) -> bool {
        self.view.get("direction").and_then(Value::as_str) == Some("outbound")
    }
}
