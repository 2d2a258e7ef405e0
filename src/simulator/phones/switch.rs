//! The PBX: what happens to calls. Pure but for random ids and the clock; it publishes nothing and answers nobody, it
//! says what changed.

use std::collections::{HashMap, VecDeque};

use super::leg::{Direction, Leg, State};
use crate::simulator::admin::{index_of, user_id};
use crate::simulator::clock::Clock;
use crate::simulator::world::guid;

/// Legs that may live at a time.
const MOST_LIVE: usize = 20_000;
/// Ended legs that are remembered.
const ENDED_KEPT: usize = 1000;

/// What is to be done to a call.
#[derive(Debug)]
pub(crate) enum Action {
    Answer,
    End,
    /// A toggle, unless it is said to set.
    Hold {
        sets: bool,
    },
    Retrieve,
    Redirect(String),
    BlindTransfer(String),
    /// Holds the call and calls somebody else.
    Consult(String),
    /// Connects this call's other end with that of another call at the phone.
    SupervisedTransfer(String),
    /// Joins the held call and the consultation.
    Conference,
    /// Something that changes no state: digits, and the recording.
    Silent,
}

/// A call to be made.
pub(crate) struct Dial {
    /// The phone that rings (inbound) or dials (outbound).
    pub(crate) endpoint: String,
    pub(crate) direction: Direction,
    /// The other end.
    pub(crate) far: String,
    pub(crate) far_name: String,
    pub(crate) tracking_id: Option<String>,
    /// Whether it is recorded once it is answered.
    pub(crate) record: bool,
    /// The caller's own id for it.
    pub(crate) associated_id: Option<String>,
}

impl Dial {
    /// A plain call.
    pub(crate) fn plain(endpoint: String, direction: Direction, far: String) -> Self {
        Self {
            endpoint,
            direction,
            far,
            far_name: String::new(),
            tracking_id: None,
            record: false,
            associated_id: None,
        }
    }
}

/// A leg as it is after a change, and the PBX's word for what happened.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) leg: Leg,
    pub(crate) event: &'static str,
}

/// Why nothing was done.
#[derive(Debug)]
pub(crate) enum Denied {
    /// The call is not there (any more).
    Gone,
    /// It is there but in a state in which that can't be done.
    State(&'static str),
}

/// All calls of all phones.
#[derive(Default)]
pub(crate) struct Switch {
    clock: Clock,
    pub(super) legs: Vec<Leg>,
    ended: VecDeque<Leg>,
    owners: HashMap<String, String>,
    /// Who has which phone.
    account_id: String,
    users: u32,
}

impl Switch {
    /// Without calls; the first so many phones belong to the account's users.
    pub(crate) fn new(clock: Clock, account_id: &str, users: u32) -> Self {
        Self { clock, account_id: account_id.to_owned(), users, ..Self::default() }
    }

    /// Takes records out of the history; how many.
    pub(crate) fn hide(&mut self, hidden: impl Fn(&Leg) -> bool) -> usize {
        let before = self.ended.len();
        self.ended.retain(|leg| !hidden(leg));
        before - self.ended.len()
    }

    /// All legs that have not ended, oldest first.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Leg> {
        self.legs.iter()
    }

    /// The last legs that have, oldest first.
    pub(crate) fn ended(&self) -> impl Iterator<Item = &Leg> {
        self.ended.iter()
    }

    /// Begins a call. Dialling an extension (up to five digits) lets that phone ring too.
    pub(crate) fn dial(&mut self, dial: Dial) -> Result<(Leg, Vec<Change>), Denied> {
        if self.legs.len() >= MOST_LIVE {
            return Err(Denied::State("there are too many calls"));
        }
        let tracking =
            dial.tracking_id.unwrap_or_else(|| format!("{}#{}", self.clock.now().timestamp(), self.new_id()));
        let (from, to) = match dial.direction {
            Direction::Inbound => (dial.far.clone(), dial.endpoint.clone()),
            Direction::Outbound => (dial.endpoint.clone(), dial.far.clone()),
        };
        let mut leg = self.leg(&dial.endpoint, dial.direction, "newCall", tracking);
        (leg.from, leg.to) = (from.clone(), to.clone());
        (leg.record, leg.associated_id) = (dial.record, dial.associated_id);
        if dial.direction == Direction::Inbound {
            leg.from_name = dial.far_name;
        }
        let mut begun = vec![];
        if dial.direction == Direction::Outbound && is_extension(&dial.far) {
            let mut other = self.leg(&dial.far, Direction::Inbound, "newCall", leg.tracking_id.clone());
            (other.from, other.to, other.peer) = (from, to, Some(leg.call_id.clone()));
            other.record_id.clone_from(&leg.record_id);
            leg.peer = Some(other.call_id.clone());
            begun.push(Change { leg: other, event: "deliveredEvent" });
        }
        let event = if leg.direction == Direction::Inbound { "deliveredEvent" } else { "originatedEvent" };
        begun.insert(0, Change { leg: leg.clone(), event });
        self.legs.extend(begun.iter().map(|change| change.leg.clone()));
        Ok((leg, begun))
    }

