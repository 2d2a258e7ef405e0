//! A trie that lies flat: which of many beginnings a text has, in the time of one search.

use super::Place;

/// The longest beginning that is kept; of a longer one this much.
pub(super) const LONGEST: usize = 32;

/// Beginnings in the order of their bytes. Those that a text has are the nearest before it in that order, and the ones that
/// that one begins with.
#[derive(Clone, Debug, Default)]
pub(super) struct Starts {
    keys: Vec<Key>,
}

#[derive(Clone, Debug)]
struct Key {
    bytes: Box<[u8]>,
    /// The next shorter key that this one begins with.
    shorter: Option<u32>,
    places: Vec<Place>,
}

impl Starts {
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn of(pairs: impl Iterator<Item = (Vec<u8>, Place)>) -> Self {
        let mut pairs: Vec<(Vec<u8>, Place)> = pairs
            .map(|(mut bytes, place)| {
                bytes.truncate(LONGEST);
                (bytes, place)
            })
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut keys: Vec<Key> = Vec::new();
        for (bytes, place) in pairs {
            if let Some(last) = keys.last_mut().filter(|last| *last.bytes == *bytes) {
                last.places.push(place);
                continue;
            }
            let mut shorter = (keys.len() as u32).checked_sub(1);
            while let Some(at) = shorter.filter(|at| !bytes.starts_with(&keys[*at as usize].bytes)) {
                shorter = keys[at as usize].shorter;
            }
            keys.push(Key { bytes: bytes.into(), shorter, places: vec![place] });
        }
        Self { keys }
    }

    pub(super) fn find(&self, text: &[u8], found: &mut Vec<Place>) {
        let mut at = self.keys.partition_point(|key| *key.bytes <= *text).checked_sub(1);
        while let Some(key) = at.and_then(|at| self.keys.get(at)) {
            if text.starts_with(&key.bytes) {
                found.extend(&key.places);
            }
            at = key.shorter.map(|at| at as usize);
        }
    }
}
