//! Media: phones and their calls. `switch` is the PBX (pure: what happens to calls; `three` to two of them at once), `leg` is one call at one phone and
//! how the wire shows it, `action` reads what is to be done, `desk` is what a phone is set to, `routes` and `history` are
//! the API. Any endpoint id is a phone; nobody has to create one first.

mod action;
mod desk;
mod history;
mod leg;
mod routes;
mod switch;
mod three;

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::answer::Refusal;
use super::clock::Clock;
use super::options::Options;
use super::realm::{Account, Realm};
use super::variants::{Variant, Variants};
use super::world::World;
pub(crate) use action::Words;
use desk::Desks;
pub(crate) use leg::{Direction, Leg, State as CallState};
pub(crate) use routes::ROUTES;
pub(crate) use switch::{Action, Dial};
use switch::{Change, Denied, Switch};

/// The topic of all its events.
pub(crate) const TOPIC: &str = "platform-api-media";

/// The phones of an account.
pub(crate) struct Phones {
    switch: Mutex<Switch>,
    desks: Desks,
    account_id: String,
    site: String,
    variants: Variants,
}

impl Phones {
    /// All phones are silent.
    pub(crate) fn new(clock: Clock, options: &Options, account: &Account) -> Self {
        Self {
            switch: Mutex::new(Switch::new(clock, &account.id, options.users)),
            desks: Desks::default(),
            account_id: account.id.clone(),
            site: "9c2d8e44-1f0b-4a6d-b7c5-3e2a1d0f9b88".to_owned(),
            variants: options.variants,
        }
    }

    fn switch(&self) -> MutexGuard<'_, Switch> {
        self.switch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a phone ring, or dial; answers the leg at that phone.
    pub(crate) fn dial(&self, world: &World, realm: &Realm, dial: Dial) -> Result<Leg, Refusal> {
        let mut switch = self.switch();
        let (leg, changes) = switch.dial(dial).map_err(|denied| refusal("", &denied))?;
        self.tell(world, realm, &changes);
        Ok(leg)
    }

    /// Does something to a call; `endpoint` is checked if given. Answers every leg that changed or began.
    pub(crate) fn control(
        &self,
        world: &World,
        realm: &Realm,
        endpoint: Option<&str>,
        call: &str,
        action: &Action,
    ) -> Result<Vec<Leg>, Refusal> {
        let mut switch = self.switch();
        let changes = switch.control(endpoint, call, action).map_err(|denied| refusal(call, &denied))?;
        self.tell(world, realm, &changes);
        for change in &changes {
            if change.leg.record && change.leg.state == CallState::Completed && change.leg.answered_on.is_some() {
                realm.recordings.made(&change.leg);
            }
        }
        Ok(changes.into_iter().map(|change| change.leg).collect())
    }

    /// Reads what is to be done.
    pub(crate) fn action(&self, word: &str, words: Words) -> Result<Action, Refusal> {
        Action::read(word, words, self.variants.has(Variant::HoldSets)).map_err(Refusal::bad)
    }

    /// The calls at a phone, oldest first.
    pub(crate) fn at(&self, endpoint: &str) -> Vec<Leg> {
        self.switch().live().filter(|leg| leg.endpoint == endpoint).cloned().collect()
    }

    /// One call at a phone.
    pub(crate) fn one(&self, endpoint: &str, call: &str) -> Result<Leg, Refusal> {
        let switch = self.switch();
        let found = switch.live().find(|leg| leg.call_id == call && leg.endpoint == endpoint).cloned();
        found.ok_or_else(|| refusal(call, &Denied::Gone))
    }

    /// All calls that are, and the last ones that were.
    pub(crate) fn all(&self) -> Vec<Leg> {
        let switch = self.switch();
        switch.ended().chain(switch.live()).cloned().collect()
    }

    /// Whether the phone of this user is in a call; none if they have no phone or no call was ever there.
    pub(crate) fn is_talking(&self, principal: &str) -> bool {
        self.switch().live().any(|leg| leg.owner == principal && leg.state != CallState::Ringing)
    }

    /// Publishes changes in their order. Called while the switch is held, so that no two changes swap places.
    fn tell(&self, world: &World, realm: &Realm, changes: &[Change]) {
        for Change { leg, event } in changes {
            tracing::info!(
                target: "simulator",
                endpoint = leg.endpoint, call = leg.call_id, state = leg.state.word(), cause = leg.cause, "call",
            );
            let whose = (&*self.account_id, &*self.site);
            let content = leg.notification(event, whose, world.clock.epoch_ms(), self.variants);
            let subject = world.subject(&format!("/{}", leg.long_id()), true, Variant::MediaBare);
            world.publish(realm, (TOPIC, "PUT"), subject, content, &leg.owner);
        }
    }
}

fn refusal(call: &str, denied: &Denied) -> Refusal {
    match denied {
        Denied::Gone => Refusal::missing("CallNotFound", format!("no call {call} at this endpoint")),
        Denied::State(why) => Refusal::bad(*why),
    }
}
