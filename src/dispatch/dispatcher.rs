//! The one task that plans and keeps the queues.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::carry::{Carrier, Report};
use super::lanes::{Body, Key, Lanes, Slot};
use super::{NewRun, Planned, Work, fate};
use crate::journal::{Change, Claim, Journal, Line};
use crate::kit::backoff::Backoff;
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::supervisor::Supervisor;
use crate::telemetry::Metrics;

/// The most runs that are open at a time; more stays in the journal.
pub const OPEN: usize = 100_000;
/// How many publications are claimed at once.
const CLAIM: usize = 64;
/// How often the journal is asked even without a hint.
const ASK: Duration = Duration::from_secs(1);
/// What an operator should hear of.
const TROUBLE: [&str; 4] = [fate::FAILED, fate::EXPIRED, "unknown", "abandoned"];
/// How often a rule's trouble is logged at most.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// How long to wait when the journal can't be read.
const JOURNAL_PAUSE: Duration = Duration::from_millis(250);

/// What the dispatcher shows of itself.
#[derive(Debug, Default)]
pub struct Pulse {
    /// Runs that wait or run.
    pub open: AtomicU64,
    /// Runs that are being carried out.
    pub running: AtomicU64,
    /// When the oldest publication with an open run arrived, in milliseconds since 1970; 0 when there is none.
    pub oldest_arrived: AtomicI64,
    /// The newest publication that was planned.
    pub planned: AtomicU64,
    /// When the dispatcher last came around, in milliseconds since 1970.
    pub beat: AtomicI64,
}

/// A publication with open runs.
struct OpenRuns {
    count: u32,
    arrived: i64,
}

