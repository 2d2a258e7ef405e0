//! Hours compiled: whether they are open, and when that changes.

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use opening_hours::{OpeningHours, RuleKind};

use super::calendar::{Calendar, Holiday, known_countries};
use super::error::Error;
use super::hidden::{deciding, hidden};
use super::holidays::{DAY, Holidays};
use super::notation::{Notation, find};
use super::wall;

/// How far ahead a change is looked for: 29 February can be eight years away.
const YEARS: TimeDelta = TimeDelta::days(9 * 366);
/// The same where every week is like every other; one of them may lack an hour.
const WEEKS: TimeDelta = TimeDelta::days(22);

/// Opening hours of one place: when they are open, and when that changes.
#[derive(Clone, Debug)]
pub struct Hours {
    zone: Tz,
    horizon: TimeDelta,
    /// The rules where days that are partly holidays count as plain ones, and where they count as holidays.
    plain: OpeningHours,
    festive: OpeningHours,
    calendar: Arc<Calendar>,
    names_public_holidays: bool,
}

impl Hours {
    /// Compiles hours in OpenStreetMap's notation. What they do not say of public holidays (`PH`) is not asked of
    /// `holidays`, so that an unknown country matters only where it is needed.
    pub fn parse(open: &str, timezone: Tz, holidays: &Holidays) -> Result<Self, Error> {
        let notation = Notation::read(open)?;
        let calendar = match ["PH", "SH"].into_iter().find(|word| notation.names(word)) {
            None => Calendar::empty(),
            Some(name) => Calendar::of(holidays, timezone).ok_or_else(|| Error::Country {
                name,
                code: holidays.country.clone().unwrap_or_default(),
                known: known_countries(),
                at: find(open, name),
            })?,
        };
        Ok(Self {
            zone: timezone,
            horizon: if notation.is_weekly() { WEEKS } else { YEARS },
            names_public_holidays: notation.names("PH"),
            plain: notation.rules.clone().with_context(calendar.plain.clone()),
            festive: notation.rules.with_context(calendar.festive.clone()),
            calendar: calendar.into(),
        })
    }

