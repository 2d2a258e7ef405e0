//! Finding somebody or something: in memory when that is fresh, else at CloudLink within the time that the asker has, else
//! what is in memory all the same, marked as stale.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::entry::{Contact, User};
use super::group::{self, Group};
use super::site::Site;
use super::source::{List, One, Trouble, Why};
use super::{Directory, Found, read};

/// An answer that is not older than it may be.
fn fresh<T>(value: T) -> Found<T> {
    Found { value, stale: false }
}

/// What CloudLink answered, also that there is none; where it did not answer, what is in memory.
fn or_stale<T>(asked: Result<Option<T>, Trouble>, memory: Option<Found<T>>) -> Result<Option<Found<T>>, Trouble> {
    let marked = memory.map(|found| Found { stale: true, ..found });
    match (asked, marked) {
        (Ok(Some(value)), _) => Ok(Some(fresh(value))),
        (Ok(None), _) => Ok(None),
        (Err(_), Some(found)) => Ok(Some(found)),
        (Err(trouble), None) => Err(trouble),
    }
}

impl Directory {
    /// The user with that id, principal, e-mail address or extension.
    pub async fn find_user(&self, name: &str, within: Duration) -> Result<Option<Found<Arc<User>>>, Trouble> {
        match self.user(name) {
            Some(found) if !found.stale => Ok(Some(found)),
            memory => {
                let id = memory.as_ref().map_or(name, |found| found.value.id()).to_owned();
                or_stale(self.ask_user(&id, within).await, memory)
            }
        }
    }

    /// All users.
    pub async fn find_users(&self, within: Duration) -> Result<Found<Vec<Arc<User>>>, Trouble> {
        match self.users() {
            Some(found) if !found.stale => return Ok(found),
            // They are being read anew in the background: what is there is better than to wait for many pages.
            Some(found) => return Ok(found),
            None => {}
        }
        let (numbers, mut users) = (self.0.numbers.load_full(), Vec::new());
        let read = read::all(self.source(), &List::Users, within, |item| {
            users.extend(User::read(&item, &numbers).map(Arc::new));
        });
        read.await?;
        Ok(fresh(users))
    }

    /// The contact with that id, e-mail address or name.
    pub async fn find_contact(&self, name: &str, within: Duration) -> Result<Option<Found<Arc<Contact>>>, Trouble> {
        match self.contact(name) {
            Some(found) if !found.stale => Ok(Some(found)),
            memory => {
                use super::Entry as _;
                let id = memory.as_ref().map_or(name, |found| found.value.id()).to_owned();
                let asked = self.ask(One::Contact(id), within).await;
                or_stale(some(asked, |object| Contact::read(object, &self.0.numbers.load()).map(Arc::new)), memory)
            }
        }
    }

    /// The site with that id or name.
    pub async fn find_site(&self, name: &str, within: Duration) -> Result<Option<Found<Arc<Site>>>, Trouble> {
        match self.site(name) {
            Some(found) if !found.stale => Ok(Some(found)),
            memory => {
                let (mut found, name) = (None, name.to_owned());
                let read = read::all(self.source(), &List::Sites, within, |item| {
                    let site = Site::read(&item).filter(|site| site.id() == name || same(site.name(), &name));
                    found = found.take().or(site);
                });
                let asked = read.await;
                or_stale(asked.and_then(|whole| found_in(whole, found)).map(|found| found.map(Arc::new)), memory)
            }
        }
    }

    /// The group with that id or name, with its members.
    pub async fn find_group(&self, name: &str, within: Duration) -> Result<Option<Found<Arc<Group>>>, Trouble> {
        match self.group(name) {
            Some(found) if !found.stale => Ok(Some(found)),
            memory => or_stale(self.fetch_group(name, within).await, memory),
        }
    }

    async fn fetch_group(&self, name: &str, within: Duration) -> Result<Option<Arc<Group>>, Trouble> {
        let until = Instant::now() + within;
        let mut found = None;
        let read = read::all(self.source(), &List::Groups, within, |item| {
            let group = Group::read(&item).filter(|(group, _)| group.id() == name || same(group.name(), name));
            found = found.take().or(group);
        });
        let whole = read.await?;
        match found_in(whole, found)? {
            None => Ok(None),
            Some((group, true)) => Ok(Some(Arc::new(group))),
            Some((group, false)) => {
                let (list, mut members) = (List::Members(group.id().to_owned()), Vec::new());
                let left = until.saturating_duration_since(Instant::now());
                let read = read::all(self.source(), &list, left, |item| {
                    if members.len() < group::MOST_MEMBERS {
                        members.extend(group::member(&item));
                    }
                });
                read.await?;
                Ok(Some(Arc::new(group.with(members))))
            }
        }
    }
}

/// Who is not in a part of a list may be in the rest.
fn found_in<T>(whole: bool, found: Option<T>) -> Result<Option<T>, Trouble> {
    match found {
        None if !whole => Err(Trouble::new(Why::Cut, "read the list to its end")),
        found => Ok(found),
    }
}

/// What was read of an answer; of nothing, nothing.
fn some<T>(
    asked: Result<serde_json::Value, Trouble>,
    read: impl FnOnce(&serde_json::Value) -> Option<T>,
) -> Result<Option<T>, Trouble> {
    match asked {
        Ok(object) => Ok(read(&object)),
        Err(trouble) if trouble.why == Why::Unknown => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

fn same(one: Option<&str>, other: &str) -> bool {
    one.is_some_and(|one| one.trim().to_lowercase() == other.trim().to_lowercase())
}
