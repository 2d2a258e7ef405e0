//! `Retry-After` in the forms that CloudLink may use.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::kit::clock::Clock;

/// The longest wait that is believed.
pub const MAX_WAIT: Duration = Duration::from_hours(1);

/// How long the far side asks to wait: seconds, an HTTP date, or an ISO date (Mitel's sample reads the header as a date
/// \[C, AU\]; no form is documented). At most [`MAX_WAIT`]; a date that has passed means no wait, and what is none of
/// these says nothing.
pub fn retry_after(headers: &HeaderMap, clock: &Clock) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0)
            .then(|| Duration::try_from_secs_f64(seconds).unwrap_or(MAX_WAIT).min(MAX_WAIT));
    }
    let at = date(value)?;
    Some(at.signed_duration_since(clock.now()).to_std().unwrap_or_default().min(MAX_WAIT))
}

fn date(value: &str) -> Option<DateTime<Utc>> {
    let naive = |form| NaiveDateTime::parse_from_str(value, form).ok().map(|at| at.and_utc());
    DateTime::parse_from_rfc2822(value)
        .or_else(|_| DateTime::parse_from_rfc3339(value))
        .map(|at| at.with_timezone(&Utc))
        .ok()
        .or_else(|| naive("%a, %d %b %Y %H:%M:%S GMT"))
        // The two forms of HTTP dates that nobody should send any more.
        .or_else(|| naive("%A, %d-%b-%y %H:%M:%S GMT"))
        .or_else(|| naive("%a %b %e %H:%M:%S %Y"))
        .or_else(|| naive("%Y-%m-%dT%H:%M:%S%.f"))
        .or_else(|| naive("%Y-%m-%d %H:%M:%S%.f"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_seconds_and_dates() {
        let clock = Clock::manual("2026-02-03T08:15:00Z".parse().unwrap());
        for (value, seconds) in [
            ("7", Some(7.0)),
            (" 1.5 ", Some(1.5)),
            ("Tue, 03 Feb 2026 08:15:30 GMT", Some(30.0)),
            ("2026-02-03T08:15:10Z", Some(10.0)),
            ("2026-02-03T09:15:10+01:00", Some(10.0)),
            ("2026-02-03T08:15:10.250", Some(10.25)),
            ("Tuesday, 03-Feb-26 08:15:30 GMT", Some(30.0)),
            ("Tue Feb  3 08:15:30 2026", Some(30.0)),
            ("Tue, 03 Feb 2026 08:14:30 GMT", Some(0.0)),
            ("1970-01-01T00:00:00Z", Some(0.0)),
            ("0", Some(0.0)),
            ("99999999", Some(3600.0)),
            ("1e300", Some(3600.0)),
            ("2027-02-03T08:15:10Z", Some(3600.0)),
            ("9999-12-31T23:59:59Z", Some(3600.0)),
            ("-3", None),
            ("NaN", None),
            ("inf", None),
            ("", None),
            ("Tue, 31 Feb 2026 08:15:30 GMT", None),
            ("soon", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            assert_eq!(retry_after(&headers, &clock).map(|wait| wait.as_secs_f64()), seconds, "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), &clock), None);
    }

    proptest! {
        #[test]
        fn whatever_it_says_the_wait_is_bounded(value in "[ -~]{0,40}|[0-9]{1,40}(\\.[0-9]{1,40})?|-?[0-9]{1,6}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:00Z") {
            let clock = Clock::manual("2026-02-03T08:15:00Z".parse().unwrap());
            let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
            prop_assert!(retry_after(&headers, &clock).is_none_or(|wait| wait <= MAX_WAIT));
        }
    }
}
