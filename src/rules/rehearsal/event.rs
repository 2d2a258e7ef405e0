//! Reading the event of a test: the fields that a kind has, with their sorts.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::event::Kind;
use crate::language::document::{Entry, Item, Table};
use crate::language::suggest;
use crate::rules::context::{Context, short};

use super::read::{Known, plain};
use super::{Happening, Typical};

const EXAMPLE: &str = "event = { kind = \"call.ringing\", endpoint = \"2001\", from = \"+16135550142\" }";

/// What a field of a test's event takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Text,
    Whole,
    Truth,
    Texts,
    Any,
}

type Fields = &'static [(&'static str, Sort)];

/// The fields of each family, beside `kind` and `content`.
const FAMILIES: &[(&str, Fields)] = &[
    (
        "call",
        &[
            ("endpoint", Sort::Text),
            ("user", Sort::Text),
            ("from", Sort::Text),
            ("from_name", Sort::Text),
            ("to", Sort::Text),
            ("to_name", Sort::Text),
            ("direction", Sort::Text),
            ("state", Sort::Text),
            ("cause", Sort::Text),
            ("id", Sort::Text),
            ("tracking_id", Sort::Text),
            ("hops", Sort::Whole),
            ("path", Sort::Texts),
            ("answered", Sort::Truth),
            ("answered_by", Sort::Text),
            ("ring_seconds", Sort::Whole),
            ("talk_seconds", Sort::Whole),
        ],
    ),
    (
        "chat",
        &[
            ("conversation", Sort::Text),
            ("id", Sort::Text),
            ("body", Sort::Text),
            ("content_type", Sort::Text),
            ("sender", Sort::Text),
            ("name", Sort::Text),
            ("email", Sort::Text),
            ("tag", Sort::Text),
            ("language", Sort::Text),
        ],
    ),
    (
        "presence",
        &[
            ("principal", Sort::Text),
            ("status", Sort::Text),
            ("override", Sort::Text),
            ("was", Sort::Text),
            ("reason", Sort::Text),
        ],
    ),
    ("user", &[("id", Sort::Text), ("name", Sort::Text), ("email", Sort::Text), ("extension", Sort::Text)]),
    ("endpoint", &[("endpoint", Sort::Text), ("state", Sort::Text)]),
    ("conference", &[("id", Sort::Text)]),
    ("recording", &[("id", Sort::Text)]),
    ("gateway", &[]),
    ("hook", &[("name", Sort::Text), ("body", Sort::Any), ("query", Sort::Any)]),
    ("timer", &[("rule", Sort::Text)]),
    ("publication", &[("topic", Sort::Text), ("method", Sort::Text), ("subject", Sort::Text)]),
];

/// The fields of views that every event may have beside its own.
const VIEWS: &[(&str, Fields)] = &[
    (
        "conversation",
        &[
            ("id", Sort::Text),
            ("name", Sort::Text),
            ("tag", Sort::Text),
            ("stream", Sort::Truth),
            ("participants", Sort::Any),
        ],
    ),
    ("user", &[("id", Sort::Text), ("name", Sort::Text), ("email", Sort::Text), ("extension", Sort::Text)]),
];

fn fields(family: &str) -> Fields {
    FAMILIES.iter().find(|(name, _)| *name == family).map_or(&[], |(_, fields)| *fields)
}

/// Reads `event`.
pub(super) fn read(context: &mut Context<'_>, entry: &Entry<'_>, known: &Known) -> Option<Happening> {
    let table = context.table(&entry.node, "event", EXAMPLE)?;
    if let Some(file) = table.get("file") {
        if let Some(other) = table.entries.iter().find(|other| other.key != "file") {
            let help = Some("a recorded event is taken as it is; write its fields inline to change some".to_owned());
            let message = format!("`{}` stands beside `file`", other.key);
            context.error("two-forms", &other.key_span, message, help);
            return None;
        }
        return context.attach(&file.node, "file").map(Happening::Recorded);
    }
    let Some(kind) = table.get("kind") else {
        if table.entries.iter().all(|entry| suggest::nearest(&entry.key, ["kind"]).is_none()) {
            let help = Some(format!("write it such as `{EXAMPLE}`, or `event = {{ file = \"ringing.json\" }}`"));
            context.error("missing-key", &entry.node.span, "this event has no `kind`", help);
        }
        return None;
    };
    let kind = self::kind(context, kind)?;
    let mut typical = Typical { kind, fields: Map::new() };
    for entry in table.entries.iter().filter(|entry| entry.key != "kind") {
        if let Some(value) = field(context, entry, &typical) {
            typical.fields.insert(entry.key.to_string(), value);
        }
    }
    for (kind, key, what, names) in
        [("timer", "rule", "rule", &known.rules), ("hook", "name", "hook of a rule", &known.hooks)]
    {
        let Some(entry) = table.get(key).filter(|_| *typical.kind == *kind) else { continue };
        let Some(name) = entry.node.text().filter(|name| !names.contains(*name)) else { continue };
        let help = suggest::did_you_mean(name, names.iter().map(String::as_str).collect::<Vec<_>>());
        let code = if kind == "timer" { "unknown-rule" } else { "unknown-hook" };
        context.error(code, &entry.node.span, format!("no {what} is called `{}`", short(name)), help);
    }
    Some(Happening::Typical(typical))
}

