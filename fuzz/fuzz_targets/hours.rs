//! Opening hours of any text are read or refused; what is read has a week, a year and changes, in bounded time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use switchhook::hours::{Holidays, Hours};

fuzz_target!(|open: &str| {
    let holidays = Holidays { country: Some("CA".to_owned()), ..Holidays::default() };
    let Ok(hours) = Hours::parse(open, chrono_tz::America::Toronto, &holidays) else { return };
    for at in ["2026-11-01T05:30:00Z", "2028-02-29T12:00:00Z"] {
        let at = at.parse().unwrap_or_default();
        let _ = (hours.is_open(at), hours.next_change(at), hours.next_open(at), hours.next_close(at));
        let _ = (hours.never_opens(at), hours.hidden_rules(at));
        let _ = (hours.week(at.date_naive()), hours.open_on(at.date_naive()), hours.parts_for(at.date_naive()));
    }
});
