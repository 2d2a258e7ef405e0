//! What a publication goes through: admitted, planned, started, sent, answered, settled.

use super::engine::Answer;
use super::guard::{Class, Design, Guard};
use super::state::{Fate, Outcome, Record, Row, Run, State, Store, Turn};

impl Design {
    /// A request is genuine: what becomes of its publication.
    pub(super) fn admit(&self, state: &mut State, id: usize) {
        state.of[id].copies += 1;
        if state.of[id].disk.publication {
            state.of[id].acknowledged = true;
            if !self.keeps(Guard::Dedupe) && state.of[id].disk.outcome.is_some() {
                let publication = &mut state.of[id];
                publication.disk = Record { publication: true, ..Record::default() };
                (publication.queued.publication, publication.run, publication.remembered) = (true, None, false);
            }
        } else if state.in_flight(id) {
            if !self.keeps(Guard::KnownWaits) {
                state.of[id].acknowledged = true;
            }
            if !self.keeps(Guard::DedupeAtAdmission) && state.is_over(id) {
                state.of[id].remembered = false;
                self.plan(state, id, false);
            }
        } else if state.is_orphan(id) && (self.keeps(Guard::ActedRemembered) || !state.is_over(id)) {
            self.adopt(state, id);
        } else {
            self.take(state, id);
        }
    }

    /// A publication that nobody knows of.
    fn take(&self, state: &mut State, id: usize) {
        state.of[id].run = None;
        state.of[id].queued.publication = true;
        if !state.line.contains(&id) {
            state.line.push(id);
        }
        if !self.keeps(Guard::AckAfterCommit) {
            state.of[id].acknowledged = true;
        }
        if self.scenario.class == Class::Repeat || !self.keeps(Guard::OverlapOnlyRepeat) {
            let idle = self.ids().filter(|other| *other != id && self.same_lane(*other, id)).all(|other| {
                let under_way = state.is_under_way(other);
                let settled = state.is_over(other) && state.of[other].disk.publication;
                !under_way && (settled || !state.line.contains(&other))
            });
            if idle || !self.keeps(Guard::OverlapOnlyIdle) {
                self.plan(state, id, false);
            }
        }
    }

    /// What acted although its commit failed is written after all, at the end of the sequence. What has acted already
    /// does not act again; what is still to be tried again has its turn there.
    pub(super) fn adopt(&self, state: &mut State, id: usize) {
        if !state.line.contains(&id) {
            state.line.push(id);
        }
        let publication = &mut state.of[id];
        publication.queued.publication = true;
        if let Some(run) = &mut publication.run {
            run.out_of_turn = run.turn != Turn::BacksOff;
        }
        self.journal(state, id);
    }

    /// Everything that is known of a publication is written with it.
    pub(super) fn journal(&self, state: &mut State, id: usize) {
        let publication = &mut state.of[id];
        publication.remembered = true;
        let Some(run) = publication.run else { return };
        (publication.queued.decision, publication.queued.state) = (true, true);
        publication.queued.doubt |= run.unsure;
        if let Turn::Over(fate) = run.turn {
            publication.queued.outcome = Some(self.outcome(run, fate));
        }
    }

    /// A durable publication is handed out: after its commit, or after a restart with what is known of it from before.
    pub(super) fn claim(&self, state: &mut State, id: usize, certain: bool) {
        let disk = state.of[id].disk;
        if disk.outcome.is_some() && self.keeps(Guard::OverStaysOver) {
            return;
        }
        let never = self.scenario.class == Class::Never;
        let unsure = !never && (disk.doubt || !certain);
        if unsure && self.keeps(Guard::DoubtKept) {
            self.write(state, id, |queued| queued.doubt = !disk.doubt);
        }
        if never && disk.attempt == Some(Row::Open) && self.keeps(Guard::UnfinishedNeverStays) {
            Self::needs_ground(state, id);
            state.of[id].run = Some(Run::new(true));
            self.end(state, id, Fate::Unknown);
        } else if disk.decision {
            state.of[id].run = Some(Run::new(unsure));
            self.supersede(state, id);
        } else {
            self.plan(state, id, unsure);
        }
    }

    /// Decides what a publication leads to.
    fn plan(&self, state: &mut State, id: usize, unsure: bool) {
        state.of[id].run = Some(Run::new(unsure));
        let repeated = std::mem::replace(&mut state.of[id].remembered, true);
        let together = self.keeps(Guard::DecisionWithState) || repeated;
        self.write(state, id, |queued| (queued.state, queued.decision) = (true, together));
        if repeated {
            self.end(state, id, Fate::NoEdge);
        } else {
            self.supersede(state, id);
        }
    }

    /// What waits before a publication in its lane is out of date.
    fn supersede(&self, state: &mut State, id: usize) {
        if self.scenario.supersedes {
            for before in self.before(state, id) {
                if state.of[before].run.is_some_and(|run| matches!(run.turn, Turn::Waits | Turn::BacksOff)) {
                    self.end(state, before, Fate::Superseded);
                }
            }
        }
    }

    /// Whether a run has its turn.
    pub(super) fn may_start(&self, state: &State, id: usize) -> bool {
        let publication = &state.of[id];
        let waits = publication.run.is_some_and(|run| matches!(run.turn, Turn::Waits | Turn::BacksOff));
        let early = state.in_flight(id) && !publication.disk.publication;
        if state.stopping || !waits || !(early || publication.disk.publication) {
            return false;
        }
        if early && state.store == Store::Suspect && self.keeps(Guard::OverlapNotInDoubt) {
            return false;
        }
        if early && !self.keeps(Guard::OverlapOnlyIdle) {
            return true;
        }
        let busy = self.ids().any(|other| other != id && self.same_lane(other, id) && state.is_under_way(other));
        let passes = |before: usize| {
            let backs_off = state.of[before].run.is_some_and(|run| run.turn == Turn::BacksOff);
            state.is_over(before) || (backs_off && !self.keeps(Guard::OrderInBackoff))
        };
        !busy && self.before(state, id).into_iter().all(passes)
    }

