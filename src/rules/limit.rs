//! `limit`: at most so many acts of a rule, as a whole or for each value of a field.

use std::sync::Arc;

use chrono_tz::Tz;

use crate::event::{Event, Kind};
use crate::language::document::{Entry, Item};
use crate::memory::limits::{Limit, Within};

use super::context::{Context, Names};
use super::plan::Barred;
use super::verdict::Failure;
use super::{RuleSet, words};

pub(super) const KEYS: &[&str] = &["per", "max", "within"];
const EXAMPLE: &str = "limit = { per = \"call.from\", max = 3, within = \"10m\" }";

/// A rule's limit.
#[derive(Clone, Debug)]
pub struct RuleLimit {
    /// How many, within what.
    pub limit: Limit,
    /// The field whose values are counted apart, in parts; empty: the rule as a whole.
    per: Vec<Arc<str>>,
    shown: Arc<str>,
}

impl RuleLimit {
    /// The value that the event is counted under. An event without the field is counted under an empty one.
    pub fn per(&self, event: &Event) -> Option<String> {
        if self.per.is_empty() {
            return None;
        }
        let value = event.field(self.per.iter().map(|part| &**part));
        Some(value.map_or_else(String::new, |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    }

    /// As people read it.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// That the limit is reached where the event is counted.
    fn reached(&self, event: &Event) -> String {
        if self.per.is_empty() {
            return "reached".to_owned();
        }
        match event.field(self.per.iter().map(|part| &**part)) {
            None => format!("reached for events without {}", self.per.join(".")),
            value => format!("reached for {}", words::value(value)),
        }
    }

    /// Why the rule does not match an event that is over it.
    pub fn failure(&self, event: &Event) -> Failure {
        Failure::new("limit", Arc::clone(&self.shown), self.reached(event))
    }
}

impl RuleSet {
    /// The rules of these names, which were over their limit when it was asked for the event: they are so still, whatever the
    /// rules say now.
    pub fn over_limit(&self, event: &Event, names: &[String]) -> Barred {
        let of = |name: &String| {
            let limit = self.rule(name).and_then(|rule| rule.limit.as_ref());
            let then = || Failure::new("limit", "what it was when this was decided", "reached");
            (Arc::from(name.as_str()), limit.map_or_else(then, |limit| limit.failure(event)))
        };
        names.iter().map(of).collect()
    }
}

/// Reads `limit`. `zone` is where a `day` begins and ends.
pub(super) fn read(context: &mut Context<'_>, entry: &Entry<'_>, names: &Names, zone: Tz) -> Option<RuleLimit> {
    let table = context.table(&entry.node, "limit", EXAMPLE)?;
    let (mut max, mut within, mut per) = (None, None, None);
    for argument in &table.entries {
        let node = &argument.node;
        match &*argument.key {
            "max" => max = number(context, argument),
            "within" => within = read_within(context, argument, zone),
            "per" => {
                let Some(path) = context.text(node, "per") else { continue };
                per = Some(path.to_owned());
                let path = &*path.to_owned();
                context.reads(path);
                if let Err(trouble) = context.field(path, &names.kinds) {
                    context.error(trouble.code, &node.span, trouble.message, trouble.help);
                } else if !path.contains('.') {
                    let help = Some(format!("name one of its fields: `{path}.…`"));
                    context.error("unknown-field", &node.span, format!("`{path}` is a view, not a field"), help);
                } else if counts_one(path, &names.kinds) {
                    let message = format!("each event has its own `{path}`: nothing is ever counted twice");
                    let help = "count for each caller, phone or conversation, such as `per = \"call.from\"`";
                    context.warning("limit-without-effect", &node.span, message, help);
                }
            }
            _ => context.unknown_key(argument, "`limit`", KEYS, &[]),
        }
    }
    for key in ["max", "within"] {
        if table.get(key).is_none() {
            super::steps::missing(context, entry, key, EXAMPLE);
        }
    }
    let (max, (within, within_shown)) = (max?, within?);
    let of = per.as_ref().map(|per| format!(" for each {per}")).unwrap_or_default();
    Some(RuleLimit {
        limit: Limit { max, within },
        per: per.iter().flat_map(|per| per.split('.')).map(Arc::from).collect(),
        shown: format!("at most {max} within {within_shown}{of}").into(),
    })
}

/// No two events have the same there.
fn counts_one(path: &str, kinds: &[Kind]) -> bool {
    match path {
        "event.id" | "event.time" => true,
        "message.id" => !kinds.is_empty() && kinds.iter().all(|kind| *kind == Kind::ChatMessage),
        "call.id" | "call.link" => matches!(kinds, [Kind::CallRinging | Kind::CallEnded | Kind::CallFinished]),
        _ => false,
    }
}

fn number(context: &mut Context<'_>, entry: &Entry<'_>) -> Option<u32> {
    let found = match &entry.node.value {
        Item::Integer(number) => u32::try_from(*number).ok().filter(|number| *number > 0),
        _ => None,
    };
    if found.is_none() {
        let help = Some("a rule that must never act is `enabled = false`".to_owned());
        let message = format!("`max` is a whole number from 1 to {}, not {}", u32::MAX, entry.node.sort());
        context.error("wrong-type", &entry.node.span, message, help);
    }
    found
}

fn read_within(context: &mut Context<'_>, entry: &Entry<'_>, zone: Tz) -> Option<(Within, String)> {
    let text = context.text(&entry.node, "within")?.to_owned();
    if text == "day" {
        return Some((Within::Day(zone), "a day".to_owned()));
    }
    let span = context.duration(&entry.node, "within")?;
    let millis = i64::try_from(span.as_millis()).ok()?;
    Some((Within::Sliding(millis), text))
}
