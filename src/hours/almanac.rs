//! Hours to look at: the days of a week, and what is unusual in a year.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;

use super::calendar::Holiday;
use super::table::Hours;
use super::wall;

/// Times of a day in minutes from midnight, as the clock shows them.
pub type Times = Vec<(u16, u16)>;

/// One day of hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// The day.
    pub date: NaiveDate,
    /// When they are open.
    pub open: Times,
    /// What it is a holiday of, where holidays matter.
    pub holiday: Option<Holiday>,
    /// By how many minutes clocks are set forward, or back when less than none.
    pub clocks: i64,
}

/// Days in a row that are alike and differ from what is usual for their weekdays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusual {
    /// The first of them.
    pub first: NaiveDate,
    /// The last of them.
    pub last: NaiveDate,
    /// When they are open.
    pub open: Times,
    /// Names of holidays, or the parts of `open` that make the difference.
    pub why: Vec<String>,
}

/// A year of hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Year {
    /// What most days of each weekday are like, from Monday on.
    pub usual: Vec<(Weekday, Times)>,
    /// The days that differ.
    pub unusual: Vec<Unusual>,
}

impl Hours {
    /// The week of a day, from Monday on.
    pub fn week(&self, of: NaiveDate) -> Vec<Day> {
        let monday = of.checked_sub_days(Days::new(of.weekday().num_days_from_monday().into())).unwrap_or(of);
        monday.iter_days().take(7).map(|date| self.day(date)).collect()
    }

    fn day(&self, date: NaiveDate) -> Day {
        let midnight = |date: NaiveDate| -> DateTime<Utc> {
            wall::first_showing(self.timezone(), date.into(), DateTime::<Utc>::MIN_UTC)
        };
        let after = date.checked_add_days(Days::new(1)).unwrap_or(date);
        let length = midnight(after) - midnight(date);
        let clocks = (TimeDelta::days(1) - length).num_minutes();
        Day { date, open: self.open_on(date), holiday: self.holiday(date), clocks }
    }

    /// What is usual in a year, and what is not.
    pub fn year(&self, year: i32) -> Year {
        let first = NaiveDate::from_ymd_opt(year, 1, 1).into_iter();
        let days = first.flat_map(|first| first.iter_days()).take_while(|day| day.year() == year);
        let days: Vec<(NaiveDate, Times)> = days.map(|day| (day, self.open_on(day))).collect();
        let usual = usual(&days);
        let is_usual = |day: NaiveDate, open: &Times| {
            usual.get(day.weekday().num_days_from_monday() as usize).is_some_and(|(_, usual)| usual == open)
        };
        let mut unusual: Vec<Unusual> = Vec::new();
        for (day, open) in days.into_iter().filter(|(day, open)| !is_usual(*day, open)) {
            let why = self.why(day);
            match unusual.last_mut() {
                Some(last) if last.last.succ_opt() == Some(day) && last.open == open && last.why == why => {
                    last.last = day;
                }
                _ => unusual.push(Unusual { first: day, last: day, open, why }),
            }
        }
        Year { usual, unusual }
    }

    fn why(&self, day: NaiveDate) -> Vec<String> {
        match self.holiday(day) {
            Some(holiday) => holiday.names.iter().map(ToString::to_string).collect(),
            None => self.parts_for(day),
        }
    }

    /// The next moments at which they open or close, and which of the two.
    pub fn changes(&self, after: DateTime<Utc>) -> impl Iterator<Item = (DateTime<Tz>, bool)> {
        let next = |at: &DateTime<Tz>| self.next_change(at.to_utc());
        let changes = std::iter::successors(self.next_change(after), next);
        changes.map(|at| (at, self.is_open(at.to_utc())))
    }
}

/// What most days of each weekday are like; of two that are as frequent, the one that came first.
fn usual(days: &[(NaiveDate, Times)]) -> Vec<(Weekday, Times)> {
    let weekdays = (0..7_u8).filter_map(|day| Weekday::try_from(day).ok());
    let most = |weekday: Weekday| {
        let of_it = || days.iter().filter(|(day, _)| day.weekday() == weekday).map(|(_, open)| open);
        let mut counts = HashMap::<&Times, usize>::new();
        of_it().for_each(|open| *counts.entry(open).or_default() += 1);
        let highest = counts.values().max().copied();
        of_it().find(|open| counts.get(*open).copied() == highest).cloned().unwrap_or_default()
    };
    weekdays.map(|weekday| (weekday, most(weekday))).collect()
}
