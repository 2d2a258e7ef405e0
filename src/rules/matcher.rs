//! Matchers as they are applied: a tree of tests on fields, without any text of the rule file.
//!
//! Types are never converted: the text "3" is not the number 3. A test on a missing field is false, but for
//! `exists = false` and `not`.

use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

use crate::event::Event;
use crate::language::{Captures, Pattern};
use crate::tables::Table;

/// An event, and what it has in the fields that were asked so far: many rules ask the same few.
pub(super) struct Seen<'e> {
    event: &'e Event,
    fields: RefCell<Vec<(Keys<'e>, Option<&'e Value>)>>,
}

/// The parts of a path.
type Keys<'e> = &'e [Arc<str>];

/// The most fields of one event that are kept at hand.
const AT_HAND: usize = 8;

impl<'e> Seen<'e> {
    pub(super) fn new(event: &'e Event) -> Self {
        Self { event, fields: RefCell::default() }
    }

    /// What the event has in a field.
    pub(super) fn value(&self, field: &'e Field) -> Option<&'e Value> {
        let keys: &'e [Arc<str>] = &field.keys;
        let mut fields = self.fields.borrow_mut();
        if let Some((_, value)) = fields.iter().find(|(other, _)| std::ptr::eq(*other, keys)) {
            return *value;
        }
        let value = self.event.field(keys.iter().map(|key| &**key));
        if fields.len() < AT_HAND {
            fields.push((keys, value));
        }
        value
    }
}

/// The paths of a rule set, each once.
#[derive(Default)]
pub(super) struct Shared {
    keys: HashSet<Arc<[Arc<str>]>>,
    paths: HashSet<Arc<str>>,
}

/// Conditions that must all hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Group(pub(super) Vec<Condition>);

/// One condition of a `where`.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// The field stands the test.
    Field(Field),
    /// One group holds.
    Any(Vec<Group>),
    /// All groups hold.
    All(Vec<Group>),
    /// The group does not hold.
    Not(Group),
}

/// The tests on one field.
#[derive(Clone, Debug)]
pub(super) struct Field {
    /// As written, for explanations.
    pub(super) path: Arc<str>,
    /// The same for all rules that ask this field.
    pub(super) keys: Arc<[Arc<str>]>,
    pub(super) test: Test,
    /// The test in words, once somebody asked for it.
    shown: OnceLock<Arc<str>>,
}

/// What is asked of a value; all words must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Test(pub(super) Vec<Word>);

/// One matcher word.
#[derive(Clone, Debug)]
pub(super) enum Word {
    Equals(Vec<Value>),
    Prefix(Vec<String>),
    Suffix(Vec<String>),
    Contains(Vec<String>),
    Regex(Vec<Pattern>),
    Exists(bool),
    Compare(Order, Vec<Value>),
    Not(Box<Test>),
    /// After `not` a list: none of these.
    NoneOf(Vec<Value>),
    /// One of these tables has a row for it; the row is bound by the table's name.
    Table(Vec<(Arc<str>, Arc<Table>)>),
}

/// `gt`, `gte`, `lt`, `lte`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Greater,
    AtLeast,
    Less,
    AtMost,
}

impl Group {
    /// Takes the paths from what all rules share.
    pub(super) fn share(&mut self, shared: &mut Shared) {
        for condition in &mut self.0 {
            match condition {
                Condition::Field(field) => {
                    field.keys = same(&mut shared.keys, &field.keys);
                    field.path = same(&mut shared.paths, &field.path);
                }
                Condition::Any(groups) | Condition::All(groups) => {
                    for group in groups.iter_mut() {
                        group.share(shared);
                    }
                }
                Condition::Not(group) => group.share(shared),
            }
        }
    }

    /// Whether all conditions hold; what was captured is added if so.
    pub(super) fn holds<'e>(&'e self, seen: &Seen<'e>, captures: &mut Captures) -> bool {
        self.failing(seen, captures).is_none()
    }

    /// The first condition that fails.
    pub(super) fn failing<'e>(&'e self, seen: &Seen<'e>, captures: &mut Captures) -> Option<&'e Condition> {
        let before = captures.len();
        let failing = self.0.iter().find(|condition| !condition.holds(seen, captures));
        if failing.is_some() {
            captures.truncate(before);
        }
        failing
    }
}

fn same<T: Eq + Hash + ?Sized>(known: &mut HashSet<Arc<T>>, one: &Arc<T>) -> Arc<T> {
    if let Some(known) = known.get(one) {
        return known.clone();
    }
    known.insert(one.clone());
    one.clone()
}

impl Condition {
    fn holds<'e>(&'e self, seen: &Seen<'e>, captures: &mut Captures) -> bool {
        match self {
            Self::Field(field) => field.test.holds(seen.value(field), Some(captures)),
            Self::Any(groups) => groups.iter().any(|group| group.holds(seen, captures)),
            Self::All(groups) => groups.iter().all(|group| group.holds(seen, captures)),
            Self::Not(group) => !group.holds(seen, &mut Vec::new()),
        }
    }
}