    /// Does something to a call.
    pub(crate) fn control(
        &mut self,
        endpoint: Option<&str>,
        call: &str,
        action: &Action,
    ) -> Result<Vec<Change>, Denied> {
        let here = |leg: &Leg| leg.call_id == call && endpoint.is_none_or(|endpoint| leg.endpoint == endpoint);
        let at = self.legs.iter().position(here).ok_or(Denied::Gone)?;
        let (state, direction) = (self.legs[at].state, self.legs[at].direction);
        match (action, state) {
            (Action::Answer, State::Ringing) if direction == Direction::Inbound => Ok(self.answer(at)),
            (Action::Answer, _) => Err(Denied::State("only an inbound ringing call can be answered")),
            (Action::End, _) => Ok(self.end(at)),
            (Action::Hold { .. }, State::Connected) => Ok(vec![self.turn(at, State::Held, "heldEvent")]),
            (Action::Hold { sets: true }, State::Held) | (Action::Silent, State::Connected) => Ok(vec![]),
            (Action::Hold { .. } | Action::Retrieve, State::Held) => {
                Ok(vec![self.turn(at, State::Connected, "retrievedEvent")])
            }
            (Action::Hold { .. }, _) => Err(Denied::State("only a connected call can be held")),
            (Action::Retrieve, _) => Err(Denied::State("only a held call can be retrieved")),
            (Action::Redirect(to), State::Ringing) if direction == Direction::Inbound => {
                Ok(self.pass_on(at, to, "redirected", "divertedEvent"))
            }
            (Action::Redirect(_), _) => Err(Denied::State("only an inbound ringing call can be redirected")),
            (Action::BlindTransfer(to), State::Connected | State::Held) => {
                Ok(self.pass_on(at, to, "transfer", "transferredEvent"))
            }
            (Action::Consult(to), State::Connected | State::Held) => self.consult(at, to),
            (Action::Consult(_), _) => Err(Denied::State("only an answered call can be consulted about")),
            (Action::SupervisedTransfer(other), State::Connected | State::Held) => self.join_far_ends(at, other),
            (Action::BlindTransfer(_) | Action::SupervisedTransfer(_), _) => {
                Err(Denied::State("only an answered call can be transferred"))
            }
            (Action::Conference, _) => self.conference(at),
            (Action::Silent, _) => Err(Denied::State("only a connected call can be recorded or take digits")),
        }
    }

    fn answer(&mut self, at: usize) -> Vec<Change> {
        let mut changes = vec![self.turn(at, State::Connected, "establishedEvent")];
        if let Some(peer) = self.peer_of(at) {
            changes.push(self.turn(peer, State::Connected, "establishedEvent"));
        }
        changes
    }

    fn end(&mut self, at: usize) -> Vec<Change> {
        let peer = self.legs[at].peer.clone();
        let mut changes = vec![self.complete(at, None)];
        if let Some(at) = peer.and_then(|id| self.legs.iter().position(|leg| leg.call_id == id)) {
            changes.push(self.complete(at, None));
        }
        changes
    }

    /// Ends the leg here and begins another, with a new id, at `to`.
    fn pass_on(&mut self, at: usize, to: &str, cause: &'static str, event: &'static str) -> Vec<Change> {
        let peer = self.peer_of(at);
        let old = self.legs[at].clone();
        let mut new = self.leg(to, Direction::Inbound, cause, old.tracking_id);
        new.record_id = old.record_id;
        let from = if old.direction == Direction::Inbound { old.from } else { old.to };
        (new.from, new.from_name, new.to, new.peer) = (from, old.from_name, to.to_owned(), old.peer);
        if let Some(peer) = peer {
            self.legs[peer].peer = Some(new.call_id.clone());
        }
        let gone = Change { event, ..self.complete(at, Some(cause)) };
        self.legs.push(new.clone());
        vec![gone, Change { leg: new, event: "deliveredEvent" }]
    }

    pub(super) fn turn(&mut self, at: usize, state: State, event: &'static str) -> Change {
        self.legs[at].state = state;
        if state == State::Connected && self.legs[at].answered_on.is_none() {
            self.legs[at].answered_on = Some(self.clock.now());
        }
        Change { leg: self.legs[at].clone(), event }
    }

