//! The hours that rules name, as they are at the time of an event: open or closed, by what, and until when.

use std::collections::BTreeSet;

use chrono::{DateTime, Timelike, Utc};
use serde_json::{Value, json};

use crate::event::Event;
use crate::rules::{Opening, RuleSet};

/// All hours that enabled rules name, in the order of their names.
pub(super) fn tell(rules: &RuleSet, event: &Event) -> Vec<Value> {
    let enabled = || rules.rules().iter().filter(|rule| rule.enabled);
    let named: BTreeSet<&str> = enabled().flat_map(|rule| rule.hours()).collect();
    let asked: BTreeSet<&str> =
        enabled().filter(|rule| rule.is_for(event.kind)).flat_map(|rule| rule.hours()).collect();
    let hours = rules.hours().filter(|(name, _)| named.contains(name));
    hours.map(|(name, hours)| one(name, hours, event, asked.contains(name))).collect()
}

fn one(name: &str, hours: &Opening, event: &Event, asked: bool) -> Value {
    let (at, zone) = (event.time, hours.schedule().timezone());
    let value = hours.overridden_by().and_then(|var| event.field(["vars", var]));
    let decided = hours.decided(value);
    let (by, what) = match (decided, holiday(hours, at)) {
        (Some(_), _) => {
            let value = value.and_then(Value::as_str).unwrap_or_default();
            ("var", format!("vars.{} = {value}", hours.overridden_by().unwrap_or_default()))
        }
        (None, Some(holiday)) => ("holiday", holiday),
        (None, None) => ("schedule", hours.schedule().parts_for(at.with_timezone(&zone).date_naive()).join("; ")),
    };
    // Nobody knows when a var will be another.
    let until = if decided.is_some() { None } else { hours.next_change(at, None).map(|at| at.to_rfc3339()) };
    json!({
        "hours": name, "open": hours.is_open(at, decided), "by": by, "what": what, "until": until, "timezone": zone.name(),
        "schedule_open": hours.schedule().is_open(at), "asked": asked,
    })
}

/// The holiday that it is at that moment, if holidays matter.
fn holiday(hours: &Opening, at: DateTime<Utc>) -> Option<String> {
    let schedule = hours.schedule();
    let local = at.with_timezone(&schedule.timezone());
    let holiday = schedule.names_public_holidays().then(|| schedule.holiday(local.date_naive()))??;
    let minute = local.hour() * 60 + local.minute();
    let now = holiday.times.iter().any(|(from, to)| (u32::from(*from)..u32::from(*to)).contains(&minute));
    now.then(|| holiday.names.join(", "))
}
