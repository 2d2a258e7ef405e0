//! Holidays out of an iCalendar file: which days and times its events cover.
//!
//! The crate `calcard` reads the file and expands what recurs. It expands without an end, and tells the overrides of
//! two events apart by their day only; so each event is expanded on its own, within a window of years and a number of
//! occurrences.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use calcard::common::PartialDateTime;
use calcard::common::timezone::Tz as Zone;
use calcard::icalendar::dates::TimeOrDelta;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType as Sort, ICalendarFrequency as Frequency,
    ICalendarProperty as Property, ICalendarStatus, ICalendarValue as Value,
};
use calcard::{Entry, Parser};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use super::holidays::DAY;
use super::wall;

/// The largest file.
const MAX_SIZE: usize = 4 << 20;
/// The most events of a file.
const MAX_EVENTS: usize = 20_000;
/// The most days that the events of a file may cover, and the most occurrences that are gone through.
const MAX_DAYS: usize = 100_000;
/// The most occurrences of one event.
const MAX_OCCURRENCES: usize = 20_000;
/// The most recurring events without any occurrence: each costs a search through centuries.
const MAX_BARREN: usize = 10;
/// How many years before and after now are looked at.
const YEARS: (i32, i32) = (5, 10);
/// The most time zones that a file describes.
const MAX_ZONES: usize = 50;
/// The most properties that are kept of a zone; its name and place are among the first. Each event is expanded with a copy.
const MAX_OF_ZONE: usize = 20;
const LAST_SECOND: NaiveTime = match NaiveTime::from_hms_opt(23, 59, 59) {
    Some(time) => time,
    None => NaiveTime::MIN,
};
/// The longest name of a holiday, in characters.
const MAX_NAME: usize = 80;

/// The events of an iCalendar file, each of them a holiday.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    occurrences: Vec<Occurrence>,
    ends: Option<NaiveDate>,
    doubts: Vec<String>,
}

/// Why a file gives no holidays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// Not that format.
    #[error("it is no iCalendar file: {0}")]
    Format(String),
    /// More than is read.
    #[error("it has more than {0}")]
    Much(String),
}

/// When something happens: as clocks show it wherever one is, or at one moment for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    Wall(NaiveDateTime),
    At(DateTime<Utc>),
}

impl Moment {
    fn on_the_wall(self, zone: Tz) -> NaiveDateTime {
        match self {
            Self::Wall(wall) => wall,
            Self::At(at) => wall::shown(zone, at),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Occurrence {
    start: Moment,
    end: Moment,
    name: Arc<str>,
}

/// A part of a day that an event covers, in minutes from midnight.
pub(super) struct Covered<'a> {
    pub(super) day: NaiveDate,
    pub(super) from: u16,
    pub(super) to: u16,
    pub(super) name: &'a Arc<str>,
}

impl Feed {
    /// Reads a file. Events are looked at from five years before `now` until ten years after it.
    pub fn read(text: &str, now: DateTime<Utc>) -> Result<Self, FeedError> {
        if text.len() > MAX_SIZE {
            return Err(FeedError::Much(format!("{} MiB", MAX_SIZE >> 20)));
        }
        // What the parser of others makes of a file must not end the daemon.
        let read = || Reading::new(now).file(text);
        std::panic::catch_unwind(read)
            .unwrap_or_else(|_| Err(FeedError::Format("it can't be made sense of".to_owned())))
    }

    /// The last day that any event covers; within ten years, for what recurs without end.
    pub fn ends(&self) -> Option<NaiveDate> {
        self.ends
    }

    /// What was passed over, or read with a guess.
    pub fn doubts(&self) -> &[String] {
        &self.doubts
    }

    /// What the events cover in a zone, day by day.
    pub(super) fn days(&self, zone: Tz) -> impl Iterator<Item = Covered<'_>> {
        self.occurrences.iter().flat_map(move |one| {
            let (start, end) = (one.start.on_the_wall(zone), one.end.on_the_wall(zone));
            let days = start.date().iter_days().take_while(move |day| *day <= end.date());
            days.filter_map(move |day| {
                let from = if day == start.date() { minute(start.time()) } else { 0 };
                let to = if day == end.date() { minute_after(end.time()) } else { DAY };
                (from < to).then_some(Covered { day, from, to, name: &one.name })
            })
        })
    }
}

fn minute(time: NaiveTime) -> u16 {
    (time.hour() * 60 + time.minute()) as u16
}

/// A minute that has begun counts whole: 23:59:59 is the end of the day.
fn minute_after(time: NaiveTime) -> u16 {
    minute(time) + u16::from(time.second() > 0)
}

struct Reading {
    first: NaiveDate,
    last: NaiveDate,
    feed: Feed,
    doubts: BTreeSet<String>,
    /// How many days and occurrences there have been.
    spent: usize,
    barren: usize,
}

impl Reading {
    fn new(now: DateTime<Utc>) -> Self {
        let day = |years: i32, month, day| NaiveDate::from_ymd_opt(now.year().saturating_add(years), month, day);
        Self {
            first: day(-YEARS.0, 1, 1).unwrap_or(NaiveDate::MIN),
            last: day(YEARS.1, 12, 31).unwrap_or(NaiveDate::MAX),
            feed: Feed::default(),
            doubts: BTreeSet::new(),
            spent: 0,
            barren: 0,
        }
    }