fn kind(context: &mut Context<'_>, entry: &Entry<'_>) -> Option<Arc<str>> {
    let text = context.text(&entry.node, "kind")?;
    let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    if known.contains(&text) {
        return Some(text.into());
    }
    let help = suggest::nearest(text, known.iter().copied()).map_or_else(
        || "kinds are such as `call.ringing`, `chat.message`, `presence.changed`".to_owned(),
        |found| format!("did you mean `{found}`?"),
    );
    context.error("unknown-kind", &entry.node.span, format!("no kind of event is called `{text}`"), Some(help));
    None
}

fn field(context: &mut Context<'_>, entry: &Entry<'_>, typical: &Typical) -> Option<Value> {
    let (key, kind) = (&*entry.key, &*typical.kind);
    if key == "content" {
        context.table(&entry.node, "content", "content = { siteId = \"s-1\" }")?;
        return Some(plain(&entry.node));
    }
    let own = fields(typical.family());
    if let Item::Table(table) = &entry.node.value
        && let Some((_, known)) = VIEWS.iter().find(|(view, _)| *view == key)
    {
        return Some(view(context, table, key, known));
    }
    if let Some((_, sort)) = own.iter().find(|(name, _)| *name == key) {
        return value(context, entry, *sort);
    }
    let elsewhere: Vec<&str> = FAMILIES
        .iter()
        .filter(|(_, fields)| fields.iter().any(|(name, _)| *name == key))
        .map(|(name, _)| *name)
        .collect();
    let known: Vec<&str> = own.iter().map(|(name, _)| *name).chain(["content", "conversation", "user"]).collect();
    if matches!(key, "call" | "message" | "presence") && matches!(entry.node.value, Item::Table(_)) {
        let help =
            Some(format!("the fields of `{key}` stand here without it, such as `{}`", known.first().unwrap_or(&"id")));
        context.error("unknown-field", &entry.key_span, format!("an event in a test has no view `{key}`"), help);
    } else if elsewhere.is_empty() || suggest::nearest(key, own.iter().map(|(name, _)| *name)).is_some() {
        let help = suggest::did_you_mean(key, known);
        context.error("unknown-field", &entry.key_span, format!("a {kind} event has no field `{key}`"), help);
    } else {
        let message = format!("`{key}` is a field of {} events; {kind} never has it", elsewhere.join(" and "));
        let help = Some(format!("known are {}", suggest::list(&known)));
        context.error("field-never-there", &entry.key_span, message, help);
    }
    None
}

fn view(context: &mut Context<'_>, table: &Table<'_>, name: &str, known: Fields) -> Value {
    let mut found = Map::new();
    for entry in &table.entries {
        if let Some((_, sort)) = known.iter().find(|(field, _)| *field == entry.key) {
            found.extend(value(context, entry, *sort).map(|value| (entry.key.to_string(), value)));
            continue;
        }
        let help = suggest::did_you_mean(&entry.key, known.iter().map(|(field, _)| *field));
        context.error("unknown-field", &entry.key_span, format!("there is no field `{name}.{}`", entry.key), help);
    }
    Value::Object(found)
}

fn value(context: &mut Context<'_>, entry: &Entry<'_>, sort: Sort) -> Option<Value> {
    let (key, node) = (&*entry.key, &entry.node);
    match (sort, &node.value) {
        (Sort::Text, _) => context.text(node, key).map(Value::from),
        (Sort::Truth, _) => context.bool(node, key).map(Value::from),
        (Sort::Whole, Item::Integer(number)) if *number >= 0 => Some(Value::from(*number)),
        (Sort::Whole, _) => {
            let message = format!("`{key}` is a whole number, without quotes, and not below 0");
            context.error("wrong-type", &node.span, message, None);
            None
        }
        (Sort::Texts, _) => Some(context.texts(node, key).into_iter().map(|(text, _)| text).collect()),
        (Sort::Any, _) => Some(plain(node)),
    }
}
