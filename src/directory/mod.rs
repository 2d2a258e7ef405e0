//! The directory: users, contacts, groups and sites of one account in memory, and what conversations are called.
//!
//! Whole collections are read page by page in the background and swapped in one piece; they have a lifetime, and what
//! can't be read anew stays and counts as stale. Single users follow notifications. Nothing here delays a call: what is
//! in memory is answered at once, and whoever asks further gives the time that it may take. Only what rules need is read.
//!
//! This room knows no HTTP: whoever wires it gives a [`Source`]. Every field of every object may be missing, and names
//! that Mitel does not document are read in several spellings (\[A\]). A user's SIP password is never looked at.

mod entry;
mod find;
mod group;
mod heard;
mod index;
mod keep;
mod read;
mod shelf;
mod site;
mod source;
mod talk;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use serde_json::Value;
use tokio::sync::{Notify, Semaphore, watch};

use crate::kit::clock::Clock;
use crate::numbers::{Number, Numbers};

pub use entry::{Contact, User};
pub use group::Group;
pub use index::{Entry, Key};
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
/// How long it is remembered that somebody could not be found.
const UNKNOWN: i64 = 5 * 60 * 1000;
/// How long it is remembered that nobody answered who somebody is.
const FAILED: i64 = 30 * 1000;
/// How many of them are remembered.
const MOST_UNKNOWN: usize = 4096;
/// How many changes of single users wait to be taken in; beyond that all users are read anew.
const MOST_CHANGES: usize = 10_000;

/// The settled `[directory]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// What is read at start and kept fresh.
    pub load: Load,
    /// How old it may become.
    pub refresh: Duration,
}

/// What is read at start and kept fresh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Load {
    /// What the rules in force ask for.
    #[default]
    Needed,
    /// Everything.
    Always,
    /// Nothing: single objects are asked for when a rule wants them.
    Never,
}

impl Default for Options {
    fn default() -> Self {
        Self { load: Load::Needed, refresh: Duration::from_hours(1) }
    }
}

/// Which collections are needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Names, addresses and extensions of users.
    pub users: bool,
    /// Contacts.
    pub contacts: bool,
    /// Groups with their members.
    pub groups: bool,
    /// Sites with zones and dialling rules.
    pub sites: bool,
}

impl Needs {
    /// All of them.
    pub const ALL: Self = Self { users: true, contacts: true, groups: true, sites: true };

