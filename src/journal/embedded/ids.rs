//! Which ids may be in the store, in little memory: a Bloom filter. What it has not heard of is new for sure, and the file
//! need not be asked; what it has heard of may be new all the same. An id is never taken out, so with the years of a
//! process and many millions of ids the file is asked more often.

use super::shared::fingerprint;

/// 4 MB; with two million ids one of 400 is taken for known, with five million one of 20.
const BITS: u64 = 1 << 25;
/// How many bits stand for an id.
const MARKS: u64 = 4;

/// See the module.
#[derive(Debug)]
pub(super) struct Ids {
    bits: Vec<u64>,
    /// Whether all that was in the store at the start is in here.
    pub(super) complete: bool,
}

impl Default for Ids {
    fn default() -> Self {
        Self { bits: vec![0; (BITS / 64) as usize], complete: false }
    }
}

impl Ids {
    /// Takes an id in. Whether it was new for sure.
    pub(super) fn add(&mut self, id: &str) -> bool {
        let (first, step) = {
            let print = fingerprint(id);
            (print, (print >> 32) | 1)
        };
        let mut new = false;
        for mark in 0..MARKS {
            let bit = first.wrapping_add(step.wrapping_mul(mark)) % BITS;
            let word = &mut self.bits[(bit / 64) as usize];
            new |= *word & (1 << (bit % 64)) == 0;
            *word |= 1 << (bit % 64);
        }
        new && self.complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_never_new_and_most_else_is() {
        let mut ids = Ids { complete: true, ..Ids::default() };
        let name = |number: u32| format!("main/7a7c0f5e-0b1a-4a53-9c1e-{number:012x}");
        let new = (0..100_000).filter(|number| ids.add(&name(*number))).count();
        assert!(new > 99_900, "{new}");
        assert!((0..100_000).all(|number| !ids.add(&name(number))));
    }

    #[test]
    fn nothing_is_new_before_all_is_known() {
        let mut ids = Ids::default();
        assert!(!ids.add("a"));
        ids.complete = true;
        assert!(!ids.add("a"), "it was taken in before");
        assert!(ids.add("b"));
    }
}
