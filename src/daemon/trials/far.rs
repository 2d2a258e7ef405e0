//! The far side: CloudLink's phones, conversations and tokens, and a CRM. What it does is told by publications.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use reqwest::header::{AUTHORIZATION, RETRY_AFTER};
use reqwest::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::books::{Books, Deed, Entry};
use super::faults::{Course, Fault};
use super::life::Power;
use super::plan::{Plan, Rates, Trip};
use super::sender::{Publication, Sender};
use crate::cloudlink::transport::{Answer, Lost};
use crate::kit::clock::Clock;
use crate::kit::supervisor::Supervisor;

/// The longest chain of redirects that the PBX itself lets through.
const PBX_HOPS: u32 = 30;
/// After so many messages of the gateway's own nothing is told of them any more: an echo must end somewhere.
const ECHOES: usize = 200;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Host {
    Media,
    Chat,
    Crm,
    Auth,
}

/// A call at one phone.
#[derive(Clone, Debug)]
struct Leg {
    state: &'static str,
    tracking: String,
    hops: u32,
}

/// See the module.
pub(super) struct World {
    inner: Mutex<State>,
    sender: Arc<Sender>,
    books: Arc<Books>,
    clock: Clock,
    tasks: Supervisor,
    rates: Rates,
    trips: Vec<Trip>,
    healed: Instant,
}

struct State {
    rng: Rng,
    requests: usize,
    /// Requests that are on their way or are being answered.
    under_way: usize,
    /// Phones that will do something yet.
    lively: usize,
    calls: u32,
    legs: BTreeMap<(String, String), Leg>,
    messages: BTreeMap<String, Vec<Value>>,
    said: usize,
    own: usize,
    keys: BTreeSet<String>,
    token: u32,
    tokens: u32,
    outages: BTreeMap<Host, Instant>,
}

/// A request, taken apart.
struct Ask {
    host: Host,
    method: Method,
    path: Vec<String>,
    bearer: String,
    key: Option<String>,
    body: Value,
    deed: Deed,
    text: String,
}

impl World {
    pub(super) fn new(plan: &Plan, sender: Arc<Sender>, books: Arc<Books>, clock: Clock, tasks: Supervisor) -> Self {
        let state = State {
            rng: Rng::with_seed(plan.seed ^ 0xfa4),
            requests: 0,
            under_way: 0,
            lively: 0,
            calls: 0,
            legs: BTreeMap::new(),
            messages: BTreeMap::new(),
            said: 0,
            own: 0,
            keys: BTreeSet::new(),
            token: 0,
            tokens: 0,
            outages: BTreeMap::new(),
        };
        let healed = Instant::now() + plan.healed;
        let (rates, trips) = (plan.rates.clone(), plan.trips.clone());
        Self { inner: Mutex::new(state), sender, books, clock, tasks, rates, trips, healed }
    }

