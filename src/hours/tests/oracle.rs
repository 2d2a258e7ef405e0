//! The nights in which clocks change, against an oracle of another language: `tests/fixtures/hours/clocks.py` made
//! `clocks.csv` beside it, with the zones of Python's zoneinfo.

use super::*;

const EXPECTED: &str = include_str!("../../../tests/fixtures/hours/clocks.csv");

fn minute(text: &str) -> DateTime<Utc> {
    utc(&text.replace('Z', ":00Z"))
}

#[test]
fn nights_in_which_clocks_change() {
    let mut seen = 0;
    for line in EXPECTED.lines().skip(1) {
        let [zone, _, open, calls, changes] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let hours = plain(open, zone.parse().unwrap());
        for call in calls.split(' ') {
            let (at, wanted) = call.split_at(call.len() - 1);
            assert_eq!(hours.is_open(minute(at)), wanted == "+", "{zone} {open} {call}");
        }
        let mut words = changes.split(' ').filter(|word| !word.is_empty());
        let first = minute(words.next().unwrap());
        let wanted: Vec<&str> = words.collect();
        let found: Vec<String> = hours
            .changes(first)
            .take_while(|(at, _)| *at <= first + TimeDelta::hours(12))
            .map(|(at, open)| format!("{}{}", if open { '+' } else { '-' }, at.to_utc().format("%H:%MZ")))
            .collect();
        assert_eq!(found, wanted, "{zone} {open}");
        seen += 1;
    }
    assert_eq!(seen, 48);
}
