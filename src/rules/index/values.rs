//! What is required of one field, and which rules require it.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::Place;
use super::anchor::Needs;
use super::parts::{Parts, Regexes};
use super::starts::Starts;

/// A number or a truth value, so that what is equal for a matcher is equal here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Plain {
    Bool(bool),
    /// The bits of the number as a float: large whole numbers share one, which makes candidates, not matches.
    Number(u64),
}

impl Plain {
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Bool(*value)),
            // Adding nothing turns -0 into 0.
            Value::Number(number) => number.as_f64().map(|number| Self::Number((number + 0.0).to_bits())),
            _ => None,
        }
    }
}

/// The rules by what they require of one field.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    texts: HashMap<Box<str>, Vec<Place>>,
    plain: HashMap<Plain, Vec<Place>>,
    starts: Starts,
    /// Of the text read backwards.
    ends: Starts,
    parts: Parts,
    regexes: Regexes,
}

impl Values {
    pub(super) fn find(&self, value: &Value, found: &mut Vec<Place>) {
        match value {
            Value::String(text) => self.find_text(text, found),
            Value::Array(items) => {
                items.iter().filter_map(Value::as_str).for_each(|text| self.parts.find(text, found));
            }
            other if !self.plain.is_empty() => {
                let places = Plain::of(other).and_then(|plain| self.plain.get(&plain));
                found.extend(places.into_iter().flatten());
            }
            _ => {}
        }
    }

    pub(super) fn find_text(&self, text: &str, found: &mut Vec<Place>) {
        if !self.texts.is_empty() {
            found.extend(self.texts.get(text).into_iter().flatten());
        }
        self.starts.find(text.as_bytes(), found);
        if !self.ends.is_empty() {
            self.ends.find(&backwards(text.as_bytes()), found);
        }
        self.parts.find(text, found);
        self.regexes.find(text, found);
    }
}

/// The end of a text from its last byte on, as far as it is compared.
fn backwards(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().take(super::starts::LONGEST).copied().collect()
}

/// The same while it is collected.
#[derive(Default)]
pub(super) struct Draft<'r> {
    texts: HashMap<Box<str>, Vec<Place>>,
    plain: HashMap<Plain, Vec<Place>>,
    starts: Vec<(Cow<'r, [u8]>, Place)>,
    ends: Vec<(Cow<'r, [u8]>, Place)>,
    parts: Vec<(Cow<'r, [u8]>, Place)>,
    regexes: Vec<(&'r str, Place)>,
}

impl<'r> Draft<'r> {
    pub(super) fn add(&mut self, needs: Needs<'r>, place: Place) {
        match needs {
            Needs::Text(text) => once(self.texts.entry(text.into()).or_default(), place),
            Needs::Plain(plain) => once(self.plain.entry(plain).or_default(), place),
            Needs::Start(bytes) => self.starts.push((bytes, place)),
            Needs::End(bytes) => self.ends.push((bytes, place)),
            Needs::Part(bytes) => self.parts.push((bytes, place)),
            Needs::Regex(pattern) => self.regexes.push((pattern, place)),
        }
    }

    /// Rules whose requirement can't be looked for come into `rest`.
    pub(super) fn finish(self, rest: &mut Vec<Place>) -> Values {
        let Self { texts, plain, starts, ends, parts, regexes } = self;
        let starts = Starts::of(starts.into_iter().map(|(bytes, place)| (bytes.into_owned(), place)));
        let ends = Starts::of(ends.into_iter().map(|(bytes, place)| (backwards(&bytes), place)));
        let (parts, regexes) = (Parts::of(parts, rest), Regexes::of(regexes, rest));
        Values { texts, plain, starts, ends, parts, regexes }
    }
}

/// Places come in their order.
fn once(places: &mut Vec<Place>, place: Place) {
    if places.last() != Some(&place) {
        places.push(place);
    }
}
