//! What the world consists of: for each publication its sender, its run, what is written of it and what the far side
//! saw; and what is common to all.

/// The most publications of a scenario.
pub(super) const MOST: usize = 3;

/// The world at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct State {
    /// The publications. Those that the scenario does not use stay as they are.
    pub(super) of: [Publication; MOST],
    /// Publications in sequence: the durable ones, and those that wait for their commit.
    pub(super) line: Vec<usize>,
    /// What the writer is doing.
    pub(super) store: Store,
    /// On disk: the process was stopped in good order.
    pub(super) clean: bool,
    /// In memory: it is being stopped.
    pub(super) stopping: bool,
    /// How often the world has misbehaved.
    pub(super) used: Used,
    /// Laws that were broken on the way here.
    pub(super) broken: Broken,
}

/// All about one publication.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Publication {
    /// How often it was sent.
    pub(super) copies: u8,
    /// The sender has got a 200.
    pub(super) acknowledged: bool,
    /// Its deadline has passed.
    pub(super) overdue: bool,
    /// In memory: what its planning left to be remembered, so that the same again is no edge.
    pub(super) remembered: bool,
    /// In memory: its run, once it is planned.
    pub(super) run: Option<Run>,
    /// In memory: what waits to be written.
    pub(super) queued: Record,
    /// What is being written, or, when that failed, what the file may hold.
    pub(super) batch: Record,
    /// On disk.
    pub(super) disk: Record,
    /// How often the far side did it.
    pub(super) effects: u8,
    /// How often it may have been done without anybody knowing: an answer was lost, or a crash came before the outcome
    /// was durable.
    pub(super) excuses: u8,
    /// It acted before its commit, and a crash took both.
    pub(super) forgotten: bool,
}

/// The writer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Store {
    /// It waits for work.
    #[default]
    Idle,
    /// A commit is under way.
    Committing,
    /// A commit failed, and the file is not opened again yet: nobody knows what it holds.
    Suspect,
}

/// What is written of a publication, or waits to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Record {
    /// The publication itself.
    pub(super) publication: bool,
    /// The decision about it.
    pub(super) decision: bool,
    /// The state that the decision leaves.
    pub(super) state: bool,
    /// A retry that tells of an attempt without an answer.
    pub(super) doubt: bool,
    /// An attempt at a step of class never, and whether a later line closes it.
    pub(super) attempt: Option<Row>,
    /// How it ended.
    pub(super) outcome: Option<Outcome>,
}

/// An attempt row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Row {
    /// It may have been sent.
    Open,
    /// A later line tells that it was not sent, or was refused.
    Closed,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Outcome {
    /// The word for it.
    pub(super) fate: Fate,
    /// An earlier attempt may have taken effect.
    pub(super) doubt: bool,
    /// It acted before a commit that failed, and took its place in the sequence only later.
    pub(super) out_of_turn: bool,
}

/// How a run ended, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fate {
    /// Acted, and answered.
    Done,
    /// Too late.
    Expired,
    /// A later publication of its lane made it pointless.
    Superseded,
    /// To the dead letters: sent, and never answered.
    Unknown,
    /// No rule matches, since nothing has changed.
    NoEdge,
}

/// A run in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Run {
    /// Where it is.
    pub(super) turn: Turn,
    /// An earlier attempt may have taken effect.
    pub(super) unsure: bool,
    /// See [`Outcome::out_of_turn`].
    pub(super) out_of_turn: bool,
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Turn {
    /// It waits for its turn.
    Waits,
    /// Its attempt is being written.
    Attempts,
    /// Its request is on the way.
    Sent,
    /// It is to be tried again.
    BacksOff,
    /// It is over.
    Over(Fate),
}

/// What has been used up of what the scenario allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Used {
    pub(super) failures: u8,
    pub(super) crashes: u8,
    pub(super) stops: u8,
    pub(super) mishaps: u8,
}

/// Laws about steps, not states: noted when they are broken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Broken {
    /// Something took effect when what is behind it in its lane was done.
    pub(super) order: bool,
    /// Something was sent after its deadline.
    pub(super) deadline: bool,
    /// Without a crash something was looked up or given up as unknown that had never been sent and left unanswered.
    pub(super) groundless: bool,
}

impl Record {
    /// Whether there is anything.
    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Adds what is written after it.
    pub(super) fn add(&mut self, later: Self) {
        self.publication |= later.publication;
        self.decision |= later.decision;
        self.state |= later.state;
        self.doubt |= later.doubt;
        self.attempt = later.attempt.or(self.attempt);
        self.outcome = later.outcome.or(self.outcome);
    }
}

impl Run {
    /// A run that waits for its turn.
    pub(super) fn new(unsure: bool) -> Self {
        Self { turn: Turn::Waits, unsure, out_of_turn: false }
    }

    /// Whether it has not been sent since it was planned or recovered.
    pub(super) fn is_unsent(self) -> bool {
        matches!(self.turn, Turn::Waits | Turn::Attempts)
    }
}

impl State {
    /// Whether the publication waits for its commit.
    pub(super) fn in_flight(&self, id: usize) -> bool {
        self.of[id].queued.publication || (self.store == Store::Committing && self.of[id].batch.publication)
    }

    /// Whether it acted, or may have, and its commit failed: nothing in the store tells of it.
    pub(super) fn is_orphan(&self, id: usize) -> bool {
        self.of[id].run.is_some() && !self.of[id].disk.publication && !self.in_flight(id)
    }

    /// Whether a request of it is on the way.
    pub(super) fn is_sent(&self, id: usize) -> bool {
        self.of[id].run.is_some_and(|run| run.turn == Turn::Sent)
    }

    /// Whether it is being carried out.
    pub(super) fn is_under_way(&self, id: usize) -> bool {
        self.of[id].run.is_some_and(|run| matches!(run.turn, Turn::Attempts | Turn::Sent))
    }

    /// Whether nothing will be done for it any more.
    pub(super) fn is_over(&self, id: usize) -> bool {
        let publication = &self.of[id];
        publication.disk.outcome.is_some() || publication.run.is_some_and(|run| matches!(run.turn, Turn::Over(_)))
    }

    /// Whether it is done, and was done in its turn.
    pub(super) fn is_done_in_turn(&self, id: usize) -> bool {
        let publication = &self.of[id];
        let recorded = publication.disk.outcome.map(|outcome| (outcome.fate, outcome.out_of_turn));
        let known = publication.run.and_then(|run| match run.turn {
            Turn::Over(fate) => Some((fate, run.out_of_turn)),
            _ => None,
        });
        recorded.or(known) == Some((Fate::Done, false))
    }
}
