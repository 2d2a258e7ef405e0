//! How values are printed, and the filters and tests that templates have.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write as _;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, Locale, Utc};
use chrono_tz::Tz;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, HtmlEscape, Output, State, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::tongue;
use super::values;

/// The filters there are.
pub(super) const FILTERS: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "d",
    "date",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "raw",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "urlencode",
    "zip",
];

/// The tests there are, after `is`.
pub(super) const TESTS: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "safe",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
];

/// The functions there are.
pub(super) const FUNCTIONS: &[&str] = &["dict", "namespace", "range"];

/// The longest text that `join` makes.
const MAX_JOINED: usize = 1 << 20;

/// What RFC 3986 lets stand as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The ending of the names of templates whose insertions are percent-encoded.
pub(super) const URL: &str = "url";
/// The ending of the names of templates whose insertions are escaped for HTML.
pub(super) const HTML: &str = "html";

type Order = fn(Ordering) -> bool;

/// The tests that comparisons become: what is missing is not less and not greater than anything.
const ORDERS: &[(&[&str], Order)] = &[
    (&["lt", "lessthan"], Ordering::is_lt),
    (&["le"], Ordering::is_le),
    (&["gt", "greaterthan"], Ordering::is_gt),
    (&["ge"], Ordering::is_ge),
];

/// The name of a template: its number, the language that its dates speak, and what decides on escaping.
pub(super) fn name(number: usize, language: &str, ending: &str) -> String {
    format!("{number}.{language}.{ending}")
}

/// The language that the dates of a template speak.
fn spoken(name: &str) -> Locale {
    name.split('.').nth(1).filter(|language| !language.is_empty()).and_then(tongue::locale).unwrap_or(Locale::POSIX)
}

