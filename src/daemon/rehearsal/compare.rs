//! What was expected beside what was done.

use serde_json::{Map, Value};

use super::Act;
use crate::rules::rehearsal::Expected;

/// A line of the comparison: an action as rules write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Expected and done.
    Same(String),
    /// Expected and not done.
    Missing(String),
    /// Done and not expected; by which rule.
    Surplus(String, String),
}

impl Difference {
    /// Whether it is one.
    pub(crate) fn is_one(&self) -> bool {
        !matches!(self, Self::Same(_))
    }
}

/// Holds the actions of a step against those that are expected: these, in this order, no others but those that are not
/// counted. The order that needs the fewest changes is taken.
pub(super) fn compare(expected: &[Expected], done: &[Act]) -> Vec<Difference> {
    let (rows, columns) = (expected.len() + 1, done.len() + 1);
    // How many differences the rest has, from each pair of places on.
    let mut costs = vec![0_usize; rows * columns];
    let matches: Vec<bool> = expected.iter().flat_map(|one| done.iter().map(|act| fits(one, &act.asked))).collect();
    let fit = |row: usize, column: usize| matches[row * done.len() + column];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            let at = |row: usize, column: usize| costs[row * columns + column];
            let mut best = if row + 1 == rows && column + 1 == columns { 0 } else { usize::MAX };
            if row + 1 < rows {
                best = best.min(at(row + 1, column) + 1);
            }
            if column + 1 < columns {
                best = best.min(at(row, column + 1) + usize::from(is_counted(&done[column].asked)));
            }
            if row + 1 < rows && column + 1 < columns && fit(row, column) {
                best = best.min(at(row + 1, column + 1));
            }
            costs[row * columns + column] = best;
        }
    }
    let (mut row, mut column, mut found) = (0, 0, Vec::new());
    while row < expected.len() || column < done.len() {
        let at = |row: usize, column: usize| costs[row * columns + column];
        let here = at(row, column);
        if row < expected.len() && column < done.len() && fit(row, column) && here == at(row + 1, column + 1) {
            found.push(Line::Same(&expected[row]));
            (row, column) = (row + 1, column + 1);
        } else if row < expected.len() && here == at(row + 1, column) + 1 {
            found.push(Line::Missing(&expected[row]));
            row += 1;
        } else {
            found.push(Line::Surplus(&done[column]));
            column += 1;
        }
    }
    shown(&found)
}

