//! What actions there are: one description of each, from which steps are read, checked and rendered, the reference is
//! checked, and a schema can be made.

mod table;

use std::time::Duration;

pub use crate::event::kind::{PRESENCES, presence_status};
pub use table::ACTIONS;

/// One action.
#[derive(Debug)]
pub struct Spec {
    /// As rules write it.
    pub name: &'static str,
    /// What it does, fit after its name: "`redirect` redirects a ringing call".
    pub does: &'static str,
    /// What it takes, in the order of the reference.
    pub arguments: &'static [Argument],
    /// The argument that may stand alone, without a table: `dialog = "frontdesk"`.
    pub alone: Option<&'static str>,
    /// What a repeat would do.
    pub repeats: Repeats,
    /// How long one attempt may take when the step does not say, in seconds.
    pub timeout: u64,
    /// It takes hold of a call: of rules that do, one acts for an event.
    pub controls: bool,
    /// It is for a call that is going on: after 20 s it is of no use to anybody.
    pub urgent: bool,
    /// What later steps find under the step's name.
    pub returns: Returns,
    /// This version can carry it out.
    pub carried_out: bool,
    /// Arguments for an example.
    pub example: &'static str,
}

/// One argument.
#[derive(Debug)]
pub struct Argument {
    /// As rules write it.
    pub name: &'static str,
    /// What it may be.
    pub takes: Takes,
    /// Whether it must be there.
    pub needs: Needs,
}

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Takes {
    /// A number, an id, a name: one line that is not empty, or a template of one.
    Target,
    /// One of them or a list.
    Targets,
    /// A user or a conversation: a target, or `{ user = … }`, `{ conversation = … }`.
    Recipient,
    /// Digits for a telephone.
    Digits,
    /// Text for people.
    Text,
    /// Text, or a table of texts by language.
    Texts,
    /// The same as HTML: what templates insert is escaped.
    Htmls,
    /// Data with templates in its texts.
    Data,
    /// A table of texts.
    Pairs,
    /// True or false, or a template of one of them.
    Bool,
    /// A whole number from the first to the second, or a template of one.
    Number(i64, i64),
    /// A duration up to so many seconds.
    Duration(u64),
    /// One of these words, or a template of one.
    Word(&'static [&'static str]),
    /// The name of a `[[credential]]`.
    Credential,
    /// A URL, or a path of one.
    Url,
    /// A path of CloudLink's.
    Path,
    /// A name that is written out.
    Name,
    /// A point in time: `08:00`, RFC 3339, or a template of one.
    Time,
}

/// Whether an argument must be there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Needs {
    /// It must be written, and must not come out missing.
    Must,
    /// It must be written, but may come out missing.
    Written,
    /// It may be left out, and is when it comes out missing.
    May,
    /// Left out it is what the event has there: the first of these fields. It must not come out missing.
    Event(&'static [&'static str]),
    /// The same, but may come out missing.
    MayEvent(&'static [&'static str]),
    /// Exactly one of the arguments that need this must be written, and must not come out missing.
    One,
    /// At most one of the arguments that need this may be written.
    OneAtMost,
}

/// What a repeat of an action would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// No harm.
    Harmless,
    /// Harm, but whether it is done already can be seen.
    Checked,
    /// Harm.
    Never,
    /// As HTTP has it: GET, PUT and DELETE are harmless.
    ByMethod,
}

/// What a step returns beside `ok` and `error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    /// Nothing.
    Outcome,
    /// `status`, and a `body` in which anything may be.
    Answer,
    /// These fields.
    Fields(&'static [&'static str]),
    /// A list.
    List,
    /// Anything.
    Open,
}

impl Spec {
    /// The action of that name.
    pub fn of(name: &str) -> Option<&'static Self> {
        ACTIONS.iter().find(|spec| spec.name == name)
    }

    /// The argument of that name.
    pub fn argument(&self, name: &str) -> Option<&'static Argument> {
        self.arguments.iter().find(|argument| argument.name == name)
    }

    /// How long one attempt may take when the step does not say.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// The names of its arguments.
    pub fn names(&self) -> Vec<&'static str> {
        self.arguments.iter().map(|argument| argument.name).collect()
    }

    /// The arguments of which exactly one must be there.
    pub fn one_of(&self) -> Vec<&'static str> {
        self.arguments.iter().filter(|argument| argument.needs == Needs::One).map(|argument| argument.name).collect()
    }

    /// How it is written.
    pub fn example(&self) -> String {
        match self.alone {
            Some(_) => format!("{} = {}", self.name, self.example),
            None if self.example.is_empty() => format!("{} = {{}}", self.name),
            None => format!("{} = {{ {} }}", self.name, self.example),
        }
    }

    /// What it returns when these arguments are written.
    pub(super) fn returns<'a>(&self, mut written: impl Iterator<Item = &'a str>) -> Returns {
        const USER: &[&str] =
            &["id", "name", "email", "extension", "phone", "mobile", "role", "site", "presence", "stale"];
        match self.name {
            "lookup" => match written.next() {
                Some("users") => Returns::List,
                Some("user") => Returns::Fields(USER),
                Some("group") => Returns::Fields(&["id", "name", "members", "available", "stale"]),
                Some("contact") => Returns::Fields(&["id", "name", "email", "type", "phone", "stale"]),
                _ => Returns::Open,
            },
            _ => self.returns,
        }
    }
}

impl Takes {
    /// In words, fit after "takes".
    pub fn sort(self) -> String {
        match self {
            Self::Target | Self::Text => "text".to_owned(),
            Self::Targets => "text or a list".to_owned(),
            Self::Recipient => "a user or a conversation".to_owned(),
            Self::Digits => "digits".to_owned(),
            Self::Texts => "text, or one per language".to_owned(),
            Self::Htmls => "HTML, or one per language".to_owned(),
            Self::Data => "data".to_owned(),
            Self::Pairs => "a table of texts".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Number(least, most) => format!("a number from {least} to {most}"),
            Self::Duration(_) => "a duration".to_owned(),
            Self::Word(words) => words.join(", "),
            Self::Credential => "a credential".to_owned(),
            Self::Url => "a URL".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Name => "a name".to_owned(),
            Self::Time => "a time".to_owned(),
        }
    }
}

impl Repeats {
    /// The word of the reference.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Harmless => "repeat",
            Self::Checked => "check",
            Self::Never => "never",
            Self::ByMethod => "by method",
        }
    }
}
