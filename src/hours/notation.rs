//! The notation read: what the parser lets pass and its evaluation gets wrong is refused here.

use std::ops::Range;

use opening_hours::OpeningHours;

use super::error::Error;

/// The longest text: OpenStreetMap's own are at most 255 characters long.
const MAX_TEXT: usize = 2_000;
/// The most rules.
const MAX_RULES: usize = 64;
const WEEKDAYS: [&str; 7] = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
/// Months and their longest length.
const MONTHS: [(&str, u8); 12] = [
    ("Jan", 31),
    ("Feb", 29),
    ("Mar", 31),
    ("Apr", 30),
    ("May", 31),
    ("Jun", 30),
    ("Jul", 31),
    ("Aug", 31),
    ("Sep", 30),
    ("Oct", 31),
    ("Nov", 30),
    ("Dec", 31),
];

/// An expression, and its selectors of days as they are printed: their types belong to a crate behind the crate.
pub(super) struct Notation {
    pub(super) rules: OpeningHours,
    days: Vec<String>,
}

impl Notation {
    pub(super) fn read(open: &str) -> Result<Self, Error> {
        if open.trim().is_empty() {
            return Err(Error::Notation { what: "there is nothing".to_owned(), at: Some(0..open.len()) });
        }
        if open.len() > MAX_TEXT {
            let what = format!("they are longer than {MAX_TEXT} bytes");
            return Err(Error::Notation { what, at: None });
        }
        let rules: OpeningHours = open.parse().map_err(|error| Error::notation(open, &error))?;
        // The evaluation applies it to whole days instead of times, and a comment alone counts as open.
        if let Some(at) = find(open, "||") {
            let what = "`||` is not supported: write the times that hold, separated by `,` or `;`".to_owned();
            return Err(Error::Notation { what, at: Some(at) });
        }
        let expression = rules.get_expression();
        if expression.rules.len() > MAX_RULES {
            let what = format!("they have more than {MAX_RULES} parts");
            return Err(Error::Notation { what, at: None });
        }
        let days: Vec<String> = expression.rules.iter().map(|rule| rule.day_selector.to_string()).collect();
        for word in ["sunrise", "sunset", "dawn", "dusk"] {
            if expression.rules.iter().any(|rule| rule.time_selector.to_string().contains(word)) {
                return Err(Error::Sun { word, at: find(open, word) });
            }
        }
        if let Some(day) = days.iter().find_map(|days| no_such_day(days)) {
            let at = find(open, &day);
            return Err(Error::Notation { what: format!("there is no {day}"), at });
        }
        Ok(Self { rules, days })
    }

    /// Whether a selector of days contains a word such as PH.
    pub(super) fn names(&self, word: &str) -> bool {
        self.days.iter().any(|days| days.split(|c: char| !c.is_ascii_alphabetic()).any(|part| part == word))
    }

    /// Whether every week is like every other, so that what does not change in one never does.
    pub(super) fn is_weekly(&self) -> bool {
        let weekday = |part: &str| part.is_empty() || WEEKDAYS.contains(&part);
        self.days.iter().all(|days| days.split(['-', ',']).all(weekday))
    }
}

/// A day that no year has, such as 30 February: the evaluation would take it for a range round the year.
fn no_such_day(days: &str) -> Option<String> {
    let mut current = None;
    days.split([' ', '-', ',']).find_map(|word| {
        let name = word.trim_start_matches(|c: char| c.is_ascii_digit());
        if let Some(month) = MONTHS.into_iter().find(|(month, _)| *month == name) {
            current = Some(month);
        } else if !name.is_empty() {
            current = None;
        }
        let (month, longest) = current?;
        (word.len() <= 2 && word.parse::<u8>().ok()? > longest).then(|| format!("{month} {word}"))
    })
}

/// Where a word stands, outside comments.
pub(super) fn find(open: &str, word: &str) -> Option<Range<usize>> {
    let mut comment = false;
    open.char_indices().find_map(|(at, c)| {
        comment ^= c == '"';
        let here = open.get(at..at + word.len()).is_some_and(|text| text.eq_ignore_ascii_case(word));
        (!comment && here).then(|| at..at + word.len())
    })
}
