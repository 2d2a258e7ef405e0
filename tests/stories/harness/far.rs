//! The far side: CloudLink and a CRM on one loopback port, with state and moods. Every request is kept with its time.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use super::mood::{Mood, Then};
use super::until;
use super::world::CLIENT_SECRET;

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// What it was answered with, or is going to be; none while it hangs.
    pub(crate) status: Option<u16>,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub(crate) fn last_segment(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }
}

/// See the module.
pub(crate) struct Far {
    world: Arc<World>,
    address: SocketAddr,
    serving: Option<JoinHandle<()>>,
}

struct World {
    books: Mutex<Books>,
    let_go: Notify,
}

#[derive(Default)]
struct Books {
    seen: Vec<Seen>,
    moods: Vec<Mood>,
    tokens: usize,
    revoked: HashSet<String>,
    gone: HashSet<String>,
    answered: HashSet<String>,
    messages: HashMap<String, Vec<Value>>,
}

impl Drop for Far {
    fn drop(&mut self) {
        self.serving.iter().for_each(JoinHandle::abort);
    }
}

impl Far {
    /// Up, on a free port.
    pub(crate) async fn start() -> Self {
        let world = Arc::new(World { books: Mutex::default(), let_go: Notify::new() });
        let mut far = Self { world, address: ([127, 0, 0, 1], super::world::port()).into(), serving: None };
        far.up().await;
        far
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Refuses connections and breaks those that are open.
    pub(crate) async fn down(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            // It was cancelled, which is what was wanted.
            let _ = serving.await;
        }
    }

    /// Is there again.
    pub(crate) async fn up(&mut self) {
        let listener = until("the far side's port", async || TcpListener::bind(self.address).await.ok()).await;
        self.serving = Some(serve(listener, Arc::clone(&self.world)));
    }

    /// No moods any more.
    pub(crate) fn calm(&self) {
        self.books().moods.clear();
    }

    /// No moods any more, and what hangs is answered.
    pub(crate) fn let_go(&self) {
        self.calm();
        self.world.let_go.notify_waiters();
    }

    /// Tokens that were given out are worth nothing any more.
    pub(crate) fn revoke(&self) {
        let mut books = self.books();
        books.revoked = (1..=books.tokens).map(token).collect();
    }

    /// Somebody took the call: it no longer rings.
    pub(crate) fn take_call(&self, id: &str) {
        self.books().answered.insert(id.to_owned());
    }

    /// Everything that came to a path that contains `part`.
    pub(crate) fn requests(&self, part: &str) -> Vec<Seen> {
        self.books().seen.iter().filter(|seen| seen.path.contains(part)).cloned().collect()
    }

    /// What came there and changes something: neither looks nor tokens.
    pub(crate) fn acts(&self, part: &str) -> Vec<Seen> {
        let mut seen = self.requests(part);
        seen.retain(|seen| seen.method != "GET" && !seen.path.ends_with("/token"));
        seen
    }

    /// Waits until so many acts came there.
    pub(crate) async fn wait_acts(&self, part: &str, number: usize) -> Vec<Seen> {
        until(&format!("{number} act(s) on {part}"), async || {
            let acts = self.acts(part);
            (acts.len() >= number).then_some(acts)
        })
        .await
    }

    /// The texts in a conversation.
    pub(crate) fn messages(&self, conversation: &str) -> Vec<Value> {
        self.books().messages.get(conversation).cloned().unwrap_or_default()
    }

    pub(super) fn feel(&self, mood: Mood) {
        self.books().moods.push(mood);
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.world.books.lock().unwrap()
    }
}

#[expect(clippy::disallowed_methods, reason = "the far side of a story ends with its runtime")]
fn serve(listener: TcpListener, world: Arc<World>) -> JoinHandle<()> {
    let router = Router::new().fallback(answer).with_state(world);
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(router.clone());
            connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            while connections.try_join_next().is_some() {}
        }
    })
}

