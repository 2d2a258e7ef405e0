//! The wire: HTTP clients with time-outs, TLS and bounded answers, for CloudLink and for `http` steps alike.
//!
//! Four clients hide behind one face, built when first needed: with and without the machine's CA certificates (reading
//! them costs milliseconds, and a machine that talks plain HTTP may have none), with and without the proxies of the
//! environment (`HTTPS_PROXY`, `NO_PROXY`, …; never used for this machine itself). Redirects are never followed and
//! cookies never kept. What goes wrong is sorted by the one question that matters: can the request have been sent?

use std::error::Error as _;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use reqwest::dns::Resolve;
use reqwest::header::HeaderMap;
use reqwest::{Client, Request, Response, StatusCode};
use tokio::sync::{OnceCell, mpsc};
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

use super::hosts::{Hold, HostPolicy, HostState, Hosts, Turned};

/// The most that is read of an answer, unless more is expected.
pub const MAX_ANSWER: usize = 1024 * 1024;
/// How long connecting may take, name look-up and TLS included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How many idle connections to one host are kept: as many as may be in use.
const IDLE_PER_HOST: usize = HostPolicy::STEPS.places;

/// Shared HTTP clients, and what is known of the hosts that they talked to; cloning is cheap and shares both. Requests
/// go out by a [`Line`](super::Line) on it.
#[derive(Clone)]
pub struct Wire(Arc<Shared>);

struct Shared {
    /// By TLS or not, this machine or not.
    clients: [OnceCell<Client>; 4],
    hosts: Hosts,
    resolver: Option<Arc<dyn Resolve>>,
    /// Where requests go instead of out.
    far: Option<Arc<dyn Far>>,
}

/// Something that answers requests in the place of a network: the far side of a simulation.
pub trait Far: Send + Sync {
    /// One exchange; it is given up at `deadline` by whoever asked.
    fn exchange(&self, request: Request, deadline: Instant) -> BoxFuture<'static, Result<Answer, Lost>>;
}

/// What came back: a status at least. Neither headers nor body are part of its `Debug`: both may repeat what was sent.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, if it came whole. The status counts all the same.
    pub body: Result<Bytes, BodyError>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.body.as_ref().map(Bytes::len);
        f.debug_struct("Answer").field("status", &self.status).field("bytes", &length).finish_non_exhaustive()
    }
}

/// An answer whose body may still be on its way.
pub(super) enum Opened {
    Flowing(Response),
    /// From a simulation.
    Whole(Answer),
}

impl Opened {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Flowing(response) => response.status(),
            Self::Whole(answer) => answer.status,
        }
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        match self {
            Self::Flowing(response) => response.headers(),
            Self::Whole(answer) => &answer.headers,
        }
    }

    pub(super) fn headers_mut(&mut self) -> &mut HeaderMap {
        match self {
            Self::Flowing(response) => response.headers_mut(),
            Self::Whole(answer) => &mut answer.headers,
        }
    }

    /// All of it, up to the usual bound.
    pub(super) async fn read(self) -> Answer {
        match self {
            Self::Flowing(response) => read(response, MAX_ANSWER).await,
            Self::Whole(answer) => answer,
        }
    }

    /// The next piece of the body; none when it is over.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, BodyError> {
        match self {
            Self::Flowing(response) => response.chunk().await.map_err(|error| broken(&error)),
            Self::Whole(answer) => {
                let body = std::mem::replace(&mut answer.body, Ok(Bytes::new()))?;
                Ok(Some(body).filter(|body| !body.is_empty()))
            }
        }
    }
}

