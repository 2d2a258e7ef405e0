//! Which rules an event could match: by kind, then by what a rule requires of one field.
//!
//! Of each rule one requirement is chosen that few other rules share (`anchor`): values that a field must equal, how its text must
//! begin or end, what it must hold, a regex. Rules that require nothing of that sort are the rest, and are always asked. What
//! is found are candidates: each that matches is among them, and each is asked in full afterwards.

mod anchor;
mod literals;
mod parts;
#[cfg(test)]
pub(super) mod planted;
mod starts;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::event::{Event, Kind};

use super::rule::Rule;
use anchor::{Anchor, Commonness, Of};
use values::{Draft, Values};

/// A rule's place in the list of rules.
type Place = u32;

/// Places in the list of rules, by kind and by what an event must have.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// Rules that are for one kind.
    kinds: BTreeMap<Kind, Anchors>,
    /// Rules that are for several kinds, or for every publication of an envelope.
    several: Anchors,
    /// The first rules of each kind.
    first: BTreeMap<Kind, Vec<Place>>,
}

impl Index {
    /// `keep` is how many of the first rules of a kind are wanted, [`Index::first`].
    pub(super) fn of(rules: &[Arc<Rule>], keep: usize) -> Self {
        Self::by(rules, keep, anchor::of)
    }

    /// `choose` says by which requirements a rule is found.
    fn by<'r>(
        rules: &'r [Arc<Rule>],
        keep: usize,
        choose: impl Fn(&'r Rule, &Commonness<'r>) -> Option<Vec<Anchor<'r>>>,
    ) -> Self {
        let mut index = Self::default();
        let (mut kinds, mut several): (BTreeMap<Kind, Building<'_>>, Building<'_>) = Default::default();
        let asked: Vec<(Place, &Rule)> =
            (0..).zip(rules.iter().map(|rule| &**rule)).filter(|(_, rule)| at_arrival(rule)).collect();
        let commonness = Commonness::of(asked.iter().map(|(_, rule)| *rule));
        for (place, rule) in asked {
            for kind in &rule.trigger.kinds {
                let first = index.first.entry(*kind).or_default();
                if first.len() < keep {
                    first.push(place);
                }
            }
            let building = match rule.trigger.kinds[..] {
                [] => continue,
                [kind] => kinds.entry(kind).or_default(),
                _ => &mut several,
            };
            building.add(place, choose(rule, &commonness));
        }
        index.kinds = kinds.into_iter().map(|(kind, building)| (kind, building.finish())).collect();
        index.several = several.finish();
        index
    }

    /// Whether a rule is for such events.
    pub(super) fn listens(&self, kind: Kind) -> bool {
        self.first.contains_key(&kind)
    }

    /// The first rules for the event's kind, in file order.
    pub(super) fn first(&self, event: &Event) -> impl Iterator<Item = usize> {
        self.first.get(&event.kind).into_iter().flatten().map(|place| *place as usize)
    }

    /// The rules that could match, in file order. `rules` are those that the index was made of.
    pub(super) fn candidates(&self, rules: &[Arc<Rule>], event: &Event) -> Vec<Place> {
        let mut found = Vec::new();
        self.several.find(event, &mut found);
        found.retain(|place| rules.get(*place as usize).is_some_and(|rule| rule.trigger.kinds.contains(&event.kind)));
        if let Some(anchors) = self.kinds.get(&event.kind) {
            anchors.find(event, &mut found);
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Whether a rule is asked when an event arrives.
fn at_arrival(rule: &Rule) -> bool {
    rule.enabled
}

/// The rules of one kind, or of several, by what they require.
#[derive(Clone, Debug, Default)]
struct Anchors {
    topic: Values,
    method: Values,
    subject: Values,
    fields: Paths,
    rest: Vec<Place>,
}

impl Anchors {
    fn find(&self, event: &Event, found: &mut Vec<Place>) {
        found.extend(&self.rest);
        for (values, text) in
            [(&self.topic, &event.topic), (&self.method, &event.method), (&self.subject, &event.subject)]
        {
            values.find_text(text, found);
        }
        self.fields.find(&event.fields, found);
    }
}

/// What is required of the fields, by the keys of their paths: fields of which nothing is asked are not looked at, nor is what the
/// event does not have.
#[derive(Clone, Debug, Default)]
struct Paths {
    here: Option<Box<Values>>,
    below: BTreeMap<Arc<str>, Paths>,
}

impl Paths {
    fn find(&self, value: &Value, found: &mut Vec<Place>) {
        if let Some(values) = &self.here {
            values.find(value, found);
        }
        match value {
            Value::Object(map) if map.len() < self.below.len() => {
                for (key, value) in map {
                    if let Some(paths) = self.below.get(key.as_str()) {
                        paths.find(value, found);
                    }
                }
            }
            Value::Object(map) => {
                for (key, paths) in &self.below {
                    if let Some(value) = map.get(&**key) {
                        paths.find(value, found);
                    }
                }
            }
            Value::Array(items) => {
                for (key, paths) in &self.below {
                    if let Some(value) = key.parse().ok().and_then(|at: usize| items.get(at)) {
                        paths.find(value, found);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Anchors while they are collected.
#[derive(Default)]
struct Building<'r> {
    fields: BTreeMap<Of<'r>, Draft<'r>>,
    rest: Vec<Place>,
}

impl<'r> Building<'r> {
    /// Without an anchor the rule is always asked; with none of many it never matches.
    fn add(&mut self, place: Place, anchors: Option<Vec<Anchor<'r>>>) {
        let Some(anchors) = anchors else { return self.rest.push(place) };
        for Anchor { of, needs } in anchors {
            self.fields.entry(of).or_default().add(needs, place);
        }
    }

    fn finish(self) -> Anchors {
        let mut anchors = Anchors { rest: self.rest, ..Anchors::default() };
        for (of, draft) in self.fields {
            let values = draft.finish(&mut anchors.rest);
            match of {
                Of::Topic => anchors.topic = values,
                Of::Method => anchors.method = values,
                Of::Subject => anchors.subject = values,
                Of::Field(keys) => {
                    let paths = keys
                        .iter()
                        .fold(&mut anchors.fields, |paths, key| paths.below.entry(Arc::clone(key)).or_default());
                    paths.here = Some(Box::new(values));
                }
            }
        }
        anchors
    }
}
