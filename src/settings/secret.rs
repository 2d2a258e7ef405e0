//! Secrets: text, `{ env = "NAME" }` or `{ file = "PATH" }`. What they are is never part of a message.

use std::path::Path;

use config::ValueKind;

use super::section::{Section, name_of};
use crate::kit::secret::Secret;

/// More than any secret has.
const LONGEST: u64 = 64 * 1024;

/// A secret that was found, or that is left where it is because nobody needs it now.
pub(super) enum Found {
    /// Its text.
    Text(String),
    /// It was not read.
    Unread,
}

impl Found {
    /// The text, to check its form.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Unread => None,
        }
    }

    /// The secret. One that was not read is empty, and nobody is given it: what the desk gets has no secrets.
    pub(super) fn into_secret(self) -> Secret {
        match self {
            Self::Text(text) => Secret::new(text),
            Self::Unread => Secret::new(""),
        }
    }
}

impl Section<'_> {
    /// A secret.
    pub(super) fn secret(&mut self, key: &'static str) -> Option<Found> {
        let value = self.take(key)?;
        let found = match value.kind {
            ValueKind::String(text) => Ok(Found::Text(text)),
            ValueKind::Table(_) => {
                self.table_of(key, value, |places| match (places.text("env"), places.text("file")) {
                    (Some(name), None) => Some(places.in_variable(&name)),
                    (None, Some(path)) => Some(places.in_file(&places.context.folder().join(path))),
                    (None, None) => {
                        Some(Err("names no place: write { env = \"NAME\" } or { file = \"PATH\" }".to_owned()))
                    }
                    (Some(_), Some(_)) => Some(Err("names two places: write either env or file".to_owned())),
                })??
            }
            kind => {
                Err(format!("expected text, {{ env = \"NAME\" }} or {{ file = \"PATH\" }}, found {}", name_of(&kind)))
            }
        };
        let checked = found.and_then(|found| match found.text() {
            Some("") => Err("is empty".to_owned()),
            _ => Ok(found),
        });
        match checked {
            Ok(found) => {
                if found.text().is_some_and(|text| text.trim() != text) {
                    self.warn(key, "begins or ends with a space or a line break, which counts");
                }
                Some(found)
            }
            Err(message) => {
                self.wrong(key, message);
                None
            }
        }
    }

    /// A secret that has to be there.
    pub(super) fn needed_secret(&mut self, key: &'static str) -> Option<Found> {
        if !self.has(key) {
            self.missing(key, "text, { env = \"NAME\" } or { file = \"PATH\" }");
        }
        self.secret(key)
    }

    fn unread(&self) -> Found {
        self.context.unread.set(self.context.unread.get() + 1);
        Found::Unread
    }

    fn in_variable(&self, name: &str) -> Result<Found, String> {
        match self.context.environment.get(name) {
            _ if !self.reads_secrets() => Ok(self.unread()),
            None => Err(format!("the environment variable {name} is not set")),
            Some("") => Err(format!("the environment variable {name} is empty")),
            Some(text) => Ok(Found::Text(text.to_owned())),
        }
    }

    fn in_file(&self, path: &Path) -> Result<Found, String> {
        if !self.reads_secrets() {
            return Ok(self.unread());
        }
        let shown = path.display();
        match std::fs::metadata(path) {
            Ok(data) if data.is_file() && data.len() > LONGEST => {
                return Err(format!("{shown} is too large for a secret"));
            }
            _ => {}
        }
        let text = std::fs::read_to_string(path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
        let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
        if text.is_empty() { Err(format!("{shown} is empty")) } else { Ok(Found::Text(text.to_owned())) }
    }
}