/// Why the body of an answer is not there although its status is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// More than is read of it.
    #[error("read the answer: it is larger than {limit} bytes")]
    TooLarge {
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// It did not end in time.
    #[error("read the answer within the time-out")]
    TimedOut,
    /// The connection broke.
    #[error("read the answer: the connection broke")]
    Broken,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The machine lacks what the request needs; nothing was sent.
    #[error("prepare a connection: {0}")]
    Setup(String),
    /// The name or address is one that this client must not talk to; nothing was sent.
    #[error("connect: {0}")]
    Forbidden(String),
    /// No connection; nothing was sent.
    #[error("connect: {0}")]
    NotConnected(String),
    /// The failure policy towards the host did not let it through; nothing was sent.
    #[error("send the request: {hold}, the next chance is in {} ms; nothing was sent", after.as_millis())]
    Held {
        /// Why not.
        hold: Hold,
        /// When to come again.
        after: Duration,
    },
    /// The time was over before the request could leave; nothing was sent.
    #[error("send the request within the time-out")]
    NotSentInTime,
    /// The time was over while the answer was awaited: the request may have taken effect. (A time-out shorter than
    /// [`CONNECT_TIMEOUT`] can end here while still connecting: the client does not tell.)
    #[error("get an answer within the time-out")]
    TimedOut,
    /// The connection broke: the request may have taken effect.
    #[error("get an answer: {0}")]
    Broken(String),
}

impl Lost {
    /// Whether the request may have taken effect.
    pub fn may_be_done(&self) -> bool {
        matches!(self, Self::TimedOut | Self::Broken(_))
    }

    /// How long to stay away, if the request was not let through.
    pub fn held_for(&self) -> Option<Duration> {
        match self {
            Self::Held { after, .. } => Some(*after),
            _ => None,
        }
    }

    /// Whether time was what ran out.
    pub fn timed_out(&self) -> bool {
        matches!(self, Self::TimedOut | Self::NotSentInTime)
    }
}

/// What a [`Wire::guarded`] resolver answers for a name that it must not resolve.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ForbiddenName(pub String);

impl Wire {
    /// A wire that resolves names as the machine does.
    pub fn new() -> Self {
        Self::with(None, None)
    }

    /// A wire without a network: `far` answers.
    pub fn to(far: Arc<dyn Far>) -> Self {
        Self::with(None, Some(far))
    }

    /// A wire that resolves names by `resolver`, which may refuse with [`ForbiddenName`].
    pub fn guarded(resolver: Arc<dyn Resolve>) -> Self {
        Self::with(Some(resolver), None)
    }

    fn with(resolver: Option<Arc<dyn Resolve>>, far: Option<Arc<dyn Far>>) -> Self {
        Self(Arc::new(Shared { clients: Default::default(), hosts: Hosts::default(), resolver, far }))
    }

    /// What there is to say about the hosts, by name, in order.
    pub fn hosts(&self) -> Vec<HostState> {
        self.0.hosts.states()
    }

    /// Says from now on when a circuit breaker opens or closes; to the first who asks. What does not fit into the channel is
    /// not said.
    pub fn tell_turns(&self, turns: mpsc::Sender<Turned>) {
        self.0.hosts.tell_turns(turns);
    }

    pub(super) fn hosts_kept(&self) -> &Hosts {
        &self.0.hosts
    }

    /// Sends a request once and reads the answer, all of it before `deadline` and at most `limit` bytes, whatever is
    /// known of the host.
    pub(super) async fn exchange(&self, request: Request, deadline: Instant, limit: usize) -> Result<Answer, Lost> {
        match self.open(request, deadline).await? {
            Opened::Flowing(response) => Ok(read(response, limit).await),
            Opened::Whole(answer) => Ok(answer),
        }
    }

