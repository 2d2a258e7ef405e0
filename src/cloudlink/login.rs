//! A login by a person (wire reference, 5.3): the address of the portal's page, what came back from it, and the exchange
//! of its code for tokens. Who opens the page and hears the redirect is not decided here.

use std::fmt;
use std::sync::Arc;

use url::Url;

use super::advice::advice;
use super::auth::{Application, Auth};
use super::client::{Api, headers};
use super::hosts::{HostPolicy, Whose};
use super::line::Line;
use super::pkce::{NoRandomness, Verifier, same, unguessable};
use super::sign_in::{Form, Grant, Granted};
use super::store::Stored;
use super::token::SignInError;
use super::transport::Wire;
use super::{AppHeader, Options, path};
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::secret::Secret;

/// How the portal may call us.
const APP_NAME: &str = "Switchhook";
/// The most that is shown of a text that came by a redirect.
const SHOWN: usize = 500;

/// A login under way.
pub struct Login {
    auth: Auth,
    application: Application,
    account: Arc<str>,
    account_id: String,
    base: Url,
    session: String,
    app: AppHeader,
    line: Line,
    clock: Clock,
    redirect_uri: Url,
    verifier: Verifier,
    state: Secret,
}

/// Why what came back holds no code to be exchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRedirect {
    /// It answers another question than ours.
    #[error("the redirect carries another state than this login's: it belongs to another login, or is forged")]
    WrongState,
    /// It says no.
    #[error("the portal says {error}{}", description.as_ref().map(|said| format!(": {said}")).unwrap_or_default())]
    Refused {
        /// `error`, as in `access_denied`.
        error: String,
        /// `error_description`.
        description: Option<String>,
    },
    /// There is no code in it.
    #[error("the redirect carries no code")]
    NoCode,
}

impl Login {
    /// A login to the application of an account; none if the account signs in another way. `redirect_uri` is where the
    /// portal is to send the browser.
    pub fn new(
        options: &Options,
        redirect_uri: Url,
        wire: &Wire,
        clock: &Clock,
        chance: &Chance,
    ) -> Result<Option<Self>, NoRandomness> {
        let Some(application) = options.auth.application().cloned() else { return Ok(None) };
        let policy = HostPolicy::of_cloudlink(&options.urls.authentication);
        Ok(Some(Self {
            auth: options.auth.own().clone(),
            application,
            account: options.name.clone(),
            account_id: options.account_id.clone(),
            base: options.urls.authentication.clone(),
            session: chance.uuid(),
            app: options.app,
            line: Line::new(wire, Whose::CloudLink(Api::Authentication), policy, clock, chance),
            clock: clock.clone(),
            redirect_uri,
            verifier: Verifier::new()?,
            state: unguessable()?,
        }))
    }

    /// The page of the portal. The names of the PKCE parameters there are assumed to be those of `POST /authorize`
    /// \[A\].
    pub fn address(&self) -> Url {
        let mut address = self.application.portal.clone();
        let mut query = address.query_pairs_mut();
        query
            .append_pair("client_id", &self.application.client_id)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", self.redirect_uri.as_str())
            .append_pair("state", self.state.expose())
            .append_pair("app_name", APP_NAME)
            .append_pair("code_challenge", &self.verifier.challenge())
            .append_pair("code_challenge_method", "S256");
        if let Some(scope) = &self.application.scope {
            query.append_pair("scope", scope);
        }
        drop(query);
        address
    }

