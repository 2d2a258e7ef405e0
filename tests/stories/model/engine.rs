//! What can happen: the sender sends, the writer commits or fails, time passes, the process stops or crashes.
//!
//! An action is one indivisible step. What the process does inside one is not observable in between: a crash in the
//! middle leaves what a crash before or after it leaves.

use stateright::{Model, Property};

use super::guard::{Design, Guard};
use super::laws;
use super::state::{Fate, MOST, Record, Row, State, Store, Turn};

/// A step of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Action {
    /// The sender sends a publication, for the first time or again.
    Send(usize),
    /// The writer begins a commit with everything that waits.
    Begin,
    /// The commit succeeds.
    Commit,
    /// The commit fails: every sender that waits for it gets a 503.
    Fail,
    /// The file is opened again after that. It holds what the failed commit wrote, or it does not.
    Reopen { kept: bool },
    /// A run has its turn.
    Start(usize),
    /// Something becomes of a request that is on the way.
    Answer(usize, Answer),
    /// A publication's deadline passes.
    Pass(usize),
    /// The process is told to stop: nothing is admitted or started any more.
    Stop,
    /// While it stops: what acted although its commit failed is handed to the writer once more.
    Keep(usize),
    /// The stop is complete, and the process is started again. What is still on the way lands or does not.
    Restart { landed: bool },
    /// The process is killed, or the power fails, and it is started again.
    Crash { kept: bool, landed: bool },
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Answer {
    /// It takes effect, and the answer arrives.
    Done,
    /// The answer is lost. It takes effect or does not.
    Lost { landed: bool },
    /// It is certain that nothing was done; it may be tried again.
    Refused,
}

impl Model for Design {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::default()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.progress(state, actions);
        self.surprises(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Send(id) => self.admit(&mut next, id),
            Action::Begin => begin(&mut next),
            Action::Commit => self.commit(&mut next),
            Action::Fail => self.fail(&mut next),
            Action::Reopen { kept } => self.reopen(&mut next, kept),
            Action::Start(id) => self.start(&mut next, id),
            Action::Answer(id, answer) => self.answer(&mut next, id, answer),
            Action::Pass(id) => next.of[id].overdue = true,
            Action::Stop => (next.stopping, next.used.stops) = (true, next.used.stops + 1),
            Action::Keep(id) => self.adopt(&mut next, id),
            Action::Restart { landed } => {
                next.clean = true;
                self.restart(&mut next, landed, false);
            }
            Action::Crash { kept, landed } => self.crash(&mut next, kept, landed),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        laws::all(self)
    }
}

impl Design {
    /// What the process does by itself. When nothing of it is left, the world is at rest.
    pub(super) fn progress(&self, state: &State, actions: &mut Vec<Action>) {
        match state.store {
            Store::Idle if self.ids().any(|id| !state.of[id].queued.is_empty()) => actions.push(Action::Begin),
            Store::Idle => {}
            Store::Committing => actions.push(Action::Commit),
            Store::Suspect => actions.push(Action::Reopen { kept: true }),
        }
        for id in self.ids() {
            if self.may_start(state, id) {
                actions.push(Action::Start(id));
            }
            if state.is_sent(id) {
                actions.push(Action::Answer(id, Answer::Done));
            }
            if state.stopping && state.is_orphan(id) && !state.is_sent(id) && self.keeps(Guard::ActedWrittenAtStop) {
                actions.push(Action::Keep(id));
            }
        }
        if state.stopping && self.has_stopped(state) {
            actions.push(Action::Restart { landed: false });
        }
    }

    /// What happens to the process.
    fn surprises(&self, state: &State, actions: &mut Vec<Action>) {
        let (allowed, used) = (&self.scenario, &state.used);
        let under_way = self.ids().any(|id| state.is_sent(id));
        for id in self.ids() {
            let publication = &state.of[id];
            // Which of two publications is called the first makes no difference.
            let its_turn = id == 0 || state.of[id - 1].copies > 0;
            if publication.copies < allowed.copies && its_turn && !state.stopping {
                actions.push(Action::Send(id));
            }
            if state.is_sent(id) && used.mishaps < allowed.mishaps {
                actions.push(Action::Answer(id, Answer::Lost { landed: true }));
                actions.push(Action::Answer(id, Answer::Lost { landed: false }));
                actions.push(Action::Answer(id, Answer::Refused));
            }
            let matters = publication.copies > 0 && publication.disk.outcome.is_none();
            if allowed.deadlines && matters && !publication.overdue {
                actions.push(Action::Pass(id));
            }
        }
        if state.store == Store::Committing && used.failures < allowed.failures {
            actions.push(Action::Fail);
        }
        if state.store == Store::Suspect {
            actions.push(Action::Reopen { kept: false });
        }
        if used.stops < allowed.stops && !state.stopping {
            actions.push(Action::Stop);
        }
        if state.stopping && under_way && self.has_stopped(state) {
            actions.push(Action::Restart { landed: true });
        }
        if used.crashes < allowed.crashes {
            for kept in [false, true].into_iter().take(if state.store == Store::Idle { 1 } else { 2 }) {
                for landed in [false, true].into_iter().take(if under_way { 2 } else { 1 }) {
                    actions.push(Action::Crash { kept, landed });
                }
            }
        }
    }

