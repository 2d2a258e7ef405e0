//! One account at CloudLink: what all of its APIs have in common.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Request, StatusCode};
use tokio::sync::mpsc;
use tokio::time::Instant;
use url::Url;

use super::error::{Answered, Error};
use super::hosts::{HostPolicy, HostState, Turned, Whose};
use super::line::Line;
use super::scrub::{clean_body, clean_headers, scrub, secrets_of, spellings};
use super::sign_in::{TOKEN_TIMEOUT, error_name};
use super::signer::Signer;
use super::store::LOCK_PATIENCE;
use super::token::{Fresh, Token, TokenState, Tokens};
use super::transport::{Answer, Lost, MAX_ANSWER, Wire};
use super::{AppHeader, Options, Paths, Urls};
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::supervisor::Supervisor;

pub(super) const CORRELATION: HeaderName = HeaderName::from_static("x-mitel-correlation-id");
const APP: HeaderName = HeaderName::from_static("x-mitel-app");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The APIs that are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Api {
    Authentication,
    Notifications,
    Media,
    Chat,
    Admin,
    Presence,
    ServiceDelivery,
}

impl Api {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Authentication,
        Self::Notifications,
        Self::Media,
        Self::Chat,
        Self::Admin,
        Self::Presence,
        Self::ServiceDelivery,
    ];

    /// Its name in settings, rules and figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Notifications => "notifications",
            Self::Media => "media",
            Self::Chat => "chat",
            Self::Admin => "admin",
            Self::Presence => "presence",
            Self::ServiceDelivery => "service_delivery",
        }
    }

    /// The API with that name; the guides call chat conversations.
    pub fn named(name: &str) -> Option<Self> {
        if name == "conversations" {
            return Some(Self::Chat);
        }
        Self::ALL.into_iter().find(|api| api.name() == name)
    }
}

/// As it stands in a sentence: `the Media API`.
impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServiceDelivery => f.write_str("Service Delivery"),
            api => fmt::Debug::fmt(api, f),
        }
    }
}

/// One account at CloudLink. Cloning is cheap and shares the token.
#[derive(Clone)]
pub struct CloudLink(pub(super) Arc<Account>);

pub(super) struct Account {
    name: Arc<str>,
    urls: Urls,
    paths: Paths,
    headers: HeaderMap,
    wire: Wire,
    /// By API.
    lines: [Line; Api::ALL.len()],
    pub(super) signer: Arc<Signer>,
    pub(super) tokens: Tokens,
    chance: Chance,
    /// Known to `principal`.
    pub(super) principal: ArcSwapOption<Arc<str>>,
    /// Known to `principal`, too.
    pub(super) id: ArcSwapOption<Arc<str>>,
}

/// A call to be made.
pub(super) struct Call<'a> {
    pub api: Api,
    pub method: Method,
    pub url: Url,
    pub body: Option<Bytes>,
    pub timeout: Duration,
    /// What to log it as.
    pub what: &'a str,
}

impl CloudLink {
    /// The client of one account. Nothing is sent yet. `session` names this run of the process to CloudLink: one random
    /// id for all accounts.
    pub fn new(
        options: Options,
        session: &str,
        wire: Wire,
        clock: Clock,
        chance: Chance,
        supervisor: Supervisor,
    ) -> Self {
        let headers = headers(options.app, session);
        let lines = Api::ALL.map(|api| {
            // Without an address nothing is sent, and the policy towards nobody does not matter.
            let policy = options.urls.of(api).map_or(HostPolicy::CLOUDLINK, HostPolicy::of_cloudlink);
            Line::new(&wire, Whose::CloudLink(api), policy, &clock, &chance)
        });
        let line = lines[Api::Authentication as usize].clone();
        let signer = Arc::new(Signer::new(&options, headers.clone(), line, clock.clone(), chance.clone()));
        let fetching = signer.clone();
        let fetch = Box::new(move || {
            let signer = fetching.clone();
            Box::pin(async move { signer.fetch().await }) as futures_util::future::BoxFuture<'static, _>
        });
        let tokens = Tokens::new(signer.service.clone(), fetch, clock, chance.clone(), supervisor);
        Self(Arc::new(Account {
            name: options.name,
            urls: options.urls,
            paths: options.paths,
            headers,
            wire,
            lines,
            signer,
            tokens,
            chance,
            principal: ArcSwapOption::empty(),
            id: ArcSwapOption::empty(),
        }))
    }

    /// The account's name in the settings.
    pub fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    /// The principal that this account signs in as, once [`CloudLink::learn_who_we_are`] knows it.
    pub fn principal(&self) -> Option<Arc<str>> {
        self.0.principal.load().as_deref().cloned()
    }

