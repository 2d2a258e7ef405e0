//! A far side for tests: a small HTTP server that keeps what it saw and answers what a test says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::{AppHeader, Auth, CloudLink, HostPolicy, Line, Options, Paths, Urls, Whose};
use crate::cloudlink::transport::Wire;
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::secret::Secret;
use crate::kit::supervisor::Supervisor;

/// A request as the far side saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

/// What the far side does about it.
pub(crate) enum Reply {
    Json(u16, Value),
    Text(u16, &'static str, String),
    /// With one header more.
    With(u16, &'static str, String, Value),
    /// The connection is closed without an answer.
    HangUp,
    /// First time passes.
    After(Duration, Box<Reply>),
}

/// A running far side; it ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Far {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Far {
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let far = Self { url, seen: Arc::default() };
        let (seen, answer, supervisor) = (far.seen.clone(), Arc::new(answer), Supervisor::new().0);
        supervisor.clone().spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let (seen, answer) = (seen.clone(), answer.clone());
                let service = service_fn(move |request| serve(request, seen.clone(), answer.clone()));
                supervisor
                    .spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        far
    }

    /// What came so far on paths that contain `part`.
    pub(crate) fn seen(&self, part: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.path.contains(part)).cloned().collect()
    }
}

async fn serve(
    request: Request<Incoming>,
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<impl Fn(&Seen) -> Reply>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let one = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().unwrap().to_string(),
        headers: parts.headers.iter().map(|(k, v)| (k.to_string(), v.to_str().unwrap().to_owned())).collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let mut reply = answer(&one);
    seen.lock().unwrap().push(one);
    if let Reply::After(time, then) = reply {
        tokio::time::sleep(time).await;
        reply = *then;
    }
    let builder = Response::builder().header("x-mitel-correlation-id", "answered-correlation");
    let (status, kind, extra, body) = match reply {
        Reply::Json(status, body) => (status, "application/json", None, body.to_string()),
        Reply::Text(status, kind, body) => (status, kind, None, body),
        Reply::With(status, name, value, body) => (status, "application/json", Some((name, value)), body.to_string()),
        Reply::HangUp | Reply::After(..) => return Err(std::io::Error::other("hung up")),
    };
    let mut builder = builder.status(status).header("content-type", kind);
    if let Some((name, value)) = extra {
        builder = builder.header(name, value);
    }
    Ok(builder.body(Full::new(Bytes::from(body))).unwrap())
}

/// A token for who asks for one, else what the test says.
pub(crate) fn token_or(seen: &Seen, other: impl FnOnce() -> Reply) -> Reply {
    if seen.method == "POST" && seen.path.ends_with("/token") {
        return Reply::Json(
            201,
            json!({ "token_type": "bearer", "expires_in": 3600, "access_token": "tok-1", "scope": "read write" }),
        );
    }
    other()
}

/// The client of an account whose APIs all live at `url`.
pub(crate) fn client(url: &str) -> CloudLink {
    client_on(url, Wire::new(), &clock())
}

/// The same on a wire of the test's.
pub(crate) fn client_on(url: &str, wire: Wire, clock: &Clock) -> CloudLink {
    client_of(options(url), wire, clock)
}

/// The same with other options.
pub(crate) fn client_with(url: &str, change: impl FnOnce(Options) -> Options) -> CloudLink {
    client_of(change(options(url)), Wire::new(), &clock())
}

/// The client of an account of the test's.
pub(crate) fn client_of(options: Options, wire: Wire, clock: &Clock) -> CloudLink {
    CloudLink::new(options, "session-1", wire, clock.clone(), Chance::seeded(1), Supervisor::new().0)
}

/// An account whose APIs all live at `url`.
pub(crate) fn options(url: &str) -> Options {
    let base: Url = format!("{url}/2017-09-01").parse().unwrap();
    let urls = Urls {
        authentication: base.clone(),
        notifications: base.clone(),
        media: base.clone(),
        chat: base.clone(),
        admin: base.clone(),
        presence: base.clone(),
        service_delivery: Some(base),
    };
    let auth = Auth::ClientCredentials { client_id: "cid".into(), client_secret: Secret::new("s3cret & more") };
    let (paths, app) = (Paths::default(), AppHeader::default());
    Options { name: "main".into(), account_id: "10000495".into(), urls, auth, paths, app }
}

/// Lets a task run until the test's runtime ends.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
    Supervisor::new().0.spawn(task)
}

/// A clock that stands still.
pub(crate) fn clock() -> Clock {
    Clock::manual("2026-02-03T08:15:00Z".parse().unwrap())
}

/// A line for anything on a wire.
pub(crate) fn line(wire: &Wire) -> Line {
    Line::new(wire, Whose::Other, HostPolicy::STEPS, &clock(), &Chance::seeded(1))
}

/// An address where nobody listens.
pub(crate) async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
