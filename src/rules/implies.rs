//! Whether one test is the stricter of two: whatever stands it stands the other as well. When it can't be told, it is not.

use std::sync::Arc;

use serde_json::Value;

use super::matcher::{Condition, Field, Group, Order, Test, Word};

/// The most steps that one question may take: lists are compared each with each.
const WORK: usize = 100_000;

/// What is left of the time for questions. With nothing left the answer is no.
pub(super) struct Budget {
    left: usize,
    /// The most steps that are taken at once: what is dearer is not asked, so that there is time for others.
    most: usize,
    refused: bool,
}

impl Budget {
    /// For so many steps, of which at most `most` at once.
    pub(super) fn of(steps: usize, most: usize) -> Self {
        Self { left: steps, most, refused: false }
    }

    /// Whether there is time for so many steps more, which are taken.
    pub(super) fn takes(&mut self, steps: usize) -> bool {
        if steps > self.most || steps > self.left {
            self.refused = true;
            return false;
        }
        self.left -= steps;
        true
    }

    /// Whether something was not asked since this was last asked, so that an answer is not known.
    pub(super) fn has_refused(&mut self) -> bool {
        std::mem::take(&mut self.refused)
    }

    /// Whether each of `all` is one that goes with one of `others`.
    fn each<A, B>(&mut self, all: &[A], others: &[B], goes: impl Fn(&A, &B) -> bool) -> bool {
        all.iter().all(|one| self.takes(others.len()) && others.iter().any(|other| goes(one, other)))
    }
}

/// Where all conditions of `strict` hold, all of `loose` hold.
pub(super) fn group(strict: &Group, loose: &Group) -> bool {
    group_within(strict, loose, &mut Budget::of(WORK, WORK))
}

/// The same, when many questions share the time.
pub(super) fn group_within(strict: &Group, loose: &Group, budget: &mut Budget) -> bool {
    all(&plain(strict), loose, budget)
}

/// What stands `strict` stands `loose`.
pub(super) fn test(strict: &Test, loose: &Test) -> bool {
    words(strict, loose, &mut Budget::of(WORK, WORK))
}

/// The field conditions that must hold, those of `all = […]` included.
fn plain(group: &Group) -> Vec<&Field> {
    let mut found = Vec::new();
    let mut open: Vec<&Group> = vec![group];
    while let Some(group) = open.pop() {
        for condition in &group.0 {
            match condition {
                Condition::Field(field) => found.push(field),
                Condition::All(groups) => open.extend(groups),
                Condition::Any(_) | Condition::Not(_) => {}
            }
        }
    }
    found
}

fn all(strict: &[&Field], loose: &Group, budget: &mut Budget) -> bool {
    loose.0.iter().all(|condition| match condition {
        Condition::Field(field) => {
            strict.iter().any(|other| other.keys == field.keys && words(&other.test, &field.test, budget))
        }
        Condition::All(groups) => groups.iter().all(|group| all(strict, group, budget)),
        Condition::Any(groups) => groups.iter().any(|group| all(strict, group, budget)),
        Condition::Not(_) => false,
    })
}

fn words(strict: &Test, loose: &Test, budget: &mut Budget) -> bool {
    loose.0.iter().all(|wanted| word(strict, wanted, budget))
}

fn word(strict: &Test, wanted: &Word, budget: &mut Budget) -> bool {
    if let Some(values) = strict.required().filter(|values| !values.is_empty()) {
        let (lone, others) = (Test(vec![wanted.clone()]), strict.0.len() > 1);
        let cost = size(wanted) + if others { strict.0.iter().map(size).sum() } else { 0 };
        return values.iter().all(|value| {
            budget.takes(cost) && (others && !strict.holds(Some(value), None) || lone.holds(Some(value), None))
        });
    }
    strict.0.iter().any(|have| stricter(have, wanted, budget))
}

/// The word alone lets nothing pass that the other would not.
fn stricter(have: &Word, wanted: &Word, budget: &mut Budget) -> bool {
    match (have, wanted) {
        (have, Word::Exists(true)) => asks_for_a_value(have),
        (Word::Exists(false), Word::Exists(false)) => true,
        (Word::Prefix(have), Word::Prefix(wanted)) => budget.each(have, wanted, |a, b| a.starts_with(&**b)),
        (Word::Suffix(have), Word::Suffix(wanted)) => budget.each(have, wanted, |a, b| a.ends_with(&**b)),
        (Word::Prefix(have) | Word::Suffix(have), Word::Contains(wanted)) => {
            budget.each(have, wanted, |a, b| a.contains(&**b))
        }
        // In a list a part is a whole item.
        (Word::Contains(have), Word::Contains(wanted)) => budget.each(have, wanted, |a, b| a == b),
        (Word::Regex(have), Word::Regex(wanted)) => budget.each(have, wanted, |a, b| a.as_str() == b.as_str()),
        (Word::Table(have), Word::Table(wanted)) => budget.each(have, wanted, |a, b| Arc::ptr_eq(&a.1, &b.1)),
        (Word::Compare(order, have), Word::Compare(other, wanted)) if order == other => {
            budget.each(have, wanted, |a, b| bound(*order, a, b))
        }
        (Word::NoneOf(have), Word::NoneOf(wanted)) => budget.each(wanted, have, |a, b| a == b),
        (Word::Not(have), Word::Not(wanted)) => words(wanted, have, budget),
        _ => false,
    }
}

/// The bound `a` lets less pass than `b`.
fn bound(order: Order, a: &Value, b: &Value) -> bool {
    let Some((a, b)) = a.as_f64().zip(b.as_f64()) else { return a == b };
    match order {
        Order::Greater | Order::AtLeast => a >= b,
        Order::Less | Order::AtMost => a <= b,
    }
}

/// What is missing does not stand it.
pub(super) fn asks_for_a_value(word: &Word) -> bool {
    match word {
        Word::Equals(_)
        | Word::Prefix(_)
        | Word::Suffix(_)
        | Word::Contains(_)
        | Word::Regex(_)
        | Word::Compare(..)
        | Word::Table(_)
        | Word::Exists(true) => true,
        Word::Exists(false) | Word::Not(_) | Word::NoneOf(_) => false,
    }
}

/// With how much a value is compared.
pub(super) fn size(word: &Word) -> usize {
    match word {
        Word::Equals(values) | Word::NoneOf(values) | Word::Compare(_, values) => values.len(),
        Word::Prefix(texts) | Word::Suffix(texts) | Word::Contains(texts) => texts.len(),
        Word::Regex(patterns) => patterns.len(),
        Word::Table(tables) => tables.len(),
        Word::Not(test) => test.0.iter().map(size).sum(),
        Word::Exists(_) => 1,
    }
}
