//! The one task that plans and keeps the queues. How a publication comes to its runs is in `admit`.

mod admit;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::carry::{Carrier, Report};
use super::early::Early;
use super::ends::{Ends, Over};
use super::fetching::Fetching;
use super::lanes::{Key, Lanes, Slot};
use super::parking::{self, Parking};
use super::{Work, fate};
use crate::journal::{Change, Journal, Line, TimerChange};
use crate::kit::backoff::Backoff;
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::supervisor::Supervisor;
use crate::telemetry::Metrics;

/// The most runs that are open at a time, beside those that are parked; more stays in the journal.
pub const OPEN: usize = 100_000;
/// How many publications are claimed at once.
const CLAIM: usize = 64;
/// How often the journal is asked even without a hint.
const ASK: Duration = Duration::from_secs(1);
/// How long to wait when the journal can't be read.
const JOURNAL_PAUSE: Duration = Duration::from_millis(250);

/// What the dispatcher shows of itself.
#[derive(Debug, Default)]
pub struct Pulse {
    /// Runs that wait or run.
    pub open: AtomicU64,
    /// Runs that are being carried out.
    pub running: AtomicU64,
    /// Runs of which only the number is kept until there is room.
    pub parked: AtomicU64,
    /// When the oldest publication with an open run arrived, in milliseconds since 1970; 0 when there is none.
    pub oldest_arrived: AtomicI64,
    /// The newest publication that was planned.
    pub planned: AtomicU64,
    /// After it has stopped: whether the journal tells all that it knew, so that a new start need not be unsure.
    pub sure: AtomicBool,
    /// When the dispatcher last came around, in milliseconds since 1970.
    pub beat: AtomicI64,
}

/// A run that was carried, and how far it got.
struct Ran<R> {
    key: Key,
    seq: u64,
    /// What there is to say of its publication.
    about: Option<Arc<String>>,
    report: Report<R>,
}

/// See the module.
pub struct Dispatcher<J: Journal, W: Work> {
    carrier: Arc<Carrier<J, W>>,
    lanes: Lanes<W::Run>,
    early: Early,
    fetching: Fetching,
    parking: Parking,
    ends: Ends,
    /// What ended and is not handed to the journal yet.
    ended: Change,
    /// When the next timer is due, in milliseconds since 1970.
    timer: Option<i64>,
    /// Whether a run stopped with a doubt that no line tells of.
    unsure: bool,
    reports: mpsc::Receiver<Ran<W::Run>>,
    report: mpsc::Sender<Ran<W::Run>>,
    /// What was fetched, by lane; nothing if that panicked.
    fetches: mpsc::Receiver<(Arc<str>, Option<W::Opened>)>,
    fetched: mpsc::Sender<(Arc<str>, Option<W::Opened>)>,
    supervisor: Supervisor,
    metrics: Arc<Metrics>,
    chance: Chance,
    pulse: Arc<Pulse>,
    stop: CancellationToken,
}

impl<J: Journal, W: Work> Dispatcher<J, W> {
    /// Prepares a dispatcher; [`Dispatcher::run`] sets it to work.
    pub fn new(
        journal: Arc<J>,
        work: Arc<W>,
        clock: Clock,
        chance: Chance,
        supervisor: Supervisor,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (report, reports) = mpsc::channel(1024);
        let (fetched, fetches) = mpsc::channel(1024);
        let stop = supervisor.stop.clone();
        let ends = Ends::new(clock.clone(), Arc::clone(&metrics));
        let (accounts, began) = (work.accounts(), clock.millis());
        let carrier = Arc::new(Carrier { journal, work, clock, stop: stop.clone() });
        Self {
            carrier,
            lanes: Lanes::new(accounts),
            early: Early::default(),
            fetching: Fetching::default(),
            parking: Parking::new(accounts),
            ends,
            ended: Change::default(),
            // Whatever was due meanwhile is due now.
            timer: Some(0),
            unsure: false,
            reports,
            report,
            fetches,
            fetched,
            supervisor,
            metrics,
            chance,
            // Until it comes around for the first time it is not taken for one that hangs.
            pulse: Arc::new(Pulse { beat: AtomicI64::new(began), ..Pulse::default() }),
            stop,
        }
    }