/// See the module.
pub struct Dispatcher<J: Journal, W: Work> {
    carrier: Arc<Carrier<J, W>>,
    lanes: Lanes<W::Run>,
    /// The publications with open runs.
    open: HashMap<u64, OpenRuns>,
    /// When each rule's trouble was last logged.
    told: HashMap<Arc<str>, Instant>,
    /// Ends that are not handed to the journal yet.
    ended: Vec<Line>,
    reports: mpsc::Receiver<(Key, u64, Report<W::Run>)>,
    report: mpsc::Sender<(Key, u64, Report<W::Run>)>,
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
        let stop = supervisor.stop.clone();
        let carrier = Arc::new(Carrier { journal, work, clock, stop: stop.clone() });
        Self {
            carrier,
            lanes: Lanes::new(),
            open: HashMap::new(),
            told: HashMap::new(),
            ended: Vec::new(),
            reports,
            report,
            supervisor,
            metrics,
            chance,
            pulse: Arc::default(),
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
                more = self.claim().await;
                self.lanes.wake(Instant::now());
                self.start();
            } else if self.lanes.running() == 0 {
                self.settle_ended();
                return;
            }
            self.settle_ended();
            self.show();
            let due = self.lanes.next_due().filter(|_| !stopping).unwrap_or_else(|| Instant::now() + ASK);
            tokio::select! {
                Some(report) = self.reports.recv() => self.hear_all(report),
                () = journal.wake(), if !stopping && !more => {}
                () = tokio::time::sleep_until(due.min(Instant::now() + ASK)) => {}
                () = self.stop.cancelled(), if !stopping => {}
                () = std::future::ready(()), if more => {}
            }
        }
    }

    /// Claims and plans what there is room for. Whether there may be more.
    async fn claim(&mut self) -> bool {
        if self.lanes.open() >= OPEN {
            return false;
        }
        match self.carrier.journal.claim(CLAIM).await {
            Ok(claims) => {
                // After a restart most of a batch may be done: only an empty one says that there is no more.
                let more = !claims.is_empty();
                // A lone event is acted on before its decision is handed to the journal's thread: waking that costs what the
                // caller would hear. Of several one may depend on what another one left to be remembered.
                let lone = claims.len() == 1;
                for claim in claims {
                    let mut decided = self.admit(claim).await;
                    if lone {
                        self.start();
                    }
                    // With the ends that came of it, after it: what is done must not be known before what was decided.
                    decided.lines.append(&mut self.ended);
                    self.carrier.journal.settle(decided);
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

    /// Plans one publication and lines up its runs; what is to be settled for it.
    async fn admit(&mut self, claim: Claim) -> Change {
        let (opened, keys) = self.carrier.work.open(&claim);
        let remembered = loop {
            match self.carrier.journal.load(&keys).await {
                Ok(remembered) => break remembered,
                Err(error) => {
                    tracing::error!(%error, "the journal can't be read; planning waits");
                    tokio::time::sleep(JOURNAL_PAUSE).await;
                }
            }
        };
        let work = &self.carrier.work;
        let planned = std::panic::catch_unwind(AssertUnwindSafe(|| work.plan(opened, &claim, &remembered)));
        let planned = planned.unwrap_or_else(|_| {
            tracing::error!(seq = claim.seq, "planning panicked: this is a bug in switchhook; the event is left alone");
            let record = Some(work.epitaph(None, "an internal error"));
            Planned { record, state: Vec::new(), supersedes: false, runs: Vec::new() }
        });
        let (lane, seq) = (Arc::clone(&claim.entry.lane), claim.seq);
        if planned.supersedes {
            for (key, slot) in self.lanes.supersede(&lane, seq) {
                let record = self.carrier.work.epitaph(None, "a later state of the call came");
                self.end(&key.rule, slot.seq, fate::SUPERSEDED, record);
            }
        }
        let count = u32::try_from(planned.runs.len()).unwrap_or(u32::MAX);
        let mut decided = Change::default();
        if planned.record.is_some() || !planned.state.is_empty() || count == 0 {
            let record = planned.record.unwrap_or_else(|| "{}".to_owned());
            let mut line = self.carrier.line(seq, &"".into(), fate::PLANNED, record);
            line.last = count == 0;
            decided = Change { lines: vec![line], state: planned.state, ..Change::default() };
        }
        if count > 0 {
            self.open.insert(seq, OpenRuns { count, arrived: claim.arrived });
        }
        for run in planned.runs {
            self.line_up(&lane, seq, run);
        }
        self.pulse.planned.store(seq, Ordering::Relaxed);
        decided
    }

    fn line_up(&mut self, lane: &Arc<str>, seq: u64, new: NewRun<W::Run>) {
        let run = match new.run {
            Ok(run) => run,
            Err((fate, record)) => return self.end(&new.rule, seq, fate, record),
        };
        let now = self.carrier.clock.millis();
        let instant = |at: i64| Instant::now() + Duration::from_millis(u64::try_from(at - now).unwrap_or(0));
        let slot = Slot {
            seq,
            deadline: instant(new.deadline),
            allowance: new.allowance,
            controls: new.controls,
            unsure: new.unsure,
            number: new.number,
            body: Body::Held(run),
        };
        let due = new.due.filter(|due| *due > now).map(instant);
        let work = &self.carrier.work;
        self.lanes.push(Key { lane: Arc::clone(lane), rule: new.rule }, slot, due, |run| work.shelve(run));
    }

    /// Starts every run whose turn it is.
    fn start(&mut self) {
        while let Some((key, slot)) = self.lanes.start() {
            let seq = slot.seq;
            if Instant::now() >= slot.deadline {
                let record = self.carrier.work.epitaph(None, "its deadline passed");
                self.end(&key.rule, seq, fate::EXPIRED, record);
                self.lanes.ended(&key, seq);
                continue;
            }
            let (carrier, report) = (Arc::clone(&self.carrier), self.report.clone());
            self.supervisor.spawn(async move {
                let carried = AssertUnwindSafe(carrier.carry(&key.rule, slot)).catch_unwind().await;
                let end = carried.unwrap_or_else(|_| {
                    tracing::error!(rule = &*key.rule, seq, "a run panicked: this is a bug in switchhook");
                    Report::Ended { fate: fate::FAILED, record: carrier.work.epitaph(None, "an internal error") }
                });
                // The dispatcher outlives every run.
                let _ = report.send((key, seq, end)).await;
            });
        }
    }

    fn hear_all(&mut self, first: (Key, u64, Report<W::Run>)) {
        let mut next = Some(first);
        while let Some((key, seq, report)) = next {
            self.hear(&key, seq, report);
            next = self.reports.try_recv().ok();
        }
    }

    fn hear(&mut self, key: &Key, seq: u64, report: Report<W::Run>) {
        match report {
            Report::Ended { fate, record } => {
                self.end(&key.rule, seq, fate, record);
                self.lanes.ended(key, seq);
            }
            // It stays open in the journal; here it is only out of the way.
            Report::Paused => self.lanes.ended(key, seq),
            Report::Waits { slot, after, record } => self.wait(key, slot, after, record),
        }
    }

    fn wait(&mut self, key: &Key, slot: Slot<W::Run>, after: Option<Duration>, record: Option<String>) {
        let seq = slot.seq;
        let wait = after.unwrap_or_else(|| backoff(slot.allowance).wait(slot.number.saturating_sub(1), &self.chance));
        if let Some(record) = record {
            self.metrics.again();
            if slot.number == 1 {
                self.tell(&key.rule, "failed for now", &record);
            }
            let mut line = self.carrier.line(seq, &key.rule, fate::RETRY, record);
            line.due = Some(line.at.saturating_add(wait.as_millis() as i64));
            self.carrier.journal.settle(Change::lines(vec![line]));
        }
        if let Err(slot) = self.lanes.wait(key, slot, Instant::now() + wait) {
            let record = self.carrier.work.epitaph(None, "a later state of the call came");
            self.end(&key.rule, slot.seq, fate::SUPERSEDED, record);
            self.lanes.ended(key, slot.seq);
        }
    }

    /// Records the end of a run, and with the last one that its publication is done.
    fn end(&mut self, rule: &Arc<str>, seq: u64, fate: &'static str, record: String) {
        let left = self.open.get_mut(&seq).map_or(0, |open| {
            open.count -= 1;
            open.count
        });
        if left == 0 {
            self.open.remove(&seq);
        }
        if TROUBLE.contains(&fate) {
            self.tell(rule, fate, &record);
        }
        let mut line: Line = self.carrier.line(seq, rule, fate, record);
        line.last = left == 0;
        self.ended.push(line);
        self.metrics.ended(fate);
    }

    /// Logs a rule's trouble, now and then: the journal has all of it.
    fn tell(&mut self, rule: &Arc<str>, how: &str, record: &str) {
        let now = Instant::now();
        if self.told.get(rule).is_some_and(|last| now < *last + TELL_EVERY) {
            return;
        }
        self.told.insert(Arc::clone(rule), now);
        let record: serde_json::Value = serde_json::from_str(record).unwrap_or_default();
        let why = record.get("why").and_then(serde_json::Value::as_str).unwrap_or_default();
        tracing::warn!(rule = &**rule, how, why, "a rule could not act; `switchhook events` has each case");
    }

    fn settle_ended(&mut self) {
        let lines = std::mem::take(&mut self.ended);
        self.carrier.journal.settle(Change::lines(lines));
    }

    fn show(&self) {
        self.pulse.open.store(self.lanes.open() as u64, Ordering::Relaxed);
        self.pulse.running.store(self.lanes.running() as u64, Ordering::Relaxed);
        let oldest = self.lanes.oldest().and_then(|seq| self.open.get(&seq)).map_or(0, |open| open.arrived);
        self.pulse.oldest_arrived.store(oldest, Ordering::Relaxed);
        self.pulse.beat.store(self.carrier.clock.millis(), Ordering::Relaxed);
    }
}

/// What has a deadline in seconds waits at most five; what has hours may wait longer.
fn backoff(allowance: Duration) -> Backoff {
    let cap = (allowance / 20).clamp(Duration::from_secs(5), Duration::from_mins(1));
    Backoff { base: Duration::from_millis(200), cap }
}
