//! Our own acts of the last [`OWN`]: whether an event shows what a step of ours did.
//!
//! An end or update of a leg that we acted on is own, so is our message, and a presence or a phone's state that we set. A leg
//! that starts to ring is never own. Each act is a key of its own; the last one of a presentity or a field of a phone counts.
//! Stored are a time and the value that was set, below 1 KB.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Stored;
use super::key::key;
use super::spans::{FOREVER, OWN};
use super::stored::{clip, read};
use crate::journal::StateChange;

/// The status that takes an override of a presence away.
const AVAILABLE: &str = "Available";

/// What a step did. Record it when it is planned, and again with its outcome if that came late: the time of the act is what
/// is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act<'a> {
    /// A leg was redirected, answered, ended, ….
    Leg {
        /// Its endpoint.
        endpoint: &'a str,
        /// Its call id.
        call: &'a str,
    },
    /// A message was sent with this tag, or has this id.
    Message(&'a str),
    /// A presence was set.
    Presence {
        /// Whose.
        principal: &'a str,
        /// To what.
        status: &'a str,
    },
    /// A field of a phone was set.
    Endpoint {
        /// The phone.
        endpoint: &'a str,
        /// The field: `dnd`, `messageWaiting`, `userAvailability`.
        field: &'a str,
        /// Its value as text.
        value: &'a str,
    },
}

/// What an event shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown<'a> {
    /// A leg.
    Leg {
        /// Its endpoint.
        endpoint: &'a str,
        /// Its call id.
        call: &'a str,
        /// Whether it starts to ring.
        starts_to_ring: bool,
    },
    /// A message.
    Message {
        /// Its id.
        id: Option<&'a str>,
        /// Its tag.
        tag: Option<&'a str>,
    },
    /// A presence.
    Presence {
        /// Whose.
        principal: &'a str,
        /// Its aggregate.
        status: Option<&'a str>,
        /// What overrides it.
        over: Option<&'a str>,
    },
    /// A phone: its fields that changed, with their values as text; all of them when none changed.
    Endpoint {
        /// The phone.
        endpoint: &'a str,
        /// Fields and values.
        fields: &'a [(&'a str, &'a str)],
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Done {
    at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

impl Act<'_> {
    /// What is to be stored of it.
    pub fn change(&self, account: &str, now: i64) -> StateChange {
        let (key, value) = match self {
            Self::Leg { endpoint, call } => (leg_key(account, endpoint, call), None),
            Self::Message(name) => (message_key(account, name), None),
            Self::Presence { principal, status } => (presence_key(account, principal), Some(*status)),
            Self::Endpoint { endpoint, field, value } => (endpoint_key(account, endpoint, field), Some(*value)),
        };
        let done = Done { at: now, value: value.map(|value| clip(value).to_owned()) };
        Stored::new(&done, now.saturating_add(OWN).min(FOREVER)).at(key)
    }
}

impl Shown<'_> {
    /// What to load.
    pub fn keys(&self, account: &str) -> Vec<Arc<str>> {
        match self {
            Self::Leg { starts_to_ring: true, .. } => Vec::new(),
            Self::Leg { endpoint, call, .. } => vec![leg_key(account, endpoint, call)],
            Self::Message { id, tag } => id.iter().chain(tag).map(|name| message_key(account, name)).collect(),
            Self::Presence { principal, .. } => vec![presence_key(account, principal)],
            Self::Endpoint { endpoint, fields } => {
                fields.iter().map(|(field, _)| endpoint_key(account, endpoint, field)).collect()
            }
        }
    }

    /// Whether it shows an act of ours, with the values of [`keys`](Self::keys), in their order.
    pub fn is_own(&self, values: &[Option<Arc<str>>], now: i64) -> bool {
        let done = |value: &Option<Arc<str>>| {
            let done: Option<Done> = read(value.as_deref());
            done.filter(|done| now < done.at.saturating_add(OWN))
        };
        match self {
            Self::Leg { starts_to_ring, .. } => !starts_to_ring && values.iter().any(|value| done(value).is_some()),
            Self::Message { .. } => values.iter().any(|value| done(value).is_some()),
            Self::Presence { status, over, .. } => {
                // Available takes the override away, so that then nothing is overridden.
                let shown = over.or(*status);
                values
                    .iter()
                    .filter_map(done)
                    .filter_map(|done| done.value)
                    .any(|set| shown.is_some_and(|shown| clip(shown) == set) || (set == AVAILABLE && over.is_none()))
            }
            Self::Endpoint { fields, .. } => {
                let set = |value| done(value).and_then(|done| done.value);
                fields.iter().zip(values).any(|((_, shown), value)| set(value).is_some_and(|set| set == clip(shown)))
            }
        }
    }
}

