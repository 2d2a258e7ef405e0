//! Holidays out of iCalendar files, against days that were counted by hand on a calendar.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

const OFFICE: &str = "Mo-Fr 09:00-17:00; PH off";

fn now() -> DateTime<Utc> {
    utc("2026-11-28T12:00:00Z")
}

fn file(events: &[&str]) -> String {
    let events: Vec<String> = events.iter().map(|event| format!("BEGIN:VEVENT\n{event}\nEND:VEVENT\n")).collect();
    let events = events.concat();
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//y\n{events}END:VCALENDAR\n").replace('\n', "\r\n")
}

fn read(events: &[&str]) -> Feed {
    Feed::read(&file(events), now()).unwrap()
}

fn office(zone: Tz, events: &[&str]) -> Hours {
    let feeds = vec![Arc::new(read(events))];
    Hours::parse(OFFICE, zone, &Holidays { feeds, ..Holidays::default() }).unwrap()
}

/// The days of two years that are holidays, or in part.
fn days(hours: &Hours) -> Vec<String> {
    let first: NaiveDate = "2026-01-01".parse().unwrap();
    let holidays = first.iter_days().take(730).filter_map(|day| hours.holiday(day));
    let times =
        |times: &[(u16, u16)]| times.iter().map(|(from, to)| format!(" {from}-{to}")).collect::<Vec<_>>().concat();
    let shown = |holiday: Holiday| match holiday.times[..] {
        [(0, 1440)] => holiday.day.to_string(),
        _ => format!("{}{}", holiday.day, times(&holiday.times)),
    };
    holidays.map(shown).collect()
}

#[test]
fn whole_days() {
    let hours = office(
        TORONTO,
        &[
            "UID:1\nSUMMARY:Founders' Day\nDTSTART;VALUE=DATE:20261209",
            "UID:2\nSUMMARY:Shutdown\nDTSTART;VALUE=DATE:20261228\nDTEND;VALUE=DATE:20261231",
            "UID:3\nSUMMARY:Stocktaking\nDTSTART;VALUE=DATE:20270104\nDURATION:P2D",
        ],
    );
    let expected =
        ["2026-12-09", "2026-12-28", "2026-12-29", "2026-12-30", "2027-01-04", "2027-01-05"].map(str::to_owned);
    assert_eq!(days(&hours), expected);
    assert_eq!(times(&hours, "2026-12-09"), "");
    assert_eq!(times(&hours, "2026-12-31"), "+09:00 -17:00");
    let names = hours.holiday("2026-12-29".parse().unwrap()).unwrap().names;
    assert_eq!(names, [Arc::<str>::from("Shutdown")]);
}

#[test]
fn a_day_that_ends_at_its_last_second_is_whole() {
    let hours = office(
        TORONTO,
        &[
            "UID:1\nDTSTART:20261209T000000\nDTEND:20261209T235959",
            "UID:2\nDTSTART:20261214T120000\nDTEND:20261215T235930",
            "UID:3\nDTSTART:20261217T120000\nDTEND:20261217T170001",
        ],
    );
    let expected = ["2026-12-09", "2026-12-14 720-1440", "2026-12-15", "2026-12-17 720-1021"].map(str::to_owned);
    assert_eq!(days(&hours), expected);
}

#[test]
fn what_recurs() {
    let every = |rule: &str| days(&office(TORONTO, &[rule]));
    // Family Day: the third Monday of February.
    let family = "UID:1\nDTSTART;VALUE=DATE:20200217\nRRULE:FREQ=YEARLY;BYMONTH=2;BYDAY=3MO";
    assert_eq!(every(family), ["2026-02-16", "2027-02-15"]);
    // The Monday before 25 May.
    let victoria =
        "UID:1\nDTSTART;VALUE=DATE:20200518\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=MO;BYMONTHDAY=18,19,20,21,22,23,24";
    assert_eq!(every(victoria), ["2026-05-18", "2027-05-24"]);
    let counted = "UID:1\nDTSTART;VALUE=DATE:20261202\nRRULE:FREQ=WEEKLY;COUNT=3\nEXDATE;VALUE=DATE:20261209";
    assert_eq!(every(counted), ["2026-12-02", "2026-12-16"]);
    let until = "UID:1\nDTSTART;VALUE=DATE:20261201\nRRULE:FREQ=DAILY;UNTIL=20261203";
    assert_eq!(every(until), ["2026-12-01", "2026-12-02", "2026-12-03"]);
    let more = "UID:1\nDTSTART;VALUE=DATE:20261201\nRDATE;VALUE=DATE:20261204,20261208";
    assert_eq!(every(more), ["2026-12-01", "2026-12-04", "2026-12-08"]);
}