    /// What it shows of itself.
    pub fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }

    /// Works until the process stops and every run that was being carried out has come to a rest.
    pub async fn run(mut self) {
        let journal = Arc::clone(&self.carrier.journal);
        loop {
            let stopping = self.stop.is_cancelled();
            let mut more = false;
            if !stopping {
                // What ended may have set vars that the next events are to see.
                self.settle_ended();
                self.fire().await;
                while let Ok((lane, opened)) = self.fetches.try_recv() {
                    self.fetched(&lane, opened).await;
                }
                more = self.claim().await;
                more |= self.unpark().await;
                self.lanes.wake(Instant::now());
                self.start();
            } else if self.lanes.running() == 0 {
                self.settle_ended();
                let unsure =
                    self.unsure || self.early.knows_more() || self.fetching.knows_more() || self.parking.count() > 0;
                self.pulse.sure.store(!unsure && !self.lanes.is_unsure(), Ordering::Relaxed);
                return;
            } else if self.early.is_waiting() {
                self.claim().await;
            }
            self.settle_ended();
            self.show();
            let due = self.next_due().filter(|_| !stopping).unwrap_or_else(|| Instant::now() + ASK);
            tokio::select! {
                biased;
                Some(report) = self.reports.recv() => self.hear_all(report),
                Some((lane, opened)) = self.fetches.recv(), if !stopping => self.fetched(&lane, opened).await,
                () = self.stop.cancelled(), if !stopping => {}
                () = journal.wake(), if !more => {}
                () = tokio::time::sleep_until(due.min(Instant::now() + ASK)) => {}
                () = std::future::ready(()), if more => {}
            }
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let now = self.carrier.clock.millis();
        let timer = self.timer.map(|due| Instant::now() + millis(due - now));
        self.lanes.next_due().into_iter().chain(timer).min()
    }

    /// Fires the timers that are due.
    async fn fire(&mut self) {
        let now = self.carrier.clock.millis();
        if self.timer.is_none_or(|due| due > now) {
            return;
        }
        self.timer = match self.carrier.journal.fire(now).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, "timers wait for the journal");
                Some(now + JOURNAL_PAUSE.as_millis() as i64)
            }
        };
    }

    /// Begins what may be begun early; claims and plans what there is room for. Whether there may be more.
    async fn claim(&mut self) -> bool {
        let stopping = self.stop.is_cancelled();
        let room = self.lanes.open() < OPEN && self.parking.count() < parking::MOST && !self.fetching.is_full();
        if (!room || self.carrier.journal.pressed()) && !self.early.is_waiting() {
            return false;
        }
        if !stopping && self.lanes.open() < OPEN / 2 {
            let begun = self.early.begun();
            self.begin_early().await;
            if self.early.begun() > begun {
                // The steps go out first: what follows wakes the journal's thread, which costs what a caller would hear.
                tokio::task::yield_now().await;
            }
        }
        self.admit_freed().await;
        let claims = self.carrier.journal.claim(CLAIM).await;
        for seq in self.carrier.journal.refused() {
            self.early.refused(seq);
        }
        match claims {
            Ok(claims) => {
                // After a restart most of a batch may be done: only an empty one says that there is no more.
                let more = !claims.is_empty();
                // A lone event is acted on before its decision is handed to the journal's thread: waking that costs what the
                // caller would hear. Of several one may depend on what another one left to be remembered.
                let lone = claims.len() == 1;
                for claim in claims {
                    if let Some((held_back, go_on)) = self.early.claimed(claim.seq) {
                        self.settle(held_back);
                        drop(go_on);
                    } else if !stopping {
                        self.admit(claim, lone).await;
                        self.admit_freed().await;
                    }
                }
                more
            }
            Err(error) => {
                tracing::error!(%error, "the journal can't be read; trying again");
                tokio::time::sleep(JOURNAL_PAUSE).await;
                true
            }
        }
    }

    /// Starts every run whose turn it is.
    fn start(&mut self) {
        if self.carrier.journal.pressed() {
            return;
        }
        while let Some((key, slot)) = self.lanes.start() {
            let seq = slot.seq;
            if Instant::now() >= slot.deadline {
                let (fate, why) = slot.too_late();
                let record = self.carrier.work.epitaph(None, why);
                let over = Over { rule: &key.rule, seq, controls: slot.controls, about: slot.about.as_ref() };
                self.end(&over, (fate, record));
                self.lanes.ended(&key, seq);
                continue;
            }
            let about = slot.about.clone();
            let (carrier, report) = (Arc::clone(&self.carrier), self.report.clone());
            self.supervisor.spawn(async move {
                let controls = slot.controls;
                let carried = AssertUnwindSafe(carrier.carry(&key.rule, slot)).catch_unwind().await;
                let result = carried.unwrap_or_else(|_| {
                    tracing::error!(rule = &*key.rule, seq, "a run panicked: this is a bug in switchhook");
                    let record = carrier.work.epitaph(None, "an internal error");
                    Report::ended(fate::FAILED, controls, record)
                });
                // The dispatcher outlives every run.
                let _ = report.send(Ran { key, seq, about, report: result }).await;
            });
        }
    }

    fn hear_all(&mut self, first: Ran<W::Run>) {
        let mut next = Some(first);
        while let Some(ran) = next {
            self.hear(ran);
            next = self.reports.try_recv().ok();
        }
    }

    /// What a run reports.
    fn hear(&mut self, ran: Ran<W::Run>) {
        let Ran { key, seq, about, report } = ran;
        let key = &key;
        match report {
            Report::Ended { fate, controls, record, with } => {
                self.early.ended(&key.lane, Instant::now());
                let over = Over { rule: &key.rule, seq, controls, about: about.as_ref() };
                self.end(&over, (fate, record));
                // In the same commit as its line.
                self.ended.extend(with);
                self.lanes.ended(key, seq);
            }
            // It stays open in the journal; here it is only out of the way.
            Report::Paused { unsure } => {
                self.unsure |= unsure;
                self.lanes.ended(key, seq);
            }
            Report::Refused(line) => {
                self.ends.forget(seq);
                self.lanes.ended(key, seq);
                self.heard(seq, line);
            }
            Report::Waits { slot, after, record } => self.wait(key, slot, after, record),
        }
    }

    fn wait(&mut self, key: &Key, slot: Slot<W::Run>, after: Option<Duration>, record: Option<String>) {
        let seq = slot.seq;
        let wait = after.unwrap_or_else(|| backoff(slot.allowance).wait(slot.number.saturating_sub(1), &self.chance));
        if let Some(record) = record {
            self.metrics.again();
            if slot.number == 1 {
                self.ends.tell(&key.rule, "failed for now", &record);
            }
            let mut line = self.carrier.line(seq, &key.rule, fate::RETRY, record);
            line.due = Some(line.at.saturating_add(wait.as_millis() as i64));
            self.settle(Change::lines(vec![line]));
        }
        if let Err(slot) = self.lanes.wait(key, slot, Instant::now() + wait) {
            self.end_superseded(key, &slot);
            self.lanes.ended(key, slot.seq);
        }
    }

    fn heard(&mut self, seq: u64, line: Option<Line>) {
        let entry = self.early.heard(seq, line);
        self.carrier.journal.settle(Change { events: Vec::from_iter(entry), ..Change::default() });
    }

    fn end_superseded(&mut self, key: &Key, slot: &Slot<W::Run>) {
        let record = self.carrier.work.epitaph(None, "a later state of the call came");
        let over = Over { rule: &key.rule, seq: slot.seq, controls: slot.controls, about: slot.about.as_ref() };
        self.end(&over, (fate::SUPERSEDED, record));
    }

    /// Records the end of a run.
    fn end(&mut self, over: &Over<'_>, end: (&'static str, String)) {
        let seq = over.seq;
        if self.early.run_ended(seq) {
            // There is no publication to tell it of.
            self.ends.forget(seq);
            return self.heard(seq, None);
        }
        let change = self.ends.end(&*self.carrier.work, over, end);
        if let Some(change) = self.early.hold_back(seq, change) {
            self.ended.extend(change);
        }
    }

    fn settle_ended(&mut self) {
        let ended = std::mem::take(&mut self.ended);
        self.settle(ended);
    }

    /// Hands a change to the journal, or holds it back while its publication is being committed.
    fn settle(&mut self, change: Change) {
        for timer in &change.timers {
            if let TimerChange::Set(timer) = timer {
                self.timer = Some(self.timer.map_or(timer.due, |due| due.min(timer.due)));
            }
        }
        let of = change.lines.first().map(|line| line.seq);
        let change = match of {
            Some(seq) => self.early.hold_back(seq, change),
            None => Some(change),
        };
        if let Some(change) = change {
            self.carrier.journal.settle(change);
        }
    }

    fn show(&self) {
        self.pulse.open.store(self.lanes.open() as u64, Ordering::Relaxed);
        self.pulse.running.store(self.lanes.running() as u64, Ordering::Relaxed);
        self.pulse.parked.store(self.parking.count() as u64, Ordering::Relaxed);
        let oldest = self.lanes.oldest().and_then(|seq| self.ends.arrived(seq)).unwrap_or(0);
        self.pulse.oldest_arrived.store(oldest, Ordering::Relaxed);
        self.pulse.beat.store(self.carrier.clock.millis(), Ordering::Relaxed);
    }
}

/// What has a deadline in seconds waits at most five; what has hours may wait longer.
fn backoff(allowance: Duration) -> Backoff {
    let cap = (allowance / 20).clamp(Duration::from_secs(5), Duration::from_mins(1));
    Backoff { base: Duration::from_millis(200), cap }
}

fn millis(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
