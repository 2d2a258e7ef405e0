//! What the PBX does with two calls at one phone: a consultation, and how it ends. Pure like the switch.

use super::leg::{Direction, Leg, State};
use super::switch::{Change, Denied, Dial, Switch};

impl Switch {
    /// Holds the call and calls somebody else.
    pub(super) fn consult(&mut self, at: usize, to: &str) -> Result<Vec<Change>, Denied> {
        let endpoint = self.legs[at].endpoint.clone();
        let mut changes = vec![];
        if self.legs[at].state == State::Connected {
            changes.push(self.turn(at, State::Held, "heldEvent"));
        }
        changes.extend(self.dial(Dial::plain(endpoint, Direction::Outbound, to.to_owned()))?.1);
        Ok(changes)
    }

    /// Both calls end at this phone; their other ends, as far as they are phones of ours, go on together.
    pub(super) fn join_far_ends(&mut self, at: usize, other: &str) -> Result<Vec<Change>, Denied> {
        let endpoint = self.legs[at].endpoint.clone();
        let other = self.legs.iter().position(|leg| leg.call_id == *other && leg.endpoint == endpoint);
        let other = other.filter(|other| *other != at).ok_or(Denied::State("the other call is not at this phone"))?;
        let far = |leg: &Leg| if leg.direction == Direction::Inbound { leg.from.clone() } else { leg.to.clone() };
        let ends =
            [at, other].map(|at| (self.legs[at].call_id.clone(), self.legs[at].peer.clone(), far(&self.legs[at])));
        let mut changes = vec![];
        for (id, ..) in &ends {
            if let Some(at) = self.legs.iter().position(|leg| leg.call_id == *id) {
                changes.push(Change { event: "transferredEvent", ..self.complete(at, Some("transfer")) });
            }
        }
        for ((_, peer, _), (_, new_peer, new_far)) in [(&ends[0], &ends[1]), (&ends[1], &ends[0])] {
            let Some(at) = peer.as_ref().and_then(|id| self.legs.iter().position(|leg| leg.call_id == *id)) else {
                continue;
            };
            let leg = &mut self.legs[at];
            leg.peer.clone_from(new_peer);
            leg.cause = "transfer";
            let far = if leg.direction == Direction::Inbound { &mut leg.from } else { &mut leg.to };
            far.clone_from(new_far);
            let state = if leg.state == State::Held { State::Connected } else { leg.state };
            changes.push(self.turn(at, state, "transferredEvent"));
        }
        Ok(changes)
    }

    /// The answered calls at this phone become connected together.
    pub(super) fn conference(&mut self, at: usize) -> Result<Vec<Change>, Denied> {
        let endpoint = self.legs[at].endpoint.clone();
        let here: Vec<usize> = (0..self.legs.len())
            .filter(|at| {
                self.legs[*at].endpoint == endpoint && matches!(self.legs[*at].state, State::Connected | State::Held)
            })
            .collect();
        if here.len() < 2 || !here.contains(&at) {
            return Err(Denied::State("a held call and an answered consultation are needed"));
        }
        let held = here.into_iter().filter(|at| self.legs[*at].state == State::Held).collect::<Vec<_>>();
        Ok(held.into_iter().map(|at| self.turn(at, State::Connected, "conferencedEvent")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::switch::Action;
    use super::*;

    #[test]
    fn a_consultation_ends_in_a_conference_or_in_a_transfer() {
        for transfer in [false, true] {
            let mut switch = Switch::default();
            let (first, _) =
                switch.dial(Dial::plain("3001".into(), Direction::Inbound, "+16135550142".into())).unwrap();
            switch.control(None, &first.call_id, &Action::Answer).unwrap();
            assert!(matches!(switch.control(None, &first.call_id, &Action::Conference), Err(Denied::State(_))));
            let changes = switch.control(None, &first.call_id, &Action::Consult("3002".into())).unwrap();
            let states: Vec<_> = changes.iter().map(|change| (&*change.leg.endpoint, change.leg.state)).collect();
            assert_eq!(states, [("3001", State::Held), ("3001", State::Ringing), ("3002", State::Ringing)]);
            let (second, far) = (changes[1].leg.call_id.clone(), changes[2].leg.call_id.clone());
            switch.control(None, &far, &Action::Answer).unwrap();
            if transfer {
                switch.control(Some("3001"), &first.call_id, &Action::SupervisedTransfer(second)).unwrap();
                let left: Vec<_> = switch.live().map(|leg| (&*leg.endpoint, &*leg.from, leg.cause)).collect();
                assert_eq!(left, [("3002", "+16135550142", "transfer")]);
            } else {
                switch.control(Some("3001"), &first.call_id, &Action::Conference).unwrap();
                assert!(switch.live().all(|leg| leg.state == State::Connected) && switch.live().count() == 3);
            }
        }
    }
}
