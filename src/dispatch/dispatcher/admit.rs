//! From a publication to runs in their queues: early, when it is claimed, or when there is room again.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::super::early::Commit;
use super::super::ends::Over;
use super::super::lanes::{Body, Key, Owner, Slot};
use super::super::{Again, NewRun, Planned, Planning, Work, fate};
use super::{Dispatcher, JOURNAL_PAUSE, millis};
use crate::journal::{self, Change, Claim, Journal, Range};

/// How far planning came.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once; a box would cost every publication")]
enum Went<W: Work> {
    /// To its end: what was decided, and in the light of which keys.
    Done(Planned<W::Run>, Vec<Arc<str>>),
    /// Something is to be fetched first.
    Fetch(W::Opened),
}

/// How many parked runs are planned again at once.
const UNPARK: usize = 64;

impl<J: Journal, W: Work> Dispatcher<J, W> {
    /// Plans what is being committed just now, and takes its first steps.
    pub(super) async fn begin_early(&mut self) {
        for claim in self.carrier.journal.early() {
            let lane = &claim.entry.lane;
            let idle = self.lanes.is_idle(lane) && self.early.is_settled(lane, Instant::now());
            if !idle || self.fetching.waits(lane) || !self.early.may_begin(&claim) {
                continue;
            }
            // What can't be read now, or has to be fetched, is planned when it is claimed.
            let Ok(Went::Done(planned, keys)) = self.plan(&claim).await else { continue };
            // What has to be parked must not pass what is.
            let (lanes, parking) = (&self.lanes, &self.parking);
            let parks = planned
                .runs
                .iter()
                .filter(|run| !run.controls)
                .map(|run| Owner::of(lane, &run.rule))
                .any(|owner| parking.is_needed(&owner, lanes.open_of(&owner), lanes.open_of_account(&owner)));
            if parks || self.early.shares(&keys) {
                continue;
            }
            let (seq, runs) = (claim.seq, planned.runs.len());
            let written = planned.with.state.iter().map(|set| Arc::clone(&set.key)).collect();
            let commit = self.early.begin(claim.clone(), written);
            self.early.has_runs(seq, u32::try_from(runs).unwrap_or(u32::MAX));
            let decided = self.line_up_all(&claim, planned, Some(&commit));
            self.settle(decided);
            self.start();
        }
    }

    /// Plans what had to wait for what was done early and need not any more.
    pub(super) async fn admit_freed(&mut self) {
        loop {
            let freed = self.early.take_freed();
            if freed.is_empty() {
                return;
            }
            for claim in freed {
                self.admit(claim, false).await;
            }
        }
    }

    /// Plans one publication, lines up its runs, and settles what was decided.
    pub(super) async fn admit(&mut self, claim: Claim, lone: bool) {
        let Some(claim) = self.fetching.line_up(claim).and_then(|claim| self.early.history(claim)) else { return };
        if let Some(opened) = self.admit_now(&claim, None, lone).await {
            self.fetch(claim, opened, VecDeque::new());
        }
    }

    /// What a lane waited for has come: its publication is planned, and what came after it, up to the next that waits.
    pub(super) async fn fetched(&mut self, lane: &str, opened: Option<W::Opened>) {
        let Some((claim, mut behind)) = self.fetching.end(lane) else { return };
        if let Some(opened) = opened {
            if let Some(again) = self.admit_now(&claim, Some(opened), false).await {
                return self.fetch(claim, again, behind);
            }
        } else {
            let planned = self.panicked(&claim);
            self.decided(&claim, planned, false);
        }
        while let Some(claim) = behind.pop_front() {
            if self.stop.is_cancelled() {
                return;
            }
            let Some(claim) = self.early.history(claim) else { continue };
            if let Some(opened) = self.admit_now(&claim, None, false).await {
                return self.fetch(claim, opened, behind);
            }
        }
    }

    /// Lets the lane of a publication wait for what is fetched.
    fn fetch(&mut self, claim: Claim, opened: W::Opened, behind: VecDeque<Claim>) {
        let (work, stop, fetched) = (Arc::clone(&self.carrier.work), self.stop.clone(), self.fetched.clone());
        let (lane, seq) = (Arc::clone(&claim.entry.lane), claim.seq);
        self.fetching.begin(claim, behind);
        self.supervisor.spawn(async move {
            let opened = AssertUnwindSafe(stop.run_until_cancelled(work.fetch(opened))).catch_unwind().await;
            let opened = match opened {
                Ok(Some(opened)) => Some(opened),
                // The process stops: it stays open in the journal.
                Ok(None) => return,
                Err(_) => {
                    tracing::error!(seq, "fetching panicked: this is a bug in switchhook; the event is left alone");
                    None
                }
            };
            // The dispatcher outlives this unless the process stops.
            let _ = fetched.send((lane, opened)).await;
        });
    }

    /// Plans a publication and lines up its runs; or what is to be fetched before. `opened`: it was planned up to there.
    async fn admit_now(&mut self, claim: &Claim, mut opened: Option<W::Opened>, lone: bool) -> Option<W::Opened> {
        let planned = loop {
            let went = match opened.take() {
                Some(opened) => self.plan_on(claim, opened, Vec::new()).await,
                None => self.plan(claim).await,
            };
            match went {
                Ok(Went::Done(planned, _)) => break planned,
                Ok(Went::Fetch(on)) if self.fetching.has_room(&claim.entry.lane) => return Some(on),
                Ok(Went::Fetch(on)) => opened = Some(on),
                // It stays open in the journal.
                Err(_) if self.stop.is_cancelled() => return None,
                Err(error) => {
                    tracing::error!(%error, "the journal can't be read; planning waits");
                    self.show();
                    tokio::time::sleep(JOURNAL_PAUSE).await;
                }
            }
        };
        self.decided(claim, planned, lone);
        None
    }