    fn file(mut self, text: &str) -> Result<Feed, FeedError> {
        let ending = text.trim_end().lines().next_back().unwrap_or_default();
        let mut parser = Parser::new(text);
        let mut any = false;
        loop {
            match parser.entry() {
                Entry::ICalendar(calendar) => {
                    any = true;
                    self.calendar(calendar)?;
                }
                Entry::Eof if any && ending.trim().eq_ignore_ascii_case("END:VCALENDAR") => break,
                Entry::Eof if any => return Err(FeedError::Format("END:VCALENDAR is missing".to_owned())),
                Entry::Eof => return Err(FeedError::Format("it has no BEGIN:VCALENDAR".to_owned())),
                Entry::InvalidLine(line) if line.trim().is_empty() => {}
                Entry::InvalidLine(line) => {
                    return Err(FeedError::Format(format!("`{}` is not understood", printable(&line))));
                }
                _ => return Err(FeedError::Format("its parts do not begin and end in order".to_owned())),
            }
        }
        self.feed.ends = self.feed.days(Tz::UTC).map(|covered| covered.day).max().map(|day| day.min(self.last));
        self.feed.doubts = self.doubts.into_iter().take(20).collect();
        Ok(self.feed)
    }

    /// Each event is expanded on its own, with the zones of its file.
    fn calendar(&mut self, calendar: ICalendar) -> Result<(), FeedError> {
        let (mut zones, mut events) = (Vec::new(), BTreeMap::<String, Vec<ICalendarComponent>>::new());
        for (at, mut component) in calendar.components.into_iter().enumerate() {
            if at > MAX_EVENTS {
                return Err(FeedError::Much(format!("{MAX_EVENTS} events")));
            }
            match component.component_type {
                Sort::VTimezone if zones.len() < MAX_ZONES => {
                    component.entries.truncate(MAX_OF_ZONE);
                    zones.push(component);
                }
                Sort::VEvent => {
                    let id = component.uid().map_or_else(|| format!("\0{at}"), str::to_owned);
                    events.entry(id).or_default().push(component);
                }
                _ => {}
            }
        }
        let zones = ICalendar { components: zones };
        for event in events.into_values() {
            let mut one = zones.clone();
            one.components.extend(event.into_iter().filter_map(|event| self.event(event, &zones)));
            self.expand(&one)?;
        }
        Ok(())
    }

    /// The event without what would never end; `None` when it is no holiday.
    fn event(&mut self, mut event: ICalendarComponent, zones: &ICalendar) -> Option<ICalendarComponent> {
        let name = name(&event);
        let zones = zones.build_tz_resolver();
        let unknown = event.entries.iter().filter_map(|entry| entry.tz_id()).find(|id| zones.resolve(id).is_none());
        if let Some(id) = unknown {
            let id = printable(id);
            self.doubts.insert(format!("the zone `{id}` is not known: its times are taken for those of the hours"));
        }
        let start = event.property(&Property::Dtstart);
        let timed =
            start.and_then(|start| start.values.first()?.as_partial_date_time()).is_some_and(PartialDateTime::has_time);
        let zone = start.and_then(|start| start.tz_id()).and_then(|id| zones.resolve(id));
        if timed && !event.has_property(&Property::Dtend) && !event.has_property(&Property::Duration) {
            self.doubts.insert(format!("`{name}` begins at a time and has no end"));
            return None;
        }
        for value in event.entries.iter_mut().flat_map(|entry| &mut entry.values) {
            let Value::RecurrenceRule(rule) = value else { continue };
            if matches!(rule.freq, Frequency::Hourly | Frequency::Minutely | Frequency::Secondly) {
                self.doubts.insert(format!("`{name}` recurs more often than daily"));
                return None;
            }
            match &rule.until {
                None if rule.count.is_none() => rule.until = Some(partial(self.last.and_time(LAST_SECOND))),
                Some(until) if until.has_zone() => {
                    // Written in UTC, but compared with the event's own clock.
                    let at = zone.and_then(|zone| Some(until.to_date_time_with_tz(Zone::UTC)?.with_timezone(&zone)));
                    rule.until = at.map(|at| partial(at.naive_local())).or(rule.until.take());
                }
                _ => {}
            }
        }
        Some(event)
    }

