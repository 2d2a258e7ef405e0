//! Conferences: meetings with participants, occurrences and who attended. `state` keeps them, `written` shows them,
//! `routes` and `people` are the API.

mod people;
mod routes;
mod state;
mod written;

use super::service::Served;
use super::world::World;
pub(crate) use state::Meetings;

/// The routes of conferences.
pub(crate) static ROUTES: &[Served] = routes::ROUTES;

/// Publishes that something about a conference changed.
fn tell(world: &World, realm: &super::realm::Realm, method: &str, path: &str, content: serde_json::Value, by: &str) {
    let subject = world.subject(path, true, super::variants::Variant::MediaBare);
    world.publish(realm, (super::phones::TOPIC, method), subject, content, by);
}
