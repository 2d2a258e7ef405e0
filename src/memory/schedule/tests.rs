//! Schedules against what a person would read off a calendar, and against random looks.

use proptest::prelude::*;

use super::*;

fn millis(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
}

fn cron(text: &str, zone: Tz) -> Schedule {
    Schedule::cron(text, zone, Missed::Run).unwrap()
}

/// The next few nominal times.
fn times(schedule: &Schedule, after: &str, count: usize) -> Vec<String> {
    let mut at = millis(after);
    let mut next = || {
        at = schedule.next(at);
        DateTime::from_timestamp_millis(at).unwrap().format("%m-%dT%H:%MZ").to_string()
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn half_past_two_is_half_past_two_on_the_wall() {
    let toronto = cron("30 2 * * *", chrono_tz::America::Toronto);
    let spring = times(&toronto, "2026-03-07T00:00:00Z", 3);
    assert_eq!(spring, ["03-07T07:30Z", "03-08T07:00Z", "03-09T06:30Z"], "on the 8th it is left out: at its end");
    let toronto = cron("30 1 * * *", chrono_tz::America::Toronto);
    let autumn = times(&toronto, "2026-10-31T00:00:00Z", 3);
    assert_eq!(autumn, ["10-31T05:30Z", "11-01T05:30Z", "11-02T06:30Z"], "on the 1st it comes twice: the first");
}

#[test]
fn several_times_in_a_gap_are_one() {
    let toronto = cron("*/15 * * * *", chrono_tz::America::Toronto);
    let spring = times(&toronto, "2026-03-08T06:40:00Z", 3);
    assert_eq!(spring, ["03-08T06:45Z", "03-08T07:00Z", "03-08T07:15Z"]);
    let autumn = times(&toronto, "2026-11-01T05:40:00Z", 2);
    assert_eq!(autumn, ["11-01T05:45Z", "11-01T07:00Z"]);
    let apia = cron("0 12 * * *", chrono_tz::Pacific::Apia);
    assert_eq!(times(&apia, "2011-12-29T23:00:00Z", 2), ["12-30T10:00Z", "12-30T22:00Z"], "a day was left out");
}

#[test]
fn every_hour_is_every_whole_hour() {
    let hourly = Schedule::every(3_600_000, Missed::Skip).unwrap();
    assert_eq!(times(&hourly, "2026-03-08T06:40:00Z", 2), ["03-08T07:00Z", "03-08T08:00Z"]);
    assert_eq!(hourly.next(-1), 0);
    assert_eq!(Schedule::every(999, Missed::Skip).unwrap_err(), Error::TooShort);
}

#[test]
fn what_is_no_cron_expression_is_said() {
    let error = |text: &str| Schedule::cron(text, Tz::UTC, Missed::Skip).unwrap_err().to_string();
    insta::assert_snapshot!(error("30 2 * *"), @"`30 2 * *` is no cron expression of five fields, as `30 2 * * *` (half past two each day): it has 4 fields");
    insta::assert_snapshot!(error("0 30 2 * * *"), @"`0 30 2 * * *` is no cron expression of five fields, as `30 2 * * *` (half past two each day): it has 6 fields");
    insta::assert_snapshot!(error("61 2 * * *"), @"`61 2 * * *` is no cron expression of five fields, as `30 2 * * *` (half past two each day): component error: number out of bounds");
    insta::assert_snapshot!(error("0 0 30 2 *"), @"`0 0 30 2 *` never comes: no date fits it");
    insta::assert_snapshot!(error("@daily"), @"`@daily` is no cron expression of five fields, as `30 2 * * *` (half past two each day): it has 1 field");
    assert!(Schedule::cron("0 9 * * MON-FRI", Tz::UTC, Missed::Skip).is_ok());
    assert!(Schedule::cron("0 0 29 2 *", Tz::UTC, Missed::Skip).is_ok());
}

#[test]
fn what_was_missed_is_left_out_or_made_good_once() {
    let zone = chrono_tz::America::Toronto;
    let down = (millis("2026-12-01T12:00:00Z"), millis("2026-12-04T12:00:00Z"));
    for (missed, expected) in [(Missed::Skip, None), (Missed::Run, Some(millis("2026-12-04T07:30:00Z")))] {
        let schedule = Schedule::cron("30 2 * * *", zone, missed).unwrap();
        let first = schedule.due(None, down.0);
        assert_eq!(first.fire_now, None, "the first look only begins");
        let firing = schedule.due(Some(&first.stored.bytes), down.1);
        assert_eq!((firing.fire_now, firing.next), (expected, millis("2026-12-05T07:30:00Z")));
        assert_eq!((first.missed, firing.missed), (false, missed == Missed::Skip));
        let again = schedule.due(Some(&firing.stored.bytes), down.1 + 1);
        assert_eq!((again.fire_now, again.next, again.missed), (None, firing.next, false));
        let late = schedule.due(Some(&again.stored.bytes), firing.next + 20);
        assert_eq!(late.fire_now, Some(firing.next), "a little late is on time");
    }
}

/// A schedule that is written anew begins with the first look at it, whatever the one before had missed.
#[test]
fn another_schedule_of_the_rule_has_missed_nothing() {
    let zone = chrono_tz::America::Toronto;
    let (began, now) = (millis("2026-12-01T12:00:00Z"), millis("2026-12-04T12:00:00Z"));
    let [before, after] = ["30 2 * * *", "30 1 * * *"].map(|text| cron(text, zone));
    let hourly = Schedule::every(3_600_000, Missed::Run).unwrap();
    let stored = before.due(None, began).stored.bytes;
    for edited in [&after, &hourly] {
        assert!(edited.is_new(Some(&stored)));
        assert_eq!(edited.due(Some(&stored), now), edited.due(None, now));
    }
    let blanks = Schedule::cron("30  2 * * *", zone, Missed::Run).unwrap();
    for same in [&before, &blanks, &cron("30 2 * * *", Tz::UTC)] {
        assert!(!same.is_new(Some(&stored)) && same.due(Some(&stored), now).fire_now.is_some());
    }
    assert_eq!(&*stored, r#"{"last":1796126400000,"of":"30 2 * * *"}"#);
}

/// What a version before stored says nothing of the schedule: it is taken for the one of now.
#[test]
fn a_number_alone_is_of_any_schedule() {
    let toronto = cron("30 2 * * *", chrono_tz::America::Toronto);
    let stored = millis("2026-12-01T12:00:00Z").to_string();
    assert!(!toronto.is_new(Some(&stored)) && toronto.is_new(None) && toronto.is_new(Some("{}")));
    let firing = toronto.due(Some(&stored), millis("2026-12-04T12:00:00Z"));
    assert_eq!(firing.fire_now, Some(millis("2026-12-04T07:30:00Z")));
}

#[test]
fn the_last_missed_is_found_while_the_clock_shows_an_hour_again() {
    let toronto = cron("50 1 * * *", chrono_tz::America::Toronto);
    let last = millis("2026-10-31T12:00:00Z");
    let firing = toronto.due(Some(&last.to_string()), millis("2026-11-01T06:10:00Z"));
    assert_eq!(firing.fire_now, Some(millis("2026-11-01T05:50:00Z")));
}

#[test]
fn a_firing_is_named_by_rule_and_nominal_time() {
    assert_eq!(&*schedule_timer("main", "night report", 5).firing(), "main/schedule/night report@5");
}

#[test]
fn a_clock_that_went_wrong_does_not_stop_a_schedule() {
    let hourly = Schedule::every(3_600_000, Missed::Run).unwrap();
    let ahead = hourly.due(None, millis("2090-01-01T00:00:00Z")).stored;
    let firing = hourly.due(Some(&ahead.bytes), millis("2026-01-01T00:30:00Z"));
    assert_eq!((firing.fire_now, firing.next), (None, millis("2026-01-01T01:00:00Z")));
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    let zone = prop::sample::select(vec![
        Tz::UTC,
        chrono_tz::America::Toronto,
        chrono_tz::Australia::Lord_Howe,
        chrono_tz::Asia::Beirut,
        chrono_tz::America::Sao_Paulo,
    ]);
    let text = prop::sample::select(vec![
        "30 2 * * *",
        "*/20 * * * *",
        "0 0 * * *",
        "15 1,2,3 * * 0",
        "0 0 1 * *",
        "* * * * *",
    ]);
    let missed = prop_oneof![Just(Missed::Skip), Just(Missed::Run)];
    prop_oneof![
        (text, zone, missed.clone()).prop_map(|(text, zone, missed)| Schedule::cron(text, zone, missed).unwrap()),
        (1..100_000_i64, missed).prop_map(|(seconds, missed)| Schedule::every(seconds * 1000, missed).unwrap()),
    ]
}

proptest! {
    /// Looks at random times, with and without what was stored last (a restart before it was durable can't be: it is
    /// stored with the firing): nothing fires twice, or before its time.
    #[test]
    fn a_nominal_time_fires_at_most_once(
        schedule in any_schedule(),
        start in 1_770_000_000_000..1_810_000_000_000_i64,
        looks in prop::collection::vec(prop_oneof![0..100_000_i64, 0..20_000_000_i64, -50_000..0_i64], 1..60),
    ) {
        let (mut now, mut stored) = (start, schedule.due(None, start).stored);
        let mut fired = Vec::new();
        for gap in looks {
            now += gap;
            let firing = schedule.due(Some(&stored.bytes), now);
            if let Some(nominal) = firing.fire_now {
                prop_assert!(nominal <= now && nominal > start);
                prop_assert_eq!(schedule.next(nominal - 1), nominal, "it is one of its times");
                fired.push(nominal);
            }
            prop_assert_eq!(&Stored::new(&read::<Kept>(Some(&firing.stored.bytes)).unwrap(), firing.stored.until), &firing.stored);
            stored = firing.stored;
        }
        prop_assert!(fired.is_sorted_by(|a, b| a < b), "{:?}", fired);
    }

    /// A gateway that is up looks when it is asked to, a little late, sometimes more often, restarts and all: every nominal
    /// time fires, once.
    #[test]
    fn without_downtime_every_nominal_time_fires(
        schedule in any_schedule(),
        start in 1_770_000_000_000..1_810_000_000_000_i64,
        late in prop::collection::vec((0..50_000_i64, any::<bool>()), 1..60),
    ) {
        let mut firing = schedule.due(None, start);
        let (mut now, mut fired) = (start, Vec::new());
        for (late, early) in late {
            now = now.max(if early { now + (firing.next - now) / 2 } else { firing.next + late });
            firing = schedule.due(Some(&firing.stored.bytes), now);
            fired.extend(firing.fire_now);
            while firing.next <= now {
                firing = schedule.due(Some(&firing.stored.bytes), now);
                fired.extend(firing.fire_now);
            }
        }
        let mut expected = Vec::new();
        let mut at = schedule.next(start);
        while at <= now {
            expected.push(at);
            at = schedule.next(at);
        }
        prop_assert_eq!(fired, expected);
    }

    /// A nominal time of a cron is the first instant at which the wall clock shows it, or the end of the gap.
    #[test]
    fn the_wall_clock_agrees(after in 1_770_000_000_000..1_810_000_000_000_i64) {
        let zone = chrono_tz::America::Toronto;
        let schedule = cron("30 1 * * *", zone);
        let nominal = DateTime::from_timestamp_millis(schedule.next(after)).unwrap();
        prop_assert_eq!(shown(zone, nominal).format("%H:%M:%S").to_string(), "01:30:00");
        prop_assert!(shown(zone, nominal - TimeDelta::hours(1)).format("%H:%M").to_string() != "01:30");
        prop_assert!(nominal.timestamp_millis() - after <= 25 * 3_600_000);
    }

    #[test]
    fn broken_text_is_a_first_look(text in ".{0,20}|-?[0-9]{1,19}", now in any::<i64>()) {
        let schedule = Schedule::every(1000, Missed::Run).unwrap();
        let firing = schedule.due(Some(&text), now);
        prop_assert!(firing.fire_now.is_none_or(|nominal| nominal <= now));
    }
}
