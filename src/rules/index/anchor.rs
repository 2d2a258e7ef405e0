//! The requirement by which a rule is found: of all that a rule requires the one that the fewest rules share.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::language::Pattern;
use crate::rules::matcher::{Condition, Group, Test, Word};
use crate::rules::rule::Rule;

use super::literals::{self, Literals};
use super::values::Plain;

/// What a requirement is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Of<'r> {
    Topic,
    Method,
    Subject,
    /// A field, by the keys of its path.
    Field(&'r [Arc<str>]),
}

/// What is required.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Needs<'r> {
    /// The text itself.
    Text(&'r str),
    /// A number or a truth value.
    Plain(Plain),
    /// Text that begins so.
    Start(Cow<'r, [u8]>),
    /// Text that ends so.
    End(Cow<'r, [u8]>),
    /// Text, or a list of texts, that holds this.
    Part(Cow<'r, [u8]>),
    /// Text that a regex of this pattern matches.
    Regex(&'r str),
}

/// One of the requirements of which a rule needs at least one to be met.
#[derive(Clone, Debug)]
pub(super) struct Anchor<'r> {
    pub(super) of: Of<'r>,
    pub(super) needs: Needs<'r>,
}

/// Requirements of which one must be met, and about how many rules would be asked for an event that meets one.
struct Choice<'r> {
    anchors: Vec<Anchor<'r>>,
    cost: u64,
}

/// A part of a text is looked for in all of it, and a set of regexes is run over it: worth it when nothing else is required.
const PART: u64 = 1 << 20;
const REGEX: u64 = 1 << 30;
/// How many rules require the same.
pub(super) struct Commonness<'r>(HashMap<(Of<'r>, Needs<'r>), u64>);

impl<'r> Commonness<'r> {
    pub(super) fn of(rules: impl Iterator<Item = &'r Rule>) -> Self {
        let mut counted = Self(HashMap::new());
        for rule in rules {
            for (of, needs) in envelope(rule) {
                counted.count(of, needs);
            }
            counted.group(&rule.conditions);
        }
        counted
    }

    fn group(&mut self, group: &'r Group) {
        for condition in &group.0 {
            match condition {
                Condition::Field(field) => {
                    for word in &field.test.0 {
                        let needs = exact(word).unwrap_or_default();
                        for needs in needs {
                            self.count(Of::Field(&field.keys), needs);
                        }
                    }
                }
                Condition::Any(groups) | Condition::All(groups) => groups.iter().for_each(|group| self.group(group)),
                Condition::Not(_) => {}
            }
        }
    }

    fn count(&mut self, of: Of<'r>, needs: Needs<'r>) {
        *self.0.entry((of, needs)).or_default() += 1;
    }

    /// Of requirements of which one must be met.
    fn choice(&self, anchors: Vec<Anchor<'r>>) -> Choice<'r> {
        let cost = anchors.iter().map(|anchor| {
            let shared = self.0.get(&(anchor.of, anchor.needs.clone())).copied().unwrap_or(1);
            match anchor.needs {
                Needs::Text(_) | Needs::Plain(_) => shared,
                Needs::Start(_) | Needs::End(_) => 4 + 2 * shared,
                Needs::Part(_) => PART + shared,
                Needs::Regex(_) => REGEX,
            }
        });
        let cost = cost.fold(0, u64::saturating_add);
        Choice { anchors, cost }
    }
}

/// The requirements of which at least one is met by every event that the rule matches; `None` when there are none to look for.
pub(super) fn of<'r>(rule: &'r Rule, common: &Commonness<'r>) -> Option<Vec<Anchor<'r>>> {
    let mut best = group(&rule.conditions, common);
    let needs = envelope(rule);
    for of in [Of::Topic, Of::Method] {
        let anchors: Vec<Anchor<'r>> = needs
            .iter()
            .filter(|(other, _)| *other == of)
            .map(|(of, needs)| Anchor { of: *of, needs: needs.clone() })
            .collect();
        if !anchors.is_empty() {
            best = better(best, Some(common.choice(anchors)));
        }
    }
    if let Some(regex) = rule.trigger.envelope.as_ref().and_then(|envelope| envelope.subject.as_ref()) {
        best = better(best, Some(choice(Of::Subject, needs_of_regexes(std::slice::from_ref(regex)), common)));
    }
    best.map(|choice| choice.anchors)
}

/// The topics and methods of which one is required.
fn envelope(rule: &Rule) -> Vec<(Of<'_>, Needs<'_>)> {
    let Some(envelope) = &rule.trigger.envelope else { return Vec::new() };
    let topics = envelope.topic.iter().flatten().map(|topic| (Of::Topic, Needs::Text(topic)));
    let methods = envelope.method.iter().flatten().map(|method| (Of::Method, Needs::Text(method)));
    topics.chain(methods).collect()
}

fn choice<'r>(of: Of<'r>, needs: Vec<Needs<'r>>, common: &Commonness<'r>) -> Choice<'r> {
    common.choice(needs.into_iter().map(|needs| Anchor { of, needs }).collect())
}

fn better<'r>(one: Option<Choice<'r>>, other: Option<Choice<'r>>) -> Option<Choice<'r>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if other.cost < one.cost { other } else { one }),
        (one, other) => one.or(other),
    }
}

