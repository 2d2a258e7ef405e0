//! Presence: who is available. `state` decides what the aggregate of an override and of many sources is (pure), `written`
//! how it looks on the wire, `routes` is the API.

mod routes;
mod state;
mod written;

pub(crate) use routes::ROUTES;
pub(crate) use state::Presences;

/// The topic of all its events.
pub(crate) const TOPIC: &str = "platform-api-presence";
