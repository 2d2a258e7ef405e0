//! The Admin API: accounts and who and what is in them (wire reference, 9).
//!
//! Accounts are addressed by id, sometimes by number: both are texts here. A user's SIP password is taken out of every
//! answer before anything else sees it.

mod accounts;
mod clients;
mod contacts;
mod groups;
mod photos;
mod policies;
mod users;

pub use accounts::{Account, Entity, Partner, Site};
pub use clients::{Client, NewClient};
pub use contacts::Contact;
pub use groups::{Group, Member};
pub use policies::{Policy, Statement};
pub use users::{Operation, OperationAnswer, Operations, User};