/// Adds what is ours to an environment.
pub(super) fn install(env: &mut Environment<'static>, zone: Tz) {
    env.set_formatter(format);
    env.set_auto_escape_callback(|name| match name.rsplit_once('.') {
        Some((_, URL)) => AutoEscape::Custom(Cow::Borrowed(URL)),
        Some((_, HTML)) => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    env.add_filter("raw", |value: Value| text(&value).map(Value::from_safe_string));
    env.add_filter("string", |value: &Value| text(value));
    // The built-in ones mark their text as safe, and a URL would take it as it is.
    for name in ["escape", "e"] {
        env.add_filter(name, escape);
    }
    env.add_filter("tojson", tojson);
    env.add_filter("join", join);
    env.add_filter("urlencode", urlencode);
    env.add_filter("date", move |state: &State, value: &Value, pattern: &str| {
        date(value, pattern, zone, spoken(state.name()))
    });
    env.add_filter("default", default);
    env.add_filter("d", default);
    env.add_test("defined", |value: &Value| !missing(value));
    env.add_test("undefined", missing);
    env.add_test("none", missing);
    for (names, order) in ORDERS {
        for name in *names {
            env.add_test(*name, move |left: &Value, right: &Value| {
                !missing(left) && !missing(right) && order(left.cmp(right))
            });
        }
    }
    env.remove_filter("pprint");
    {
        let name = "debug";
        env.remove_global(name);
    }
}

/// Escapes for HTML; where that is done anyway, once.
fn escape(state: &State, value: &Value) -> Result<Value, Error> {
    let html = matches!(state.auto_escape(), AutoEscape::Html);
    if html && value.is_safe() {
        return Ok(value.clone());
    }
    let escaped = HtmlEscape(&text(value)?).to_string();
    Ok(if html { Value::from_safe_string(escaped) } else { Value::from(escaped) })
}

/// JSON on one line; missing is null.
fn tojson(value: &Value) -> Result<String, Error> {
    let json = values::to_json(value).map_err(|error| bad(error.to_string()))?;
    Ok(json.unwrap_or_default().to_string())
}

/// Joins a list, up to a size: the built-in filter knows no bound.
fn join(value: &Value, between: Option<&str>) -> Result<String, Error> {
    let mut joined = String::new();
    if missing(value) {
        return Ok(joined);
    }
    for (at, item) in value.try_iter()?.enumerate() {
        if at > 0 {
            joined.push_str(between.unwrap_or_default());
        }
        joined.push_str(&text(&item)?);
        if joined.len() > MAX_JOINED {
            return Err(bad("the joined text is too long"));
        }
    }
    Ok(joined)
}

fn missing(value: &Value) -> bool {
    value.is_undefined() || value.is_none()
}

fn default(value: Value, other: Option<Value>, lax: Option<bool>) -> Value {
    let absent = missing(&value) || (lax == Some(true) && !value.is_true());
    if absent { other.unwrap_or_else(|| Value::from("")) } else { value }
}

/// The one way in which a value becomes text: nothing for what is missing, JSON for lists and tables.
pub(super) fn text(value: &Value) -> Result<String, Error> {
    Ok(match value.kind() {
        ValueKind::Undefined | ValueKind::None => String::new(),
        ValueKind::Bool => (if value.is_true() { "true" } else { "false" }).to_owned(),
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {
            let json = values::to_json(value).map_err(|error| bad(error.to_string()))?;
            json.map(|json| json.to_string()).unwrap_or_default()
        }
        ValueKind::Bytes => String::from_utf8_lossy(value.as_bytes().unwrap_or_default()).into_owned(),
        ValueKind::Invalid => return Err(bad(value.to_string())),
        _ => value.to_string(),
    })
}

fn format(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let written = match (state.auto_escape(), value.as_str()) {
        (AutoEscape::Custom(name), _) if name == URL && !value.is_safe() => {
            write!(out, "{}", utf8_percent_encode(&text(value)?, UNRESERVED))
        }
        (AutoEscape::Html, _) if !value.is_safe() => write!(out, "{}", HtmlEscape(&text(value)?)),
        (_, Some(text)) => out.write_str(text),
        (_, None) => out.write_str(&text(value)?),
    };
    written.map_err(|_| bad("the text is too long"))
}

/// Percent-encodes, and marks the text as done so that a URL does not encode it again.
fn urlencode(value: &Value) -> Result<Value, Error> {
    if value.is_safe() {
        return Ok(value.clone());
    }
    Ok(Value::from_safe_string(utf8_percent_encode(&text(value)?, UNRESERVED).to_string()))
}

/// The words with which errors of `date` begin: a wrong pattern is found when the rule is loaded.
pub(super) const BAD_PATTERN: &str = "`date` has no such pattern";

/// A time of RFC 3339, or seconds since 1970, in the zone of the locale and the language of the text.
fn date(value: &Value, pattern: &str, zone: Tz, language: Locale) -> Result<Value, Error> {
    let items: Vec<Item<'_>> = StrftimeItems::new_with_locale(pattern, language).collect();
    if items.contains(&Item::Error) {
        return Err(bad(format!("{BAD_PATTERN}: {pattern}")));
    }
    if missing(value) {
        return Ok(Value::UNDEFINED);
    }
    let at = match (value.as_str(), value.as_i64()) {
        (Some(text), _) => DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()),
        (None, Some(seconds)) => DateTime::<Utc>::from_timestamp(seconds, 0),
        _ => None,
    };
    // A list may be endless.
    let given = value.as_object().map_or_else(|| value.to_string(), |_| format!("a {}", value.kind()));
    let at = at.ok_or_else(|| bad(format!("`date` takes a time such as 2026-12-07T10:00:00Z, not {given}")))?;
    let mut shown = String::new();
    write!(shown, "{}", at.with_timezone(&zone).format_localized_with_items(items.iter(), language))
        .map_err(|_| bad(format!("{BAD_PATTERN}: {pattern}")))?;
    Ok(Value::from(shown))
}

fn bad(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Engine;

    #[test]
    fn what_is_listed_is_there() {
        let mut env = Environment::new();
        install(&mut env, Tz::UTC);
        let kind = |source: String| env.render_str(&source, ()).err().map(|error| error.kind());
        for filter in FILTERS {
            assert_ne!(kind(format!("{{{{ 'a' | {filter} }}}}")), Some(ErrorKind::UnknownFilter), "{filter}");
        }
        for test in TESTS {
            assert_ne!(kind(format!("{{{{ 'a' is {test} }}}}")), Some(ErrorKind::UnknownTest), "{test}");
        }
        for function in FUNCTIONS {
            assert_ne!(kind(format!("{{{{ {function}() }}}}")), Some(ErrorKind::UnknownFunction), "{function}");
        }
        let manual = include_str!("../../docs/rules.md");
        for word in [FILTERS, TESTS, FUNCTIONS].concat() {
            assert!(manual.contains(&format!("`{word}`")), "docs/rules.md does not name `{word}`");
        }
    }

    #[test]
    fn dates_speak_the_language_of_the_text() {
        let mut engine = Engine::new(chrono_tz::America::Toronto);
        let mut values = values::Values::default();
        values.set("at", &"2026-12-09T13:30:00Z".into());
        // One that is printed in a text, and one that is all of it.
        let texts = ["{{ at | date('%A %e %B %H:%M, %a %b') }}.", "{{ at | date('%A') }}"];
        let spoken = [
            ("en", "Wednesday  9 December 08:30, Wed Dec.", "Wednesday"),
            ("fr", "mercredi  9 décembre 08:30, mer. déc..", "mercredi"),
            ("fr-CA", "mercredi  9 décembre 08:30, mer déc.", "mercredi"),
            ("de", "Mittwoch  9 Dezember 08:30, Mi Dez.", "Mittwoch"),
            ("es", "miércoles  9 diciembre 08:30, mié dic.", "miércoles"),
            ("it", "mercoledì  9 dicembre 08:30, mer dic.", "mercoledì"),
            ("nl", "woensdag  9 december 08:30, wo dec.", "woensdag"),
            ("pt", "quarta  9 dezembro 08:30, qua dez.", "quarta"),
            ("pt-BR", "quarta  9 dezembro 08:30, qua dez.", "quarta"),
            ("", "Wednesday  9 December 08:30, Wed Dec.", "Wednesday"),
            ("tlh", "Wednesday  9 December 08:30, Wed Dec.", "Wednesday"),
        ];
        let compiled = spoken.map(|(language, ..)| {
            texts.map(|text| engine.template_in(language, text, super::super::Place::Text).unwrap())
        });
        let plain = engine.template(texts[1], super::super::Place::Text).unwrap();
        engine.finish();
        for ((language, long, short), templates) in spoken.into_iter().zip(compiled) {
            let said = templates.map(|template| template.text(&values).unwrap().unwrap());
            assert_eq!(said, [long, short], "{language}");
        }
        assert_eq!(plain.text(&values).unwrap().as_deref(), Some("Wednesday"));
    }
}
