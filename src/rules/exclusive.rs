//! Whether two rules can both match one event. When it can't be told, they can.

use std::sync::Arc;

use super::matcher::{Condition, Field, Test, Word};
use super::rule::{Gates, Rule};

/// No event matches both, as far as can be told.
pub(super) fn exclusive(a: &Rule, b: &Rule) -> bool {
    let kinds = a.trigger.kinds.iter().any(|kind| b.trigger.kinds.contains(kind));
    !kinds || never_together(a, b) || fields(a, b)
}

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

fn required(rule: &Rule) -> impl Iterator<Item = &Field> {
    rule.conditions.0.iter().filter_map(|condition| match condition {
        Condition::Field(field) => Some(field),
        _ => None,
    })
}

fn fields(a: &Rule, b: &Rule) -> bool {
    required(a).any(|one| required(b).any(|other| one.keys == other.keys && disjoint(&one.test, &other.test)))
}

fn disjoint(a: &Test, b: &Test) -> bool {
    no_value(a, b) || no_value(b, a) || prefixes(a, b)
}

/// No value that `a` requires stands `b`'s test.
fn no_value(a: &Test, b: &Test) -> bool {
    if let Some(values) = a.required() {
        return values.iter().all(|value| !a.holds(Some(value), None) || !b.holds(Some(value), None));
    }
    a.0.iter().any(|word| matches!(word, Word::Exists(false))) && !b.holds(None, None)
}

/// No text begins as both want.
fn prefixes(a: &Test, b: &Test) -> bool {
    fn of(test: &Test) -> Option<&[String]> {
        test.0.iter().find_map(|word| match word {
            Word::Prefix(parts) => Some(parts.as_slice()),
            _ => None,
        })
    }
    let (Some(a), Some(b)) = (of(a), of(b)) else { return false };
    !a.iter().any(|a| b.iter().any(|b| a.starts_with(&**b) || b.starts_with(&**a)))
}
