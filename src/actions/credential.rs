//! Credentials, ready to be added to requests.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::{Credential, CredentialAuth};
use crate::cloudlink::scrub::spellings;
use crate::cloudlink::sign_in::{Form, Grant};
use crate::cloudlink::token::Tokens;
use crate::cloudlink::transport::Wire;
use crate::cloudlink::{HostPolicy, Line, Whose};
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::secret::Secret;
use crate::kit::supervisor::Supervisor;

/// The shortest secret, in bytes, that is looked for in answers.
const SHORTEST: usize = 8;

/// A credential that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("read credential {name:?}: {why}")]
pub struct BadCredential {
    /// Its name.
    pub name: String,
    /// Why not.
    pub why: &'static str,
}

/// Every credential, by name.
pub(super) struct Credentials(HashMap<String, Ready>);

/// A credential whose parts were proven.
pub(super) struct Ready {
    pub base: Url,
    pub auth: Auth,
    pub line: Line,
    /// What must not be kept of an answer that repeats it, in every spelling.
    pub secrets: Vec<Secret>,
}

/// What is added to a request.
pub(super) enum Auth {
    None,
    Header(HeaderName, HeaderValue),
    OAuth2(Tokens),
}

impl Credentials {
    pub(super) fn new(
        credentials: Vec<Credential>,
        wire: &Wire,
        clock: &Clock,
        chance: &Chance,
        supervisor: &Supervisor,
    ) -> Result<Self, BadCredential> {
        let ready = credentials.into_iter().map(|credential| {
            let name = credential.name.clone();
            let line = Line::new(wire, Whose::Credential(name.as_str().into()), HostPolicy::STEPS, clock, chance);
            let tokens = |grant| tokens(grant, &line, clock, chance, supervisor);
            let ready = settle(credential, &line, tokens).map_err(|why| BadCredential { name: name.clone(), why })?;
            Ok((name, ready))
        });
        Ok(Self(ready.collect::<Result<_, _>>()?))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Ready> {
        self.0.get(name)
    }
}

fn settle(credential: Credential, line: &Line, tokens: impl FnOnce(Grant) -> Tokens) -> Result<Ready, &'static str> {
    let base = Url::parse(credential.base.expose()).map_err(|_| "its base is not a URL")?;
    let header = |text: String| {
        let mut value = HeaderValue::try_from(text).map_err(|_| "it holds characters that no header may hold")?;
        value.set_sensitive(true);
        Ok::<_, &'static str>(value)
    };
    let (auth, secrets) = match credential.auth {
        CredentialAuth::None => (Auth::None, vec![]),
        CredentialAuth::Bearer(token) => {
            (Auth::Header(AUTHORIZATION, header(format!("Bearer {}", token.expose()))?), vec![token])
        }
        CredentialAuth::Basic { user, password } => {
            let value = basic(&user, password.expose());
            (Auth::Header(AUTHORIZATION, header(format!("Basic {value}"))?), vec![Secret::new(value), password])
        }
        CredentialAuth::Header { name, value } => {
            let name = HeaderName::try_from(name).map_err(|_| "its header has no valid name")?;
            (Auth::Header(name, header(value.expose().to_owned())?), vec![value])
        }
        CredentialAuth::OAuth2 { token_url, client_id, client_secret, scope } => {
            let mut fields = vec![("grant_type", "client_credentials".to_owned()), ("client_id", client_id)];
            fields.extend(scope.map(|scope| ("scope", scope)));
            let grant = Grant {
                service: format!("credential {:?}", credential.name).into(),
                url: token_url,
                form: Form::Encoded,
                fields,
                secrets: vec![("client_secret", client_secret.clone())],
                headers: HeaderMap::new(),
                advice: Arc::new(|_, _| Some("check oauth2 of this [[credential]]".into())),
            };
            (Auth::OAuth2(tokens(grant)), vec![client_secret])
        }
    };
    // A short one would be found where it is not meant.
    let long = secrets.iter().map(Secret::expose).filter(|secret| secret.len() >= SHORTEST);
    let secrets = long.flat_map(spellings).map(Secret::new).collect();
    Ok(Ready { base, auth, line: line.clone(), secrets })
}

fn tokens(grant: Grant, line: &Line, clock: &Clock, chance: &Chance, supervisor: &Supervisor) -> Tokens {
    let (service, grant, line) = (grant.service.clone(), Arc::new(grant), line.clone());
    let fetch = Box::new(move || {
        let (grant, line) = (grant.clone(), line.clone());
        Box::pin(async move { Ok(grant.fetch(&line).await?.fresh) }) as BoxFuture<'static, _>
    });
    Tokens::new(service, fetch, clock.clone(), chance.clone(), supervisor.clone())
}

/// User and password as `Authorization: Basic` wants them.
pub(super) fn basic(user: &str, password: &str) -> String {
    STANDARD.encode(format!("{user}:{password}"))
}
