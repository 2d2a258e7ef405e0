//! Which rules an event could match: by kind, then by the value of one field that a rule requires.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::event::{Event, Kind};

use super::matcher::{Condition, Field};
use super::rule::Rule;

/// Places in the list of rules, by kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    kinds: BTreeMap<Kind, OfKind>,
}

#[derive(Clone, Debug, Default)]
struct OfKind {
    all: Vec<usize>,
    /// Rules that require a field to be one of some texts.
    keyed: BTreeMap<Vec<Arc<str>>, HashMap<String, Vec<usize>>>,
    rest: Vec<usize>,
}

impl Index {
    pub(super) fn of(rules: &[Arc<Rule>]) -> Self {
        let mut index = Self::default();
        for (place, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.enabled) {
            let key = key(rule);
            for kind in &rule.trigger.kinds {
                let of_kind = index.kinds.entry(*kind).or_default();
                of_kind.all.push(place);
                let Some((path, values)) = &key else {
                    of_kind.rest.push(place);
                    continue;
                };
                let by_value = of_kind.keyed.entry(path.to_vec()).or_default();
                for value in values {
                    let places = by_value.entry((*value).to_owned()).or_default();
                    if places.last() != Some(&place) {
                        places.push(place);
                    }
                }
            }
        }
        index
    }

    /// Whether a rule is for such events.
    pub(super) fn listens(&self, kind: Kind) -> bool {
        self.kinds.contains_key(&kind)
    }

    /// All rules for the event's kind, in file order.
    pub(super) fn of_kind(&self, event: &Event) -> &[usize] {
        self.kinds.get(&event.kind).map(|of_kind| of_kind.all.as_slice()).unwrap_or_default()
    }

    /// The rules that could match, in file order.
    pub(super) fn candidates(&self, event: &Event) -> Vec<usize> {
        let Some(of_kind) = self.kinds.get(&event.kind) else { return Vec::new() };
        let mut found = of_kind.rest.clone();
        for (path, by_value) in &of_kind.keyed {
            if let Some(Value::String(text)) = event.field(path.iter().map(|key| &**key)) {
                found.extend(by_value.get(text).into_iter().flatten());
            }
        }
        found.sort_unstable();
        found
    }
}

/// The field with the fewest values that a rule requires.
fn key(rule: &Rule) -> Option<(&[Arc<str>], Vec<&str>)> {
    let fields = rule.conditions.0.iter().filter_map(|condition| match condition {
        Condition::Field(field) => texts(field).map(|texts| (field.keys.as_slice(), texts)),
        _ => None,
    });
    fields.min_by_key(|(_, texts)| texts.len())
}

fn texts(field: &Field) -> Option<Vec<&str>> {
    field.test.required()?.iter().map(Value::as_str).collect()
}