fn leg_key(account: &str, endpoint: &str, call: &str) -> Arc<str> {
    key(account, "act-leg", &[endpoint, call])
}

fn message_key(account: &str, name: &str) -> Arc<str> {
    key(account, "act-message", &[name])
}

fn presence_key(account: &str, principal: &str) -> Arc<str> {
    key(account, "act-presence", &[principal])
}

fn endpoint_key(account: &str, endpoint: &str, field: &str) -> Arc<str> {
    key(account, "act-endpoint", &[endpoint, field])
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// Whether what is shown so long after some acts is own.
    fn own(acts: &[Act<'_>], shown: Shown<'_>, after: i64) -> bool {
        let changes = acts.iter().map(|act| act.change("main", 1000));
        let state: HashMap<Arc<str>, Arc<str>> = changes.map(|change| (change.key, change.bytes)).collect();
        let values: Vec<_> = shown.keys("main").iter().map(|key| state.get(key).cloned()).collect();
        shown.is_own(&values, 1000 + after)
    }

    #[test]
    fn an_end_of_the_leg_we_acted_on_is_own_and_a_ring_never() {
        let act = Act::Leg { endpoint: "2001", call: "7" };
        let shown = |call, starts_to_ring| Shown::Leg { endpoint: "2001", call, starts_to_ring };
        assert!(own(&[act], shown("7", false), OWN - 1));
        assert!(!own(&[act], shown("7", false), OWN));
        assert!(!own(&[act], shown("7", true), 0));
        assert!(!own(&[act], shown("8", false), 0));
        let stored = [Some(act.change("main", 1000).bytes)];
        assert!(!shown("7", true).is_own(&stored, 1000), "whatever was loaded");
    }

    #[test]
    fn a_message_is_ours_by_tag_or_by_id() {
        let shown = Shown::Message { id: Some("m"), tag: Some("t") };
        assert!(own(&[Act::Message("m")], shown, 5));
        assert!(own(&[Act::Message("t")], shown, 5));
        assert!(!own(&[Act::Message("x")], shown, 5));
        assert!(!own(&[Act::Message("x")], Shown::Message { id: None, tag: None }, 5));
    }

    #[test]
    fn only_the_presence_that_we_set_is_ours() {
        let set = |status| [Act::Presence { principal: "u", status }];
        let shown = |status, over| Shown::Presence { principal: "u", status: Some(status), over };
        assert!(own(&set("Busy"), shown("Away", Some("Busy")), 5));
        assert!(!own(&set("Busy"), shown("Busy", Some("Available")), 5), "somebody set another");
        assert!(own(&set("Available"), shown("Busy", None), 5), "the override is gone");
        assert!(own(&set("Available"), shown("Available", Some("Available")), 5));
        assert!(!own(&[], shown("Busy", None), 5));
    }

    #[test]
    fn only_the_state_of_a_phone_that_we_set_is_ours() {
        let act = Act::Endpoint { endpoint: "2001", field: "dnd", value: "true" };
        let own = |fields: &[(&str, &str)]| own(&[act], Shown::Endpoint { endpoint: "2001", fields }, 5);
        assert!(own(&[("state", "idle"), ("dnd", "true")]));
        assert!(!own(&[("dnd", "false")]));
        assert!(!own(&[("state", "ringing")]), "what changed is not ours");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(at in any::<i64>(), value in prop::option::of(".{0,20}")) {
            let done = Done { at, value };
            prop_assert_eq!(read::<Done>(Some(&Stored::new(&done, 0).bytes)), Some(done));
        }

        #[test]
        fn broken_text_is_no_act(text in ".{0,30}|\\{\"at\":-?[0-9]{19}\\}", now in any::<i64>()) {
            let values = [Some(text.as_str().into())];
            let shown = Shown::Presence { principal: "u", status: Some("Busy"), over: None };
            prop_assert!(!shown.is_own(&values, now));
            Shown::Leg { endpoint: "e", call: "c", starts_to_ring: false }.is_own(&values, now);
        }
    }
}
