//! One compiled rule: what it is for, what it asks, what it does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::event::Kind;
use crate::language::Condition;

use super::far::Asks;
use super::limit::RuleLimit;
use super::matcher::Group;
use super::opening::Opening;
use super::step::Step;
use super::trigger::Trigger;

/// One compiled rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The name, unique in the account.
    pub name: Arc<str>,
    /// The first 16 hex digits of SHA-256 over the rule's own text.
    pub hash: String,
    /// The file it stands in.
    pub file: Arc<str>,
    /// The line its name stands in.
    pub line: usize,
    /// How old an event may be to be acted on.
    pub deadline: Duration,
    /// What it does, in order.
    pub steps: Vec<Step>,
    /// Plan and record, never act.
    pub dry_run: bool,
    /// A rule that is not enabled never matches.
    pub enabled: bool,
    /// Of the rules of one route only the first that matches acts.
    pub route: Option<Arc<str>>,
    /// How often it may act.
    pub limit: Option<RuleLimit>,
    /// How long what it is for must have lasted when it acts.
    pub wait: Option<Duration>,
    /// What it reads, anywhere, that publications do not carry.
    pub(super) asks: Asks,
    pub(super) trigger: Trigger,
    pub(super) conditions: Group,
    pub(super) when: Option<When>,
    pub(super) gates: Gates,
}

/// `when`, compiled and as written.
#[derive(Clone, Debug)]
pub(super) struct When {
    pub(super) condition: Condition,
    pub(super) shown: Arc<str>,
}

/// `while_open` and `while_closed`.
#[derive(Clone, Debug, Default)]
pub(super) struct Gates {
    /// At least one of them must be open.
    pub(super) open: Vec<(Arc<str>, Arc<Opening>)>,
    /// All of them must be closed.
    pub(super) closed: Vec<(Arc<str>, Arc<Opening>)>,
}

impl Rule {
    /// Whether it is for events of that kind.
    pub fn is_for(&self, kind: Kind) -> bool {
        self.trigger.kinds.contains(&kind)
    }

    /// The hours that its gates and its `when` name.
    pub fn hours(&self) -> BTreeSet<&str> {
        let gates = self.gates.open.iter().chain(&self.gates.closed).map(|(name, _)| &**name);
        let names = self.when.iter().flat_map(|when| when.condition.names());
        gates.chain(names.filter_map(|name| name.path.strip_prefix("hours.")?.split('.').next())).collect()
    }

    /// One of its steps takes hold of a call; of such rules one acts for an event.
    pub fn controls_call(&self) -> bool {
        self.steps.iter().any(Step::controls_call)
    }

    /// One of its steps is for a call that is going on.
    pub fn is_urgent(&self) -> bool {
        self.steps.iter().any(|step| step.spec().urgent)
    }

    /// The actions of its steps that this version can't carry out, each once.
    pub fn not_carried_out(&self) -> Vec<&'static str> {
        let mut found: Vec<&str> = Vec::new();
        for spec in self.steps.iter().map(Step::spec).filter(|spec| !spec.carried_out) {
            if !found.contains(&spec.name) {
                found.push(spec.name);
            }
        }
        found
    }
}
