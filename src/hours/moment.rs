//! A moment as people write it.

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::wall;

/// A time with an offset, or what the clock shows in a zone: `2026-12-25 10:00`. Where clocks are set forward and the time
/// is left out, the moment after; where they are set back, the first of the two.
pub fn read(text: &str, zone: Tz) -> Result<DateTime<Utc>, String> {
    const FORMATS: [&str; 4] = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"];
    let unreadable =
        || format!("`{}` is no time; write it as 2026-12-25 10:00", text.chars().take(80).collect::<String>());
    let with_offset =
        DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%:z"));
    let at = if let Ok(at) = with_offset {
        at.to_utc()
    } else {
        let shown = FORMATS.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
        let shown = shown.ok_or_else(unreadable)?;
        // Far from here neither zones nor calendars are of use.
        if !(1970..=2199).contains(&chrono::Datelike::year(&shown)) {
            return Err(unreadable());
        }
        let before = zone.from_utc_datetime(&(shown - chrono::TimeDelta::days(2))).to_utc();
        wall::first_showing(zone, shown, before)
    };
    if (1970..=2200).contains(&chrono::Datelike::year(&at)) { Ok(at) } else { Err(unreadable()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_zone() {
        let zone = chrono_tz::America::Toronto;
        for (text, utc) in [
            ("2026-12-25 10:00", "2026-12-25T15:00:00Z"),
            ("2026-07-01T10:00:05", "2026-07-01T14:00:05Z"),
            ("2026-12-25T10:00:00+01:00", "2026-12-25T09:00:00Z"),
            ("2026-12-25T10:00+01:00", "2026-12-25T09:00:00Z"),
            ("2026-12-25T10:00:00.250Z", "2026-12-25T10:00:00.250Z"),
            ("2026-03-08 02:30", "2026-03-08T07:00:00Z"),
            ("2026-11-01 01:30", "2026-11-01T05:30:00Z"),
        ] {
            assert_eq!(read(text, zone), Ok(utc.parse().unwrap()), "{text}");
        }
        for text in
            ["", "soon", "2026-13-01 10:00", "10:00", "0000-01-01 10:00", "9999-12-31T23:59:59Z", "+262142-12-31T23:59"]
        {
            assert!(read(text, zone).is_err(), "{text}");
        }
    }
}
