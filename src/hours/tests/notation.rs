//! Examples of the notation, most of them of the kinds that OpenStreetMap's wiki lists.
//!
//! Days of 2026 that are used: Mondays 5 October and 2 November; Easter Sunday 5 April; ISO week 1 begins on Monday
//! 29 December 2025, week 53 on Monday 28 December 2026.

use super::*;

fn toronto(open: &str, date: &str) -> String {
    times(&plain(open, TORONTO), date)
}

#[test]
fn weekdays_and_breaks() {
    let open = "Mo-Fr 08:00-12:00,13:00-17:30; Sa 08:00-12:00; PH off";
    assert_eq!(toronto(open, "2026-10-05"), "+08:00 -12:00 +13:00 -17:30");
    assert_eq!(toronto(open, "2026-10-10"), "+08:00 -12:00");
    assert_eq!(toronto(open, "2026-10-11"), "");
    assert_eq!(toronto("Tu,Th 16:00-20:00", "2026-10-08"), "+16:00 -20:00");
    assert_eq!(toronto("Fr-Mo 10:00-11:00", "2026-10-05"), "+10:00 -11:00");
    assert_eq!(toronto("Fr-Mo 10:00-11:00", "2026-10-06"), "");
}

#[test]
fn the_first_examples_of_the_wiki() {
    let shop = "Mo-Fr 08:00-12:00,13:00-17:30; Sa 08:00-12:00; PH 09:00-12:00";
    let canadian = Hours::parse(shop, TORONTO, &holidays("CA", &[], &[])).unwrap();
    assert_eq!(times(&canadian, "2026-06-30"), "+08:00 -12:00 +13:00 -17:30", "a Tuesday");
    assert_eq!(times(&canadian, "2026-07-01"), "+09:00 -12:00", "Canada Day");
    assert_eq!(times(&canadian, "2026-07-04"), "+08:00 -12:00", "a Saturday");
    assert_eq!(times(&canadian, "2026-07-05"), "", "a Sunday");
    assert_eq!(toronto("24/7", "2026-10-11"), "+00:00");
    assert_eq!(toronto("Apr-Sep Mo-Fr 09:00-18:00", "2026-03-31"), "");
    assert_eq!(toronto("Apr-Sep Mo-Fr 09:00-18:00", "2026-04-01"), "+09:00 -18:00");
    assert_eq!(toronto("Apr-Sep Mo-Fr 09:00-18:00", "2026-09-30"), "+09:00 -18:00");
    assert_eq!(toronto("Apr-Sep Mo-Fr 09:00-18:00", "2026-10-01"), "");
    assert_eq!(toronto("Fr-Sa 18:00-06:00", "2026-10-09"), "+18:00", "Friday");
    assert_eq!(toronto("Fr-Sa 18:00-06:00", "2026-10-10"), "+00:00 -06:00 +18:00", "Saturday");
    assert_eq!(toronto("Fr-Sa 18:00-06:00", "2026-10-11"), "+00:00 -06:00", "Sunday");
    assert_eq!(toronto("Mo[1] 09:00-12:00", "2026-10-05"), "+09:00 -12:00");
    assert_eq!(toronto("Mo[1] 09:00-12:00", "2026-10-12"), "");
    assert_eq!(toronto("Dec 25 off", "2026-12-25"), "");
    assert_eq!(toronto("Mo-Sa,PH 09:00-12:00", "2026-10-11"), "", "a Sunday, no holiday");
    assert_eq!(toronto("We; Fr 10:00-12:00", "2026-10-07"), "+00:00", "a day without times is whole");
    assert_eq!(toronto("SH off", "2026-10-07"), "");
}

#[test]
fn long_texts_and_many_parts_are_refused() {
    let parts = |count: usize| vec!["Mo 09:00-10:00"; count].join("; ");
    assert!(Hours::parse(&parts(64), TORONTO, &Holidays::default()).is_ok());
    assert_eq!(refused(&parts(65)).0, "they have more than 64 parts");
    let long = format!("Mo 09:00-10:00 \"{}\"", "x".repeat(2_000));
    assert_eq!(refused(&long).0, "they are longer than 2000 bytes");
}

#[test]
fn a_later_rule_replaces_an_earlier_one_on_its_days() {
    assert_eq!(toronto("Mo-Sa 10:00-20:00; Tu off", "2026-10-06"), "");
    assert_eq!(toronto("Mo-Sa 10:00-20:00; Tu 10:00-14:00", "2026-10-06"), "+10:00 -14:00");
    assert_eq!(toronto("Mo-Fr 09:00-12:00; Mo-Fr 13:00-17:00", "2026-10-05"), "+13:00 -17:00");
    assert_eq!(toronto("Mo-Fr 09:00-12:00, Mo-Fr 13:00-17:00", "2026-10-05"), "+09:00 -12:00 +13:00 -17:00");
    assert_eq!(toronto("Mo-Fr 09:00-17:00; Mo 12:00-13:00 off", "2026-10-05"), "+09:00 -12:00 +13:00 -17:00");
}