    fn inner(&self) -> MutexGuard<'_, State> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing will happen here by itself.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.inner();
        state.under_way == 0 && state.lively == 0
    }

    pub(super) fn revoke(&self) {
        self.inner().token = 0;
    }

    pub(super) fn outage(&self, host: Host, time: Duration) {
        self.inner().outages.insert(host, Instant::now() + time);
    }

    /// A new call rings.
    pub(super) fn ring(self: &Arc<Self>, endpoint: &str) {
        let tracking = {
            let mut state = self.inner();
            state.calls += 1;
            format!("t{}", state.calls)
        };
        self.ring_at(endpoint, tracking, 0);
    }

    fn ring_at(self: &Arc<Self>, endpoint: &str, tracking: String, hops: u32) {
        let (call, again, rings, talks, answered) = {
            let mut state = self.inner();
            state.calls += 1;
            let call = format!("7{:05}", state.calls);
            state.legs.insert((endpoint.to_owned(), call.clone()), Leg { state: "ringing", tracking, hops });
            state.lively += 1;
            let rng = &mut state.rng;
            let again = (rng.u32(..3) == 0).then(|| rng.u64(5..3_000));
            (call, again, rng.u64(500..35_000), rng.u64(500..20_000), rng.bool())
        };
        self.tell_leg(endpoint, &call, None);
        let (world, endpoint) = (Arc::clone(self), endpoint.to_owned());
        self.tasks.spawn(async move {
            let at = Instant::now();
            if let Some(again) = again {
                sleep(Duration::from_millis(again)).await;
                world.tell_leg(&endpoint, &call, None);
            }
            tokio::time::sleep_until(at + Duration::from_millis(rings)).await;
            if world.moves(&endpoint, &call, "ringing", if answered { "connected" } else { "completed" }, None)
                && answered
            {
                sleep(Duration::from_millis(talks)).await;
                world.moves(&endpoint, &call, "connected", "completed", None);
            }
            world.inner().lively -= 1;
        });
    }

    /// A leg's next state, if it is in the one before.
    fn moves(&self, endpoint: &str, call: &str, from: &str, to: &'static str, cause: Option<&str>) -> bool {
        {
            let mut state = self.inner();
            let Some(leg) = state.legs.get_mut(&(endpoint.to_owned(), call.to_owned())) else { return false };
            if leg.state != from {
                return false;
            }
            leg.state = to;
        }
        self.tell_leg(endpoint, call, cause);
        true
    }

    fn tell_leg(&self, endpoint: &str, call: &str, cause: Option<&str>) {
        let Some(leg) = self.inner().legs.get(&(endpoint.to_owned(), call.to_owned())).cloned() else { return };
        let content = json!({ "state": leg.state, "callId": format!("endpoints/{endpoint}/calls/{call}"),
            "from": "+16135550142", "to": endpoint, "direction": "inbound", "cause": cause,
            "extraPbxData": { "callTrackingID": leg.tracking } });
        let subject = format!("/2017-09-01/endpoints/{endpoint}/calls/{call}");
        self.publish("platform-api-media", "PUT", subject, content, false);
    }

    fn publish(&self, topic: &str, method: &str, subject: String, content: Value, own: bool) {
        self.sender.publish(Publication { topic, method, subject, content, own, forged: false });
    }

    /// Somebody writes a message.
    pub(super) fn talk(&self, conversation: &str) {
        self.say(conversation, json!({ "body": "hello", "createdBy": "u-7" }), false);
    }

    pub(super) fn forge(&self) {
        let (subject, content) =
            ("/conversations/c0/messages/x".to_owned(), json!({ "body": "hello", "createdBy": "u-9" }));
        let topic = "platform-api-conversations";
        self.sender.publish(Publication { topic, method: "POST", subject, content, own: false, forged: true });
    }

    pub(super) fn presence(&self, who: u32, status: &str) {
        let content = json!({ "aggregatePresence": { "status": status } });
        self.publish("platform-api-presence", "PUT", format!("/presentities/u-{who}"), content, false);
    }

    fn say(&self, conversation: &str, mut message: Value, own: bool) -> Value {
        let told = {
            let mut state = self.inner();
            state.said += 1;
            state.own += usize::from(own);
            message["messageId"] = json!(format!("m{}", state.said));
            message["contentType"] = json!("text/plain");
            message["createdOn"] = json!(self.clock.now().to_rfc3339());
            state.messages.entry(conversation.to_owned()).or_default().push(message.clone());
            !own || state.own < ECHOES
        };
        if told {
            let subject = format!("/conversations/{conversation}/messages/{}", message["messageId"].as_str().unwrap());
            self.publish("platform-api-conversations", "POST", subject, message.clone(), own);
        }
        message
    }

    /// How often each leg's call had been redirected before it.
    pub(super) fn hops(&self) -> Vec<u32> {
        self.inner().legs.values().map(|leg| leg.hops).collect()
    }

    /// Takes a request; the answer comes or does not.
    pub(super) fn take(
        self: &Arc<Self>,
        request: &Request,
        power: &Arc<Power>,
    ) -> (usize, oneshot::Receiver<Result<Answer, Lost>>) {
        let ask = Ask::read(request);
        let sent = self.clock.millis();
        let (number, course) = {
            let mut state = self.inner();
            let number = state.requests;
            state.requests += 1;
            state.under_way += 1;
            let out = state.outages.get(&ask.host).is_some_and(|until| Instant::now() < *until);
            let rates = if Instant::now() < self.healed { &self.rates } else { &Rates::default() };
            (number, Course::draw(&mut state.rng, rates, out))
        };
        let path = format!("/{}", ask.path.join("/"));
        let (method, deed, text) = (ask.method.to_string(), ask.deed.clone(), ask.text.clone());
        let shown = format!("{:?} {}+{}", course.fault, course.before.as_millis(), course.after.as_millis());
        self.books.write(Entry::Asked { life: power.life, number, method, path, deed, text, course: shown });
        let trip = self.trips.iter().find(|trip| trip.request == number && Instant::now() < self.healed).cloned();
        if let Some(trip) = trip.as_ref().filter(|trip| trip.after.is_none()) {
            power.cut(trip.committed);
        }
        let (reply, answer) = oneshot::channel();
        let (world, power) = (Arc::clone(self), Arc::clone(power));
        self.tasks.spawn(async move {
            sleep(course.before).await;
            let done = course.fault.has_effect().then(|| world.carry_out(&ask, number, sent));
            sleep(course.after).await;
            if let Some(answer) = course.fault.answer(done) {
                // Whoever asked may have given up.
                let _ = reply.send(answer);
            }
            if let Some((after, committed)) = trip.and_then(|trip| Some((trip.after?, trip.committed))) {
                sleep(after).await;
                power.cut(committed);
            }
            world.inner().under_way -= 1;
        });
        (number, answer)
    }

    fn carry_out(self: &Arc<Self>, ask: &Ask, number: usize, sent: i64) -> (u16, Value) {
        let path: Vec<&str> = ask.path.iter().map(String::as_str).collect();
        if matches!(ask.host, Host::Media | Host::Chat) && ask.bearer != format!("Bearer tok-{}", self.inner().token) {
            return (401, json!({ "name": "Unauthorized" }));
        }
        let effect = || self.books.write(Entry::Effect { number, sent, deed: ask.deed.clone() });
        match (ask.host, ask.method.as_str(), path.as_slice()) {
            (Host::Auth, "POST", [_, "token"]) => {
                let mut state = self.inner();
                state.tokens += 1;
                state.token = state.tokens;
                (201, json!({ "access_token": format!("tok-{}", state.token), "expires_in": 3600 }))
            }
            (Host::Media, "GET", [_, "endpoints", endpoint, "calls", call]) => {
                match self.inner().legs.get(&((*endpoint).to_owned(), (*call).to_owned())) {
                    Some(leg) if leg.state != "completed" => (200, json!({ "state": leg.state })),
                    _ => (404, json!({ "name": "CallNotFound" })),
                }
            }
            (Host::Media, "PUT", [_, "endpoints", endpoint, "calls", call]) => {
                let leg = self.inner().legs.get(&((*endpoint).to_owned(), (*call).to_owned())).cloned();
                match leg {
                    Some(leg) if leg.state == "ringing" && leg.hops < PBX_HOPS => {
                        effect();
                        self.moves(endpoint, call, "ringing", "completed", Some("redirected"));
                        let to = ask.body["destination"].as_str().unwrap_or_default();
                        self.ring_at(to, leg.tracking, leg.hops + 1);
                        (200, json!({}))
                    }
                    Some(_) => (409, json!({ "name": "InvalidState" })),
                    None => (404, json!({ "name": "CallNotFound" })),
                }
            }
            (Host::Chat, "POST", [_, "conversations", conversation, "messages"]) => {
                effect();
                (201, self.say(conversation, json!({ "body": ask.body["body"], "tag": ask.body["tag"] }), true))
            }
            (Host::Chat, "GET", [_, "conversations", conversation, "messages"]) => {
                let messages = self.inner().messages.get(*conversation).cloned().unwrap_or_default();
                (200, json!({ "items": messages }))
            }
            (Host::Crm, "GET", [_, "contact"]) => (200, json!({ "name": "Ada" })),
            (Host::Crm, "POST", [_, "keyed"]) => {
                if self.inner().keys.insert(ask.key.clone().unwrap_or_default()) {
                    effect();
                }
                (200, json!({}))
            }
            (Host::Crm, "PUT", [_, "keyed"]) | (Host::Crm, "POST", [_, "once"]) => {
                effect();
                (201, json!({}))
            }
            other => panic!("the far side has no such route: {other:?}"),
        }
    }
}

