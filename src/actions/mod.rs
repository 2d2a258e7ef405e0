//! Actions: one file per family; each turns a typed request into an outcome.

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
