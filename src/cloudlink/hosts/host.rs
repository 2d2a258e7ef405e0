//! One far side: who may send to it now, and what was learnt from what was sent.
//!
//! A request passes four things, in this order: the pause that the host asked for, the circuit breaker, a free place
//! (waited for in order of arrival, at most until the request's own deadline), and the rate limit. Who does not pass is
//! told so at once, with nothing sent, and when to come again: waiting is the dispatcher's, which shelves a run, not
//! that of a task that holds a place. Only waits too short to be worth that are waited out here.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use super::breaker::{Breaker, Pass, Turn, Verdict};
use super::rate::Bucket;
use super::turn::{self, News, Teller, Turned, is_untold};
use super::{Hold, HostPolicy, Tally, Whose};
use crate::cloudlink::transport::Lost;
use crate::kit::chance::Chance;

/// A wait that is waited out in place: coming again by way of the dispatcher costs more.
const PATIENCE: Duration = Duration::from_millis(100);
/// How widely the end of a pause is spread: a tenth of it, within these bounds.
const SPREAD: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// See the module.
pub(in crate::cloudlink) struct Host {
    /// What it is called in the log.
    name: String,
    whose: Whose,
    teller: Teller,
    tally: Arc<Tally>,
    chance: Chance,
    places: Semaphore,
    /// Something closed: who waits for a place should look whether that still makes sense.
    closed: Notify,
    book: Mutex<Book>,
}

struct Book {
    paused_until: Option<Instant>,
    breaker: Breaker,
    news: News,
    bucket: Option<Bucket>,
}

/// A request that may be sent: it holds a place, and is settled with what it says about the host. If it is dropped
/// before, it says nothing.
pub(in crate::cloudlink) struct Entry<'a> {
    host: &'a Host,
    pass: Option<Pass>,
    /// Whether its failure is not what somebody is told of.
    untold: bool,
    _place: SemaphorePermit<'a>,
}

enum Step {
    Go(Pass),
    Wait(Duration),
}

impl Host {
    pub(super) fn new(
        name: String,
        whose: Whose,
        policy: &HostPolicy,
        tally: Arc<Tally>,
        teller: Teller,
        chance: Chance,
    ) -> Self {
        let bucket = policy.rate.map(|rate| Bucket::new(rate, Instant::now()));
        let book = Book { paused_until: None, breaker: Breaker::new(policy.breaker), news: News::default(), bucket };
        let (places, closed) = (Semaphore::new(policy.places), Notify::new());
        Self { name, whose, teller, tally, chance, places, closed, book: Mutex::new(book) }
    }

