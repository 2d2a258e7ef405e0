//! One run, carried as far as it goes: step after step, until it is over, has to wait, or the process stops.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::lanes::{Body, Slot};
use super::{Attempt, Carried, Prepared, Unshelved, Work, fate};
use crate::journal::{Change, Journal, Line, Range};
use crate::kit::clock::Clock;

/// How long to wait when the journal can't be read or written just now.
const JOURNAL_PAUSE: Duration = Duration::from_millis(500);

/// How far a run got.
pub(super) enum Report<R> {
    /// It is over. What is to be written with its end.
    Ended { fate: &'static str, controls: bool, record: String, with: Change },
    /// It has to wait.
    Waits { slot: Slot<R>, after: Option<Duration>, record: Option<String> },
    /// The process stops; what is left is found in the journal at the next start, but for a doubt from before.
    Paused { unsure: bool },
    /// Its publication was not stored after all. What it did nevertheless, if it did something.
    Refused(Option<Line>),
}

impl<R> Report<R> {
    pub(super) fn ended(fate: &'static str, controls: bool, record: String) -> Self {
        Self::Ended { fate, controls, record, with: Change::default() }
    }
}

/// What a run needs to be carried.
pub(super) struct Carrier<J, W> {
    pub(super) journal: Arc<J>,
    pub(super) work: Arc<W>,
    pub(super) clock: Clock,
    pub(super) stop: CancellationToken,
}

impl<J: Journal, W: Work> Carrier<J, W> {
    /// Carries a run.
    pub(super) async fn carry(&self, rule: &Arc<str>, mut slot: Slot<W::Run>) -> Report<W::Run> {
        let controls = slot.controls;
        let mut run = match std::mem::replace(&mut slot.body, Body::Shelved(Box::default())) {
            Body::Held(run) => run,
            // Its publication can't be read before it is there.
            Body::Shelved(_) if !is_durable(&mut slot).await => return Report::Refused(None),
            Body::Shelved(shelved) => match self.unshelve(slot.seq, rule, &shelved).await {
                Unshelved::Run(run) => run,
                Unshelved::Gone(record) => {
                    let fate = if slot.doubtful { fate::UNKNOWN } else { fate::FAILED };
                    return Report::ended(fate, controls, record);
                }
                Unshelved::NotYet => {
                    slot.body = Body::Shelved(shelved);
                    return Report::Waits { slot, after: Some(JOURNAL_PAUSE), record: None };
                }
            },
        };
        loop {
            if Instant::now() >= slot.deadline {
                let (fate, why) = slot.too_late();
                return Report::ended(fate, controls, self.work.epitaph(Some(&run), why));
            }
            if self.stop.is_cancelled() {
                return Report::Paused { unsure: slot.unsure && !slot.doubtful };
            }
            let mut with = Change::default();
            let carried = match self.work.prepare(&mut run) {
                Prepared::Already(carried) => carried,
                Prepared::Remember(keys) => {
                    if !is_durable(&mut slot).await {
                        return Report::Refused(None);
                    }
                    let carried = match self.journal.load(&keys).await {
                        Ok(values) => self.work.remember(&mut run, &values),
                        Err(error) => {
                            tracing::warn!(%error, rule = &**rule, "a step waits for the journal");
                            slot.body = Body::Shelved(self.work.shelve(&run));
                            return Report::Waits { slot, after: Some(JOURNAL_PAUSE), record: None };
                        }
                    };
                    with = carried.1;
                    carried.0
                }
                Prepared::Go { early } => {
                    if !early && !is_durable(&mut slot).await {
                        return Report::Refused(None);
                    }
                    self.work.carry(&mut run, attempt(&slot)).await
                }
                Prepared::DurableFirst(record) => {
                    if !is_durable(&mut slot).await {
                        return Report::Refused(None);
                    }
                    let line = self.line(slot.seq, rule, fate::ATTEMPT, record);
                    if let Err(error) = self.journal.attempt(Change::lines(vec![line])).await {
                        tracing::warn!(%error, rule = &**rule, "a step that must not be done twice waits for the journal");
                        slot.body = Body::Shelved(self.work.shelve(&run));
                        return Report::Waits { slot, after: Some(JOURNAL_PAUSE), record: None };
                    }
                    if Instant::now() >= slot.deadline {
                        let record = self.work.epitaph(Some(&run), "its deadline passed before it was sent");
                        return Report::ended(fate::EXPIRED, controls, record);
                    }
                    self.work.carry(&mut run, attempt(&slot)).await
                }
            };
            // What came of it is told when there is a publication to tell it of.
            if !is_durable(&mut slot).await {
                return Report::Refused(Some(self.trace(rule, carried)));
            }
            match carried {
                Carried::Next { record } => {
                    let line = self.line(slot.seq, rule, fate::STEP, record);
                    with.lines.push(line);
                    self.journal.settle(with);
                    (slot.number, slot.unsure, slot.doubtful) = (0, slot.taken_up, false);
                }
                Carried::Ended { fate, record } => return Report::Ended { fate, controls, record, with },
                Carried::Wait { after, unsure, record } => {
                    slot.number += 1;
                    slot.unsure |= unsure;
                    slot.doubtful |= unsure;
                    slot.body = Body::Shelved(self.work.shelve(&run));
                    return Report::Waits { slot, after, record: Some(record) };
                }
            }
        }
    }

    /// What a run did for a publication that was not stored: as a line of its history when it comes again.
    fn trace(&self, rule: &Arc<str>, carried: Carried) -> Line {
        let (fate, record) = match carried {
            Carried::Next { record } => (fate::STEP, record),
            Carried::Ended { fate, record } => (fate, record),
            Carried::Wait { record, .. } => (fate::RETRY, record),
        };
        self.line(0, rule, fate, record)
    }

    /// Reads a run's publication again.
    async fn unshelve(&self, seq: u64, rule: &str, shelved: &str) -> Unshelved<W::Run> {
        match self.journal.scan(Range::One(seq)).await {
            Ok(claims) => match claims.first() {
                Some(claim) => self.work.unshelve(claim, rule, shelved),
                None => Unshelved::Gone(self.work.epitaph(None, "its publication is not in the journal any more")),
            },
            Err(error) => {
                tracing::warn!(%error, rule, "a run waits for the journal");
                Unshelved::NotYet
            }
        }
    }

    pub(super) fn line(&self, seq: u64, rule: &Arc<str>, fate: &'static str, bytes: String) -> Line {
        Line { seq, run: Arc::clone(rule), fate: fate.into(), at: self.clock.millis(), due: None, last: false, bytes }
    }
}

/// Waits until a run's publication is durable, if it is not yet. False if it will not be.
async fn is_durable<R>(slot: &mut Slot<R>) -> bool {
    match &slot.commit {
        None => true,
        Some(commit) => {
            let durable = commit.succeeded().await;
            if durable {
                slot.commit = None;
            }
            durable
        }
    }
}

fn attempt<R>(slot: &Slot<R>) -> Attempt {
    Attempt { number: slot.number, unsure: slot.unsure, doubtful: slot.doubtful, deadline: slot.deadline }
}
