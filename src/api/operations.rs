//! What may be asked of a running gateway beside figures: to act on what was given up, or on what is past.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Map, Value};

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

/// A var, and what it is to be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetVar {
    /// Its value; empty text, where the declaration lists no values, takes it away.
    pub value: String,
    /// The value of the field that it is kept for each of.
    #[serde(default)]
    pub per: Option<String>,
    /// Until then: a time of day, a local time, or one with its offset.
    #[serde(default)]
    pub until: Option<String>,
    /// For so long.
    #[serde(default, rename = "for")]
    pub lasts: Option<String>,
    /// Who sets it, for the audit.
    #[serde(default)]
    pub who: Option<String>,
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
    /// The vars of an account, which may be left out where there is only one, with their values, of those that are kept for each value of a field the ones of `per`.
    fn vars(&self, account: Option<String>, per: Option<String>) -> BoxFuture<'_, Done>;
    /// Sets a var.
    fn set_var(&self, account: Option<String>, name: String, set: SetVar) -> BoxFuture<'_, Done>;
    /// Calls a hook.
    fn fire(
        &self,
        account: Option<String>,
        hook: String,
        body: Value,
        query: Map<String, Value>,
    ) -> BoxFuture<'_, Done>;
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
