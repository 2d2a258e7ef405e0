//! Publications whose planning waits for something from afar, and what came after them in their lanes: plain data, no tasks.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::journal::Claim;

/// With so many waiting nothing more is claimed: the rest stays in the journal.
const MOST: usize = 10_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Fetching {
    /// Each lane that waits: the publication that is fetched for, and those behind it in the order of their coming.
    lanes: HashMap<Arc<str>, (Claim, VecDeque<Claim>)>,
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

    /// A lane waits from now on, with this publication; `behind` is what came after it already.
    pub(super) fn begin(&mut self, claim: Claim, behind: VecDeque<Claim>) {
        self.count += 1 + behind.len();
        self.lanes.insert(Arc::clone(&claim.entry.lane), (claim, behind));
    }

    /// Puts a publication behind those of its lane, if that waits; gives it back if not.
    pub(super) fn line_up(&mut self, claim: Claim) -> Option<Claim> {
        let Some((_, behind)) = self.lanes.get_mut(&claim.entry.lane) else { return Some(claim) };
        behind.push_back(claim);
        self.count += 1;
        None
    }

    /// What a lane waited for has come: its publication, and those behind it.
    pub(super) fn end(&mut self, lane: &str) -> Option<(Claim, VecDeque<Claim>)> {
        let (claim, behind) = self.lanes.remove(lane)?;
        self.count -= 1 + behind.len();
        Some((claim, behind))
    }
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
        assert_eq!(fetching.count, 0);
    }
}
