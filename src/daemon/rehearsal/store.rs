//! What a rehearsal remembers in the place of the journal: state, timers and which publications were seen.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::journal::{Change, Claim, Entry, StateChange, Timer, TimerChange};

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    last: u64,
    seen: HashSet<Arc<str>>,
    state: HashMap<Arc<str>, StateChange>,
    timers: BTreeMap<Arc<str>, Timer>,
}

impl Store {
    /// Takes a publication in; none if its id was seen before.
    pub(super) fn accept(&mut self, entry: Entry, arrived: i64) -> Option<Claim> {
        if !self.seen.insert(Arc::clone(&entry.id)) {
            return None;
        }
        self.last += 1;
        Some(Claim { seq: self.last, arrived, entry, recovered: false, history: Vec::new() })
    }

    /// The value of a key, unless it is forgotten by now.
    pub(super) fn load(&self, key: &Arc<str>, now: i64) -> Option<Arc<str>> {
        self.state.get(key).filter(|kept| kept.until > now).map(|kept| Arc::clone(&kept.bytes))
    }

    /// Writes state and timers; what is to be published is returned.
    pub(super) fn write(&mut self, change: Change) -> Vec<Entry> {
        self.state.extend(change.state.into_iter().map(|set| (Arc::clone(&set.key), set)));
        for change in change.timers {
            match change {
                TimerChange::Set(timer) => drop(self.timers.insert(Arc::clone(&timer.id), timer)),
                TimerChange::Clear(id) => drop(self.timers.remove(&id)),
            }
        }
        change.events
    }

    /// Takes out the timer that is due first, if it is by `now`.
    pub(super) fn fire(&mut self, now: i64) -> Option<Timer> {
        let due = self.timers.values().filter(|timer| timer.due <= now);
        let id = due.min_by(|a, b| (a.due, &a.id).cmp(&(b.due, &b.id))).map(|timer| Arc::clone(&timer.id))?;
        self.timers.remove(&id)
    }
}

#[cfg(test)]
impl Store {
    /// The keys of all that is remembered and of all timers.
    pub(super) fn kept(&self, now: i64) -> Vec<Arc<str>> {
        let state = self.state.values().filter(|kept| kept.until > now).map(|kept| &kept.key);
        let mut kept: Vec<Arc<str>> = state.chain(self.timers.keys()).cloned().collect();
        kept.sort_unstable();
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str) -> Entry {
        Entry { id: id.into(), lane: "main/x".into(), source: "main/test".into(), body: "{}".into() }
    }

    fn timer(id: &str, due: i64) -> TimerChange {
        TimerChange::Set(Timer { id: id.into(), due, entry: entry(&format!("{id}@{due}")) })
    }

    #[test]
    fn timers_fire_in_the_order_of_their_time_and_those_that_are_called_off_do_not() {
        let mut store = Store::default();
        let timers = vec![timer("c", 5), timer("a", 7), timer("b", 7), timer("x", 6), timer("late", 11), timer("c", 8)];
        assert!(store.write(Change { timers, ..Change::default() }).is_empty());
        store.write(Change { timers: vec![TimerChange::Clear("x".into())], ..Change::default() });
        let fired: Vec<_> = std::iter::from_fn(|| store.fire(10)).map(|timer| (timer.id, timer.due)).collect();
        assert_eq!(fired, [("a".into(), 7), ("b".into(), 7), ("c".into(), 8)]);
        assert_eq!(store.fire(11).unwrap().id, "late".into());
    }

    #[test]
    fn what_is_forgotten_and_what_was_seen() {
        let mut store = Store::default();
        let state = vec![StateChange { key: "k".into(), bytes: "1".into(), until: 10 }];
        store.write(Change { state, ..Change::default() });
        assert_eq!((store.load(&"k".into(), 9).as_deref(), store.load(&"k".into(), 10)), (Some("1"), None));
        assert_eq!(store.accept(entry("a"), 1).map(|claim| claim.seq), Some(1));
        assert!(store.accept(entry("a"), 2).is_none());
        assert_eq!(store.accept(entry("b"), 3).map(|claim| claim.seq), Some(2));
    }
}
