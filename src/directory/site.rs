//! Sites: where their clocks are and what their phones dial. The guides say that a site has address, coordinates, time
//! zone and dialling rules \[C, G\]; how they are spelt is not printed anywhere \[A\], so several spellings are read.

use serde_json::{Map, Value, json};

use super::entry::text;
use super::index::{Entry, Key};

const ZONE: &[&str] = &["timeZone", "timezone", "timeZoneId", "tz"];
const COUNTRY: &[&str] = &["countryCode", "country"];
const RULES: &[&str] = &["diallingRules", "dialingRules", "diallingRule", "dialingRule", "dialPlan", "dialRules"];
const OUTSIDE: &[&str] = &["outside", "outsidePrefix", "externalPrefix", "outsideLinePrefix", "trunkAccessCode"];
const NATIONAL: &[&str] = &["national", "nationalPrefix", "longDistancePrefix"];
const INTERNATIONAL: &[&str] = &["international", "internationalPrefix", "internationalDialingPrefix"];

/// What a phone of a site dials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefixes {
    /// To leave the PBX.
    pub outside: String,
    /// Before a number of the own country.
    pub national: String,
    /// Before any other.
    pub international: String,
}

/// A site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    id: Box<str>,
    name: Option<Box<str>>,
    /// The name of its time zone, as it came.
    pub zone: Option<Box<str>>,
    /// Two capital letters.
    pub country: Option<Box<str>>,
    /// What its phones dial.
    pub dial: Option<Prefixes>,
}

impl Site {
    /// Reads a site; `None` without an id.
    pub fn read(object: &Value) -> Option<Self> {
        let address = object.get("address").or_else(|| object.pointer("/location/address")).unwrap_or(&Value::Null);
        let country = text(object, COUNTRY).or_else(|| text(address, COUNTRY)).and_then(|text| two_letters(&text));
        let zone = text(object, ZONE).or_else(|| {
            let inner = ZONE.iter().find_map(|name| object.get(name).filter(|zone| zone.is_object()));
            inner.and_then(|zone| text(zone, &["id", "name"]))
        });
        let rules = RULES.iter().find_map(|name| object.get(name).filter(|rules| rules.is_object()));
        Some(Self {
            id: text(object, &["siteId", "id"])?,
            name: text(object, &["name"]),
            zone,
            country,
            dial: rules.and_then(prefixes),
        })
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is called.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// As rules see a site.
    pub fn view(&self) -> Map<String, Value> {
        let mut view = super::entry::view(&[
            ("id", Some(&self.id)),
            ("name", self.name.as_deref()),
            ("timezone", self.zone.as_deref()),
            ("country", self.country.as_deref()),
        ]);
        if let Some(Prefixes { outside, national, international }) = &self.dial {
            let dial = json!({ "outside": outside, "national": national, "international": international });
            view.insert("dial".to_owned(), dial);
        }
        view
    }
}

fn two_letters(text: &str) -> Option<Box<str>> {
    let letters = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    letters.then(|| text.to_ascii_uppercase().into())
}

/// What phones dial, if something of it is there and can be dialled.
fn prefixes(rules: &Value) -> Option<Prefixes> {
    let dialled = |names: &[&str]| {
        let found = names.iter().find_map(|name| match rules.get(name)? {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        let fits = |text: &String| text.len() <= 8 && text.chars().all(|c| c.is_ascii_digit() || "*#+".contains(c));
        found.filter(fits)
    };
    let (outside, national, international) = (dialled(OUTSIDE), dialled(NATIONAL), dialled(INTERNATIONAL));
    // Without what leads abroad a number of another country can't be dialled.
    let international = international?;
    Some(Prefixes { outside: outside.unwrap_or_default(), national: national.unwrap_or_default(), international })
}

impl Entry for Site {
    fn id(&self) -> &str {
        &self.id
    }

    fn keys<'a>(&'a self, take: &mut dyn FnMut(Key<'a>)) {
        take(Key::Id(&self.id));
        self.name.as_deref().map(Key::Name).into_iter().for_each(take);
    }
}
