//! What may be asked of a running gateway beside figures: to act on what was given up, or on what is past.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use super::answer::{detailed, done};

/// Why nothing is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not there (any more).
    Gone(String),
    /// Not as things are; the text says why.
    Conflict(String),
    /// What is asked for makes no sense.
    Invalid(String),
    /// Not now.
    Unavailable(String),
}

/// What was done, as JSON, or why nothing was.
pub type Done = Result<Value, Refusal>;

/// How a letter is to be tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Again {
    /// Though it may have been done.
    pub again: bool,
}

/// Which recorded events are to be replayed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Their positions.
    pub seqs: Vec<u64>,
    /// For these rules; for all if none is named.
    #[serde(default)]
    pub rules: Vec<String>,
}

/// Nothing at all.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Nothing {}

/// What the listener carries out; implemented by who has the journal.
pub trait Operations: Send + Sync + 'static {
    /// Dead letters with larger numbers than this, some of them.
    fn letters(&self, after: u64) -> BoxFuture<'_, Done>;
    /// Tries a letter again.
    fn retry(&self, letter: u64, again: bool) -> BoxFuture<'_, Done>;
    /// Throws a letter away.
    fn discard(&self, letter: u64) -> BoxFuture<'_, Done>;
    /// Replays recorded events.
    fn replay(&self, replay: Replay) -> BoxFuture<'_, Done>;
}

/// The answer to a request that was carried out, or not.
pub(super) fn answer(outcome: Done) -> Response<Body> {
    let (status, why) = match outcome {
        Ok(value) => return done(&value),
        Err(Refusal::Gone(why)) => (StatusCode::NOT_FOUND, why),
        Err(Refusal::Conflict(why)) => (StatusCode::CONFLICT, why),
        Err(Refusal::Invalid(why)) => (StatusCode::UNPROCESSABLE_ENTITY, why),
        Err(Refusal::Unavailable(why)) => (StatusCode::SERVICE_UNAVAILABLE, why),
    };
    detailed(status, &why)
}
