//! Holidays compiled: whole days into calendars that the crate `opening-hours` reads, days that are partly holidays
//! into pieces.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
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
    /// The names of holidays that have one.
    named: Names,
    country: Option<String>,
    /// The last holiday that is known of the country.
    pub(super) known_until: Option<NaiveDate>,
}

impl Calendar {
    /// No holidays at all.
    pub(super) fn empty() -> Self {
        Self {
            plain: Context::default(),
            festive: Context::default(),
            partly: BTreeMap::new(),
            named: Names::new(),
            country: None,
            known_until: None,
        }
    }

    /// Of these holidays on the clocks of a zone; `None` when nothing is known of the country.
    pub(super) fn of(holidays: &Holidays, zone: Tz) -> Option<Self> {
        let country = match &holidays.country {
            Some(code) => known(code)?,
            None => ContextHolidays::default(),
        };
        let (days, named) = days(&country, holidays, zone);
        let mut partly = BTreeMap::new();
        let (mut plain, mut festive) =
            (ContextHolidays::default().get_public().clone(), ContextHolidays::default().get_public().clone());
        for (day, covered) in days {
            let pieces = covered.pieces();
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
            named,
            country: holidays.country.clone(),
            known_until: country.get_public().iter().last(),
        })
    }

    /// What a day is a holiday of, and when; `None` for a plain day.
    pub(super) fn holiday(&self, day: NaiveDate) -> Option<Holiday> {
        if !self.festive.holidays.get_public().contains(day) {
            return None;
        }
        let whole = [(0, true)];
        let pieces = self.partly.get(&day).map_or(&whole[..], Vec::as_slice);
        let ends = pieces.iter().skip(1).map(|(from, _)| *from).chain([DAY]);
        let times = pieces.iter().zip(ends).filter(|((_, holiday), _)| *holiday);
        let times = times.map(|((from, _), to)| (*from, to)).collect();
        let names = self.named.get(&day).cloned().unwrap_or_default();
        let country = self.country.as_deref().filter(|_| names.is_empty());
        let names = country.map(|code| vec![format!("public holiday of {code}").into()]).unwrap_or(names);
        Some(Holiday { day, times, names })
    }
}

impl Holidays {
    /// The places in `remove` of those that take away nothing: no day of theirs is a holiday. What lies beyond the days that
    /// are known of the country is left out.
    pub fn removed_for_nothing(&self, zone: Tz) -> Vec<usize> {
        let bare = Self { remove: Vec::new(), add: Vec::new(), ..self.clone() };
        if self.remove.is_empty() || (bare.country.is_none() && bare.feeds.is_empty()) {
            return Vec::new();
        }
        let Some(calendar) = Calendar::of(&bare, zone) else { return Vec::new() };
        let known = |day: NaiveDate| bare.country.is_none() || calendar.known_until.is_some_and(|last| day <= last);
        let nothing = |span: &DateSpan| {
            // Of a long span the rest is taken as meant.
            let mut days = span.dates().take(400);
            days.all(|day| known(day) && calendar.holiday(day).is_none())
        };
        (0..self.remove.len()).filter(|at| nothing(&self.remove[*at])).collect()
    }
}

/// A day that is a holiday, or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holiday {
    /// The day.
    pub day: NaiveDate,
    /// When, in minutes from midnight: the whole day is `(0, 1440)`.
    pub times: Vec<(u16, u16)>,
    /// What is celebrated, or why it is one.
    pub names: Vec<Arc<str>>,
}

/// What is said of one day, in minutes from midnight.
#[derive(Debug, Default)]
struct Covered {
    holiday: Vec<(u16, u16)>,
    removed: Vec<(u16, u16)>,
    added: Vec<(u16, u16)>,
}

type Names = BTreeMap<NaiveDate, Vec<Arc<str>>>;

/// All days of which anything is said, and the names of those that have one.
fn days(country: &ContextHolidays, holidays: &Holidays, zone: Tz) -> (BTreeMap<NaiveDate, Covered>, Names) {
    let (mut days, mut names) = (BTreeMap::<NaiveDate, Covered>::new(), Names::new());
    for day in country.get_public().iter() {
        days.entry(day).or_default().holiday.push((0, DAY));
    }
    for covered in holidays.feeds.iter().flat_map(|feed| feed.days(zone)) {
        days.entry(covered.day).or_default().holiday.push((covered.from, covered.to));
        let names = names.entry(covered.day).or_default();
        if names.len() < 8 && !names.contains(covered.name) {
            names.push(covered.name.clone());
        }
    }
    for (span, day) in holidays.remove.iter().flat_map(|span| span.dates().map(move |day| (span, day))) {
        // What is no holiday can't be removed.
        if let Some(covered) = days.get_mut(&day) {
            covered.removed.push(span.minutes());
        }
    }
    let by_hand: Arc<str> = "added by hand".into();
    for (span, day) in holidays.add.iter().flat_map(|span| span.dates().map(move |day| (span, day))) {
        let covered = days.entry(day).or_default();
        covered.added.push(span.minutes());
        if covered.holiday.is_empty() {
            names.entry(day).or_insert_with(|| vec![by_hand.clone()]);
        }
    }
    (days, names)
}

impl Covered {
    /// The day's pieces, neighbours being different: the holidays, less what is removed, and what is added.
    fn pieces(&self) -> Vec<Piece> {
        let all = || self.holiday.iter().chain(&self.removed).chain(&self.added);
        let within = |spans: &[(u16, u16)], minute: u16| spans.iter().any(|(from, to)| (*from..*to).contains(&minute));
        let edges: BTreeSet<u16> = [0].into_iter().chain(all().flat_map(|(from, to)| [*from, *to])).collect();
        let mut pieces: Vec<Piece> = Vec::new();
        for minute in edges.into_iter().filter(|minute| *minute < DAY) {
            let holiday =
                within(&self.added, minute) || within(&self.holiday, minute) && !within(&self.removed, minute);
            if pieces.last().is_none_or(|(_, last)| *last != holiday) {
                pieces.push((minute, holiday));
            }
        }
        pieces
    }
}

/// Whether any holidays are known of the country of that code.
pub fn knows_country(code: &str) -> bool {
    known(code).is_some()
}

/// The codes of the countries whose holidays are known.
pub fn known_countries() -> Vec<&'static str> {
    Country::ALL.into_iter().map(Country::iso_code).filter(|code| known(code).is_some()).collect()
}

fn known(code: &str) -> Option<ContextHolidays> {
    let holidays = code.parse::<Country>().ok()?.holidays();
    let any = holidays.get_public().iter().next().is_some();
    any.then_some(holidays)
}
