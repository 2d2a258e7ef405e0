//! Keeping it fresh: one task reads what is needed and too old, and takes in what notifications tell of single users.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use serde_json::Value;
use tokio::time::Instant;

use super::entry::{Contact, User};
use super::group::{self, Group};
use super::index::Entry;
use super::shelf::Shelf;
use super::site::Site;
use super::source::{List, One, Trouble, Why};
use super::{Directory, Held, lock, read};

/// How long a collection may be read.
const READING: Duration = Duration::from_mins(10);
/// How long one user may be asked for.
const ONE: Duration = Duration::from_secs(10);
/// For so long what notifications tell is collected, so that an import does not change everything for each user.
const TOGETHER: Duration = Duration::from_millis(50);
/// The pause after a failed reading, which doubles up to the longest.
const PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// Of so many groups the members are read.
const MOST_GROUPS: usize = 2000;

/// What a notification told.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// A user, whole.
    Put(Arc<User>),
    /// A user is gone.
    Gone(Box<str>),
    /// A user is to be asked for.
    Ask(Box<str>),
    /// So much changed that all are to be read anew.
    All,
}

/// When a collection is read next.
struct Turn {
    list: List,
    /// Not before this, after a failure.
    not_before: Option<Instant>,
    failures: u32,
}

impl Directory {
    /// Keeps it fresh until the task is dropped.
    pub async fn keep(self) {
        let lists = [List::Sites, List::Users, List::Groups, List::Contacts];
        let mut turns = lists.map(|list| Turn { list, not_before: None, failures: 0 });
        loop {
            self.take_in_changes().await;
            let mut next = None::<Duration>;
            for turn in &mut turns {
                let wait = self.wait(turn);
                if wait == Some(Duration::ZERO) {
                    self.read_anew(turn).await;
                }
                let wait = self.wait(turn);
                next = next.into_iter().chain(wait).min();
            }
            tokio::select! {
                () = self.0.wake.notified() => tokio::time::sleep(TOGETHER).await,
                () = tokio::time::sleep(next.unwrap_or(Duration::from_hours(1))) => {}
            }
        }
    }

