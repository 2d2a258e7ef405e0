//! A collection of entries with its index. A copy shares the entries, so that one can be changed and swapped for the other.

use std::sync::Arc;

use super::index::{Entry, Index, Key};

/// See the module.
#[derive(Clone, Debug)]
pub struct Shelf<R> {
    rows: Vec<Option<Arc<R>>>,
    free: Vec<u32>,
    index: Index,
}

impl<R> Default for Shelf<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), free: Vec::new(), index: Index::default() }
    }
}

impl<R: Entry> Shelf<R> {
    /// A shelf of all of these; of one id the last counts.
    pub fn of(entries: impl IntoIterator<Item = Arc<R>>) -> Self {
        let mut shelf = Self::default();
        shelf.rows.extend(entries.into_iter().map(Some));
        for (place, row) in (0..).zip(&shelf.rows) {
            if let Some(row) = row {
                row.keys(&mut |key| shelf.index.collect(key, place));
            }
        }
        shelf.index.finish();
        // A list that is read page by page while it changes may show somebody twice.
        for place in 0..shelf.rows.len() {
            let Some(row) = shelf.rows[place].clone() else { continue };
            if shelf.place(row.id()).is_some_and(|last| last as usize != place) {
                shelf.take_out(place as u32);
            }
        }
        shelf.rows.shrink_to_fit();
        shelf
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len() - self.free.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, in the order of their reading.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<R>> {
        self.rows.iter().flatten()
    }

    /// The first entry with that key.
    pub fn find(&self, key: Key<'_>) -> Option<Arc<R>> {
        self.index.places(key).find_map(|place| self.at(place).filter(|row| has(row, key)).cloned())
    }

    /// Puts an entry in, in the place of one with its id.
    pub fn put(&mut self, entry: Arc<R>) {
        self.remove(entry.id());
        let place = if let Some(place) = self.free.pop() {
            place
        } else {
            let Ok(place) = u32::try_from(self.rows.len()) else { return };
            self.rows.push(None);
            place
        };
        entry.keys(&mut |key| self.index.add(key, place));
        self.rows[place as usize] = Some(entry);
    }

    /// Takes the entry with that id out.
    pub fn remove(&mut self, id: &str) -> bool {
        let place = self.place(id);
        if let Some(place) = place {
            self.take_out(place);
        }
        place.is_some()
    }

    fn at(&self, place: u32) -> Option<&Arc<R>> {
        self.rows.get(place as usize)?.as_ref()
    }

    /// The last place of an id.
    fn place(&self, id: &str) -> Option<u32> {
        self.index.places(Key::Id(id)).filter(|place| self.at(*place).is_some_and(|row| row.id() == id)).last()
    }

    fn take_out(&mut self, place: u32) {
        if let Some(row) = self.rows.get_mut(place as usize).and_then(Option::take) {
            row.keys(&mut |key| self.index.remove(key, place));
            self.free.push(place);
        }
    }
}

fn has<R: Entry>(row: &Arc<R>, key: Key<'_>) -> bool {
    let mut found = false;
    row.keys(&mut |own| found |= own.is(&key));
    found
}
