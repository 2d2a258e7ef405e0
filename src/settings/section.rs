//! Walking through settings section by section: what is asked for is known, anything else is a mistake.

use std::cell::{Cell, RefCell};
use std::path::Path;

use config::{Map, Value, ValueKind};

use super::environment::Environment;
use super::guess;
use super::layers::{Layers, Place};
use super::problem::{Problem, Problems, sort};

/// What settings are read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// To run: all of it is needed.
    Run,
    /// To work on rules: secrets stay unread, and an account is not needed.
    Desk,
    /// To ask a running gateway: the same, but for the token that it asks for.
    Admin,
    /// To look into a captured request: the same, but for the keys of signatures.
    Verify,
    /// To ask CloudLink: an account is needed, and its secrets are.
    Account,
}

/// What reading needs everywhere, and what it has found.
pub(super) struct Context<'a> {
    pub(super) environment: &'a Environment,
    pub(super) mode: Mode,
    layers: &'a Layers,
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
    /// How many secrets were left where they are.
    pub(super) unread: Cell<usize>,
}

impl<'a> Context<'a> {
    pub(super) fn new(layers: &'a Layers, environment: &'a Environment, mode: Mode) -> Self {
        let problems = RefCell::new(layers.problems.clone());
        Self { environment, mode, layers, problems, warnings: RefCell::default(), unread: Cell::new(0) }
    }

    /// Reads the whole.
    pub(super) fn root<T>(&self, read: impl FnOnce(&mut Section<'_>) -> T) -> T {
        Section::new(self, Place::default(), self.layers.values.clone()).read(read)
    }

    /// The folder of the file, which relative paths are relative to.
    pub(super) fn folder(&self) -> &Path {
        self.layers.file.parent().unwrap_or(Path::new(""))
    }

    /// The warnings, or the problems if there are any.
    pub(super) fn finish(self) -> Result<Vec<Problem>, Problems> {
        if let Some(problems) = Problems::of(self.problems.into_inner()) {
            return Err(problems);
        }
        let mut warnings = self.warnings.into_inner();
        sort(&mut warnings);
        Ok(warnings)
    }
}

/// A table that is being read.
pub(super) struct Section<'a> {
    pub(super) context: &'a Context<'a>,
    place: Place,
    entries: Map<String, Value>,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    fn new(context: &'a Context<'a>, place: Place, entries: Map<String, Value>) -> Self {
        Self { context, place, entries, asked: Vec::new() }
    }

    /// Reads it, and reports what was not asked for.
    fn read<T>(mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let settled = read(&mut self);
        let mut unknown: Vec<String> = self.entries.keys().cloned().collect();
        unknown.sort_unstable();
        for key in unknown {
            let remedy = guess::remedy(&key, &self.asked);
            self.problem(&key, "no such key", remedy);
        }
        settled
    }

    /// Whether the secrets here are wanted.
    pub(super) fn reads_secrets(&self) -> bool {
        match self.context.mode {
            Mode::Run => true,
            Mode::Desk => false,
            Mode::Admin => self.place.to_string().starts_with("admin"),
            Mode::Verify => self.place.to_string().starts_with("application"),
            Mode::Account => ["cloudlink", "account"].iter().any(|part| self.place.to_string().starts_with(part)),
        }
    }

    /// Leaves what it has not asked for alone.
    pub(super) fn forget_the_rest(&mut self) {
        self.entries.clear();
    }

    /// Whether there is such a key; to ask for is still to be done.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// What was written there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Value> {
        self.asked.push(key);
        self.entries.remove(key).filter(|value| value.kind != ValueKind::Nil)
    }

    /// The table there; when there is none, an empty one is read.
    pub(super) fn table_or_empty<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'a>) -> T) -> T {
        let entries = self.take(key).and_then(|value| self.entries_of(key, value)).unwrap_or_default();
        Section::new(self.context, self.place.key(key), entries).read(read)
    }

    /// The table there.
    pub(super) fn table<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'a>) -> T) -> Option<T> {
        let value = self.take(key)?;
        self.table_of(key, value, read)
    }

    /// A value as a table.
    pub(super) fn table_of<T>(&self, key: &str, value: Value, read: impl FnOnce(&mut Section<'a>) -> T) -> Option<T> {
        let entries = self.entries_of(key, value)?;
        Some(Section::new(self.context, self.place.key(key), entries).read(read))
    }

    /// The tables of the list there.
    pub(super) fn tables<T>(
        &mut self,
        key: &'static str,
        mut read: impl FnMut(&mut Section<'a>) -> T,
    ) -> Option<Vec<T>> {
        let value = self.take(key)?;
        let place = self.place.key(key);
        let ValueKind::Array(items) = value.kind else {
            self.problem(key, "this is a list of sections", format!("write [[{place}]]"));
            return None;
        };
        let mut settled = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let place = place.index(index);
            match item.kind {
                ValueKind::Table(entries) => settled.push(Section::new(self.context, place, entries).read(&mut read)),
                // It was reported when the file was read.
                ValueKind::Nil => {}
                kind => self.report(&place, format!("expected a table, found {}", name_of(&kind)), None),
            }
        }
        Some(settled)
    }

    fn entries_of(&self, key: &str, value: Value) -> Option<Map<String, Value>> {
        match value.kind {
            ValueKind::Table(entries) => Some(entries),
            kind => {
                let place = self.place.key(key);
                self.report(&place, format!("expected a table, found {}", name_of(&kind)), None);
                None
            }
        }
    }

    /// Whether a variable of the environment set it, so that it is text whatever it means.
    pub(super) fn is_from_variable(&self, key: &str) -> bool {
        self.context.layers.variable(&self.place.key(key).to_string()).is_some()
    }

    /// Reports that a key's value is wrong, and what to do.
    pub(super) fn problem(&self, key: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.report(&self.place.key(key), message.into(), Some(remedy.into()));
    }

    /// The same for a key of one of the tables of a list here.
    pub(super) fn problem_at(&self, list: &str, index: usize, key: &str, message: String, remedy: String) {
        self.report(&self.place.key(list).index(index).key(key), message, Some(remedy));
    }

    /// Reports that a key's value is wrong; the message says it all.
    pub(super) fn wrong(&self, key: &str, message: impl Into<String>) {
        self.report(&self.place.key(key), message.into(), None);
    }

    /// Reports that a key has to be there.
    pub(super) fn missing(&self, key: &str, remedy: impl Into<String>) {
        self.problem(key, "is missing", remedy);
    }

    /// Says that something is allowed, but probably not meant.
    pub(super) fn warn(&self, key: &str, message: impl Into<String>) {
        let warning = self.context.layers.problem(&self.place.key(key), message);
        self.context.warnings.borrow_mut().push(warning);
    }

    fn report(&self, place: &Place, message: String, remedy: Option<String>) {
        let remedy = remedy.filter(|remedy| !remedy.is_empty());
        let problem = Problem { remedy, ..self.context.layers.problem(place, message) };
        self.context.problems.borrow_mut().push(problem);
    }
}

/// What a value is, for people.
pub(super) fn name_of(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Nil => "nothing",
        ValueKind::Boolean(_) => "true or false",
        ValueKind::I64(_) | ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) | ValueKind::Float(_) => {
            "a number"
        }
        ValueKind::String(_) => "text",
        ValueKind::Table(_) => "a table",
        ValueKind::Array(_) => "a list",
    }
}
