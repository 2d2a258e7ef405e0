//! Holidays compiled: whole days into calendars that the crate `opening-hours` reads, days that are partly holidays
//! into pieces.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use opening_hours::localization::Country;
use opening_hours::{Context, ContextHolidays};

use super::holidays::{DAY, DateSpan, Holidays};

/// A part of a day: from which minute on, and whether it is a holiday.
pub(super) type Piece = (u16, bool);

/// A country's holidays with the corrections.
#[derive(Debug)]
pub(super) struct Calendar {
    /// Days that are partly holidays count as plain ones.
    pub(super) plain: Context,
    /// Days that are partly holidays count as holidays.
    pub(super) festive: Context,
    /// The pieces of days that are partly holidays, first piece first.
    pub(super) partly: BTreeMap<NaiveDate, Vec<Piece>>,
    /// The last holiday that is known of the country.
    pub(super) known_until: Option<NaiveDate>,
}

impl Calendar {
    /// No holidays at all.
    pub(super) fn empty() -> Self {
        Self { plain: Context::default(), festive: Context::default(), partly: BTreeMap::new(), known_until: None }
    }

    /// Of these holidays; `None` when nothing is known of the country.
    pub(super) fn of(holidays: &Holidays) -> Option<Self> {
        let country = match &holidays.country {
            Some(code) => known(code)?,
            None => ContextHolidays::default(),
        };
        let national = country.get_public();
        let days: BTreeSet<NaiveDate> = national.iter().chain(holidays.add.iter().flat_map(DateSpan::dates)).collect();
        let mut partly = BTreeMap::new();
        let (mut plain, mut festive) =
            (ContextHolidays::default().get_public().clone(), ContextHolidays::default().get_public().clone());
        for day in days {
            let pieces = pieces(day, national.contains(day), holidays);
            if pieces.iter().any(|(_, holiday)| *holiday) {
                festive.insert(day);
            }
            if pieces.iter().all(|(_, holiday)| *holiday) {
                plain.insert(day);
            }
            if pieces.len() > 1 {
                partly.insert(day, pieces);
            }
        }
        let school = Arc::new(country.get_school().clone());
        Some(Self {
            plain: Context::default().with_holidays(ContextHolidays::new(Arc::new(plain), school.clone())),
            festive: Context::default().with_holidays(ContextHolidays::new(Arc::new(festive), school)),
            partly,
            known_until: national.iter().last(),
        })
    }
}

/// The codes of the countries whose holidays are known.
pub(super) fn known_countries() -> Vec<&'static str> {
    Country::ALL.into_iter().map(Country::iso_code).filter(|code| known(code).is_some()).collect()
}

fn known(code: &str) -> Option<ContextHolidays> {
    let holidays = code.parse::<Country>().ok()?.holidays();
    let any = holidays.get_public().iter().next().is_some();
    any.then_some(holidays)
}

/// A day's pieces, neighbours being different: the country's, less what is removed, and what is added.
fn pieces(day: NaiveDate, national: bool, holidays: &Holidays) -> Vec<Piece> {
    let of = |spans: &[DateSpan]| -> Vec<(u16, u16)> { spans.iter().filter_map(|span| span.minutes_of(day)).collect() };
    let (added, removed) = (of(&holidays.add), of(&holidays.remove));
    let within = |spans: &[(u16, u16)], minute: u16| spans.iter().any(|(from, to)| (*from..*to).contains(&minute));
    let edges: BTreeSet<u16> =
        [0].into_iter().chain(added.iter().chain(&removed).flat_map(|(from, to)| [*from, *to])).collect();
    let mut pieces: Vec<Piece> = Vec::new();
    for minute in edges.into_iter().filter(|minute| *minute < DAY) {
        let holiday = within(&added, minute) || (national && !within(&removed, minute));
        if pieces.last().is_none_or(|(_, last)| *last != holiday) {
            pieces.push((minute, holiday));
        }
    }
    pieces
}
