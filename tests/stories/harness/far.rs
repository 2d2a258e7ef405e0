//! The far side: CloudLink and a CRM on one loopback port, with state and moods. Every request is kept with its time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Response};
use futures_util::stream::{self, StreamExt};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
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
    /// The far side's port, which is part of its tokens.
    port: u16,
    tokens: usize,
    revoked: HashSet<String>,
    gone: HashSet<String>,
    answered: HashSet<String>,
    messages: HashMap<String, Vec<Value>>,
    effects: BTreeMap<String, usize>,
    keys: HashSet<(String, Vec<u8>)>,
    /// What is answered to a GET, by path without the version and the query.
    known: HashMap<String, Value>,
}

impl Drop for Far {
    fn drop(&mut self) {
        self.serving.iter().for_each(JoinHandle::abort);
    }
}

impl Far {
    /// Up, on a free port.
    pub(crate) async fn start() -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], super::world::port()));
        let books = Books { port: address.port(), ..Books::default() };
        let world = Arc::new(World { books: Mutex::new(books), let_go: Notify::new() });
        let mut far = Self { world, address, serving: None };
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
        books.revoked = (1..=books.tokens).map(|number| token(self.address.port(), number)).collect();
    }

    /// Answers a GET of this path, without the version, with this.
    pub(crate) fn knows(&self, path: &str, object: Value) {
        self.books().known.insert(path.trim_start_matches('/').to_owned(), object);
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

    /// What was done, by path, and how often; of paths that contain `part`.
    pub(crate) fn effects(&self, part: &str) -> BTreeMap<String, usize> {
        let mut effects = self.books().effects.clone();
        effects.retain(|path, _| path.contains(part));
        effects
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
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(connection(stream, Arc::clone(&world)));
            while connections.try_join_next().is_some() {}
        }
    })
}

/// An error of an answer or within its body resets the connection.
async fn connection(stream: TcpStream, world: Arc<World>) {
    let service =
        service_fn(move |request: hyper::Request<Incoming>| answer(Arc::clone(&world), request.map(Body::new)));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if (&mut connection).await.is_err_and(|error| error.is_user()) {
        connection.into_parts().io.into_inner().set_zero_linger().unwrap();
    }
}

async fn answer(world: Arc<World>, request: Request) -> Result<Response<Body>, io::Error> {
    let (parts, body) = request.into_parts();
    let text = String::from_utf8(to_bytes(body, 1 << 20).await.map_err(io::Error::other)?.into()).unwrap();
    let (method, path) = (parts.method.to_string(), parts.uri.to_string());
    let seen = Seen { at: Instant::now(), method, path, headers: parts.headers, text, status: None };
    let let_go = world.let_go.notified();
    let (number, mood) = {
        let mut books = world.books.lock().unwrap();
        let mood = books.mood(&seen);
        books.seen.push(seen.clone());
        (books.seen.len() - 1, mood)
    };
    let done = || world.books.lock().unwrap().carry_out(&seen);
    let also = mood.as_ref().is_some_and(|mood| mood.done).then(done);
    let (mut status, mut body, mut wait) = (200, Body::empty(), None);
    let mut whole = |(code, said): (u16, Value)| (status, body) = (code, Body::from(said.to_string()));
    match mood.map(|mood| mood.then) {
        None => whole(done()),
        Some(Then::Answers(code, later)) => {
            wait = later;
            whole((code, json!({ "name": "Planted", "message": "planted" })));
        }
        Some(Then::Hangs) => {
            let_go.await;
            whole(also.unwrap_or_else(done));
        }
        Some(Then::Dawdles(by)) => {
            tokio::time::sleep(by).await;
            whole(also.unwrap_or_else(done));
        }
        Some(Then::Resets) => return Err(io::Error::other("reset")),
        Some(Then::Garbles) => body = Body::from("<html>Bad Gateway</html>"),
        Some(Then::BreaksOff) => body = breaks_off(),
    }
    world.books.lock().unwrap().seen[number].status = Some(status);
    let mut response = Response::builder().status(status).header("content-type", "application/json");
    if let Some(wait) = wait {
        response = response.header("retry-after", wait);
    }
    Ok(response.body(body).unwrap())
}

/// A body that begins, has time to leave, and breaks.
fn breaks_off() -> Body {
    let beginning = stream::once(async { Ok("{\"messageId\":") });
    Body::from_stream(beginning.chain(stream::once(async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err(io::Error::other("broken off"))
    })))
}

/// The tokens of one far side are not those of another.
fn token(of: u16, number: usize) -> String {
    format!("token-of-the-far-side-{of}-{number}")
}

impl Books {
    fn mood(&mut self, seen: &Seen) -> Option<Mood> {
        let fits = |mood: &mut Mood| {
            let fits = seen.path.contains(&mood.part) && (mood.method.is_empty() || mood.method == seen.method);
            mood.times > 0 && fits && mood.dice.usize(..mood.one_in) == 0
        };
        let at = self.moods.iter_mut().position(fits)?;
        let mood = &mut self.moods[at];
        mood.times -= 1;
        Some(mood.clone())
    }

    /// Does what is asked for. What has an Idempotency-Key that was seen there is answered and not done again.
    fn carry_out(&mut self, seen: &Seen) -> (u16, Value) {
        let (status, said) = self.reply(seen);
        let key = seen.headers.get("idempotency-key").map(|key| (seen.path.clone(), key.as_bytes().to_vec()));
        if seen.method != "GET" && status < 300 && key.is_none_or(|key| self.keys.insert(key)) {
            *self.effects.entry(seen.path.clone()).or_default() += 1;
        }
        (status, said)
    }

    fn reply(&mut self, seen: &Seen) -> (u16, Value) {
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
        if let Some(known) = self.known.get(route).filter(|_| seen.method == "GET") {
            return (200, known.clone());
        }
        match (&*seen.method, &parts[..]) {
            ("GET", ["token"]) => (200, json!({ "principalId": "gateway", "accountId": "a", "role": "USER" })),
            // An account of which nothing more is said.
            ("GET", ["accounts", _, "sites"]) => (200, json!({ "count": 0, "_links": {} })),
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
        (201, json!({ "token_type": "bearer", "expires_in": 3600, "access_token": token(self.port, self.tokens) }))
    }

    fn is_signed_in(&self, headers: &HeaderMap) -> bool {
        let bearer = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        bearer.is_some_and(|given| {
            (1..=self.tokens).any(|number| token(self.port, number) == given) && !self.revoked.contains(given)
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
