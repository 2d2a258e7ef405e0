//! Carrying publications to webhooks: signed, repeated until 2xx, in order within one resource of one subscription and
//! side by side otherwise, unless a whim has it differently. All queues are bounded; what does not fit is dropped and written in the books.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use serde_json::Value;
use tokio::sync::{Semaphore, watch};

use super::publication::{Publication, addressed};
use super::signature::sign;
use super::subscription::Subscription;
use super::whims::Whims;
use crate::simulator::books::{Books, Delivery};
use crate::simulator::clock::Clock;
use crate::simulator::options::{Options, Redelivery, SignatureForm};
use crate::simulator::tasks::Tasks;
use crate::simulator::variants::{Variant, Variants};

/// Parcels that may wait at a time.
const MOST_WAITING: usize = 50_000;
/// Attempts that may be under way at a time.
const MOST_UNDER_WAY: usize = 256;

/// One publication for one subscription, ready to send; every attempt sends the same bytes.
#[derive(Clone)]
struct Parcel {
    subscription: Arc<Subscription>,
    publication_id: String,
    subject: String,
    body: Bytes,
    signature: String,
    /// What was done to it on purpose.
    mood: Option<&'static str>,
}

/// Subscription and resource: parcels of one lane go one after the other.
type Lane = (String, String);

#[derive(Default)]
struct Queues {
    lanes: HashMap<Lane, VecDeque<Parcel>>,
    waiting: usize,
}

/// Carries parcels; one task per lane that has any.
pub(crate) struct Courier {
    redelivery: Mutex<Redelivery>,
    pub(super) whims: Whims,
    /// How many parcels were carried to their end.
    carried: watch::Sender<u64>,
    form: SignatureForm,
    variants: Variants,
    clock: Clock,
    tasks: Tasks,
    books: Arc<Books>,
    client: reqwest::Client,
    hands: Semaphore,
    queues: Mutex<Queues>,
}

impl Courier {
    /// With empty queues.
    pub(crate) fn new(options: &Options, clock: Clock, tasks: Tasks, books: Arc<Books>) -> std::io::Result<Arc<Self>> {
        let (redelivery, variants) = (options.redelivery.clone(), options.variants);
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(redelivery.connect_timeout)
            .timeout(redelivery.answer_timeout)
            .build()
            .map_err(std::io::Error::other)?;
        Ok(Arc::new(Self {
            redelivery: Mutex::new(redelivery),
            whims: Whims::default(),
            carried: watch::Sender::new(0),
            form: options.signature_form(),
            variants,
            clock,
            tasks,
            books,
            client,
            hands: Semaphore::new(MOST_UNDER_WAY),
            queues: Mutex::default(),
        }))
    }

    /// How webhooks are repeated from the next failure on; time-outs stay as they were at the start.
    pub(super) fn redelivery(&self) -> MutexGuard<'_, Redelivery> {
        self.redelivery.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks a webhook whether it is there, as a service might that is told of a new one.
    pub(super) fn probe(self: &Arc<Self>, to: &Subscription) {
        let (courier, url) = (Arc::clone(self), to.wish.device_id.clone());
        self.tasks.spawn(async move {
            let outcome = courier.client.get(&url).send().await.map(|response| response.status().as_u16());
            tracing::info!(target: "simulator", url, ?outcome, "a webhook was probed");
        });
    }

    /// Takes a publication for a subscription and returns at once.
    pub(crate) fn take(self: &Arc<Self>, to: &Arc<Subscription>, publication: &Publication, document: &Value) {
        if !to.wish.is_webhook {
            return tracing::debug!(target: "simulator", subject = publication.subject, "nobody carries it to a websocket");
        }
        let body = addressed(document, &to.id, self.clock.now(), self.variants);
        let parcel = Parcel {
            subscription: Arc::clone(to),
            publication_id: publication.id.clone(),
            subject: publication.subject.clone(),
            signature: sign(&to.wish.application_id, &body, self.form),
            body: body.into(),
            mood: None,
        };
        let lane = (to.id.clone(), publication.resource().to_owned());
        let mut queues = self.queues();
        if queues.waiting >= MOST_WAITING {
            drop(queues);
            tracing::warn!(target: "simulator", subject = parcel.subject, "dropped: too much waits for delivery");
            return self.write(&parcel, 0, Instant::now(), Err("dropped: the queue is full".to_owned()));
        }
        queues.waiting += 1;
        let fate = self.whims.draw(&parcel.subject);
        if let Some((behind, hold_ms)) = fate.held {
            let parcel = Parcel { mood: Some("held back"), ..parcel };
            return self.tasks.spawn(Arc::clone(self).hold(parcel, behind, hold_ms, fate.twice));
        }
        let again = fate.twice.then(|| Parcel { mood: Some("duplicate"), ..parcel.clone() });
        queues.waiting += usize::from(again.is_some());
        let parcels = std::iter::once(parcel).chain(again);
        match queues.lanes.entry(lane) {
            Entry::Occupied(mut queue) => queue.get_mut().extend(parcels),
            Entry::Vacant(place) => {
                let lane = place.key().clone();
                place.insert(parcels.collect());
                self.tasks.spawn(Arc::clone(self).run(lane));
            }
        }
    }