    /// CloudLink's id of the account, as its publications have it, once [`CloudLink::learn_who_we_are`] knows it.
    pub fn account_id(&self) -> Option<Arc<str>> {
        self.0.id.load().as_deref().cloned()
    }

    /// The state of the token, for metrics and pages.
    pub fn token_state(&self) -> TokenState {
        self.0.tokens.state()
    }

    /// Signs in and keeps the token fresh until the process is asked to end; a vital task of the daemon. It takes over
    /// a login or a logout that another process makes meanwhile.
    pub async fn keep_signed_in(self) {
        tokio::select! {
            () = self.0.tokens.keep() => {}
            () = self.0.signer.watch(&self.0.tokens) => {}
        }
    }

    /// Waits until no renewal of the token is under way, at most as long as one may take. A process that ends earlier may
    /// lose a refresh token that was spent for one that is not stored yet.
    pub async fn at_rest(&self) {
        let _ = tokio::time::timeout(LOCK_PATIENCE + TOKEN_TIMEOUT, self.0.tokens.at_rest()).await;
    }

    /// Begins with a token that was just handed out.
    pub fn begin_with(&self, fresh: Fresh) {
        self.0.tokens.begin_with(fresh);
    }

    /// The base URL of an API, or what to set for one.
    pub fn base(&self, api: Api) -> Result<&Url, Error> {
        let why = "its base URL is not known: set urls.service_delivery in [cloudlink]";
        self.0.urls.of(api).ok_or(Error::Address { what: "the Service Delivery API", why })
    }

    pub(super) fn paths(&self) -> &Paths {
        &self.0.paths
    }

    /// Says from now on when the circuit breaker of one of the APIs opens or closes.
    pub fn tell_turns(&self, turns: mpsc::Sender<Turned>) {
        self.0.wire.tell_turns(turns);
    }

    /// What there is to say about the hosts of the APIs, for metrics and pages.
    pub fn hosts(&self) -> Vec<HostState> {
        self.0.wire.hosts()
    }

    pub(super) fn line(&self, api: Api) -> &Line {
        &self.0.lines[api as usize]
    }

    /// Makes a call: one attempt, and one more with a new token if the first is answered by 401.
    pub(super) async fn call_api(&self, call: Call<'_>) -> Result<Answer, Error> {
        self.call_api_for(call, MAX_ANSWER).await
    }

    /// The same for an answer of at most `limit` bytes.
    pub(super) async fn call_api_for(&self, call: Call<'_>, limit: usize) -> Result<Answer, Error> {
        self.call_with_id(call, limit).await.map(|(answer, _)| answer)
    }

    /// The same, with the correlation id that was sent.
    pub(super) async fn call_with_id(&self, call: Call<'_>, limit: usize) -> Result<(Answer, String), Error> {
        let deadline = Instant::now() + call.timeout;
        let token = self.token(deadline).await?;
        let refused = match self.attempt(&call, &token, deadline, limit).await {
            Err(Error::Answered(answered)) if answered.status == StatusCode::UNAUTHORIZED => answered,
            other => return other,
        };
        let token = self.another_token(&token, refused, deadline).await?;
        self.attempt(&call, &token, deadline, limit).await
    }

    pub(super) async fn token(&self, deadline: Instant) -> Result<Arc<Token>, Error> {
        Ok(self.0.tokens.get(deadline).await?)
    }

    /// A token in the place of one that was answered by 401, or that answer with the time to wait.
    pub(super) async fn another_token(
        &self,
        token: &Token,
        refused: Box<Answered>,
        deadline: Instant,
    ) -> Result<Arc<Token>, Error> {
        match self.0.tokens.replace_for(refused.api as usize, token, deadline).await {
            Ok(token) => Ok(token?),
            Err(wait) => Err(Error::Answered(Box::new(Answered { retry_after: Some(wait), ..*refused }))),
        }
    }

    /// The answer 401 to what can't be sent again from here: a new token is there, or when to come again.
    pub(super) async fn come_again(&self, token: &Token, refused: Box<Answered>, deadline: Instant) -> Error {
        let wait = match self.0.tokens.replace_for(refused.api as usize, token, deadline).await {
            Ok(Ok(_)) => Duration::ZERO,
            Ok(Err(error)) => return error.into(),
            Err(wait) => wait,
        };
        Error::Answered(Box::new(Answered { retry_after: Some(wait), ..*refused }))
    }

