//! The client of CloudLink's APIs: one transport, one token for each account, one file per API.
//!
//! A call makes one attempt, with one exception: when its token is refused (401) the token is renewed once and the call
//! made once more. Waiting and trying again belong to whoever carries out a plan; what they need to know is in
//! [`Error::class`]. Nothing secret leaves this room: tokens are marked sensitive, never decoded, never logged, and
//! error bodies are scrubbed of them, because CloudLink repeats the bearer token in one of its own messages.
//!
//! A redirect is not followed, not even to another region: the token is for the host that is set, and the error says what
//! to set. What an answer links to is asked for at the same origin only; a recording or a photo that lies elsewhere is
//! fetched without the token. Files are streams and bounded; so are collections, one page at a time.
//!
//! Requests of this room and of `http` steps go out by a [`Line`], under the failure policy of `hosts`; an attempt that
//! it does not let through has sent nothing and says when to come again.
//!
//! What is known about the wire, and how surely, is written beside each item with the mark of the wire reference:
//! \[C\] confirmed, \[P\] probable, \[A\] assumed.

pub mod admin;
mod advice;
mod any;
mod app;
pub mod auth;
mod authentication;
pub mod chat;
mod client;
mod error;
mod files;
mod hosts;
mod line;
pub mod login;
pub mod media;
pub mod notifications;
mod object;
mod paging;
mod path;
mod paths;
mod pkce;
mod places;
pub mod presence;
mod principal;
mod query;
mod raw;
pub mod retry_after;
pub mod scrub;
pub mod service_delivery;
pub mod sign_in;
mod signer;
pub mod store;
pub mod token;
pub mod transport;
mod verbs;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use app::AppHeader;
pub use auth::Auth;
pub use authentication::{Application, WhoAmI};
pub use chat::{Content, Message, Recent, message_tag};
pub use client::{Api, CloudLink};
pub use error::{Answered, Class, Error};
pub use files::{Download, MAX_FILE, Upload};
pub use hosts::{BreakerPolicy, Hold, HostPolicy, HostState, LONGEST_HOLD, Rate, Turn, Turned, Whose, untold};
pub use line::Line;
pub use media::Call;
pub use paging::{Items, MAX_PAGES, Page, Pages, Paging};
pub use paths::{PathError, Paths};
pub use places::{Mark, Place, ROUTES, Route};
pub use query::{Query, quoted};
pub use raw::{Exchange, Raw, hide_secrets, with_query};

use std::sync::Arc;

use url::Url;

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
    /// Where assumed routes lie, if not where the client thinks.
    pub paths: Paths,
    /// How this application is named to CloudLink.
    pub app: AppHeader,
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
    /// Service Delivery; nobody public says where it is \[A\].
    pub service_delivery: Option<Url>,
}

impl Urls {
    /// That of one API; none if it is not known.
    pub fn of(&self, api: Api) -> Option<&Url> {
        Some(match api {
            Api::Authentication => &self.authentication,
            Api::Notifications => &self.notifications,
            Api::Media => &self.media,
            Api::Chat => &self.chat,
            Api::Admin => &self.admin,
            Api::Presence => &self.presence,
            Api::ServiceDelivery => self.service_delivery.as_ref()?,
        })
    }
}
