//! `--field`, `--raw-field` and `--query`: keys with values, into JSON or into a query.

use serde_json::{Map, Value};

use super::as_text;

/// How deep keys nest.
const DEEPEST: usize = 32;

/// What reads `@FILE`.
type Reader = fn(&str) -> Result<Vec<u8>, String>;

/// One step of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    /// `[]`: one more of a list.
    More,
}

/// Keys and values as they are.
pub(super) fn pairs(option: &str, texts: &[String]) -> Result<Vec<(String, String)>, String> {
    let pair = |text: &String| {
        let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
        pair.map(|(key, value)| (key.to_owned(), value.to_owned()))
            .ok_or_else(|| format!("{option} {text}: write it as KEY=VALUE"))
    };
    texts.iter().map(pair).collect()
}

/// Fields as parts of a query: nothing nests there.
pub(super) fn as_query(fields: &[String], raw: &[String], read: Reader) -> Result<Vec<(String, String)>, String> {
    let mut query = Vec::new();
    for (key, value) in pairs("--field", fields)? {
        query.push((key, as_text(&typed(&value, read)?)));
    }
    query.extend(pairs("--raw-field", raw)?);
    Ok(query)
}

/// Fields as an object.
pub(super) fn as_body(fields: &[String], raw: &[String], read: Reader) -> Result<Value, String> {
    let mut body = Value::Object(Map::new());
    for text in fields {
        // A list that stays empty.
        if let Some(key) = text.strip_suffix("[]").filter(|key| !key.contains('=')) {
            put(&mut body, &steps(key)?, Value::Array(Vec::new())).map_err(|why| format!("--field {text}: {why}"))?;
            continue;
        }
        let (key, value) = pairs("--field", std::slice::from_ref(text))?.remove(0);
        put(&mut body, &steps(&key)?, typed(&value, read)?).map_err(|why| format!("--field {key}: {why}"))?;
    }
    for (key, value) in pairs("--raw-field", raw)? {
        put(&mut body, &steps(&key)?, Value::from(value)).map_err(|why| format!("--raw-field {key}: {why}"))?;
    }
    Ok(body)
}

/// What a value means: true, false, null, a number that loses nothing, a file's text, or the text itself.
fn typed(text: &str, read: Reader) -> Result<Value, String> {
    if let Some(path) = text.strip_prefix('@') {
        let bytes = read(path)?;
        return String::from_utf8(bytes).map(Value::from).map_err(|_| format!("{path} is no text"));
    }
    let value = match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "null" => Value::Null,
        _ => match serde_json::from_str::<Value>(text) {
            // 1e999, or more digits than a number keeps, would be another number.
            Ok(Value::Number(number)) if number.to_string() == text => Value::Number(number),
            _ => Value::from(text),
        },
    };
    Ok(value)
}

/// `a.b[c][]` in steps.
fn steps(key: &str) -> Result<Vec<Step>, String> {
    let wrong = |why: &str| format!("the field {key}: {why}; write a, a.b, a[b] or a[]");
    let (mut steps, mut rest) = (Vec::new(), key);
    let name = rest.find(['.', '[']).unwrap_or(rest.len());
    steps.push(Step::Key(rest[..name].to_owned()));
    rest = &rest[name..];
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (inner, after) = inner.split_once(']').ok_or_else(|| wrong("a bracket is not closed"))?;
            steps.push(if inner.is_empty() { Step::More } else { Step::Key(inner.to_owned()) });
            rest = after;
        } else if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            steps.push(Step::Key(after[..end].to_owned()));
            rest = &after[end..];
        } else {
            return Err(wrong("after a bracket comes a dot or another bracket"));
        }
    }
    if steps.len() > DEEPEST {
        return Err(wrong("it is too deep"));
    }
    if steps.contains(&Step::Key(String::new())) {
        return Err(wrong("a name in it is empty"));
    }
    Ok(steps)
}