    /// Ends a leg; without a cause, one that still rang was cancelled.
    pub(super) fn complete(&mut self, at: usize, cause: Option<&'static str>) -> Change {
        let mut leg = self.legs.remove(at);
        let own = if leg.state == State::Ringing { "callCancelled" } else { leg.cause };
        (leg.cause, leg.state) = (cause.unwrap_or(own), State::Completed);
        leg.ended_on = Some(self.clock.now());
        if self.ended.len() >= ENDED_KEPT {
            self.ended.pop_front();
        }
        self.ended.push_back(leg.clone());
        Change { leg, event: "connectionClearedEvent" }
    }

    fn peer_of(&self, at: usize) -> Option<usize> {
        let id = self.legs[at].peer.as_ref()?;
        self.legs.iter().position(|leg| leg.call_id == *id)
    }

    /// A ringing leg that is not on the switch yet; numbers are still to be filled in.
    fn leg(&mut self, endpoint: &str, direction: Direction, cause: &'static str, tracking_id: String) -> Leg {
        Leg {
            call_id: self.new_id(),
            endpoint: endpoint.to_owned(),
            state: State::Ringing,
            cause,
            direction,
            from: String::new(),
            from_name: String::new(),
            to: String::new(),
            tracking_id,
            record_id: guid(),
            created_on: self.clock.now(),
            answered_on: None,
            ended_on: None,
            record: false,
            associated_id: None,
            peer: None,
            owner: self.owner(endpoint),
        }
    }

    /// Whose phone it is: a user's if the number is one of theirs, else somebody's who stays the same.
    fn owner(&mut self, endpoint: &str) -> String {
        let user = || index_of(endpoint, self.users).map(|number| user_id(&self.account_id, number));
        self.owners.entry(endpoint.to_owned()).or_insert_with(|| user().unwrap_or_else(guid)).clone()
    }

    /// Eight digits that no call has.
    fn new_id(&self) -> String {
        loop {
            let id = fastrand::u32(10_000_000..100_000_000).to_string();
            if !self.legs.iter().chain(&self.ended).any(|leg| leg.call_id == id) {
                return id;
            }
        }
    }
}

fn is_extension(number: &str) -> bool {
    (1..=5).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dial(direction: Direction, far: &str) -> Dial {
        Dial::plain("3001".into(), direction, far.into())
    }

    #[test]
    fn a_redirect_ends_here_and_rings_there_under_a_new_id() {
        let mut switch = Switch::default();
        let (leg, _) = switch.dial(dial(Direction::Inbound, "+16135550142")).unwrap();
        let changes = switch.control(Some("3001"), &leg.call_id, &Action::Redirect("4001".into())).unwrap();
        let (old, new) = (&changes[0].leg, &changes[1].leg);
        assert_eq!((old.state, old.cause), (State::Completed, "redirected"));
        assert_eq!((new.state, new.cause, &*new.endpoint), (State::Ringing, "redirected", "4001"));
        assert_ne!(new.call_id, old.call_id);
        assert_eq!((&new.tracking_id, &new.from), (&old.tracking_id, &old.from));
        let again = switch.control(Some("3001"), &leg.call_id, &Action::Redirect("4001".into()));
        assert!(matches!(again, Err(Denied::Gone)));
    }

    #[test]
    fn both_phones_of_an_inside_call_go_along() {
        let mut switch = Switch::default();
        let (leg, begun) = switch.dial(dial(Direction::Outbound, "3002")).unwrap();
        assert_eq!(begun.len(), 2);
        let other = leg.peer.unwrap();
        switch.control(Some("3002"), &other, &Action::Answer).unwrap();
        assert!(switch.live().all(|leg| leg.state == State::Connected));
        switch.control(None, &other, &Action::BlindTransfer("3003".into())).unwrap();
        assert_eq!(switch.live().map(|leg| &*leg.endpoint).collect::<Vec<_>>(), ["3001", "3003"]);
        switch.control(Some("3001"), &leg.call_id, &Action::End).unwrap();
        assert_eq!(switch.live().count(), 0);
    }

    #[test]
    fn hold_is_a_toggle_and_states_are_kept_to() {
        let mut switch = Switch::default();
        let (leg, _) = switch.dial(dial(Direction::Inbound, "5")).unwrap();
        let mut act = |action| switch.control(None, &leg.call_id, &action).map(|changes| changes[0].leg.state);
        let hold = || Action::Hold { sets: false };
        assert!(act(hold()).is_err());
        assert_eq!(act(Action::Answer).unwrap(), State::Connected);
        assert_eq!(act(hold()).unwrap(), State::Held);
        assert_eq!(act(hold()).unwrap(), State::Connected);
        assert!(act(Action::Redirect("1".into())).is_err());
    }
}
