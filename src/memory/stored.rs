//! How a value is stored: compact JSON text with the time until which it is worth keeping. Text that can't be read is
//! nothing known.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::spans::TEXT;
use crate::journal::StateChange;

/// A value that is to be stored under a key the caller knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The value as JSON text.
    pub bytes: Arc<str>,
    /// When it may be forgotten, in milliseconds since 1970.
    pub until: i64,
}

impl Stored {
    /// The change that stores it.
    pub fn at(self, key: Arc<str>) -> StateChange {
        StateChange { key, bytes: self.bytes, until: self.until }
    }

    /// A value kept until a time.
    pub(super) fn new(value: &impl Serialize, until: i64) -> Self {
        Self { bytes: write(value), until }
    }

    /// A value that is no longer known; the journal has no deletion, it forgets.
    pub(super) fn nothing(now: i64) -> Self {
        Self { bytes: "null".into(), until: now }
    }
}

/// A value as text. The types of this room can all be written; were one not, the text would read as nothing known.
pub(super) fn write(value: &impl Serialize) -> Arc<str> {
    serde_json::to_string(value).unwrap_or_default().into()
}

/// What is known, if anything is.
pub(super) fn read<T: DeserializeOwned>(stored: Option<&str>) -> Option<T> {
    serde_json::from_str(stored?).ok()
}

/// A text from outside, cut to what is kept of such.
pub(super) fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_nothing_known() {
        for text in ["", "null", "{", "[1]", "\"x\"", "{\"hops\":-1}"] {
            assert_eq!(read::<std::collections::BTreeMap<String, u32>>(Some(text)), None, "{text}");
        }
        assert_eq!(read::<u32>(None), None);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(clip("ann"), "ann");
        assert_eq!(clip(&"é".repeat(TEXT)).len(), TEXT);
        assert_eq!(clip(&format!("x{}", "é".repeat(TEXT))).len(), TEXT - 1);
    }
}
