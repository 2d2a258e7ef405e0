//! Schedules: `every = "1h"` and `cron = "30 2 * * *"`.
//!
//! A firing is named by its nominal time, an instant. Times of `every` are whole multiples of it since 1970 in UTC, so they are
//! the same after any restart. Times of `cron` are those of the clock on the wall of its zone: one that the clock leaves out
//! fires at the first instant after the gap, one that it shows twice fires the first time. (So a cron of every minute rests
//! for the hour that the clock repeats.) Several that fall on one instant are one firing.
//!
//! What is stored is the last nominal time that was dealt with, and of which schedule: of one that was written anew since
//! nothing was missed. (A number alone is what earlier versions stored: that is of any schedule.) A nominal time that is
//! taken up more than [`ON_TIME`] late was missed.

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use serde::{Deserialize, Serialize};

use super::key::key;
use super::spans::{AHEAD, FOREVER, ON_TIME, SCHEDULE};
use super::stored::read;
use super::{Stored, Timer};

/// More than any zone sets its clocks back at once.
const SET_BACK: TimeDelta = TimeDelta::hours(4);
/// More than any wall time is away from UTC.
const FARTHEST: TimeDelta = TimeDelta::hours(26);
/// The shortest `every`, in milliseconds.
const SHORTEST: i64 = 1000;

/// What becomes of nominal times that passed while the gateway was down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missed {
    /// They are left out.
    #[default]
    Skip,
    /// The last of them fires, once.
    Run,
}

/// Why a schedule makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is no cron expression of five fields.
    #[error("`{text}` is no cron expression of five fields, as `30 2 * * *` (half past two each day): {why}")]
    NotCron {
        /// The text.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// No date ever fits.
    #[error("`{text}` never comes: no date fits it")]
    Never {
        /// The text.
        text: String,
    },
    /// An `every` below a second.
    #[error("`every` is at least 1s")]
    TooShort,
}

/// When a rule is called by the clock.
#[derive(Clone, Debug)]
pub struct Schedule {
    times: Times,
    missed: Missed,
    /// As it is stored: another text is another schedule. The zone is not in it: CloudLink's site may tell it later.
    text: Arc<str>,
}

/// What is known of a schedule.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// The last nominal time that was dealt with, in milliseconds since 1970.
    last: i64,
    /// The text of the schedule that it was of.
    of: Arc<str>,
}

#[derive(Clone, Debug)]
enum Times {
    Every(i64),
    Cron(Box<Cron>, Tz),
}

/// What a look at a schedule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The nominal time that fires now, in milliseconds since 1970.
    pub fire_now: Option<i64>,
    /// When to look again, in milliseconds since 1970. Not later than now when another one is due already.
    pub next: i64,
    /// What is to be stored with the firing.
    pub stored: Stored,
    /// A time passed too long ago and is left out.
    pub missed: bool,
}

/// The key of a rule's schedule.
pub fn schedule_key(account: &str, rule: &str) -> Arc<str> {
    key(account, "schedule", &[rule])
}

/// The timer of a rule's schedule; its [`Timer::firing`] with a nominal time as `due` is that firing's id.
pub fn schedule_timer(account: &str, rule: &str, due: i64) -> Timer {
    Timer { id: schedule_key(account, rule), due }
}

impl Schedule {
    /// Every so many milliseconds.
    pub fn every(span: i64, missed: Missed) -> Result<Self, Error> {
        if span < SHORTEST {
            return Err(Error::TooShort);
        }
        Ok(Self { times: Times::Every(span), missed, text: format!("every {span} ms").into() })
    }

    /// By a cron expression of five fields, in a zone. Names of days and months, `L`, `#` and `W` are understood.
    pub fn cron(text: &str, zone: Tz, missed: Missed) -> Result<Self, Error> {
        let wrong = |why: String| Error::NotCron { text: text.to_owned(), why };
        let fields = text.split_whitespace().count();
        if fields != 5 {
            return Err(wrong(format!("it has {fields} field{}", if fields == 1 { "" } else { "s" })));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|error| wrong(error.to_string().trim_end_matches('.').to_lowercase()))?;
        let fields: Vec<&str> = text.split_whitespace().collect();
        let schedule = Self { times: Times::Cron(Box::new(cron), zone), missed, text: fields.join(" ").into() };
        if schedule.next(0) == FOREVER {
            return Err(Error::Never { text: text.to_owned() });
        }
        Ok(schedule)
    }

