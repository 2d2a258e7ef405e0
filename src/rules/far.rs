//! What a publication does not carry and rules may ask for all the same: names of people and conversations, languages.
//!
//! For each rule it is known which of it the rule reads, anywhere. Before an event is decided about, whoever fetches asks
//! [`RuleSet::asks`] what the rules want that can still match: each is asked as if it did not have those conditions that
//! depend on what is not known yet. Where no rule reads such a field this is one look into an empty map.

use std::collections::BTreeMap;
use std::ops::{BitOr, BitOrAssign};
use std::sync::Arc;
use std::time::Duration;

use crate::event::{Event, Kind};

use super::index::Index;
use super::matcher::{Condition, Group};
use super::plan::Deciding;
use super::rule::Rule;
use super::vars::Vars;
use super::{RuleSet, context};

/// What of it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Asks(u8);

impl Asks {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// `message.name`, `message.email`.
    pub const SENDER: Self = Self(1);
    /// Name, e-mail address and extension of `user`.
    pub const USER: Self = Self(2);
    /// `call.user`, which is not always sent.
    pub const CALLED: Self = Self(4);
    /// `conversation.name`, `tag`, `stream`, and `message.language`.
    pub const CONVERSATION: Self = Self(8);
    /// `conversation.participants`.
    pub const PARTICIPANTS: Self = Self(16);

    /// Whether one of the others is asked for.
    pub fn any_of(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// Whether nothing is asked for.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// What a path reads of it. A view that is read as a whole is read in all of its fields.
    pub(super) fn of_path(path: &str) -> Self {
        let mut parts = path.split(['.', '[']);
        match (parts.next().unwrap_or_default(), parts.next()) {
            ("message", None) => Self::SENDER | Self::CONVERSATION,
            ("message", Some("name" | "email")) => Self::SENDER,
            ("message", Some("language")) | ("conversation", Some("name" | "tag" | "stream")) => Self::CONVERSATION,
            ("conversation", None) => Self::CONVERSATION | Self::PARTICIPANTS,
            ("conversation", Some("participants")) => Self::PARTICIPANTS,
            ("user", None | Some("name" | "email" | "extension")) => Self::USER,
            ("call", None | Some("user")) => Self::CALLED,
            _ => Self::NONE,
        }
    }

    /// The same for `vars.NAME`, which is found by the field that the var is kept for.
    pub(super) fn of(path: &str, vars: &Vars) -> Self {
        let Some(rest) = path.strip_prefix("vars") else { return Self::of_path(path) };
        let per = |name: &str| vars.get(name).and_then(|var| var.per.as_deref()).map_or(Self::NONE, Self::of_path);
        match rest.strip_prefix('.') {
            Some(name) => per(name.split(['.', '[']).next().unwrap_or_default()),
            None if rest.is_empty() => vars.keys().fold(Self::NONE, |asks, name| asks | per(name)),
            None => Self::NONE,
        }
    }

    /// What events of a kind can have of it.
    fn here(self, kind: Kind) -> Self {
        let mask = match kind.family() {
            "chat" => Self::SENDER | Self::CONVERSATION | Self::PARTICIPANTS,
            "user" => Self::USER,
            "call" => Self::CALLED,
            _ => Self::NONE,
        };
        Self(self.0 & mask.0)
    }
}

impl BitOr for Asks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Asks {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// What is wanted of it for one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What.
    pub asks: Asks,
    /// The shortest deadline of the rules that want it.
    pub within: Duration,
}

/// The rules that ask for it, without the conditions that depend on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Far {
    rules: Vec<Arc<Rule>>,
    index: Index,
    all: Asks,
    /// A var is kept for such a field.
    vars: bool,
    /// How long fetching may take for an event of a kind: so that the rule with the shortest deadline still has half of it.
    within: BTreeMap<Kind, Duration>,
}

