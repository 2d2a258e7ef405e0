//! The one task that plans and keeps the queues.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::carry::{Carrier, Report};
use super::early::{Commit, Early};
use super::ends::Ends;
use super::lanes::{Body, Key, Lanes, Slot};
use super::parking::{self, Parking};
use super::{Again, NewRun, Planned, Planning, Work, fate};
use crate::journal::{self, Change, Claim, Journal, Range, TimerChange};
use crate::kit::backoff::Backoff;
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::supervisor::Supervisor;
use crate::telemetry::Metrics;

/// The most runs that are open at a time, beside those that are parked; more stays in the journal.
pub const OPEN: usize = 100_000;
/// How many publications are claimed at once.
const CLAIM: usize = 64;
/// How many parked runs are planned again at once.
const UNPARK: usize = 64;
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

/// See the module.
pub struct Dispatcher<J: Journal, W: Work> {
    carrier: Arc<Carrier<J, W>>,
    lanes: Lanes<W::Run>,
    early: Early,
    parking: Parking,
    ends: Ends,
    /// What ended and is not handed to the journal yet.
    ended: Change,
    /// When the next timer is due, in milliseconds since 1970.
    timer: Option<i64>,
    /// Whether a run stopped with a doubt that no line tells of.
    unsure: bool,
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
        let ends = Ends::new(clock.clone(), Arc::clone(&metrics));
        let carrier = Arc::new(Carrier { journal, work, clock, stop: stop.clone() });
        Self {
            carrier,
            lanes: Lanes::new(),
            early: Early::default(),
            parking: Parking::default(),
            ends,
            ended: Change::default(),
            // Whatever was due meanwhile is due now.
            timer: Some(0),
            unsure: false,
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
                self.fire().await;
                more = self.claim().await;
                more |= self.unpark().await;
                self.lanes.wake(Instant::now());
                self.start();
            } else if self.lanes.running() == 0 {
                self.settle_ended();
                let unsure = self.unsure || self.early.knows_more() || self.parking.count() > 0;
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
                Some(report) = self.reports.recv() => self.hear_all(report).await,
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
        let room = self.lanes.open() < OPEN && self.parking.count() < parking::MOST;
        if (!room || self.carrier.journal.pressed()) && !self.early.is_waiting() {
            return false;
        }
        if !stopping && self.lanes.open() < OPEN / 2 {
            self.begin_early().await;
        }
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

    /// Plans what is being committed just now, and takes its first steps.
    async fn begin_early(&mut self) {
        for claim in self.carrier.journal.early() {
            let lane = &claim.entry.lane;
            let idle = self.lanes.is_idle(lane) && self.early.is_settled(lane, Instant::now());
            if !idle || !self.early.may_begin(&claim) {
                continue;
            }
            // What can't be read now is read when it is claimed.
            let Ok((planned, keys)) = self.plan(&claim).await else { continue };
            if planned.durable_first || self.early.shares(&keys) {
                continue;
            }
            let (seq, runs) = (claim.seq, planned.runs.len());
            let commit = self.early.begin(claim.clone(), keys);
            self.early.has_runs(seq, u32::try_from(runs).unwrap_or(u32::MAX));
            let decided = self.line_up_all(&claim, planned, Some(&commit));
            self.settle(decided);
            self.start();
        }
    }

    /// Plans one publication, lines up its runs, and settles what was decided.
    async fn admit(&mut self, claim: Claim, lone: bool) {
        let Some(claim) = self.early.history(claim) else { return };
        let done_before = claim.history.clone();
        let planned = loop {
            match self.plan(&claim).await {
                Ok((planned, _)) => break planned,
                Err(error) => {
                    tracing::error!(%error, "the journal can't be read; planning waits");
                    tokio::time::sleep(JOURNAL_PAUSE).await;
                }
            }
        };
        let durable_first = planned.durable_first;
        let mut decided = self.line_up_all(&claim, planned, None);
        if !claim.recovered && !done_before.is_empty() {
            // It was begun when it came before and was not stored.
            decided.lines.splice(0..0, done_before);
        }
        if durable_first {
            while let Err(error) = self.carrier.journal.attempt(decided.clone()).await {
                tracing::warn!(%error, "what is counted before it is done waits for the journal");
                tokio::time::sleep(JOURNAL_PAUSE).await;
            }
            decided = Change::default();
        }
        if lone {
            self.start();
        }
        // With the ends that came of it, after it: what is done must not be known before what was decided.
        decided.extend(std::mem::take(&mut self.ended));
        self.settle(decided);
    }

    /// Plans a publication. What was decided, and in the light of which keys.
    async fn plan(&self, claim: &Claim) -> Result<(Planned<W::Run>, Vec<Arc<str>>), journal::Error> {
        let work = &self.carrier.work;
        let opened = std::panic::catch_unwind(AssertUnwindSafe(|| work.open(claim)));
        let Ok((mut opened, mut keys)) = opened else { return Ok((self.panicked(claim), Vec::new())) };
        let mut all = Vec::new();
        loop {
            let remembered = self.carrier.journal.load(&keys).await?;
            all.append(&mut keys);
            match std::panic::catch_unwind(AssertUnwindSafe(|| work.plan(opened, claim, &remembered))) {
                Ok(Planning::Done(planned)) => return Ok((planned, all)),
                Ok(Planning::Needs(again, more)) => (opened, keys) = (again, more),
                Err(_) => return Ok((self.panicked(claim), all)),
            }
        }
    }

    fn panicked(&self, claim: &Claim) -> Planned<W::Run> {
        tracing::error!(seq = claim.seq, "planning panicked: this is a bug in switchhook; the event is left alone");
        let record = Some(self.carrier.work.epitaph(None, "an internal error"));
        Planned { record, with: Change::default(), durable_first: false, supersedes: false, runs: Vec::new() }
    }

    /// Lines up what was planned; the decision, to be settled.
    fn line_up_all(&mut self, claim: &Claim, planned: Planned<W::Run>, commit: Option<&Commit>) -> Change {
        let (lane, seq) = (Arc::clone(&claim.entry.lane), claim.seq);
        if planned.supersedes {
            for (key, slot) in self.lanes.supersede(&lane, seq) {
                self.end_superseded(&key, &slot);
            }
        }
        let count = u32::try_from(planned.runs.len()).unwrap_or(u32::MAX);
        let mut decided = Change::default();
        if planned.record.is_some() || !planned.with.is_empty() || count == 0 {
            let record = planned.record.unwrap_or_else(|| "{}".to_owned());
            let mut line = self.carrier.line(seq, &"".into(), fate::PLANNED, record);
            line.last = count == 0;
            decided = Change::lines(vec![line]);
            decided.extend(planned.with);
        }
        self.ends.opened(seq, claim.arrived, count);
        for run in planned.runs {
            let (open_of, open) = (self.lanes.open_of(&run.rule), self.lanes.open());
            if run.run.is_ok() && !run.controls && self.parking.is_needed(&run.rule, open_of, open) {
                self.parking.park(&run.rule, seq);
            } else {
                self.line_up(&lane, seq, run, commit.cloned());
            }
        }
        self.pulse.planned.fetch_max(seq, Ordering::Relaxed);
        decided
    }

    fn line_up(&mut self, lane: &Arc<str>, seq: u64, new: NewRun<W::Run>, commit: Option<Commit>) {
        let run = match new.run {
            Ok(run) => run,
            Err(end) => return self.end(&new.rule, seq, new.controls, end),
        };
        let now = self.carrier.clock.millis();
        let slot = Slot {
            seq,
            deadline: Instant::now() + millis(new.deadline - now),
            allowance: new.allowance,
            controls: new.controls,
            unsure: new.unsure,
            taken_up: new.unsure,
            doubtful: new.doubtful,
            number: new.number,
            commit,
            body: Body::Held(run),
        };
        let due = new.due.filter(|due| *due > now).map(|due| Instant::now() + millis(due - now));
        let work = &self.carrier.work;
        self.lanes.push(Key { lane: Arc::clone(lane), rule: new.rule }, slot, due, |run| work.shelve(run));
    }

    /// Plans some of what is parked again, where there is room. Whether there may be more.
    async fn unpark(&mut self) -> bool {
        for _ in 0..UNPARK {
            let lanes = &self.lanes;
            let Some((rule, seq)) = self.parking.next(|rule| lanes.open_of(rule), lanes.open()) else { return false };
            match self.carrier.journal.scan(Range::One(seq)).await.map(|claims| claims.into_iter().next()) {
                Ok(Some(claim)) => match self.carrier.work.plan_again(&claim, &rule) {
                    Again::Run(run) => self.line_up(&claim.entry.lane, seq, run, None),
                    Again::NotYet => {
                        self.parking.put_back(&rule, seq);
                        return false;
                    }
                    Again::Unwanted => self.abandon(&rule, seq, "its rule does not match any more"),
                },
                Ok(None) => self.abandon(&rule, seq, "its publication is not in the journal any more"),
                Err(error) => {
                    tracing::warn!(%error, rule = &*rule, "what is parked waits for the journal");
                    self.parking.put_back(&rule, seq);
                    return false;
                }
            }
        }
        true
    }

    fn abandon(&mut self, rule: &Arc<str>, seq: u64, why: &str) {
        let record = self.carrier.work.epitaph(None, why);
        self.end(rule, seq, false, (fate::ABANDONED, record));
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
                self.end(&key.rule, seq, slot.controls, (fate, record));
                self.lanes.ended(&key, seq);
                continue;
            }
            let (carrier, report) = (Arc::clone(&self.carrier), self.report.clone());
            self.supervisor.spawn(async move {
                let controls = slot.controls;
                let carried = AssertUnwindSafe(carrier.carry(&key.rule, slot)).catch_unwind().await;
                let end = carried.unwrap_or_else(|_| {
                    tracing::error!(rule = &*key.rule, seq, "a run panicked: this is a bug in switchhook");
                    let record = carrier.work.epitaph(None, "an internal error");
                    Report::Ended { fate: fate::FAILED, controls, record }
                });
                // The dispatcher outlives every run.
                let _ = report.send((key, seq, end)).await;
            });
        }
    }

    async fn hear_all(&mut self, first: (Key, u64, Report<W::Run>)) {
        let mut next = Some(first);
        while let Some((key, seq, report)) = next {
            for claim in self.hear(&key, seq, report) {
                self.admit(claim, false).await;
            }
            next = self.reports.try_recv().ok();
        }
    }

    /// What a run reports. Claims that waited for it.
    fn hear(&mut self, key: &Key, seq: u64, report: Report<W::Run>) -> Vec<Claim> {
        match report {
            Report::Ended { fate, controls, record } => {
                self.early.ended(&key.lane, Instant::now());
                self.end(&key.rule, seq, controls, (fate, record));
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
                return self.early.heard(seq, line);
            }
            Report::Waits { slot, after, record } => self.wait(key, slot, after, record),
        }
        Vec::new()
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

    fn end_superseded(&mut self, key: &Key, slot: &Slot<W::Run>) {
        let record = self.carrier.work.epitaph(None, "a later state of the call came");
        self.end(&key.rule, slot.seq, slot.controls, (fate::SUPERSEDED, record));
    }

    /// Records the end of a run.
    fn end(&mut self, rule: &Arc<str>, seq: u64, controls: bool, end: (&'static str, String)) {
        let change = self.ends.end(&*self.carrier.work, rule, seq, controls, end);
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
