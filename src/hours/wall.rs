//! How the clock on the wall runs in UTC: it is set back and forward, and the moments of that matter.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// More than any zone sets its clocks back at once.
const SET_BACK: TimeDelta = TimeDelta::hours(4);
/// More than any wall time is away from UTC.
const FARTHEST: TimeDelta = TimeDelta::hours(26);

/// What the clock shows at that moment.
pub(super) fn shown(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    let utc = at.naive_utc();
    let ahead = zone.offset_from_utc_datetime(&utc).fix();
    utc.checked_add_offset(ahead).unwrap_or(utc)
}

/// The first moment after `after` at which the clock shows `wall` or, where that is left out, a later time.
/// At `after` the clock must show an earlier time.
pub(super) fn first_showing(zone: Tz, wall: NaiveDateTime, after: DateTime<Utc>) -> DateTime<Utc> {
    match zone.from_local_datetime(&wall) {
        MappedLocalTime::Single(at) => at.to_utc(),
        MappedLocalTime::Ambiguous(first, _) if first > after => first.to_utc(),
        MappedLocalTime::Ambiguous(_, second) => second.to_utc(),
        MappedLocalTime::None => {
            let near = wall.and_utc();
            first(near - FARTHEST, near + FARTHEST, |at| shown(zone, at) >= wall)
        }
    }
}

/// The moment soon after `after` at which the clock is set back to before what it shows at `after`.
pub(super) fn set_back(zone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let ahead = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc();
    let (now, soon) = (ahead(after), after.checked_add_signed(SET_BACK)?);
    if ahead(soon) >= now {
        return None;
    }
    let at = first(after, soon, |at| ahead(at) < now);
    (shown(zone, at) < shown(zone, after)).then_some(at)
}

/// The first second in `(before, by]` of which `holds` is true, given that it is false at `before` and true at `by`.
fn first(before: DateTime<Utc>, by: DateTime<Utc>, holds: impl Fn(DateTime<Utc>) -> bool) -> DateTime<Utc> {
    let (mut no, mut yes) = (before.timestamp(), by.timestamp());
    let moment = |second| DateTime::from_timestamp(second, 0).unwrap_or(by);
    while yes - no > 1 {
        let middle = no + (yes - no) / 2;
        if holds(moment(middle)) { yes = middle } else { no = middle }
    }
    moment(yes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn wall(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn a_missing_time_is_the_end_of_the_gap() {
        let zone = chrono_tz::America::Toronto;
        let at = first_showing(zone, wall("2026-03-08T02:15:00"), utc("2026-03-08T00:00:00Z"));
        assert_eq!(at, utc("2026-03-08T07:00:00Z"));
        // Samoa left out a whole day.
        let zone = chrono_tz::Pacific::Apia;
        let at = first_showing(zone, wall("2011-12-30T12:00:00"), utc("2011-12-29T00:00:00Z"));
        assert_eq!(at, utc("2011-12-30T10:00:00Z"));
    }

    #[test]
    fn a_repeated_time_is_the_next_of_the_two() {
        let zone = chrono_tz::America::Toronto;
        let half_past_one = wall("2026-11-01T01:30:00");
        assert_eq!(first_showing(zone, half_past_one, utc("2026-11-01T05:00:00Z")), utc("2026-11-01T05:30:00Z"));
        assert_eq!(first_showing(zone, half_past_one, utc("2026-11-01T06:00:00Z")), utc("2026-11-01T06:30:00Z"));
    }

    #[test]
    fn being_set_back_is_seen_only_where_it_repeats_something() {
        let zone = chrono_tz::America::Toronto;
        assert_eq!(set_back(zone, utc("2026-11-01T05:10:00Z")), Some(utc("2026-11-01T06:00:00Z")));
        assert_eq!(set_back(zone, utc("2026-11-01T04:10:00Z")), None, "01:00 is later than 00:10");
        assert_eq!(set_back(zone, utc("2026-11-01T06:00:00Z")), None);
        assert_eq!(set_back(zone, utc("2026-03-08T06:10:00Z")), None);
    }
}
