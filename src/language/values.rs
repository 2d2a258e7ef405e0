//! What templates and expressions see: plain data under names, and names that are answered only when asked.
//!
//! Data is data: text that came from outside is never looked into for template syntax. Null is turned into missing here,
//! so that there is only one sort of nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ValueKind};
use serde_json::Value as Json;

/// The name under which a text's language is kept. No template can name it.
pub(super) const LANGUAGE: &str = "@language";
/// The most data that one value becomes, in bytes as it would be written; each value counts for some at least.
const MAX_WEIGHT: usize = 16 << 20;
const MIN_WEIGHT: usize = 16;
/// The deepest nesting of it: more than what JSON is read with.
const MAX_DEPTH: usize = 200;

/// The names a template sees. Cheap to clone; built once for a run and given more names as steps return.
#[derive(Clone, Default)]
pub struct Values {
    names: BTreeMap<Arc<str>, Value>,
    source: Option<Arc<dyn Fields>>,
}

/// Where data is taken from that no name was set for, when a template asks for it: most templates ask for little of
/// what there is.
pub trait Fields: Send + Sync {
    /// The data under a name.
    fn get(&self, name: &str) -> Option<&Json>;
}

/// Answers `NAME.first.second`.
pub type Lookup = dyn Fn(&str, &str) -> Option<Json> + Send + Sync;

impl Values {
    /// Puts data under a name.
    pub fn set(&mut self, name: &str, value: &Json) {
        self.names.insert(name.into(), from_json(value));
    }

    /// Puts a name there whose parts are computed when asked: `NAME.first.second`.
    pub fn set_lookup(&mut self, name: &str, lookup: Arc<Lookup>) {
        self.names.insert(name.into(), Value::from_object(Outer(lookup)));
    }

    /// The same for a text in that language, which `date` speaks.
    #[must_use]
    pub fn in_language(&self, language: &str) -> Self {
        let mut values = self.clone();
        values.names.insert(LANGUAGE.into(), Value::from(language));
        values
    }

    /// Takes from `source` what no name is set for.
    pub fn set_source(&mut self, source: Arc<dyn Fields>) {
        self.source = Some(source);
    }

    /// The data at a path, as a template would find it. Missing is `None`.
    pub fn at(&self, path: &str) -> Option<Json> {
        let (name, rest) = path.split_once('.').unwrap_or((path, ""));
        let mut keys = rest.split('.').filter(|key| !key.is_empty());
        if let Some(value) = self.names.get(name) {
            let found = keys.try_fold(value.clone(), |value, key| value.get_attr(key).ok())?;
            return to_json(&found).ok().flatten();
        }
        let found = keys.try_fold(self.source.as_ref()?.get(name)?, |value, key| value.get(key))?;
        (!found.is_null()).then(|| found.clone())
    }

    pub(super) fn root(&self) -> Value {
        Value::from_object(Root(self.clone()))
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names.keys()).finish()
    }
}

/// Plain data as minijinja has it; null is missing.
fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::UNDEFINED,
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Value::from(number),
            (None, Some(number)) => Value::from(number),
            (None, None) => Value::from(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::from(items.iter().map(from_json).collect::<Vec<_>>()),
        Json::Object(map) => {
            Value::from(map.iter().map(|(key, value)| (key.clone(), from_json(value))).collect::<BTreeMap<_, _>>())
        }
    }
}

/// What can't become data.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotData {
    #[error("the value is too large")]
    TooLarge,
    #[error("the value is nested more than {MAX_DEPTH} deep")]
    TooDeep,
    #[error("a key of a table must be text")]
    Key,
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    Leaf(#[from] serde_json::Error),
}

/// Back again. Missing is `None`; inside lists and tables it is null.
///
/// A short template can stand for endless data: lists that are repeated are made only when they are gone through, the same
/// list can be in a list many times, and a namespace in itself. So it is counted and bounded here.
pub(super) fn to_json(value: &Value) -> Result<Option<Json>, NotData> {
    if value.is_undefined() || value.is_none() {
        return Ok(None);
    }
    Budget { left: MAX_WEIGHT, depth: 0 }.json(value).map(Some)
}

/// How much more data may come.
struct Budget {
    left: usize,
    depth: usize,
}