async fn answer(State(world): State<Arc<World>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let text = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().into()).unwrap();
    let (method, path) = (parts.method.to_string(), parts.uri.to_string());
    let seen = Seen { at: Instant::now(), method, path, headers: parts.headers, text, status: None };
    let let_go = world.let_go.notified();
    let (number, mood) = {
        let mut books = world.books.lock().unwrap();
        let mood = books.mood(&seen);
        books.seen.push(seen.clone());
        (books.seen.len() - 1, mood)
    };
    let done = |books: &Mutex<Books>| books.lock().unwrap().carry_out(&seen);
    let (status, body, wait) = match mood {
        None => whole(done(&world.books)),
        Some(Mood { done: also, then: Then::Answers(status, wait), .. }) => {
            if also {
                done(&world.books);
            }
            (status, json!({ "name": "Planted", "message": "planted" }), wait)
        }
        Some(Mood { done: true, then: Then::Hangs, .. }) => {
            let answer = done(&world.books);
            let_go.await;
            whole(answer)
        }
        Some(Mood { then: Then::Hangs, .. }) => {
            let_go.await;
            whole(done(&world.books))
        }
    };
    world.books.lock().unwrap().seen[number].status = Some(status);
    let mut response = Response::builder().status(status).header("content-type", "application/json");
    if let Some(wait) = wait {
        response = response.header("retry-after", wait);
    }
    response.body(Body::from(body.to_string())).unwrap()
}

fn whole((status, body): (u16, Value)) -> (u16, Value, Option<String>) {
    (status, body, None)
}

fn token(number: usize) -> String {
    format!("token-of-the-far-side-{number}")
}

impl Books {
    fn mood(&mut self, seen: &Seen) -> Option<Mood> {
        let fits = |mood: &&mut Mood| {
            mood.times > 0 && seen.path.contains(&mood.part) && (mood.method.is_empty() || mood.method == seen.method)
        };
        let mood = self.moods.iter_mut().find(fits)?;
        mood.times -= 1;
        Some(mood.clone())
    }

    fn carry_out(&mut self, seen: &Seen) -> (u16, Value) {
        let path = seen.path.split('?').next().unwrap();
        let Some(route) = path.strip_prefix("/2017-09-01/") else {
            return (200, json!({ "id": "c-7", "name": "Ada Example" }));
        };
        let parts: Vec<&str> = route.split('/').collect();
        match (&*seen.method, &parts[..]) {
            ("POST", ["token"]) => return self.sign_in(&seen.text),
            _ if !self.is_signed_in(&seen.headers) => return (401, json!({ "name": "Unauthorized" })),
            _ => {}
        }
        match (&*seen.method, &parts[..]) {
            (method, ["endpoints", endpoint, "calls", call]) => self.call(method, endpoint, call, &seen.json()),
            ("GET", ["conversations", conversation, "messages"]) => {
                let items = self.messages.get(*conversation).cloned().unwrap_or_default();
                (200, json!({ "count": items.len(), "_links": {}, "_embedded": { "items": items } }))
            }
            ("POST", ["conversations", conversation, "messages"]) => {
                let messages = self.messages.entry((*conversation).to_owned()).or_default();
                let mut message = seen.json();
                message["messageId"] = format!("m-{}", messages.len()).into();
                messages.push(message.clone());
                (201, message)
            }
            _ => (403, json!({ "name": "Forbidden", "message": "no such route" })),
        }
    }

    fn sign_in(&mut self, text: &str) -> (u16, Value) {
        if !text.contains(CLIENT_SECRET) {
            return (401, json!({ "name": "ClientSecretMismatch", "message": "wrong client" }));
        }
        self.tokens += 1;
        (201, json!({ "token_type": "bearer", "expires_in": 3600, "access_token": token(self.tokens) }))
    }

    fn is_signed_in(&self, headers: &HeaderMap) -> bool {
        let bearer = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        bearer.is_some_and(|given| {
            (1..=self.tokens).any(|number| token(number) == given) && !self.revoked.contains(given)
        })
    }

    fn call(&mut self, method: &str, endpoint: &str, call: &str, asked: &Value) -> (u16, Value) {
        if self.gone.contains(call) {
            return (404, json!({ "name": "CallNotFound", "message": "no such call" }));
        }
        let taken = self.answered.contains(call);
        if method == "PUT" && taken {
            return (409, json!({ "name": "Conflict", "message": "the call does not ring" }));
        }
        if method == "PUT" && asked["action"] == "redirect" {
            self.gone.insert(call.to_owned());
        }
        let state = if taken { "connected" } else { "ringing" };
        let link = format!("/2017-09-01/endpoints/{endpoint}/calls/{call}");
        (200, json!({ "callId": call, "state": state, "direction": "inbound", "_links": { "self": link } }))
    }
}
