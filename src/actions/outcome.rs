//! What came of an attempt.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cloudlink::transport::Lost;
use crate::cloudlink::{Class as CloudLinkClass, Error};

/// What came of one attempt. `result` is what the step's `as` name gets: `ok`, and as far as they are known `error`,
/// `status` and `body`. `why` is for people, lower case, without secrets, and fits after "failed to …".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is done.
    Done {
        /// For the next steps.
        result: Value,
    },
    /// The call has moved on: final, but nobody's mistake.
    Moved {
        /// How that showed.
        why: String,
        /// For the next steps.
        result: Value,
    },
    /// It did not work this time.
    Retry {
        /// Not before this time has passed.
        #[serde(default, with = "millis", skip_serializing_if = "Option::is_none")]
        after: Option<Duration>,
        /// In a word.
        error: ErrorWord,
        /// In a sentence.
        why: String,
        /// The attempt may have taken effect all the same: look first.
        unknown: bool,
        /// For the next steps, if this was the last attempt.
        result: Value,
    },
    /// It will not work.
    Failed {
        /// In a word.
        error: ErrorWord,
        /// In a sentence.
        why: String,
        /// For the next steps.
        result: Value,
    },
    /// It may have taken effect, there is no way to find out, and doing it twice would be wrong.
    OutcomeUnknown {
        /// What happened.
        why: String,
        /// For the next steps.
        result: Value,
    },
}

/// What went wrong, in a word: `.error` of a named step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorWord {
    /// No answer in time.
    Timeout,
    /// Switchhook would not do it: an address or a credential out of bounds, a setting that lacks.
    Refused,
    /// The far side said no; `.status` says how.
    Status,
    /// The deadline had passed.
    Late,
    /// No connection, or a broken one.
    Connection,
    /// Something that the step needs is missing.
    Missing,
    /// The call is gone or no longer rings.
    Moved,
    /// There is no token to call with.
    SignIn,
    /// The answer could not be read.
    Answer,
    /// Whether it was done is not known.
    Unknown,
    /// This version can't do it.
    Unsupported,
}

impl ErrorWord {
    /// As rules see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Status => "status",
            Self::Late => "late",
            Self::Connection => "connection",
            Self::Missing => "missing",
            Self::Moved => "moved",
            Self::SignIn => "sign_in",
            Self::Answer => "answer",
            Self::Unknown => "unknown",
            Self::Unsupported => "unsupported",
        }
    }
}

impl Outcome {
    /// What the step's `as` name gets.
    pub fn result(&self) -> &Value {
        match self {
            Self::Done { result }
            | Self::Moved { result, .. }
            | Self::Retry { result, .. }
            | Self::Failed { result, .. }
            | Self::OutcomeUnknown { result, .. } => result,
        }
    }

    pub(super) fn failed(error: ErrorWord, why: impl Into<String>) -> Self {
        Self::Failed { error, why: why.into(), result: not_ok(error, None) }
    }

    pub(super) fn moved(why: impl Into<String>, status: Option<u16>) -> Self {
        Self::Moved { why: why.into(), result: not_ok(ErrorWord::Moved, status) }
    }

    pub(super) fn unknown(why: impl Into<String>) -> Self {
        Self::OutcomeUnknown { why: why.into(), result: not_ok(ErrorWord::Unknown, None) }
    }

    /// What follows from a failed call that was to change something: it costs one look to be sure that an error in the
    /// middle of CloudLink came before the change.
    pub(super) fn of_a_change(error: &Error) -> Self {
        let may_be_done = error.status().is_some_and(|status| matches!(status.as_u16(), 500 | 502));
        match Self::from_cloudlink(error) {
            Self::Retry { after, error, why, unknown, result } => {
                Self::Retry { after, error, why, unknown: unknown || may_be_done, result }
            }
            outcome => outcome,
        }
    }

    /// What follows from a failed call to CloudLink.
    pub(super) fn from_cloudlink(error: &Error) -> Self {
        let (word, why, status) = (word(error), error.to_string(), error.status().map(|status| status.as_u16()));
        let result = not_ok(word, status);
        match error.class() {
            CloudLinkClass::Retry { after } => Self::Retry { after, error: word, why, unknown: false, result },
            CloudLinkClass::Unknown => Self::Retry { after: None, error: word, why, unknown: true, result },
            CloudLinkClass::Moved => Self::moved(why, status),
            CloudLinkClass::Final => Self::Failed { error: word, why, result },
        }
    }
}

/// The result of a step that did not work.
pub(super) fn not_ok(error: ErrorWord, status: Option<u16>) -> Value {
    match status {
        Some(status) => json!({ "ok": false, "error": error.as_str(), "status": status }),
        None => json!({ "ok": false, "error": error.as_str() }),
    }
}

pub(super) fn lost_word(lost: &Lost) -> ErrorWord {
    match lost {
        Lost::TimedOut | Lost::NotSentInTime => ErrorWord::Timeout,
        Lost::NotConnected(_) | Lost::Broken(_) | Lost::Held { .. } => ErrorWord::Connection,
        Lost::Forbidden(_) | Lost::Setup(_) => ErrorWord::Refused,
    }
}

fn word(error: &Error) -> ErrorWord {
    match error {
        // 504: CloudLink's own wait for the PBX was over.
        Error::Answered(answered) if answered.status.as_u16() == 504 => ErrorWord::Timeout,
        Error::Answered(_) => ErrorWord::Status,
        Error::SignIn(_) => ErrorWord::SignIn,
        Error::Lost { lost, .. } => lost_word(lost),
        Error::Unreadable { .. } | Error::Cut { .. } => ErrorWord::Answer,
        Error::Address { .. } | Error::TooLarge { .. } => ErrorWord::Refused,
    }
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "serde passes the field by reference")]
    pub(super) fn serialize<S: Serializer>(after: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match after {
            Some(after) => serializer.serialize_u64(after.as_millis() as u64),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
    }
}
