//! Notify: signs publications and sends each until it is acknowledged, in order within a lane, lanes side by side; sends
//! some again although they were.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use fastrand::Rng;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::books::{Books, Entry};
use super::life::Door;
use super::plan::Rates;
use crate::kit::clock::Clock;
use crate::kit::supervisor::Supervisor;

/// The key of the signatures.
pub(super) const KEY: &str = "9f1c2b3a-0000-4000-8000-000000000001";
/// How long a sender waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A publication, and what became of sending it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) lane: String,
    /// When it happened, by the PBX's clock.
    pub(super) time: Option<i64>,
    pub(super) state: Option<String>,
    /// Whether it is a message of the gateway's own.
    pub(super) own: bool,
    pub(super) forged: bool,
    /// When its sender first heard a 200.
    pub(super) acknowledged: Option<i64>,
    body: Bytes,
    signature: String,
}

/// See the module.
pub(super) struct Sender {
    inner: Mutex<Inner>,
    door: Arc<Door>,
    books: Arc<Books>,
    clock: Clock,
    tasks: Supervisor,
    rates: Rates,
    skew: i64,
}

struct Inner {
    sent: Vec<Sent>,
    lanes: BTreeMap<String, VecDeque<usize>>,
    busy: usize,
    rng: Rng,
}

/// What there is to publish.
pub(super) struct Publication<'a> {
    pub(super) topic: &'a str,
    pub(super) method: &'a str,
    pub(super) subject: String,
    pub(super) content: Value,
    pub(super) own: bool,
    pub(super) forged: bool,
}

impl Sender {
    pub(super) fn new(
        seed: u64,
        door: Arc<Door>,
        books: Arc<Books>,
        clock: Clock,
        tasks: Supervisor,
        (rates, skew): (Rates, i64),
    ) -> Self {
        let rng = Rng::with_seed(seed ^ 0x5e4d);
        let inner = Mutex::new(Inner { sent: Vec::new(), lanes: BTreeMap::new(), busy: 0, rng });
        Self { inner, door, books, clock, tasks, rates, skew }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether everything was delivered, or given up.
    pub(super) fn is_idle(&self) -> bool {
        self.inner().busy == 0
    }

    pub(super) fn sent(&self) -> Vec<Sent> {
        self.inner().sent.clone()
    }

    /// A chance of so many in a thousand.
    fn drawn(&self, rate: u32) -> bool {
        rate > 0 && self.inner().rng.u32(..1000) < rate
    }

    fn millis(&self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.inner().rng.u64(range))
    }

    /// Publishes: the lane's courier takes it in its turn.
    pub(super) fn publish(self: &Arc<Self>, publication: Publication<'_>) {
        let mut inner = self.inner();
        let number = inner.sent.len();
        let id = format!("p{number}");
        let Publication { topic, method, subject, mut content, own, forged } = publication;
        let time = topic.ends_with("media").then(|| self.clock.millis() + self.skew);
        if let Some(time) = time {
            content["timestamp"] = json!(time);
        }
        // What the order of a resource is kept by.
        let lane = if topic.ends_with("conversations") {
            subject.split("/messages").next().unwrap_or_default().to_owned()
        } else {
            subject.clone()
        };
        let state = content["state"].as_str().map(str::to_owned);
        let body = json!({ "publicationId": id, "topic": topic, "method": method, "subject": subject,
                           "content": content, "publisher": { "accountId": "10000495", "principalId": "u-1" } });
        let body = Bytes::from(body.to_string());
        let signature = if forged { "0".repeat(64) } else { signature(&body) };
        inner.sent.push(Sent { id, lane: lane.clone(), time, state, own, forged, acknowledged: None, body, signature });
        inner.busy += 1;
        if let Some(queue) = inner.lanes.get_mut(&lane) {
            return queue.push_back(number);
        }
        inner.lanes.insert(lane.clone(), VecDeque::from([number]));
        drop(inner);
        let sender = Arc::clone(self);
        self.tasks.spawn(async move { sender.courier(&lane).await });
    }

    async fn courier(self: Arc<Self>, lane: &str) {
        loop {
            let number = {
                let mut inner = self.inner();
                match inner.lanes.get(lane).and_then(|queue| queue.front().copied()) {
                    Some(number) => number,
                    None => return drop(inner.lanes.remove(lane)),
                }
            };
            self.deliver(number).await;
            let mut inner = self.inner();
            inner.lanes.get_mut(lane).and_then(VecDeque::pop_front);
            inner.busy -= 1;
        }
    }

    async fn deliver(self: &Arc<Self>, number: usize) {
        tokio::time::sleep(self.millis(1..60)).await;
        let gives_up = self.drawn(self.rates.given_up);
        for attempt in 0.. {
            if self.post(number).await == Some(200) || (gives_up && attempt > 0) || self.inner().sent[number].forged {
                break;
            }
            let wait = self.millis(100..2_000 * (attempt + 1).min(5));
            tokio::time::sleep(wait).await;
        }
        // Who gave up does not come again: it would come after its successors.
        if self.drawn(self.rates.duplicates) && self.inner().sent[number].acknowledged.is_some() {
            self.inner().busy += 1;
            let (sender, wait) = (Arc::clone(self), self.millis(0..8_000));
            self.tasks.spawn(async move {
                tokio::time::sleep(wait).await;
                sender.post(number).await;
                sender.inner().busy -= 1;
            });
        }
    }

    /// One delivery: the status that was heard.
    async fn post(&self, number: usize) -> Option<u16> {
        let Sent { id, body, signature, .. } = self.inner().sent[number].clone();
        let request = Request::post("/notify/main").header("x-notify-signature", signature).body(Body::from(body));
        let status = match self.door.open() {
            Some(life) => {
                tokio::select! {
                    biased;
                    () = life.power.cancelled() => None,
                    answer = tokio::time::timeout(PATIENCE, life.ingest.handle(request.unwrap())) =>
                        answer.ok().map(|answer| answer.status().as_u16()),
                }
            }
            None => None,
        };
        let heard = status.filter(|_| !self.drawn(self.rates.unheard));
        self.books.write(Entry::Delivered { publication: id, heard });
        if heard == Some(200) {
            let now = self.clock.millis();
            self.inner().sent[number].acknowledged.get_or_insert(now);
        }
        heard
    }
}

fn signature(body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    hex::encode(mac.chain_update(body).finalize().into_bytes())
}
