//! Public holidays: a country's, corrected by hand, whole days and parts of days.

use super::*;

const OFFICE: &str = "Mo-Fr 08:30-12:00,13:00-17:00; PH off";

fn office(add: &[&str], remove: &[&str]) -> Hours {
    Hours::parse(OFFICE, TORONTO, &holidays("CA", add, remove)).unwrap()
}

#[test]
fn those_of_the_country() {
    let hours = office(&[], &[]);
    assert_eq!(times(&hours, "2026-07-01"), "", "Canada Day, a Wednesday");
    assert_eq!(times(&hours, "2026-07-02"), "+08:30 -12:00 +13:00 -17:00");
    assert_eq!(times(&hours, "2026-12-25"), "");
    assert!(hours.names_public_holidays());
    assert!(hours.holidays_known_until().is_some_and(|last| last.to_string().as_str() > "2030"));
}

#[test]
fn corrected_by_hand() {
    // Ontario: Family Day, the third Monday of February, is one; 30 September is none.
    let hours = office(&["2026-02-16", "2026-12-28 - 2026-12-30"], &["2026-09-30"]);
    assert_eq!(times(&hours, "2026-02-16"), "");
    assert_eq!(times(&hours, "2026-09-30"), "+08:30 -12:00 +13:00 -17:00");
    for (date, closed) in [("2026-12-24", false), ("2026-12-28", true), ("2026-12-30", true), ("2026-12-31", false)] {
        assert_eq!(times(&hours, date).is_empty(), closed, "{date}");
    }
}

#[test]
fn a_holiday_from_noon() {
    let hours = office(&["2026-12-24 12:00-24:00"], &[]);
    assert_eq!(times(&hours, "2026-12-24"), "+08:30 -12:00");
    let hours = office(&["2026-12-24 15:30-24:00"], &[]);
    assert_eq!(times(&hours, "2026-12-24"), "+08:30 -12:00 +13:00 -15:30");
    assert_eq!(hours.next_change(utc("2026-12-24T19:00:00Z")).unwrap().to_rfc3339(), "2026-12-24T15:30:00-05:00");
    assert_eq!(hours.next_open(utc("2026-12-24T19:00:00Z")).unwrap().to_rfc3339(), "2026-12-28T08:30:00-05:00");
}

#[test]
fn both_edges_of_a_partial_holiday_are_known() {
    let hours = office(&["2026-12-23 10:00-11:00"], &[]);
    assert_eq!(times(&hours, "2026-12-23"), "+08:30 -10:00 +11:00 -12:00 +13:00 -17:00");
    // In it the rules of holidays hold, which may well be open.
    let shop =
        Hours::parse("Mo-Fr 09:00-10:30; PH 10:00-16:00", TORONTO, &holidays("CA", &["2026-12-23 10:15-15:00"], &[]));
    assert_eq!(times(&shop.unwrap(), "2026-12-23"), "+09:00 -15:00");
}

#[test]
fn part_of_a_holiday_on_which_one_works() {
    let hours = office(&[], &["2026-07-01 08:00-12:00"]);
    assert_eq!(times(&hours, "2026-07-01"), "+08:30 -12:00");
    let hours = office(&["2026-07-01 14:00-24:00"], &["2026-07-01"]);
    assert_eq!(times(&hours, "2026-07-01"), "+08:30 -12:00 +13:00 -14:00", "what is added wins");
}

#[test]
fn a_range_with_times_means_each_of_its_days() {
    let hours = office(&["2026-12-21 - 2026-12-23 12:00-24:00"], &[]);
    for date in ["2026-12-21", "2026-12-22", "2026-12-23"] {
        assert_eq!(times(&hours, date), "+08:30 -12:00", "{date}");
    }
    assert_eq!(times(&hours, "2026-12-24"), "+08:30 -12:00 +13:00 -17:00");
}

#[test]
fn the_eve_of_a_holiday_and_the_night_after() {
    let eve =
        Hours::parse("Mo-Fr 08:00-18:00; PH -1 day 08:00-12:00; PH off", TORONTO, &holidays("CA", &[], &[])).unwrap();
    assert_eq!(times(&eve, "2026-06-30"), "+08:00 -12:00");
    assert_eq!(times(&eve, "2026-07-01"), "");
    // A partly holiday counts as a plain day for its neighbours.
    let bar =
        Hours::parse("Mo-Su 20:00-02:00; PH off", TORONTO, &holidays("CA", &["2026-12-23 12:00-21:00"], &[])).unwrap();
    assert_eq!(times(&bar, "2026-12-23"), "+00:00 -02:00 +21:00");
    assert_eq!(times(&bar, "2026-12-24"), "+00:00 -02:00 +20:00");
}

#[test]
fn partial_holidays_on_a_day_that_is_longer_than_others() {
    // Toronto, 1 November 2026, has 01:00 to 02:00 twice, and so has its holiday.
    let open = "00:00-06:00; PH off";
    let hours = Hours::parse(open, TORONTO, &holidays("CA", &["2026-11-01 01:30-03:00"], &[])).unwrap();
    assert_eq!(day(&hours, "2026-11-01"), "+00:00 EDT -01:30 EDT +01:00 EST -01:30 EST +03:00 EST -06:00 EST");
}

#[test]
fn an_unknown_country_matters_only_where_holidays_do() {
    let nowhere = holidays("XX", &[], &[]);
    let error = Hours::parse(OFFICE, TORONTO, &nowhere).unwrap_err();
    assert!(error.to_string().starts_with("`PH` needs the holidays of a country, and none are known of `XX`"));
    assert!(error.to_string().contains(" CA ") && error.to_string().contains(" DE "));
    assert_eq!(&OFFICE[error.offset().unwrap()], "PH");
    assert!(Hours::parse("Mo-Fr 08:30-17:00", TORONTO, &nowhere).is_ok());
    // Without a country only what was added by hand is a holiday.
    let by_hand = Holidays { country: None, ..holidays("CA", &["2026-10-05"], &[]) };
    let hours = Hours::parse(OFFICE, TORONTO, &by_hand).unwrap();
    assert_eq!(times(&hours, "2026-10-05"), "");
    assert_ne!(times(&hours, "2026-07-01"), "");
    assert_eq!(hours.holidays_known_until(), None);
}
