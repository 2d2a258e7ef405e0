//! Media: phones and their calls. `switch` is the PBX (pure: what happens to calls), `leg` is one call at one phone and
//! how the wire shows it, `routes` is the API. Any endpoint id is a phone; nobody has to create one first.

mod leg;
mod routes;
mod switch;

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::answer::Refusal;
use super::clock::Clock;
use super::notify::Publication;
use super::world::World;
pub(crate) use leg::{Direction, Leg};
pub(crate) use routes::routes;
pub(crate) use switch::{Action, Dial};
use switch::{Change, Denied, Switch};

/// The topic of all call events.
const TOPIC: &str = "platform-api-media";

/// The phones of the account.
pub(crate) struct Phones {
    switch: Mutex<Switch>,
}

impl Phones {
    /// All phones are silent.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { switch: Mutex::new(Switch::new(clock)) }
    }

    fn switch(&self) -> MutexGuard<'_, Switch> {
        self.switch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a phone ring, or dial; answers the leg at that phone.
    pub(crate) fn dial(&self, world: &World, dial: Dial) -> Result<Leg, Refusal> {
        let mut switch = self.switch();
        let (leg, changes) = switch.dial(dial).map_err(|denied| refusal("", &denied))?;
        tell(world, &changes);
        Ok(leg)
    }

    /// Does something to a call; `endpoint` is checked if given. Answers every leg that changed or began.
    pub(crate) fn control(
        &self,
        world: &World,
        endpoint: Option<&str>,
        call: &str,
        action: &Action,
    ) -> Result<Vec<Leg>, Refusal> {
        let mut switch = self.switch();
        let changes = switch.control(endpoint, call, action).map_err(|denied| refusal(call, &denied))?;
        tell(world, &changes);
        Ok(changes.into_iter().map(|change| change.leg).collect())
    }

    /// The calls at a phone, oldest first.
    pub(crate) fn at(&self, endpoint: &str) -> Vec<Leg> {
        self.switch().live().filter(|leg| leg.endpoint == endpoint).cloned().collect()
    }

    /// One call at a phone.
    pub(crate) fn one(&self, endpoint: &str, call: &str) -> Result<Leg, Refusal> {
        let mut here = self.at(endpoint).into_iter();
        here.find(|leg| leg.call_id == call).ok_or_else(|| refusal(call, &Denied::Gone))
    }

    /// All calls that are, and the last ones that were.
    pub(crate) fn all(&self) -> Vec<Leg> {
        let switch = self.switch();
        switch.ended().chain(switch.live()).cloned().collect()
    }
}

/// Publishes changes in their order. Called while the switch is held, so that no two changes swap places.
fn tell(world: &World, changes: &[Change]) {
    for Change { leg, event } in changes {
        let account: &str = &world.options.account_id;
        tracing::info!(
            target: "simulator",
            endpoint = leg.endpoint, call = leg.call_id, state = leg.state.word(), cause = leg.cause, "call",
        );
        let content = leg.notification(event, account, world.clock.epoch_ms());
        let publication = Publication::new(TOPIC, "PUT", leg.path(), content, (account, &leg.owner));
        world.notify.publish(&publication);
    }
}

fn refusal(call: &str, denied: &Denied) -> Refusal {
    match denied {
        Denied::Gone => Refusal::missing("CallNotFound", format!("no call {call} at this endpoint")),
        Denied::State(why) => Refusal::bad(*why),
    }
}
