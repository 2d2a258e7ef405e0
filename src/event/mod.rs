//! What came: decoding a verified body into publications, and a publication into an event with a typed view.
//!
//! The traps of the wire (ids that are paths, subjects with and without a version, a new call that comes as PUT) are
//! fixed here once. Nothing is matched or decided here, and nothing is read from disk or network.

pub mod kind;
mod open;
pub mod publication;
mod resource;
mod views;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

pub use crate::numbers::Numbers;
pub use kind::Kind;
pub use open::{Opened, Remember, Resolved};
pub use publication::{DecodeError, Publication};

/// One publication that has been given its kind and its views: what rules look at.
#[derive(Clone, Debug)]
pub struct Event {
    /// The position in the journal.
    pub seq: u64,
    /// The publication's id as it came, without the account.
    pub id: Arc<str>,
    /// The name of the account in the settings.
    pub account: Arc<str>,
    /// What happened.
    pub kind: Kind,
    /// When it happened: `content.timestamp`, else `createdOn`, else when it arrived.
    pub time: DateTime<Utc>,
    /// When the gateway journaled it.
    pub arrived: DateTime<Utc>,
    /// The order key: what has the same lane is handled in the order of arrival.
    pub lane: Arc<str>,
    /// The publishing service, as it came.
    pub topic: String,
    /// The REST verb, upper case.
    pub method: String,
    /// The resource path, as it came.
    pub subject: String,
    /// An object of all views by name: `call`, `message`, …, `event`, `account` and the raw `content`. What is missing
    /// is absent: no view field is ever null or empty text.
    pub fields: Value,
}

impl Event {
    /// Adds what is known of the whole call to the view `call`, if the event is of a leg.
    pub fn know_call(&mut self, known: &Map<String, Value>) {
        if let Some(Value::Object(call)) = self.fields.get_mut("call") {
            call.extend(known.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
    }

    /// The value at a path such as `call.endpoint` or `content.extraPbxData.callTrackingID`. Missing is `None`:
    /// an absent field, null, or something of something missing.
    pub fn field<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<&Value> {
        let found = path.into_iter().try_fold(&self.fields, |value, key| match value {
            Value::Object(map) => map.get(key),
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            _ => None,
        })?;
        (!found.is_null()).then_some(found)
    }
}
