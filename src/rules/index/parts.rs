//! What may stand anywhere in a text: parts, all looked for in one go, and regexes that need no part, in one set.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::{RegexSet, RegexSetBuilder};

use super::Place;
use super::starts::LONGEST;

/// The most bytes of parts of one field; the rules of further ones are always asked.
const MAX_PARTS: usize = 4 << 20;
/// The most regexes of one set: a field with more has several.
const MAX_SET: usize = 128;
/// The largest set.
const MAX_SIZE: usize = 8 << 20;

/// Texts that a text may hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    automaton: Option<AhoCorasick>,
    places: Vec<Vec<Place>>,
}

impl Parts {
    pub(super) fn of(pairs: Vec<(Cow<'_, [u8]>, Place)>, rest: &mut Vec<Place>) -> Self {
        let (mut by_part, mut size): (BTreeMap<Vec<u8>, Vec<Place>>, usize) = Default::default();
        for (part, place) in pairs {
            let part = &part[..part.len().min(LONGEST)];
            if let Some(places) = by_part.get_mut(part) {
                places.push(place);
            } else if size + part.len() > MAX_PARTS {
                rest.push(place);
            } else {
                size += part.len();
                by_part.insert(part.to_vec(), vec![place]);
            }
        }
        if by_part.is_empty() {
            return Self::default();
        }
        let built = AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(by_part.keys());
        if let Ok(automaton) = built {
            return Self { automaton: Some(automaton), places: by_part.into_values().collect() };
        }
        rest.extend(by_part.into_values().flatten());
        Self::default()
    }

    pub(super) fn find(&self, text: &str, found: &mut Vec<Place>) {
        let Some(automaton) = &self.automaton else { return };
        let mut seen = vec![false; self.places.len()];
        for part in automaton.find_overlapping_iter(text) {
            let part = part.pattern().as_usize();
            if !std::mem::replace(&mut seen[part], true) {
                found.extend(&self.places[part]);
            }
        }
    }
}

/// Regexes that may match a text.
#[derive(Clone, Debug, Default)]
pub(super) struct Regexes {
    sets: Vec<Set>,
}

#[derive(Clone, Debug)]
struct Set {
    set: RegexSet,
    places: Vec<Vec<Place>>,
}

impl Regexes {
    pub(super) fn of(pairs: Vec<(&str, Place)>, rest: &mut Vec<Place>) -> Self {
        let mut by_pattern: BTreeMap<&str, Vec<Place>> = BTreeMap::new();
        for (pattern, place) in pairs {
            by_pattern.entry(pattern).or_default().push(place);
        }
        let patterns: Vec<(&str, Vec<Place>)> = by_pattern.into_iter().collect();
        let mut sets = Vec::new();
        patterns.chunks(MAX_SET).for_each(|chunk| build(chunk, &mut sets, rest));
        Self { sets }
    }

    pub(super) fn find(&self, text: &str, found: &mut Vec<Place>) {
        for Set { set, places } in &self.sets {
            for at in &set.matches(text) {
                found.extend(places.get(at).into_iter().flatten());
            }
        }
    }
}

/// One set, or two halves where one is too large.
fn build(patterns: &[(&str, Vec<Place>)], sets: &mut Vec<Set>, rest: &mut Vec<Place>) {
    let texts = patterns.iter().map(|(pattern, _)| pattern);
    match RegexSetBuilder::new(texts).size_limit(MAX_SIZE).build() {
        Ok(set) => sets.push(Set { set, places: patterns.iter().map(|(_, places)| places.clone()).collect() }),
        Err(_) if patterns.len() > 1 => {
            let (one, other) = patterns.split_at(patterns.len() / 2);
            build(one, sets, rest);
            build(other, sets, rest);
        }
        Err(_) => rest.extend(patterns.iter().flat_map(|(_, places)| places)),
    }
}
