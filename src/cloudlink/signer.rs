//! Signing an account in, again and again: the request that its way needs, the refresh token that is passed on from one
//! to the next, the role that is assumed upon it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use ring::digest::{SHA256, digest};
use tokio::time::sleep;
use url::Url;

use super::advice::{advice, log_in};
use super::auth::{Auth, Guest, Role};
use super::line::Line;
use super::sign_in::{Form, Grant};
use super::store::{Lock, Store, StoreError, Stored, blocking};
use super::token::{Fresh, SignInError, Tokens};
use super::{Options, path};
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::secret::Secret;

/// How often it is looked whether somebody has logged in or out.
const LOOKS: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Signer {
    auth: Auth,
    account: Arc<str>,
    account_id: String,
    /// For messages.
    pub(super) service: Arc<str>,
    /// The base URL of the Authentication API.
    base: Url,
    headers: HeaderMap,
    line: Line,
    clock: Clock,
    chance: Chance,
    /// A guest without an id gets this one for as long as the process lives.
    guest: String,
    story: Mutex<Story>,
}

/// What is known of the store besides what is in it.
#[derive(Default)]
struct Story {
    /// The login that was tried last; none if there was none.
    tried: Option<String>,
    /// The login of the last token that was handed out.
    granted: Option<String>,
    /// A new token that could not be written, and the one in the store that it replaces; none if there was none.
    unsaved: Option<(Option<Secret>, Stored)>,
}

impl Signer {
    pub(super) fn new(options: &Options, headers: HeaderMap, line: Line, clock: Clock, chance: Chance) -> Self {
        Self {
            auth: options.auth.clone(),
            account: options.name.clone(),
            account_id: options.account_id.clone(),
            service: format!("CloudLink (account {})", options.name).into(),
            base: options.urls.authentication.clone(),
            headers,
            line,
            clock,
            guest: if matches!(options.auth.own(), Auth::Guest(_)) { chance.uuid() } else { String::new() },
            chance,
            story: Mutex::default(),
        }
    }

    /// A new token.
    pub(super) async fn fetch(&self) -> Result<Fresh, SignInError> {
        let own = match self.auth.own() {
            Auth::ClientCredentials { client_id, client_secret } => {
                let fields = vec![("client_id", client_id.clone())];
                self.granted("client_credentials", fields, vec![("client_secret", client_secret.clone())]).await?
            }
            Auth::Password { username, password } => {
                let fields = vec![("username", username.clone())];
                self.granted("password", fields, vec![("password", password.clone())]).await?
            }
            Auth::Guest(guest) => {
                self.grant("guest/token", self.guest(guest), guest_secrets(guest))?.fetch(&self.line).await?.fresh
            }
            Auth::AuthorizationCode(application) => self.refreshed(&application.store, None).await?,
            Auth::RefreshToken { first, store } => self.refreshed(store, Some(first)).await?,
            // `own` is never one.
            Auth::Assumed { .. } => return Err(self.refused("it is not settled how to sign in".into())),
        };
        match self.auth.role() {
            None => Ok(own),
            Some(role) => self.assumed(&own, role).await,
        }
    }