    /// Whether the query of a redirect answers this login: nobody else knows its state. Found in a time that does not tell
    /// how much of a state is right.
    pub fn ear(&self) -> impl Fn(&str) -> bool + Clone + Send + Sync + 'static {
        let ours = self.state.clone();
        move |query| {
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs.find(|(name, _)| name == "state").is_some_and(|(_, state)| same(&ours, &state))
        }
    }

    /// The code in the query of a redirect, if it answers this login.
    pub fn code_in(&self, query: &str) -> Result<Secret, BadRedirect> {
        let (mut code, mut state, mut error, mut description) = (None, None, None, None);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "code" => &mut code,
                "state" => &mut state,
                "error" => &mut error,
                "error_description" => &mut description,
                _ => continue,
            };
            // The first counts: a second one is somebody's trick.
            place.get_or_insert_with(|| value.into_owned());
        }
        if !state.is_some_and(|state| same(&self.state, &state)) {
            return Err(BadRedirect::WrongState);
        }
        if let Some(error) = error {
            return Err(BadRedirect::Refused { error: shown(&error), description: description.as_deref().map(shown) });
        }
        code.filter(|code| !code.is_empty()).map(Secret::new).ok_or(BadRedirect::NoCode)
    }

    /// What a person pasted: the whole address that the browser was sent to, its query, or the code alone.
    pub fn code_pasted(&self, text: &str) -> Result<Secret, BadRedirect> {
        let text = text.trim();
        if let Ok(url) = Url::parse(text) {
            return self.code_in(url.query().unwrap_or_default());
        }
        if text.contains('=') && (text.contains("code=") || text.contains("error=")) {
            return self.code_in(text.trim_start_matches('?'));
        }
        if text.is_empty() { Err(BadRedirect::NoCode) } else { Ok(Secret::new(text)) }
    }

    /// A code for a name and a password, without the portal: `POST /authorize`, the flow of applications that may not
    /// use it \[C, U\].
    pub async fn code_for(&self, username: &str, password: &Secret) -> Result<Secret, SignInError> {
        let mut fields = vec![
            ("client_id", self.application.client_id.clone()),
            ("response_type", "code".to_owned()),
            ("username", username.to_owned()),
            ("account_id", self.account_id.clone()),
            ("redirect_uri", self.redirect_uri.to_string()),
            ("code_challenge", self.verifier.challenge()),
            ("code_challenge_method", "S256".to_owned()),
        ];
        fields.extend(self.application.scope.iter().map(|scope| ("scope", scope.clone())));
        self.grant("authorize", fields, vec![("password", password.clone())], true)?.fetch_code(&self.line).await
    }

    /// Exchanges a code for tokens.
    pub async fn exchange(&self, code: Secret) -> Result<Granted, SignInError> {
        let mut fields = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("client_id", self.application.client_id.clone()),
            ("redirect_uri", self.redirect_uri.to_string()),
        ];
        fields.extend(self.application.scope.iter().map(|scope| ("scope", scope.clone())));
        let secrets = vec![("code", code), ("code_verifier", self.verifier.secret().clone())];
        self.grant("token", fields, secrets, false)?.fetch(&self.line).await
    }

    /// What to store of a login that gave this refresh token.
    pub fn stored(&self, refresh_token: Secret) -> Stored {
        let now = self.clock.now();
        Stored {
            refresh_token,
            issuer: self.base.to_string(),
            client_id: Some(self.application.client_id.clone()),
            seed: None,
            login: self.session.clone(),
            signed_in: now,
            stored: now,
        }
    }

    fn grant(
        &self,
        route: &str,
        fields: Vec<(&'static str, String)>,
        secrets: Vec<(&'static str, Secret)>,
        by_password: bool,
    ) -> Result<Grant, SignInError> {
        let service: Arc<str> = format!("CloudLink (account {})", self.account).into();
        let url = path::below(&self.base, route).map_err(|why| SignInError::Refused {
            service: service.clone(),
            why: why.to_owned(),
            advice: "check urls in [cloudlink]".into(),
        })?;
        let (auth, account) = (self.auth.clone(), self.account.clone());
        Ok(Grant {
            service,
            url,
            form: Form::Encoded,
            fields,
            secrets,
            headers: headers(self.app, &self.session),
            advice: Arc::new(move |status, name| match name {
                "InvalidLoginCredentials" if by_password => Some("check the user name and the password".into()),
                _ => advice(&auth, &account, status, name),
            }),
        })
    }
}

/// Text from outside for a terminal: no control characters, not without end.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login(account {})", self.account)
    }
}

#[cfg(test)]
mod tests;
