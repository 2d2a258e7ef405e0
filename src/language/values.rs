//! What templates and expressions see: plain data under names, and names that are answered only when asked.
//!
//! Data is data: text that came from outside is never looked into for template syntax. Null is turned into missing here,
//! so that there is only one sort of nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object};
use serde_json::Value as Json;

/// The name under which a text's language is kept. No template can name it.
pub(super) const LANGUAGE: &str = "@language";

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

/// Back again. Missing is `None`; inside lists and tables it is null.
pub(super) fn to_json(value: &Value) -> Result<Option<Json>, serde_json::Error> {
    if value.is_undefined() || value.is_none() {
        return Ok(None);
    }
    serde_json::to_value(value).map(Some)
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
