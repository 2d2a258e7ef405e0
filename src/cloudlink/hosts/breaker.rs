//! The circuit breaker: when a host is left alone because it does not answer well, and how it is tried again.
//!
//! A pure state machine: time and randomness are handed in, nothing here waits or logs. *Closed*: everybody passes.
//! *Open*: nobody does, for a period that doubles from one opening to the next. *Probing*: one request is out to see
//! whether the host is well again; its success closes, its failure opens. Whichever request comes first is the probe,
//! also one that must not be done twice: who is refused has sent nothing and may come again, and the probe itself is
//! treated like any other request that was sent.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The longest that a held request is told to stay away: what has a deadline in seconds waits no longer (design,
/// Actions).
pub const LONGEST_HOLD: Duration = Duration::from_secs(5);
/// The shortest: a request that came back at once would only be refused again.
const SHORTEST_HOLD: Duration = Duration::from_millis(20);
/// How far apart those who are held may be sent back at most.
const WIDEST_SPREAD: Duration = Duration::from_secs(4);

/// When a breaker opens and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerPolicy {
    /// It opens after so many failures in a row,
    pub in_a_row: u32,
    /// or when, of the last so many outcomes
    pub last: usize,
    /// that are no older than this,
    pub within: Duration,
    /// and that are at least so many,
    pub least: usize,
    /// this share failed (0 to 1).
    pub share: f64,
    /// The first open period; each further one without a success in between is twice as long.
    pub open: Duration,
    /// The longest open period.
    pub longest_open: Duration,
}

/// What a request that was let through says about its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cloudlink) enum Verdict {
    /// It answers.
    Well,
    /// It does not, or says itself that it is broken.
    Ill,
    /// Nothing: the request was given up, or had too little time to tell.
    Unsaid,
}

/// The permission to send one request; it is settled once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pass(u64);

/// A change that somebody should hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It was closed and is open now.
    Opened,
    /// It is closed again.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    /// With the time passed it is half-open: the next request is the probe.
    Open {
        until: Instant,
    },
    Probing,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Breaker {
    policy: BreakerPolicy,
    state: State,
    /// Rises with every change of state: what was sent before says nothing about now.
    epoch: u64,
    in_a_row: u32,
    recent: VecDeque<(Instant, bool)>,
    recent_ill: usize,
    /// Openings since it was last closed.
    openings: u32,
    /// Requests that were refused in this state.
    refused: u32,
}

impl Breaker {
    /// Closed.
    pub(super) fn new(policy: BreakerPolicy) -> Self {
        let (state, recent) = (State::Closed, VecDeque::new());
        Self { policy, state, epoch: 0, in_a_row: 0, recent, recent_ill: 0, openings: 0, refused: 0 }
    }

    /// Whether requests are held.
    pub(super) fn is_open(&self) -> bool {
        self.state != State::Closed
    }

    /// Why it is open, if it is: how many requests failed, and that in words.
    pub(super) fn why(&self) -> (usize, String) {
        if self.in_a_row >= self.policy.in_a_row {
            (self.in_a_row as usize, format!("{} requests in a row failed", self.in_a_row))
        } else {
            let (ill, all) = (self.recent_ill, self.recent.len());
            (ill, format!("{ill} of the last {all} requests failed"))
        }
    }

    /// Whether it remembers nothing that matters.
    pub(super) fn is_at_rest(&self) -> bool {
        self.state == State::Closed && self.recent_ill == 0
    }

    /// Whether a request could go now, and if not, how much of the open period is left.
    pub(super) fn look(&self, now: Instant) -> Result<(), Duration> {
        match self.state {
            State::Open { until } if until > now => Err(until - now),
            State::Probing => Err(Duration::ZERO),
            State::Closed | State::Open { .. } => Ok(()),
        }
    }

    /// Lets a request through, as the probe if one is due.
    pub(super) fn admit(&mut self, now: Instant) -> Result<Pass, Duration> {
        self.look(now)?;
        if self.state != State::Closed {
            self.enter(State::Probing);
        }
        Ok(Pass(self.epoch))
    }

    /// How long a refused request should stay away, at most [`LONGEST_HOLD`]: what is left of the open period, and a
    /// random time more, so that they do not come back all at once. The more are held, the wider they are spread.
    pub(super) fn hold(&mut self, left: Duration, fraction: f64) -> Duration {
        self.refused = self.refused.saturating_add(1);
        let spread = Duration::from_secs(1) + Duration::from_millis(2) * self.refused;
        let spread = spread.min(WIDEST_SPREAD);
        let sooner = left.min(LONGEST_HOLD.saturating_sub(spread));
        sooner + SHORTEST_HOLD + spread.saturating_sub(SHORTEST_HOLD).mul_f64(fraction)
    }

    /// Learns what became of a request. `fraction` (0 to 1) jitters an open period that may follow.
    pub(super) fn settle(&mut self, pass: Pass, verdict: Verdict, now: Instant, fraction: f64) -> Option<Turn> {
        if pass.0 != self.epoch {
            return None;
        }
        let probing = self.state == State::Probing;
        match verdict {
            Verdict::Unsaid if probing => self.enter(State::Open { until: now }),
            Verdict::Unsaid => {}
            Verdict::Well if probing => {
                self.enter(State::Closed);
                (self.in_a_row, self.openings, self.recent_ill) = (0, 0, 0);
                self.recent.clear();
                return Some(Turn::Closed);
            }
            Verdict::Ill if probing => self.open(now, fraction),
            Verdict::Well | Verdict::Ill => {
                self.remember(now, verdict == Verdict::Ill);
                if self.in_a_row >= self.policy.in_a_row || self.is_share_reached() {
                    self.open(now, fraction);
                    return Some(Turn::Opened);
                }
            }
        }
        None
    }

    fn remember(&mut self, now: Instant, ill: bool) {
        self.in_a_row = if ill { self.in_a_row.saturating_add(1) } else { 0 };
        self.recent.push_back((now, ill));
        self.recent_ill += usize::from(ill);
        while let Some(&(at, ill)) = self.recent.front()
            && (self.recent.len() > self.policy.last || now - at > self.policy.within)
        {
            self.recent.pop_front();
            self.recent_ill -= usize::from(ill);
        }
    }

    fn is_share_reached(&self) -> bool {
        let all = self.recent.len();
        all >= self.policy.least && self.recent_ill as f64 >= all as f64 * self.policy.share
    }

    fn open(&mut self, now: Instant, fraction: f64) {
        let doubled = self.policy.open.saturating_mul(1u32.checked_shl(self.openings).unwrap_or(u32::MAX));
        let period = doubled.min(self.policy.longest_open);
        self.openings = self.openings.saturating_add(1);
        // At least half of it: a period that can be nothing is none.
        self.enter(State::Open { until: now + period / 2 + (period / 2).mul_f64(fraction) });
    }

    fn enter(&mut self, state: State) {
        (self.state, self.refused) = (state, 0);
        self.epoch += 1;
    }
}

#[cfg(test)]
mod tests;
