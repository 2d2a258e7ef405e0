//! What phones are set to: do-not-disturb, the lamp, PSTN routing, availability. A phone that nobody touched is set to
//! nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::simulator::answer::{Refusal, flag, one_of, only};

/// Phones that are remembered.
const MOST: usize = 100_000;

/// What one phone is set to.
#[derive(Clone, Default)]
pub(super) struct Desk {
    pub(super) dnd: bool,
    pub(super) message_waiting: bool,
    pub(super) pstn_routing: bool,
    pub(super) availability: Option<String>,
}

/// What all phones are set to.
#[derive(Default)]
pub(super) struct Desks {
    by_endpoint: Mutex<HashMap<String, Desk>>,
}

/// A change that was asked for.
pub(super) struct Wanted {
    action: Option<String>,
    availability: Option<String>,
    enabled: bool,
}

impl Wanted {
    /// Reads the body of `PUT /endpoints/{id}`. `strict`: both halves have to be there.
    pub(super) fn read(map: &Map<String, Value>, strict: bool) -> Result<Self, Refusal> {
        only(map, &["action", "userAvailability", "enabled", "timeoutMs"])?;
        let wanted = Self {
            action: one_of(map, "action", &["dnd", "messageWaiting", "pstnRouting"])?,
            availability: one_of(map, "userAvailability", &["available", "busy", "dnd", "away"])?,
            enabled: flag(map, "enabled")?.unwrap_or(false),
        };
        match (&wanted.action, &wanted.availability) {
            (None, None) => Err(Refusal::bad("should have required property 'action'")),
            (None, _) if strict => Err(Refusal::bad("should have required property 'action'")),
            (_, None) if strict => Err(Refusal::bad("should have required property 'userAvailability'")),
            _ => Ok(wanted),
        }
    }
}

impl Desks {
    /// What one phone is set to.
    pub(super) fn of(&self, endpoint: &str) -> Desk {
        self.by_endpoint.lock().unwrap_or_else(PoisonError::into_inner).get(endpoint).cloned().unwrap_or_default()
    }

    /// Changes one. `dnd` is a toggle unless it is said to set.
    pub(super) fn change(&self, endpoint: &str, wanted: Wanted, dnd_sets: bool) -> Result<Desk, Refusal> {
        let mut all = self.by_endpoint.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(endpoint) {
            return Err(Refusal::bad(format!("{MOST} phones were changed already")));
        }
        let desk = all.entry(endpoint.to_owned()).or_default();
        match wanted.action.as_deref() {
            Some("dnd") => desk.dnd = if dnd_sets { wanted.enabled } else { !desk.dnd },
            Some("messageWaiting") => desk.message_waiting = wanted.enabled,
            Some("pstnRouting") => desk.pstn_routing = wanted.enabled,
            _ => {}
        }
        // An availability that comes with dnd follows what became of dnd.
        let follows = wanted.action.as_deref() == Some("dnd");
        match wanted.availability.as_deref() {
            Some(_) if follows => desk.availability = None,
            Some("available") => desk.availability = None,
            Some(other) => desk.availability = Some(other.to_owned()),
            None => {}
        }
        Ok(desk.clone())
    }
}

impl Desk {
    /// The endpoint object of the API.
    pub(super) fn object(&self, endpoint: &str, state: &str, talking: bool, links: Value) -> Value {
        let availability = match (&self.availability, self.dnd, talking) {
            (_, true, _) => "dnd",
            (Some(set), ..) => set,
            (None, _, true) => "busy",
            (None, _, false) => "available",
        };
        json!({
            "endpointId": endpoint, "name": format!("Phone {endpoint}"), "type": "deskphone", "state": state,
            "userAvailability": availability, "messageWaiting": self.message_waiting, "dnd": self.dnd,
            "pstnRouting": self.pstn_routing, "_links": links,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(value: Value, strict: bool) -> Result<Wanted, Refusal> {
        Wanted::read(value.as_object().unwrap(), strict)
    }

    #[test]
    fn dnd_is_a_toggle_unless_it_sets() {
        let on = || wanted(json!({ "action": "dnd", "enabled": true, "userAvailability": "dnd" }), true).unwrap();
        let (toggled, set) = (Desks::default(), Desks::default());
        let twice = |desks: &Desks, sets| [(); 2].map(|()| desks.change("3001", on(), sets).unwrap().dnd);
        assert_eq!((twice(&toggled, false), twice(&set, true)), ([true, false], [true, true]));
        assert!(!toggled.of("3002").dnd);
    }

    #[test]
    fn half_a_change_is_enough_unless_it_is_strict() {
        for half in [json!({ "action": "dnd" }), json!({ "userAvailability": "away" })] {
            assert!(wanted(half.clone(), false).is_ok() && wanted(half, true).is_err());
        }
        assert!(wanted(json!({}), false).is_err() && wanted(json!({ "action": "sleep" }), false).is_err());
    }
}
