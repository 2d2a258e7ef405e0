//! What a run's templates see: the event's views, what was captured, what steps returned, the hours and the time.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use crate::event::Event;
use crate::language::{Fields, Values};

use super::RuleSet;
use super::context::HoursByName;

/// What the templates of one run see. Built once for a run; what steps return is added as it comes.
#[derive(Clone, Debug)]
pub struct Scope {
    pub(super) values: Values,
    pub(super) now: DateTime<Utc>,
    pub(super) zone: Tz,
}

impl Scope {
    /// A scope for one run of a rule of `rules` on `event` at `now`. `results` is what the steps before returned, by
    /// the name after `as`: objects with `ok`, `error`, `status`, `body`.
    pub fn new(
        rules: &RuleSet,
        event: &Event,
        bindings: &Map<String, Value>,
        results: &Map<String, Value>,
        now: DateTime<Utc>,
    ) -> Self {
        let mut values = Values::default();
        if let Value::Object(fields) = &event.fields {
            for (name, value) in fields {
                values.set(name, value);
            }
        }
        Self::with(values, rules, event, bindings, results, now)
    }

    /// The same on a shared event: its fields are turned into values only when a template asks for them.
    pub fn shared(
        rules: &RuleSet,
        event: &Arc<Event>,
        bindings: &Map<String, Value>,
        results: &Map<String, Value>,
        now: DateTime<Utc>,
    ) -> Self {
        let mut values = Values::default();
        values.set_source(Arc::new(OfEvent(Arc::clone(event))));
        Self::with(values, rules, event, bindings, results, now)
    }

    fn with(
        mut values: Values,
        rules: &RuleSet,
        event: &Event,
        bindings: &Map<String, Value>,
        results: &Map<String, Value>,
        now: DateTime<Utc>,
    ) -> Self {
        for (name, value) in bindings.iter().chain(results) {
            values.set(name, value);
        }
        let zone = rules.zone;
        values.set("now", &Value::from(now.with_timezone(&zone).to_rfc3339()));
        let hours = rules.hours.clone();
        let decided: BTreeMap<Arc<str>, bool> = hours
            .iter()
            .filter_map(|(name, hours)| Some((name.clone(), hours.as_ref()?.decided_for(event)?)))
            .collect();
        values.set_lookup("hours", Arc::new(move |name, word| hours_value(&hours, &decided, name, word, now)));
        let tables = rules.tables.clone();
        values.set_lookup("tables", Arc::new(move |name, key| Some(tables.get(name)?.find(key)?.to_json())));
        Self { values, now, zone }
    }

    /// Adds what a step returned.
    pub fn add_result(&mut self, name: &str, value: &Value) {
        self.values.set(name, value);
    }

    /// The scope of one item of a step with `each`.
    pub fn of_item(&self, item: &Value) -> Self {
        let mut scope = self.clone();
        scope.values.set("item", item);
        scope
    }
}

struct OfEvent(Arc<Event>);

impl Fields for OfEvent {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.fields.get(name)
    }
}

fn hours_value(
    hours: &HoursByName,
    decided: &BTreeMap<Arc<str>, bool>,
    name: &str,
    word: &str,
    now: DateTime<Utc>,
) -> Option<Value> {
    let hours = hours.get(name)?.as_ref()?;
    let decided = decided.get(name).copied();
    match word {
        "open" => Some(Value::from(hours.is_open(now, decided))),
        "next_open" => hours.next_open(now).map(|at| Value::from(at.to_rfc3339())),
        "next_change" => hours.next_change(now, decided).map(|at| Value::from(at.to_rfc3339())),
        _ => None,
    }
}
