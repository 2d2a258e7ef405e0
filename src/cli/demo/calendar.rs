//! Which day the demo plays on. The hours in `config/` are real hours, and a demo runs on Sundays too: so the gateway's
//! clock and the simulator's are moved together to a plain working day nearby.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::{America::Toronto, Tz};

/// The first plain working day in Ontario from this day on: a Tuesday, Wednesday or Thursday, because holidays without
/// a fixed date fall on Mondays and Fridays, and none of those that have one.
pub(super) fn working_day(from: NaiveDate) -> NaiveDate {
    from.iter_days().find(|day| is_plain(*day)).unwrap_or(from)
}

fn is_plain(day: NaiveDate) -> bool {
    let in_mid_week = matches!(day.weekday(), Weekday::Tue | Weekday::Wed | Weekday::Thu);
    let is_holiday = matches!(
        (day.month(), day.day()),
        (1, 1..=5) | (12, 22..=31)      // Christmas and New Year, with the days given for those on a week-end
            | (7, 1..=2) | (9, 30) | (11, 11)
    );
    in_mid_week && !is_holiday
}

/// Today in Toronto.
pub(super) fn today(now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&Toronto).date_naive()
}

/// That hour of that day in Toronto. An hour that the change to summer time skips is the next one.
pub(super) fn at(day: NaiveDate, hour: u32) -> DateTime<Tz> {
    let time = NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default();
    let local = day.and_time(time);
    Toronto.from_local_datetime(&local).earliest().unwrap_or_else(|| Toronto.from_utc_datetime(&local))
}

/// By how many seconds a clock must be put forward (back, if negative) to show that time within this second.
pub(super) fn offset(now: DateTime<Utc>, wanted: DateTime<Tz>) -> i64 {
    (wanted.signed_duration_since(now).num_milliseconds() + 999).div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use chrono::Days;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_working_day_is_near_and_never_a_holiday_or_a_week_end() {
        let mut from = day("2026-01-01");
        while from < day("2036-01-01") {
            let found = working_day(from);
            assert!(found >= from && found - from <= chrono::TimeDelta::days(21), "{from} gave {found}");
            assert!(matches!(found.weekday(), Weekday::Tue | Weekday::Wed | Weekday::Thu));
            from = from + Days::new(1);
        }
        assert_eq!(working_day(day("2026-11-24")), day("2026-11-24"));
        assert_eq!(working_day(day("2026-11-27")), day("2026-12-01"));
        assert_eq!(working_day(day("2026-12-22")), day("2027-01-06"));
        assert_eq!(working_day(day("2026-07-01")), day("2026-07-07"));
    }

    #[test]
    fn the_offset_leads_to_the_hour_in_toronto() {
        let now: DateTime<Utc> = "2026-11-24T17:00:30Z".parse().unwrap();
        assert_eq!(today("2026-11-25T03:00:00Z".parse().unwrap()), day("2026-11-24"));
        assert_eq!(offset(now, at(day("2026-11-24"), 10)), -2 * 3600 - 30);
        assert_eq!(offset(now, at(day("2026-11-24"), 22)), 10 * 3600 - 30);
        let later: DateTime<Utc> = "2026-11-24T17:00:30.4Z".parse().unwrap();
        assert_eq!(offset(later, at(day("2026-11-24"), 22)), 10 * 3600 - 30);
        assert_eq!(offset(later, at(day("2026-11-24"), 10)), -2 * 3600 - 30);
        assert_eq!(at(day("2026-07-07"), 10).to_utc(), "2026-07-07T14:00:00Z".parse::<DateTime<Utc>>().unwrap());
    }

    #[test]
    fn it_is_open_at_ten_and_closed_at_ten_in_the_evening() {
        let country: opening_hours::localization::Country = "CA".parse().unwrap();
        let context = opening_hours::Context::default().with_holidays(country.holidays());
        let hours: opening_hours::OpeningHours = "Mo-Fr 08:30-17:00; PH off".parse().unwrap();
        let hours = hours.with_context(context);
        let mut from = day("2026-01-01");
        while from < day("2030-01-01") {
            let plain = working_day(from);
            assert!(hours.is_open(at(plain, 10).naive_local()), "{plain} is no working day");
            assert!(hours.is_closed(at(plain, 22).naive_local()));
            from = plain + Days::new(1);
        }
    }
}
