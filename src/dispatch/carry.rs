//! One run, carried as far as it goes: step after step, until it is over, has to wait, or the process stops.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::lanes::{Body, Slot};
use super::{Attempt, Carried, Prepared, Work, fate};
use crate::journal::{Change, Journal, Line, Range};
use crate::kit::clock::Clock;

/// How long to wait when the journal can't be read or written just now.
const JOURNAL_PAUSE: Duration = Duration::from_millis(500);

/// How far a run got.
pub(super) enum Report<R> {
    /// It is over.
    Ended { fate: &'static str, record: String },
    /// It has to wait.
    Waits { slot: Slot<R>, after: Option<Duration>, record: Option<String> },
    /// The process stops; what is left is found in the journal at the next start.
    Paused,
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
        let mut run = match std::mem::replace(&mut slot.body, Body::Shelved(Box::default())) {
            Body::Held(run) => run,
            Body::Shelved(shelved) => match self.unshelve(slot.seq, rule, &shelved).await {
                Ok(Ok(run)) => run,
                Ok(Err(record)) => return Report::Ended { fate: fate::FAILED, record },
                Err(()) => {
                    slot.body = Body::Shelved(shelved);
                    return Report::Waits { slot, after: Some(JOURNAL_PAUSE), record: None };
                }
            },
        };
        loop {
            if Instant::now() >= slot.deadline {
                return Report::Ended {
                    fate: fate::EXPIRED,
                    record: self.work.epitaph(Some(&run), "its deadline passed"),
                };
            }
            if self.stop.is_cancelled() {
                return Report::Paused;
            }
            let carried = match self.work.prepare(&mut run) {
                Prepared::Already(carried) => carried,
                Prepared::Go => self.work.carry(&mut run, attempt(&slot)).await,
                Prepared::DurableFirst(record) => {
                    let line = self.line(slot.seq, rule, fate::ATTEMPT, record);
                    if let Err(error) = self.journal.attempt(Change::lines(vec![line])).await {
                        tracing::warn!(%error, rule = &**rule, "a step that must not be done twice waits for the journal");
                        slot.body = Body::Shelved(self.work.shelve(&run));
                        return Report::Waits { slot, after: Some(JOURNAL_PAUSE), record: None };
                    }
                    self.work.carry(&mut run, attempt(&slot)).await
                }
            };
            match carried {
                Carried::Next { record } => {
                    let line = self.line(slot.seq, rule, fate::STEP, record);
                    self.journal.settle(Change::lines(vec![line]));
                    (slot.number, slot.unsure) = (0, false);
                }
                Carried::Ended { fate, record } => return Report::Ended { fate, record },
                Carried::Wait { after, unsure, record } => {
                    slot.number += 1;
                    slot.unsure |= unsure;
                    slot.body = Body::Shelved(self.work.shelve(&run));
                    return Report::Waits { slot, after, record: Some(record) };
                }
            }
        }
    }

    /// Reads a run's publication again. The outer error is the journal's: try later.
    async fn unshelve(&self, seq: u64, rule: &str, shelved: &str) -> Result<Result<W::Run, String>, ()> {
        match self.journal.scan(Range::One(seq)).await {
            Ok(claims) => Ok(match claims.first() {
                Some(claim) => self.work.unshelve(claim, rule, shelved),
                None => Err(self.work.epitaph(None, "its publication is not in the journal any more")),
            }),
            Err(error) => {
                tracing::warn!(%error, rule, "a run waits for the journal");
                Err(())
            }
        }
    }

    pub(super) fn line(&self, seq: u64, rule: &Arc<str>, fate: &'static str, bytes: String) -> Line {
        Line { seq, run: Arc::clone(rule), fate: fate.into(), at: self.clock.millis(), due: None, last: false, bytes }
    }
}

fn attempt<R>(slot: &Slot<R>) -> Attempt {
    Attempt { number: slot.number, unsure: slot.unsure, deadline: slot.deadline }
}
