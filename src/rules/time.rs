//! Points in time as rules write them: a time of day, or RFC 3339.

use chrono::{DateTime, Days, LocalResult, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// Whether a text reads as a time.
pub(super) fn reads(text: &str) -> bool {
    of_day(text).is_some() || crate::hours::moment::read(text, Tz::UTC).is_ok()
}

/// The point in time: of a time of day the next one after `now`, on the clocks of `zone`.
pub fn point(text: &str, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
    let Some(at) = of_day(text) else {
        return crate::hours::moment::read(text, zone).ok();
    };
    let today = now.with_timezone(&zone).date_naive();
    // Yesterday's too: where clocks are set back over midnight it may come once more.
    let first = today.checked_sub_days(Days::new(1))?;
    let days = (0..4).filter_map(|days| first.checked_add_days(Days::new(days)));
    days.flat_map(|day| wall(day.and_time(at), zone)).filter(|at| *at > now).min()
}

/// When the clocks of the zone show it; in an hour that they miss, as if they had not been set forward.
fn wall(at: chrono::NaiveDateTime, zone: Tz) -> Vec<DateTime<Utc>> {
    match zone.from_local_datetime(&at) {
        LocalResult::Single(at) => vec![at.with_timezone(&Utc)],
        LocalResult::Ambiguous(first, second) => vec![first.with_timezone(&Utc), second.with_timezone(&Utc)],
        LocalResult::None => {
            let before = at.checked_sub_signed(TimeDelta::hours(3)).map(|at| zone.from_local_datetime(&at).latest());
            before.flatten().map(|at| (at + TimeDelta::hours(3)).with_timezone(&Utc)).into_iter().collect()
        }
    }
}

/// `8:00`, `08:00`, `08:00:30`, and `24:00` for midnight.
fn of_day(text: &str) -> Option<NaiveTime> {
    if text == "24:00" {
        return Some(NaiveTime::MIN);
    }
    let parts: Vec<&str> = text.split(':').collect();
    let number = |part: &str| -> Option<u32> {
        let digits = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    };
    match parts.as_slice() {
        [hours, minutes] if minutes.len() == 2 => NaiveTime::from_hms_opt(number(hours)?, number(minutes)?, 0),
        [hours, minutes, seconds] if minutes.len() == 2 && seconds.len() == 2 => {
            NaiveTime::from_hms_opt(number(hours)?, number(minutes)?, number(seconds)?)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_on_the_clocks_of_the_zone() {
        let zone = Tz::America__Toronto;
        let table = [
            ("08:00", "2026-12-07T15:00:00Z", "2026-12-08T13:00:00Z"),
            ("8:00", "2026-12-07T12:00:00Z", "2026-12-07T13:00:00Z"),
            ("08:00", "2026-12-07T13:00:00Z", "2026-12-08T13:00:00Z"),
            ("24:00", "2026-12-07T15:00:00Z", "2026-12-08T05:00:00Z"),
            ("08:00:30", "2026-12-07T13:00:00Z", "2026-12-07T13:00:30Z"),
            // Clocks are set forward at two, back at two.
            ("02:30", "2026-03-08T05:00:00Z", "2026-03-08T07:30:00Z"),
            ("01:30", "2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z"),
            ("01:30", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"),
            ("01:30", "2026-11-01T06:30:00Z", "2026-11-02T06:30:00Z"),
            ("2026-12-08T08:00:00-05:00", "2026-12-07T15:00:00Z", "2026-12-08T13:00:00Z"),
        ];
        for (text, now, wanted) in table {
            let found = point(text, now.parse().unwrap(), zone);
            assert_eq!(found, Some(wanted.parse().unwrap()), "{text} at {now}");
            assert!(reads(text));
        }
        for wrong in ["", "8", "25:00", "08:60", "8:0", "soon", "2026-12-08", "+8:00", "08:00 ", "١٢:٠٠"] {
            assert!(!reads(wrong), "{wrong}");
        }
    }
}