fn put(slot: &mut Value, steps: &[Step], value: Value) -> Result<(), &'static str> {
    let Some((step, rest)) = steps.split_first() else {
        if slot.is_null() {
            *slot = value;
            return Ok(());
        }
        return Err("it is there already");
    };
    match step {
        Step::Key(key) => {
            if slot.is_null() {
                *slot = Value::Object(Map::new());
            }
            let fields = slot.as_object_mut().ok_or("what it is a part of has a value of its own")?;
            match fields.get(key.as_str()) {
                Some(Value::Null) if rest.is_empty() => Err("it is there already"),
                _ => put(fields.entry(key.as_str()).or_insert(Value::Null), rest, value),
            }
        }
        Step::More => {
            if slot.is_null() {
                *slot = Value::Array(Vec::new());
            }
            let items = slot.as_array_mut().ok_or("it is a list here and none there")?;
            // The last item is gone on with, until it has what comes.
            if let (Some(last), false) = (items.last_mut(), rest.is_empty()) {
                let mut tried = last.clone();
                if put(&mut tried, rest, value.clone()).is_ok() {
                    *last = tried;
                    return Ok(());
                }
            }
            let mut item = Value::Null;
            put(&mut item, rest, value)?;
            items.push(item);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn body(fields: &[&str], raw: &[&str]) -> Result<Value, String> {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        as_body(&own(fields), &own(raw), |path| {
            if path == "file" { Ok(b"of a file".to_vec()) } else { Err(format!("no {path}")) }
        })
    }

    #[test]
    fn values_are_what_they_look_like() {
        for (text, value) in [
            ("true", json!(true)),
            ("null", json!(null)),
            ("42", json!(42)),
            ("-1.5", json!(-1.5)),
            ("0613", json!("0613")),
            ("+1613", json!("+1613")),
            ("1e3", json!("1e3")),
            ("12345678901234567890123", json!("12345678901234567890123")),
            ("", json!("")),
            ("\"x\"", json!("\"x\"")),
            ("[1]", json!("[1]")),
            ("a=b", json!("a=b")),
            ("@file", json!("of a file")),
        ] {
            assert_eq!(body(&[&format!("k={text}")], &[]).unwrap(), json!({ "k": value }), "{text}");
        }
        assert_eq!(body(&[], &["k=42", "l=@file"]).unwrap(), json!({ "k": "42", "l": "@file" }));
        assert_eq!(body(&["k=@other"], &[]).unwrap_err(), "no other");
    }

    /// As `gh api` nests (its manual, "Passing string values"), and dots besides.
    #[test]
    fn keys_nest() {
        for (fields, value) in [
            (&["a.b=1", "a[c]=2", "a.d.e=x"][..], json!({ "a": { "b": 1, "c": 2, "d": { "e": "x" } } })),
            (&["a[]=1", "a[]=x"], json!({ "a": [1, "x"] })),
            (&["a[]"], json!({ "a": [] })),
            (&["a[b][]=1", "a[b][]=2"], json!({ "a": { "b": [1, 2] } })),
            (
                &["p[][type]=USER", "p[][id]=1", "p[][type]=USER", "p[][id]=2"],
                json!({ "p": [{ "type": "USER", "id": 1 }, { "type": "USER", "id": 2 }] }),
            ),
            (&["p[].id=1", "p[].id=2"], json!({ "p": [{ "id": 1 }, { "id": 2 }] })),
        ] {
            assert_eq!(body(fields, &[]).unwrap(), value, "{fields:?}");
        }
        for (fields, words) in [
            (&["a"][..], "write it as KEY=VALUE"),
            (&["=1"], "write it as KEY=VALUE"),
            (&["a[b=1"], "a bracket is not closed"),
            (&["a[b]c=1"], "after a bracket"),
            (&["a..b=1"], "is empty"),
            (&["a=1", "a=2"], "there already"),
            (&["a=null", "a=2"], "there already"),
            (&["a=1", "a.b=2"], "a value of its own"),
            (&["a.b=1", "a[]=2"], "a list here and none there"),
        ] {
            let why = body(fields, &[]).unwrap_err();
            assert!(why.contains(words), "{fields:?}: {why}");
        }
        assert!(body(&[&format!("a{}=1", "[b]".repeat(40))], &[]).unwrap_err().contains("too deep"));
    }

    #[test]
    fn a_query_is_flat() {
        let query = as_query(&["$top=10".to_owned(), "a[]=true".to_owned()], &["b.c=7".to_owned()], |_| Ok(Vec::new()));
        let query = query.unwrap();
        let shown: Vec<(&str, &str)> = query.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(shown, [("$top", "10"), ("a[]", "true"), ("b.c", "7")]);
    }

    proptest! {
        #[test]
        fn no_fields_are_a_panic(fields in prop::collection::vec("[ab.\\[\\]=1]{0,12}", 0..5)) {
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            let _ = body(&fields, &fields);
        }
    }
}
