//! A durable timer that something remembered asks for.

use std::sync::Arc;

/// A timer: the same id set again replaces it. Ids are stable over restart and reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Whose it is, account included.
    pub id: Arc<str>,
    /// When it is due, in milliseconds since 1970.
    pub due: i64,
}

impl Timer {
    /// The id of the event when it fires: with the due time, so that each firing is known as one and comes once.
    pub fn firing(&self) -> Arc<str> {
        format!("{}@{}", self.id, self.due).into()
    }
}
