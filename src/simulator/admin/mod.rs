//! Admin: accounts and what belongs to them. `directory` keeps it, `people` are the users (made on demand, so that fifty
//! thousand of them cost nothing until somebody asks), `kinds` are the many resources that are only kept and shown. A
//! caller sees the own account; a partner also those of the customers.

mod accounts;
mod clients;
mod directory;
mod extras;
mod guard;
mod kinds;
mod members;
mod patch;
mod people;
mod photos;
mod seeds;
mod tags;
mod users;

use super::service::Served;
pub(crate) use directory::Directory;
pub(crate) use people::{index_of, user_id};

/// The topic of all its events.
pub(crate) const TOPIC: &str = "platform-api-admin";

/// The routes of the Admin API.
pub(crate) fn tables() -> [&'static [Served]; 8] {
    [
        accounts::ROUTES,
        users::ROUTES,
        clients::ROUTES,
        kinds::ROUTES,
        members::ROUTES,
        tags::ROUTES,
        photos::ROUTES,
        extras::ROUTES,
    ]
}
