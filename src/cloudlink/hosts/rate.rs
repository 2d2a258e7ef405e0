//! The rate limit: a bucket of tokens that fills evenly, and an order for those who come too early.
//!
//! Pure: time is handed in. Who finds the bucket empty is told when its turn would be if everybody who was told a time
//! came back then; that spreads any number of them over time instead of letting all of them fight for the next token.

use std::time::Duration;

use tokio::time::Instant;

/// So many requests a second, and so many at once after a quiet time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Requests a second; more than nothing.
    pub per_second: f64,
    /// The most at once; at least 1.
    pub burst: f64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    /// Below nothing while somebody waits in place for a token that is still to come.
    tokens: f64,
    /// Turns that were told to those who came too early and are still to come.
    told: f64,
    at: Instant,
}

impl Bucket {
    /// Full.
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, tokens: rate.burst, told: 0.0, at: now }
    }

    /// Takes a token. It is good after the returned wait, which is not longer than `patience`; the error is how long to
    /// stay away.
    pub(super) fn take(&mut self, now: Instant, patience: Duration) -> Result<Duration, Duration> {
        let filled = now.saturating_duration_since(self.at).as_secs_f64() * self.rate.per_second;
        self.at = now;
        self.tokens = (self.tokens + filled).min(self.rate.burst);
        self.told = (self.told - filled).max(0.0);
        let wait = self.wait_for(1.0 - self.tokens);
        if wait <= patience {
            self.tokens -= 1.0;
            return Ok(wait);
        }
        self.told += 1.0;
        Err(self.wait_for(self.told - self.tokens))
    }

    fn wait_for(&self, tokens: f64) -> Duration {
        Duration::try_from_secs_f64((tokens / self.rate.per_second).max(0.0)).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SLOW: Rate = Rate { per_second: 10.0, burst: 3.0 };

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_and_then_so_many_a_second() {
        let start = Instant::now();
        let mut bucket = Bucket::new(SLOW, start);
        let (patience, tenth) = (Duration::from_millis(100), Duration::from_millis(100));
        for _ in 0..3 {
            assert_eq!(bucket.take(start, patience), Ok(Duration::ZERO));
        }
        assert_eq!(bucket.take(start, patience), Ok(tenth), "worth waiting for in place");
        assert_eq!(bucket.take(start, patience), Err(2 * tenth));
        assert_eq!(bucket.take(start, patience), Err(3 * tenth), "each has a turn of its own");
        assert_eq!(bucket.take(start + 2 * tenth, patience), Ok(Duration::ZERO));
        let rested = start + Duration::from_mins(1);
        let passed = (0..10).filter(|_| bucket.take(rested, Duration::ZERO).is_ok()).count();
        assert_eq!(passed, 3, "a long rest saves up no more than the burst");
    }

    proptest! {
        /// However they come, never more than the burst and what has flowed in meanwhile.
        #[test]
        fn no_more_than_the_rate(gaps in prop::collection::vec(0_u64..300, 1..200)) {
            let start = Instant::now();
            let (mut bucket, mut now, mut good) = (Bucket::new(SLOW, start), start, Vec::new());
            for gap in gaps {
                now += Duration::from_millis(gap);
                match bucket.take(now, Duration::from_millis(150)) {
                    Ok(wait) => good.push(now + wait),
                    Err(away) => prop_assert!(away > Duration::from_millis(150) && away < Duration::from_secs(30)),
                }
            }
            good.sort();
            for (first, from) in good.iter().enumerate() {
                for (last, to) in good.iter().enumerate().skip(first) {
                    let most = SLOW.burst + (*to - *from).as_secs_f64() * SLOW.per_second + 1e-6;
                    prop_assert!((last - first + 1) as f64 <= most, "{} in {:?}", last - first + 1, *to - *from);
                }
            }
        }
    }
}
