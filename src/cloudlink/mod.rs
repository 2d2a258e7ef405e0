//! The client of CloudLink's APIs: one transport (token, retry classes, correlation id), one file per API.

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
