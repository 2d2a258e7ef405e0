//! Weeks and years to look at.

use super::*;

const OFFICE: &str = "Mo-Fr 08:30-12:00,13:00-17:00; Dec 31 08:30-12:00; PH off";

fn office() -> Hours {
    Hours::parse(OFFICE, TORONTO, &holidays("CA", &["2026-12-24 12:00-24:00"], &[])).unwrap()
}

#[test]
fn a_week_has_its_days_and_holidays() {
    let week = office().week("2026-12-27".parse().unwrap());
    let days: Vec<String> = week.iter().map(|day| day.date.to_string()).collect();
    let expected = ["21", "22", "23", "24", "25", "26", "27"].map(|day| format!("2026-12-{day}"));
    assert_eq!(days, expected, "from Monday to Sunday");
    assert_eq!(week[2].open, [(510, 720), (780, 1020)]);
    assert_eq!(week[3].open, [(510, 720)]);
    assert_eq!(week[4].open, []);
    let eve = week[3].holiday.clone().unwrap();
    assert_eq!((eve.times, eve.names), (vec![(720, 1440)], vec!["added by hand".into()]));
    assert_eq!(week[4].holiday.clone().unwrap().names, ["public holiday of CA".into()]);
    assert_eq!(week[2].holiday, None);
    let plain = plain("Mo-Fr 09:00-17:00", TORONTO).week("2026-12-25".parse().unwrap());
    assert_eq!(plain[4].holiday, None, "holidays do not matter");
}

#[test]
fn a_day_knows_that_clocks_change() {
    let clocks = |zone: Tz, day: &str| plain("24/7", zone).week(day.parse().unwrap())[6].clocks;
    assert_eq!(clocks(TORONTO, "2026-03-08"), 60);
    assert_eq!(clocks(TORONTO, "2026-11-01"), -60);
    assert_eq!(clocks(chrono_tz::Australia::Lord_Howe, "2026-04-05"), -30);
    assert_eq!(clocks(TORONTO, "2026-03-15"), 0);
}

#[test]
fn a_year_has_its_unusual_days() {
    let year = office().year(2026);
    assert_eq!(year.usual.len(), 7);
    assert_eq!(year.usual[0].1, [(510, 720), (780, 1020)]);
    assert_eq!(year.usual[6].1, []);
    let december: Vec<String> = year
        .unusual
        .iter()
        .filter(|one| one.first >= "2026-12-01".parse().unwrap())
        .map(|one| format!("{} {} {:?} {}", one.first, one.last, one.open, one.why.join(", ")))
        .collect();
    assert_eq!(
        december,
        [
            "2026-12-24 2026-12-24 [(510, 720)] added by hand",
            "2026-12-25 2026-12-25 [] public holiday of CA",
            "2026-12-31 2026-12-31 [(510, 720)] Dec 31 08:30-12:00",
        ]
    );
    assert!(plain("24/7", TORONTO).year(2026).unusual.is_empty());
    let shut = plain("Mo-Fr 09:00-17:00; Aug 03-07 off", TORONTO).year(2026).unusual;
    assert_eq!(shut.len(), 1);
    assert_eq!((shut[0].first.to_string(), shut[0].last.to_string()), ("2026-08-03".into(), "2026-08-07".into()));
    assert!(office().year(i32::MAX).unusual.is_empty(), "no such year");
}

#[test]
fn what_is_drawn_is_what_is_asked() {
    let hours = office();
    let first: NaiveDate = "2026-12-01".parse().unwrap();
    for date in first.iter_days().take(45) {
        let shown: Vec<String> =
            hours.open_on(date).iter().flat_map(|(from, to)| [format!("+{from}"), format!("-{to}")]).collect();
        let asked = times(&hours, &date.to_string());
        let asked: Vec<String> = asked
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(|word| {
                let (hour, minute) = word[1..].split_once(':').unwrap();
                format!("{}{}", &word[..1], hour.parse::<u32>().unwrap() * 60 + minute.parse::<u32>().unwrap())
            })
            .collect();
        assert_eq!(shown, asked, "{date}");
    }
}
