//! Exponential back-off with full jitter.

use std::time::Duration;

use super::chance::Chance;

/// How long to wait before another attempt: a random time between nothing and `base * 2^attempt`, at most `cap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The upper bound of the first wait.
    pub base: Duration,
    /// The upper bound of every wait.
    pub cap: Duration,
}

impl Backoff {
    /// The wait before attempt `attempt + 1`, when `attempt` (counted from 0) has just failed.
    pub fn wait(self, attempt: u32, chance: &Chance) -> Duration {
        let bound = self.base.saturating_mul(1u32.checked_shl(attempt).unwrap_or(u32::MAX)).min(self.cap);
        bound.mul_f64(chance.fraction())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_and_stays_under_the_cap() {
        let backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(5) };
        let chance = Chance::seeded(7);
        for attempt in 0..100 {
            let bound = Duration::from_millis(100) * 2u32.saturating_pow(attempt.min(20));
            for _ in 0..20 {
                assert!(backoff.wait(attempt, &chance) <= bound.min(Duration::from_secs(5)));
            }
        }
        let longest = (0..100).map(|_| backoff.wait(10, &chance)).max().unwrap();
        assert!(longest > Duration::from_secs(4), "full jitter reaches towards the cap, got {longest:?}");
    }
}
