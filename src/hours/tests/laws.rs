//! What must hold for all hours at all times: `is_open` and `next_change` tell the same story.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const DAYS: &[&str] = &[
    "",
    "Mo-Fr",
    "Sa,Su",
    "Su",
    "Mo[1]",
    "PH",
    "week 1-53/2",
    "Oct-Mar",
    "Dec 24-Jan 02",
    "easter",
    "Mar 08",
    "Nov 01",
];
const ZONES: &[Tz] = &[
    TORONTO,
    BERLIN,
    chrono_tz::UTC,
    chrono_tz::Australia::Lord_Howe,
    chrono_tz::Asia::Beirut,
    chrono_tz::America::St_Johns,
    chrono_tz::Pacific::Apia,
    chrono_tz::Antarctica::Troll,
];

fn time_span() -> impl Strategy<Value = String> {
    (0..24 * 4u32, 1..26 * 4u32).prop_map(|(from, length)| {
        let to = (from + length).min(47 * 4);
        format!("{:02}:{:02}-{:02}:{:02}", from / 4, from % 4 * 15, to / 4, to % 4 * 15)
    })
}

fn rule() -> impl Strategy<Value = String> {
    let end = select(&["", " off", " unknown", " \"ring twice\""][..]);
    (select(DAYS), time_span(), end).prop_map(|(days, times, end)| format!("{days} {times}{end}").trim().to_owned())
}

fn notation() -> impl Strategy<Value = String> {
    (rule(), prop::collection::vec((select(&["; ", ", "][..]), rule()), 0..4))
        .prop_map(|(first, more)| more.into_iter().fold(first, |text, (sign, rule)| text + sign + &rule))
}

/// Around the nights when clocks change, and anywhere in these years.
fn moment() -> impl Strategy<Value = DateTime<Utc>> {
    let near =
        select(&["2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z", "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"][..]);
    let near = (near, -90_000..90_000i64).prop_map(|(night, seconds)| utc(night) + TimeDelta::seconds(seconds));
    let anywhere = (1_700_000_000..1_900_000_000i64).prop_map(|second| DateTime::from_timestamp(second, 0).unwrap());
    prop_oneof![near, anywhere]
}

fn hours() -> impl Strategy<Value = Hours> {
    let add = prop::collection::vec(
        select(
            &["2026-03-08 01:30-02:30", "2026-11-01 01:30-24:00", "2026-10-24", "2026-03-29 - 2026-04-02 12:00-13:00"]
                [..],
        ),
        0..3,
    );
    (notation(), select(ZONES), add).prop_filter_map("the notation is ambiguous there", |(open, zone, add)| {
        Hours::parse(&open, zone, &holidays("CA", &add, &["2026-12-25 08:00-12:00"])).ok()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn nothing_changes_before_the_next_change(hours in hours(), at in moment(), parts in prop::collection::vec(0.0..1.0f64, 40)) {
        let open = hours.is_open(at);
        let change = hours.next_change(at).map(|change| change.to_utc());
        let end = change.unwrap_or(at + TimeDelta::days(300));
        prop_assert!(end > at);
        if let Some(change) = change {
            prop_assert_ne!(hours.is_open(change), open, "at {}", change);
            prop_assert_eq!(hours.is_open(change - TimeDelta::seconds(1)), open, "just before {}", change);
        }
        let seconds = (end - at).num_seconds() as f64;
        for part in parts {
            let between = at + TimeDelta::seconds((seconds * part) as i64);
            prop_assert_eq!(hours.is_open(between), open, "{} is between {} and {}", between, at, end);
        }
    }

    #[test]
    fn what_opens_was_closed(hours in hours(), at in moment()) {
        if let Some(opens) = hours.next_open(at) {
            let opens = opens.to_utc();
            prop_assert!(opens > at && hours.is_open(opens) && !hours.is_open(opens - TimeDelta::seconds(1)));
            prop_assert!(!hours.never_opens(at));
        }
    }

    #[test]
    fn following_changes_finds_every_one(hours in hours(), at in moment()) {
        let end = at + TimeDelta::hours(30);
        let mut followed = at;
        let minutes = std::iter::successors(Some(at), |at| Some(*at + TimeDelta::minutes(1)));
        for minute in minutes.skip(1).take_while(|minute| *minute < end) {
            let before = minute - TimeDelta::minutes(1);
            if hours.is_open(minute) != hours.is_open(before) {
                followed = hours.next_change(followed).unwrap().to_utc();
                prop_assert!(before < followed && followed <= minute, "{} is not in ({}, {}]", followed, before, minute);
            }
        }
    }

    #[test]
    fn no_text_is_a_panic(text in "[MoTuFrPHSw 0-9:;,|/+\"-]{0,40}", at in moment()) {
        for open in [text.clone(), format!("Mo-Fr {text}"), format!("Mo-Fr 09:00-17:00; {text}")] {
            if let Ok(hours) = Hours::parse(&open, TORONTO, &holidays("CA", &[], &[])) {
                let _ = (hours.is_open(at), hours.next_change(at));
            }
        }
    }
}

#[test]
fn the_ends_of_time_are_no_panic() {
    for open in ["24/7", "Mo-Fr 09:00-17:00; PH off", "week 1 10:00-11:00"] {
        let hours =
            Hours::parse(open, chrono_tz::Pacific::Apia, &holidays("CA", &["2026-01-01 10:00-11:00"], &[])).unwrap();
        for at in [
            DateTime::<Utc>::MIN_UTC,
            DateTime::<Utc>::MAX_UTC,
            utc("9999-12-31T23:59:59Z"),
            utc("1899-12-31T23:00:00Z"),
        ] {
            let _ = (hours.is_open(at), hours.next_change(at), hours.next_open(at));
        }
    }
}

#[test]
fn hours_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Hours>();
}
