//! The directory: users, contacts, groups and sites of one account in memory, and what conversations are called.
//!
//! Whole collections are read page by page in the background and swapped in one piece; they have a lifetime, and what
//! can't be read anew stays and counts as stale. Single users follow notifications. Nothing here delays a call: what is
//! in memory is answered at once, and whoever asks further gives the time that it may take. Only what rules need is read.
//!
//! This room knows no HTTP: whoever wires it gives a [`Source`]. Every field of every object may be missing, and names
//! that Mitel does not document are read in several spellings (\[A\]). A user's SIP password is never looked at.

mod afar;
mod entry;
mod find;
mod group;
mod heard;
mod here;
mod index;
mod keep;
mod options;
mod read;
mod shelf;
mod site;
mod source;
mod talk;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use serde_json::Value;
use tokio::sync::{Notify, Semaphore, watch};

use crate::kit::clock::Clock;
use crate::numbers::Numbers;

pub use entry::{Contact, User};
pub use group::Group;
pub use index::{Entry, Key};
pub use options::{Load, Needs, Options};
pub use read::all;
pub use shelf::Shelf;
pub use site::{Prefixes, Site};
pub use source::{List, One, Pages, Source, Trouble, Why};
pub use talk::Talk;

use heard::Heard;
use keep::Change;
use talk::Talks;

/// How many single objects may be asked for at a time; further ones are missing at once.
const ASKING: usize = 256;
/// How many changes of single users wait to be taken in; beyond that all users are read anew.
const MOST_CHANGES: usize = 10_000;

/// A collection as it was read.
#[derive(Debug)]
struct Held<R> {
    shelf: Shelf<R>,
    /// When its reading began, in milliseconds since 1970.
    at: i64,
    /// It is known to be out of date.
    outdated: bool,
}

/// What there is to say about a collection, for metrics and pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// `users`, `contacts`, `groups`, `sites`.
    pub name: &'static str,
    /// How many there are.
    pub count: usize,
    /// How old it is in milliseconds; none if it was never read.
    pub age: Option<i64>,
    /// Whether it is older than it may be.
    pub stale: bool,
    /// Why it could not be read anew, if so.
    pub trouble: Option<String>,
    /// How often that failed in a row.
    pub failures: u32,
}

/// What was found, and whether it is older than it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// What was found.
    pub value: T,
    /// Whether it is older than it may be.
    pub stale: bool,
}

/// Until when somebody counts as not found; with the trouble, if nobody answered.
type Unknown = (i64, Option<Trouble>);

/// The directory of one account. Cloning is cheap.
#[derive(Clone)]
pub struct Directory(Arc<Inner>);

