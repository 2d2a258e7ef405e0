//! Runs of which only the number of their publication is kept, because so many of their rule are open already.
//!
//! What is parked stays open in the journal. It is planned again when there is room, in order; meanwhile every further
//! run of its rule is parked behind it. Runs that control a call are never parked: their deadlines keep them few, and a
//! later state of the call must find them.

use std::collections::{HashMap, VecDeque};

use super::lanes::Owner;

/// The most runs of a rule that are open without being parked.
const OF_RULE: usize = 20_000;
/// The most runs of all rules of an account that are open before further ones are parked, shared by the accounts.
const OF_ALL: usize = 50_000;
/// The most that are parked; beyond that nothing more is claimed.
pub const MOST: usize = 4_000_000;

/// See the module.
#[derive(Debug)]
pub(super) struct Parking {
    rules: HashMap<Owner, VecDeque<u64>>,
    count: usize,
    /// The most of one account.
    of_all: usize,
}

impl Parking {
    /// With so many accounts.
    pub(super) fn new(accounts: usize) -> Self {
        Self { rules: HashMap::new(), count: 0, of_all: OF_ALL / accounts.max(1) }
    }

    /// How many are parked.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether a run of a rule has to be parked, with so many of it and of all of its account open.
    pub(super) fn is_needed(&self, rule: &Owner, open_of_rule: usize, open: usize) -> bool {
        open_of_rule >= OF_RULE || open >= self.of_all || self.rules.contains_key(rule)
    }

    /// Parks a run.
    pub(super) fn park(&mut self, rule: &Owner, seq: u64) {
        self.rules.entry(rule.clone()).or_default().push_back(seq);
        self.count += 1;
    }

    /// The next run that there is room for: its rule must have become half empty, so that one is not parked and planned
    /// again for each that ends.
    /// `open`: how many of a rule and of its account are open.
    pub(super) fn next(&mut self, open: impl Fn(&Owner) -> (usize, usize)) -> Option<(Owner, u64)> {
        if self.count == 0 {
            return None;
        }
        let has_room = |rule: &&Owner| {
            let (of_rule, of_account) = open(rule);
            of_rule < OF_RULE / 2 && of_account < self.of_all / 4 * 3
        };
        let rule = self.rules.keys().find(has_room).cloned()?;
        let queue = self.rules.get_mut(&rule)?;
        let seq = queue.pop_front();
        if queue.is_empty() {
            self.rules.remove(&rule);
        }
        self.count -= 1;
        Some((rule, seq?))
    }

    /// The oldest of a rule could not be read: it stays the next.
    pub(super) fn put_back(&mut self, rule: &Owner, seq: u64) {
        self.rules.entry(rule.clone()).or_default().push_front(seq);
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_parked_comes_back_in_order_when_its_rule_is_half_empty() {
        let mut parking = Parking::new(1);
        let owner = |lane: &str, rule: &str| Owner::of(&lane.into(), &rule.into());
        let (slow, other) = (owner("acme/1", "slow"), owner("acme/1", "other"));
        assert!(parking.is_needed(&slow, OF_RULE, OF_RULE) && !parking.is_needed(&slow, OF_RULE - 1, OF_RULE));
        assert!(parking.is_needed(&other, 0, OF_ALL));
        parking.park(&slow, 7);
        parking.park(&slow, 9);
        assert!(parking.is_needed(&slow, 0, 0), "no later one passes what is parked");
        assert!(!parking.is_needed(&other, 0, 0));
        assert!(parking.is_needed(&owner("acme/2", "slow"), 0, 0), "it is the same rule");
        assert!(!parking.is_needed(&owner("beta/1", "slow"), 0, 0), "it is another account's");
        assert_eq!(parking.next(|_| (OF_RULE / 2, 100)), None);
        assert_eq!(parking.next(|_| (0, OF_ALL)), None);
        assert_eq!(parking.next(|_| (0, 100)), Some((slow.clone(), 7)));
        parking.put_back(&slow, 7);
        assert_eq!(parking.next(|_| (0, 100)), Some((slow.clone(), 7)));
        assert_eq!(parking.next(|_| (0, 100)), Some((slow.clone(), 9)));
        assert_eq!((parking.next(|_| (0, 100)), parking.count()), (None, 0));
        assert!(!parking.is_needed(&slow, 0, 0));
    }
}
