//! A simulator, the typed client of some of its accounts, and an ear between them that keeps every answer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use serde_json::Value;
use switchhook::cloudlink::transport::Wire;
use switchhook::cloudlink::{self, Api, AppHeader, Auth, CloudLink, Paging, Paths, Urls};
use switchhook::kit::chance::Chance;
use switchhook::kit::clock::Clock;
use switchhook::kit::secret::Secret;
use switchhook::kit::supervisor::Supervisor;
use switchhook::simulator::{Options, Tenant, Variant, routes};

use crate::simulator::Bench;

/// How long any call may take: none is meant to come near it.
pub(super) const SOON: Duration = Duration::from_secs(20);
/// How lists are read.
pub(super) const EACH: Paging = Paging::each(SOON);

/// The largest body that passes the ear.
const MOST: usize = 16 * 1024 * 1024;

/// An answer of the simulator.
#[derive(Clone)]
pub(super) struct Heard {
    /// As in [`title`].
    pub(super) route: String,
    pub(super) status: u16,
    pub(super) kind: Option<String>,
    /// None if it was empty, null if it was no JSON.
    pub(super) body: Option<Value>,
}

/// See the module.
pub(super) struct Stage {
    pub(super) bench: Bench,
    /// The account's own client.
    pub(super) own: CloudLink,
    /// The partner's.
    pub(super) partner: CloudLink,
    /// The account's id.
    pub(super) account: String,
    /// The id of one of its users.
    pub(super) user: String,
    base: String,
    ear: Ear,
}

#[derive(Clone)]
struct Ear {
    to: String,
    http: reqwest::Client,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Stage {
    /// A simulator that plays these variants.
    pub(super) async fn start(variants: &[Variant]) -> Self {
        let bench = Bench::start(Options { variants: variants.iter().copied().collect(), ..Options::default() }).await;
        let ear = Ear { to: format!("http://{}", bench.running.addr), http: bench.http.clone(), heard: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(ear.clone());
        #[expect(clippy::disallowed_methods, reason = "the ear of a test ends with its runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        let (account, partner) = (Options::default().account_id, Tenant::partner().account_id);
        let mut stage = Self {
            own: client(options(&base, &account, credentials("simulator"))),
            partner: client(options(&base, &partner, credentials("partner"))),
            user: String::new(),
            bench,
            account,
            base,
            ear,
        };
        let users = super::all(stage.own.all_users(&cloudlink::Query::ALL, EACH)).await;
        super::have(users[1].user_id.as_deref()).clone_into(&mut stage.user);
        stage
    }

    /// An account's options, its APIs each at an address of their own.
    pub(super) fn options(&self, account: &str, auth: Auth) -> cloudlink::Options {
        options(&self.base, account, auth)
    }

    /// What was answered so far.
    pub(super) fn heard(&self) -> Vec<Heard> {
        self.ear.heard.lock().unwrap().clone()
    }
}

/// The way in of a client whose secret is its name.
pub(super) fn credentials(name: &str) -> Auth {
    Auth::ClientCredentials { client_id: name.to_owned(), client_secret: Secret::new(name) }
}

/// The client of an account.
pub(super) fn client(options: cloudlink::Options) -> CloudLink {
    CloudLink::new(options, "walk", Wire::new(), Clock::system(), Chance::system(), Supervisor::new().0)
}

fn options(base: &str, account: &str, auth: Auth) -> cloudlink::Options {
    let at = |api: Api| format!("{base}/{}/2017-09-01", api.name().replace('_', "-")).parse().unwrap();
    let urls = Urls {
        authentication: at(Api::Authentication),
        notifications: at(Api::Notifications),
        media: at(Api::Media),
        chat: at(Api::Chat),
        admin: at(Api::Admin),
        presence: at(Api::Presence),
        service_delivery: Some(at(Api::ServiceDelivery)),
    };
    let (paths, app) = (Paths::default(), AppHeader::default());
    cloudlink::Options { name: "main".into(), account_id: account.to_owned(), urls, auth, paths, app }
}

/// Hands a request on and keeps the answer.
async fn pass(State(ear): State<Ear>, request: Request) -> Response<axum::body::Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let body = axum::body::to_bytes(body, MOST).await.unwrap();
    let onward = ear.http.request(parts.method.clone(), ear.to.clone() + &path).headers(parts.headers).body(body);
    let answer = onward.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.unwrap();
    if let Some(route) = title(parts.method.as_str(), &path) {
        let kind = headers.get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let json = (!body.is_empty()).then(|| serde_json::from_slice(&body).unwrap_or_default());
        ear.heard.lock().unwrap().push(Heard { route, status: status.as_u16(), kind, body: json });
    }
    answered(status, &headers, body)
}

fn answered(status: StatusCode, headers: &reqwest::header::HeaderMap, body: Bytes) -> Response<axum::body::Body> {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    for name in ["content-type", "x-mitel-correlation-id", "location"] {
        if let Some(value) = headers.get(name) {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    answer
}

/// The simulator's route that a request takes, as in `chat GET /conversations/{}`.
pub(super) fn title(method: &str, path: &str) -> Option<String> {
    let path = path.split('?').next()?;
    let (host, below) = path.split_once("/2017-09-01")?;
    let parts: Vec<&str> = below.split('/').collect();
    let fits = |route: &&switchhook::simulator::Route| {
        let template: Vec<&str> = route.template.split('/').collect();
        let same = |(known, part): (&&str, &&str)| known.starts_with('{') || known == part;
        route.method == method
            && (host.is_empty() || host[1..] == *route.service.host())
            && template.len() == parts.len()
            && template.iter().zip(&parts).all(same)
    };
    // Where several fit, the one with the fewest parts that vary is taken, as a router does.
    routes().iter().filter(fits).min_by_key(|route| route.template.matches('{').count()).map(super::title)
}