    /// What either needs.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            users: self.users || other.users,
            contacts: self.contacts || other.contacts,
            groups: self.groups || other.groups,
            sites: self.sites || other.sites,
        }
    }

    fn of(self, list: &List) -> bool {
        match list {
            List::Users => self.users,
            List::Contacts => self.contacts,
            List::Groups => self.groups,
            List::Sites => self.sites,
            List::Members(_) | List::Participants(_) => false,
        }
    }
}

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

    /// The user with that id or principal, e-mail address or extension.
    pub fn user(&self, name: &str) -> Option<Found<Arc<User>>> {
        let held = self.0.users.load();
        let held = held.as_ref()?;
        let keys = [Key::Id(name), Key::Email(name), Key::Extension(name)];
        self.found(held, keys.into_iter().find_map(|key| held.shelf.find(key)))
    }

    /// The user whose extension it is.
    pub fn at_extension(&self, extension: &str) -> Option<Found<Arc<User>>> {
        let held = self.0.users.load();
        let held = held.as_ref()?;
        self.found(held, held.shelf.find(Key::Extension(extension)))
    }

    /// All users, if they were read.
    pub fn users(&self) -> Option<Found<Vec<Arc<User>>>> {
        let held = self.0.users.load();
        let held = held.as_ref()?;
        self.found(held, Some(held.shelf.iter().cloned().collect()))
    }

    /// The contact with that id, e-mail address or name.
    pub fn contact(&self, name: &str) -> Option<Found<Arc<Contact>>> {
        let held = self.0.contacts.load();
        let held = held.as_ref()?;
        let keys = [Key::Id(name), Key::Email(name), Key::Name(name)];
        self.found(held, keys.into_iter().find_map(|key| held.shelf.find(key)))
    }

    /// The group with that id or name.
    pub fn group(&self, name: &str) -> Option<Found<Arc<Group>>> {
        let held = self.0.groups.load();
        let held = held.as_ref()?;
        let keys = [Key::Id(name), Key::Name(name)];
        self.found(held, keys.into_iter().find_map(|key| held.shelf.find(key)))
    }

    /// The site with that id or name.
    pub fn site(&self, name: &str) -> Option<Found<Arc<Site>>> {
        let held = self.0.sites.load();
        let held = held.as_ref()?;
        let keys = [Key::Id(name), Key::Name(name)];
        self.found(held, keys.into_iter().find_map(|key| held.shelf.find(key)))
    }

    /// The account's only site.
    pub fn only_site(&self) -> Option<Arc<Site>> {
        let held = self.0.sites.load();
        let mut sites = held.as_ref()?.shelf.iter();
        sites.next().cloned().filter(|_| sites.next().is_none())
    }

    /// The user or contact whose telephone number it is, written in any way, or the user whose extension.
    pub fn at_number(&self, number: &str) -> Option<Found<Person>> {
        if let Number::Outside(text) = self.0.numbers.load().read(number)
            && let Some(number) = entry::e164(&text)
        {
            let users = self.0.users.load();
            if let Some(held) = users.as_ref()
                && let Some(user) = held.shelf.find(Key::Number(number))
            {
                return self.found(held, Some(Person::User(user)));
            }
            let contacts = self.0.contacts.load();
            let held = contacts.as_ref()?;
            return self.found(held, held.shelf.find(Key::Number(number)).map(Person::Contact));
        }
        let Found { value, stale } = self.at_extension(number.trim())?;
        Some(Found { value: Person::User(value), stale })
    }

    /// Who has that principal: a user or a contact.
    pub fn person(&self, principal: &str) -> Option<Person> {
        let users = self.0.users.load();
        if let Some(user) = users.as_ref().and_then(|held| held.shelf.find(Key::Id(principal))) {
            return Some(Person::User(user));
        }
        let contacts = self.0.contacts.load();
        contacts.as_ref()?.shelf.find(Key::Id(principal)).map(Person::Contact)
    }

    /// A number as it is in E.164, if it is one of the public network.
    pub fn e164(&self, number: &str) -> Option<Arc<str>> {
        match self.0.numbers.load().read(number) {
            Number::Outside(number) => Some(number),
            Number::Inside | Number::Withheld => None,
        }
    }

    /// A user, from CloudLink; then it is in memory too, if users are. `None`: nobody is known there. Who was not found
    /// a moment ago is not asked for again, and a failure is remembered for a moment, so that a far side that is ill is
    /// not waited for with each event.
    pub async fn fetch_user(&self, id: &str, timeout: Duration) -> Result<Option<Arc<User>>, Trouble> {
        let now = self.0.clock.millis();
        if let Some((until, Some(trouble))) = lock(&self.0.unknown).get(id)
            && now < *until
        {
            return Err(trouble.clone());
        }
        let asked = self.ask_user(id, timeout).await;
        if let Err(trouble) = &asked
            && trouble.why != Why::Busy
        {
            self.not_found(id, self.0.clock.millis().saturating_add(FAILED), Some(trouble.clone()));
        }
        asked
    }

    /// The same; failures are not remembered.
    async fn ask_user(&self, id: &str, timeout: Duration) -> Result<Option<Arc<User>>, Trouble> {
        let now = self.0.clock.millis();
        if lock(&self.0.unknown).get(id).is_some_and(|(until, trouble)| trouble.is_none() && now < *until) {
            return Ok(None);
        }
        let asked_at = lock(&self.0.heard).now();
        let asked = self.ask(One::User(id.to_owned()), timeout).await;
        // What a notification told meanwhile is newer.
        let counts = !lock(&self.0.heard).since(id, asked_at);
        match asked {
            Ok(object) => {
                let user = User::read(&object, &self.0.numbers.load()).map(Arc::new);
                if let Some(user) = user.as_ref().filter(|_| counts) {
                    lock(&self.0.unknown).remove(id);
                    self.change(Change::Put(Arc::clone(user)));
                }
                Ok(user)
            }
            Err(trouble) if trouble.why == Why::Unknown => {
                if counts {
                    self.not_found(id, now.saturating_add(UNKNOWN), None);
                    self.change(Change::Gone(id.into()));
                }
                Ok(None)
            }
            Err(trouble) => Err(trouble),
        }
    }

    fn not_found(&self, id: &str, until: i64, trouble: Option<Trouble>) {
        let (mut unknown, now) = (lock(&self.0.unknown), self.0.clock.millis());
        if unknown.len() >= MOST_UNKNOWN {
            unknown.retain(|_, (until, _)| now < *until);
        }
        if unknown.len() < MOST_UNKNOWN {
            unknown.insert(id.into(), (until, trouble));
        }
    }

    /// One object, within the time and the number of those that are asked for at a time.
    pub async fn ask(&self, what: One, timeout: Duration) -> Result<Value, Trouble> {
        let Ok(_permit) = self.0.asking.try_acquire() else {
            return Err(Trouble::new(Why::Busy, "too much is being asked for at a time"));
        };
        let asked = tokio::time::timeout(timeout, self.0.source.one(what, timeout)).await;
        asked.unwrap_or_else(|_| Err(Trouble::new(Why::Timeout, "no answer in time")))
    }

    /// What is known of a conversation, if it is fresh.
    pub fn talk(&self, conversation: &str, participants: bool) -> Option<Arc<Talk>> {
        lock(&self.0.talks).get(conversation, participants, self.0.clock.millis())
    }

    /// A conversation from CloudLink, with its participants if they are wanted. A failure is remembered for a moment, as
    /// a conversation of which nothing is known, so that a far side that is ill is not waited for with each message.
    pub async fn fetch_talk(&self, conversation: &str, participants: bool, timeout: Duration) -> Arc<Talk> {
        let until = tokio::time::Instant::now() + timeout;
        let found = self.ask(One::Conversation(conversation.to_owned()), timeout).await;
        let found = match found {
            Ok(object) => {
                let mut talk = Talk::read(&object);
                if participants && talk.participants.is_none() {
                    let left = until.saturating_duration_since(tokio::time::Instant::now());
                    talk.participants = self.participants(conversation, left).await;
                }
                Ok(talk)
            }
            Err(trouble) => Err(trouble),
        };
        let now = self.0.clock.millis();
        let mut talks = lock(&self.0.talks);
        match found {
            Ok(talk) => talks.put(conversation, talk, now),
            Err(trouble) => {
                tracing::info!(account = %self.0.account, conversation, %trouble, "nothing is known of a conversation");
                talks.failed(conversation, now)
            }
        }
    }

    async fn participants(&self, conversation: &str, timeout: Duration) -> Option<Box<[Box<str>]>> {
        let mut ids = Vec::new();
        let list = List::Participants(conversation.to_owned());
        let read = all(&*self.0.source, &list, timeout, |item| {
            if ids.len() < talk::MOST_PARTICIPANTS {
                ids.extend(talk::participant(&item));
            }
        });
        match read.await {
            Ok(_) => Some(ids.into()),
            Err(trouble) => {
                tracing::info!(account = %self.0.account, conversation, %trouble, "the participants are not known");
                None
            }
        }
    }

    /// A conversation changed: what was known of it is forgotten.
    pub fn forget_talk(&self, conversation: &str) {
        lock(&self.0.talks).forget(conversation);
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
