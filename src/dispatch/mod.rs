//! Lanes and runs: what is claimed from the journal is planned in order, and what was planned is carried out, in order
//! by rule and key, side by side otherwise.
//!
//! The dispatcher is one task. It plans (fast, in order of arrival), keeps the queues (`lanes`), starts a task for each
//! run whose turn it is (`carry`), and hears how it ended. It knows nothing of events, rules or requests: it calls the
//! functions of [`Work`] that it is given.
//!
//! Memory is bounded. A run that can't start at once is put on the shelf: a few dozen bytes; its publication, and what
//! its earlier steps returned, are read from the journal again when its turn comes. Of a rule whose runs pile up only the
//! numbers are kept (`parking`); beyond that nothing more is claimed and the rest stays in the journal.
//!
//! The first step of a run may be taken while its publication is being committed (`early`): what that saves is most of
//! what a caller hears.

mod carry;
mod dispatcher;
mod early;
mod ends;
mod fetching;
mod lanes;
mod parking;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub use dispatcher::{Dispatcher, OPEN, Pulse};
pub use parking::MOST as PARKED;

use crate::journal::{Change, Claim, Entry, Line};

/// What the dispatcher is given: how to plan a publication and how to carry out what was planned.
pub trait Work: Send + Sync + 'static {
    /// A publication that was read and waits for what is remembered.
    type Opened: Send + 'static;
    /// A rule's steps on one event, as far as they have come.
    type Run: Send + 'static;

    /// Of how many accounts it is: each has its share of what may be open and running.
    fn accounts(&self) -> usize {
        1
    }

    /// Reads a publication, and says which keys of durable state planning needs.
    fn open(&self, claim: &Claim) -> (Self::Opened, Vec<Arc<str>>);

    /// Decides, in the light of what is remembered under those keys and of what is known from before a restart; or says
    /// what else it has to know.
    fn plan(
        &self,
        opened: Self::Opened,
        claim: &Claim,
        remembered: &[Option<Arc<str>>],
    ) -> Planning<Self::Opened, Self::Run>;

    /// Fetches what planning asked for with [`Planning::Fetch`]. It comes back in bounded time, whatever the far side does; then
    /// planning goes on.
    fn fetch(&self, opened: Self::Opened) -> impl Future<Output = Self::Opened> + Send {
        std::future::ready(opened)
    }

    /// A run in few bytes.
    fn shelve(&self, run: &Self::Run) -> Box<str>;

    /// A run from the shelf, with its publication read again.
    fn unshelve(&self, claim: &Claim, rule: &str, shelved: &str) -> Unshelved<Self::Run>;

    /// A rule's run on a publication that was planned before and is read again.
    fn plan_again(&self, claim: &Claim, rule: &str) -> Again<Self::Run>;

    /// Makes the current step ready: renders it, unless that was done.
    fn prepare(&self, run: &mut Self::Run) -> Prepared;

    /// One attempt at the current step.
    fn carry(&self, run: &mut Self::Run, attempt: Attempt) -> impl Future<Output = Carried> + Send;

    /// Does a step that only changes what is remembered: how it ended, and what is to be written with that.
    fn remember(&self, run: &mut Self::Run, values: &[Option<Arc<str>>]) -> (Carried, Change);

    /// How long an end in this way is kept as a dead letter; none if it needs nobody's attention.
    fn keep(&self, fate: &str, controls: bool) -> Option<Duration>;

    /// The publication of our own that tells of a run which was given up; none if nobody is to hear of it. It is written
    /// with its letter. `about` is what planning said of its publication, `line` its end.
    fn given_up(&self, _about: &str, _line: &Line) -> Option<Entry> {
        None
    }

    /// The record of an end that the dispatcher decides: expired, superseded, a panic.
    fn epitaph(&self, run: Option<&Self::Run>, why: &str) -> String;
}

/// How planning goes on.
#[derive(Debug)]
pub enum Planning<O, R> {
    /// It is decided.
    Done(Planned<R>),
    /// What is remembered under these keys is needed too.
    Needs(O, Vec<Arc<str>>),
    /// Something is to be fetched from afar, by [`Work::fetch`]. The lane waits for it, others do not.
    Fetch(O),
}