#[test]
fn over_midnight() {
    assert_eq!(toronto("Fr 20:00-04:00", "2026-10-09"), "+20:00");
    assert_eq!(toronto("Fr 20:00-04:00", "2026-10-10"), "+00:00 -04:00");
    assert_eq!(toronto("Fr 20:00-28:00", "2026-10-10"), "+00:00 -04:00");
    let open = "Su-Tu 11:00-01:00, We-Th 11:00-03:00, Fr 11:00-06:00, Sa 11:00-07:00";
    assert_eq!(toronto(open, "2026-10-10"), "+00:00 -06:00 +11:00");
    assert_eq!(toronto(open, "2026-10-07"), "+00:00 -01:00 +11:00");
    let closes = plain("Fr 20:00-04:00", TORONTO).next_change(utc("2026-10-10T01:00:00Z")).unwrap();
    assert_eq!(closes.to_rfc3339(), "2026-10-10T04:00:00-04:00");
}

#[test]
fn always_and_never() {
    let (always, never) = (plain("24/7", TORONTO), plain("off", TORONTO));
    let at = utc("2026-10-05T12:00:00Z");
    assert!(always.is_open(at) && always.next_change(at).is_none() && always.next_open(at).is_none());
    assert!(!never.is_open(at) && never.next_change(at).is_none() && never.never_opens(at));
    assert!(!always.never_opens(at));
    assert!(plain("2020 Mo-Fr 09:00-17:00", TORONTO).never_opens(at), "a year that is over");
    assert!(plain("Mo-Fr 09:00-17:00; Mo-Su off", TORONTO).never_opens(at));
    assert!(plain("Mo-Fr 09:00-17:00 unknown", TORONTO).never_opens(at), "nobody knows is not open");
    assert!(plain("2027 Feb 29", TORONTO).never_opens(at));
    assert!(!plain("Feb 29 03:00-03:01", TORONTO).never_opens(at));
}

#[test]
fn months_days_and_years() {
    assert_eq!(toronto("Apr-Sep 07:00-22:00; Oct-Mar 07:00-19:00", "2026-03-31"), "+07:00 -19:00");
    assert_eq!(toronto("Apr-Sep 07:00-22:00; Oct-Mar 07:00-19:00", "2026-04-01"), "+07:00 -22:00");
    let holidays = "Mo-Su 10:00-12:00; Dec 24-Jan 02 off";
    assert_eq!(toronto(holidays, "2026-12-23"), "+10:00 -12:00");
    assert_eq!(toronto(holidays, "2026-12-24"), "");
    assert_eq!(toronto(holidays, "2027-01-02"), "");
    assert_eq!(toronto(holidays, "2027-01-03"), "+10:00 -12:00");
    assert_eq!(toronto("2026 Feb 10:00-12:00", "2026-02-28"), "+10:00 -12:00");
    assert_eq!(toronto("2026 Feb 10:00-12:00", "2027-02-28"), "");
    assert_eq!(toronto("2026 Dec 24-2027 Jan 02 10:00-12:00", "2026-12-31"), "+10:00 -12:00");
    assert_eq!(toronto("2026 Dec 24-2027 Jan 02 10:00-12:00", "2027-12-31"), "");
    let leap = plain("Feb 29 03:00-03:01", TORONTO);
    assert_eq!(leap.next_open(utc("2026-10-05T12:00:00Z")).unwrap().to_rfc3339(), "2028-02-29T03:00:00-05:00");
    assert_eq!(leap.next_open(utc("2096-03-01T12:00:00Z")).unwrap().to_rfc3339(), "2104-02-29T03:00:00-05:00");
}

#[test]
fn weeks() {
    let open = "week 1-53/2 Fr 09:00-12:00; week 2-52/2 We 09:00-12:00";
    assert_eq!(toronto(open, "2026-01-02"), "+09:00 -12:00", "Friday of week 1");
    assert_eq!(toronto(open, "2026-01-09"), "", "Friday of week 2");
    assert_eq!(toronto(open, "2026-01-07"), "+09:00 -12:00", "Wednesday of week 2");
    assert_eq!(toronto(open, "2027-01-01"), "+09:00 -12:00", "Friday of week 53");
    assert_eq!(toronto(open, "2027-01-08"), "+09:00 -12:00", "Friday of week 1, the next year");
    assert_eq!(toronto("week 53 10:00-12:00", "2027-01-03"), "+10:00 -12:00");
    assert_eq!(toronto("week 53 10:00-12:00", "2027-01-04"), "");
}

#[test]
fn the_nth_weekday_of_a_month() {
    assert_eq!(toronto("Th[1,2-3],Fr[2] 18:00-20:00", "2026-10-01"), "+18:00 -20:00");
    assert_eq!(toronto("Th[1,2-3],Fr[2] 18:00-20:00", "2026-10-15"), "+18:00 -20:00");
    assert_eq!(toronto("Th[1,2-3],Fr[2] 18:00-20:00", "2026-10-22"), "");
    assert_eq!(toronto("Th[1,2-3],Fr[2] 18:00-20:00", "2026-10-09"), "+18:00 -20:00");
    assert_eq!(toronto("Su[-1] 10:00-12:00", "2026-10-25"), "+10:00 -12:00");
    assert_eq!(toronto("Su[-1] 10:00-12:00", "2026-10-18"), "");
}

