//! What can be checked of an installation: without the network, and on a live account what Mitel does not document.
//!
//! `machine` and `files` look at this machine, `live` asks CloudLink, harmlessly, `shape` reads answers whose form is
//! assumed, `assumptions` is the list of what the gateway assumes. Nothing is mended here, and nothing is printed: a check is a
//! [`Line`], what was learnt of CloudLink a [`Learnt`]. Secrets are in neither.

pub mod assumptions;
pub mod files;
pub mod live;
pub mod machine;
pub mod shape;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// As it should be.
    Ok,
    /// It works, and is probably not meant so.
    Warn,
    /// It does not work.
    Fail,
}

impl Grade {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub grade: Grade,
    /// What there is to say.
    pub says: String,
    /// What to do about it.
    pub todo: Option<String>,
}

impl Line {
    /// All is well.
    pub fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self { check, grade: Grade::Ok, says: says.into(), todo: None }
    }

    /// Something is odd.
    pub fn warn(check: &'static str, says: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { check, grade: Grade::Warn, says: says.into(), todo: Some(todo.into()) }
    }

    /// Something does not work.
    pub fn fail(check: &'static str, says: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { check, grade: Grade::Fail, says: says.into(), todo: Some(todo.into()) }
    }
}

/// Whether an assumption held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It is as assumed.
    Yes,
    /// It is otherwise, and the gateway takes it.
    Tolerated,
    /// It is otherwise, and something has to be done.
    No,
    /// It can't be told from what came.
    Unclear,
}

impl Held {
    /// In a word or two.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "holds",
            Self::Tolerated => "differs, which is taken",
            Self::No => "does not hold",
            Self::Unclear => "unclear",
        }
    }
}

/// What a live account told of an assumption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learnt {
    /// Its id in the list.
    pub id: &'static str,
    /// Whether it held.
    pub held: Held,
    /// What was seen.
    pub saw: String,
}
