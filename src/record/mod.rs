//! What a decision and an outcome look like in the journal: JSON text, written and read here and nowhere else.
//!
//! A reader of these records must cope with those of older versions: fields are only added, and every field that was not
//! there from the beginning has a default.

mod each;
mod history;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::rules::request::Request;

pub use each::Each;
pub use history::{Past, past};

/// What was decided about a publication (fate `planned`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What happened.
    pub kind: String,
    /// When it happened, RFC 3339.
    pub time: String,
    /// The hash of the rule set that decided.
    pub rules: String,
    /// Each rule that listens to this kind, with what came of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Value>,
    /// The status that a presence had before: what the event can't tell again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// What was known of the whole call: what the event can't tell again.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub call: Map<String, Value>,
    /// What was told of people and conversations, by view: what the event can't tell again.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub told: Map<String, Value>,
    /// The vars that held: what the event can't tell again.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub vars: Map<String, Value>,
    /// Whether it shows what a step of ours did.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
    /// The rules that were over their limit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub barred: Vec<String>,
    /// The rules whose `for` was over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub begun: Vec<String>,
    /// Whether what controls the call, or answers, was left out so that a loop ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_alone: bool,
    /// Why nothing was matched at all, or why something was left alone, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What became of one attempt at a step (fates `attempt`, `step`, `retry` and those that end a run).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Attempted {
    /// Which step of the rule, counted from 0.
    #[serde(default)]
    pub step: usize,
    /// The name of the action.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// What was asked for, whole: a repeat uses this and renders nothing anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// The attempt, counted from 1.
    #[serde(default)]
    pub attempt: u32,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub took_ms: u64,
    /// What went wrong, in a word: `timeout`, `refused`, `status`, `late`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What went wrong, or why nothing was done, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whether the attempt may have taken effect.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
    /// The name under which the steps that follow see the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    /// What the step returned.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub result: Value,
    /// The hash of the rule's own text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rule: String,
    /// What the rule's matchers bound.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub bindings: Map<String, Value>,
    /// Of a step with `each` the item, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<usize>,
    /// How far a step with `each` had come before, with its items: once, in the first lines that tell of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
}

/// A run in few bytes, for the shelf.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The event's kind, which depends on what was remembered when it was planned.
    pub kind: String,
    /// The status that a presence had before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// What the rule's matchers bound.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub bindings: Map<String, Value>,
    /// The current step.
    #[serde(default)]
    pub step: usize,
    /// The current step's request, once it is rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// What earlier steps returned, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub results: Map<String, Value>,
    /// Of a step with `each` how far it has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
}

/// Runs by rule.
pub type Pasts = BTreeMap<String, Past>;

/// A record as JSON text.
pub fn write(record: &impl Serialize) -> String {
    // These types hold text, numbers and JSON only, which always can be written.
    serde_json::to_string(record).unwrap_or_else(|_| "{}".to_owned())
}

/// A record from JSON text; what can't be read has its defaults.
pub fn read<T: for<'a> Deserialize<'a> + Default>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_default()
}