struct Inner {
    account: Arc<str>,
    options: Options,
    clock: Clock,
    source: Arc<dyn Source>,
    numbers: ArcSwap<Numbers>,
    users: ArcSwapOption<Held<User>>,
    contacts: ArcSwapOption<Held<Contact>>,
    groups: ArcSwapOption<Held<Group>>,
    sites: ArcSwapOption<Held<Site>>,
    /// Needed whatever the rules ask for.
    always: Needs,
    needs: Mutex<Needs>,
    changes: Mutex<Vec<Change>>,
    /// What was taken in since the users are being read anew: it counts for what is read too.
    beside: Mutex<Option<Vec<Change>>>,
    heard: Mutex<Heard>,
    /// Why collections could not be read, and how often in a row, by name.
    troubles: Mutex<HashMap<&'static str, (String, u32)>>,
    talks: Mutex<Talks>,
    /// Who could not be found, until when; with the trouble, if nobody answered.
    unknown: Mutex<HashMap<Box<str>, Unknown>>,
    asking: Semaphore,
    wake: Notify,
    changed: Notify,
    /// Counts the collections that were read.
    news: watch::Sender<u64>,
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Directory({})", self.0.account)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Directory {
    /// An empty directory; [`Directory::keep`] fills it. Numbers are read as `numbers` does. `always` is what is needed
    /// whatever the rules ask for.
    pub fn new(
        account: Arc<str>,
        options: Options,
        always: Needs,
        source: Arc<dyn Source>,
        numbers: Numbers,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(Inner {
            account,
            options,
            clock,
            source,
            numbers: ArcSwap::from_pointee(numbers),
            users: ArcSwapOption::empty(),
            contacts: ArcSwapOption::empty(),
            groups: ArcSwapOption::empty(),
            sites: ArcSwapOption::empty(),
            always,
            needs: Mutex::new(always),
            changes: Mutex::default(),
            beside: Mutex::default(),
            heard: Mutex::default(),
            troubles: Mutex::default(),
            talks: Mutex::default(),
            unknown: Mutex::default(),
            asking: Semaphore::new(ASKING),
            wake: Notify::new(),
            changed: Notify::new(),
            news: watch::Sender::default(),
        }))
    }

    /// The account whose it is.
    pub fn account(&self) -> &Arc<str> {
        &self.0.account
    }

    /// Where it is read from.
    pub fn source(&self) -> &dyn Source {
        &*self.0.source
    }

    /// Says what is needed from now on; what is not there yet is read soon.
    pub fn need(&self, needs: Needs) {
        let needs = match self.0.options.load {
            Load::Needed => needs,
            Load::Always => Needs::ALL,
            Load::Never => Needs::default(),
        };
        *lock(&self.0.needs) = needs.or(self.0.always);
        self.0.wake.notify_one();
    }

    /// Numbers are read in another country from now on; whoever is found by a number is read anew.
    pub fn read_numbers(&self, numbers: Numbers) {
        self.0.numbers.store(Arc::new(numbers));
        lock(&self.0.changes).push(Change::All);
        self.0.changed.notify_one();
    }

    /// Tells of each collection that was read.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.0.news.subscribe()
    }

    /// Whether the sites were read.
    pub fn knows_sites(&self) -> bool {
        self.0.sites.load().is_some()
    }

    /// A notification told of a user: created, changed or gone. `content` is what came with it: the user, or nothing.
    pub fn heard_user(&self, id: &str, content: &Value, gone: bool) {
        lock(&self.0.heard).of(id);
        lock(&self.0.unknown).remove(id);
        if gone {
            return self.change(Change::Gone(id.into()));
        }
        // A part of a user would take away the rest: only what looks whole is taken as it is.
        let user = User::read(content, &self.0.numbers.load()).filter(|user| user.id() == id && user.is_whole());
        self.change(user.map_or_else(|| Change::Ask(id.into()), |user| Change::Put(Arc::new(user))));
    }

    fn change(&self, change: Change) {
        // Users that are not kept need not be changed.
        if !lock(&self.0.needs).users {
            return;
        }
        let mut changes = lock(&self.0.changes);
        match changes.len() {
            MOST_CHANGES => {}
            len if len + 1 == MOST_CHANGES => changes.push(Change::All),
            _ => changes.push(change),
        }
        drop(changes);
        self.0.changed.notify_one();
    }

    /// What there is to say about each collection that is needed or there.
    pub fn state(&self) -> Vec<State> {
        let (needs, inner) = (*lock(&self.0.needs), &self.0);
        let mut states = Vec::new();
        let troubles = lock(&inner.troubles).clone();
        let mut add = |list: &List, held: Option<(usize, i64, bool)>| {
            if held.is_none() && !needs.of(list) {
                return;
            }
            let age = held.map(|(_, at, _)| inner.clock.millis().saturating_sub(at).max(0));
            states.push(State {
                name: list.name(),
                count: held.map_or(0, |(count, ..)| count),
                age,
                stale: held.is_some_and(|(.., outdated)| outdated) || age.is_none_or(|age| age > self.lifetime()),
                trouble: troubles.get(list.name()).map(|(why, _)| why.clone()),
                failures: troubles.get(list.name()).map_or(0, |(_, failures)| *failures),
            });
        };
        add(&List::Users, inner.users.load().as_ref().map(|held| (held.shelf.len(), held.at, held.outdated)));
        add(&List::Contacts, inner.contacts.load().as_ref().map(|held| (held.shelf.len(), held.at, held.outdated)));
        add(&List::Groups, inner.groups.load().as_ref().map(|held| (held.shelf.len(), held.at, held.outdated)));
        add(&List::Sites, inner.sites.load().as_ref().map(|held| (held.shelf.len(), held.at, held.outdated)));
        states
    }

    fn lifetime(&self) -> i64 {
        i64::try_from(self.0.options.refresh.as_millis()).unwrap_or(i64::MAX)
    }

    fn found<R, T>(&self, held: &Held<R>, value: Option<T>) -> Option<Found<T>> {
        let stale = held.outdated || self.0.clock.millis().saturating_sub(held.at) > self.lifetime();
        value.map(|value| Found { value, stale })
    }
}

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Person {
    /// A user.
    User(Arc<User>),
    /// A contact.
    Contact(Arc<Contact>),
}

impl Person {
    /// What they are called.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::User(user) => user.name(),
            Self::Contact(contact) => contact.name(),
        }
    }

    /// Their e-mail address.
    pub fn email(&self) -> Option<&str> {
        match self {
            Self::User(user) => user.email(),
            Self::Contact(contact) => contact.email(),
        }
    }
}