impl Far {
    pub(super) fn of(rules: &[Arc<Rule>], vars: &Vars) -> Self {
        let asking = rules.iter().filter(|rule| rule.enabled && !rule.asks.is_none());
        let weak: Vec<Arc<Rule>> = asking.map(|rule| Arc::new(without(rule, vars))).collect();
        let all = weak.iter().fold(Asks::NONE, |all, rule| all | rule.asks);
        let vars = vars.values().filter_map(|var| var.per.as_deref()).any(|per| !Asks::of_path(per).is_none());
        let mut within = BTreeMap::new();
        for rule in rules.iter().filter(|rule| rule.enabled && !all.is_none()) {
            for kind in &rule.trigger.kinds {
                let shortest = within.entry(*kind).or_insert(Duration::MAX);
                *shortest = rule.deadline.div_f64(2.0).min(*shortest);
            }
        }
        Self { index: Index::of(&weak, 0), rules: weak, all, vars, within }
    }
}

impl RuleSet {
    /// What the rules that can still match want of what this event does not carry. What the event has already is asked for
    /// too; vars that hold for it must be known.
    pub fn asks(&self, event: &Event) -> Wanted {
        let far = &self.far;
        let all = far.all.here(event.kind);
        if all.is_none() || !far.index.listens(event.kind) {
            return Wanted::default();
        }
        let (deciding, mut asks) = (Deciding::new(self, event), Asks::NONE);
        for place in far.index.candidates(&far.rules, event) {
            let Some(rule) = far.rules.get(place as usize) else { continue };
            let more = rule.asks.here(event.kind);
            if (asks | more) != asks && deciding.ask(rule).is_ok() {
                asks |= more;
            }
            if asks == all {
                break;
            }
        }
        Wanted { asks, within: far.within.get(&event.kind).copied().unwrap_or(Duration::MAX) }
    }

    /// Whether a var is kept for a field that has to be asked for: then vars are to be looked up again when it is there.
    pub fn has_far_vars(&self) -> bool {
        self.far.vars
    }

    /// What any rule asks for.
    pub fn all_asks(&self) -> Asks {
        self.far.all
    }
}

/// The rule as if what depends on such fields did not stand in it.
fn without(rule: &Rule, vars: &Vars) -> Rule {
    let mut weak = Rule { steps: Vec::new(), limit: None, ..rule.clone() };
    let depends = group(&mut weak.conditions, vars);
    // What a matcher would have bound is missing now.
    let reads = |path: &str| !Asks::of(path, vars).is_none();
    if weak.when.as_ref().is_some_and(|when| depends || when.condition.names().iter().any(|name| reads(&name.path))) {
        weak.when = None;
    }
    let is_far = |opening: &super::Opening| opening.overridden_by().is_some_and(|var| reads(&format!("vars.{var}")));
    if weak.gates.open.iter().chain(&weak.gates.closed).any(|(_, opening)| is_far(opening)) {
        weak.gates = super::rule::Gates::default();
    }
    weak
}

/// Takes out of a group what depends on such fields. Whether something did.
fn group(of: &mut Group, vars: &Vars) -> bool {
    let mut depends = false;
    of.0.retain_mut(|condition| {
        let keep = match condition {
            Condition::Field(field) => Asks::of(&field.path, vars).is_none(),
            Condition::All(groups) => {
                for one in groups.iter_mut() {
                    depends |= group(one, vars);
                }
                true
            }
            // A group that asks nothing any more may hold, whatever the others do.
            Condition::Any(groups) => {
                let mut may_hold = false;
                for one in groups.iter_mut() {
                    let gone = group(one, vars);
                    depends |= gone;
                    may_hold |= gone && one.0.is_empty();
                }
                !may_hold
            }
            Condition::Not(inner) => !group(&mut inner.clone(), vars),
        };
        depends |= !keep;
        keep
    });
    depends
}

impl context::Context<'_> {
    /// Notes that the rule which is being read reads a path.
    pub(super) fn reads(&mut self, path: &str) {
        self.asks |= Asks::of(path, self.vars);
    }
}

/// What conditions read.
pub(super) fn of_conditions(conditions: &Group, vars: &Vars) -> Asks {
    conditions.0.iter().fold(Asks::NONE, |asks, condition| {
        asks | match condition {
            Condition::Field(field) => Asks::of(&field.path, vars),
            Condition::Any(groups) | Condition::All(groups) => {
                groups.iter().fold(Asks::NONE, |asks, group| asks | of_conditions(group, vars))
            }
            Condition::Not(group) => of_conditions(group, vars),
        }
    })
}
