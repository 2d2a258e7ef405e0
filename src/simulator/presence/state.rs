//! What is known about principals: an override that they set themselves, and what sources say. The aggregate is the
//! override, if there is one, else the strongest of the sources, else what the phone does.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::simulator::answer::Refusal;

/// Principals that are remembered, and sources of each.
const MOST: (usize, usize) = (100_000, 100);
/// From the strongest to the weakest.
pub(super) const STATUSES: [&str; 6] = ["DoNotDisturb", "Busy", "Away", "Available", "Offline", "Unknown"];
/// The categories that every presentity has.
pub(super) const CATEGORIES: [&str; 5] = ["phones", "externalEngines", "acd", "calendar", "apps"];

/// What somebody says about somebody.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Presence {
    pub(super) status: String,
    pub(super) reason: Option<String>,
    pub(super) entered_on: String,
    pub(super) extended: Option<Value>,
}

impl Presence {
    /// Nothing but a status.
    pub(super) fn plain(status: &str, entered_on: &str) -> Self {
        Self { status: status.to_owned(), reason: None, entered_on: entered_on.to_owned(), extended: None }
    }
}

/// What is known about one principal.
#[derive(Clone, Default)]
pub(super) struct Presentity {
    pub(super) own: Option<Presence>,
    /// By category and source.
    pub(super) sources: BTreeMap<(String, String), Presence>,
}

impl Presentity {
    /// What others see, if anyone said anything.
    pub(super) fn aggregate(&self) -> Option<Presence> {
        let strength = |presence: &Presence| STATUSES.iter().position(|status| *status == presence.status);
        self.own.clone().or_else(|| self.sources.values().min_by_key(|presence| strength(presence)).cloned())
    }
}

/// What is known about the principals of an account.
#[derive(Default)]
pub(crate) struct Presences {
    by_principal: Mutex<HashMap<String, Presentity>>,
}

impl Presences {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Presentity>> {
        self.by_principal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known about one.
    pub(super) fn of(&self, principal: &str) -> Presentity {
        self.all().get(principal).cloned().unwrap_or_default()
    }

    /// Whether anything is known about one.
    pub(super) fn knows(&self, principal: &str) -> bool {
        self.all().contains_key(principal)
    }

    /// Changes what is known about one; answers what `change` does.
    pub(super) fn change<T>(
        &self,
        principal: &str,
        change: impl FnOnce(&mut Presentity) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut all = self.all();
        if all.len() >= MOST.0 && !all.contains_key(principal) {
            return Err(Refusal::bad("too many principals have a presence"));
        }
        let known = all.entry(principal.to_owned()).or_default();
        if known.sources.len() >= MOST.1 {
            return Err(Refusal::bad("the principal has too many sources"));
        }
        change(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_override_rules_and_the_strongest_source_decides_otherwise() {
        let mut known = Presentity::default();
        assert_eq!(known.aggregate(), None);
        for (source, status) in [("a", "Available"), ("b", "Busy"), ("c", "Offline")] {
            known.sources.insert(("apps".to_owned(), source.to_owned()), Presence::plain(status, ""));
        }
        assert_eq!(known.aggregate().unwrap().status, "Busy");
        known.own = Some(Presence::plain("Away", ""));
        assert_eq!(known.aggregate().unwrap().status, "Away");
    }
}
