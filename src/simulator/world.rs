//! The simulated world: everything that handlers share. Each part guards itself; there is no lock over all. What belongs to
//! one account is in its realm.

use std::sync::Arc;

use serde_json::Value;

use super::answer::{BASE, Refusal};
use super::books::Books;
use super::clock::Clock;
use super::moods::Moods;
use super::notify::{Notify, Publication};
use super::options::Options;
use super::realm::Realm;
use super::tasks::Tasks;
use super::tokens::{Applications, Tokens};
use super::variants::Variant;

/// The state of one simulator.
pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) tokens: Tokens,
    pub(crate) applications: Applications,
    pub(crate) notify: Notify,
    pub(crate) books: Arc<Books>,
    pub(crate) moods: Moods,
    /// The first is the one that the control API means.
    pub(crate) realms: Vec<Arc<Realm>>,
}

impl World {
    /// A world in which nothing has happened yet.
    pub(crate) fn new(options: Options, tasks: Tasks) -> std::io::Result<Arc<Self>> {
        let books = Arc::new(Books::default());
        let clock = Clock::ahead_by(options.clock_offset);
        let notify = Notify::new(&options, clock, tasks, Arc::clone(&books))?;
        let tenants = options.tenants();
        let partner = tenants.iter().find(|tenant| tenant.partner).map_or("", |tenant| &*tenant.account_id);
        let realms = tenants.iter().map(|tenant| Realm::new(tenant, partner, &options, clock)).collect();
        Ok(Arc::new(Self {
            clock,
            notify,
            books,
            realms,
            tokens: Tokens::new(clock, &options),
            applications: Applications::new(&tenants, clock),
            moods: Moods::default(),
            options,
        }))
    }

    /// The account that the control API means if it is not told otherwise.
    pub(crate) fn main(&self) -> &Arc<Realm> {
        &self.realms[0]
    }

    /// The account with this GUID or number.
    pub(crate) fn named(&self, account: &str) -> Result<&Arc<Realm>, Refusal> {
        let found = self.realms.iter().find(|realm| realm.account.is_named(account));
        found.ok_or_else(|| Refusal::missing("AccountNotFound", format!("no account {account}")))
    }

    /// A subject as this topic's service writes it; `versioned` is the plain way.
    pub(crate) fn subject(&self, path: &str, versioned: bool, other_way: Variant) -> String {
        let plays = |variant| self.options.variants.has(variant);
        match (versioned != plays(other_way), plays(Variant::SubjectApi)) {
            (true, true) => format!("/api{BASE}{path}"),
            (true, false) => format!("{BASE}{path}"),
            (false, _) => path.to_owned(),
        }
    }

    /// Publishes that something in an account changed.
    pub(crate) fn publish(
        &self,
        realm: &Realm,
        (topic, method): (&str, &str),
        subject: String,
        content: Value,
        by: &str,
    ) {
        self.notify.bury(&self.tokens);
        self.notify.publish(&Publication::new(topic, method, subject, content, (&realm.account.id, by)));
    }
}

/// A new GUID.
pub(crate) fn guid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A new id of 32 hex digits without dashes.
pub(crate) fn plain_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
