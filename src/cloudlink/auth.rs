//! How an account signs in, settled: which grant, with what, and what is put upon it.

use url::Url;

use super::store::Store;
use crate::kit::secret::Secret;

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
    /// The grant `authorization_code`: a person logs in once, then the refresh token does.
    AuthorizationCode(Box<Application>),
    /// The grant `refresh_token`, with a token that somebody else was given.
    RefreshToken {
        /// The first one; after it those that are stored.
        first: Secret,
        /// Where they are stored.
        store: Store,
    },
    /// A guest of an account or a meeting.
    Guest(Guest),
    /// The grant `password`, which Mitel allows for development only \[C, G\].
    Password {
        /// Anything that names the user: id, e-mail address, mobile number.
        username: String,
        /// The user's password.
        password: Secret,
    },
    /// Another way, whose token is exchanged for that of a role.
    Assumed {
        /// The partner's own way.
        by: Box<Self>,
        /// What is assumed.
        role: Role,
    },
}

/// An application that people log in to by Mitel's portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its id.
    pub client_id: String,
    /// Where the portal sends the browser afterwards; registered with the application. A loopback address without a
    /// port means any free one.
    pub redirect_uri: Url,
    /// What is asked for, if something is.
    pub scope: Option<String>,
    /// The portal's page.
    pub portal: Url,
    /// Where the refresh token is stored.
    pub store: Store,
}

/// Who signs in as a guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guest {
    /// The access code of a meeting; without one it is the account that is visited.
    pub access_code: Option<Secret>,
    /// The guest's id; without one a new one at each start.
    pub principal_id: Option<String>,
    /// The name that others see.
    pub name: Option<String>,
    /// An e-mail address.
    pub email: Option<String>,
    /// The id of the application.
    pub client_id: Option<String>,
}

/// What a partner assumes to act in a customer's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// `ACCOUNT_ADMIN`, ….
    pub role: String,
    /// The customer's account.
    pub account_id: Option<String>,
    /// The policy that allows it.
    pub policy_id: Option<String>,
}

impl Auth {
    /// The grant's name in the settings.
    pub fn grant(&self) -> &'static str {
        match self {
            Self::ClientCredentials { .. } => "client_credentials",
            Self::AuthorizationCode(_) => "authorization_code",
            Self::RefreshToken { .. } => "refresh_token",
            Self::Guest(_) => "guest",
            Self::Password { .. } => "password",
            Self::Assumed { by, .. } => by.grant(),
        }
    }

    /// The way without the role that is assumed upon it.
    pub fn own(&self) -> &Self {
        match self {
            Self::Assumed { by, .. } => by.own(),
            own => own,
        }
    }

    /// The role that is assumed, if one is.
    pub fn role(&self) -> Option<&Role> {
        match self {
            Self::Assumed { role, .. } => Some(role),
            _ => None,
        }
    }

    /// The application that people log in to, if it is done that way.
    pub fn application(&self) -> Option<&Application> {
        match self.own() {
            Self::AuthorizationCode(application) => Some(application),
            _ => None,
        }
    }

    /// Where its refresh token is stored, if it lives on one.
    pub fn store(&self) -> Option<&Store> {
        match self.own() {
            Self::AuthorizationCode(application) => Some(&application.store),
            Self::RefreshToken { store, .. } => Some(store),
            _ => None,
        }
    }
}
