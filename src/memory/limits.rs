//! Limits of rules: at most so many acts within a sliding time or a local calendar day.
//!
//! A limit never counts too little, but for a rule whose `within` was made longer: acts that the shorter time had forgotten
//! stay forgotten. It may count too much: above [`STEPS`] acts, a sliding time is cut into that many
//! steps and an act counts until its whole step has passed, at most a 64th of the time longer. At most twice that many
//! numbers are stored.

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::Stored;
use super::key::key;
use super::schedule::first_showing;
use super::spans::{FOREVER, STEPS};
use super::stored::read;

/// The time in which acts are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// The last so many milliseconds.
    Sliding(i64),
    /// The calendar day in that zone.
    Day(Tz),
}

/// A limit, as a rule writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The largest number of acts.
    pub max: u32,
    /// Within what.
    pub within: Within,
}

/// Whether a rule may act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// It may, and the act is counted.
    pub allowed: bool,
    /// What is to be stored.
    pub stored: Stored,
    /// When it may act again, if it may not now, in milliseconds since 1970; missing when it never may.
    pub free_at: Option<i64>,
}

/// Acts of a sliding time: until the counted moment plus the time they count. Sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sliding {
    acts: Vec<(i64, u32)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OfDay {
    day: NaiveDate,
    count: u32,
}

/// The key of a rule's limit; `per` is the value of its `per`, if it has one.
pub fn limit_key(account: &str, rule: &str, per: Option<&str>) -> Arc<str> {
    match per {
        Some(per) => key(account, "limit", &[rule, per]),
        None => key(account, "limit", &[rule]),
    }
}

impl Limit {
    /// Counts an act at `now`, in milliseconds since 1970, if the limit allows it.
    pub fn reserve(&self, stored: Option<&str>, now: i64) -> Verdict {
        match self.within {
            Within::Sliding(within) => self.sliding(within.max(1), stored, now),
            Within::Day(zone) => self.day(zone, stored, now),
        }
    }

