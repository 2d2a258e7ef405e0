//! One leg of a call.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{LegHeard, leg_id};
use crate::event::kind::CALL;
use crate::memory::stored::clip;

/// The state of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It rings.
    Ringing,
    /// It is answered.
    Connected,
    /// It is answered and on hold.
    Held,
    /// It ended.
    Ended,
}

/// A leg, as it is remembered. Times are the events' own, in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Leg {
    pub(super) endpoint: String,
    pub(super) call: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) other: Option<String>,
    pub(super) state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rang: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) answered: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cause: Option<String>,
    /// A redirect of ours was planned and it was not answered since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) redirected: bool,
    /// When a step of ours last acted on it, by the gateway's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) acted: Option<i64>,
    /// How many legs the call had when a redirect of ours was planned: what comes behind them is the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) legs_then: Option<usize>,
    /// What was last known of its view.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) view: Map<String, Value>,
}

impl Leg {
    /// A leg of which nothing was heard yet but that it came into a state.
    pub(super) fn new(heard: &LegHeard<'_>, state: State) -> Self {
        let (endpoint, call) = leg_id(heard);
        Self {
            endpoint: endpoint.to_owned(),
            call: call.to_owned(),
            other: heard.other.map(|other| clip(other).to_owned()),
            state,
            rang: None,
            answered: None,
            ended: None,
            cause: None,
            redirected: false,
            acted: None,
            legs_then: None,
            view: Map::new(),
        }
    }

    pub(super) fn is(&self, heard: &LegHeard<'_>) -> bool {
        (&*self.endpoint, &*self.call) == leg_id(heard)
    }

    pub(super) fn lives(&self) -> bool {
        self.state != State::Ended
    }

    /// Goes into a state, if that is ahead: what ended has ended, and what was answered does not ring. Returns whether
    /// this is the end.
    pub(super) fn goes(&mut self, state: State, heard: &LegHeard<'_>) -> bool {
        let time = heard.time;
        match state {
            _ if !self.lives() => return false,
            State::Ringing if self.answered.is_some() => return false,
            State::Ringing => {
                self.rang.get_or_insert(time);
            }
            State::Connected | State::Held => {
                self.answered.get_or_insert(time);
                self.redirected = false;
            }
            State::Ended => {
                self.ended = Some(time.max(self.began()));
                self.cause = heard.cause.map(|cause| clip(cause).to_owned());
            }
        }
        self.state = state;
        state == State::Ended
    }

    /// Keeps what an event shows; what it leaves out stays as it was.
    pub(super) fn shows(&mut self, view: &Value) {
        for field in CALL {
            let kept = match view.get(field) {
                Some(Value::String(text)) => Value::String(clip(text).to_owned()),
                Some(Value::Bool(is)) => Value::Bool(*is),
                _ => continue,
            };
            self.view.insert((*field).to_owned(), kept);
        }
    }

    /// When it is first known to have been there.
    fn began(&self) -> i64 {
        let first = |a: Option<i64>, b: Option<i64>| a.into_iter().chain(b).min();
        first(self.rang, self.answered).unwrap_or(i64::MIN)
    }

    /// Whether it ended by being handed on: the call goes on elsewhere.
    pub(super) fn is_handed_on(&self) -> bool {
        let cause = self.cause.as_deref().unwrap_or_default().to_ascii_lowercase();
        // A leg that rings may be redirected or forwarded, one that was answered only transferred: a cause that it came
        // with says nothing of its end.
        let rings_on = self.answered.is_none() && (cause == "redirected" || cause.starts_with("callforward"));
        self.redirected || rings_on || cause == "transfer"
    }

    /// From when to when it rang, by `time`.
    pub(super) fn ringing(&self, time: i64) -> Option<(i64, i64)> {
        let to = self.answered.or(self.ended).unwrap_or(time);
        self.rang.map(|rang| (rang, to))
    }

    /// From when to when it was answered, by `time`.
    pub(super) fn talking(&self, time: i64) -> Option<(i64, i64)> {
        self.answered.map(|answered| (answered, self.ended.unwrap_or(time)))
    }
}
