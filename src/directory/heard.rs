//! Of whom notifications told, in their order: so that an answer that was asked for before one is not taken for newer.

use std::collections::HashMap;

/// Of how many it is remembered; of the others it counts as told when it was forgotten.
const MOST: usize = 10_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Heard {
    count: u64,
    forgotten: u64,
    last: HashMap<Box<str>, u64>,
}

impl Heard {
    /// A notification told of somebody.
    pub(super) fn of(&mut self, id: &str) {
        self.count += 1;
        if self.last.len() >= MOST {
            self.last.clear();
            self.forgotten = self.count;
        }
        self.last.insert(id.into(), self.count);
    }

    /// How many notifications there were so far.
    pub(super) fn now(&self) -> u64 {
        self.count
    }

    /// Whether one told of somebody after so many; perhaps, if that was forgotten.
    pub(super) fn since(&self, id: &str, count: u64) -> bool {
        self.last.get(id).copied().unwrap_or(self.forgotten).max(self.forgotten) > count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_since_is_known_and_what_was_forgotten_counts_as_told() {
        let mut heard = Heard::default();
        heard.of("ann");
        let asked = heard.now();
        heard.of("bob");
        assert!(!heard.since("ann", asked) && heard.since("bob", asked) && !heard.since("cid", asked));
        (0..MOST).for_each(|id| heard.of(&id.to_string()));
        assert!(heard.since("ann", asked));
        assert!(!heard.since("ann", heard.now()));
    }
}