    fn sliding(&self, within: i64, stored: Option<&str>, now: i64) -> Verdict {
        let grain = if self.max <= STEPS { 1 } else { within / i64::from(STEPS) + 1 };
        let Sliding { mut acts } = read(stored).unwrap_or_default();
        acts.retain(|(at, count)| at.saturating_add(within) > now && *count > 0);
        // What lies ahead was counted by a clock that was ahead: it counts from now on.
        let latest = now.saturating_add(grain);
        for (at, _) in &mut acts {
            *at = (*at).min(latest);
        }
        acts.sort_unstable();
        let total: u64 = acts.iter().map(|(_, count)| u64::from(*count)).sum();
        let allowed = total < u64::from(self.max);
        if allowed {
            // The end of the step that the act falls in.
            let at = now.saturating_add(grain - 1 - (now.saturating_sub(1)).rem_euclid(grain)).max(now);
            match acts.iter_mut().find(|(known, _)| *known == at) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => acts.push((at, 1)),
            }
            acts.sort_unstable();
        }
        // A rule with another `within` may have left more: the oldest are counted with the next.
        while acts.len() > 2 * STEPS as usize {
            let (_, count) = acts.remove(0);
            acts[0].1 = acts[0].1.saturating_add(count);
        }
        let free_at = if allowed { None } else { self.free(&acts, total, within) };
        let until = acts.last().map_or(now, |(at, _)| at.saturating_add(within)).min(FOREVER);
        Verdict { allowed, stored: Stored::new(&Sliding { acts }, until), free_at }
    }

    /// When so many of the oldest acts no longer count that there is room for one.
    fn free(&self, acts: &[(i64, u32)], mut total: u64, within: i64) -> Option<i64> {
        acts.iter().find_map(|(at, count)| {
            total -= u64::from(*count).min(total);
            (total < u64::from(self.max)).then(|| at.saturating_add(within))
        })
    }

    fn day(&self, zone: Tz, stored: Option<&str>, now: i64) -> Verdict {
        let at = DateTime::from_timestamp_millis(now).unwrap_or_default();
        let today = at.with_timezone(&zone).date_naive();
        let tomorrow = today.checked_add_days(Days::new(1)).unwrap_or(today);
        let mut counted = match read::<OfDay>(stored) {
            // A clock set back at midnight goes through a day's last hour again: the day that began goes on. What lies
            // further ahead was a clock that went wrong, and counts today.
            Some(known) if known.day >= today => OfDay { day: known.day.min(tomorrow), ..known },
            _ => OfDay { day: today, count: 0 },
        };
        let allowed = counted.count < self.max;
        if allowed {
            counted.count += 1;
        }
        let next = counted.day.checked_add_days(Days::new(1)).and_then(|day| day.and_hms_opt(0, 0, 0));
        let next = next.map_or(FOREVER, |midnight| first_showing(zone, midnight).timestamp_millis());
        let free_at = (!allowed && self.max > 0).then_some(next);
        Verdict { allowed, stored: Stored::new(&counted, next), free_at }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn millis(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
    }

    #[test]
    fn three_in_ten_minutes() {
        let limit = Limit { max: 3, within: Within::Sliding(600) };
        assert_eq!(&*limit_key("main", "vip", Some("+1613")), "main/limit/vip/+1613");
        let mut stored: Option<Arc<str>> = None;
        let mut seen = Vec::new();
        for now in [0, 100, 200, 300, 599, 600, 601, 700] {
            let verdict = limit.reserve(stored.as_deref(), now);
            seen.push((now, verdict.allowed, verdict.free_at));
            stored = Some(verdict.stored.bytes);
        }
        let (yes, no) = (|now| (now, true, None), |now, free| (now, false, Some(free)));
        assert_eq!(seen, [yes(0), yes(100), yes(200), no(300, 600), no(599, 600), yes(600), no(601, 700), yes(700)]);
    }

    #[test]
    fn a_limit_of_none_never_allows() {
        for within in [Within::Sliding(1000), Within::Day(Tz::UTC)] {
            let verdict = Limit { max: 0, within }.reserve(None, 5);
            assert_eq!((verdict.allowed, verdict.free_at), (false, None));
        }
    }

    #[test]
    fn a_day_is_the_local_one() {
        let limit = Limit { max: 1, within: Within::Day(chrono_tz::America::Toronto) };
        let mut stored: Option<Arc<str>> = None;
        let mut at = |text: &str| {
            let verdict = limit.reserve(stored.as_deref(), millis(text));
            stored = Some(verdict.stored.bytes);
            (verdict.allowed, verdict.free_at)
        };
        assert_eq!(at("2026-03-08T04:59:00Z"), (true, None));
        assert_eq!(at("2026-03-08T05:00:00Z"), (true, None), "midnight");
        // That day has 23 hours.
        assert_eq!(at("2026-03-09T03:59:59Z"), (false, Some(millis("2026-03-09T04:00:00Z"))));
        assert_eq!(at("2026-03-09T04:00:00Z"), (true, None));
    }

    #[test]
    fn a_midnight_that_does_not_exist_and_one_that_comes_twice() {
        let beirut = Limit { max: 1, within: Within::Day(chrono_tz::Asia::Beirut) };
        let first = beirut.reserve(None, millis("2026-03-28T20:00:00Z"));
        let second = beirut.reserve(Some(&first.stored.bytes), millis("2026-03-28T21:00:00Z"));
        assert_eq!(second.free_at, Some(millis("2026-03-28T22:00:00Z")), "01:00 of the next day");
        // St John's set its clocks back at 00:01, so that one minute of the next day came first.
        let johns = Limit { max: 2, within: Within::Day(chrono_tz::America::St_Johns) };
        let mut stored: Option<Arc<str>> = None;
        let mut allowed = Vec::new();
        for at in ["2010-11-07T02:29:00Z", "2010-11-07T02:30:30Z", "2010-11-07T02:40:00Z", "2010-11-07T12:00:00Z"] {
            let verdict = johns.reserve(stored.as_deref(), millis(at));
            stored = Some(verdict.stored.bytes);
            allowed.push(verdict.allowed);
        }
        assert_eq!(allowed, [true, true, true, false], "no day has three acts");
    }

    #[test]
    fn a_clock_that_went_wrong_does_not_block_for_ever() {
        let year = 365 * 86_400_000;
        for (limit, longest) in [
            (Limit { max: 1, within: Within::Sliding(1000) }, 1001),
            (Limit { max: 1, within: Within::Day(Tz::UTC) }, 2 * 86_400_000),
        ] {
            let ahead = limit.reserve(None, year).stored;
            let verdict = limit.reserve(Some(&ahead.bytes), 0);
            assert!(!verdict.allowed);
            assert!(limit.reserve(Some(&verdict.stored.bytes), longest).allowed);
        }
    }

    proptest! {
        /// Against a plain list of what was allowed: never more than `max` in any span of the time, and never held back for
        /// longer than a step more.
        #[test]
        fn a_sliding_limit_never_counts_too_little(
            max in prop_oneof![1..8_u32, 60..70_u32, 200..300_u32],
            within in 1..5000_i64,
            gaps in prop::collection::vec(0..40_i64, 1..400),
        ) {
            let limit = Limit { max, within: Within::Sliding(within) };
            let longest = if max <= STEPS { within } else { within + within / i64::from(STEPS) + 1 };
            let (mut now, mut stored, mut acts): (i64, Option<Arc<str>>, Vec<i64>) = (1_770_106_530_000, None, Vec::new());
            for gap in gaps {
                now += gap;
                let verdict = limit.reserve(stored.as_deref(), now);
                let counted = |span: i64| acts.iter().filter(|at| *at + span > now).count();
                prop_assert!(!verdict.allowed || counted(within) < max as usize);
                prop_assert!(verdict.allowed || counted(longest) >= max as usize);
                prop_assert_eq!(verdict.allowed, verdict.free_at.is_none());
                prop_assert!(verdict.free_at.is_none_or(|free| free > now && free <= now + longest));
                let sliding: Sliding = read(Some(&verdict.stored.bytes)).unwrap();
                prop_assert!(sliding.acts.len() <= 2 * STEPS as usize);
                prop_assert_eq!(&Stored::new(&sliding, verdict.stored.until), &verdict.stored);
                if verdict.allowed {
                    acts.push(now);
                }
                stored = Some(verdict.stored.bytes);
            }
        }

        #[test]
        fn no_day_has_too_many(
            max in 1..5_u32,
            start in 1_700_000_000_000..1_900_000_000_000_i64,
            gaps in prop::collection::vec(0..20_000_000_i64, 1..60),
        ) {
            let zone = chrono_tz::America::Sao_Paulo;
            let limit = Limit { max, within: Within::Day(zone) };
            let (mut now, mut stored): (i64, Option<Arc<str>>) = (start, None);
            let mut acts = std::collections::HashMap::<NaiveDate, u32>::new();
            for gap in gaps {
                now += gap;
                let day = DateTime::from_timestamp_millis(now).unwrap().with_timezone(&zone).date_naive();
                let verdict = limit.reserve(stored.as_deref(), now);
                let count = acts.entry(day).or_default();
                prop_assert_eq!(verdict.allowed, *count < max);
                *count += u32::from(verdict.allowed);
                let of_day: OfDay = read(Some(&verdict.stored.bytes)).unwrap();
                prop_assert_eq!(&Stored::new(&of_day, verdict.stored.until), &verdict.stored);
                stored = Some(verdict.stored.bytes);
            }
        }

        #[test]
        fn broken_text_is_nothing_counted(
            text in ".{0,30}|\\{\"acts\":\\[\\[-?[0-9]{1,18},[0-9]{1,9}\\]\\]\\}|\\{\"day\":\"-?[0-9]{4,6}-01-01\",\"count\":[0-9]{1,9}\\}",
            now in any::<i64>(),
        ) {
            for within in [Within::Sliding(i64::MAX), Within::Sliding(1000), Within::Day(Tz::UTC)] {
                for max in [2, 1000] {
                    Limit { max, within }.reserve(Some(&text), now);
                }
            }
        }
    }
}
