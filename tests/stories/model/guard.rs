//! The rules of the design, each of which can be taken away, and the sizes at which the model is explored.

/// A rule of the engine. The design keeps them all; a check takes one away and expects a law to be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// A publication whose id is known is not stored again.
    Dedupe,
    /// That it is known is decided when it is admitted, not inside the commit: what may act before the commit must
    /// know by then.
    DedupeAtAdmission,
    /// A repeat of what is not committed yet is answered when that commit is over, not before.
    KnownWaits,
    /// 200 is sent after the commit.
    AckAfterCommit,
    /// Only a step of class repeat starts before its publication is durable.
    OverlapOnlyRepeat,
    /// And only when its lane is idle: everything before it is over and durable.
    OverlapOnlyIdle,
    /// And not between a failed commit and the next opening of the file: until then its place in the sequence is open.
    OverlapNotInDoubt,
    /// When a commit fails, what planning remembered for its publications is forgotten again.
    Rollback,
    /// What acted although its commit failed is remembered: a redelivery journals the outcome and does not act.
    ActedRemembered,
    /// What a file turns out to hold when it is opened again after a failed commit does not act again either.
    ActedKnownAtReopen,
    /// A clean stop journals what acted although its commit failed: the memory of it ends with the process.
    ActedWrittenAtStop,
    /// Nothing of a publication is written unless the publication is written before or with it.
    NothingWithoutPublication,
    /// What was settled and could not be committed is written with the next commit.
    SettledTriedAgain,
    /// After a restart everything durable that is not over is handed out again.
    HandedOutAgain,
    /// And nothing that is over.
    OverStaysOver,
    /// A decision and the state it leaves are written together or not at all.
    DecisionWithState,
    /// An attempt at a step of class never is durable before the step is sent.
    AttemptFirst,
    /// After a restart such an attempt without an outcome is not repeated: its outcome is unknown.
    UnfinishedNeverStays,
    /// When writing the attempt fails, what is written later tells that nothing was sent.
    FailedAttemptTakenBack,
    /// A step of class check that may have taken effect is looked up before it is repeated.
    LookFirst,
    /// A run that waits to be tried again keeps its place: what is behind it in its lane waits too.
    OrderInBackoff,
    /// The deadline is checked before each attempt.
    Deadline,
    /// And once more when the attempt at a step of class never has become durable, which may take a while.
    DeadlineAfterAttempt,
    /// A clean stop waits for the steps that are under way.
    StopWaits,
    /// A clean stop leaves a mark, and what is found at the next start is not in doubt.
    CleanMark,
    /// What a crash left in doubt stays so over a later clean stop: the doubt is written down.
    DoubtKept,
    /// The mark is taken away at the start: it speaks of one stop only.
    MarkTakenAway,
    /// An end that leaves open whether the step took effect says so.
    DoubtRecorded,
}

/// How safe it is to repeat a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Repeating does no harm.
    Repeat,
    /// One can look whether it was done.
    Check,
    /// It must not be repeated.
    Never,
}

/// What is explored: how many publications, and how often the world may misbehave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scenario {
    /// The class of the one step.
    pub(super) class: Class,
    /// The lane of each publication.
    pub(super) lanes: &'static [u8],
    /// How often the sender sends each publication, at most.
    pub(super) copies: u8,
    /// How many commits may fail.
    pub(super) failures: u8,
    /// How often the process may crash.
    pub(super) crashes: u8,
    /// How often it may be stopped and started again.
    pub(super) stops: u8,
    /// How many requests may be refused for now, or remain without an answer.
    pub(super) mishaps: u8,
    /// Whether deadlines may pass.
    pub(super) deadlines: bool,
    /// Whether a publication supersedes what waits before it in its lane.
    pub(super) supersedes: bool,
}

/// The design, whole or with one rule taken away.
#[derive(Clone, Copy, Debug)]
pub(super) struct Design {
    /// What is explored.
    pub(super) scenario: Scenario,
    /// The rule that is taken away.
    pub(super) without: Option<Guard>,
}

impl Design {
    /// Whether a rule is kept.
    pub(super) fn keeps(&self, guard: Guard) -> bool {
        self.without != Some(guard)
    }

    /// The publications.
    pub(super) fn ids(&self) -> std::ops::Range<usize> {
        0..self.scenario.lanes.len()
    }
}