    /// Whether they are open at that moment. What the notation calls `unknown` is not open.
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        let wall = wall::shown(self.zone, at);
        let (rules, _) = self.in_force(wall);
        parts(rules, wall.date()).take_while(|(start, _)| *start <= wall).last().is_some_and(|(_, open)| open)
    }

    /// The next moment after `at` at which open becomes closed or closed becomes open, if there is one within nine
    /// years.
    pub fn next_change(&self, at: DateTime<Utc>) -> Option<DateTime<Tz>> {
        let until = at.checked_add_signed(self.horizon)?;
        let open = self.is_open(at);
        std::iter::successors(self.next_edge(at, until), |edge| self.next_edge(*edge, until))
            .find(|edge| self.is_open(*edge) != open)
            .map(|edge| edge.with_timezone(&self.zone))
    }

    /// The next moment after `at` at which closed becomes open, if there is one within nine years.
    pub fn next_open(&self, at: DateTime<Utc>) -> Option<DateTime<Tz>> {
        let change = self.next_change(at)?;
        if self.is_open(change.to_utc()) { Some(change) } else { self.next_change(change.to_utc()) }
    }

    /// The next moment after `at` at which open becomes closed, if there is one within nine years.
    pub fn next_close(&self, at: DateTime<Utc>) -> Option<DateTime<Tz>> {
        let change = self.next_change(at)?;
        if self.is_open(change.to_utc()) { self.next_change(change.to_utc()) } else { Some(change) }
    }

    /// When they are open on a day, in minutes from midnight as the clock shows them.
    pub fn open_on(&self, day: NaiveDate) -> Vec<(u16, u16)> {
        let whole = [(0, false)];
        let partly = self.calendar.partly.get(&day);
        let pieces = partly.map_or(&whole[..], Vec::as_slice);
        let ends = pieces.iter().skip(1).map(|(from, _)| *from).chain([DAY]);
        let mut times: Vec<(u16, u16)> = Vec::new();
        for ((from, holiday), to) in pieces.iter().zip(ends) {
            let rules = if *holiday { &self.festive } else { &self.plain };
            for part in rules.schedule_at(day).into_iter().filter(|part| part.kind == RuleKind::Open) {
                let (start, end) = (part.range.start.mins_from_midnight(), part.range.end.mins_from_midnight());
                let (start, end) = (start.max(*from), end.min(to));
                match times.last_mut().filter(|last| last.1 == start) {
                    _ if start >= end => {}
                    Some(last) => last.1 = end,
                    None => times.push((start, end)),
                }
            }
        }
        times
    }

    /// What a day is a holiday of; `None` for a plain day, and where holidays do not matter.
    pub fn holiday(&self, day: NaiveDate) -> Option<Holiday> {
        self.calendar.holiday(day)
    }

    /// The parts of `open` without which that day would be another; as the notation is printed.
    pub fn parts_for(&self, day: NaiveDate) -> Vec<String> {
        deciding(&self.plain, day)
    }

    /// Whether public holidays matter: `open` names PH.
    pub fn names_public_holidays(&self) -> bool {
        self.names_public_holidays
    }

    /// The last public holiday that is known of the country, where `open` asks for any.
    pub fn holidays_known_until(&self) -> Option<NaiveDate> {
        self.calendar.known_until
    }

    /// Whether they are closed at `from` and for nine years after it.
    pub fn never_opens(&self, from: DateTime<Utc>) -> bool {
        !self.is_open(from) && self.next_change(from).is_none()
    }

    /// Rules that are written and change nothing in the two years from `from` on, because a later one hides them; as
    /// the notation is printed, not as it was written.
    pub fn hidden_rules(&self, from: DateTime<Utc>) -> Vec<String> {
        hidden(&self.festive, wall::shown(self.zone, from).date())
    }

    /// The zone of their clock.
    pub fn timezone(&self) -> Tz {
        self.zone
    }

    /// A moment after `at` before which nothing changes; it may be that nothing changes then either.
    fn next_edge(&self, at: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let by_rule = self.edge_on_the_wall(wall::shown(self.zone, at), wall::shown(self.zone, until));
        let by_rule = by_rule.map(|edge| wall::first_showing(self.zone, edge, at));
        let edge = by_rule.into_iter().chain(wall::set_back(self.zone, at)).min()?;
        debug_assert!(edge > at, "time goes on: {edge} after {at} in {}", self.zone);
        (at < edge && edge < until).then_some(edge)
    }

    /// The wall time after `wall` up to which the rules in force say the same, or stop to be in force.
    ///
    /// Goes from day to day: the crate's own search (`next_change`) misses changes that are far away, such as
    /// 29 February 2104 from 2096.
    fn edge_on_the_wall(&self, wall: NaiveDateTime, horizon: NaiveDateTime) -> Option<NaiveDateTime> {
        let (rules, in_force_until) = self.in_force(wall);
        let end = in_force_until.min(horizon);
        let days = wall.date().iter_days().take_while(|date| date.and_time(NaiveTime::MIN) < end);
        let mut open = None;
        for (start, now_open) in days.flat_map(|date| parts(rules, date)) {
            if start <= wall || open.is_none() {
                open = Some(now_open);
            } else if open != Some(now_open) {
                return (start < horizon).then_some(start.min(end));
            }
        }
        (end < horizon).then_some(end)
    }

    /// Which rules hold at a wall time, and until when at most.
    fn in_force(&self, wall: NaiveDateTime) -> (&OpeningHours, NaiveDateTime) {
        let partly = &self.calendar.partly;
        let (day, after) = (wall.date(), wall.date().checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX));
        let Some(pieces) = partly.get(&day) else {
            let next = partly.range(after..).next().map_or(NaiveDate::MAX, |(day, _)| *day);
            return (&self.plain, next.and_time(NaiveTime::MIN));
        };
        let minute = (wall.hour() * 60 + wall.minute()) as u16;
        let next = pieces.partition_point(|(from, _)| *from <= minute);
        let holiday = next.checked_sub(1).and_then(|current| pieces.get(current)).is_some_and(|(_, holiday)| *holiday);
        let until = match pieces.get(next) {
            Some((from, _)) => day.and_time(NaiveTime::MIN) + TimeDelta::minutes((*from).into()),
            None => after.and_time(NaiveTime::MIN),
        };
        (if holiday { &self.festive } else { &self.plain }, until)
    }
}

/// The parts of a day from midnight on: when each starts, and whether it is open.
fn parts(rules: &OpeningHours, date: NaiveDate) -> impl Iterator<Item = (NaiveDateTime, bool)> + use<> {
    let midnight = date.and_time(NaiveTime::MIN);
    rules.schedule_at(date).into_iter().map(move |part| {
        let start = TimeDelta::minutes(part.range.start.mins_from_midnight().into());
        (midnight.checked_add_signed(start).unwrap_or(midnight), part.kind == RuleKind::Open)
    })
}
