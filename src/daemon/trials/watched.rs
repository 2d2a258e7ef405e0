//! The desk, with somebody who writes down what the dispatcher asks of it, and with the bugs that can be planted there.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::books::{Books, Entry};
use super::planted::Bug;
use crate::daemon::desk::{Desk, Run};
use crate::dispatch::{Again, Attempt, Carried, NewRun, Planned, Planning, Prepared, Unshelved, Work};
use crate::journal::{self, Change, Claim, Line};
use crate::kit::clock::Clock;

/// See the module.
pub(super) struct Watched {
    pub(super) desk: Arc<Desk>,
    pub(super) books: Arc<Books>,
    pub(super) clock: Clock,
    pub(super) life: u32,
    pub(super) bug: Option<Bug>,
}

/// A run that knows whose it is.
pub(super) struct Named {
    seq: u64,
    rule: Arc<str>,
    run: Run,
}

impl Watched {
    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn named(&self, seq: u64, new: NewRun<Run>) -> NewRun<Named> {
        NewRun {
            run: new.run.map(|run| Named { seq, rule: Arc::clone(&new.rule), run }),
            rule: new.rule,
            deadline: new.deadline + if self.has(Bug::Late) { 3_600_000 } else { 0 },
            allowance: new.allowance,
            controls: new.controls,
            unsure: new.unsure,
            doubtful: new.doubtful,
            number: new.number,
            due: new.due,
        }
    }

    /// What the desk sees of a publication.
    fn seen(&self, claim: &Claim) -> Claim {
        let mut claim = claim.clone();
        if self.has(Bug::Echo) {
            let mut body: Value = serde_json::from_str(&claim.entry.body).unwrap();
            if let Some(content) = body["content"].as_object_mut() {
                content.remove("tag");
            }
            claim.entry.body = body.to_string().into();
        }
        claim
    }
}

impl Work for Watched {
    type Opened = <Desk as Work>::Opened;
    type Run = Named;

    fn open(&self, claim: &Claim) -> (Self::Opened, Vec<Arc<str>>) {
        self.desk.open(&self.seen(claim))
    }

    fn plan(
        &self,
        opened: Self::Opened,
        claim: &Claim,
        remembered: &[Option<Arc<str>>],
    ) -> Planning<Self::Opened, Named> {
        let planned = match self.desk.plan(opened, claim, remembered) {
            Planning::Needs(opened, keys) => return Planning::Needs(opened, keys),
            Planning::Fetch(opened) => return Planning::Fetch(opened),
            Planning::Done(planned) => planned,
        };
        self.books.write(Entry::Planned { life: self.life, seq: claim.seq });
        let Planned { record, with, left_alone, supersedes, about, runs } = planned;
        let supersedes = supersedes && !self.has(Bug::NotSuperseded);
        let runs = runs.into_iter().map(|new| self.named(claim.seq, new)).collect();
        Planning::Done(Planned { record, with, left_alone, supersedes, about, runs })
    }

    fn plan_again(&self, claim: &Claim, rule: &str) -> Again<Named> {
        match self.desk.plan_again(&self.seen(claim), rule) {
            Again::Run(new, about) => Again::Run(self.named(claim.seq, new), about),
            Again::NotYet => Again::NotYet,
            Again::Unwanted(about) => Again::Unwanted(about),
        }
    }

    fn shelve(&self, run: &Named) -> Box<str> {
        let shelved = self.desk.shelve(&run.run);
        if !self.has(Bug::RenderedAgain) {
            return shelved;
        }
        let mut shelved: Value = serde_json::from_str(&shelved).unwrap();
        shelved["progress"].as_object_mut().unwrap().remove("request");
        shelved.to_string().into()
    }

    fn unshelve(&self, claim: &Claim, rule: &str, shelved: &str) -> Unshelved<Named> {
        match self.desk.unshelve(&self.seen(claim), rule, shelved) {
            Unshelved::Run(run) => Unshelved::Run(Named { seq: claim.seq, rule: rule.into(), run }),
            Unshelved::NotYet => Unshelved::NotYet,
            Unshelved::Gone(record) => Unshelved::Gone(record),
        }
    }

    fn prepare(&self, run: &mut Named) -> Prepared {
        self.desk.prepare(&mut run.run)
    }

    async fn carry(&self, run: &mut Named, mut attempt: Attempt) -> Carried {
        let (life, seq, rule) = (self.life, run.seq, run.rule.to_string());
        let deadline =
            self.clock.millis() + attempt.deadline.saturating_duration_since(Instant::now()).as_millis() as i64;
        let (number, unsure) = (attempt.number, attempt.unsure);
        self.books.write(Entry::Began { life, seq, rule: rule.clone(), number, unsure, deadline });
        attempt.unsure &= !self.has(Bug::NoLook);
        let mut carried = self.desk.carry(&mut run.run, attempt).await;
        let how = match &carried {
            Carried::Next { .. } => "next",
            Carried::Ended { fate, .. } => fate,
            Carried::Wait { .. } => "wait",
        };
        self.books.write(Entry::Came { life, seq, rule, how });
        if let Carried::Ended { fate: "unknown", record } = &carried
            && self.has(Bug::NeverAgain)
        {
            carried = Carried::Wait { after: Some(Duration::from_secs(1)), unsure: true, record: record.clone() };
        }
        carried
    }

    fn remember(&self, run: &mut Self::Run, values: &[Option<Arc<str>>]) -> (Carried, Change) {
        self.desk.remember(&mut run.run, values)
    }

    fn keep(&self, fate: &str, controls: bool) -> Option<Duration> {
        self.desk.keep(fate, controls)
    }

    fn given_up(&self, about: &str, line: &Line) -> Option<journal::Entry> {
        self.desk.given_up(about, line)
    }

    fn epitaph(&self, run: Option<&Named>, why: &str) -> String {
        self.desk.epitaph(run.map(|run| &run.run), why)
    }
}