    /// Lines up what was planned, and settles what was decided.
    fn decided(&mut self, claim: &Claim, planned: Planned<W::Run>, lone: bool) {
        let (done_before, about) = (claim.history.clone(), planned.about.clone());
        let mut decided = self.line_up_all(claim, planned, None);
        if !claim.recovered && !done_before.is_empty() {
            // It was begun when it came before and was not stored.
            for line in &done_before {
                decided.extend(self.ends.letter(&*self.carrier.work, line, about.as_ref()));
            }
            decided.lines.splice(0..0, done_before);
        }
        if lone {
            self.start();
        }
        // With the ends that came of it, after it: what is done must not be known before what was decided.
        decided.extend(std::mem::take(&mut self.ended));
        self.settle(decided);
    }

    /// Plans a publication. What was decided, and in the light of which keys.
    async fn plan(&self, claim: &Claim) -> Result<Went<W>, journal::Error> {
        let work = &self.carrier.work;
        let opened = std::panic::catch_unwind(AssertUnwindSafe(|| work.open(claim)));
        let Ok((opened, keys)) = opened else { return Ok(Went::Done(self.panicked(claim), Vec::new())) };
        self.plan_on(claim, opened, keys).await
    }

    async fn plan_on(
        &self,
        claim: &Claim,
        mut opened: W::Opened,
        mut keys: Vec<Arc<str>>,
    ) -> Result<Went<W>, journal::Error> {
        let work = &self.carrier.work;
        let mut all = Vec::new();
        loop {
            let remembered = self.carrier.journal.load(&keys).await?;
            all.append(&mut keys);
            match std::panic::catch_unwind(AssertUnwindSafe(|| work.plan(opened, claim, &remembered))) {
                Ok(Planning::Done(planned)) => return Ok(Went::Done(planned, all)),
                Ok(Planning::Needs(again, more)) => (opened, keys) = (again, more),
                Ok(Planning::Fetch(again)) => return Ok(Went::Fetch(again)),
                Err(_) => return Ok(Went::Done(self.panicked(claim), all)),
            }
        }
    }

    fn panicked(&self, claim: &Claim) -> Planned<W::Run> {
        tracing::error!(seq = claim.seq, "planning panicked: this is a bug in switchhook; the event is left alone");
        let record = Some(self.carrier.work.epitaph(None, "an internal error"));
        Planned { record, with: Change::default(), left_alone: None, supersedes: false, about: None, runs: Vec::new() }
    }

    /// Lines up what was planned; the decision, to be settled.
    fn line_up_all(&mut self, claim: &Claim, planned: Planned<W::Run>, commit: Option<&Commit>) -> Change {
        let (lane, seq) = (Arc::clone(&claim.entry.lane), claim.seq);
        if let Some(why) = &planned.left_alone {
            tracing::warn!(publication = seq, lane = &*lane, why = &**why, "left alone");
            self.metrics.loop_stopped();
        }
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
            let owner = Owner::of(&lane, &run.rule);
            let (open_of, open) = (self.lanes.open_of(&owner), self.lanes.open_of_account(&owner));
            if run.run.is_ok() && !run.controls && self.parking.is_needed(&owner, open_of, open) {
                self.parking.park(&owner, seq);
            } else {
                self.line_up(&lane, seq, run, planned.about.clone(), commit.cloned());
            }
        }
        self.pulse.planned.fetch_max(seq, Ordering::Relaxed);
        decided
    }

    fn line_up(
        &mut self,
        lane: &Arc<str>,
        seq: u64,
        new: NewRun<W::Run>,
        about: Option<Arc<String>>,
        commit: Option<Commit>,
    ) {
        let run = match new.run {
            Ok(run) => run,
            Err(end) => {
                let over = Over { rule: &new.rule, seq, controls: new.controls, about: about.as_ref() };
                return self.end(&over, end);
            }
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
            about,
            commit,
            body: Body::Held(run),
        };
        let due = new.due.filter(|due| *due > now).map(|due| Instant::now() + millis(due - now));
        let work = &self.carrier.work;
        self.lanes.push(Key { lane: Arc::clone(lane), rule: new.rule }, slot, due, |run| work.shelve(run));
    }

    /// Plans some of what is parked again, where there is room. Whether there may be more.
    pub(super) async fn unpark(&mut self) -> bool {
        for _ in 0..UNPARK {
            let lanes = &self.lanes;
            let Some((owner, seq)) = self.parking.next(|owner| (lanes.open_of(owner), lanes.open_of_account(owner)))
            else {
                return false;
            };
            let rule = &owner.rule;
            match self.carrier.journal.scan(Range::One(seq)).await.map(|claims| claims.into_iter().next()) {
                Ok(Some(claim)) => match self.carrier.work.plan_again(&claim, rule) {
                    Again::Run(run, about) => self.line_up(&claim.entry.lane, seq, run, about, None),
                    Again::NotYet => {
                        self.parking.put_back(&owner, seq);
                        return false;
                    }
                    Again::Unwanted(about) => {
                        self.abandon(rule, seq, about.as_ref(), "its rule does not match any more");
                    }
                },
                Ok(None) => self.abandon(rule, seq, None, "its publication is not in the journal any more"),
                Err(error) => {
                    tracing::warn!(%error, rule = &**rule, "what is parked waits for the journal");
                    self.parking.put_back(&owner, seq);
                    return false;
                }
            }
        }
        true
    }

    fn abandon(&mut self, rule: &Arc<str>, seq: u64, about: Option<&Arc<String>>, why: &str) {
        let record = self.carrier.work.epitaph(None, why);
        self.end(&Over { rule, seq, controls: false, about }, (fate::ABANDONED, record));
    }
}