    /// A run has its turn: it is too late, or done already, or an attempt is made.
    pub(super) fn start(&self, state: &mut State, id: usize) {
        let Some(run) = state.of[id].run else { return };
        if !self.keeps(Guard::DecisionWithState) {
            self.write(state, id, |queued| queued.decision = true);
        }
        if state.of[id].overdue && self.keeps(Guard::Deadline) {
            return self.end(state, id, Fate::Expired);
        }
        if run.unsure && self.scenario.class == Class::Check && self.keeps(Guard::LookFirst) {
            Self::needs_ground(state, id);
            if state.of[id].effects > 0 {
                return self.end(state, id, Fate::Done);
            }
            Self::change(state, id, |run| run.unsure = false);
        }
        if self.scenario.class == Class::Never {
            self.write(state, id, |queued| queued.attempt = Some(Row::Open));
            if self.keeps(Guard::AttemptFirst) {
                return Self::change(state, id, |run| run.turn = Turn::Attempts);
            }
        }
        self.send(state, id);
    }

    /// A request goes out, unless its deadline passed while its attempt was written.
    pub(super) fn send(&self, state: &mut State, id: usize) {
        if state.of[id].overdue && self.keeps(Guard::Deadline) && self.keeps(Guard::DeadlineAfterAttempt) {
            self.write(state, id, |queued| queued.attempt = Some(Row::Closed));
            return self.end(state, id, Fate::Expired);
        }
        state.broken.deadline |= state.of[id].overdue;
        Self::change(state, id, |run| run.turn = Turn::Sent);
    }

    /// Something becomes of a request.
    pub(super) fn answer(&self, state: &mut State, id: usize, answer: Answer) {
        state.used.mishaps += u8::from(answer != Answer::Done);
        match answer {
            Answer::Done => {
                self.take_effect(state, id);
                self.end(state, id, Fate::Done);
            }
            Answer::Lost { landed } => {
                if landed {
                    self.take_effect(state, id);
                }
                state.of[id].excuses += 1;
                Self::change(state, id, |run| run.unsure = true);
                if self.scenario.class == Class::Never {
                    return self.end(state, id, Fate::Unknown);
                }
                self.write(state, id, |queued| queued.doubt = true);
                self.back_off(state, id);
            }
            Answer::Refused => {
                if self.scenario.class == Class::Never {
                    self.write(state, id, |queued| queued.attempt = Some(Row::Closed));
                }
                self.back_off(state, id);
            }
        }
    }

    /// To be tried again, unless a later publication has made it pointless.
    pub(super) fn back_off(&self, state: &mut State, id: usize) {
        let behind = self.behind(state, id).into_iter().any(|behind| state.of[behind].run.is_some());
        if self.scenario.supersedes && behind && !state.is_orphan(id) {
            self.end(state, id, Fate::Superseded);
        } else {
            Self::change(state, id, |run| (run.turn, run.out_of_turn) = (Turn::BacksOff, false));
        }
    }

    /// The far side does what it was asked for.
    pub(super) fn take_effect(&self, state: &mut State, id: usize) {
        state.of[id].effects += 1;
        state.broken.order |= self.behind(state, id).into_iter().any(|behind| state.is_done_in_turn(behind));
    }

    fn end(&self, state: &mut State, id: usize, fate: Fate) {
        Self::change(state, id, |run| run.turn = Turn::Over(fate));
        let outcome = state.of[id].run.map(|run| self.outcome(run, fate));
        self.write(state, id, |queued| queued.outcome = outcome);
    }

    fn outcome(&self, run: Run, fate: Fate) -> Outcome {
        let open = matches!(fate, Fate::Expired | Fate::Superseded);
        let doubt = open && run.unsure && self.keeps(Guard::DoubtRecorded);
        Outcome { fate, doubt, out_of_turn: run.out_of_turn }
    }

    fn change(state: &mut State, id: usize, change: impl FnOnce(&mut Run)) {
        state.of[id].run.as_mut().map(change);
    }

    /// Hands something to the writer, if the publication it belongs to is there or in line before it.
    fn write(&self, state: &mut State, id: usize, write: impl FnOnce(&mut Record)) {
        let belongs = state.of[id].disk.publication || state.in_flight(id);
        if belongs || !self.keeps(Guard::NothingWithoutPublication) {
            write(&mut state.of[id].queued);
        }
    }

    /// To look, or to give up as unknown, there must be a reason: an answer that was lost, or a crash.
    fn needs_ground(state: &mut State, id: usize) {
        state.broken.groundless |= state.used.crashes == 0 && state.of[id].excuses == 0;
    }

    fn same_lane(&self, one: usize, other: usize) -> bool {
        self.scenario.lanes[one] == self.scenario.lanes[other]
    }

    fn before(&self, state: &State, id: usize) -> Vec<usize> {
        let lane = state.line.iter().copied().take_while(|other| *other != id);
        lane.filter(|other| self.same_lane(*other, id)).collect()
    }

    fn behind(&self, state: &State, id: usize) -> Vec<usize> {
        let lane = state.line.iter().copied().skip_while(|other| *other != id).skip(1);
        lane.filter(|other| self.same_lane(*other, id)).collect()
    }
}
