//! Public holidays as an operator writes them: a country's, corrected by hand.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime, Timelike};

use super::feed::Feed;

/// Minutes of a whole day.
pub(super) const DAY: u16 = 24 * 60;
/// The most days that one span may cover: more is a slip of the keyboard in a year.
const LONGEST: i64 = 3_700;

/// Which days are public holidays: those of a country and of calendar files, less `remove`, and `add`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holidays {
    /// ISO 3166-1 alpha-2: whose nationwide holidays count.
    pub country: Option<String>,
    /// Further holidays; they win over `remove`.
    pub add: Vec<DateSpan>,
    /// Holidays of the country or of a file on which one works.
    pub remove: Vec<DateSpan>,
    /// The events of calendar files.
    pub feeds: Vec<Arc<Feed>>,
}

/// A day or several, whole or, each of them, between two times: `2026-12-24 12:00-24:00`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DateSpan {
    first: NaiveDate,
    last: NaiveDate,
    /// Minutes since midnight; less than the whole day when times were written.
    from: u16,
    to: u16,
}

/// What is wrong with a date or a range of dates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateSpanError {
    /// It does not look like one.
    #[error("`{0}` is no date: write 2026-12-24 or 2026-12-24 - 2027-01-02, each with or without 12:00-24:00")]
    Form(String),
    /// It looks like a date, but the calendar has none such.
    #[error("there is no day {0}")]
    Day(String),
    /// It looks like a time, but the day has none such.
    #[error("there is no time {0}: times are 00:00 to 24:00")]
    Time(String),
    /// The end is not after the start.
    #[error("{0} is not before {1}")]
    Order(String, String),
    /// More days than anybody means.
    #[error("it covers {0} days, at most {LONGEST} are possible")]
    Long(i64),
}

impl DateSpan {
    /// A whole day.
    pub fn day(date: NaiveDate) -> Self {
        Self { first: date, last: date, from: 0, to: DAY }
    }

    /// Whole days, both ends included.
    pub fn days(first: NaiveDate, last: NaiveDate) -> Result<Self, DateSpanError> {
        match (last - first).num_days() {
            ..0 => Err(DateSpanError::Order(first.to_string(), last.to_string())),
            days if days >= LONGEST => Err(DateSpanError::Long(days + 1)),
            _ => Ok(Self { first, last, from: 0, to: DAY }),
        }
    }

    /// Its days.
    pub fn dates(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        let last = self.last;
        self.first.iter_days().take_while(move |date| *date <= last)
    }

    /// The minutes that it covers of each of its days, as `(from, to)`.
    pub(super) fn minutes(&self) -> (u16, u16) {
        (self.from, self.to)
    }

    /// A day of `other` on which it covers all that `other` does.
    pub fn hides(&self, other: &Self) -> Option<NaiveDate> {
        let day = self.first.max(other.first);
        let both = day <= self.last.min(other.last);
        (both && self.from <= other.from && other.to <= self.to).then_some(day)
    }
}

impl FromStr for DateSpan {
    type Err = DateSpanError;

    fn from_str(text: &str) -> Result<Self, DateSpanError> {
        let form = || DateSpanError::Form(text.to_owned());
        let words: Vec<&str> = text.split_whitespace().collect();
        let (first, last, times) = match words[..] {
            [first] => (first, first, None),
            [first, "-", last] => (first, last, None),
            [first, times] => (first, first, Some(times)),
            [first, "-", last, times] => (first, last, Some(times)),
            _ => return Err(form()),
        };
        let span = Self::days(date(first).ok_or_else(form)??, date(last).ok_or_else(form)??)?;
        let Some(times) = times else { return Ok(span) };
        let (from, to) = times.split_once('-').ok_or_else(form)?;
        let (from_minute, to_minute) = (minute(from).ok_or_else(form)??, minute(to).ok_or_else(form)??);
        if from_minute >= to_minute {
            return Err(DateSpanError::Order(from.to_owned(), to.to_owned()));
        }
        Ok(Self { from: from_minute, to: to_minute, ..span })
    }
}

/// `None` when it does not have the form of a date.
fn date(text: &str) -> Option<Result<NaiveDate, DateSpanError>> {
    let form = text.len() == 10
        && text.bytes().enumerate().all(
            |(at, byte)| {
                if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() }
            },
        );
    form.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| DateSpanError::Day(text.to_owned())))
}

/// `None` when it does not have the form of a time.
fn minute(text: &str) -> Option<Result<u16, DateSpanError>> {
    let (hour, min) = text.split_once(':')?;
    let form = hour.len() == 2 && min.len() == 2 && (hour.bytes().chain(min.bytes())).all(|byte| byte.is_ascii_digit());
    form.then(|| match (text, NaiveTime::parse_from_str(text, "%H:%M")) {
        ("24:00", _) => Ok(DAY),
        (_, Ok(time)) => Ok((time.hour() * 60 + time.minute()) as u16),
        (_, Err(_)) => Err(DateSpanError::Time(text.to_owned())),
    })
}

impl fmt::Display for DateSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        if self.last != self.first {
            write!(f, " - {}", self.last)?;
        }
        if (self.from, self.to) != (0, DAY) {
            let (from, to) = (self.from, self.to);
            write!(f, " {:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_as_it_is_written() {
        for text in
            ["2026-12-24", "2026-12-24 - 2027-01-02", "2026-12-24 12:00-24:00", "2026-12-24 - 2027-01-02 00:30-09:05"]
        {
            assert_eq!(text.parse::<DateSpan>().unwrap().to_string(), text);
        }
        let span: DateSpan = "2026-12-30 - 2027-01-02".parse().unwrap();
        assert_eq!(span.dates().count(), 4);
    }

    #[test]
    fn says_what_is_wrong() {
        let said = |text: &str| text.parse::<DateSpan>().unwrap_err().to_string();
        assert_eq!(said("2026-02-29"), "there is no day 2026-02-29");
        assert_eq!(said("2026-12-24 12:00-24:01"), "there is no time 24:01: times are 00:00 to 24:00");
        assert_eq!(said("2026-12-24 12:00-12:00"), "12:00 is not before 12:00");
        assert_eq!(said("2027-01-02 - 2026-12-24"), "2027-01-02 is not before 2026-12-24");
        assert_eq!(said("2026-12-24 - 2062-12-24"), "it covers 13150 days, at most 3700 are possible");
        for text in [
            "",
            "24.12.2026",
            "2026-12-24-2027-01-02",
            "2026-12-24 12-24",
            "2026-12-24 1:00-2:00",
            "12:00-13:00",
            "2026-1-1",
        ] {
            assert!(said(text).contains("is no date"), "{text}");
        }
    }
}
