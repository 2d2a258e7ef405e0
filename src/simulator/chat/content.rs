//! What someone says: the body of a message and what goes with it.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::simulator::answer::{Refusal, only, required, text};

/// Characters of the longest message.
const LONGEST: usize = 100_000;

/// What someone says.
pub(crate) struct Words {
    pub(crate) body: String,
    pub(crate) content_type: Option<String>,
    pub(crate) fallback_text: Option<String>,
    pub(crate) parent_message_id: Option<String>,
    pub(crate) tag: Option<String>,
}

impl Words {
    /// Plain text and nothing else.
    pub(crate) fn plain(body: String) -> Self {
        Self { body, content_type: None, fallback_text: None, parent_message_id: None, tag: None }
    }

    /// Reads the body of `POST …/messages`.
    pub(crate) fn read(map: &Map<String, Value>) -> Result<Self, Refusal> {
        only(map, &["body", "contentType", "fallbackText", "parentMessageId", "tag"])?;
        let words = Self {
            body: required(map, "body")?,
            content_type: text(map, "contentType")?,
            fallback_text: text(map, "fallbackText")?,
            parent_message_id: text(map, "parentMessageId")?,
            tag: text(map, "tag")?,
        };
        if words.body.chars().count() > LONGEST {
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge", "the message is too long"));
        }
        Ok(words)
    }

    /// The type, text/plain if none was said.
    pub(super) fn kind(&self) -> &str {
        self.content_type.as_deref().unwrap_or("text/plain")
    }

    /// Whether it is never stored.
    pub(super) fn is_whisper(&self) -> bool {
        self.kind().starts_with("application/vnd.mitel.whisper")
    }
}
