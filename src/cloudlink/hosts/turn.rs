//! Saying that a circuit breaker opened or closed, to who wants to hear it. Nobody waits for that: what does not fit into the
//! channel is not said.
//!
//! What the gateway does because a breaker turned must not turn breakers that are told of again, else it would never end. Requests
//! within [`untold`] count like all others, but a breaker that only they opened is told when another request is held or fails.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

use super::breaker::{self, Breaker, Verdict};

tokio::task_local! {
    static UNTOLD: bool;
}

/// Carries out a future; if `untold`, the failures of its requests are not what somebody is told a circuit breaker for.
pub async fn untold<F: Future>(untold: bool, future: F) -> F::Output {
    UNTOLD.scope(untold, future).await
}

/// Whether the current task is within [`untold`].
pub(in crate::cloudlink) fn is_untold() -> bool {
    UNTOLD.try_with(|untold| *untold).unwrap_or(false)
}

/// That the circuit breaker of a far side opened or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// The far side: scheme, host and port, or which credential's it is.
    pub host: String,
    /// Whose, as [`HostState`](super::HostState) names it.
    pub whose: String,
    /// When.
    pub at: Instant,
    /// Which of the two.
    pub turn: Turn,
}

/// What a circuit breaker did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It opened. While it is tried in vain nothing more is said.
    Opened {
        /// How many requests failed.
        failures: usize,
        /// In words.
        why: String,
        /// How long nothing at all is sent.
        period: Duration,
    },
    /// It closed: the far side answers.
    Closed {
        /// How long it was open.
        after: Duration,
    },
}

/// Who wants to hear of it, once somebody does; cloning shares that.
#[derive(Clone, Default)]
pub(super) struct Teller(Arc<OnceLock<mpsc::Sender<Turned>>>);

impl Teller {
    /// Somebody wants to. Only the first who does is told.
    pub(super) fn to(&self, turns: mpsc::Sender<Turned>) {
        let _ = self.0.set(turns);
    }

    pub(super) fn tell(&self, turned: Turned) {
        let Some(turns) = self.0.get() else { return };
        if let Err(TrySendError::Full(turned)) = turns.try_send(turned) {
            tracing::warn!(host = turned.host, "rules are not told of this circuit breaker: too many turned at once");
        }
    }
}

impl fmt::Debug for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Teller")
    }
}

/// What was said of one breaker, and what there is to say.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Whether one of the failures that it remembers is to be told of.
    failed: bool,
    /// When it opened.
    opened: Option<Instant>,
    /// Whether that was said.
    said: bool,
}

impl News {
    /// A request failed, or did not; `turn` is what its breaker made of that. What there is to say.
    pub(super) fn settled(
        &mut self,
        breaker: &Breaker,
        verdict: Verdict,
        turn: Option<breaker::Turn>,
        untold: bool,
        now: Instant,
    ) -> Option<Turn> {
        let ill = verdict == Verdict::Ill && !untold;
        match turn {
            Some(breaker::Turn::Closed) => {
                let News { opened, said, .. } = std::mem::take(self);
                return opened.filter(|_| said).map(|opened| Turn::Closed { after: now - opened });
            }
            Some(breaker::Turn::Opened) => {
                self.opened = Some(now);
                self.failed |= ill;
                return if self.failed { self.say(breaker, now) } else { None };
            }
            None => {}
        }
        if self.opened.is_some() {
            return if ill { self.say(breaker, now) } else { None };
        }
        self.failed = (self.failed || ill) && !breaker.is_at_rest();
        None
    }

    /// A request is held since the breaker is open. What there is to say.
    pub(super) fn held(&mut self, breaker: &Breaker, untold: bool, now: Instant) -> Option<Turn> {
        if untold { None } else { self.say(breaker, now) }
    }

    /// That it is open, once.
    fn say(&mut self, breaker: &Breaker, now: Instant) -> Option<Turn> {
        if self.opened.is_none() || std::mem::replace(&mut self.said, true) {
            return None;
        }
        let (failures, why) = breaker.why();
        Some(Turn::Opened { failures, why, period: breaker.look(now).err().unwrap_or_default() })
    }
}
