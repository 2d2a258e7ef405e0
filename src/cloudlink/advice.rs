//! What to do about CloudLink's refusals to hand out a token \[C, AS\], by status, `name` and the way that was tried.

use std::borrow::Cow;

use super::auth::Auth;

/// What to do when the account called `account`, which signs in by `auth`, was refused.
pub(super) fn advice(auth: &Auth, account: &str, status: u16, name: &str) -> Option<Cow<'static, str>> {
    let known = of_the_grant(auth, status, name).or_else(|| common(status, name));
    known.map(Cow::from).or_else(|| last(auth, account, status))
}

/// The command that a person has to give.
pub(super) fn log_in(account: &str) -> Cow<'static, str> {
    format!("run `switchhook login --account {account}`").into()
}

/// What means something else for each grant.
fn of_the_grant(auth: &Auth, status: u16, name: &str) -> Option<&'static str> {
    Some(match (auth, name) {
        (Auth::AuthorizationCode(_), "InvalidRedirectUri" | "UnconfiguredRedirectUri") => {
            "register redirect_uri with the application in CloudLink, or set auth.redirect_uri to one that is"
        }
        (Auth::AuthorizationCode(_), "InvalidScope") => "check auth.scope",
        (
            Auth::RefreshToken { .. },
            "InvalidLoginCredentials" | "MissingAuthToken" | "invalid_grant" | "AuthenticationFailure",
        ) => "the refresh token is spent or has ended: put a new one into auth.refresh_token",
        (Auth::Password { .. }, "InvalidLoginCredentials" | "UserNotFound" | "NoneMatching") => {
            "check auth.username and auth.password"
        }
        (Auth::Password { .. }, "InvalidGrantType") => "the grant password is for development only: use another",
        (Auth::Guest(_), "NotAllowed") => "the account does not let guests in: its administrator can allow it",
        (Auth::Guest(_), "NameInvalid") => "check auth.name",
        (Auth::Guest(_), "EmailInvalid") => "check auth.email",
        (Auth::Guest(_), "PrincipalMissing") => "check auth.principal_id",
        (Auth::Guest(_), "AccountMissing") => "check auth.access_code, or account_id",
        (Auth::ClientCredentials { .. }, "InvalidLoginCredentials") => {
            "check auth.client_id and auth.client_secret in [cloudlink]"
        }
        (Auth::Assumed { .. }, _) if matches!(status, 400 | 401 | 403 | 404) => {
            "check auth.assume_role: role, account_id, policy_id, and that the partner may assume it"
        }
        _ => return None,
    })
}

/// What means the same for all.
fn common(status: u16, name: &str) -> Option<&'static str> {
    Some(match (status, name) {
        (_, "ClientSecretMismatch") => "check auth.client_secret in [cloudlink]",
        (_, "InvalidClient" | "ClientNotFound") => "check auth.client_id in [cloudlink]",
        (_, "ClientNotActive") => "activate the client in CloudLink's account console",
        (_, "AccountNotFound") => "check account_id in [cloudlink]",
        (_, "MultipleMatching") => "say which account is meant: set account_id in [cloudlink]",
        (_, "InactiveAccount" | "UserNotActive") => "the account or user is not active: ask its administrator",
        (_, "UnregisteredRoute") | (404, _) => {
            "check the base URL of the authentication API: cloud and urls in [cloudlink]"
        }
        // These come without a name; `error` says which.
        (422, "401") => "the account is locked: ask its administrator",
        (422, "451" | "452") => "the password must be changed in CloudLink first",
        _ => return None,
    })
}

/// When nothing else fits.
fn last(auth: &Auth, account: &str, status: u16) -> Option<Cow<'static, str>> {
    match (auth, status) {
        (Auth::AuthorizationCode(_), 400 | 401 | 403) => Some(log_in(account)),
        (_, 400) => Some("check account_id and auth in [cloudlink]".into()),
        (_, 401 | 403) => Some("check auth in [cloudlink] and that the client may sign in to this account".into()),
        _ => None,
    }
}