    /// Lets a request in, or says why not.
    pub(in crate::cloudlink) async fn enter(&self, deadline: Instant) -> Result<Entry<'_>, Lost> {
        let place = self.place(deadline).await?;
        // Taken in the rate limit's count, once.
        let mut counted = false;
        loop {
            let now = Instant::now();
            match self.step(now, &mut counted)? {
                Step::Go(pass) => {
                    return Ok(Entry { host: self, pass: Some(pass), untold: is_untold(), _place: place });
                }
                Step::Wait(wait) if now + wait < deadline => sleep_until(now + wait).await,
                Step::Wait(_) => return Err(Lost::NotSentInTime),
            }
        }
    }

    /// A free place, in order of arrival.
    async fn place(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, Lost> {
        self.look(Instant::now())?;
        // With somebody waiting there is none: places are handed from one to the next.
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        let mut place = std::pin::pin!(self.places.acquire());
        loop {
            let closed = self.closed.notified();
            self.look(Instant::now())?;
            tokio::select! {
                biased;
                // The places are never closed.
                place = &mut place => return place.map_err(|_| Lost::NotSentInTime),
                () = closed => {}
                () = sleep_until(deadline) => {
                    self.tally.full.fetch_add(1, Ordering::Relaxed);
                    return Err(Lost::NotSentInTime);
                }
            }
        }
    }

    /// Whether waiting for a place makes sense.
    fn look(&self, now: Instant) -> Result<(), Lost> {
        let mut book = self.lock();
        if let Some(left) = book.pause_left(now).filter(|left| *left > PATIENCE) {
            return Err(self.paused(left));
        }
        book.breaker.look(now).map_err(|left| self.ill(&mut book, now, left))
    }

    fn step(&self, now: Instant, counted: &mut bool) -> Result<Step, Lost> {
        let mut book = self.lock();
        match book.pause_left(now) {
            Some(left) if left > PATIENCE => return Err(self.paused(left)),
            Some(left) => return Ok(Step::Wait(left)),
            None => {}
        }
        book.breaker.look(now).map_err(|left| self.ill(&mut book, now, left))?;
        if let Some(bucket) = book.bucket.as_mut().filter(|_| !*counted) {
            let wait = bucket.take(now, PATIENCE).map_err(|wait| self.too_fast(wait))?;
            *counted = true;
            if !wait.is_zero() {
                return Ok(Step::Wait(wait));
            }
        }
        book.breaker.admit(now).map(Step::Go).map_err(|left| self.ill(&mut book, now, left))
    }

    fn paused(&self, left: Duration) -> Lost {
        self.tally.paused.fetch_add(1, Ordering::Relaxed);
        Lost::Held { hold: Hold::Paused, after: self.spread(left) }
    }

    fn ill(&self, book: &mut Book, now: Instant, left: Duration) -> Lost {
        self.tally.ill.fetch_add(1, Ordering::Relaxed);
        let Book { breaker, news, .. } = book;
        if let Some(turn) = news.held(breaker, is_untold(), now) {
            self.tell(now, turn);
        }
        Lost::Held { hold: Hold::Ill, after: breaker.hold(left, self.chance.fraction()) }
    }

    fn too_fast(&self, wait: Duration) -> Lost {
        self.tally.rate.fetch_add(1, Ordering::Relaxed);
        // One's turn is cut, not the limit: who comes too early again is told another time.
        let wait = wait.min(super::LONGEST_HOLD.mul_f64(0.8));
        Lost::Held { hold: Hold::Rate, after: wait + (wait / 4).mul_f64(self.chance.fraction()) }
    }

    /// So long, and a random time more, so that not all who wait for the end of a pause come at once.
    pub(in crate::cloudlink) fn spread(&self, wait: Duration) -> Duration {
        wait + (wait / 10).clamp(SPREAD.0, SPREAD.1).mul_f64(self.chance.fraction())
    }

    /// Nobody sends before `wait` has passed. A longer pause that is in force stays.
    pub(in crate::cloudlink) fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut book = self.lock();
        if book.paused_until.is_none_or(|before| before < until) {
            book.paused_until = Some(until);
            drop(book);
            self.closed.notify_waiters();
        }
    }

    fn settle(&self, pass: Pass, verdict: Verdict, untold: bool) {
        let now = Instant::now();
        let (turn, news) = {
            let Book { breaker, news, .. } = &mut *self.lock();
            let turn = breaker.settle(pass, verdict, now, self.chance.fraction());
            (turn, news.settled(breaker, verdict, turn, untold, now))
        };
        match turn {
            Some(Turn::Opened) => {
                self.closed.notify_waiters();
                tracing::warn!(
                    host = self.name,
                    "requests are held: it does not answer well; it is tried now and then"
                );
            }
            Some(Turn::Closed) => tracing::info!(host = self.name, "requests flow again: it answers"),
            None => {}
        }
        if let Some(news) = news {
            self.tell(now, news);
        }
    }

    /// Says it to who wants to hear it; waits for nobody.
    fn tell(&self, at: Instant, turn: turn::Turn) {
        self.teller.tell(Turned { host: self.name.clone(), whose: self.whose.to_string(), at, turn });
    }

    pub(super) fn is_open(&self) -> bool {
        self.lock().breaker.is_open()
    }

    pub(super) fn pause_left(&self) -> Option<Duration> {
        self.lock().pause_left(Instant::now())
    }

    /// Whether nothing would be lost by forgetting it.
    pub(super) fn is_at_rest(&self) -> bool {
        let book = self.lock();
        book.breaker.is_at_rest() && book.pause_left(Instant::now()).is_none()
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn pause_left(&self, now: Instant) -> Option<Duration> {
        self.paused_until.and_then(|until| until.checked_duration_since(now)).filter(|left| !left.is_zero())
    }
}

impl Entry<'_> {
    /// What the request said about the host.
    pub(in crate::cloudlink) fn settle(mut self, verdict: Verdict) {
        self.say(verdict);
    }

    fn say(&mut self, verdict: Verdict) {
        if let Some(pass) = self.pass.take() {
            self.host.settle(pass, verdict, self.untold);
        }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.say(Verdict::Unsaid);
    }
}
