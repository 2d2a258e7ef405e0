//! How far the clock of a site's PBX is off, as far as CloudLink's own clock tells.
//!
//! Each notification says when the PBX saw it and when Notify sent it on. The smallest difference of the last hour is
//! the way from one to the other on a good moment, plus what the PBX's clock is slow (or less what it is fast). Deadlines
//! count from the PBX's time plus that: a PBX ten minutes slow does not make every call expire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How many events it takes to believe it.
const ENOUGH: u64 = 20;
/// How many minutes count.
const MINUTES: i64 = 60;
const MINUTE: i64 = 60_000;

/// See the module. Bounded: one small entry for each minute of the last hour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skew {
    /// By minute since 1970: the smallest difference in milliseconds, and of how many.
    minutes: BTreeMap<i64, (i64, u64)>,
}

impl Skew {
    /// From its text; what can't be read is nothing known.
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// As text.
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// When what is known now is of no use any more, in milliseconds since 1970.
    pub fn until(now: i64) -> i64 {
        now.saturating_add((MINUTES + 1) * MINUTE)
    }

    /// Hears a difference in milliseconds at `now` (milliseconds since 1970). Whether that is worth being written down:
    /// it is for the first of a minute, for a smaller one, and for the one that makes it believable.
    pub fn hear(&mut self, lag: i64, now: i64) -> bool {
        let minute = now.div_euclid(MINUTE);
        self.minutes.retain(|at, _| (minute - MINUTES..=minute).contains(at));
        let before = self.count();
        let (smallest, count) = self.minutes.entry(minute).or_insert((i64::MAX, 0));
        let news = lag < *smallest || before + 1 == ENOUGH;
        *smallest = lag.min(*smallest);
        *count += 1;
        news
    }

    /// How many milliseconds are to be added to the PBX's time at `now`; 0 while too few were heard.
    pub fn millis(&self, now: i64) -> i64 {
        let minute = now.div_euclid(MINUTE);
        let last_hour = || self.minutes.range(minute - MINUTES..=minute).map(|(_, heard)| heard);
        if last_hour().map(|(_, count)| count).sum::<u64>() < ENOUGH {
            return 0;
        }
        last_hour().map(|(smallest, _)| *smallest).min().unwrap_or(0)
    }

    fn count(&self) -> u64 {
        self.minutes.values().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_770_106_530_000;

    #[test]
    fn a_slow_pbx_is_known_after_twenty_events_and_forgotten_after_an_hour() {
        let mut skew = Skew::default();
        for n in 0..19 {
            skew.hear(600_000 + n * 10, NOW + n);
            assert_eq!(skew.millis(NOW + n), 0);
        }
        assert!(skew.hear(605_000, NOW + 20), "the one that makes it believable is written down");
        assert!(!skew.hear(605_000, NOW + 21));
        assert_eq!(skew.millis(NOW + 22), 600_000);
        assert!(skew.hear(599_000, NOW + 30));
        assert_eq!(skew.millis(NOW + 31), 599_000);
        assert_eq!(skew.millis(NOW + 62 * MINUTE), 0);
        assert_eq!(Skew::read(&skew.write()), skew);
    }

    #[test]
    fn what_can_not_be_read_is_nothing() {
        assert_eq!(Skew::read("{\"minutes\":7}"), Skew::default());
    }

    proptest! {
        #[test]
        fn is_the_smallest_of_the_last_hour(lags in prop::collection::vec((-900_000i64..900_000, 0i64..200_000), 20..200)) {
            let (mut skew, mut now, mut heard) = (Skew::default(), NOW, Vec::new());
            for (lag, pause) in lags {
                now += pause;
                skew.hear(lag, now);
                heard.push((now.div_euclid(MINUTE), lag));
                prop_assert!(skew.minutes.len() <= MINUTES as usize + 1);
                let current: Vec<i64> = heard.iter().filter(|(at, _)| *at >= now.div_euclid(MINUTE) - MINUTES).map(|(_, lag)| *lag).collect();
                let wanted = if current.len() < ENOUGH as usize { 0 } else { *current.iter().min().unwrap() };
                prop_assert_eq!(skew.millis(now), wanted);
            }
        }
    }
}
