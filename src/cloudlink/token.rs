//! Access tokens: kept, renewed ahead of their end, by one request for any number of waiters.
//!
//! A token is good until most of its life is over (only `expires_in` counts; tokens are never decoded). In the last
//! fifth it is still handed out while a new one is fetched in the background. A failed renewal is shared by all who
//! wait for it, and a pause that grows follows it, in which everybody gets the same error at once. A token that an API
//! refuses (401) is dropped and replaced, but such forced renewals have pauses between them too: an API that answers
//! 401 for ever must not turn into a stream of token requests. Each user of a token has pauses of its own, which only it
//! ends: what one API takes says nothing about another that never does.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use reqwest::header::HeaderValue;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::hosts::{is_untold, untold};
use crate::kit::backoff::Backoff;
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::secret::Secret;
use crate::kit::supervisor::Supervisor;

/// The pause after a renewal that may succeed later.
const TRANSIENT: Backoff = Backoff { base: Duration::from_millis(250), cap: Duration::from_secs(5) };
/// The pause after a renewal that will not succeed until somebody mends something.
const REFUSED: Backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_mins(1) };
/// The pause between renewals that a 401 forces.
const FORCED: Backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_mins(1) };
/// How many users of one token are told apart: the APIs of CloudLink, and one to spare.
const USERS: usize = 8;
/// What is assumed when an answer does not say how long its token lives.
pub const UNSAID_LIFE: Duration = Duration::from_mins(5);

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The settings are wrong, or the account is: somebody must mend something.
    #[error("sign in to {service}: {why}; {advice}")]
    Refused {
        /// Where.
        service: Arc<str>,
        /// Status, `name` and message.
        why: String,
        /// What to do.
        advice: Cow<'static, str>,
    },
    /// It may succeed later.
    #[error("sign in to {service}: {why}")]
    Unavailable {
        /// Where.
        service: Arc<str>,
        /// Why not now.
        why: String,
        /// Not before this time has passed.
        after: Option<Duration>,
    },
}

/// A token as it was handed out.
pub struct Fresh {
    /// Its text.
    pub text: Secret,
    /// `expires_in`.
    pub life: Duration,
}

/// A token that can be sent.
pub struct Token {
    /// `Bearer …`, marked sensitive.
    pub header: HeaderValue,
    /// The text alone, for scrubbing it out of what comes back.
    pub text: Secret,
    serial: u64,
    renew_at: Instant,
    ends_at: Instant,
    valid_until: DateTime<Utc>,
}

/// How a new token is asked for.
pub type Fetch = Box<dyn Fn() -> BoxFuture<'static, Result<Fresh, SignInError>> + Send + Sync>;

/// What there is to say about a token in a metric or a status page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenState {
    /// Until when the present token is good; none without one.
    pub valid_until: Option<DateTime<Utc>>,
    /// Why the last renewal failed; none after one that succeeded.
    pub last_error: Option<String>,
    /// How many renewals in a row have failed.
    pub failures: u32,
    /// How many renewals have succeeded since the start.
    pub renewals: u64,
}

/// A token, kept and renewed. Cloning is cheap and shares it.
#[derive(Clone)]
pub struct Tokens(Arc<Kept>);

struct Kept {
    service: Arc<str>,
    fetch: Fetch,
    clock: Clock,
    chance: Chance,
    supervisor: Supervisor,
    /// By user: renewals that a 401 forced since it last took a token.
    forced: [AtomicU32; USERS],
    state: Mutex<State>,
    /// Wakes who keeps the token when it was forgotten.
    forgotten: Notify,
    /// The serial number of the last token.
    renewed: watch::Sender<u64>,
}

type Renewed = Result<Arc<Token>, SignInError>;
/// Wakes those who wait in the order in which they came: a simulation must not depend on luck.
type Renewal = Shared<oneshot::Receiver<Renewed>>;