impl Group {
    /// The values of which it requires a field to have one, if there is such a list.
    pub(super) fn required(&self, path: &str) -> Option<&[Value]> {
        self.0.iter().find_map(|condition| match condition {
            Condition::Field(field) if &*field.path == path => field.test.required(),
            _ => None,
        })
    }

    /// Whether it asks for events that show what we did.
    pub(super) fn wants_own(&self) -> bool {
        self.0.iter().any(|condition| match condition {
            Condition::Field(field) => {
                &*field.path == "event.own"
                    && field.test.required().is_some_and(|values| values.contains(&Value::Bool(true)))
            }
            Condition::Any(groups) => !groups.is_empty() && groups.iter().all(Self::wants_own),
            Condition::All(groups) => groups.iter().any(Self::wants_own),
            Condition::Not(_) => false,
        })
    }
}

impl Field {
    pub(super) fn new(path: Arc<str>, keys: Vec<Arc<str>>, test: Test) -> Self {
        Self { path, keys: keys.into(), test, shown: OnceLock::new() }
    }

    /// The test in words.
    pub(super) fn shown(&self) -> Arc<str> {
        self.shown.get_or_init(|| self.test.to_string().into()).clone()
    }
}

impl Test {
    /// Whether a value, or its absence, stands all words.
    pub(super) fn holds(&self, value: Option<&Value>, mut captures: Option<&mut Captures>) -> bool {
        self.0.iter().all(|word| word.holds(value, captures.as_deref_mut()))
    }

    /// The tables of which one must have a row, if there is such a list.
    pub(super) fn tables(&self) -> Option<&[(Arc<str>, Arc<Table>)]> {
        self.0.iter().find_map(|word| match word {
            Word::Table(tables) => Some(tables.as_slice()),
            _ => None,
        })
    }

    /// The values of which one is required, if there is such a list.
    pub(super) fn required(&self) -> Option<&[Value]> {
        self.0.iter().find_map(|word| match word {
            Word::Equals(values) => Some(values.as_slice()),
            _ => None,
        })
    }
}

impl Word {
    fn holds(&self, value: Option<&Value>, mut captures: Option<&mut Captures>) -> bool {
        let text = || value.and_then(Value::as_str);
        match self {
            Self::Equals(wanted) => value.is_some_and(|value| wanted.iter().any(|wanted| equal(wanted, value))),
            Self::Prefix(wanted) => text().is_some_and(|text| wanted.iter().any(|part| text.starts_with(&**part))),
            Self::Suffix(wanted) => text().is_some_and(|text| wanted.iter().any(|part| text.ends_with(&**part))),
            Self::Contains(wanted) => match value {
                Some(Value::String(text)) => wanted.iter().any(|part| text.contains(&**part)),
                Some(Value::Array(items)) => items.iter().any(|item| wanted.iter().any(|part| item == part.as_str())),
                _ => false,
            },
            Self::Regex(wanted) => {
                text().is_some_and(|text| wanted.iter().any(|regex| regex.caught(text, captures.as_deref_mut())))
            }
            Self::Exists(wanted) => value.is_some() == *wanted,
            Self::Compare(order, wanted) => {
                value.is_some_and(|value| wanted.iter().any(|wanted| order.holds(value, wanted)))
            }
            Self::Not(inner) => !inner.holds(value, None),
            Self::Table(tables) => text().is_some_and(|text| looked_up(tables, text, captures)),
            Self::NoneOf(refused) => value.is_none_or(|value| !refused.iter().any(|refused| equal(refused, value))),
        }
    }
}

impl Order {
    fn holds(self, value: &Value, wanted: &Value) -> bool {
        let order = match (value, wanted) {
            (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
                (Some(a), Some(b)) => Some(a.cmp(&b)),
                _ => a.as_f64().zip(b.as_f64()).and_then(|(a, b)| a.partial_cmp(&b)),
            },
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            _ => None,
        };
        order.is_some_and(|order| match self {
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
        })
    }
}

/// Equal without conversion; 3 and 3.0 are one number.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || (x.is_f64() || y.is_f64()) && x.as_f64() == y.as_f64(),
        _ => a == b,
    }
}

/// Looks a text up in all of the tables, and notes the rows.
fn looked_up(tables: &[(Arc<str>, Arc<Table>)], text: &str, captures: Option<&mut Captures>) -> bool {
    let mut rows = tables.iter().filter_map(|(name, table)| Some((name, table.find(text)?)));
    let Some(captures) = captures else { return rows.next().is_some() };
    let before = captures.len();
    captures.extend(rows.map(|(name, row)| (name.to_string(), row.to_json())));
    captures.len() > before
}

/// What was captured as bindings; of one name the first counts.
pub(super) fn bindings(captures: Captures) -> Map<String, Value> {
    let mut map = Map::new();
    for (name, value) in captures {
        map.entry(name).or_insert(value);
    }
    map
}
