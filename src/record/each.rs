//! How far a step with `each` has come.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The most bytes of results that one step keeps; bodies that would be more are left out.
const MOST: usize = 8 << 20;

/// How far a step with `each` has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Each {
    /// What the step is carried out for, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Value>,
    /// The current item, counted from 0.
    #[serde(default)]
    pub at: usize,
    /// What came of those before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<Value>,
    /// How many bytes those are.
    #[serde(default)]
    pub size: usize,
}

impl Each {
    /// Before the first of these items.
    pub fn new(items: Vec<Value>) -> Self {
        Self { items, ..Self::default() }
    }

    /// The current item.
    pub fn item(&self) -> Option<&Value> {
        self.items.get(self.at)
    }

    /// The current item is done. True while there is another.
    pub fn done(&mut self, mut result: Value) -> bool {
        let size = result.to_string().len();
        match result.as_object_mut() {
            Some(result) if self.size + size > MOST => {
                result.remove("body");
            }
            _ => self.size += size,
        }
        self.results.push(result);
        self.at += 1;
        self.at < self.items.len()
    }

    /// What the step returns once all items are done: each result with its item as `of`.
    pub fn list(self) -> Value {
        let results = self.results.into_iter().zip(self.items).map(|(result, item)| match result {
            Value::Object(mut result) => {
                result.insert("of".to_owned(), item);
                Value::Object(result)
            }
            // Left out, so it is neither ok nor an error.
            Value::Null => Value::Object(Map::from_iter([("of".to_owned(), item)])),
            other => json!({ "value": other, "of": item }),
        });
        Value::Array(results.collect())
    }

    /// Without what the journal has.
    #[must_use]
    pub fn place(&self) -> Self {
        Self { at: self.at, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_their_items() {
        let mut each = Each::new(vec![json!("a"), json!({ "id": 1 }), json!(3)]);
        assert!(each.done(json!({ "ok": true })));
        assert!(each.done(Value::Null));
        assert_eq!(each.item(), Some(&json!(3)));
        assert!(!each.done(json!({ "ok": false, "error": "status" })));
        let wanted =
            json!([{ "ok": true, "of": "a" }, { "of": { "id": 1 } }, { "ok": false, "error": "status", "of": 3 }]);
        assert_eq!(each.list(), wanted);
    }

    #[test]
    fn bodies_are_bounded() {
        let mut each = Each::new(vec![json!(1), json!(2), json!(3)]);
        let big = "x".repeat(MOST - 100);
        each.done(json!({ "ok": true, "body": big }));
        each.done(json!({ "ok": true, "body": "x".repeat(1000) }));
        each.done(json!({ "ok": true, "body": "y" }));
        assert_eq!(each.results[1], json!({ "ok": true }));
        assert_eq!(each.results[2], json!({ "ok": true, "body": "y" }));
    }
}