    /// Carries a parcel outside its lane, after so many others or so many milliseconds; and, if so, once more.
    async fn hold(self: Arc<Self>, parcel: Parcel, behind: u64, hold_ms: u64, twice: bool) {
        let mut carried = self.carried.subscribe();
        let enough = *carried.borrow() + behind;
        let overtaken = carried.wait_for(|carried| *carried >= enough);
        // Whichever comes first: overtaken, or out of time.
        let _ = tokio::time::timeout(Duration::from_millis(hold_ms), overtaken).await;
        self.carry(&parcel).await;
        if twice {
            self.carry(&Parcel { mood: Some("duplicate"), ..parcel }).await;
        }
        self.queues().waiting -= 1;
    }

    /// Carries all parcels of a lane; the lane ends with the last.
    async fn run(self: Arc<Self>, lane: Lane) {
        while let Some(parcel) = self.next(&lane) {
            self.carry(&parcel).await;
            self.queues().waiting -= 1;
        }
    }

    fn next(&self, lane: &Lane) -> Option<Parcel> {
        let mut queues = self.queues();
        let parcel = queues.lanes.get_mut(lane)?.pop_front();
        if parcel.is_none() {
            queues.lanes.remove(lane);
        }
        parcel
    }

    /// Tries until 2xx, until the subscription ends, or until patience does.
    async fn carry(&self, parcel: &Parcel) {
        let began = Instant::now();
        for attempt in 1.. {
            if parcel.subscription.is_ended() || self.attempt(parcel, attempt).await {
                break;
            }
            if self.variants.has(Variant::DeliveryOnce) {
                break;
            }
            let Some(pause) = self.redelivery().pause(attempt, began.elapsed()) else {
                tracing::warn!(target: "simulator", subject = parcel.subject, attempt, "gave up a delivery");
                break;
            };
            tokio::time::sleep(pause).await;
        }
        self.carried.send_modify(|carried| *carried += 1);
    }

    async fn attempt(&self, parcel: &Parcel, attempt: u32) -> bool {
        let Ok(_hand) = self.hands.acquire().await else { return false };
        let began = Instant::now();
        let answer = self
            .client
            .post(&parcel.subscription.wish.device_id)
            .header("content-type", "application/json")
            .header("x-notify-signature", &parcel.signature)
            .body(parcel.body.clone())
            .send()
            .await;
        let outcome = answer.map(|response| response.status().as_u16()).map_err(|error| causes(&error));
        let taken = matches!(outcome, Ok(200..=299));
        tracing::debug!(target: "simulator", subject = parcel.subject, attempt, ?outcome, "delivery");
        self.write(parcel, attempt, began, outcome);
        taken
    }

    fn write(&self, parcel: &Parcel, attempt: u32, began: Instant, outcome: Result<u16, String>) {
        let took_ms = began.elapsed().as_millis() as u64;
        let (status, error) = match outcome {
            Ok(status) => (Some(status), None),
            Err(error) => (None, Some(error)),
        };
        self.books.tried(Delivery {
            n: 0,
            time: self.clock.epoch_ms() - took_ms as i64,
            took_ms,
            publication_id: parcel.publication_id.clone(),
            subscription_id: parcel.subscription.id.clone(),
            subject: parcel.subject.clone(),
            url: parcel.subscription.wish.device_id.clone(),
            attempt,
            status,
            error,
            mood: parcel.mood,
        });
    }
}

/// An error with its causes in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}