    async fn attempt(
        &self,
        call: &Call<'_>,
        token: &Token,
        deadline: Instant,
        limit: usize,
    ) -> Result<(Answer, String), Error> {
        let (request, correlation) = self.request(call, token);
        let answer = self.line(call.api).send_for(request, deadline, limit).await;
        let mut answer = answer.map_err(|lost| self.lost(call, &correlation, lost))?;
        clean_headers(&mut answer.headers, &[token.text.expose()]);
        if let Ok(body) = &mut answer.body
            && answer.status.is_success()
        {
            let sent = call.body.as_deref().map(secrets_of).unwrap_or_default();
            // In what is meant to be read, a short one would be found where it is not meant.
            let sent = sent.iter().map(String::as_str).filter(|secret| secret.len() >= SHORTEST);
            *body = clean_body(std::mem::take(body), &sent.chain([token.text.expose()]).collect::<Vec<_>>());
        }
        if self.says_yes(call, answer.status, &answer.headers, &correlation) {
            return Ok((answer, correlation));
        }
        Err(self.refusal(call, &answer, token, correlation))
    }

    /// The request, and the correlation id that it carries.
    pub(super) fn request(&self, call: &Call<'_>, token: &Token) -> (Request, String) {
        let correlation = self.0.chance.uuid();
        let mut request = Request::new(call.method.clone(), call.url.clone());
        let headers = request.headers_mut();
        headers.clone_from(&self.0.headers);
        headers.insert(AUTHORIZATION, token.header.clone());
        if let Ok(correlation) = HeaderValue::from_str(&correlation) {
            headers.insert(CORRELATION, correlation);
        }
        if let Some(body) = &call.body {
            headers.insert(CONTENT_TYPE, JSON);
            *request.body_mut() = Some(body.clone().into());
        }
        (request, correlation)
    }

    pub(super) fn lost(&self, call: &Call<'_>, correlation: &str, lost: Lost) -> Error {
        tracing::debug!(account = %self.0.name, api = %call.api, correlation, %lost, "{}: no answer", call.what);
        Error::Lost { api: call.api, lost }
    }

    /// Whether a call went well, noted for the log and for the token.
    pub(super) fn says_yes(&self, call: &Call<'_>, status: StatusCode, headers: &HeaderMap, correlation: &str) -> bool {
        // A host that is ill may not have looked at the token.
        if status != StatusCode::UNAUTHORIZED && !status.is_server_error() {
            self.0.tokens.worked_for(call.api as usize);
        }
        if status.is_success() {
            let answered = headers.get(&CORRELATION).and_then(|id| id.to_str().ok());
            tracing::debug!(
                account = %self.0.name, api = %call.api, status = status.as_u16(),
                correlation, answered_correlation = answered, "{}", call.what
            );
        }
        status.is_success()
    }

    pub(super) fn refusal(&self, call: &Call<'_>, answer: &Answer, token: &Token, sent_correlation: String) -> Error {
        let sent = call.body.as_deref().map(secrets_of).unwrap_or_default();
        let sent = sent.iter().map(String::as_str).chain([token.text.expose()]);
        let mut spelt: Vec<String> = sent.flat_map(spellings).collect();
        spelt.sort_unstable_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        let secrets: Vec<&str> = spelt.iter().map(String::as_str).collect();
        let body = scrub(answer.body.as_deref().unwrap_or_default(), &secrets);
        let correlation = answer.headers.get(&CORRELATION).and_then(|id| id.to_str().ok());
        let correlation =
            correlation.map(|id| scrub(id.as_bytes(), &secrets).chars().take(LONGEST_ID).collect::<String>());
        tracing::debug!(
            account = %self.0.name, api = %call.api, status = answer.status.as_u16(),
            correlation = sent_correlation, answered_correlation = correlation, body, "{}: refused", call.what
        );
        Error::Answered(Box::new(Answered {
            api: call.api,
            status: answer.status,
            name: error_name(&body),
            moved_to: moved_to(&call.url, answer),
            no_route: answer.status == StatusCode::FORBIDDEN && body.to_ascii_lowercase().contains("equal-sign"),
            body,
            retry_after: match answer.status {
                StatusCode::UNAUTHORIZED => None,
                _ => self.line(call.api).retry_after(&call.url, answer),
            },
            correlation,
            sent_correlation,
        }))
    }
}

/// The shortest secret of a request, in bytes, that is looked for in the answer of a success.
const SHORTEST: usize = 8;
/// The most of a correlation id that is kept, in characters.
pub(super) const LONGEST_ID: usize = 100;

/// Scheme, host and port of where an answer redirects to. It is not followed: the token is for the host that is set.
fn moved_to(asked: &Url, answer: &Answer) -> Option<String> {
    let location = answer.headers.get(LOCATION).filter(|_| answer.status.is_redirection())?;
    let origin = asked.join(location.to_str().ok()?).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

impl fmt::Debug for CloudLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloudLink({})", self.0.name)
    }
}

/// What goes with every request.
pub(super) fn headers(app: AppHeader, session: &str) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(ACCEPT, JSON);
    if let Some(app) = app.value(session) {
        headers.insert(APP, app);
    }
    headers
}