#[test]
fn easter() {
    let open = "Mo-Fr 09:00-17:00; easter -2 days off; easter +1 day off";
    assert_eq!(toronto(open, "2026-04-02"), "+09:00 -17:00", "Thursday");
    assert_eq!(toronto(open, "2026-04-03"), "", "Good Friday");
    assert_eq!(toronto(open, "2026-04-06"), "", "Easter Monday");
    assert_eq!(toronto(open, "2026-04-07"), "+09:00 -17:00", "Tuesday");
    assert_eq!(toronto(open, "2027-03-26"), "", "Good Friday, the next year");
}

#[test]
fn comments() {
    assert_eq!(toronto("Mo-Fr 09:00-17:00 \"PH or sunset, ring twice\"", "2026-10-05"), "+09:00 -17:00");
    // A change of the comment is no change of the state.
    let hours = plain("Mo 09:00-12:00 \"Ann\", Mo 12:00-17:00 \"Bob\"", TORONTO);
    assert_eq!(times(&hours, "2026-10-05"), "+09:00 -17:00");
    assert!(!plain("Mo 09:00-12:00 \"PH off\"", TORONTO).names_public_holidays());
}

/// What is said, and of which part of the text.
fn refused(open: &str) -> (String, &str) {
    let error = Hours::parse(open, TORONTO, &Holidays::default()).unwrap_err();
    let said = error.to_string();
    let said = said.rsplit_once("notation: ").map_or(said.as_str(), |(_, rest)| rest).to_owned();
    (said, error.offset().map_or("?", |at| &open[at]))
}

#[test]
fn mistakes_are_shown_where_they_are() {
    assert_eq!(refused("Mon-Fri 09:00-17:00"), ("`Mon-Fri`: days are Mo Tu We Th Fr Sa Su".into(), "Mon-Fri"));
    assert_eq!(refused("Mo-Fr 9am-5pm"), ("`9am-5pm`: times are 00:00 to 24:00".into(), "9am-5pm"));
    assert_eq!(refused("Mo-Fr 09-17").0, "`09-17`: times are written with minutes, 09:00-17:00");
    assert_eq!(refused("Mo–Fr 09:00-17:00").0, "`Mo–Fr`: a range is written with a hyphen, Mo-Fr 09:00-17:00");
    assert_eq!(refused("Mo to Fr 09:00-17:00").1, "to");
    assert_eq!(refused("Mo-Fr 09:00-17:00; PH of"), ("`of` is not understood here".into(), "of"));
    assert_eq!(refused("Mo-Fr 09:00-17:00;"), ("something is missing at the end".into(), ""));
    assert_eq!(refused(""), ("there is nothing".into(), ""));
    assert_eq!(refused("  "), ("there is nothing".into(), "  "));
    assert_eq!(refused("Mo-Fr 09:00-17:00; Feb 30 off"), ("there is no Feb 30".into(), "Feb 30"));
    assert_eq!(refused("Apr 31-May 02 off").1, "Apr 31");
    assert_eq!(refused("2026 Jun 31 off").1, "Jun 31");
    assert_eq!(refused("Mo-Fr 09:00-17:00; Feb 25-30 off").0, "there is no Feb 30");
    assert_eq!(toronto("Jan week 40-53 10:00-11:00", "2026-10-05"), "");
    assert_eq!(toronto("Feb 28 +1 day 10:00-11:00", "2026-03-01"), "+10:00 -11:00");
    assert_eq!(refused("Mo-Fr 09:00-sunset").1, "sunset");
    assert_eq!(refused("Mo-Fr 09:00-17:00 || \"by appointment\"").1, "||");
    assert_eq!(refused("week 20-10").1, "?");
}

#[test]
fn hidden_rules_are_found() {
    let hidden = |open: &str| {
        let hours = Hours::parse(open, TORONTO, &holidays("CA", &[], &[])).unwrap();
        hours.hidden_rules(utc("2026-10-05T12:00:00Z")).join(" | ")
    };
    assert_eq!(hidden("Mo-Fr 09:00-12:00; Mo-Fr 13:00-17:00"), "Mo-Fr 09:00-12:00");
    assert_eq!(hidden("PH off; Mo-Fr 09:00-17:00"), "PH closed");
    assert_eq!(hidden("Mo-Fr 12:00-13:00 off; Mo-Fr 09:00-17:00"), "Mo-Fr 12:00-13:00 closed");
    for open in [
        "Mo-Fr 09:00-12:00,13:00-17:00; PH off",
        "Mo-Fr 09:00-12:00, Mo-Fr 13:00-17:00; Sa,Su off",
        "Mo-Sa 10:00-20:00; Tu 10:00-14:00",
        "Mo-Fr 09:00-17:00; 2020 Dec 24 09:00-12:00",
        "24/7",
        "off",
        "Mo-Fr 09:00-17:00; Sa 10:00-12:00 unknown",
    ] {
        assert_eq!(hidden(open), "", "{open}");
    }
}
