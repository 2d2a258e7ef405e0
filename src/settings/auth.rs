//! `auth` of an account: the grant, what it needs, the role that is assumed upon it.

use std::path::Path;

use url::Url;

use super::guess;
use super::secret::Found;
use super::section::Section;
use super::values::is_loopback;
use crate::cloudlink::Auth;
use crate::cloudlink::auth::{Application, Guest, Role};
use crate::cloudlink::store::Store;

/// The grants, each with the keys that are its own.
const GRANTS: [(&str, &[&str]); 5] = [
    ("client_credentials", &["client_id", "client_secret"]),
    ("authorization_code", &["client_id", "redirect_uri", "scope"]),
    ("refresh_token", &["refresh_token"]),
    ("guest", &["access_code", "principal_id", "name", "email", "client_id"]),
    ("password", &["username", "password"]),
];
/// Where the browser is sent after a login, on whatever port is free.
const REDIRECT_URI: &str = "http://127.0.0.1/callback";

/// What the way to sign in has to know of its account.
pub(super) struct Of<'a> {
    /// The account's name.
    pub(super) account: &'a str,
    /// The state folder.
    pub(super) state: &'a Path,
    /// The portal's page.
    pub(super) portal: Option<Url>,
}

pub(super) fn settle(auth: &mut Section<'_>, of: Of<'_>) -> Option<Auth> {
    let grants = GRANTS.map(|(grant, _)| grant);
    let grant = auth.needed_text("grant", &grants.join(", "));
    let Some((_, own)) = GRANTS.into_iter().find(|(known, _)| *known == grant) else {
        if !grant.is_empty() {
            auth.problem("grant", format!("`{grant}` is no grant"), guess::remedy(&grant, &grants));
        }
        auth.forget_the_rest();
        return None;
    };
    let role = auth.table("assume_role", role);
    of_others(auth, &grant, own);
    let settled = match grant.as_str() {
        "client_credentials" => {
            let client_id = auth.needed_text("client_id", "the id of the client in CloudLink");
            let client_secret = auth.needed_secret("client_secret").map(Found::into_secret);
            client_secret.map(|client_secret| Auth::ClientCredentials { client_id, client_secret })
        }
        "authorization_code" => application(auth, of),
        "refresh_token" => {
            let first = auth.needed_secret("refresh_token").map(Found::into_secret);
            first.map(|first| Auth::RefreshToken { first, store: Store::new(of.state, of.account) })
        }
        "guest" => Some(Auth::Guest(guest(auth))),
        _ => {
            auth.warn("grant", "`password` is for development only: Mitel allows it nowhere else");
            let username = auth.needed_text("username", "the user's e-mail address or id");
            let password = auth.needed_secret("password").map(Found::into_secret);
            password.map(|password| Auth::Password { username, password })
        }
    };
    match role {
        Some(role) => settled.map(|by| Auth::Assumed { by: Box::new(by), role }),
        None => settled,
    }
}

/// What belongs to other grants is said to.
fn of_others(auth: &mut Section<'_>, grant: &str, own: &[&str]) {
    for (other, keys) in GRANTS {
        for key in keys.iter().filter(|key| !own.contains(key)) {
            // A key of several grants is said once: it is gone then.
            if auth.has(key) && auth.take(key).is_some() {
                auth.problem(key, format!("does not belong to the grant {grant}"), format!("it belongs to {other}"));
            }
        }
    }
}

fn application(auth: &mut Section<'_>, of: Of<'_>) -> Option<Auth> {
    let client_id = auth.needed_text("client_id", "the id of the application in CloudLink");
    let redirect_uri = auth.text("redirect_uri");
    let written = redirect_uri.is_some();
    let redirect_uri = Url::parse(redirect_uri.as_deref().unwrap_or(REDIRECT_URI)).ok();
    let fits = |url: &Url| match url.scheme() {
        "http" => is_loopback(url) && url.fragment().is_none(),
        "https" => url.fragment().is_none(),
        _ => false,
    };
    let redirect_uri = redirect_uri.filter(fits);
    if redirect_uri.is_none() && written {
        let remedy = "such as http://127.0.0.1:8765/callback; http is for loopback addresses only";
        auth.problem("redirect_uri", "is no address that a browser can be sent to", remedy);
    }
    let scope = auth.text("scope");
    Some(Auth::AuthorizationCode(Box::new(Application {
        client_id,
        redirect_uri: redirect_uri?,
        scope,
        portal: of.portal?,
        store: Store::new(of.state, of.account),
    })))
}

fn guest(auth: &mut Section<'_>) -> Guest {
    Guest {
        access_code: auth.secret("access_code").map(Found::into_secret),
        principal_id: auth.text("principal_id"),
        name: auth.text("name"),
        email: auth.text("email"),
        client_id: auth.text("client_id"),
    }
}

fn role(role: &mut Section<'_>) -> Role {
    Role {
        role: role.needed_text("role", "such as ACCOUNT_ADMIN"),
        account_id: role.text("account_id"),
        policy_id: role.text("policy_id"),
    }
}