impl Ask {
    fn read(request: &Request) -> Self {
        let url = request.url();
        let host = match url.host_str() {
            Some("media.sim") => Host::Media,
            Some("chat.sim") => Host::Chat,
            Some("crm.sim") => Host::Crm,
            Some("auth.sim") => Host::Auth,
            other => panic!("nobody lives at {other:?}"),
        };
        let path: Vec<String> = url.path_segments().unwrap().map(str::to_owned).collect();
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let (deed, text) = deed(host, request.method(), &path, &body);
        let (bearer, key) = (header(AUTHORIZATION.as_str()).unwrap_or_default(), header("idempotency-key"));
        Self { host, method: request.method().clone(), path, bearer, key, body, deed, text }
    }
}

/// What a request belongs to, as the trial's rules write it down, and what was rendered.
fn deed(host: Host, method: &Method, path: &[String], body: &Value) -> (Deed, String) {
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    match host {
        Host::Media => {
            let to = text("destination");
            let rule = if to == "4001" { "second hop" } else { "first hop" };
            (Deed { publication: path[1..].join("/"), rule: rule.to_owned(), step: "0".to_owned() }, to)
        }
        Host::Chat if method == Method::POST => {
            let text = text("body");
            let mut parts = text.split('|').map(str::to_owned);
            let mut next = || parts.next().unwrap_or_default();
            (Deed { publication: next(), rule: next(), step: next() }, text)
        }
        Host::Crm => (Deed { publication: text("event"), rule: text("rule"), step: text("step") }, body.to_string()),
        Host::Chat | Host::Auth => (Deed::default(), String::new()),
    }
}

/// An answer with a JSON body.
pub(super) fn answer(status: u16, body: &Value, retry_after: Option<u64>) -> Answer {
    let headers = retry_after.map(|seconds| (RETRY_AFTER, seconds.into())).into_iter().collect();
    Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: Ok(body.to_string().into()) }
}

impl Fault {
    /// What the asker gets, `done` being what came of the request if it was carried out; nothing for no answer.
    fn answer(self, done: Option<(u16, Value)>) -> Option<Result<Answer, Lost>> {
        self.shown(done.map(|(status, body)| answer(status, &body, None)))
    }
}
