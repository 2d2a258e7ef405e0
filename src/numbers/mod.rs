//! Phone numbers as `[locale]` reads and dials them: what a sender wrote in any way becomes E.164, and what is sent becomes
//! what a phone of the site would dial.
//!
//! Numbering plans are those of libphonenumber (the crate `rlibphonenumber`); only `plan` knows it. Pure, but for a cache:
//! the same few extensions and callers come again and again.

mod dial;
mod plan;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

pub use dial::Dialling;
use plan::Plan;

/// More digits than an extension has.
const LONGEST_EXTENSION: usize = 7;
/// The digits that a number has with its country code: less is no number, and more than the last can't be dialled.
const E164: std::ops::RangeInclusive<usize> = 7..=15;
/// A longer text is no number, and is not looked at.
const LONGEST_TEXT: usize = 64;
/// How many readings are kept.
const KEPT: usize = 8192;
/// What stands in the place of a number that is withheld.
const WITHHELD: &[&str] = &["anonymous", "private", "unknown", "restricted"];

/// One end of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Number {
    /// An extension, or what else is no number of the public network: it stays as it was sent.
    Inside,
    /// A number of the public network: in E.164, or as it was sent when it can't be told what it means.
    Outside(Arc<str>),
    /// The caller does not say.
    Withheld,
}

/// Why a text never is what a call's number is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Never {
    /// Numbers have this form.
    Written(String),
    /// It is too long or too short for one, or there is no such country code.
    Incomplete,
    /// A withheld number is missing.
    Withheld,
    /// There is no digit in it.
    NoNumber,
}

/// How numbers are read in a country. Cheap to clone: the cache is shared.
#[derive(Clone, Default)]
pub struct Numbers {
    of: Option<Arc<OfCountry>>,
}

struct OfCountry {
    plan: Plan,
    known: Mutex<HashMap<Box<str>, Number>>,
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Numbers").field(&self.of.as_ref().map(|of| of.plan)).finish()
    }
}

impl Numbers {
    /// Numbers as they are read in a country, by its two letters. Without one, or when it has no numbering plan, only those
    /// with a `+` are understood.
    pub fn of(country: Option<&str>) -> Self {
        let plan = country.and_then(Plan::of);
        Self { of: plan.map(|plan| Arc::new(OfCountry { plan, known: Mutex::default() })) }
    }

    /// Loads the numbering plans, so that the first number does not wait for them. Without a country nothing is loaded.
    pub fn warm(&self) {
        if let Some(of) = &self.of {
            of.plan.read("1234567890");
        }
    }

    /// What an end of a call is.
    pub fn read(&self, sent: &str) -> Number {
        let text = bare(sent);
        if is_withheld(text) {
            return Number::Withheld;
        }
        if is_plain_e164(text) {
            return Number::Outside(text.into());
        }
        let Some(of) = &self.of else { return without_country(text, sent) };
        if sent.len() > LONGEST_TEXT {
            return without_country(text, sent);
        }
        let known = || of.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known().get(sent) {
            return number.clone();
        }
        let number = of.read(text, sent);
        let mut known = known();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(sent.into(), number.clone());
        number
    }

    /// A text as `call.from` and `call.to` would have it; as it is when it is no number.
    pub fn normal(&self, text: &str) -> Option<Arc<str>> {
        match self.read(text) {
            Number::Inside => Some(text.trim().into()),
            Number::Outside(number) => Some(number),
            Number::Withheld => None,
        }
    }

    /// The beginning of numbers, such as an area code, in E.164: `613` and `1613` are `+1613` in Canada. Without a country
    /// it stays as it is; `None` if no number begins so.
    pub fn prefix(&self, text: &str) -> Option<String> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix('+') {
            let digits = digits(rest)?;
            return (digits.len() <= *E164.end() && !digits.starts_with('0')).then(|| format!("+{digits}"));
        }
        let digits = digits(text).filter(|digits| !digits.is_empty() && digits.len() <= 2 * E164.end())?;
        match &self.of {
            Some(of) => Some(of.plan.prefix(&digits)),
            None => Some(digits),
        }
    }

    /// Why a text could never be a call's number, if so.
    pub fn never(&self, text: &str) -> Option<Never> {
        match self.read(text) {
            Number::Withheld => Some(Never::Withheld),
            Number::Inside if !text.bytes().any(|byte| byte.is_ascii_digit()) => Some(Never::NoNumber),
            Number::Outside(number) if *number != *text => Some(Never::Written(number.to_string())),
            Number::Outside(number) if number.starts_with('+') && !plan::is_possible(&number) => {
                Some(Never::Incomplete)
            }
            Number::Inside | Number::Outside(_) => None,
        }
    }

    /// How calls' numbers begin where a rule asks for this beginning, if that is otherwise. A short one, such as `20`, may be
    /// meant for extensions; one that is an area code hardly is.
    pub fn never_begins(&self, text: &str) -> Option<String> {
        let of = self.of.as_ref().filter(|_| !text.starts_with('+'))?;
        let digits = digits(text)?;
        let begins = digits.len() > LONGEST_EXTENSION || (digits.len() >= 3 && of.plan.has_area(&digits));
        begins.then(|| of.plan.prefix(&digits))
    }
}

impl OfCountry {
    fn read(&self, text: &str, sent: &str) -> Number {
        if text.starts_with('+') {
            return without_country(text, sent);
        }
        let Some(digits) = digits(text) else { return Number::Inside };
        let long = digits.len() > LONGEST_EXTENSION;
        match self.plan.read(&digits) {
            Some(read) if read.valid && (long || self.plan.is_dialled(&digits)) => Number::Outside(read.e164.into()),
            Some(read) if long && read.possible => Number::Outside(read.e164.into()),
            _ if long => Number::Outside(sent.trim().into()),
            _ => Number::Inside,
        }
    }
}

/// What can be said of a number without knowing where it was written.
fn without_country(text: &str, sent: &str) -> Number {
    if text.starts_with('+') {
        let plain = |digits: &String| E164.contains(&digits.len());
        let read = if text.len() <= LONGEST_TEXT { plan::international(text) } else { None };
        let read = read.or_else(|| digits(&text[1..]).filter(plain).map(|digits| format!("+{digits}")));
        return Number::Outside(read.map_or_else(|| sent.trim().into(), Arc::from));
    }
    match digits(text) {
        Some(digits) if digits.len() > LONGEST_EXTENSION => Number::Outside(sent.trim().into()),
        _ => Number::Inside,
    }
}

/// The number in `tel:…` and `sip:…@…`, else the text as it is.
fn bare(sent: &str) -> &str {
    let text = sent.trim();
    let scheme = |name: &str| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    match ["tel:", "sip:", "sips:"].into_iter().find(|name| scheme(name)) {
        Some(name) => text[name.len()..].split(['@', ';', '?']).next().unwrap_or_default().trim(),
        None => text,
    }
}

fn is_withheld(text: &str) -> bool {
    text.is_empty() || WITHHELD.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The digits of a text that holds nothing but digits and what people set between them.
fn digits(text: &str) -> Option<String> {
    let between = |c: char| matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' | '\u{2010}'..='\u{2015}');
    if !text.chars().all(|c| c.is_ascii_digit() || between(c)) {
        return None;
    }
    Some(text.chars().filter(char::is_ascii_digit).collect())
}

/// The usual form, in which nothing has to be looked up. A 0 after the country code might be a national prefix.
fn is_plain_e164(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    E164.contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && digits.as_bytes().get(plan::code_length(digits)).is_some_and(|byte| *byte != b'0')
}
