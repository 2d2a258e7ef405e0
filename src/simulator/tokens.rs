//! Authentication: fetching, refreshing and checking opaque tokens, and who-am-I. One client of one account; no users'
//! passwords, codes or browser log-in yet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use base64::Engine;
use serde_json::{Value, json};

use super::answer::{self, Answer, Refusal};
use super::clock::Clock;
use super::gate::Caller;
use super::options::Options;
use super::world::{World, guid, plain_id};

/// Two weeks, the service's default.
const REFRESH_LIFETIME: Duration = Duration::from_hours(14 * 24);
/// Tokens of one kind that are remembered; beyond that the first to expire goes.
const MOST: usize = 10_000;

/// Whom a token stands for.
#[derive(Clone)]
pub(crate) struct Holder {
    pub(crate) principal_id: String,
    role: String,
    name: String,
    expires_ms: i64,
    /// Counts the tokens that were given out.
    number: u64,
}

/// All tokens that were given out. A refresh token is good once.
pub(crate) struct Tokens {
    clock: Clock,
    given: Mutex<Given>,
}

#[derive(Default)]
struct Given {
    access: HashMap<String, Holder>,
    refresh: HashMap<String, Holder>,
    last: u64,
}

impl Tokens {
    /// None given out yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, given: Mutex::default() }
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who holds this access token, if it is valid now.
    pub(crate) fn holder(&self, token: &str) -> Option<Holder> {
        self.given().access.get(token).filter(|holder| holder.expires_ms > self.clock.epoch_ms()).cloned()
    }

    /// Makes every token worthless, refresh tokens too. Answers how many access tokens that were.
    pub(crate) fn revoke_all(&self) -> usize {
        let mut given = self.given();
        given.refresh.clear();
        std::mem::take(&mut given.access).len()
    }

    /// Makes one access token worthless: this one, or the one that was given out last. Whether there was one.
    pub(crate) fn revoke_one(&self, token: Option<&str>) -> bool {
        let mut given = self.given();
        let last = given.access.iter().max_by_key(|(_, holder)| holder.number).map(|(token, _)| token.clone());
        token.map(str::to_owned).or(last).is_some_and(|token| given.access.remove(&token).is_some())
    }

    fn spend(&self, refresh: &str) -> Option<Holder> {
        self.given().refresh.remove(refresh).filter(|holder| holder.expires_ms > self.clock.epoch_ms())
    }

    /// A new pair of tokens as the service answers it.
    fn issue(&self, holder: Holder, lifetime: Duration) -> Value {
        let (access, refresh) = (opaque("sim-access-"), opaque("sim-refresh-"));
        let (mut given, now) = (self.given(), self.clock.epoch_ms());
        given.last += 1;
        let holder = Holder { number: given.last, ..holder };
        remember(&mut given.access, &access, &holder, (now, lifetime));
        remember(&mut given.refresh, &refresh, &holder, (now, REFRESH_LIFETIME));
        json!({
            "token_type": "bearer", "expires_in": lifetime.as_secs(),
            "access_token": access, "refresh_token": refresh, "scope": "read write",
        })
    }
}

fn opaque(prefix: &str) -> String {
    format!("{prefix}{}{}", plain_id(), plain_id())
}

fn remember(tokens: &mut HashMap<String, Holder>, token: &str, holder: &Holder, (now, lifetime): (i64, Duration)) {
    if tokens.len() >= MOST {
        tokens.retain(|_, holder| holder.expires_ms > now);
        let first = tokens.iter().min_by_key(|(_, holder)| holder.expires_ms).map(|(token, _)| token.clone());
        first.filter(|_| tokens.len() >= MOST).map(|token| tokens.remove(&token));
    }
    let expires_ms = now + i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX / 2);
    tokens.insert(token.to_owned(), Holder { expires_ms, ..holder.clone() });
}

/// `/token`.
pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new().route("/token", post(fetch).get(who_am_i))
}

async fn fetch(State(world): State<Arc<World>>, headers: HeaderMap, body: Bytes) -> Answer {
    let mut fields = fields(&body)?;
    if let Some((id, secret)) = basic(&headers) {
        fields.entry("client_id".to_owned()).or_insert(id);
        fields.entry("client_secret".to_owned()).or_insert(secret);
    }
    let holder = match fields.get("grant_type").map(String::as_str) {
        Some("client_credentials") => client(&world.options, &fields)?,
        Some("refresh_token") => refreshed(&world.tokens, &fields)?,
        Some(other) => {
            return Err(refuse(400, "InvalidGrantType", format!("the simulator has no grant {other}")));
        }
        None => return Err(refuse(400, "MissingParameters", "grant_type is missing")),
    };
    tracing::info!(target: "simulator", principal = holder.principal_id, "a token was fetched");
    Ok(answer::with(StatusCode::CREATED, world.tokens.issue(holder, world.options.token_lifetime)))
}

fn refuse(status: u16, name: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), name, message)
}

/// The fields of a JSON or form body.
fn fields(body: &Bytes) -> Result<HashMap<String, String>, Refusal> {
    if body.trim_ascii().is_empty() {
        return Err(refuse(400, "MissingBodyInRequest", "the request has no body"));
    }
    if body.trim_ascii_start().starts_with(b"{") {
        let map = answer::object(body)?;
        return Ok(map.into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))).collect());
    }
    Ok(url::form_urlencoded::parse(body).into_owned().collect())
}

/// Id and secret of an HTTP Basic header.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (word, code) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !word.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(code.trim()).ok()?).ok()?;
    text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

/// The client itself or, if claims are given, the anonymous user that it speaks for.
fn client(options: &Options, fields: &HashMap<String, String>) -> Result<Holder, Refusal> {
    let (Some(id), Some(secret)) = (fields.get("client_id"), fields.get("client_secret")) else {
        return Err(refuse(400, "MissingParameters", "client_id and client_secret are needed"));
    };
    if *id != options.client_id {
        return Err(refuse(404, "ClientNotFound", "no such client"));
    }
    if *secret != options.client_secret {
        return Err(refuse(401, "ClientSecretMismatch", "the client secret is wrong"));
    }
    if fields.get("account_id").is_some_and(|id| *id != options.account_id && *id != options.account_number) {
        return Err(refuse(404, "AccountNotFound", "no such account"));
    }
    let claim = |key: &str, default: &str| fields.get(key).map_or(default, String::as_str).to_owned();
    Ok(Holder {
        principal_id: claim("principalId", &options.principal_id),
        role: claim("role", "ACCOUNT_ADMIN"),
        name: claim("name", id),
        expires_ms: 0,
        number: 0,
    })
}

fn refreshed(tokens: &Tokens, fields: &HashMap<String, String>) -> Result<Holder, Refusal> {
    let Some(token) = fields.get("refresh_token").or_else(|| fields.get("token")) else {
        return Err(refuse(400, "MissingAuthToken", "refresh_token is missing"));
    };
    tokens.spend(token).ok_or_else(|| refuse(401, "InvalidLoginCredentials", "the refresh token is not valid"))
}

async fn who_am_i(State(world): State<Arc<World>>, Caller(holder): Caller) -> Response {
    let account = &world.options.account_id;
    let claims = json!({
        "principalId": holder.principal_id, "userId": holder.principal_id, "accountId": account,
        "role": holder.role, "name": holder.name, "domain": format!("{account}.sim.api.mitel.io"),
        "iss": "simulator", "exp": (holder.expires_ms / 1000).to_string(), "jti": guid(),
    });
    answer::with(StatusCode::OK, claims)
}