    fn expand(&mut self, one: &ICalendar) -> Result<(), FeedError> {
        let expanded = one.expand_dates(Zone::Floating, MAX_OCCURRENCES);
        for error in expanded.errors.iter().take(5) {
            let name = one.components.get(error.comp_id as usize).map(name).unwrap_or_default();
            self.doubts.insert(format!("`{name}` is passed over: {}", error.error));
        }
        self.barren += usize::from(expanded.events.is_empty() && expanded.errors.is_empty());
        self.spend(expanded.events.len())?;
        if self.barren > MAX_BARREN {
            return Err(FeedError::Much(format!("{MAX_BARREN} events that never take place")));
        }
        for event in expanded.events {
            let Some(component) = one.components.get(event.comp_id as usize) else { continue };
            if component.status() == Some(&ICalendarStatus::Cancelled) {
                continue;
            }
            let end = match event.end {
                TimeOrDelta::Time(end) => Some(moment(&end)),
                TimeOrDelta::Delta(length) => after(&event.start, length),
            };
            if let Some(end) = end {
                self.take(moment(&event.start), end, &name(component))?;
            }
        }
        Ok(())
    }

    /// Keeps what lies in the window.
    fn take(&mut self, start: Moment, end: Moment, name: &str) -> Result<(), FeedError> {
        let (from, to) = (start.on_the_wall(Tz::UTC).date(), end.on_the_wall(Tz::UTC).date());
        if to < self.first || from > self.last {
            return Ok(());
        }
        let border = |day: NaiveDate| Moment::Wall(day.and_time(NaiveTime::MIN));
        let start = if from < self.first { border(self.first) } else { start };
        let end = if to > self.last { border(self.last.succ_opt().unwrap_or(self.last)) } else { end };
        self.spend((to.min(self.last) - from.max(self.first)).num_days().unsigned_abs() as usize)?;
        self.feed.occurrences.push(Occurrence { start, end, name: name.into() });
        Ok(())
    }

    fn spend(&mut self, count: usize) -> Result<(), FeedError> {
        self.spent = self.spent.saturating_add(count);
        if self.spent > MAX_DAYS { Err(FeedError::Much(format!("{MAX_DAYS} days"))) } else { Ok(()) }
    }
}

fn moment(at: &DateTime<Zone>) -> Moment {
    if at.timezone().is_floating() { Moment::Wall(at.naive_local()) } else { Moment::At(at.to_utc()) }
}

/// The end by the clock, so that a day is a day when clocks change.
fn after(start: &DateTime<Zone>, length: TimeDelta) -> Option<Moment> {
    let end = start.naive_local().checked_add_signed(length)?;
    if start.timezone().is_floating() {
        return Some(Moment::Wall(end));
    }
    let shown = start.timezone().from_local_datetime(&end).latest().map(|end| end.to_utc());
    shown.or_else(|| start.to_utc().checked_add_signed(length)).map(Moment::At)
}

fn partial(at: NaiveDateTime) -> PartialDateTime {
    let small = |number: u32| u8::try_from(number).ok();
    PartialDateTime {
        year: u16::try_from(at.year()).ok(),
        month: small(at.month()),
        day: small(at.day()),
        hour: small(at.hour()),
        minute: small(at.minute()),
        second: small(at.second()),
        ..PartialDateTime::default()
    }
}

fn name(event: &ICalendarComponent) -> String {
    let summary = event.property(&Property::Summary).and_then(|entry| entry.values.first()?.as_text());
    let name = printable(summary.unwrap_or_default());
    if name.is_empty() { "an event without a name".to_owned() } else { name }
}

/// A text from the file for a message: one line, not too long.
fn printable(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_NAME).collect();
    clean.trim().to_owned()
}
