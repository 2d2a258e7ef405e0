//! Bugs that are planted one at a time, by wrappers around the traits, and the invariant that each must break.

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    /// A repeat is stored again.
    NoDedupe,
    /// 200 is said before the commit.
    AcknowledgedTooEarly,
    /// What must not be done twice is sent before that is written down.
    AttemptNotDurable,
    /// What must not be done twice is tried again when its outcome is unknown.
    NeverAgain,
    /// What waits to be tried again does not hold up those behind it.
    QueueOfItsOwn,
    /// What is claimed at once is planned newest first.
    Reversed,
    /// No look before a repeat.
    NoLook,
    /// Deadlines are an hour off.
    Late,
    /// A call's later state leaves what waits for it alone.
    NotSuperseded,
    /// Lines are settled without the state that belongs to them.
    HalfSettled,
    /// After a start nobody knows what had begun.
    Forgotten,
    /// A step that waited is rendered anew.
    RenderedAgain,
    /// The same message has another tag each time.
    UnstableTag,
    /// Own messages are answered.
    Echo,
    /// The line that ends a publication is lost.
    EndsNotRecorded,
    /// What a limit counts is not stored.
    LimitNotReserved,
    /// The clock of a `for` runs on when what it waits for changes.
    ForNotCalledOff,
    /// That a call is over is told twice.
    FinishedTwice,
    /// What a var is set to is lost.
    VarNotKept,
    /// A schedule's time comes twice, and what came is not known.
    TickTwice,
}

impl Bug {
    pub(super) const ALL: [Self; 20] = [
        Self::NoDedupe,
        Self::AcknowledgedTooEarly,
        Self::AttemptNotDurable,
        Self::NeverAgain,
        Self::QueueOfItsOwn,
        Self::Reversed,
        Self::NoLook,
        Self::Late,
        Self::NotSuperseded,
        Self::HalfSettled,
        Self::Forgotten,
        Self::RenderedAgain,
        Self::UnstableTag,
        Self::Echo,
        Self::EndsNotRecorded,
        Self::LimitNotReserved,
        Self::ForNotCalledOff,
        Self::FinishedTwice,
        Self::VarNotKept,
        Self::TickTwice,
    ];

    /// The invariant that does not hold with it.
    pub(super) fn breaks(self) -> &'static str {
        match self {
            Self::NoDedupe => "known",
            Self::AcknowledgedTooEarly => "acknowledged",
            Self::AttemptNotDurable | Self::NeverAgain | Self::Forgotten => "never",
            Self::QueueOfItsOwn | Self::Reversed => "order",
            Self::NoLook | Self::UnstableTag => "check",
            Self::Late => "late",
            Self::NotSuperseded => "moved",
            Self::HalfSettled => "edge",
            Self::RenderedAgain => "rendered",
            Self::Echo => "echo",
            Self::EndsNotRecorded => "ended",
            Self::LimitNotReserved => "limit",
            Self::ForNotCalledOff => "for",
            Self::FinishedTwice => "finished",
            Self::VarNotKept => "var",
            Self::TickTwice => "every",
        }
    }
}