    /// What a grant without a store gives.
    async fn granted(
        &self,
        grant_type: &str,
        mut fields: Vec<(&'static str, String)>,
        secrets: Vec<(&'static str, Secret)>,
    ) -> Result<Fresh, SignInError> {
        fields.insert(0, ("grant_type", grant_type.to_owned()));
        if !self.account_id.is_empty() {
            fields.push(("account_id", self.account_id.clone()));
        }
        Ok(self.grant("token", fields, secrets)?.fetch(&self.line).await?.fresh)
    }

    /// The form of `POST /guest/token` \[C, AS\].
    fn guest(&self, guest: &Guest) -> Vec<(&'static str, String)> {
        let mut fields = vec![("principalId", guest.principal_id.clone().unwrap_or_else(|| self.guest.clone()))];
        if guest.access_code.is_none() {
            fields.push(("accountId", self.account_id.clone()));
        }
        let given = [("name", &guest.name), ("guestEmail", &guest.email), ("client_id", &guest.client_id)];
        fields.extend(given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        fields
    }

    /// The token of a role, for one's own (wire reference, 5.4).
    async fn assumed(&self, own: &Fresh, role: &Role) -> Result<Fresh, SignInError> {
        let mut fields = vec![("role", role.role.clone())];
        let given = [("accountId", &role.account_id), ("policyId", &role.policy_id)];
        fields.extend(given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        let mut grant = self.grant("assume-role/token", fields, vec![])?;
        grant.form = Form::Json;
        let Ok(mut bearer) = HeaderValue::try_from(format!("Bearer {}", own.text.expose())) else {
            return Err(self.refused("the partner's token holds characters that no header may hold".into()));
        };
        bearer.set_sensitive(true);
        grant.headers.insert(AUTHORIZATION, bearer);
        let (auth, account) = (self.auth.clone(), self.account.clone());
        grant.advice = Arc::new(move |status, name| advice(&auth, &account, status, name));
        Ok(grant.fetch(&self.line).await?.fresh)
    }

    /// A token for the refresh token that is stored, or for the first one; the new refresh token is on disk before the
    /// access token is used. The lock is held all the while: whoever else renews builds on what this one leaves.
    async fn refreshed(&self, store: &Store, first: Option<&Secret>) -> Result<Fresh, SignInError> {
        let lock = self.lock(store).await?;
        let there = self.read(store).await?;
        self.story().tried = there.as_ref().map(|stored| stored.login.clone());
        let (there, from) = self.start_from(there, first)?;
        let fields = vec![("grant_type", "refresh_token".to_owned())];
        let grant = self.grant("token", fields, vec![("refresh_token", from.refresh_token.clone())])?;
        let granted = grant.fetch(&self.line).await?;
        let refresh_token = granted.refresh_token.unwrap_or_else(|| from.refresh_token.clone());
        let next = Stored { refresh_token, stored: self.clock.now(), ..from };
        {
            let login = Some(next.login.clone());
            let mut story = self.story();
            (story.tried, story.granted) = (login.clone(), login);
        }
        if there.as_ref().is_none_or(|there| there.refresh_token != next.refresh_token) {
            self.keep(lock, there, next).await;
        }
        Ok(granted.fresh)
    }

    /// What is in the store, and what to refresh with: that, what could not be written there, or the first token.
    fn start_from(
        &self,
        there: Option<Stored>,
        first: Option<&Secret>,
    ) -> Result<(Option<Stored>, Stored), SignInError> {
        let unsaved = {
            let mut story = self.story();
            // Somebody has logged in or out since: that counts.
            story.unsaved = story.unsaved.take().filter(|(replaced, _)| *replaced == text(there.as_ref()));
            story.unsaved.clone()
        };
        if let Some((_, unsaved)) = unsaved {
            return Ok((there, unsaved));
        }
        let seed = first.map(fingerprint);
        let fits = |stored: &&Stored| {
            let client = self.auth.application().map(|application| &application.client_id);
            stored.issuer == self.base.as_str() && stored.client_id.as_ref() == client && stored.seed == seed
        };
        match (there.as_ref().filter(fits), first) {
            (Some(stored), _) => Ok((there.clone(), stored.clone())),
            (None, Some(first)) => {
                let (issuer, now) = (self.base.to_string(), self.clock.now());
                let login = self.chance.uuid();
                let refresh_token = first.clone();
                let begun = Stored { refresh_token, issuer, client_id: None, seed, login, signed_in: now, stored: now };
                Ok((there, begun))
            }
            (None, None) if there.is_some() => {
                Err(self.must_log_in("who was logged in was so to another application or address"))
            }
            (None, None) => Err(self.must_log_in("nobody has logged in")),
        }
    }

    /// Stores what came. What can't be written is not lost as long as the process lives: the next renewal takes it, and
    /// tries again.
    async fn keep(&self, lock: Lock, there: Option<Stored>, next: Stored) {
        let writing = next.clone();
        let written = blocking(move || lock.write(&writing)).await;
        let mut story = self.story();
        story.unsaved = None;
        if let Err(error) = written {
            tracing::error!(
                account = %self.account,
                "the new refresh token could not be stored: {error}; it is lost when this process ends"
            );
            story.unsaved = Some((text(there.as_ref()), next));
        }
    }

    async fn lock(&self, store: &Store) -> Result<Lock, SignInError> {
        match store.lock().await {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(self.unavailable("another process keeps the stored sign-in locked".into())),
            Err(error) => Err(self.unavailable(format!("could not {error}"))),
        }
    }

    async fn read(&self, store: &Store) -> Result<Option<Stored>, SignInError> {
        let reading = store.clone();
        blocking(move || reading.read()).await.map_err(|error| match error {
            StoreError::Io { .. } => self.unavailable(format!("could not {error}")),
            error => SignInError::Refused {
                service: self.service.clone(),
                why: error.to_string(),
                advice: "the stored sign-in is not used as it is".into(),
            },
        })
    }

    fn grant(
        &self,
        route: &'static str,
        fields: Vec<(&'static str, String)>,
        secrets: Vec<(&'static str, Secret)>,
    ) -> Result<Grant, SignInError> {
        let url = path::below(&self.base, route).map_err(|why| self.refused(why.to_owned()))?;
        let (auth, account) = (self.auth.own().clone(), self.account.clone());
        Ok(Grant {
            service: self.service.clone(),
            url,
            form: Form::Encoded,
            fields,
            secrets,
            headers: self.headers.clone(),
            advice: Arc::new(move |status, name| advice(&auth, &account, status, name)),
        })
    }

    /// Takes over a login or a logout that somebody made meanwhile. Without a store there is nothing to look at.
    pub(super) async fn watch(&self, tokens: &Tokens) {
        let Some(store) = self.auth.store() else { return std::future::pending().await };
        let mut seen = None;
        loop {
            sleep(LOOKS).await;
            let now = stamp(store.path()).await;
            if seen.as_ref() == Some(&now) {
                continue;
            }
            let reading = store.clone();
            // What can't be read now says nothing about who is logged in.
            let Ok(there) = blocking(move || reading.read()).await else { continue };
            let known = {
                let story = self.story();
                let not_written = story.unsaved.as_ref().is_some_and(|(replaced, _)| *replaced == text(there.as_ref()));
                not_written || story.tried == there.map(|stored| stored.login)
            };
            if known {
                seen = Some(now);
            } else {
                tracing::info!(account = %self.account, "somebody has logged in or out: signing in anew");
                tokens.forget();
            }
        }
    }

    /// Names the login that the last token goes back to, where there are logins.
    pub(super) fn login(&self) -> Option<String> {
        self.story().granted.clone()
    }

    fn story(&self) -> std::sync::MutexGuard<'_, Story> {
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn must_log_in(&self, why: &str) -> SignInError {
        SignInError::Refused { service: self.service.clone(), why: why.to_owned(), advice: log_in(&self.account) }
    }

    fn refused(&self, why: String) -> SignInError {
        SignInError::Refused { service: self.service.clone(), why, advice: "check auth in [cloudlink]".into() }
    }

    fn unavailable(&self, why: String) -> SignInError {
        SignInError::Unavailable { service: self.service.clone(), why, after: None }
    }
}

fn guest_secrets(guest: &Guest) -> Vec<(&'static str, Secret)> {
    guest.access_code.iter().map(|code| ("accessCode", code.clone())).collect()
}

/// The refresh token in a store.
fn text(stored: Option<&Stored>) -> Option<Secret> {
    stored.map(|stored| stored.refresh_token.clone())
}

/// Tells one first token from another without keeping it.
fn fingerprint(secret: &Secret) -> String {
    hex::encode(digest(&SHA256, secret.expose().as_bytes()))
}

/// What changes when a file is replaced; none if there is none.
async fn stamp(path: PathBuf) -> Option<(u64, std::time::SystemTime)> {
    use std::os::unix::fs::MetadataExt;
    let about = tokio::fs::metadata(path).await.ok()?;
    Some((about.ino(), about.modified().ok()?))
}

#[cfg(test)]
mod tests;
