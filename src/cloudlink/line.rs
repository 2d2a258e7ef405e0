//! A line to far sides: the wire with the policy that its calls are under, and a name for figures and the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Request, StatusCode};
use tokio::time::Instant;
use url::Url;

use super::hosts::breaker::Verdict;
use super::hosts::{Host, HostPolicy, Whose};
use super::retry_after::retry_after;
use super::transport::{Answer, BodyError, Lost, MAX_ANSWER, Opened, Wire};
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;

/// The pause after a 429 that names none.
const UNSAID_PAUSE: Duration = Duration::from_secs(1);
/// A request that had less time than this says nothing about its host when the time is over: an impatient rule does
/// not shut others out.
const FAIR: Duration = Duration::from_secs(1);

/// See the module. Cloning is cheap; lines of one wire share its hosts and connections.
#[derive(Clone, Debug)]
pub struct Line {
    wire: Wire,
    whose: Whose,
    policy: HostPolicy,
    clock: Clock,
    chance: Chance,
}

impl Line {
    /// A line on `wire`. The policy towards a host is that of the line that first sends to it.
    pub fn new(wire: &Wire, whose: Whose, policy: HostPolicy, clock: &Clock, chance: &Chance) -> Self {
        Self { wire: wire.clone(), whose, policy, clock: clock.clone(), chance: chance.clone() }
    }

    /// Sends a request once and reads the answer, all of it before `deadline`, or says that it was not let through
    /// ([`Lost::Held`]).
    pub async fn send(&self, request: Request, deadline: Instant) -> Result<Answer, Lost> {
        self.send_for(request, deadline, MAX_ANSWER).await
    }

    /// The same for an answer of at most `limit` bytes.
    pub(super) async fn send_for(&self, request: Request, deadline: Instant, limit: usize) -> Result<Answer, Lost> {
        self.settled(request, deadline, limit, |sent, left| self.verdict(sent, left)).await
    }

    async fn settled(
        &self,
        request: Request,
        deadline: Instant,
        limit: usize,
        verdict: impl FnOnce(&Result<Answer, Lost>, Duration) -> Verdict,
    ) -> Result<Answer, Lost> {
        let host = self.host(request.url());
        let entry = host.enter(deadline).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        let sent = self.wire.exchange(request, deadline, limit).await;
        // Before the place is free: who takes it must not be sent into the pause.
        if let Some(wait) = sent.as_ref().ok().and_then(|answer| self.asked(answer)) {
            host.pause(wait);
        }
        entry.settle(verdict(&sent, left));
        sent
    }

    /// The same for a request whose body we may break: if we did (`broken`), what came of it says nothing about the host.
    pub(super) async fn send_unless(
        &self,
        request: Request,
        deadline: Instant,
        broken: &AtomicBool,
    ) -> Result<Answer, Lost> {
        let verdict = |sent: &_, left| {
            if broken.load(Ordering::Relaxed) { Verdict::Unsaid } else { self.verdict(sent, left) }
        };
        self.settled(request, deadline, MAX_ANSWER, verdict).await
    }

    /// Sends a request once and leaves the body to be read until `deadline`. It has its place among the requests to the
    /// host until the answer begins, and what becomes of the body says nothing about the host.
    pub(super) async fn open(&self, request: Request, deadline: Instant) -> Result<Opened, Lost> {
        let host = self.host(request.url());
        let entry = host.enter(deadline).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        let opened = self.wire.open(request, deadline).await;
        let begun = match &opened {
            Ok(opened) => {
                Ok(Answer { status: opened.status(), headers: opened.headers().clone(), body: Ok(Bytes::new()) })
            }
            Err(lost) => Err(lost.clone()),
        };
        if let Some(wait) = begun.as_ref().ok().and_then(|answer| self.asked(answer)) {
            host.pause(wait);
        }
        entry.settle(self.verdict(&begun, left));
        opened
    }

    /// A line on the same wire for addresses that are nobody's in particular.
    pub(super) fn elsewhere(&self) -> Self {
        Self { whose: Whose::Other, policy: HostPolicy::STEPS, ..self.clone() }
    }

    /// How long to wait after an answer, as it asks; after one that made the whole host pause a little longer, by
    /// chance, so that not all who got it come back at once.
    pub fn retry_after(&self, url: &Url, answer: &Answer) -> Option<Duration> {
        match self.asked(answer) {
            Some(wait) => Some(self.host(url).spread(wait)),
            None => retry_after(&answer.headers, &self.clock),
        }
    }

    #[cfg(test)]
    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    fn host(&self, url: &Url) -> Arc<Host> {
        self.wire.hosts_kept().host(&self.whose, url, &self.policy, &self.chance)
    }

    /// The pause that an answer asks all callers for.
    fn asked(&self, answer: &Answer) -> Option<Duration> {
        let asked = retry_after(&answer.headers, &self.clock);
        match answer.status {
            StatusCode::TOO_MANY_REQUESTS => Some(asked.unwrap_or(UNSAID_PAUSE)),
            StatusCode::SERVICE_UNAVAILABLE => asked,
            _ => None,
        }
    }

    /// What an exchange that had so much time says about its host.
    fn verdict(&self, sent: &Result<Answer, Lost>, had: Duration) -> Verdict {
        let late = if had >= FAIR { Verdict::Ill } else { Verdict::Unsaid };
        match sent {
            Ok(answer) if self.is_ill(answer.status) => Verdict::Ill,
            // CloudLink's own wait for one site's PBX was over: that says nothing about the others.
            Ok(answer) if answer.status == StatusCode::GATEWAY_TIMEOUT => Verdict::Unsaid,
            Ok(Answer { body: Err(BodyError::TimedOut), .. }) | Err(Lost::TimedOut) => late,
            Ok(Answer { body: Err(BodyError::Broken), .. }) | Err(Lost::NotConnected(_) | Lost::Broken(_)) => {
                Verdict::Ill
            }
            Ok(_) => Verdict::Well,
            Err(Lost::Setup(_) | Lost::Forbidden(_) | Lost::NotSentInTime | Lost::Held { .. }) => Verdict::Unsaid,
        }
    }

    fn is_ill(&self, status: StatusCode) -> bool {
        let of_one_site = status == StatusCode::GATEWAY_TIMEOUT && matches!(self.whose, Whose::CloudLink(_));
        status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED && !of_one_site
    }
}
