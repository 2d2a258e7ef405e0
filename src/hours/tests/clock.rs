//! The two nights of the year, and midnight.

use super::*;

#[test]
fn clocks_set_forward_shorten_the_night() {
    // Toronto, 8 March 2026: 02:00 EST becomes 03:00 EDT. Berlin, 29 March 2026: 02:00 CET becomes 03:00 CEST.
    let hours = plain("22:00-06:00", TORONTO);
    assert_eq!(day(&hours, "2026-03-08"), "+00:00 EST -06:00 EDT +22:00 EDT");
    assert_eq!(hours.next_change(utc("2026-03-08T03:30:00Z")).unwrap().to_rfc3339(), "2026-03-08T06:00:00-04:00");
    assert_eq!(day(&plain("22:00-06:00", BERLIN), "2026-03-29"), "+00:00 CET -06:00 CEST +22:00 CEST");
}

#[test]
fn hours_in_the_missing_hour_do_not_take_place() {
    assert_eq!(day(&plain("02:15-02:45", TORONTO), "2026-03-08"), "");
    assert_eq!(day(&plain("02:15-02:45", TORONTO), "2026-03-09"), "+02:15 EDT -02:45 EDT");
    let next = plain("02:15-02:45", TORONTO).next_open(utc("2026-03-08T05:00:00Z")).unwrap();
    assert_eq!(next.to_rfc3339(), "2026-03-09T02:15:00-04:00");
}

#[test]
fn hours_that_begin_or_end_in_the_missing_hour_do_so_at_its_end() {
    assert_eq!(day(&plain("02:15-04:00", TORONTO), "2026-03-08"), "+03:00 EDT -04:00 EDT");
    assert_eq!(day(&plain("01:00-02:30", TORONTO), "2026-03-08"), "+01:00 EST -03:00 EDT");
    assert_eq!(day(&plain("02:15-04:00", BERLIN), "2026-03-29"), "+03:00 CEST -04:00 CEST");
}

#[test]
fn hours_in_the_repeated_hour_take_place_twice() {
    // Toronto, 1 November 2026: 02:00 EDT becomes 01:00 EST. Berlin, 25 October 2026: 03:00 CEST becomes 02:00 CET.
    assert_eq!(day(&plain("01:15-01:45", TORONTO), "2026-11-01"), "+01:15 EDT -01:45 EDT +01:15 EST -01:45 EST");
    assert_eq!(day(&plain("02:15-02:45", BERLIN), "2026-10-25"), "+02:15 CEST -02:45 CEST +02:15 CET -02:45 CET");
}

#[test]
fn hours_that_begin_or_end_in_the_repeated_hour_are_interrupted() {
    // What began at 01:30 EDT is over when the clock shows 01:00 again, and begins once more.
    assert_eq!(day(&plain("01:30-05:00", TORONTO), "2026-11-01"), "+01:30 EDT -01:00 EST +01:30 EST -05:00 EST");
    assert_eq!(day(&plain("00:00-01:30", TORONTO), "2026-11-01"), "+00:00 EDT -01:30 EDT +01:00 EST -01:30 EST");
    // What is open all night notices nothing.
    assert_eq!(day(&plain("22:00-06:00", TORONTO), "2026-11-01"), "+00:00 EDT -06:00 EST +22:00 EST");
}

#[test]
fn the_second_pass_of_a_repeated_time_is_a_time_of_its_own() {
    let hours = plain("01:15-01:45", TORONTO);
    assert!(hours.is_open(utc("2026-11-01T05:20:00Z")), "01:20 EDT");
    assert!(!hours.is_open(utc("2026-11-01T05:50:00Z")), "01:50 EDT");
    assert!(hours.is_open(utc("2026-11-01T06:20:00Z")), "01:20 EST");
    assert_eq!(hours.next_change(utc("2026-11-01T05:50:00Z")).unwrap().to_rfc3339(), "2026-11-01T01:15:00-05:00");
    assert_eq!(hours.next_change(utc("2026-11-01T06:50:00Z")).unwrap().to_rfc3339(), "2026-11-02T01:15:00-05:00");
}

#[test]
fn a_zone_that_changes_at_midnight() {
    // Beirut, 29 March 2026: 00:00 becomes 01:00, and the day has no midnight.
    let hours = plain("Sa 20:00-24:00; Su 00:00-02:00", chrono_tz::Asia::Beirut);
    assert_eq!(day(&hours, "2026-03-29"), "+01:00 EEST -02:00 EEST");
    let closes = hours.next_change(utc("2026-03-28T19:00:00Z")).unwrap();
    assert_eq!(closes.to_rfc3339(), "2026-03-29T02:00:00+03:00");
}

#[test]
fn seconds_count() {
    let hours = plain("09:00-17:00", chrono_tz::UTC);
    assert!(!hours.is_open(utc("2026-10-05T08:59:59.999Z")));
    assert!(hours.is_open(utc("2026-10-05T09:00:00Z")));
    assert!(hours.is_open(utc("2026-10-05T16:59:59.999Z")));
    assert!(!hours.is_open(utc("2026-10-05T17:00:00Z")));
    let next = hours.next_change(utc("2026-10-05T16:59:59.999Z")).unwrap();
    assert_eq!(next.to_rfc3339(), "2026-10-05T17:00:00+00:00");
}