    /// The first nominal time after a time, both in milliseconds since 1970. [`FOREVER`] when there is none.
    pub fn next(&self, after: i64) -> i64 {
        match &self.times {
            Times::Every(span) => (after - after.rem_euclid(*span)).saturating_add(*span).min(FOREVER),
            Times::Cron(cron, zone) => next_of(cron, *zone, after).unwrap_or(FOREVER),
        }
    }

    /// Whether this is the first look at the schedule: nothing that is stored is of it.
    pub fn is_new(&self, stored: Option<&str>) -> bool {
        self.last(stored).is_none()
    }

    fn last(&self, stored: Option<&str>) -> Option<i64> {
        match read::<Kept>(stored) {
            Some(kept) => (kept.of == self.text).then_some(kept.last),
            None => read(stored),
        }
    }

    /// Looks what is due, given what is stored. Of a schedule that is seen for the first time nothing is due yet.
    pub fn due(&self, stored: Option<&str>, now: i64) -> Firing {
        let now = now.clamp(0, FOREVER);
        let last = self.last(stored).filter(|last| (0..now.saturating_add(AHEAD)).contains(last));
        let Some(last) = last else { return self.after(None, now) };
        let on_time = self.next(last.max(now - ON_TIME));
        if on_time <= now {
            return self.after(Some(on_time), on_time);
        }
        let missed = self.next(last) <= now;
        if missed && self.missed == Missed::Run {
            let nominal = self.last_by(now).filter(|nominal| *nominal > last);
            return self.after(nominal, now.max(last));
        }
        if missed { Firing { missed, ..self.after(None, now.max(last)) } } else { self.after(None, last) }
    }

    fn after(&self, fire_now: Option<i64>, dealt_with: i64) -> Firing {
        let until = dealt_with.saturating_add(SCHEDULE);
        let kept = Kept { last: dealt_with, of: Arc::clone(&self.text) };
        Firing { fire_now, next: self.next(dealt_with), stored: Stored::new(&kept, until), missed: false }
    }

    /// The last nominal time that is not after `now`.
    fn last_by(&self, now: i64) -> Option<i64> {
        match &self.times {
            Times::Every(span) => Some(now - now.rem_euclid(*span)),
            Times::Cron(cron, zone) => {
                let at = DateTime::from_timestamp_millis(now)?;
                // The clock may have been set back since: it showed later times before.
                let mut wall = whole(shown(*zone, at)).checked_add_signed(SET_BACK)?;
                loop {
                    wall = cron.find_previous_occurrence(&wall, false).ok()?;
                    let nominal = first_showing(*zone, wall);
                    if nominal <= at {
                        return Some(nominal.timestamp_millis());
                    }
                }
            }
        }
    }
}

/// Wall times and the instants that they stand for run in the same order, and what the clock shows now it does not show
/// later for the first time: so the search begins with that.
fn next_of(cron: &Cron, zone: Tz, after: i64) -> Option<i64> {
    let after = DateTime::from_timestamp_millis(after)?;
    let mut wall = whole(shown(zone, after));
    loop {
        wall = cron.find_next_occurrence(&wall, false).ok()?;
        let nominal = first_showing(zone, wall);
        if nominal > after {
            return Some(nominal.timestamp_millis().min(FOREVER));
        }
    }
}

/// What the clock shows.
fn shown(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

fn whole(wall: NaiveDateTime) -> NaiveDateTime {
    wall.with_nanosecond(0).unwrap_or(wall)
}

/// The first instant at which the clock of a zone shows a time or, where it leaves that out, a later one.
pub(super) fn first_showing(zone: Tz, wall: NaiveDateTime) -> DateTime<Utc> {
    if let Some(at) = zone.from_local_datetime(&wall).earliest() {
        return at.to_utc();
    }
    let near = wall.and_utc();
    let (mut no, mut yes) = ((near - FARTHEST).timestamp(), (near + FARTHEST).timestamp());
    let moment = |second| DateTime::from_timestamp(second, 0).unwrap_or(near);
    while yes - no > 1 {
        let middle = no + (yes - no) / 2;
        if shown(zone, moment(middle)) >= wall { yes = middle } else { no = middle }
    }
    moment(yes)
}

#[cfg(test)]
mod tests;