/// What became of a publication by planning.
#[derive(Debug)]
pub struct Planned<R> {
    /// The record of the decision; none if it was recorded before a restart.
    pub record: Option<String>,
    /// What is to be written with the decision: state, timers, own events.
    pub with: Change,
    /// Why something was left undone so that a loop ends, if so. Planning itself tells nobody: it may be done twice.
    pub left_alone: Option<Box<str>>,
    /// Whether what waits to control the call of this lane is out of date.
    pub supersedes: bool,
    /// What there is to say of it when a run of it is given up, in few bytes: for [`Work::given_up`]. Without it nobody is
    /// told.
    pub about: Option<Arc<String>>,
    /// The runs.
    pub runs: Vec<NewRun<R>>,
}

/// A run that planning asks for.
#[derive(Debug)]
pub struct NewRun<R> {
    /// The rule.
    pub rule: Arc<str>,
    /// When it must be over, in milliseconds since 1970.
    pub deadline: i64,
    /// How long the rule gives from the event to that.
    pub allowance: Duration,
    /// Whether it controls a call.
    pub controls: bool,
    /// Whether its current step may have been carried out already, before a crash.
    pub unsure: bool,
    /// Whether an attempt at its current step was made whose outcome is not known.
    pub doubtful: bool,
    /// How often its current step was tried in vain before a restart.
    pub number: u32,
    /// Not to be started before that, in milliseconds since 1970.
    pub due: Option<i64>,
    /// The run, or how it ended already: a fate and its record.
    pub run: Result<R, (&'static str, String)>,
}

/// What became of a run that was parked.
#[derive(Debug)]
pub enum Again<R> {
    /// Here it is, and what there is to say of its publication, as [`Planned::about`].
    Run(NewRun<R>, Option<Arc<String>>),
    /// The journal does not yet show what was decided.
    NotYet,
    /// Its rule does not want it any more; what there is to say of its publication.
    Unwanted(Option<Arc<String>>),
}

/// What became of a run on the shelf.
#[derive(Debug)]
pub enum Unshelved<R> {
    /// Here it is.
    Run(R),
    /// The journal does not yet show what its earlier steps returned.
    NotYet,
    /// It can't be carried on: the record of why.
    Gone(String),
}

/// A step that is ready.
#[derive(Debug)]
pub enum Prepared {
    /// To be carried out. Whether that does no harm if the publication is not stored after all and comes again.
    Go {
        /// See above.
        early: bool,
    },
    /// To be carried out after this record of it is durable, since it must never be done twice.
    DurableFirst(String),
    /// To be done by [`Work::remember`] in the light of these keys' values, once its publication is durable: it changes only
    /// what is remembered.
    Remember(Vec<Arc<str>>),
    /// Nothing to carry out: skipped, or it can't be.
    Already(Carried),
}

/// How an attempt is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Counted from 0.
    pub number: u32,
    /// Whether an earlier attempt may have taken effect: look first.
    pub unsure: bool,
    /// Whether an earlier attempt was made whose outcome is not known.
    pub doubtful: bool,
    /// When it must be over.
    pub deadline: Instant,
}

/// How an attempt ended.
#[derive(Debug)]
pub enum Carried {
    /// The step is done and another follows.
    Next {
        /// The record of the step.
        record: String,
    },
    /// The run is over.
    Ended {
        /// How, in a word.
        fate: &'static str,
        /// The record.
        record: String,
    },
    /// To be tried again.
    Wait {
        /// Not before so long, as the far side asked.
        after: Option<Duration>,
        /// Whether this attempt may have taken effect.
        unsure: bool,
        /// The record of the attempt.
        record: String,
    },
}

/// The fates that the dispatcher itself decides on.
pub mod fate {
    /// The decision about a publication.
    pub const PLANNED: &str = "planned";
    /// A step that must not be done twice is about to be carried out.
    pub const ATTEMPT: &str = "attempt";
    /// A step is done and another follows.
    pub const STEP: &str = "step";
    /// An attempt failed and is made again.
    pub const RETRY: &str = "retry";
    /// Too late: not acted on.
    pub const EXPIRED: &str = "expired";
    /// Too late to find out whether it was done.
    pub const UNKNOWN: &str = "unknown";
    /// A later state of the call made it pointless.
    pub const SUPERSEDED: &str = "superseded";
    /// Its rule does not want it any more.
    pub const ABANDONED: &str = "abandoned";
    /// It can't be carried out.
    pub const FAILED: &str = "failed";
}