#[derive(Default)]
struct State {
    current: Option<Arc<Token>>,
    renewing: Option<Renewal>,
    failed: Option<Failed>,
    failures: u32,
    renewals: u64,
    /// By user.
    forced_until: [Option<Instant>; USERS],
}

struct Failed {
    error: SignInError,
    until: Instant,
}

enum Look {
    Now(Renewed),
    After(Renewal),
}

impl Tokens {
    /// Nothing is fetched until a token is wanted.
    pub fn new(service: Arc<str>, fetch: Fetch, clock: Clock, chance: Chance, supervisor: Supervisor) -> Self {
        let (forced, state, forgotten) = (Default::default(), Mutex::default(), Notify::new());
        let renewed = watch::Sender::new(0);
        Self(Arc::new(Kept { service, fetch, clock, chance, supervisor, forced, state, forgotten, renewed }))
    }

    /// Begins with a token that was just handed out.
    pub fn begin_with(&self, fresh: Fresh) {
        // One that no header may hold is no worse than none.
        let _ = self.0.settle(Ok(fresh), Instant::now());
    }

    /// Forgets the token, and that there was none: what was settled about signing in has changed.
    pub fn forget(&self) {
        let mut state = self.0.lock();
        (state.current, state.failed, state.failures) = (None, None, 0);
        drop(state);
        self.0.forgotten.notify_one();
    }

    /// The token to send now: at once if there is a good one, else after a renewal.
    pub async fn get(&self, deadline: Instant) -> Renewed {
        let renewal = match self.look() {
            Look::Now(answer) => return answer,
            Look::After(renewal) => renewal,
        };
        self.wait(renewal, deadline).await
    }

    /// A token in the place of `refused`, which an API answered with 401. If a renewal was forced only just now, how
    /// long to wait before asking again.
    pub async fn replace(&self, refused: &Token, deadline: Instant) -> Result<Renewed, Duration> {
        self.replace_for(0, refused, deadline).await
    }

    /// The same for one of several users of the token, by a number below 8; all above that are one.
    pub async fn replace_for(&self, user: usize, refused: &Token, deadline: Instant) -> Result<Renewed, Duration> {
        let user = user.min(USERS - 1);
        {
            let mut state = self.0.lock();
            if state.current.as_ref().is_some_and(|current| current.serial == refused.serial) {
                let now = Instant::now();
                if let Some(until) = state.forced_until[user].filter(|until| *until > now) {
                    return Err(until - now);
                }
                let forced = self.0.forced[user].fetch_add(1, Ordering::Relaxed);
                state.forced_until[user] = Some(now + pause(FORCED, forced, &self.0.chance));
                state.current = None;
            }
        }
        Ok(self.get(deadline).await)
    }

    /// A call with the token was not refused.
    pub fn worked(&self) {
        self.worked_for(0);
    }

    /// The same for one of several users of the token, numbered as in [`Tokens::replace_for`].
    pub fn worked_for(&self, user: usize) {
        let forced = &self.0.forced[user.min(USERS - 1)];
        if forced.load(Ordering::Relaxed) != 0 {
            forced.store(0, Ordering::Relaxed);
        }
    }

    /// Changes with each new token.
    pub fn renewals(&self) -> watch::Receiver<u64> {
        self.0.renewed.subscribe()
    }

    /// Waits until no renewal is under way: what one has asked for may be all that is left of a sign-in, and must not be
    /// lost on the way to the disk.
    pub async fn at_rest(&self) {
        let renewal = self.0.lock().renewing.clone();
        if let Some(renewal) = renewal {
            // Whatever came of it.
            drop(renewal.await);
        }
    }

    /// For metrics and pages.
    pub fn state(&self) -> TokenState {
        let state = self.0.lock();
        TokenState {
            valid_until: state.current.as_ref().map(|token| token.valid_until),
            last_error: state.failed.as_ref().map(|failed| failed.error.to_string()),
            failures: state.failures,
            renewals: state.renewals,
        }
    }

