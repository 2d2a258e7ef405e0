//! The client of CloudLink's APIs: one transport, one token for each account, one file per API.
//!
//! A call makes one attempt, with one exception: when its token is refused (401) the token is renewed once and the call
//! made once more. Waiting and trying again belong to whoever carries out a plan; what they need to know is in
//! [`Error::class`]. Nothing secret leaves this room: tokens are marked sensitive, never decoded, never logged, and
//! error bodies are scrubbed of them, because CloudLink repeats the bearer token in one of its own messages.
//!
//! Requests of this room and of `http` steps go out by a [`Line`], under the failure policy of `hosts`; an attempt that
//! it does not let through has sent nothing and says when to come again.
//!
//! What is known about the wire, and how surely, is written beside each item with the mark of the wire reference:
//! \[C\] confirmed, \[P\] probable, \[A\] assumed.

mod any;
mod authentication;
mod chat;
mod client;
mod error;
mod hosts;
mod line;
mod media;
mod paging;
mod path;
mod raw;
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
pub use chat::{Content, Message, Recent, message_tag};
pub use client::{Api, CloudLink};
pub use error::{Answered, Class, Error};
pub use hosts::{BreakerPolicy, Hold, HostPolicy, HostState, LONGEST_HOLD, Rate, Whose};
pub use line::Line;
pub use media::Call;
pub use paging::{Items, MAX_PAGES, Page, Pages, Paging};
pub use raw::{Exchange, Raw, hide_secrets, with_query};

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

impl Urls {
    /// That of one API.
    pub fn of(&self, api: Api) -> &Url {
        match api {
            Api::Authentication => &self.authentication,
            Api::Notifications => &self.notifications,
            Api::Media => &self.media,
            Api::Chat => &self.chat,
            Api::Admin => &self.admin,
            Api::Presence => &self.presence,
        }
    }
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
