//! What of the directory is kept in memory, and how old it may become.

use std::time::Duration;

use super::source::List;

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

    pub(super) fn of(self, list: &List) -> bool {
        match list {
            List::Users => self.users,
            List::Contacts => self.contacts,
            List::Groups => self.groups,
            List::Sites => self.sites,
            List::Members(_) | List::Participants(_) => false,
        }
    }
}
