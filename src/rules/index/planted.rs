//! Mistakes in the choice of what a rule is found by, planted one at a time: the twin must notice each.

use std::borrow::Cow;
use std::sync::Arc;

use crate::rules::rule::Rule;

use super::Index;
use super::anchor::{self, Anchor, Needs};

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules) enum Bug {
    /// Of several values, or of the branches of `any`, the first one is enough.
    FirstOfSeveral,
    /// What may stand anywhere is looked for at the beginning.
    PartAtStart,
    /// Ends are compared from their first letter on.
    EndForwards,
    /// Rules that require nothing that can be looked for are not asked.
    RestNotAsked,
    /// Numbers and truth values are not looked for.
    NoNumbers,
}

impl Bug {
    pub(in crate::rules) const ALL: [Self; 5] =
        [Self::FirstOfSeveral, Self::PartAtStart, Self::EndForwards, Self::RestNotAsked, Self::NoNumbers];

    fn in_one(self, anchor: Anchor<'_>) -> Option<Anchor<'_>> {
        let Anchor { of, needs } = anchor;
        let needs = match (self, needs) {
            (Self::PartAtStart, Needs::Part(bytes)) => Needs::Start(bytes),
            (Self::EndForwards, Needs::End(bytes)) => Needs::End(Cow::Owned(bytes.iter().rev().copied().collect())),
            (Self::NoNumbers, Needs::Plain(_)) => return None,
            (_, needs) => needs,
        };
        Some(Anchor { of, needs })
    }

    fn in_all(self, anchors: Option<Vec<Anchor<'_>>>) -> Option<Vec<Anchor<'_>>> {
        let mut anchors: Vec<Anchor<'_>> = match (self, anchors) {
            (Self::RestNotAsked, None) => Vec::new(),
            (_, anchors) => anchors?.into_iter().filter_map(|anchor| self.in_one(anchor)).collect(),
        };
        if self == Self::FirstOfSeveral {
            anchors.truncate(1);
        }
        Some(anchors)
    }
}

impl Index {
    /// An index with a mistake in it.
    pub(in crate::rules) fn with(bug: Bug, rules: &[Arc<Rule>], keep: usize) -> Self {
        Self::by(rules, keep, |rule, commonness| bug.in_all(anchor::of(rule, commonness)))
    }
}
