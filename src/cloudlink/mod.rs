//! The client of CloudLink's APIs: one transport, one token for each account, one file per API.
//!
//! A call makes one attempt, with one exception: when its token is refused (401) the token is renewed once and the call
//! made once more. Waiting and trying again belong to whoever carries out a plan; what they need to know is in
//! [`Error::class`]. Nothing secret leaves this room: tokens are marked sensitive, never decoded, never logged, and
//! error bodies are scrubbed of them, because CloudLink repeats the bearer token in one of its own messages.
//!
//! What is known about the wire, and how surely, is written beside each item with the mark of the wire reference:
//! \[C\] confirmed, \[P\] probable, \[A\] assumed.

mod authentication;
mod chat;
mod client;
mod error;
mod media;
mod path;
pub mod retry_after;
pub mod scrub;
pub mod sign_in;
pub mod token;
pub mod transport;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use authentication::WhoAmI;
pub use chat::{Message, Recent, message_tag};
pub use client::{Api, CloudLink};
pub use error::{Answered, Class, Error};
pub use media::Call;

use std::sync::Arc;

use url::Url;

use crate::kit::secret::Secret;

/// The settled `[cloudlink]` or one `[[account]]`.
#[derive(Clone, Debug)]
pub struct Options {
    /// The account's name in the settings (`main` for the shorthand `[cloudlink]`).
    pub name: Arc<str>,
    /// CloudLink's account id or number, sent with the token request.
    pub account_id: String,
    /// Base URLs, version included, without a trailing slash.
    pub urls: Urls,
    /// How to sign in.
    pub auth: Auth,
}

/// The base URL of each API, version included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Urls {
    /// Authentication.
    pub authentication: Url,
    /// Notifications.
    pub notifications: Url,
    /// Media.
    pub media: Url,
    /// Conversations; the host is `chat`.
    pub chat: Url,
    /// Admin.
    pub admin: Url,
    /// Presence.
    pub presence: Url,
}

/// How to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// The grant `client_credentials`.
    ClientCredentials {
        /// The client's id.
        client_id: String,
        /// The client's secret.
        client_secret: Secret,
    },
}
