//! Keeping it fresh: one task reads what is needed and too old, and takes in what notifications tell of single users.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::entry::{Contact, User};
use super::group::{self, Group};
use super::index::Entry;
use super::shelf::Shelf;
use super::site::Site;
use super::source::{List, One, Trouble, Why};
use super::{Directory, Held, MOST_CHANGES, lock, read};
use crate::numbers::Numbers;

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
    /// Keeps it fresh until the task is dropped. What notifications tell is taken in beside what is read, which may take
    /// minutes.
    pub async fn keep(self) {
        tokio::join!(self.keep_lists(), self.keep_changes());
    }

    async fn keep_lists(&self) {
        let lists = [List::Sites, List::Users, List::Groups, List::Contacts];
        let mut turns = lists.map(|list| Turn { list, not_before: None, failures: 0 });
        loop {
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

    async fn keep_changes(&self) {
        loop {
            self.take_in_changes().await;
            self.0.changed.notified().await;
            tokio::time::sleep(TOGETHER).await;
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
            List::Users => self.collect_users(&numbers).await,
            List::Contacts => self.collect_contacts(&numbers).await,
            List::Sites => self.collect_sites(&numbers).await,
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

    /// Reads the users; what was told of them meanwhile counts for what was read too.
    async fn collect_users(&self, numbers: &Arc<Numbers>) -> Result<usize, Trouble> {
        *lock(&self.0.beside) = Some(Vec::new());
        let read = self.collect(&List::Users, numbers, |item| User::read(&item, numbers)).await;
        let beside = lock(&self.0.beside).take().unwrap_or_default();
        let mut held = read?;
        for change in beside {
            change.apply(&mut held.shelf, &mut held.outdated);
        }
        let count = held.shelf.len();
        self.0.users.store(Some(Arc::new(held)));
        Ok(count)
    }

    async fn collect_contacts(&self, numbers: &Arc<Numbers>) -> Result<usize, Trouble> {
        let held = self.collect(&List::Contacts, numbers, |item| Contact::read(&item, numbers)).await?;
        let count = held.shelf.len();
        self.0.contacts.store(Some(Arc::new(held)));
        Ok(count)
    }

    async fn collect_sites(&self, numbers: &Arc<Numbers>) -> Result<usize, Trouble> {
        // Sites have no numbers: another country does not make them old.
        let held = self.collect(&List::Sites, numbers, |item| Site::read(&item)).await?;
        let count = held.shelf.len();
        self.0.sites.store(Some(Arc::new(Held { outdated: false, ..held })));
        Ok(count)
    }

    /// Reads a collection; it is out of date if numbers are read otherwise meanwhile.
    async fn collect<R: Entry + Send + Sync>(
        &self,
        list: &List,
        numbers: &Arc<Numbers>,
        entry: impl Fn(Value) -> Option<R> + Send + Sync,
    ) -> Result<Held<R>, Trouble> {
        let at = self.0.clock.millis();
        let mut entries = Vec::new();
        let whole = read::all(&*self.0.source, list, READING, |item| entries.extend(entry(item).map(Arc::new)));
        if !whole.await? {
            tracing::warn!(account = %self.0.account, kept = entries.len(), "not all {} could be read, or there are more than are kept", list.name());
        }
        Ok(Held { shelf: Shelf::of(entries), at, outdated: !Arc::ptr_eq(numbers, &self.0.numbers.load()) })
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
        let is_read = || self.0.users.load().is_some() || lock(&self.0.beside).is_some();
        let all = changes.iter().any(|change| matches!(change, Change::All));
        if all && let Some(held) = self.0.contacts.load_full() {
            let shelf = held.shelf.clone();
            self.0.contacts.store(Some(Arc::new(Held { shelf, at: held.at, outdated: true })));
            self.0.wake.notify_one();
        }
        if changes.is_empty() || !is_read() {
            return;
        }
        let mut outdated = self.0.users.load().as_ref().is_some_and(|held| held.outdated) && !self.is_reading();
        let mut settled = Vec::with_capacity(changes.len());
        for change in changes {
            match change {
                // They are among those that are read anew.
                Change::Ask(_) if outdated => {}
                Change::Ask(id) => match self.settle(id).await {
                    Some(Change::All) => {
                        outdated = true;
                        settled.push(Change::All);
                    }
                    change => settled.extend(change),
                },
                change => settled.push(change),
            }
        }
        // From here on nothing waits: no list is swapped in between.
        if let Some(beside) = &mut *lock(&self.0.beside) {
            if beside.len() + settled.len() > MOST_CHANGES {
                *beside = vec![Change::All];
            } else {
                beside.extend(settled.iter().cloned());
            }
        }
        if let Some(held) = self.0.users.load_full() {
            let (mut shelf, mut outdated) = (held.shelf.clone(), held.outdated);
            for change in settled {
                change.apply(&mut shelf, &mut outdated);
            }
            self.0.users.store(Some(Arc::new(Held { shelf, at: held.at, outdated })));
            if outdated {
                self.0.wake.notify_one();
            }
        }
    }

    fn is_reading(&self) -> bool {
        lock(&self.0.beside).is_some()
    }

    /// Asks what became of a user.
    async fn settle(&self, id: Box<str>) -> Option<Change> {
        match self.ask(One::User(id.to_string()), ONE).await {
            Ok(object) => User::read(&object, &self.0.numbers.load()).map(|user| Change::Put(Arc::new(user))),
            Err(trouble) if trouble.why == Why::Unknown => Some(Change::Gone(id)),
            Err(trouble) => {
                tracing::warn!(account = %self.0.account, user = &*id, %trouble, "a user who changed could not be read: all are read anew");
                Some(Change::All)
            }
        }
    }
}

impl Change {
    fn apply(self, shelf: &mut Shelf<User>, outdated: &mut bool) {
        match self {
            Self::Put(user) => shelf.put(user),
            Self::Gone(id) => drop(shelf.remove(&id)),
            // Whom nobody asked for is not known.
            Self::All | Self::Ask(_) => *outdated = true,
        }
    }
}
