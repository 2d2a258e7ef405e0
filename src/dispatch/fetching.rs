//! Publications whose planning waits for something from afar, and what came after them in their lanes: plain data, no tasks.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::journal::Claim;

/// With so many waiting nothing more is claimed: the rest stays in the journal.
const MOST: usize = 50_000;
/// With so many of one account waiting nothing more is fetched for it: its rules decide without, so that an account whose far side
/// hangs fills up neither the memory nor the way of the others.
const OF_ACCOUNT: usize = 2_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Fetching {
    /// Each lane that waits: the publication that is fetched for, and those behind it in the order of their coming.
    lanes: HashMap<Arc<str>, (Claim, VecDeque<Claim>)>,
    of_account: HashMap<Box<str>, usize>,
    count: usize,
}

impl Fetching {
    /// Whether a lane waits.
    pub(super) fn waits(&self, lane: &str) -> bool {
        self.lanes.contains_key(lane)
    }

    /// Whether so much waits that nothing more is to be claimed.
    pub(super) fn is_full(&self) -> bool {
        self.count >= MOST
    }

    /// Whether there is room for one more publication of the account of a lane.
    pub(super) fn has_room(&self, lane: &str) -> bool {
        self.of_account.get(account(lane)).is_none_or(|count| *count < OF_ACCOUNT)
    }

    /// Whether something waits of which was done what no line of the journal tells.
    pub(super) fn knows_more(&self) -> bool {
        let mut waiting = self.lanes.values().flat_map(|(claim, behind)| behind.iter().chain([claim]));
        waiting.any(|claim| !claim.recovered && !claim.history.is_empty())
    }

    fn counts(&mut self, lane: &str, more: usize) {
        self.count += more;
        *self.of_account.entry(account(lane).into()).or_default() += more;
    }

    /// A lane waits from now on, with this publication; `behind` is what came after it already.
    pub(super) fn begin(&mut self, claim: Claim, behind: VecDeque<Claim>) {
        self.counts(&Arc::clone(&claim.entry.lane), 1 + behind.len());
        self.lanes.insert(Arc::clone(&claim.entry.lane), (claim, behind));
    }

    /// Puts a publication behind those of its lane, if that waits; gives it back if not.
    pub(super) fn line_up(&mut self, claim: Claim) -> Option<Claim> {
        let lane = Arc::clone(&claim.entry.lane);
        let Some((_, behind)) = self.lanes.get_mut(&lane) else { return Some(claim) };
        behind.push_back(claim);
        self.counts(&lane, 1);
        None
    }

    /// What a lane waited for has come: its publication, and those behind it.
    pub(super) fn end(&mut self, lane: &str) -> Option<(Claim, VecDeque<Claim>)> {
        let (claim, behind) = self.lanes.remove(lane)?;
        let gone = 1 + behind.len();
        self.count -= gone;
        if let Some(count) = self.of_account.get_mut(account(lane)) {
            *count -= gone;
            if *count == 0 {
                self.of_account.remove(account(lane));
            }
        }
        Some((claim, behind))
    }
}

/// The account of a lane.
fn account(lane: &str) -> &str {
    lane.split_once('/').map_or("", |(account, _)| account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Entry;

    fn claim(seq: u64, lane: &str) -> Claim {
        let (id, lane) = (seq.to_string().into(), lane.into());
        let entry = Entry { id, lane, source: "main".into(), body: "{}".into() };
        Claim { seq, arrived: 0, entry, recovered: false, history: Vec::new() }
    }

    #[test]
    fn a_lane_waits_in_order_and_others_do_not() {
        let mut fetching = Fetching::default();
        fetching.begin(claim(1, "a"), VecDeque::new());
        assert!(fetching.waits("a") && !fetching.waits("b"));
        assert!(fetching.line_up(claim(2, "a")).is_none());
        assert_eq!(fetching.line_up(claim(3, "b")).map(|claim| claim.seq), Some(3));
        assert!(fetching.line_up(claim(4, "a")).is_none());
        let (first, behind) = fetching.end("a").unwrap();
        assert_eq!((first.seq, behind.iter().map(|claim| claim.seq).collect::<Vec<_>>()), (1, vec![2, 4]));
        assert!(!fetching.waits("a") && fetching.end("a").is_none());
        assert!(fetching.count == 0 && fetching.of_account.is_empty());
    }

    #[test]
    fn one_account_leaves_room_for_the_others_and_what_was_done_is_not_forgotten() {
        let mut fetching = Fetching::default();
        fetching.begin(claim(1, "acme/a"), VecDeque::new());
        for seq in 2..=OF_ACCOUNT as u64 {
            assert!(fetching.has_room("acme/b"));
            assert!(fetching.line_up(claim(seq, "acme/a")).is_none());
        }
        assert!(!fetching.has_room("acme/b") && fetching.has_room("beta/b"));
        assert!(!fetching.knows_more());
        fetching.end("acme/a").unwrap();
        assert!(fetching.has_room("acme/b"));
        let line = crate::journal::Line {
            seq: 9,
            at: 0,
            due: None,
            run: "r".into(),
            fate: "attempt".into(),
            bytes: "{}".into(),
            last: false,
        };
        fetching.begin(Claim { history: vec![line], ..claim(9, "acme/a") }, VecDeque::new());
        assert!(fetching.knows_more());
    }
}
