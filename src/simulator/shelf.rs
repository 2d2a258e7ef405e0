//! A shelf: resources of one kind as the JSON that the API shows, in the order in which they were made. For the many
//! resources that are only kept and shown; what has rules of its own (calls, conversations, tokens) is not on a shelf.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use super::answer::Refusal;

/// Resources of one kind that may exist at a time.
const MOST: usize = 10_000;

/// Resources of one kind by their id.
pub(crate) struct Shelf {
    /// The error's name if one is missing, as in `GroupNotFound`.
    missing: &'static str,
    items: Mutex<Map<String, Value>>,
}

impl Shelf {
    /// An empty one.
    pub(crate) fn new(missing: &'static str) -> Self {
        Self { missing, items: Mutex::default() }
    }

    /// One with something on it.
    pub(crate) fn with(missing: &'static str, items: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self { missing, items: Mutex::new(items.into_iter().collect()) }
    }

    fn items(&self) -> MutexGuard<'_, Map<String, Value>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn no_such(&self, id: &str) -> Refusal {
        Refusal::missing(self.missing, format!("there is no {id}"))
    }

    /// All, oldest first.
    pub(crate) fn all(&self) -> Vec<Value> {
        self.items().values().cloned().collect()
    }

    /// One.
    pub(crate) fn get(&self, id: &str) -> Result<Value, Refusal> {
        self.items().get(id).cloned().ok_or_else(|| self.no_such(id))
    }

    /// Puts one there, in the place of what had this id; whether nothing had.
    pub(crate) fn put(&self, id: &str, item: Value) -> Result<bool, Refusal> {
        let mut items = self.items();
        if items.len() >= MOST && !items.contains_key(id) {
            return Err(Refusal::bad(format!("there are {MOST} already")));
        }
        Ok(items.insert(id.to_owned(), item).is_none())
    }

    /// Changes one; answers what became of it.
    pub(crate) fn change(
        &self,
        id: &str,
        change: impl FnOnce(&mut Value) -> Result<(), Refusal>,
    ) -> Result<Value, Refusal> {
        let mut items = self.items();
        let item = items.get_mut(id).ok_or_else(|| self.no_such(id))?;
        let mut changed = item.clone();
        change(&mut changed)?;
        item.clone_from(&changed);
        Ok(changed)
    }

    /// Takes one away; answers it.
    pub(crate) fn take(&self, id: &str) -> Result<Value, Refusal> {
        self.items().shift_remove(id).ok_or_else(|| self.no_such(id))
    }
}
