//! What can go wrong with one request, and drawing it.

use std::time::Duration;

use fastrand::Rng;
use serde_json::json;

use super::far::answer;
use super::plan::Rates;
use crate::cloudlink::transport::{Answer, BodyError, Lost};

/// What goes wrong with a request. Its effect, where it has one, always comes before the asker can know that something
/// is wrong: a look that follows finds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    None,
    NotConnected,
    NoAnswer {
        done: bool,
    },
    Reset {
        done: bool,
    },
    /// 500, 502 or 504.
    Error {
        status: u16,
        done: bool,
    },
    /// 429 or 503.
    Refused {
        status: u16,
        after: Option<u64>,
    },
    /// The answer is no JSON.
    Malformed,
    /// The answer breaks off.
    Broken,
}

/// How a request fares.
#[derive(Clone, Debug)]
pub(super) struct Course {
    pub(super) fault: Fault,
    /// Until it is carried out.
    pub(super) before: Duration,
    /// From there to the answer.
    pub(super) after: Duration,
}

impl Course {
    pub(super) fn draw(rng: &mut Rng, rates: &Rates, out: bool) -> Self {
        let before = Duration::from_millis(rng.u64(1..40));
        let mut after = Duration::from_millis(rng.u64(1..60));
        let drawn = rng.u32(..1000);
        let (done, pick) = (rng.bool(), rng.u32(..9));
        let fault = if out {
            [Fault::NotConnected, Fault::NoAnswer { done: false }, Fault::Refused { status: 503, after: None }]
                [pick as usize % 3]
        } else if drawn < rates.faults {
            match pick {
                0 => Fault::NotConnected,
                1 => Fault::NoAnswer { done },
                2 => Fault::Reset { done },
                3 => Fault::Error { status: 500, done },
                4 => Fault::Error { status: 504, done },
                5 => Fault::Refused { status: 429, after: Some(rng.u64(1..6)) },
                6 => Fault::Refused { status: 503, after: done.then_some(2) },
                7 => Fault::Malformed,
                _ => Fault::Broken,
            }
        } else {
            Fault::None
        };
        if rng.u32(..1000) < rates.slow {
            after = Duration::from_millis(rng.u64(1_000..12_000));
        }
        Self { fault, before, after }
    }
}

impl Fault {
    /// Whether the request is carried out.
    pub(super) fn has_effect(self) -> bool {
        match self {
            Self::None | Self::Malformed | Self::Broken => true,
            Self::NotConnected | Self::Refused { .. } => false,
            Self::NoAnswer { done } | Self::Reset { done } | Self::Error { done, .. } => done,
        }
    }

    /// What the asker gets in the place of the answer; nothing for none at all.
    pub(super) fn shown(self, done: Option<Answer>) -> Option<Result<Answer, Lost>> {
        let body = |answer: Option<Answer>, body| answer.map(|answer| Ok(Answer { body, ..answer }));
        match self {
            Self::None => done.map(Ok),
            Self::NotConnected => Some(Err(Lost::NotConnected("refused".to_owned()))),
            Self::NoAnswer { .. } => None,
            Self::Reset { .. } => Some(Err(Lost::Broken("reset".to_owned()))),
            Self::Error { status, .. } => Some(Ok(answer(status, &json!({}), None))),
            Self::Refused { status, after } => Some(Ok(answer(status, &json!({}), after))),
            Self::Malformed => body(done, Ok("<html>".into())),
            Self::Broken => body(done, Err(BodyError::Broken)),
        }
    }
}
