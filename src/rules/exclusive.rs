//! Whether two rules can both match one event. When it can't be told, they can.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::tables::{Match, Table};

use super::fields::{self, Sort};
use super::implies::{self, Budget};
use super::matcher::{Condition, Field, Group, Test, Word};
use super::never;
use super::rule::{Gates, Rule};
use super::trigger::Envelope;

/// One acts while hours are open, the other while they are closed. What a call's fields are may change on its way, the
/// time hardly does.
pub(super) fn never_together(a: &Rule, b: &Rule) -> bool {
    gates(&a.gates, &b.gates) || gates(&b.gates, &a.gates)
}

/// `a` wants one of its hours open that `b` all wants closed.
fn gates(a: &Gates, b: &Gates) -> bool {
    let closed = |name: &Arc<str>| b.closed.iter().any(|(other, _)| other == name);
    !a.open.is_empty() && a.open.iter().all(|(name, _)| closed(name))
}

/// The most steps that a part of a question takes: what is dearer, as words against each row of a very large table, is not
/// known.
const QUESTION: usize = 200_000;

/// Asks of many pairs of rules, in a time that is bounded for all of them together.
pub(super) struct Pairs {
    budget: Budget,
    /// Pairs of tables of which it was asked, by where they lie.
    tables: HashMap<(usize, usize), bool>,
}

impl Pairs {
    /// With time for so many steps.
    pub(super) fn within(steps: usize) -> Self {
        Self { budget: Budget::of(steps, QUESTION), tables: HashMap::new() }
    }

    /// Whether there is time for so many steps more, which are taken.
    pub(super) fn takes(&mut self, steps: usize) -> bool {
        self.budget.takes(steps)
    }

    /// Whether no event matches both, as far as can be told; none if a part of the question was too dear.
    pub(super) fn exclusive(&mut self, a: &Rule, b: &Rule) -> Option<bool> {
        let exclusive = self.excludes(a, b);
        let unknown = self.budget.has_refused();
        (exclusive || !unknown).then_some(exclusive)
    }

    fn excludes(&mut self, a: &Rule, b: &Rule) -> bool {
        let kinds = a.trigger.kinds.iter().any(|kind| b.trigger.kinds.contains(kind));
        !kinds
            || never_together(a, b)
            || own(a, b)
            || own(b, a)
            || envelopes(a.trigger.envelope.as_ref(), b.trigger.envelope.as_ref())
            || self.groups(&a.conditions, &b.conditions)
    }

    /// No event stands both groups.
    pub(super) fn groups(&mut self, a: &Group, b: &Group) -> bool {
        if !self.takes(1) {
            return false;
        }
        let (of_a, of_b) = (parts(a), parts(b));
        for (one, other) in of_a.iter().flat_map(|one| of_b.iter().map(move |other| (*one, *other))) {
            if let (Condition::Field(one), Condition::Field(other)) = (one, other)
                && one.keys == other.keys
                && self.fields(one, other)
            {
                return true;
            }
        }
        self.branches(&of_a, b) || self.branches(&of_b, a) || self.excluded(&of_a, b) || self.excluded(&of_b, a)
    }

    /// Of an `any` each branch excludes the other group.
    fn branches(&mut self, a: &[&Condition], b: &Group) -> bool {
        a.iter().any(|condition| match condition {
            Condition::Any(groups) => groups.iter().all(|group| self.groups(group, b)),
            _ => false,
        })
    }

    /// A `not` is about what the other group requires.
    fn excluded(&mut self, a: &[&Condition], b: &Group) -> bool {
        a.iter().any(|condition| match condition {
            Condition::Not(group) => implies::group_within(b, group, &mut self.budget),
            _ => false,
        })
    }

    fn fields(&mut self, a: &Field, b: &Field) -> bool {
        let (one, other) = (&a.test, &b.test);
        let listed = one.required().is_some() || other.required().is_some();
        no_value(one, other)
            || no_value(other, one)
            || !listed && (self.others(a, b) || self.tables(one, other))
            || !listed && (self.no_row(one, other) || self.no_row(other, one))
    }

    /// Words that no value stands together: beginnings, ends, bounds, what one excludes and the other requires.
    fn others(&mut self, a: &Field, b: &Field) -> bool {
        if starts_apart(&a.test, &b.test) || ends_apart(&a.test, &b.test) {
            return true;
        }
        let words: Vec<&Word> = a.test.0.iter().chain(&b.test.0).collect();
        if !self.takes(words.iter().map(|word| implies::size(word)).sum()) {
            return false;
        }
        let both = Test(words.into_iter().cloned().collect());
        let sort = fields::known(&a.path, &[]).unwrap_or(Sort::Open);
        never::stands(&both, sort, None).is_some()
    }

