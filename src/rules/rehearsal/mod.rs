//! `[[test]]`: what happens, when, and what the rules should make of it. Read here, so that `check` finds its mistakes
//! too; it is played by the daemon's own engine, on a clock of its own.

mod event;
mod expect;
mod read;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::language::Source;

pub(super) use read::{Known, STEP_KEYS, TEST_KEYS, read};

/// The words that `error` of a stubbed answer may be: those that steps have in life.
pub const ERRORS: [&str; 11] = [
    "timeout",
    "refused",
    "status",
    "late",
    "connection",
    "missing",
    "moved",
    "sign_in",
    "answer",
    "unknown",
    "unsupported",
];

/// One `[[test]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// What it is called.
    pub name: Arc<str>,
    /// The file it stands in.
    pub file: Arc<str>,
    /// The line its name stands in.
    pub line: usize,
    /// What is there before anything happens.
    pub given: Given,
    /// What happens, in order.
    pub steps: Vec<TestStep>,
}

/// What is there before anything happens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given {
    /// What steps return, by the name after `as`.
    pub answers: BTreeMap<String, Value>,
    /// The values of vars.
    pub vars: Vec<GivenVar>,
}

/// The value of a var.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenVar {
    /// The var.
    pub name: String,
    /// Which of the vars of that name, where there is one for each value of a field.
    pub per: Option<String>,
    /// Its value.
    pub value: String,
}

/// One step of a test: the clock moves, timers that are due act, then the event comes.
#[derive(Clone, Debug, PartialEq)]
pub struct TestStep {
    /// The line it begins in.
    pub line: usize,
    /// When it is.
    pub at: DateTime<Utc>,
    /// What happens then.
    pub event: Option<Happening>,
    /// What should be done; unchecked without it.
    pub expect: Option<Vec<Expected>>,
}

/// What happens in a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// A typical event of a kind, but for what is written.
    Typical(Typical),
    /// A recorded publication.
    Recorded(Source),
}

/// A typical event of a kind, but for what is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Typical {
    /// The kind, as rules write it.
    pub kind: Arc<str>,
    /// What is written, by field. What has a view of its own (`conversation`, `user`) is a table.
    pub fields: Map<String, Value>,
}

/// One action that should be taken: of its arguments those that are written are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The action.
    pub action: Arc<str>,
    /// Its arguments.
    pub arguments: Map<String, Value>,
}

impl Typical {
    /// What stands before the dot of the kind.
    pub fn family(&self) -> &str {
        self.kind.split_once('.').map_or(&*self.kind, |(family, _)| family)
    }
}
