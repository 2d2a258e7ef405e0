//! What hours answer, against answers derived by hand, and the laws that hold for all of them.

mod almanac;
mod clock;
mod feeds;
mod holidays;
mod laws;
mod notation;
mod oracle;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::*;

const TORONTO: Tz = chrono_tz::America::Toronto;
const BERLIN: Tz = chrono_tz::Europe::Berlin;

/// Hours without any holidays.
fn plain(open: &str, zone: Tz) -> Hours {
    Hours::parse(open, zone, &Holidays::default()).unwrap()
}

/// The holidays of a country, corrected.
fn holidays(country: &str, add: &[&str], remove: &[&str]) -> Holidays {
    let spans = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    Holidays { country: Some(country.to_owned()), add: spans(add), remove: spans(remove), feeds: Vec::new() }
}

fn utc(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// The changes on a local day, as "+08:30 EST -17:00 EST", once by asking of every minute and once by following
/// `next_change`; both must agree.
fn day(hours: &Hours, date: &str) -> String {
    let date: NaiveDate = date.parse().unwrap();
    let midnight = |date: NaiveDate| {
        wall::first_showing(hours.timezone(), date.and_hms_opt(0, 0, 0).unwrap(), DateTime::<Utc>::MIN_UTC)
    };
    let (start, end) = (midnight(date), midnight(date.succ_opt().unwrap()));
    let minutes = std::iter::successors(Some(start), |at| Some(*at + TimeDelta::minutes(1))).take_while(|at| *at < end);
    let asked: Vec<DateTime<Utc>> = minutes
        .filter(|at| hours.is_open(*at) != (*at > start && hours.is_open(*at - TimeDelta::minutes(1))))
        .collect();
    let eve = start - TimeDelta::seconds(1);
    let followed = std::iter::successors(hours.next_change(eve), |at| hours.next_change(at.to_utc()))
        .map(|at| at.to_utc())
        .take_while(|at| *at < end)
        .collect::<Vec<_>>();
    let within: Vec<_> = asked.iter().copied().filter(|at| *at != start).collect();
    assert_eq!(within, followed.into_iter().filter(|at| *at != start).collect::<Vec<_>>(), "two ways to ask differ");
    let shown = asked.into_iter().map(|at| {
        let sign = if hours.is_open(at) { '+' } else { '-' };
        format!("{sign}{}", at.with_timezone(&hours.timezone()).format("%H:%M %Z"))
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// The same without the zone's name.
fn times(hours: &Hours, date: &str) -> String {
    let day = day(hours, date);
    day.split(' ').filter(|word| word.starts_with(['+', '-'])).collect::<Vec<_>>().join(" ")
}