/// All conditions hold: the best of them is taken.
fn group<'r>(group: &'r Group, common: &Commonness<'r>) -> Option<Choice<'r>> {
    group.0.iter().map(|one| condition(one, common)).fold(None, better)
}

fn condition<'r>(condition: &'r Condition, common: &Commonness<'r>) -> Option<Choice<'r>> {
    match condition {
        Condition::Field(field) => test(&field.test, Of::Field(&field.keys), common),
        Condition::All(groups) => groups.iter().map(|one| group(one, common)).fold(None, better),
        // One group holds, whichever: all of them must have something to look for.
        Condition::Any(groups) => {
            let mut all = Choice { anchors: Vec::new(), cost: 0 };
            for one in groups {
                let choice = group(one, common)?;
                all.anchors.extend(choice.anchors);
                all.cost = all.cost.saturating_add(choice.cost);
            }
            Some(all)
        }
        Condition::Not(_) => None,
    }
}

fn test<'r>(test: &'r Test, of: Of<'r>, common: &Commonness<'r>) -> Option<Choice<'r>> {
    let words = test.0.iter().map(|word| {
        let needs = exact(word).or_else(|| match word {
            Word::Regex(regexes) => Some(needs_of_regexes(regexes)),
            _ => None,
        });
        needs.map(|needs| choice(of, needs, common))
    });
    words.fold(None, better)
}

/// What a word requires, when it can be said without a regex.
fn exact(word: &Word) -> Option<Vec<Needs<'_>>> {
    match word {
        Word::Equals(values) => values.iter().map(value).collect(),
        Word::Prefix(parts) => texts(parts, 1, Needs::Start),
        Word::Suffix(parts) => texts(parts, 1, Needs::End),
        Word::Contains(parts) => texts(parts, literals::SHORTEST_PART, Needs::Part),
        _ => None,
    }
}

fn value(value: &Value) -> Option<Needs<'_>> {
    match value {
        Value::String(text) => Some(Needs::Text(text)),
        other => Plain::of(other).map(Needs::Plain),
    }
}

/// Text that is too short to sort anything out requires nothing.
fn texts<'r>(parts: &'r [String], least: usize, needs: fn(Cow<'r, [u8]>) -> Needs<'r>) -> Option<Vec<Needs<'r>>> {
    let long = parts.iter().all(|part| part.len() >= least);
    long.then(|| parts.iter().map(|part| needs(Cow::Borrowed(part.as_bytes()))).collect())
}

/// One of the regexes must match.
fn needs_of_regexes(regexes: &[Pattern]) -> Vec<Needs<'_>> {
    let mut needs = Vec::new();
    for regex in regexes {
        match literals::of(regex.as_str()) {
            Some(Literals::Start(texts)) => needs.extend(texts.into_iter().map(|text| Needs::Start(Cow::Owned(text)))),
            Some(Literals::End(texts)) => needs.extend(texts.into_iter().map(|text| Needs::End(Cow::Owned(text)))),
            Some(Literals::Part(texts)) => needs.extend(texts.into_iter().map(|text| Needs::Part(Cow::Owned(text)))),
            None => needs.push(Needs::Regex(regex.as_str())),
        }
    }
    needs
}