#[test]
fn one_occurrence_that_was_moved_or_called_off() {
    let series = "UID:1\nSUMMARY:Monthly\nDTSTART;VALUE=DATE:20261001\nRRULE:FREQ=MONTHLY;COUNT=3";
    let moved = "UID:1\nSUMMARY:Monthly\nRECURRENCE-ID;VALUE=DATE:20261101\nDTSTART;VALUE=DATE:20261102";
    let off = "UID:1\nSTATUS:CANCELLED\nRECURRENCE-ID;VALUE=DATE:20261201\nDTSTART;VALUE=DATE:20261201";
    // Another event of the same day is not taken for it.
    let other = "UID:2\nDTSTART;VALUE=DATE:20261201";
    assert_eq!(days(&office(TORONTO, &[series, moved, off])), ["2026-10-01", "2026-11-02"]);
    assert_eq!(days(&office(TORONTO, &[series, moved, off, other])), ["2026-10-01", "2026-11-02", "2026-12-01"]);
    assert_eq!(days(&office(TORONTO, &["UID:3\nSTATUS:CANCELLED\nDTSTART;VALUE=DATE:20261209"])), [""; 0]);
}

#[test]
fn times_are_those_of_their_zone() {
    // 12:00 to 18:00 in Toronto is 18:00 to 24:00 in Berlin; without a zone, each clock's own.
    let zoned = "UID:1\nDTSTART;TZID=America/Toronto:20261224T120000\nDTEND;TZID=America/Toronto:20261224T180000";
    assert_eq!(days(&office(TORONTO, &[zoned])), ["2026-12-24 720-1080"]);
    assert_eq!(days(&office(BERLIN, &[zoned])), ["2026-12-24 1080-1440"]);
    let utc = "UID:1\nDTSTART:20261224T170000Z\nDTEND:20261224T230000Z";
    assert_eq!(days(&office(TORONTO, &[utc])), ["2026-12-24 720-1080"]);
    let floating = "UID:1\nDTSTART:20261224T120000\nDTEND:20261224T180000";
    assert_eq!(days(&office(BERLIN, &[floating])), ["2026-12-24 720-1080"]);
    // Over midnight, and over the night in which Toronto's clocks are set forward.
    let night = "UID:1\nDTSTART;TZID=America/Toronto:20270313T220000\nDTEND;TZID=America/Toronto:20270314T060000";
    assert_eq!(days(&office(TORONTO, &[night])), ["2027-03-13 1320-1440", "2027-03-14 0-360"]);
    let hours = office(TORONTO, &[zoned]);
    assert_eq!(times(&hours, "2026-12-24"), "+09:00 -12:00");
    assert_eq!(times(&office(BERLIN, &[zoned]), "2026-12-24"), "+09:00 -17:00");
}

#[test]
fn a_series_keeps_its_time_over_the_change_of_clocks() {
    let series = "UID:1\nDTSTART;TZID=America/Toronto:20261023T150000\nDTEND;TZID=America/Toronto:20261023T170000\nRRULE:FREQ=WEEKLY;UNTIL=20261106T200000Z";
    let expected = ["2026-10-23 900-1020", "2026-10-30 900-1020", "2026-11-06 900-1020"];
    assert_eq!(days(&office(TORONTO, &[series])), expected, "the last begins at 20:00 UTC");
    // Berlin's end is a day by Toronto's clock: what is compared is the moment, not the digits.
    let series =
        "UID:1\nDTSTART;TZID=Europe/Berlin:20261202T003000\nDURATION:PT30M\nRRULE:FREQ=DAILY;UNTIL=20261202T233000Z";
    assert_eq!(days(&office(BERLIN, &[series])), ["2026-12-02 30-60", "2026-12-03 30-60"]);
}