    /// Fetches a token and renews it in good time, also when nobody calls, until the process is asked to end: a call
    /// that rings after a quiet night must not wait for a token.
    pub async fn keep(&self) {
        let stop = self.0.supervisor.stop.clone();
        loop {
            let next = {
                let mut state = self.0.lock();
                let now = Instant::now();
                let good = state.current.as_ref().map(|token| token.renew_at).filter(|at| *at > now);
                let paused = state.failed.as_ref().map(|failed| failed.until).filter(|until| *until > now);
                match good.or(paused) {
                    Some(at) => Err(at),
                    None => Ok(self.0.renewal(&mut state)),
                }
            };
            let wait = async {
                match next {
                    Ok(renewal) => {
                        drop(renewal.await);
                        // A life of nothing, should one be handed out, makes no stream of requests.
                        sleep(Duration::from_millis(100)).await;
                    }
                    // A token may be refused and replaced meanwhile; then there is a later time to wake up at.
                    Err(at) => sleep_until(at).await,
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.0.forgotten.notified() => {}
                () = wait => {}
            }
        }
    }

    fn look(&self) -> Look {
        let mut state = self.0.lock();
        let now = Instant::now();
        let paused = state.failed.as_ref().filter(|failed| failed.until > now);
        if let Some(token) = state.current.as_ref().filter(|token| token.ends_at > now).cloned() {
            if token.renew_at <= now && paused.is_none() {
                drop(self.0.renewal(&mut state));
            }
            return Look::Now(Ok(token));
        }
        match paused {
            Some(failed) => Look::Now(Err(failed.error.clone().not_before(failed.until - now))),
            None => Look::After(self.0.renewal(&mut state)),
        }
    }

    async fn wait(&self, renewal: Renewal, deadline: Instant) -> Renewed {
        let gone =
            |why: &str| SignInError::Unavailable { service: self.0.service.clone(), why: why.into(), after: None };
        match timeout_at(deadline, renewal).await {
            Ok(Ok(renewed)) => renewed,
            Ok(Err(_)) => Err(gone("the renewal ended without a result")),
            Err(_) => Err(gone("no token came within the time-out")),
        }
    }
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The renewal that is under way, or a new one. It goes on when those who wait for it give up.
    fn renewal(self: &Arc<Self>, state: &mut State) -> Renewal {
        // A closed channel is left behind by a renewal that panicked.
        if let Some(renewal) = state.renewing.as_ref().filter(|renewal| !matches!(renewal.peek(), Some(Err(_)))) {
            return renewal.clone();
        }
        let (done, renewal) = oneshot::channel();
        let renewal = renewal.shared();
        state.renewing = Some(renewal.clone());
        let kept = self.clone();
        let is_untold = is_untold();
        self.supervisor.spawn(async move {
            let asked = Instant::now();
            let renewed = kept.settle(untold(is_untold, (kept.fetch)()).await, asked);
            // Nobody may be waiting any more.
            let _ = done.send(renewed);
        });
        renewal
    }

    fn settle(&self, fetched: Result<Fresh, SignInError>, asked: Instant) -> Renewed {
        let mut state = self.lock();
        state.renewing = None;
        let renewed = fetched.and_then(|fresh| self.token(fresh, state.renewals + 1, asked));
        match &renewed {
            Ok(token) => {
                tracing::debug!(service = %self.service, valid_until = %token.valid_until, "token renewed");
                state.current = Some(token.clone());
                (state.renewals, state.failures, state.failed) = (token.serial, 0, None);
                self.renewed.send_replace(token.serial);
            }
            Err(error) => {
                if state.failures == 0 {
                    tracing::warn!(service = %self.service, "failed to {error}");
                }
                let (kind, after) = match error {
                    SignInError::Refused { .. } => (REFUSED, None),
                    SignInError::Unavailable { after, .. } => (TRANSIENT, *after),
                };
                let wait = pause(kind, state.failures, &self.chance).max(after.unwrap_or_default());
                state.failures += 1;
                state.failed = Some(Failed { error: error.clone(), until: Instant::now() + wait });
            }
        }
        renewed
    }

    fn token(&self, fresh: Fresh, serial: u64, asked: Instant) -> Renewed {
        let Ok(mut header) = HeaderValue::try_from(format!("Bearer {}", fresh.text.expose())) else {
            let why = "the token holds characters that no header may hold".to_owned();
            return Err(SignInError::Unavailable { service: self.service.clone(), why, after: None });
        };
        header.set_sensitive(true);
        // Answers and clocks are not exact: the end comes a little early.
        let life = fresh.life.saturating_sub((fresh.life / 10).min(Duration::from_secs(5)));
        Ok(Arc::new(Token {
            header,
            text: fresh.text,
            serial,
            renew_at: asked + fresh.life.mul_f64(0.8),
            ends_at: asked + life,
            valid_until: self.clock.now() + life.saturating_sub(asked.elapsed()),
        }))
    }
}

impl SignInError {
    fn not_before(self, wait: Duration) -> Self {
        match self {
            Self::Unavailable { service, why, .. } => Self::Unavailable { service, why, after: Some(wait) },
            refused @ Self::Refused { .. } => refused,
        }
    }
}

/// At least half of what the back-off allows: a pause that can be nothing is none.
fn pause(backoff: Backoff, failures: u32, chance: &Chance) -> Duration {
    let bound = backoff.base.saturating_mul(1 << failures.min(16)).min(backoff.cap);
    bound / 2 + backoff.wait(failures, chance) / 2
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token(…, until {})", self.valid_until)
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokens({})", self.0.service)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    /// Tokens that take so long to fetch, and how many came.
    fn tokens(takes: Duration) -> (Tokens, Arc<AtomicU64>) {
        let came = Arc::new(AtomicU64::new(0));
        let count = came.clone();
        let fetch: Fetch = Box::new(move || {
            let count = count.clone();
            Box::pin(async move {
                sleep(takes).await;
                let text = format!("tok-{}", count.fetch_add(1, Ordering::Relaxed));
                Ok(Fresh { text: Secret::new(text), life: Duration::from_hours(10) })
            })
        });
        let clock = Clock::manual("2026-02-03T08:15:00Z".parse().unwrap());
        (Tokens::new("a test".into(), fetch, clock, Chance::seeded(1), Supervisor::new().0), came)
    }

    fn in_time() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_user_takes_shortens_no_pause_of_another() {
        let (tokens, _) = tokens(Duration::ZERO);
        let mut token = tokens.get(in_time()).await.unwrap();
        let mut waits = Vec::new();
        for _ in 0..20 {
            match tokens.replace_for(1, &token, in_time()).await {
                Ok(another) => token = another.unwrap(),
                Err(wait) => {
                    waits.push(wait);
                    sleep(wait).await;
                }
            }
            tokens.worked_for(2);
        }
        assert!(waits.iter().all(|wait| *wait <= FORCED.cap), "{waits:?}");
        assert!(waits.last().is_some_and(|wait| *wait >= FORCED.cap / 2), "{waits:?}");
        // Another user does not wait for it, and this one not any more once it takes a token.
        token = tokens.replace_for(2, &token, in_time()).await.unwrap().unwrap();
        tokens.worked_for(1);
        sleep(FORCED.cap).await;
        token = tokens.replace_for(1, &token, in_time()).await.unwrap().unwrap();
        let wait = tokens.replace_for(1, &token, in_time()).await.unwrap_err();
        assert!(wait <= FORCED.base, "{wait:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_is_waited_for_when_who_wanted_it_has_given_up() {
        let (tokens, came) = tokens(Duration::from_secs(5));
        assert!(tokens.get(Instant::now() + Duration::from_secs(1)).await.is_err());
        assert_eq!(came.load(Ordering::Relaxed), 0);
        tokens.at_rest().await;
        assert_eq!(came.load(Ordering::Relaxed), 1);
        tokens.at_rest().await;
        assert_eq!(came.load(Ordering::Relaxed), 1, "none is begun by it");
    }
}