    /// No value has a row in a table of each.
    fn tables(&mut self, a: &Test, b: &Test) -> bool {
        let (Some(a), Some(b)) = (a.tables(), b.tables()) else { return false };
        a.iter().all(|(_, one)| b.iter().all(|(_, other)| self.apart(one, other)))
    }

    fn apart(&mut self, a: &Arc<Table>, b: &Arc<Table>) -> bool {
        let at = |table: &Arc<Table>| Arc::as_ptr(table) as usize;
        let pair = (at(a).min(at(b)), at(a).max(at(b)));
        if let Some(known) = self.tables.get(&pair) {
            return *known;
        }
        let apart = self.takes(a.len() + b.len()) && a.is_apart_from(b);
        self.tables.insert(pair, apart);
        apart
    }

    /// Of tables whose keys are all the values they are for, no key stands both tests.
    fn no_row(&mut self, a: &Test, b: &Test) -> bool {
        let Some(tables) = a.tables() else { return false };
        let plain = tables.iter().all(|(_, table)| table.matching() == Match::Exact && !table.is_of_numbers());
        // What another table has is asked by its keys.
        let words = b.0.iter().filter(|word| !matches!(word, Word::Table(_)));
        let each = words.map(implies::size).sum::<usize>();
        let rows: usize = tables.iter().map(|(_, table)| table.len()).sum();
        plain
            && each > 0
            && self.takes(rows.saturating_mul(each))
            && tables.iter().flat_map(|(_, table)| table.rows()).all(|row| {
                let key = Value::from(row.key());
                !a.holds(Some(&key), None) || !b.holds(Some(&key), None)
            })
    }
}

/// One is for events that show what we did, which the other never meets.
fn own(a: &Rule, b: &Rule) -> bool {
    let own = a.conditions.required("event.own").filter(|values| !values.is_empty());
    own.is_some_and(|values| values.iter().all(|value| *value == Value::Bool(true))) && !b.conditions.wants_own()
}

fn envelopes(a: Option<&Envelope>, b: Option<&Envelope>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    let apart = |a: &Option<Vec<String>>, b: &Option<Vec<String>>| match (a, b) {
        (Some(a), Some(b)) => !a.iter().any(|text| b.contains(text)),
        _ => false,
    };
    apart(&a.topic, &b.topic) || apart(&a.method, &b.method)
}

/// The conditions that must hold, those of `all = […]` in its place.
fn parts(group: &Group) -> Vec<&Condition> {
    let (mut found, mut open) = (Vec::new(), vec![group]);
    while let Some(group) = open.pop() {
        for condition in &group.0 {
            match condition {
                Condition::All(groups) => open.extend(groups),
                other => found.push(other),
            }
        }
    }
    found
}

/// No value that `a` requires stands `b`'s test.
fn no_value(a: &Test, b: &Test) -> bool {
    if let Some(values) = a.required() {
        return values.iter().all(|value| !a.holds(Some(value), None) || !b.holds(Some(value), None));
    }
    a.0.iter().any(|word| matches!(word, Word::Exists(false))) && !b.holds(None, None)
}

/// No text begins as both want.
fn starts_apart(a: &Test, b: &Test) -> bool {
    fn of(test: &Test) -> Option<&[String]> {
        test.0.iter().find_map(|word| match word {
            Word::Prefix(parts) => Some(parts.as_slice()),
            _ => None,
        })
    }
    of(a).zip(of(b)).is_some_and(|(a, b)| !any_pair(a, b, |one, other| one.starts_with(other)))
}

/// No text ends as both want.
fn ends_apart(a: &Test, b: &Test) -> bool {
    fn of(test: &Test) -> Option<&[String]> {
        test.0.iter().find_map(|word| match word {
            Word::Suffix(parts) => Some(parts.as_slice()),
            _ => None,
        })
    }
    of(a).zip(of(b)).is_some_and(|(a, b)| !any_pair(a, b, |one, other| one.ends_with(other)))
}

/// One of these texts goes with one of those.
fn any_pair(a: &[String], b: &[String], goes: impl Fn(&str, &str) -> bool) -> bool {
    a.iter().any(|one| b.iter().any(|other| goes(one, other) || goes(other, one)))
}
