//! Where the directory is read from: the daemon implements it with CloudLink's client, tests as they like.

use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
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

/// A page of a collection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// What stands on it.
    pub items: Vec<Value>,
    /// The link to the next one, as it came.
    pub next: Option<String>,
}

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

/// Where a directory is read from. Each request is one attempt, within its time.
pub trait Source: Send + Sync + 'static {
    /// A page of a collection: the first, or the one that a link of the page before leads to.
    fn page(&self, of: List, next: Option<String>, timeout: Duration) -> BoxFuture<'_, Result<Page, Trouble>>;

    /// One object.
    fn one(&self, what: One, timeout: Duration) -> BoxFuture<'_, Result<Value, Trouble>>;
}
