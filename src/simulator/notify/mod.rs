//! Notifications: who wants to hear what (subscriptions), what is said (publications), and carrying it to them (signed
//! webhooks with redelivery). The services only say [`Notify::publish`]; nothing here knows phones or chats. A connection
//! can be asked for, but nobody listens at its address: there is no MQTT here.

mod courier;
mod filter;
mod publication;
mod routes;
mod signature;
mod subscription;
mod whims;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::answer::Refusal;
use super::books::Books;
use super::clock::Clock;
use super::options::{Options, Redelivery};
use super::tasks::Tasks;
use super::tokens::Tokens;
use super::variants::{Variant, Variants};
use courier::Courier;
pub(crate) use publication::Publication;
pub(crate) use routes::ROUTES;
pub(crate) use subscription::{Owner, Subscription, Wish};
pub(crate) use whims::Whim;

/// Subscriptions that may exist at a time.
const MOST: usize = 1000;

/// The subscriptions and the courier that serves them.
pub(crate) struct Notify {
    subscriptions: Mutex<BTreeMap<String, Arc<Subscription>>>,
    courier: Arc<Courier>,
    clock: Clock,
    variants: Variants,
}

impl Notify {
    /// Without subscriptions.
    pub(crate) fn new(options: &Options, clock: Clock, tasks: Tasks, books: Arc<Books>) -> std::io::Result<Self> {
        let courier = Courier::new(options, clock, tasks, books)?;
        Ok(Self { subscriptions: Mutex::default(), courier, clock, variants: options.variants })
    }

    fn subscriptions(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Subscription>>> {
        let mut all = self.subscriptions.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        all.retain(|_, subscription| !subscription.wish.is_over(now));
        all
    }

    /// Adds a subscription. An identical one makes a duplicate, unless a variant lets it be the first.
    pub(crate) fn subscribe(&self, subscription: Subscription) -> Result<Arc<Subscription>, Refusal> {
        let mut all = self.subscriptions();
        if all.len() >= MOST {
            return Err(Refusal::bad(format!("there are {MOST} subscriptions already")));
        }
        if self.variants.has(Variant::SubscriptionUnique)
            && let Some(same) = all.values().find(|held| held.is_like(&subscription))
        {
            return Ok(Arc::clone(same));
        }
        tracing::info!(target: "simulator", id = subscription.id, topic = subscription.wish.topic, "subscribed");
        if self.variants.has(Variant::DeliveryProbe) && subscription.wish.is_webhook {
            self.courier.probe(&subscription);
        }
        let subscription = Arc::new(subscription);
        all.insert(subscription.id.clone(), Arc::clone(&subscription));
        Ok(subscription)
    }

    /// Puts another wish in the place of the one that this subscription had.
    pub(crate) fn change(&self, id: &str, wish: Wish) -> Result<Arc<Subscription>, Refusal> {
        let mut all = self.subscriptions();
        let held = all.get_mut(id).ok_or_else(|| no_such(id))?;
        *held = Arc::new(held.with(wish));
        Ok(Arc::clone(held))
    }

    /// All subscriptions that have not expired, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Subscription>> {
        let mut all: Vec<_> = self.subscriptions().values().cloned().collect();
        all.sort_by_key(|held| held.created_on);
        all
    }

    /// One subscription.
    pub(crate) fn get(&self, id: &str) -> Result<Arc<Subscription>, Refusal> {
        self.subscriptions().get(id).cloned().ok_or_else(|| no_such(id))
    }

    /// Ends a subscription; what waits for it is dropped.
    pub(crate) fn unsubscribe(&self, id: &str) -> Result<(), Refusal> {
        let subscription = self.subscriptions().remove(id).ok_or_else(|| no_such(id))?;
        subscription.end();
        tracing::info!(target: "simulator", id, "unsubscribed");
        Ok(())
    }

    /// How webhooks are repeated from the next failure on.
    pub(crate) fn redelivery(&self) -> MutexGuard<'_, Redelivery> {
        self.courier.redelivery()
    }

    /// Adds a whim; false if there are too many.
    pub(crate) fn add_whim(&self, whim: Whim) -> bool {
        self.courier.whims.add(whim)
    }

    /// All whims.
    pub(crate) fn whims(&self) -> Vec<Whim> {
        self.courier.whims.all()
    }

    /// No whims any more; what is held back goes as it would have.
    pub(crate) fn clear_whims(&self) {
        self.courier.whims.clear();
    }

    /// Ends every subscription whose token is not good any more, where a subscription dies with its token.
    pub(crate) fn bury(&self, tokens: &Tokens) {
        if !self.variants.has(Variant::SubscriptionsDie) {
            return;
        }
        let is_dead = |held: &Subscription| held.owner.token.is_some_and(|number| !tokens.is_held(number));
        self.subscriptions().retain(|_, held| {
            let dead = is_dead(held);
            if dead {
                held.end();
            }
            !dead
        });
    }

    /// Hands a publication to the courier, once for each subscription that it fits. Never waits.
    pub(crate) fn publish(&self, publication: &Publication) {
        let document = publication.document();
        for subscription in self.subscriptions().values() {
            if subscription.wants(publication, &document) {
                self.courier.take(subscription, publication, &document);
            }
        }
    }
}

fn no_such(id: &str) -> Refusal {
    Refusal::missing("SubscriptionNotFound", format!("no subscription {id}"))
}