    /// Sends a request once and leaves the body of the answer to be read, which must be over at `deadline` too.
    pub(super) async fn open(&self, mut request: Request, deadline: Instant) -> Result<Opened, Lost> {
        if deadline <= Instant::now() {
            return Err(Lost::NotSentInTime);
        }
        if let Some(far) = &self.0.far {
            let answer = timeout_at(deadline, far.exchange(request, deadline)).await;
            return answer.unwrap_or(Err(Lost::TimedOut)).map(Opened::Whole);
        }
        let client = self.client(request.url()).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Lost::NotSentInTime);
        }
        *request.timeout_mut() = Some(left);
        client.execute(request).await.map(Opened::Flowing).map_err(|error| lost(&error))
    }

    async fn client(&self, url: &Url) -> Result<&Client, Lost> {
        let (tls, here) = (url.scheme() == "https", is_this_machine(url));
        let slot = &self.0.clients[usize::from(tls) * 2 + usize::from(here)];
        slot.get_or_try_init(|| async {
            let resolver = self.0.resolver.clone();
            if !tls {
                return build(tls, here, resolver);
            }
            // Reading the CA certificates takes milliseconds, and it would be a worker's.
            let built = tokio::task::spawn_blocking(move || build(tls, here, resolver)).await;
            built.unwrap_or_else(|error| Err(Lost::Setup(error.to_string())))
        })
        .await
    }
}

impl Default for Wire {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

/// Whether a URL leads to this machine itself, by an address that says so.
pub(super) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).to_canonical().is_loopback(),
        None => false,
    }
}

/// Whether this machine has what https needs.
pub fn https() -> Result<(), Lost> {
    build(true, false, None).map(drop)
}

fn build(tls: bool, here: bool, resolver: Option<Arc<dyn Resolve>>) -> Result<Client, Lost> {
    // Whoever came first has installed the same provider: the crate has no other.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("switchhook/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(30))
        // Below the idle time of common servers and balancers (60 s), so that they seldom hang up first.
        .pool_idle_timeout(Duration::from_secs(45))
        .pool_max_idle_per_host(IDLE_PER_HOST);
    if here {
        builder = builder.no_proxy();
    }
    if let Some(resolver) = resolver {
        builder = builder.dns_resolver(resolver);
    }
    if !tls {
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| {
        let why = root(&error);
        Lost::Setup(if why.contains("CA certificates") {
            "this machine has no CA certificates to know https servers by: install the package ca-certificates, \
             or point SSL_CERT_FILE at a bundle"
                .to_owned()
        } else {
            why
        })
    })
}

async fn read(mut response: Response, limit: usize) -> Answer {
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let body = read_body(&mut response, limit).await;
    Answer { status, headers, body }
}

async fn read_body(response: &mut Response, limit: usize) -> Result<Bytes, BodyError> {
    let Some(first) = response.chunk().await.map_err(|e| broken(&e))? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(BodyError::TooLarge { limit });
    }
    // Most answers are one chunk, which is handed on as it is.
    let Some(second) = response.chunk().await.map_err(|e| broken(&e))? else { return Ok(first) };
    let mut whole = BytesMut::from(first);
    let mut next = Some(second);
    while let Some(chunk) = next {
        if whole.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        whole.extend_from_slice(&chunk);
        next = response.chunk().await.map_err(|e| broken(&e))?;
    }
    Ok(whole.freeze())
}

fn broken(error: &reqwest::Error) -> BodyError {
    if error.is_timeout() { BodyError::TimedOut } else { BodyError::Broken }
}

fn lost(error: &reqwest::Error) -> Lost {
    if let Some(forbidden) = find::<ForbiddenName>(error) {
        return Lost::Forbidden(forbidden.0.clone());
    }
    if error.is_builder() {
        return Lost::Setup(root(error));
    }
    if error.is_connect() {
        let why = root(error);
        return Lost::NotConnected(if why.contains("timed out") || why.contains("elapsed") {
            format!("no connection within {} s", CONNECT_TIMEOUT.as_secs())
        } else {
            why
        });
    }
    if error.is_timeout() { Lost::TimedOut } else { Lost::Broken(root(error)) }
}

/// The innermost cause: what the system or the protocol said. The outer ones name the URL, which may be a secret.
fn root(error: &reqwest::Error) -> String {
    let Some(mut cause) = error.source() else { return "the request could not be made".to_owned() };
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

fn find<T: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    let mut cause = error.source();
    while let Some(current) = cause {
        if let Some(found) = current.downcast_ref::<T>() {
            return Some(found);
        }
        cause = current.source();
    }
    None
}
