//! What is in memory, answered at once: people, groups and sites by their ids, names, addresses and numbers.

use std::sync::Arc;

use super::{Contact, Directory, Found, Group, Key, Person, Site, User, entry};
use crate::numbers::Number;

impl Directory {
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
}
