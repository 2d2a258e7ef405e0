//! The file, the variables of the environment over it, and where each key stands.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Map, Value, ValueKind};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::Environment;
use super::problem::{Problem, Problems, Source};

/// Sections that are lists: a variable has no place in them.
const LISTS: [&str; 3] = ["application", "credential", "account"];

/// One step on the way to a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// The way to a setting, `application[0].id`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place(Vec<Step>);

impl Place {
    pub(super) fn key(&self, key: &str) -> Self {
        Self(self.0.iter().cloned().chain([Step::Key(key.to_owned())]).collect())
    }

    pub(super) fn index(&self, index: usize) -> Self {
        Self(self.0.iter().cloned().chain([Step::Index(index)]).collect())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => write!(f, "{key}")?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// All settings as they were written.
pub(super) struct Layers {
    /// The file.
    pub(super) file: PathBuf,
    /// The file with the variables over it.
    pub(super) values: Map<String, Value>,
    /// What is wrong with the layers themselves.
    pub(super) problems: Vec<Problem>,
    lines: Lines,
    /// The names of variables by the keys that they set.
    variables: BTreeMap<String, String>,
}

impl Layers {
    /// Reads the file and lays the variables over it.
    pub(super) fn read(file: &Path, environment: &Environment) -> Result<Self, Problems> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| about_file(file, None, format!("cannot be read: {error}")))?;
        let (document, mistakes) = DeTable::parse_recoverable(&text);
        if let Some(problems) = Problems::of(mistakes.iter().map(|mistake| syntax(file, &text, mistake)).collect()) {
            return Err(problems);
        }
        let lines = Lines::of(&text, document.get_ref());
        let (values, problems) = (Map::new(), Vec::new());
        let mut layers = Self { file: file.to_owned(), values, problems, lines, variables: BTreeMap::new() };
        layers.admit_variables(environment);
        let document = Document(layers.document(document.get_ref()));
        let built = Config::builder().add_source(document).add_source(environment.layer(&layers.variables)).build();
        let values = built.and_then(|config| config.cache.into_table());
        layers.values = values.map_err(|error| about_file(file, None, error.to_string()))?;
        Ok(layers)
    }

    /// Takes the variables that have a place in settings.
    fn admit_variables(&mut self, environment: &Environment) {
        for (key, name) in environment.overrides() {
            let Some(message) = no_place_for(&key) else {
                self.variables.insert(key, name.to_owned());
                continue;
            };
            let (source, message) = (Source::Variable(name.to_owned()), message.to_owned());
            self.problems.push(Problem { source, line: None, key, message, remedy: None });
        }
    }

    /// The values of the file.
    fn document(&mut self, table: &DeTable<'_>) -> Map<String, Value> {
        let mut values = Map::new();
        for (key, value) in table {
            let place = Place::default().key(key.get_ref());
            // The crate takes dots and brackets in such a key for a path.
            if key.get_ref().contains(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-') {
                self.problems.push(self.problem(&place, "no such key"));
                continue;
            }
            let value = self.value(&place, value.get_ref());
            values.insert(key.get_ref().to_string(), value);
        }
        values
    }

    /// A problem with the setting at a place.
    pub(super) fn problem(&self, place: &Place, message: impl Into<String>) -> Problem {
        let key = place.to_string();
        let (source, line) = match self.variable(&key) {
            Some(name) => (Source::Variable(name.to_owned()), None),
            None => (Source::File(self.file.clone()), self.lines.of_place(place)),
        };
        Problem { source, line, key, message: message.into(), remedy: None }
    }

    /// The variable that set a key, a part of it, or what it is a part of.
    pub(super) fn variable(&self, key: &str) -> Option<&str> {
        let within = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let outer = self.variables.iter().find(|(set, _)| within(key, set));
        let inner = || self.variables.iter().find(|(set, _)| within(set, key) && !self.lines.has(key));
        outer.or_else(inner).map(|(_, name)| name.as_str())
    }

    fn value(&mut self, place: &Place, value: &DeValue<'_>) -> Value {
        let kind = match value {
            DeValue::String(text) => ValueKind::String(text.to_string()),
            DeValue::Boolean(flag) => ValueKind::Boolean(*flag),
            DeValue::Float(number) => ValueKind::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => ValueKind::I64(number),
                Err(_) => ValueKind::Float(f64::INFINITY),
            },
            DeValue::Datetime(_) => {
                self.problems.push(self.problem(place, "a date is not possible here"));
                ValueKind::Nil
            }
            DeValue::Array(items) => {
                let items = items.iter().enumerate();
                ValueKind::Array(items.map(|(at, item)| self.value(&place.index(at), item.get_ref())).collect())
            }
            DeValue::Table(entries) => {
                let entries = entries.iter();
                let entries = entries.map(|(key, value)| {
                    (key.get_ref().to_string(), self.value(&place.key(key.get_ref()), value.get_ref()))
                });
                ValueKind::Table(entries.collect())
            }
        };
        Value::new(None, kind)
    }
}

/// A problem with the whole file, or with what has no key.
fn about_file(file: &Path, line: Option<usize>, message: String) -> Problem {
    Problem { source: Source::File(file.to_owned()), line, key: String::new(), message, remedy: None }
}

/// A mistake in the notation of the file.
fn syntax(file: &Path, text: &str, mistake: &toml::de::Error) -> Problem {
    let line = mistake.span().map(|span| line_of(text, span.start));
    let message = mistake.message().replace('\n', ", ").replace(", expected nothing", "");
    // What is no number, but begins like one, such as an address, is text.
    let remedy = message.contains("float").then(|| "text needs quotes".to_owned());
    Problem { remedy, ..about_file(file, line, message) }
}

/// Why a variable can't set this key, if it can't.
fn no_place_for(key: &str) -> Option<&'static str> {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let first = key.split('.').next().unwrap_or(key);
    if LISTS.contains(&first) {
        return Some("a variable cannot reach into a list; write { env = \"NAME\" } in the file");
    }
    (!key.split('.').all(plain)).then_some("no such key")
}

/// The file's values for the crate that lays variables over them.
#[derive(Clone, Debug)]
struct Document(Map<String, Value>);

impl config::Source for Document {
    fn clone_into_box(&self) -> Box<dyn config::Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// The line of every key.
struct Lines(BTreeMap<String, usize>);

impl Lines {
    fn of(text: &str, document: &DeTable<'_>) -> Self {
        let mut lines = Self(BTreeMap::new());
        lines.add_table(text, &Place::default(), document);
        lines
    }

    fn add_table(&mut self, text: &str, place: &Place, table: &DeTable<'_>) {
        for (key, value) in table {
            let place = place.key(key.get_ref());
            self.0.insert(place.to_string(), line_of(text, key.span().start));
            self.add_value(text, &place, value);
        }
    }

    fn add_value(&mut self, text: &str, place: &Place, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.add_table(text, place, table),
            DeValue::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let place = place.index(index);
                    self.0.insert(place.to_string(), line_of(text, item.span().start));
                    self.add_value(text, &place, item);
                }
            }
            _ => {}
        }
    }

    fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// The line of the setting, else of the section that it is missing in.
    fn of_place(&self, place: &Place) -> Option<usize> {
        (1..=place.0.len()).rev().find_map(|length| {
            let outer = Place(place.0[..length].to_vec());
            self.0.get(&outer.to_string()).copied()
        })
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
