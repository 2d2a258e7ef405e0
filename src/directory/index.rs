//! From keys to places, in sixteen bytes for each: the key's hash and the place. What is found is compared in full by the
//! owner, since two keys may share a hash.

use std::hash::{DefaultHasher, Hash, Hasher};

/// What an entry can be found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// An id.
    Id(&'a str),
    /// A name, without regard to case.
    Name(&'a str),
    /// An extension.
    Extension(&'a str),
    /// An e-mail address, without regard to case.
    Email(&'a str),
    /// The digits of a telephone number in E.164.
    Number(u64),
}

/// What stands in a directory.
pub trait Entry {
    /// Its id, unique among its like.
    fn id(&self) -> &str;

    /// Hands out every key that it is found by.
    fn keys<'a>(&'a self, take: &mut dyn FnMut(Key<'a>));
}

impl Key<'_> {
    /// Whether both mean the same.
    pub fn is(&self, other: &Key<'_>) -> bool {
        match (self, other) {
            (Key::Name(one), Key::Name(other)) | (Key::Email(one), Key::Email(other)) => folded(one).eq(folded(other)),
            (one, other) => one == other,
        }
    }

    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        match self {
            Self::Id(text) => (0u8, text).hash(&mut hasher),
            Self::Name(text) => {
                1u8.hash(&mut hasher);
                folded(text).for_each(|c| c.hash(&mut hasher));
            }
            Self::Extension(text) => (2u8, text).hash(&mut hasher),
            Self::Email(text) => {
                3u8.hash(&mut hasher);
                folded(text).for_each(|c| c.hash(&mut hasher));
            }
            Self::Number(number) => (4u8, number).hash(&mut hasher),
        }
        hasher.finish()
    }
}

fn folded(text: &str) -> impl Iterator<Item = char> {
    text.trim().chars().flat_map(char::to_lowercase)
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Index(Vec<(u64, u32)>);

impl Index {
    /// Notes a key without keeping order: [`Index::finish`] must follow.
    pub(super) fn collect(&mut self, key: Key<'_>, place: u32) {
        self.0.push((key.hash(), place));
    }

    pub(super) fn finish(&mut self) {
        self.0.sort_unstable();
        self.0.dedup();
        self.0.shrink_to_fit();
    }

    pub(super) fn add(&mut self, key: Key<'_>, place: u32) {
        let entry = (key.hash(), place);
        if let Err(at) = self.0.binary_search(&entry) {
            self.0.insert(at, entry);
        }
    }

    pub(super) fn remove(&mut self, key: Key<'_>, place: u32) {
        if let Ok(at) = self.0.binary_search(&(key.hash(), place)) {
            self.0.remove(at);
        }
    }

    /// The places that a key may be at.
    pub(super) fn places(&self, key: Key<'_>) -> impl Iterator<Item = u32> {
        let hash = key.hash();
        let from = self.0.partition_point(|(other, _)| *other < hash);
        self.0[from..].iter().take_while(move |(other, _)| *other == hash).map(|(_, place)| *place)
    }
}
