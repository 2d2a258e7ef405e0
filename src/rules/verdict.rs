//! What became of each rule: why it matched or did not.

use std::sync::Arc;

use serde::Serialize;

/// What became of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The rule's name.
    pub rule: Arc<str>,
    /// What became of it.
    pub finding: Finding,
}

/// What became of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It acts.
    Matched,
    /// What it is for began; it acts when that has lasted as long as its `for`.
    Waits,
    /// A condition did not hold: the first that failed.
    Failed(Failure),
    /// It matched, but another one before it acts in its place.
    Superseded {
        /// The rule that acts.
        by: Arc<str>,
    },
}

/// A condition that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Which one: a field, or a key of the rule.
    pub path: Arc<str>,
    /// What the rule wants.
    pub wanted: Arc<str>,
    /// What the event has.
    pub got: Arc<str>,
}

impl Failure {
    /// For people. The parts of one that was recorded may be passed too.
    pub fn in_words(path: &str, wanted: &str, got: &str) -> String {
        match path {
            "limit" => format!("limit: {wanted}, {got}"),
            _ => format!("{path} wants {wanted}, has {got}"),
        }
    }

    pub(super) fn new(path: impl Into<Arc<str>>, wanted: impl Into<Arc<str>>, got: impl Into<Arc<str>>) -> Self {
        Self { path: path.into(), wanted: wanted.into(), got: got.into() }
    }
}
