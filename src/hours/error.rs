//! Why hours can't be used.

use std::ops::Range;
use std::str::FromStr;

use opening_hours::OpeningHours;

/// What the parser of the notation says.
pub(super) type Unread = <OpeningHours as FromStr>::Err;

/// Why hours can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not OpenStreetMap's notation.
    #[error("these are no opening hours in OpenStreetMap's notation: {what}")]
    Notation {
        /// Where it stops making sense, and what may have been meant.
        what: String,
        /// The bytes of `open` that it is about.
        at: Option<Range<usize>>,
    },
    /// Sunrise and the like.
    #[error("`{word}` depends on where one is, which hours do not know: write times")]
    Sun {
        /// The word.
        word: &'static str,
        /// The bytes of `open` that it is about.
        at: Option<Range<usize>>,
    },
    /// Holidays are asked of a country that none are known of.
    #[error("`{name}` needs the holidays of a country, and none are known of `{code}`: known are {}", known.join(" "))]
    Country {
        /// `PH` or `SH`.
        name: &'static str,
        /// The country that was named.
        code: String,
        /// The codes of the countries whose holidays are known.
        known: Vec<&'static str>,
        /// The bytes of `open` that it is about.
        at: Option<Range<usize>>,
    },
}

impl Error {
    /// The bytes of `open` that it is about, when these are known.
    pub fn offset(&self) -> Option<Range<usize>> {
        match self {
            Self::Notation { at, .. } | Self::Sun { at, .. } | Self::Country { at, .. } => at.clone(),
        }
    }

    /// From what the parser says of `open`.
    pub(super) fn notation(open: &str, error: &Unread) -> Self {
        let Unread::Syntax(syntax) = error else {
            return Self::Notation { what: error.to_string(), at: None };
        };
        // The location's type can't be named without a dependency on the parser generator; its form is tested.
        let start = format!("{:?}", syntax.location).split(|c: char| !c.is_ascii_digit()).find_map(|n| n.parse().ok());
        let at = start.and_then(|start| word_at(open, start));
        let found = at.clone().map_or("", |at| &open[at]);
        let what = match hint(found) {
            Some(hint) => format!("`{found}`: {hint}"),
            None if found.is_empty() => "something is missing at the end".to_owned(),
            None => format!("`{found}` is not understood here"),
        };
        Self::Notation { what, at }
    }
}

/// The word that the byte `start` belongs to; at the end an empty one.
fn word_at(open: &str, start: usize) -> Option<Range<usize>> {
    let (before, after) = open.split_at_checked(start.min(open.len()))?;
    let edge = |c: char| c.is_whitespace() || ";,|".contains(c);
    let from = before.rfind(edge).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let to = start + after.find(edge).unwrap_or(after.len());
    // Between two words it is about the sign that stands there.
    if from == to { Some(from..from + after.chars().next().map_or(0, char::len_utf8)) } else { Some(from..to) }
}

fn hint(word: &str) -> Option<&'static str> {
    let lower = word.to_lowercase();
    let begins = |names: [&str; 7]| names.iter().any(|name| lower.starts_with(name));
    if begins(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]) {
        return Some("days are Mo Tu We Th Fr Sa Su");
    }
    if lower.ends_with("am") || lower.ends_with("pm") {
        return Some("times are 00:00 to 24:00");
    }
    if lower.contains('–') || lower.contains('—') || lower == "to" {
        return Some("a range is written with a hyphen, Mo-Fr 09:00-17:00");
    }
    if lower.starts_with(|c: char| c.is_ascii_digit()) && !lower.contains(':') {
        return Some("times are written with minutes, 09:00-17:00");
    }
    None
}