#[test]
fn the_zones_of_outlook() {
    let zone = "BEGIN:VTIMEZONE\nTZID:Eastern Standard Time\nBEGIN:STANDARD\nDTSTART:16011104T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nEND:STANDARD\nEND:VTIMEZONE\n";
    let event = "BEGIN:VEVENT\nUID:1\nDTSTART;TZID=Eastern Standard Time:20261224T120000\nDTEND;TZID=Eastern Standard Time:20261224T180000\nEND:VEVENT\n";
    let text = format!("BEGIN:VCALENDAR\n{zone}{event}END:VCALENDAR\n");
    let feed = Feed::read(&text, now()).unwrap();
    assert_eq!(feed.doubts(), [""; 0]);
    let hours = Hours::parse(OFFICE, BERLIN, &Holidays { feeds: vec![feed.into()], ..Holidays::default() }).unwrap();
    assert_eq!(days(&hours), ["2026-12-24 1080-1440"]);
}

#[test]
fn what_is_doubtful_is_said() {
    let doubts = |event: &str| read(&[event]).doubts().join("; ");
    let zone = "UID:1\nSUMMARY:Party\nDTSTART;TZID=Mars/Base:20261224T120000\nDTEND;TZID=Mars/Base:20261224T180000";
    assert_eq!(doubts(zone), "the zone `Mars/Base` is not known: its times are taken for those of the hours");
    assert_eq!(doubts("UID:1\nSUMMARY:Bell\nDTSTART:20261224T120000Z"), "`Bell` begins at a time and has no end");
    let hourly = "UID:1\nSUMMARY:Beep\nDTSTART:20261224T120000Z\nDURATION:PT1M\nRRULE:FREQ=HOURLY";
    assert_eq!(doubts(hourly), "`Beep` recurs more often than daily");
    assert_eq!(doubts("UID:1\nSUMMARY:Lost"), "`Lost` is passed over: Missing DTSTART property");
    assert_eq!(doubts("UID:1\nDTSTART;VALUE=DATE:20261231"), "");
}

#[test]
fn what_is_no_calendar_is_refused() {
    let refused = |text: &str| Feed::read(text, now()).unwrap_err().to_string();
    assert_eq!(refused(""), "it is no iCalendar file: it has no BEGIN:VCALENDAR");
    assert_eq!(refused("<html>sign in</html>\n"), "it is no iCalendar file: `<html>sign in</html>` is not understood");
    assert_eq!(refused("BEGIN:VCALENDAR\nBEGIN:VEVENT\n"), "it is no iCalendar file: END:VCALENDAR is missing");
}

#[test]
fn the_end_is_known() {
    let ends = |event: &str| read(&[event]).ends().map(|day| day.to_string());
    assert_eq!(ends("UID:1\nDTSTART;VALUE=DATE:20261209").as_deref(), Some("2026-12-09"));
    let forever = "UID:1\nDTSTART;VALUE=DATE:20200217\nRRULE:FREQ=YEARLY;BYMONTH=2;BYDAY=3MO";
    assert_eq!(ends(forever).as_deref(), Some("2036-02-18"));
    assert_eq!(ends("UID:1\nDTSTART;VALUE=DATE:19990101"), None, "more than five years ago");
    let long = "UID:1\nDTSTART;VALUE=DATE:00010101\nDTEND;VALUE=DATE:99991231";
    assert_eq!(ends(long).as_deref(), Some("2036-12-31"));
}

#[test]
fn corrections_by_hand_win_over_a_file() {
    let feeds = vec![Arc::new(read(&["UID:1\nDTSTART;VALUE=DATE:20261209\nDURATION:P2D"]))];
    let by_hand = Holidays {
        feeds,
        remove: vec!["2026-12-09".parse().unwrap()],
        add: vec!["2026-12-09 15:00-24:00".parse().unwrap()],
        country: None,
    };
    let hours = Hours::parse(OFFICE, TORONTO, &by_hand).unwrap();
    assert_eq!(times(&hours, "2026-12-09"), "+09:00 -15:00");
    assert_eq!(times(&hours, "2026-12-10"), "");
}

