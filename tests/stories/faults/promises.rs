//! What is promised for each fault and each class of action, written down from the design and not from what the code
//! does: how often the effect is there in the end, and with which fate the journal closes.

/// A class of actions, by an action that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// A redirect: safe to repeat while the call rings.
    Repeat,
    /// A chat reply: looked for by its tag, then repeated.
    Check,
    /// An http POST without an Idempotency-Key: never repeated once it may have been done.
    Never,
    /// An http POST with an Idempotency-Key, to a far side that honours it.
    ByKey,
}

impl Class {
    pub(super) const ALL: [Self; 4] = [Self::Repeat, Self::Check, Self::Never, Self::ByKey];

    /// As the table names it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Repeat => "repeat: redirect",
            Self::Check => "check: chat reply",
            Self::Never => "never: POST",
            Self::ByKey => "by key: POST with Idempotency-Key",
        }
    }
}

/// What goes wrong. The first attempt meets it; what is lasting, every attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    Refused,
    TimeOut {
        done: bool,
    },
    Reset {
        done: bool,
    },
    Status500 {
        done: bool,
    },
    Status429,
    Status401,
    Status404,
    Status409,
    Malformed,
    BrokenOff,
    Kill {
        done: bool,
    },
    /// No attempt is answered until the deadline; what the first asked for was done.
    LastingTimeOut,
    /// Each attempt is answered so until the deadline; what the first asked for was done.
    Lasting500,
}

impl Fault {
    pub(super) const ALL: [Self; 17] = [
        Self::Refused,
        Self::TimeOut { done: false },
        Self::TimeOut { done: true },
        Self::Reset { done: false },
        Self::Reset { done: true },
        Self::Status500 { done: false },
        Self::Status500 { done: true },
        Self::Status429,
        Self::Status401,
        Self::Status404,
        Self::Status409,
        Self::Malformed,
        Self::BrokenOff,
        Self::Kill { done: false },
        Self::Kill { done: true },
        Self::LastingTimeOut,
        Self::Lasting500,
    ];

    /// As the table names it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Refused => "the connection is refused at first",
            Self::TimeOut { done: false } => "no answer in time, not done",
            Self::TimeOut { done: true } => "no answer in time, yet done",
            Self::Reset { done: false } => "reset after it was sent, not done",
            Self::Reset { done: true } => "reset after it was sent, yet done",
            Self::Status500 { done: false } => "500, not done",
            Self::Status500 { done: true } => "500, yet done",
            Self::Status429 => "429 with Retry-After",
            Self::Status401 => "401 once",
            Self::Status404 => "404",
            Self::Status409 => "409",
            Self::Malformed => "200 and no JSON, done",
            Self::BrokenOff => "reset within the answer of 200, done",
            Self::Kill { done: false } => "kill -9 before the answer, not done",
            Self::Kill { done: true } => "kill -9 before the answer, yet done",
            Self::LastingTimeOut => "never an answer until the deadline, yet done",
            Self::Lasting500 => "500 until the deadline, yet done",
        }
    }

    /// Whether every attempt meets it.
    pub(super) fn lasting(self) -> bool {
        matches!(self, Self::Status404 | Self::Status409 | Self::LastingTimeOut | Self::Lasting500)
    }

    /// Whether no answer comes at all.
    pub(super) fn times_out(self) -> bool {
        matches!(self, Self::TimeOut { .. } | Self::LastingTimeOut)
    }

    /// Whether the far side really did what was asked for when the fault struck.
    pub(super) fn done(self) -> bool {
        match self {
            Self::TimeOut { done } | Self::Reset { done } | Self::Status500 { done } | Self::Kill { done } => done,
            Self::Malformed | Self::BrokenOff | Self::LastingTimeOut | Self::Lasting500 => true,
            Self::Refused | Self::Status429 | Self::Status401 | Self::Status404 | Self::Status409 => false,
        }
    }
}

/// How a cell ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// How often it is done by the books of the far side.
    pub(super) effects: usize,
    /// The fate with which the journal closes it.
    pub(super) fate: String,
    /// Whether it is among what a person should look at.
    pub(super) dead_letter: bool,
}

impl End {
    pub(super) fn new(effects: usize, fate: &str, dead_letter: bool) -> Self {
        Self { effects, fate: fate.to_owned(), dead_letter }
    }
}

/// What the design promises.
#[expect(clippy::match_same_arms, reason = "each arm is one sentence of the promise")]
pub(super) fn promised(class: Class, fault: Fault) -> End {
    let done = End::new(1, "done", false);
    // The look, or the far side's 404, shows that the call no longer rings here: it was redirected, or it is gone.
    let moved = |effects| End::new(effects, "moved", false);
    let refused = End::new(0, "failed", true);
    let unknown = |effects| End::new(effects, "unknown", true);
    match (class, fault) {
        // Nothing was sent, or a clear no that asks to come again: every class tries again.
        (_, Fault::Refused | Fault::Status429) => done,
        // A token is renewed once. An http step has none to renew.
        (Class::Repeat | Class::Check, Fault::Status401) => done,
        (Class::Never | Class::ByKey, Fault::Status401) => refused,
        // 404 and 409 on a call are no error; anywhere else a clear and final no.
        (Class::Repeat, Fault::Status404 | Fault::Status409) => moved(0),
        (_, Fault::Status404 | Fault::Status409) => refused,
        // 2xx is a yes, whatever stands in the body, and whether the body comes or not.
        (_, Fault::Malformed | Fault::BrokenOff) => done,
        // A 500 tells nothing, and no look follows it; nor does a key help when no answer ever comes.
        (Class::ByKey, Fault::Lasting500 | Fault::LastingTimeOut) => unknown(1),
        // From here on it may have been done. Repeat looks at the call, after a 500 it asks again and hears a 404.
        (Class::Repeat, fault) if fault.done() => moved(1),
        (Class::Repeat | Class::Check | Class::ByKey, _) => done,
        // What may have been done is not done again, and nobody claims to know.
        (Class::Never, fault) => unknown(usize::from(fault.done())),
    }
}