/// A line before it is known whether it is shown.
enum Line<'a> {
    Same(&'a Expected),
    Missing(&'a Expected),
    Surplus(&'a Act),
}

/// What is not counted is shown where one of its kind is missing: most often it is that one, with something else in it.
fn shown(lines: &[Line<'_>]) -> Vec<Difference> {
    let lacks = |asked: &Value| {
        let is_like = |one: &Expected| {
            let writes = ["post", "put", "patch", "delete"].iter().any(|verb| one.arguments.contains_key(*verb));
            action(asked) == Some(&*one.action) && !writes
        };
        lines.iter().any(|line| matches!(line, Line::Missing(one) if is_like(one)))
    };
    let shown = lines.iter().filter_map(|line| match line {
        Line::Same(one) => Some(Difference::Same(as_written(one))),
        Line::Missing(one) => Some(Difference::Missing(as_written(one))),
        Line::Surplus(act) if is_counted(&act.asked) || lacks(&act.asked) => {
            Some(Difference::Surplus(as_rules_write(&act.asked), act.rule.to_string()))
        }
        Line::Surplus(_) => None,
    });
    shown.collect()
}

/// The name of what was asked for.
fn action(asked: &Value) -> Option<&str> {
    asked.as_object()?.keys().next().map(String::as_str)
}

/// Reading is not counted unless it is expected, and neither is what nobody outside sees.
fn is_counted(asked: &Value) -> bool {
    let Some((action, arguments)) = asked.as_object().and_then(|asked| asked.iter().next()) else { return true };
    match &**action {
        "lookup" | "set" | "log" => false,
        "http" | "cloudlink" => arguments.get("get").is_none(),
        _ => true,
    }
}

/// Whether an action is the one that is expected: of its arguments those that are written are compared.
fn fits(expected: &Expected, asked: &Value) -> bool {
    let Some((action, arguments)) = asked.as_object().and_then(|asked| asked.iter().next()) else { return false };
    **action == *expected.action
        && expected.arguments.iter().all(|(key, wanted)| agrees(wanted, arguments.get(key).unwrap_or(&Value::Null)))
}

/// Tables need have what is written, whatever else they have; everything else is compared whole.
fn agrees(wanted: &Value, got: &Value) -> bool {
    match (wanted, got) {
        (Value::Object(wanted), Value::Object(got)) => {
            wanted.iter().all(|(key, wanted)| agrees(wanted, got.get(key).unwrap_or(&Value::Null)))
        }
        (Value::Number(wanted), Value::Number(got)) => wanted == got || wanted.as_f64() == got.as_f64(),
        (Value::Array(wanted), Value::Array(got)) => {
            wanted.len() == got.len() && wanted.iter().zip(got).all(|(wanted, got)| same(wanted, got))
        }
        // Where one may be written for a list of one, it is the same.
        (Value::String(_), Value::Array(got)) if got.len() == 1 => *wanted == got[0],
        (Value::Array(wanted), Value::String(_)) if wanted.len() == 1 => wanted[0] == *got,
        _ => wanted == got,
    }
}

/// What stands in a list is compared whole.
fn same(wanted: &Value, got: &Value) -> bool {
    match (wanted, got) {
        (Value::Object(wanted_fields), Value::Object(got_fields)) => {
            wanted_fields.len() == got_fields.len()
                && wanted_fields.iter().all(|(key, wanted)| got_fields.get(key).is_some_and(|got| same(wanted, got)))
        }
        _ => agrees(wanted, got),
    }
}

/// An expected action as it stands in the file.
fn as_written(expected: &Expected) -> String {
    let action = Map::from_iter([(expected.action.to_string(), Value::Object(expected.arguments.clone()))]);
    text(&Value::Object(action))
}

/// An action as rules write it, without what follows from the event.
pub(crate) fn as_rules_write(asked: &Value) -> String {
    text(&less_the_event(asked))
}

/// An action without whom it is for, which follows from the event.
fn less_the_event(asked: &Value) -> Value {
    let mut shown = asked.clone();
    for arguments in shown.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Value::Object(arguments) = arguments {
            arguments.retain(|key, value| !matches!(&**key, "call" | "conversation") && !value.is_null());
        }
    }
    shown
}

/// The longest text that is shown.
const SHOWN: usize = 300;

/// Data in TOML's inline form.
fn text(value: &Value) -> String {
    let mut written = String::new();
    write(value, &mut written);
    written
}

fn write(value: &Value, into: &mut String) {
    match value {
        Value::Object(fields) if fields.is_empty() => into.push_str("{}"),
        Value::Object(fields) => {
            into.push_str("{ ");
            for (place, (key, value)) in fields.iter().enumerate() {
                into.push_str(if place > 0 { ", " } else { "" });
                let is_bare =
                    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
                if is_bare {
                    into.push_str(key);
                } else {
                    into.push_str(&Value::from(key.as_str()).to_string());
                }
                into.push_str(" = ");
                write(value, into);
            }
            into.push_str(" }");
        }
        Value::Array(items) => {
            into.push('[');
            for (place, item) in items.iter().enumerate() {
                into.push_str(if place > 0 { ", " } else { "" });
                write(item, into);
            }
            into.push(']');
        }
        Value::String(text) => match text.char_indices().nth(SHOWN) {
            Some((cut, _)) => into.push_str(&Value::from(format!("{}…", &text[..cut])).to_string()),
            None => into.push_str(&value.to_string()),
        },
        other => into.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expected(list: &Value) -> Vec<Expected> {
        let of = |value: &Value| {
            let (action, arguments) = value.as_object().unwrap().iter().next().unwrap();
            Expected { action: action.as_str().into(), arguments: arguments.as_object().unwrap().clone() }
        };
        list.as_array().unwrap().iter().map(of).collect()
    }

    fn found(wanted: &Value, done: &Value) -> Vec<String> {
        let done = done.as_array().unwrap().iter().map(|asked| Act { rule: "r".into(), asked: asked.clone() });
        let lines = compare(&expected(wanted), &done.collect::<Vec<_>>());
        let shown = lines.into_iter().map(|line| match line {
            Difference::Same(text) => format!("  {text}"),
            Difference::Missing(text) => format!("- {text}"),
            Difference::Surplus(text, _) => format!("+ {text}"),
        });
        shown.collect()
    }

    #[test]
    fn of_each_action_the_written_keys_are_compared() {
        let done = json!([{ "http": { "post": "/a", "json": { "user": "u", "rows": [{ "id": 1 }], "more": true } } }]);
        for wanted in [
            json!([{ "http": {} }]),
            json!([{ "http": { "json": { "user": "u" } } }]),
            json!([{ "http": { "post": "/a", "json": { "rows": [{ "id": 1.0 }] } } }]),
        ] {
            assert!(found(&wanted, &done).iter().all(|line| line.starts_with("  ")), "{wanted}");
        }
        for wanted in [
            json!([{ "http": { "json": { "rows": [] } } }]),
            json!([{ "http": { "json": { "rows": [{}] } } }]),
            json!([{ "http": { "json": { "user": "U" } } }]),
            json!([{ "http": { "credential": "crm" } }]),
            json!([{ "reply": {} }]),
            json!([]),
        ] {
            assert!(found(&wanted, &done).iter().any(|line| !line.starts_with("  ")), "{wanted}");
        }
        assert_eq!(found(&json!([{ "pop": { "to": "anna" } }]), &json!([{ "pop": { "to": ["anna"] } }])).len(), 1);
    }

    #[test]
    fn order_counts_and_reading_does_not_unless_it_is_listed() {
        let (a, b) = (json!({ "redirect": { "to": "1" } }), json!({ "reply": { "text": "b" } }));
        let get = json!({ "http": { "get": "/x" } });
        let (lookup, log) = (json!({ "lookup": {} }), json!({ "log": { "message": "m" } }));
        let clean = |wanted: Value, done: Value| found(&wanted, &done).iter().all(|line| line.starts_with("  "));
        assert!(clean(json!([a, b]), json!([get, a, lookup, b, log, { "cloudlink": { "get": "/" } }, { "set": {} }])));
        assert!(clean(json!([get, a]), json!([get, get, a])));
        assert!(clean(json!([log]), json!([{ "log": { "message": "other" } }, log])));
        assert!(!clean(json!([b, a]), json!([a, b])));
        assert!(!clean(json!([a, get]), json!([get, a])));
        assert!(!clean(json!([get, get]), json!([get])));
        assert!(!clean(json!([a]), json!([a, { "cloudlink": { "post": "/" } }])));
    }

    /// What is not counted is a difference only if it was expected; then what came in its place is shown.
    #[test]
    fn what_came_for_a_missing_log_is_shown() {
        let log = |message: &str| json!({ "log": { "message": message } });
        let (get, post) = (json!({ "http": { "get": "/x" } }), json!({ "http": { "post": "/y" } }));
        let redirect = json!({ "redirect": { "to": "1" } });
        assert_eq!(
            found(&json!([log("a"), redirect]), &json!([log("b"), get, redirect, { "set": { "v": "1" } }])),
            [
                r#"- { log = { message = "a" } }"#,
                r#"+ { log = { message = "b" } }"#,
                r#"  { redirect = { to = "1" } }"#
            ]
        );
        assert_eq!(found(&json!([log("a")]), &json!([])), [r#"- { log = { message = "a" } }"#]);
        assert_eq!(found(&json!([post]), &json!([get, log("b")])), [r#"- { http = { post = "/y" } }"#]);
        let other = json!([{ "http": { "get": "/z" } }]);
        assert_eq!(found(&other, &json!([get])), [r#"- { http = { get = "/z" } }"#, r#"+ { http = { get = "/x" } }"#]);
        assert!(found(&json!([]), &json!([log("b"), get])).is_empty());
    }

    #[test]
    fn a_difference_is_shown_where_it_is() {
        let to = |to: &str| json!({ "redirect": { "to": to } });
        assert_eq!(
            found(
                &json!([to("1"), to("2"), to("3")]),
                &json!([to("1"), to("4"), to("3"), { "pop": { "a b": 1, "call": "x", "c": null } }])
            ),
            [
                r#"  { redirect = { to = "1" } }"#,
                r#"- { redirect = { to = "2" } }"#,
                r#"+ { redirect = { to = "4" } }"#,
                r#"  { redirect = { to = "3" } }"#,
                r#"+ { pop = { "a b" = 1 } }"#,
            ]
        );
    }
}
