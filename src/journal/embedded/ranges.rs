//! A set of positions that is small when they are nearly contiguous: what is done beyond the first that is not.

use std::collections::BTreeMap;

/// Positions as ranges, start to end (inclusive).
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    /// Adds a position.
    pub(super) fn insert(&mut self, at: u64) {
        let before = self.0.range(..=at).next_back().map(|(&start, &end)| (start, end));
        if before.is_some_and(|(_, end)| at <= end) {
            return;
        }
        let start = match before {
            Some((start, end)) if end + 1 == at => start,
            _ => at,
        };
        let end = self.0.remove(&(at + 1)).unwrap_or(at);
        self.0.insert(start, end);
    }

    /// Adds all positions from `start` to `end` (inclusive), which lie beyond all that is in the set; none if `end` is
    /// before `start`.
    pub(super) fn insert_range(&mut self, start: u64, end: u64) {
        if start <= end {
            self.0.insert(start, end);
        }
    }

    /// Whether a position is in the set.
    pub(super) fn contains(&self, at: u64) -> bool {
        self.0.range(..=at).next_back().is_some_and(|(_, &end)| at <= end)
    }

    /// Takes out what follows `done_to` without a gap and returns where that ends.
    pub(super) fn advance(&mut self, done_to: u64) -> u64 {
        self.0.remove(&(done_to + 1)).unwrap_or(done_to)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_plain_set(positions in prop::collection::vec(1u64..60, 0..80)) {
            let (mut ranges, mut plain, mut done_to, mut plain_done) = (Ranges::default(), BTreeSet::new(), 0, 0);
            for at in positions {
                if at > done_to {
                    ranges.insert(at);
                    plain.insert(at);
                }
                done_to = ranges.advance(done_to);
                while plain.remove(&(plain_done + 1)) {
                    plain_done += 1;
                }
                prop_assert_eq!(done_to, plain_done);
                for at in 1..60 {
                    prop_assert_eq!(ranges.contains(at), plain.contains(&at));
                }
            }
        }
    }
}