    /// How long a collection may wait to be read; none if it is not needed.
    fn wait(&self, turn: &Turn) -> Option<Duration> {
        if !lock(&self.0.needs).of(&turn.list) {
            return None;
        }
        let fresh = self.held_at(&turn.list).map_or(Duration::ZERO, |at| {
            // Before it is too old, so that nothing is stale while it is read.
            let until = at.saturating_add(self.lifetime() / 10 * 9);
            Duration::from_millis(u64::try_from(until.saturating_sub(self.0.clock.millis())).unwrap_or(0))
        });
        let after = turn.not_before.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()));
        Some(fresh.max(after))
    }

    fn held_at(&self, list: &List) -> Option<i64> {
        match list {
            List::Users => self.0.users.load().as_ref().filter(|held| !held.outdated).map(|held| held.at),
            List::Contacts => self.0.contacts.load().as_ref().filter(|held| !held.outdated).map(|held| held.at),
            List::Groups => self.0.groups.load().as_ref().map(|held| held.at),
            List::Sites => self.0.sites.load().as_ref().map(|held| held.at),
            List::Members(_) | List::Participants(_) => None,
        }
    }

    async fn read_anew(&self, turn: &mut Turn) {
        let began = Instant::now();
        let (inner, name) = (&self.0, turn.list.name());
        let numbers = inner.numbers.load_full();
        let read = match turn.list {
            List::Users => self.collect(&turn.list, &inner.users, |item| User::read(&item, &numbers)).await,
            List::Contacts => self.collect(&turn.list, &inner.contacts, |item| Contact::read(&item, &numbers)).await,
            List::Sites => self.collect(&turn.list, &inner.sites, |item| Site::read(&item)).await,
            _ => self.read_groups().await,
        };
        match read {
            Ok(count) => {
                let again = lock(&inner.troubles).remove(name).is_some();
                (turn.not_before, turn.failures) = (None, 0);
                tracing::info!(account = %inner.account, count, took_ms = began.elapsed().as_millis() as u64, again, "{name} are known");
                inner.news.send_modify(|count| *count += 1);
            }
            Err(trouble) => {
                turn.failures = turn.failures.saturating_add(1);
                let pause = PAUSE.saturating_mul(1 << turn.failures.min(8).saturating_sub(1)).min(LONGEST_PAUSE);
                turn.not_before = Some(Instant::now() + trouble.after.unwrap_or(pause).max(pause));
                let first = lock(&inner.troubles).insert(name, (trouble.to_string(), turn.failures)).is_none();
                let stale = self.held_at(&turn.list).is_some();
                if first {
                    tracing::warn!(account = %inner.account, %trouble, stale, "{name} could not be read; trying again");
                } else {
                    tracing::debug!(account = %inner.account, %trouble, stale, "{name} could not be read again");
                }
            }
        }
    }

    /// Reads a collection and swaps it in.
    async fn collect<R: Entry + Send + Sync>(
        &self,
        list: &List,
        into: &ArcSwapOption<Held<R>>,
        entry: impl Fn(Value) -> Option<R> + Send + Sync,
    ) -> Result<usize, Trouble> {
        let at = self.0.clock.millis();
        let mut entries = Vec::new();
        let whole = read::all(&*self.0.source, list, READING, |item| entries.extend(entry(item).map(Arc::new)));
        if !whole.await? {
            tracing::warn!(account = %self.0.account, kept = entries.len(), "not all {} could be read, or there are more than are kept", list.name());
        }
        let shelf = Shelf::of(entries);
        let count = shelf.len();
        into.store(Some(Arc::new(Held { shelf, at, outdated: false })));
        Ok(count)
    }

    async fn read_groups(&self) -> Result<usize, Trouble> {
        let at = self.0.clock.millis();
        let mut groups = Vec::new();
        read::all(&*self.0.source, &List::Groups, READING, |item| groups.extend(Group::read(&item))).await?;
        let mut whole = Vec::with_capacity(groups.len());
        for (place, (group, has_members)) in groups.into_iter().enumerate() {
            if has_members || place >= MOST_GROUPS {
                whole.push(Arc::new(group));
                continue;
            }
            let (list, mut members) = (List::Members(group.id().to_owned()), Vec::new());
            let read = read::all(&*self.0.source, &list, READING, |item| {
                if members.len() < group::MOST_MEMBERS {
                    members.extend(group::member(&item));
                }
            });
            match read.await {
                Ok(_) => whole.push(Arc::new(group.with(members))),
                // One that went meanwhile has none.
                Err(trouble) if trouble.why == Why::Unknown => {}
                Err(trouble) => return Err(trouble),
            }
        }
        let shelf = Shelf::of(whole);
        let count = shelf.len();
        self.0.groups.store(Some(Arc::new(Held { shelf, at, outdated: false })));
        Ok(count)
    }

    /// Takes in what notifications told of single users.
    async fn take_in_changes(&self) {
        let changes = std::mem::take(&mut *lock(&self.0.changes));
        if changes.iter().any(|change| matches!(change, Change::All))
            && let Some(held) = self.0.contacts.load_full()
        {
            let shelf = held.shelf.clone();
            self.0.contacts.store(Some(Arc::new(Held { shelf, at: held.at, outdated: true })));
        }
        let Some(held) = self.0.users.load_full().filter(|_| !changes.is_empty()) else { return };
        let (mut shelf, mut outdated) = (held.shelf.clone(), held.outdated);
        for change in changes {
            match change {
                Change::Put(user) => shelf.put(user),
                Change::Gone(id) => drop(shelf.remove(&id)),
                Change::All => outdated = true,
                // They are among those that are read anew.
                Change::Ask(_) if outdated => {}
                Change::Ask(id) => match self.ask(One::User(id.to_string()), ONE).await {
                    Ok(object) => {
                        if let Some(user) = User::read(&object, &self.0.numbers.load()) {
                            shelf.put(Arc::new(user));
                        }
                    }
                    Err(trouble) if trouble.why == Why::Unknown => drop(shelf.remove(&id)),
                    Err(trouble) => {
                        tracing::warn!(account = %self.0.account, user = &*id, %trouble, "a user who changed could not be read: all are read anew");
                        outdated = true;
                    }
                },
            }
        }
        self.0.users.store(Some(Arc::new(Held { shelf, at: held.at, outdated })));
    }
}
