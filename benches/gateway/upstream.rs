//! The CloudLink to which redirects go: the least that a client needs, and a book of when each call's redirect arrived.
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::calls::{REDIRECTED_TO, number_in};

/// What the token route hands out and every other route wants to see.
pub(crate) const TOKEN: &str = "Bearer tok-bench";

#[derive(Default)]
struct Entry {
    /// Nanoseconds since the origin; 0: not yet.
    at: AtomicU64,
    times: AtomicU32,
}

/// When the redirect of each call arrived, how often, and what else came.
pub(crate) struct Book {
    origin: Instant,
    entries: Vec<Entry>,
    /// PUTs that are no redirect of a call of this round.
    pub(crate) strange: AtomicU64,
}

impl Book {
    pub(crate) fn new(origin: Instant, calls: usize) -> Self {
        Self { origin, entries: (0..calls).map(|_| Entry::default()).collect(), strange: AtomicU64::new(0) }
    }

    /// When the first redirect of this call arrived.
    pub(crate) fn arrived(&self, number: usize) -> Option<u64> {
        Some(self.entries[number].at.load(Relaxed)).filter(|at| *at > 0)
    }

    pub(crate) fn times(&self, number: usize) -> u32 {
        self.entries[number].times.load(Relaxed)
    }

    fn note(&self, number: Option<usize>, at: u64) {
        match number.and_then(|number| self.entries.get(number)) {
            Some(entry) => {
                let _ = entry.at.compare_exchange(0, at.max(1), Relaxed, Relaxed);
                entry.times.fetch_add(1, Relaxed);
            }
            None => {
                self.strange.fetch_add(1, Relaxed);
            }
        }
    }
}

/// A server on a thread of its own; ends when dropped.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    _end: oneshot::Sender<()>,
}

impl Upstream {
    pub(crate) fn start(book: Arc<Book>) -> Self {
        let (end, ended) = oneshot::channel::<()>();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket of ours");
        let address = listener.local_addr().expect("it is bound");
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a socket of ours");
                tokio::select! { _ = ended => {} () = listen(listener, book) => {} }
            });
        });
        Self { address, _end: end }
    }
}

async fn listen(listener: TcpListener, book: Arc<Book>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let book = Arc::clone(&book);
        connections.spawn(async move {
            let service = service_fn(|request| answer(&book, request));
            // A client that goes away in mid-request is not this bench's business; calls not redirected are counted.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(book: &Book, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let at = book.origin.elapsed().as_nanos() as u64;
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let path = head.uri.path();
    if head.method == Method::POST && path.ends_with("/token") {
        let token = TOKEN.trim_start_matches("Bearer ");
        let text = format!(
            r#"{{"token_type":"bearer","expires_in":3600,"access_token":"{token}","refresh_token":"ref","scope":"read write"}}"#
        );
        return Ok(json(StatusCode::CREATED, Bytes::from(text)));
    }
    if head.headers.get(AUTHORIZATION).is_none_or(|value| value != TOKEN) {
        return Ok(json(StatusCode::UNAUTHORIZED, Bytes::from_static(br#"{"name":"Unauthorized"}"#)));
    }
    if head.method == Method::PUT {
        book.note(number_in(path).filter(|_| redirects(&body)), at);
    }
    if path.ends_with("/token") {
        let who = br#"{"principalId":"gateway","accountId":"a","role":"ACCOUNT_ADMIN"}"#;
        return Ok(json(StatusCode::OK, Bytes::from_static(who)));
    }
    Ok(json(StatusCode::OK, Bytes::from_static(b"{}")))
}

fn redirects(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Body<'text> {
        action: &'text str,
        destination: &'text str,
    }
    serde_json::from_slice::<Body<'_>>(body)
        .is_ok_and(|body| body.action == "redirect" && body.destination == REDIRECTED_TO)
}

fn json(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
