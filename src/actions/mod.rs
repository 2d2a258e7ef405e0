//! Actions: one file per family; each turns a typed request into an outcome.
//!
//! An action makes one attempt and says what came of it; waiting, trying again and giving up belong to whoever carries
//! out a plan. What a repeat would do decides the class of a request: *repeat* is sent again without a thought, *check*
//! looks first whether it is done already, *never* is sent once, and an attempt whose outcome is unknown goes to a human.
//! `http` steps go out over a wire of their own that refuses link-local and metadata addresses; a credential is sent
//! below its base and nowhere else, and CloudLink's token is not sent by them at all.

mod address;
mod any;
mod call;
mod chat;
mod credential;
mod guard;
mod http;
mod log;
mod lookup;
mod outcome;
mod perform;
#[cfg(test)]
mod tests;

pub use credential::BadCredential;
pub use guard::guarded_wire;
pub use outcome::{ErrorWord, Outcome};
pub use perform::{Actions, Attempt, Class, class};

use url::Url;

use crate::kit::secret::Secret;

/// A settled `[[credential]]`: where `http` steps may go with it, and what they carry.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The name that steps use.
    pub name: String,
    /// What paths in steps are relative to; the credential is sent nowhere else. May itself be a secret.
    pub base: Secret,
    /// What is added to requests.
    pub auth: CredentialAuth,
}

/// What a credential adds to a request.
#[derive(Clone, Debug)]
pub enum CredentialAuth {
    /// Nothing: the base address itself may be the secret.
    None,
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// `Authorization: Basic …`.
    Basic {
        /// The user name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A header of its own.
    Header {
        /// The header's name.
        name: String,
        /// Its value.
        value: Secret,
    },
    /// A token of the OAuth 2 client credentials grant (RFC 6749, 4.4).
    OAuth2 {
        /// Where tokens are asked for.
        token_url: Url,
        /// The client's id.
        client_id: String,
        /// The client's secret.
        client_secret: Secret,
        /// The scope, if one is asked for.
        scope: Option<String>,
    },
}