#[test]
fn no_file_takes_long() {
    let barren = "DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30";
    let many: Vec<String> = (0..5_000).map(|id| format!("UID:{id}\n{barren}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();

    let said = Feed::read(&file(&many), now()).unwrap_err().to_string();
    assert_eq!(said, "it has more than 10 events that never take place");
    let daily: Vec<String> =
        (0..5_000).map(|id| format!("UID:{id}\nDTSTART;VALUE=DATE:19000101\nRRULE:FREQ=DAILY")).collect();
    let daily: Vec<&str> = daily.iter().map(String::as_str).collect();
    assert_eq!(Feed::read(&file(&daily), now()).unwrap_err().to_string(), "it has more than 100000 days");

    // A zone of half the file, copied for each of many events.
    let zone = format!("BEGIN:VTIMEZONE\r\nTZID:Z\r\n{}END:VTIMEZONE\r\n", "X:1\r\n".repeat(300_000));
    let many: Vec<String> =
        (0..15_000).map(|id| format!("UID:{id}\nDTSTART;TZID=Z:20261209T090000\nDURATION:PT1H")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let text = file(&many).replacen("BEGIN:VEVENT", &format!("{zone}BEGIN:VEVENT"), 1);
    assert!(Feed::read(&text, now()).is_ok());
}

fn line() -> impl Strategy<Value = String> {
    let date = || {
        prop_oneof![
            (0..3000u32, 0..14u32, 0..33u32).prop_map(|(y, m, d)| format!("{y:04}{m:02}{d:02}")),
            (1990..2040u32, 1..13u32, 1..29u32, 0..25u32, 0..61u32)
                .prop_map(|(y, m, d, h, n)| format!("{y:04}{m:02}{d:02}T{h:02}{n:02}00Z")),
            "[0-9TZ-]{0,17}",
        ]
    };
    let name = prop::sample::select(&["DTSTART", "DTEND", "EXDATE", "RDATE", "RECURRENCE-ID", "DURATION", "RRULE"][..]);
    let parameter = prop::sample::select(
        &["", ";VALUE=DATE", ";TZID=Europe/Berlin", ";TZID=x", ";VALUE=PERIOD", ";RANGE=THISANDFUTURE"][..],
    );
    let by = prop::sample::select(
        &[
            "BYMONTH=2",
            "BYMONTHDAY=-1",
            "BYDAY=5MO,-1SU",
            "BYYEARDAY=366",
            "BYWEEKNO=53",
            "BYSETPOS=-1",
            "INTERVAL=0",
            "INTERVAL=65535",
            "COUNT=0",
            "COUNT=5",
            "BYHOUR=25",
            "WKST=SU",
            "BYMONTHDAY=31",
            "BYEASTER=1",
            "UNTIL=20300101",
        ][..],
    );
    let freq = prop::sample::select(&["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "NEVER"][..]);
    let rule = (freq, prop::collection::vec(by, 0..3)).prop_map(|(freq, by)| format!("FREQ={freq};{}", by.join(";")));
    let length = prop_oneof!["-?P[0-9]{1,12}[DW]", "PT[0-9]{1,9}[HMS]"];
    let value = prop_oneof![4 => date(), 2 => rule, 1 => length, 1 => "\\PC{0,20}"];
    (name, parameter, value).prop_map(|(name, parameter, value)| format!("{name}{parameter}:{value}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_file_is_a_panic(lines in prop::collection::vec(line(), 0..6), noise in "(\\PC|\n){0,40}") {
        let events = [format!("UID:1\nDTSTART;VALUE=DATE:20261209\n{}", lines.join("\n")), lines.join("\n"), noise.clone()];
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        for text in [file(&events[..2]), file(&events), noise] {
            if let Ok(feed) = Feed::read(&text, now()) {
                let feeds = vec![Arc::new(feed)];
                let hours = Hours::parse(OFFICE, TORONTO, &Holidays { feeds, ..Holidays::default() }).unwrap();
                prop_assert!(hours.next_change(now()).is_some() || hours.never_opens(now()));
            }
        }
    }
}
