//! The admin listener: liveness, readiness with reasons, metrics; dead letters and replays.
//!
//! Closed by default: it listens on loopback, and beyond that only with a token. The two probes tell nothing secret and
//! need none. What changes something is not taken from pages in a browser (`post`).

mod answer;
mod operations;
mod post;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, Response, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::kit::secret::Secret;
use answer::{detailed, method, problem, text};
use operations::Nothing;
use post::Refused;

pub use operations::{Again, Done, Operations, Refusal, Replay, SetVar};
pub use post::MAX_BODY;

/// The settled `[admin]`.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The bearer token that requests must carry; none is possible only on loopback.
    pub token: Option<Secret>,
}

/// Whether this gateway takes and handles publications, and what to know about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether a load balancer should send to it.
    pub ready: bool,
    /// What is not as it should be; with `ready` these are warnings.
    pub reasons: Vec<String>,
    /// The hash of the rule set in force.
    pub rules: String,
    /// Since when it is in force, RFC 3339.
    pub rules_since: String,
    /// Of each account its rules; the two above are those of the first.
    pub accounts: Vec<AccountReadiness>,
    /// The version of the program.
    pub version: &'static str,
}

/// The rules that are in force for an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccountReadiness {
    /// The account's name in the settings.
    pub name: String,
    /// The hash of its rule set.
    pub rules: String,
    /// Since when it is in force, RFC 3339.
    pub rules_since: String,
}

/// What the listener shows; implemented by who knows everything.
pub trait Faces: Send + Sync + 'static {
    /// Whether this gateway is ready.
    fn readiness(&self) -> Readiness;
    /// All metrics as text.
    fn metrics(&self) -> String;
}

/// What may be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Route {
    Livez,
    Readyz,
    Metrics,
    Letters,
    Retry(u64),
    Discard(u64),
    Replay,
    /// The account, if it is named.
    Vars(Option<String>),
    SetVar(Option<String>, String),
    Hook(Option<String>, String),
}

impl Route {
    fn of(path: &str) -> Option<Self> {
        match path.split('/').collect::<Vec<_>>()[..] {
            ["", "livez"] => Some(Self::Livez),
            ["", "readyz"] => Some(Self::Readyz),
            ["", "metrics"] => Some(Self::Metrics),
            ["", "api", "v1", "dead"] => Some(Self::Letters),
            ["", "api", "v1", "dead", letter, "retry"] => letter.parse().ok().map(Self::Retry),
            ["", "api", "v1", "dead", letter, "discard"] => letter.parse().ok().map(Self::Discard),
            ["", "api", "v1", "replay"] => Some(Self::Replay),
            ["", "api", "v1", "accounts", account, ref rest @ ..] if is_word(account) => {
                Self::of_account(Some(account), rest)
            }
            ["", "api", "v1", ref rest @ ..] => Self::of_account(None, rest),
            _ => None,
        }
    }

    /// What one account is asked for; it may be left out where there is only one.
    fn of_account(account: Option<&str>, rest: &[&str]) -> Option<Self> {
        let account = account.map(str::to_owned);
        match *rest {
            ["vars"] => Some(Self::Vars(account)),
            ["vars", name] if is_word(name) => Some(Self::SetVar(account, name.to_owned())),
            ["hooks", name] if is_word(name) => Some(Self::Hook(account, name.to_owned())),
            _ => None,
        }
    }

    fn changes(&self) -> bool {
        matches!(self, Self::Retry(_) | Self::Discard(_) | Self::Replay | Self::SetVar(..) | Self::Hook(..))
    }

    fn is_open(&self) -> bool {
        matches!(self, Self::Livez | Self::Readyz)
    }
}

/// The admin listener's service.
pub struct Api {
    listen: SocketAddr,
    token: Option<[u8; 32]>,
    faces: Arc<dyn Faces>,
    operations: Arc<dyn Operations>,
}

impl Api {
    /// Prepares the service.
    pub fn new(options: &Options, faces: Arc<dyn Faces>, operations: Arc<dyn Operations>) -> Self {
        let token = options.token.as_ref().map(|token| digest(token.expose()));
        Self { listen: options.listen, token, faces, operations }
    }

    /// Answers a request.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let Some(route) = Route::of(request.uri().path()) else {
            return problem(StatusCode::NOT_FOUND, "nothing here");
        };
        let reads = request.method() == Method::GET || request.method() == Method::HEAD;
        if route.changes() && request.method() != Method::POST {
            return method("POST");
        }
        if !route.changes() && !reads {
            return method("GET, HEAD");
        }
        if !route.is_open() && !self.allowed(request.headers()) {
            return problem(StatusCode::UNAUTHORIZED, "token missing or wrong");
        }
        match route {
            Route::Livez => text(StatusCode::OK, "text/plain; charset=utf-8", "ok\n".to_owned()),
            Route::Readyz => {
                let readiness = self.faces.readiness();
                let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                text(status, "application/json", serde_json::to_string_pretty(&readiness).unwrap_or_default())
            }
            Route::Metrics => {
                let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                text(StatusCode::OK, content_type, self.faces.metrics())
            }
            _ => self.operate(route, request).await.unwrap_or_else(|(status, why)| detailed(status, &why)),
        }
    }

    async fn operate(&self, route: Route, request: Request) -> Result<Response<Body>, Refused> {
        if self.token.is_none() && !post::is_local(request.headers()) {
            let why = "without [admin] token this is for http://127.0.0.1 and http://localhost only";
            return Err((StatusCode::FORBIDDEN, why.to_owned()));
        }
        if route.changes() {
            post::check(request.headers(), self.listen)?;
        }
        let query = request.uri().query().unwrap_or_default().to_owned();
        let body = request.into_body();
        let outcome = match route {
            Route::Retry(letter) => {
                let Again { again } = post::read(body).await?;
                self.operations.retry(letter, again).await
            }
            Route::Discard(letter) => {
                let Nothing {} = post::read(body).await?;
                self.operations.discard(letter).await
            }
            Route::Replay => self.operations.replay(post::read(body).await?).await,
            Route::Vars(account) => self.operations.vars(account, fields(&query).remove("per").and_then(text_of)).await,
            Route::SetVar(account, name) => self.operations.set_var(account, name, post::read(body).await?).await,
            Route::Hook(account, name) => {
                self.operations.fire(account, name, post::read(body).await?, fields(&query)).await
            }
            _ => self.operations.letters(after(&query)).await,
        };
        Ok(operations::answer(outcome))
    }

    /// Compares digests, so that the time it takes tells nothing of the token.
    fn allowed(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return true };
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        given.is_some_and(|given| digest(given.trim()) == *token)
    }
}

/// What a name in a path may be.
fn is_word(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// The fields of a query; of one that is named twice the last.
fn fields(query: &str) -> Map<String, Value> {
    url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into())).collect()
}

fn text_of(value: Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// `after=N` in a query; 0 without it.
fn after(query: &str) -> u64 {
    query.split('&').find_map(|pair| pair.strip_prefix("after=")?.parse().ok()).unwrap_or(0)
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests;