    /// Whether a stop is complete: nothing is under way, and everything is written.
    fn has_stopped(&self, state: &State) -> bool {
        let written = state.store == Store::Idle && self.ids().all(|id| state.of[id].queued.is_empty());
        let kept = !self.keeps(Guard::ActedWrittenAtStop) || !self.ids().any(|id| state.is_orphan(id));
        let ended = !self.keeps(Guard::StopWaits) || !self.ids().any(|id| state.is_under_way(id));
        written && kept && ended
    }

    fn commit(&self, state: &mut State) {
        state.store = Store::Idle;
        let batches: [Record; MOST] = std::array::from_fn(|id| std::mem::take(&mut state.of[id].batch));
        for (publication, batch) in state.of.iter_mut().zip(batches) {
            publication.disk.add(batch);
            publication.acknowledged |= batch.publication;
        }
        for id in state.line.clone() {
            if batches[id].publication && state.of[id].run.is_none() {
                self.claim(state, id, true);
            }
            if batches[id].attempt == Some(Row::Open) && state.of[id].run.is_some_and(|run| run.turn == Turn::Attempts)
            {
                self.send(state, id);
            }
        }
    }

    /// The memory of what was being written is rolled back; what had been promised is written with the next commit.
    /// The batch itself stays: the file may hold it.
    fn fail(&self, state: &mut State) {
        state.store = Store::Suspect;
        state.used.failures += 1;
        for id in self.ids().filter(|id| !state.of[*id].batch.is_empty()).collect::<Vec<_>>() {
            let publication = &mut state.of[id];
            let mut again = Record { publication: false, ..publication.batch };
            again.add(publication.queued);
            if publication.batch.publication && !publication.disk.publication {
                publication.queued =
                    if self.keeps(Guard::NothingWithoutPublication) { Record::default() } else { again };
                if self.keeps(Guard::Rollback) {
                    publication.remembered = false;
                }
                publication.run = publication.run.filter(|run| !run.is_unsent());
            } else {
                if self.keeps(Guard::SettledTriedAgain) {
                    publication.queued = again;
                }
                if publication.run.is_some_and(|run| run.turn == Turn::Attempts) {
                    if self.keeps(Guard::FailedAttemptTakenBack) {
                        publication.queued.attempt = Some(Row::Closed);
                    }
                    self.back_off(state, id);
                }
            }
        }
    }

    /// The file decides what the failed commit came to.
    fn reopen(&self, state: &mut State, kept: bool) {
        state.store = Store::Idle;
        for id in state.line.clone() {
            let batch = std::mem::take(&mut state.of[id].batch);
            if state.of[id].disk.publication || !batch.publication {
                if kept {
                    state.of[id].disk.add(batch);
                }
            } else if kept {
                state.of[id].disk.add(batch);
                if state.of[id].run.is_some() && self.keeps(Guard::ActedKnownAtReopen) {
                    self.journal(state, id);
                } else {
                    state.of[id].remembered = state.of[id].disk.state;
                    self.claim(state, id, true);
                }
            } else {
                state.line.retain(|other| *other != id);
                if state.in_flight(id) {
                    state.line.push(id);
                }
            }
        }
    }

    fn crash(&self, state: &mut State, kept: bool, landed: bool) {
        state.used.crashes += 1;
        for id in self.ids() {
            let publication = &mut state.of[id];
            if kept {
                let batch = publication.batch;
                publication.disk.add(batch);
            }
        }
        self.restart(state, landed, true);
    }

    /// Everything that is only in memory is gone; what the disk holds is taken up again, in sequence.
    fn restart(&self, state: &mut State, landed: bool, crashed: bool) {
        for id in self.ids() {
            let lands = landed && state.is_sent(id);
            if lands {
                self.take_effect(state, id);
            }
            let publication = &mut state.of[id];
            let open = lands || publication.run.is_some_and(|run| run.turn == Turn::Over(Fate::Done));
            // Only a crash excuses what is done again.
            if crashed && open && publication.disk.outcome.is_none() {
                publication.excuses += 1;
            }
            publication.forgotten |= !publication.disk.publication && publication.effects > 0;
            publication.run = None;
            (publication.queued, publication.batch) = (Record::default(), Record::default());
            publication.remembered = publication.disk.state;
        }
        let durable: [bool; MOST] = std::array::from_fn(|id| state.of[id].disk.publication);
        state.line.retain(|id| durable[*id]);
        (state.store, state.stopping) = (Store::Idle, false);
        let clean = state.clean && self.keeps(Guard::CleanMark);
        if self.keeps(Guard::MarkTakenAway) {
            state.clean = false;
        }
        for id in state.line.clone() {
            if state.of[id].disk.decision || self.keeps(Guard::HandedOutAgain) {
                self.claim(state, id, clean);
            }
        }
    }
}

fn begin(state: &mut State) {
    state.store = Store::Committing;
    for publication in &mut state.of {
        publication.batch = std::mem::take(&mut publication.queued);
    }
}