impl Budget {
    fn spend(&mut self, weight: usize) -> Result<(), NotData> {
        self.left = self.left.checked_sub(weight).ok_or(NotData::TooLarge)?;
        Ok(())
    }

    fn json(&mut self, value: &Value) -> Result<Json, NotData> {
        let length = value.as_str().map(str::len).or_else(|| value.as_bytes().map(<[u8]>::len));
        self.spend(MIN_WEIGHT + length.unwrap_or_default())?;
        match (value.kind(), value.as_object()) {
            (ValueKind::Invalid, _) => Err(NotData::Invalid(value.to_string())),
            (ValueKind::Seq | ValueKind::Iterable, Some(list)) => {
                self.nested(|budget| list.try_iter().into_iter().flatten().map(|item| budget.json(&item)).collect())
            }
            (ValueKind::Map, Some(table)) => self.nested(|budget| {
                let pairs = table.try_iter_pairs().into_iter().flatten();
                pairs.map(|(key, value)| Ok((budget.key(&key)?, budget.json(&value)?))).collect()
            }),
            _ => Ok(serde_json::to_value(value)?),
        }
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<Json, NotData>) -> Result<Json, NotData> {
        if self.depth == MAX_DEPTH {
            return Err(NotData::TooDeep);
        }
        self.depth += 1;
        let json = read(self);
        self.depth -= 1;
        json
    }

    fn key(&mut self, key: &Value) -> Result<String, NotData> {
        match self.json(key)? {
            Json::String(text) => Ok(text),
            other @ (Json::Bool(_) | Json::Number(_)) => Ok(other.to_string()),
            _ => Err(NotData::Key),
        }
    }
}

#[derive(Debug)]
struct Root(Values);

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let set = self.0.names.get(key).cloned();
        set.or_else(|| self.0.source.as_ref()?.get(key).map(from_json))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

struct Outer(Arc<Lookup>);
struct Inner(Arc<Lookup>, String);

impl fmt::Debug for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a lookup")
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

impl Object for Outer {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(Value::from_object(Inner(self.0.clone(), key.as_str()?.to_owned())))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

impl Object for Inner {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (self.0)(&self.1, key.as_str()?).as_ref().map(from_json)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    /// What an expression comes to, as the crate that templates are rendered with has it.
    fn value(source: &str) -> Value {
        let env = minijinja::Environment::new();
        let source = format!("{{% set ns = namespace() %}}{{% set value = ({source}) %}}");
        let template = env.template_from_str(&source).unwrap();
        template.render_captured(context! {}).unwrap().state().lookup("value").unwrap_or_default()
    }

    #[test]
    fn data_is_what_serde_makes_of_it() {
        for source in [
            "1",
            "-1.5",
            "1e999",
            "true",
            "'a'",
            "[]",
            "{}",
            "[1, 'b', [none, x, {'c': [false]}]]",
            "{'a': 1, 'b': {'c': none}, 3: 4, true: 5}",
            "[1, 2] * 3 + [4]",
            "range(3)",
            "(1, 2)",
            "'ab' | list",
            "{'b': 1, 'a': 2} | dictsort",
            "{'b': 1} | items",
        ] {
            let value = value(source);
            assert_eq!(to_json(&value).unwrap().unwrap(), serde_json::to_value(&value).unwrap(), "{source}");
        }
        assert_eq!((to_json(&value("x")).unwrap(), to_json(&value("none")).unwrap()), (None, None));
        assert!(to_json(&value("{[1]: 2}")).is_err());
    }

    #[test]
    fn what_a_few_characters_blow_up_is_refused() {
        let why = |value: &Value| to_json(value).unwrap_err().to_string();
        assert_eq!(why(&value("[1] * 99999999")), "the value is too large");
        assert_eq!(why(&value("[['a' * 1000] * 9999] * 9999")), "the value is too large");
        assert_eq!(why(&value("{'a': [[1] * 99999999]}")), "the value is too large");
        let twice = (0..60).fold(Value::from(1), |value, _| Value::from(vec![value.clone(), value]));
        assert_eq!(why(&twice), "the value is too large");
        let deep = |levels| (0..levels).fold(Value::from(1), |value, _| Value::from(vec![value]));
        assert!(to_json(&deep(MAX_DEPTH)).is_ok());
        assert_eq!(why(&deep(MAX_DEPTH + 1)), "the value is nested more than 200 deep");
    }
}
