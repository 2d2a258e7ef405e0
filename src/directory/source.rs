//! Where the directory is read from: the daemon implements it with CloudLink's client, tests as they like.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use serde_json::Value;

/// A collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum List {
    /// The account's users.
    Users,
    /// The account's contacts.
    Contacts,
    /// The account's groups.
    Groups,
    /// The account's sites.
    Sites,
    /// The members of a group.
    Members(String),
    /// The participants of a conversation.
    Participants(String),
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum One {
    /// A user, by id.
    User(String),
    /// A contact, by id.
    Contact(String),
    /// A conversation, by id.
    Conversation(String),
    /// A presentity, by principal.
    Presence(String),
    /// A phone, by extension.
    Endpoint(String),
    /// A call, by its own path.
    Call(String),
    /// Whom we sign in as.
    Me,
}

/// The items of a collection, page after page; the next is asked for when the last is taken.
pub type Pages<'a> = BoxStream<'a, Result<Vec<Value>, Trouble>>;

/// Why something could not be read, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// There is no such thing.
    Unknown,
    /// No answer in time.
    Timeout,
    /// Too much is asked for at a time, or the far side wants to be left alone.
    Busy,
    /// No connection, or an answer that says that it may work later.
    Unavailable,
    /// The far side said no.
    Refused,
    /// There is no token.
    SignIn,
    /// The answer can't be read.
    Answer,
    /// A collection was read, but not to its end.
    Cut,
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// In a word.
    pub why: Why,
    /// For people, without secrets.
    pub text: String,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// Not before this time has passed.
    pub after: Option<Duration>,
}

impl Trouble {
    /// Trouble of one's own, without an answer.
    pub fn new(why: Why, text: impl Into<String>) -> Self {
        Self { why, text: text.into(), status: None, after: None }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl List {
    /// As metrics and pages name it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Contacts => "contacts",
            Self::Groups => "groups",
            Self::Sites => "sites",
            Self::Members(_) => "members",
            Self::Participants(_) => "participants",
        }
    }
}

/// Where a directory is read from, each within its time.
pub trait Source: Send + Sync + 'static {
    /// A collection; ends after the first trouble.
    fn pages(&self, of: List, within: Duration) -> Pages<'_>;

    /// One object, in one attempt.
    fn one(&self, what: One, timeout: Duration) -> BoxFuture<'_, Result<Value, Trouble>>;
}
