//! What `where` takes, by the views of events and the sorts of their fields.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::event::{Kind, kind};
use crate::rules::conditions::WORDS;
pub(super) use crate::rules::fields::Sort;
use crate::rules::{fields, never};

use super::{object, reference};

/// A group of conditions: the fields of the views, `any`, `all` and `not`.
pub(super) fn group() -> Value {
    let groups = json!({ "type": "array", "minItems": 1, "items": reference("where") });
    let mut properties = BTreeMap::new();
    for (view, names) in views() {
        let fields = names.iter().map(|name| ((*name).to_owned(), field(&format!("{view}.{name}"))));
        properties.insert(
            view.to_owned(),
            json!({ "type": "object", "additionalProperties": false, "properties": object(fields) }),
        );
        // The same with quotes.
        for name in names {
            let path = format!("{view}.{name}");
            properties.insert(path.clone(), field(&path));
        }
    }
    for open in ["content", "vars"] {
        properties.insert(open.to_owned(), reference("open_matcher"));
    }
    for name in ["any", "all"] {
        properties.insert(name.to_owned(), groups.clone());
    }
    properties.insert("not".to_owned(), json!({ "anyOf": [reference("where"), groups] }));
    json!({
        "type": "object", "description": "Matchers by field; all must hold.", "additionalProperties": false,
        "properties": properties, "patternProperties": { "^(content|vars|hook|call|conversation)\\.": reference("open_matcher") },
    })
}

/// All views with their fields.
fn views() -> BTreeMap<&'static str, &'static [&'static str]> {
    let common = [("event", kind::EVENT), ("account", kind::ACCOUNT)];
    Kind::ALL.iter().flat_map(|kind| kind.views().iter().copied()).chain(common).collect()
}

fn field(path: &str) -> Value {
    let sort = fields::check(path, &[]).unwrap_or(Sort::Open);
    let mut schema = reference(match sort {
        Sort::Text => "text_matcher",
        Sort::Bool => "bool_matcher",
        Sort::Number => "number_matcher",
        Sort::Open => "open_matcher",
    });
    if let Some(values) = never::values(path, &[]) {
        schema["examples"] = json!(values);
    }
    schema
}

/// A matcher on a field of that sort.
pub(super) fn of(sort: Sort) -> Value {
    let one = match sort {
        Sort::Text => json!({ "type": "string" }),
        Sort::Bool => json!({ "type": "boolean" }),
        Sort::Number => json!({ "type": "number" }),
        Sort::Open => json!({ "type": ["string", "number", "boolean"] }),
    };
    let any = json!({ "type": "array", "minItems": 1, "items": one });
    let words = WORDS.iter().map(|name| ((*name).to_owned(), word(name, sort, &one, &any)));
    let words = json!({
        "type": "object", "minProperties": 1, "additionalProperties": sort == Sort::Open, "properties": object(words),
    });
    json!({ "anyOf": [one, any, words] })
}

fn word(name: &str, sort: Sort, one: &Value, any: &Value) -> Value {
    let told = match name {
        "regex" => "It matches.",
        "prefix" => "It begins so.",
        "suffix" => "It ends so.",
        "contains" => "It has that in it.",
        "not" => "None of these, or not that.",
        "exists" => "Whether it is there at all.",
        "gt" => "Greater than.",
        "gte" => "At least.",
        "lt" => "Less than.",
        "lte" => "At most.",
        _ => "A table that has a row for it; the row is bound by the table's name.",
    };
    // Below `content` a field may be called like a word.
    if sort == Sort::Open {
        return json!({ "description": told });
    }
    let takes = match name {
        "exists" => json!({ "type": "boolean" }),
        "gt" | "gte" | "lt" | "lte" => json!({ "anyOf": [one, any] }),
        "not" => json!({ "anyOf": [one, any, { "type": "object" }] }),
        _ if sort == Sort::Text => reference("texts"),
        "table" if sort == Sort::Number => reference("texts"),
        _ => json!(false),
    };
    json!({ "description": told, "allOf": [takes] })
}
