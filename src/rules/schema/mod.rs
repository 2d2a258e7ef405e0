//! A JSON Schema of rule files, for editors: what `check` finds out about the form, while one types.
//!
//! It is made from what the reader itself goes by: the catalogue of actions, the keys of each table, the kinds and their
//! fields. What needs more than one place of a file (names of hours, columns, vars) is left to `check`.

mod matchers;
mod steps;

use serde_json::{Map, Value, json};

use crate::event::Kind;

use super::{calendars, gates, limit, read, rehearsal, tables, vars};

/// The schema, of draft 2020-12.
pub fn schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rules of switchhook",
        "description": "A rule file: rules, hours, calendars, tables, vars and tests in any order.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties(read::FILE_KEYS.iter().chain(read::FILE_KEYS_LATER), file_key),
        "$defs": {
            "rule": table(read::RULE_KEYS, &["name", "on", "do"], "One rule, read as a sentence.", rule_key),
            "kind": kind(),
            "on": on(),
            "duration": duration(),
            "texts": json!({ "anyOf": [{ "type": "string" }, texts()] }),
            "hours": table(gates::HOURS, &["open"], "Opening hours.", hours_key),
            "calendar": table(calendars::KEYS, &[], "Public holidays; `PH` in hours means these.", calendar_key),
            "table": table(tables::KEYS, &["file", "key"], "A CSV file in which rules look things up.", table_key),
            "var": table(vars::KEYS, &[], "A value that rules and people set.", var_key),
            "limit": table(limit::KEYS, &["max", "within"], "How often the rule may act.", limit_key),
            "test": table(rehearsal::TEST_KEYS, &[], "A test of rules, for `switchhook test`.", test_key),
            "test_step": table(rehearsal::STEP_KEYS, &[], "One moment of a test.", test_key),
            "where": matchers::group(),
            "text_matcher": matchers::of(matchers::Sort::Text),
            "number_matcher": matchers::of(matchers::Sort::Number),
            "bool_matcher": matchers::of(matchers::Sort::Bool),
            "open_matcher": matchers::of(matchers::Sort::Open),
            "step": steps::step(),
        },
    });
    // Of the language, but not yet of its reader.
    schema["$defs"]["test"]["properties"]["chat"] =
        told(texts(), "A dialog: what comes in after `> `, what is said after `< `.");
    schema
}

/// The properties of a table, each as `describe` tells it.
fn properties<'a>(keys: impl IntoIterator<Item = &'a &'static str>, describe: fn(&str) -> Value) -> Value {
    Value::Object(keys.into_iter().map(|key| ((*key).to_owned(), describe(key))).collect())
}

/// A table of these keys and no others.
fn table(keys: &[&'static str], required: &[&str], description: &str, describe: fn(&str) -> Value) -> Value {
    let mut schema = json!({
        "type": "object", "description": description, "additionalProperties": false, "properties": properties(keys, describe),
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// A schema with a description.
fn told(mut schema: Value, description: &str) -> Value {
    schema["description"] = description.into();
    schema
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// One text or a list of texts.
fn texts_or_one() -> Value {
    reference("texts")
}

fn texts() -> Value {
    json!({ "type": "array", "minItems": 1, "items": { "type": "string" } })
}

/// Tables of that sort by name.
fn named(name: &str) -> Value {
    json!({ "type": "object", "additionalProperties": reference(name) })
}

fn list(name: &str) -> Value {
    json!({ "type": "array", "items": reference(name) })
}

fn duration() -> Value {
    json!({
        "type": "string", "description": "A duration such as 20s, 5m, 1h30m or 800ms.",
        "minLength": 2,
        "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$",
    })
}

fn kind() -> Value {
    let mut families: Vec<String> = Kind::ALL
        .iter()
        .filter(|kind| kind.as_str() != kind.family())
        .map(|kind| format!("{}.*", kind.family()))
        .collect();
    families.dedup();
    let kinds = Kind::ALL.iter().map(|kind| kind.as_str().to_owned()).chain(families);
    json!({ "type": "string", "description": "A kind of event, or a family of kinds.", "enum": kinds.collect::<Vec<_>>() })
}

fn on() -> Value {
    let object = |properties: Value, required: &[&str]| json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties });
    let missed =
        json!({ "enum": ["skip", "run"], "description": "What becomes of times at which the daemon did not run." });
    json!({ "anyOf": [
        reference("kind"),
        { "type": "array", "minItems": 1, "items": reference("kind") },
        object(json!({ "every": reference("duration"), "missed": missed }), &["every"]),
        object(json!({ "cron": { "type": "string", "description": "Minute, hour, day, month, weekday." }, "missed": missed }), &["cron"]),
        object(json!({ "hook": { "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" } }), &["hook"]),
        { "type": "object", "additionalProperties": false, "minProperties": 1, "properties": {
            "topic": texts_or_one(), "method": texts_or_one(),
            "subject": { "type": "string", "description": "A regex; what its named groups catch is bound." },
        } },
    ] })
}

/// A key that has a reader and no description here yet: anything.
fn anything(_: &str) -> Value {
    json!({})
}

fn file_key(key: &str) -> Value {
    match key {
        "rule" => told(list("rule"), "The rules, each beginning with [[rule]]."),
        "test" => told(list("test"), "Tests of the rules, each beginning with [[test]]."),
        "hours" => told(named("hours"), "Opening hours by name: [hours.NAME]."),
        "calendars" => told(named("calendar"), "Public holidays by name: [calendars.NAME]."),
        "tables" => told(named("table"), "CSV files by name: [tables.NAME]."),
        "vars" => told(named("var"), "Vars by name: [vars.NAME]."),
        "dialogs" => told(json!({ "type": "object" }), "Dialogs by name: [dialogs.NAME]."),
        other => anything(other),
    }
}

fn rule_key(key: &str) -> Value {
    let flag = || json!({ "type": "boolean" });
    match key {
        "name" => told(
            json!({ "type": "string", "minLength": 1, "maxLength": 200 }),
            "Unique in the account: timers, limits and hits belong to it.",
        ),
        "on" => told(reference("on"), "The kinds of events that the rule is for."),
        "where" => told(reference("where"), "Matchers; all must hold."),
        "when" => told(json!({ "type": "string" }), "An expression, for what matchers can't say."),
        "while_open" => told(texts_or_one(), "Hours of which one must be open at the event's time."),
        "while_closed" => told(texts_or_one(), "Hours that must all be closed at the event's time."),
        "for" => told(reference("duration"), "Acts when that long has passed and nothing has changed."),
        "route" => told(json!({ "type": "string" }), "Of the rules of one route only the first that matches acts."),
        "limit" => reference("limit"),
        "deadline" => told(reference("duration"), "How old an event may be to be acted on."),
        "enabled" => told(flag(), "A rule that is not enabled never matches."),
        "dry_run" => told(flag(), "Plan and record, never act."),
        "do" => told(json!({ "type": "array", "minItems": 1, "items": reference("step") }), "The steps, in order."),
        other => anything(other),
    }
}

fn hours_key(key: &str) -> Value {
    let text = json!({ "type": "string" });
    match key {
        "open" => told(text, "As in OpenStreetMap: Mo-Fr 08:30-12:00,13:00-17:00; PH off"),
        "timezone" => told(text, "Such as America/Toronto; left out, that of [locale]."),
        "holidays" => told(json!({ "anyOf": [text, reference("calendar")] }), "A calendar by name, or its table."),
        "override" => told(text, "While that var is open or closed, it decides."),
        other => anything(other),
    }
}

fn calendar_key(key: &str) -> Value {
    match key {
        "country" => told(
            json!({ "type": "string", "pattern": "^[A-Z]{2}$" }),
            "Whose public holidays: two letters of ISO 3166.",
        ),
        "add" => told(texts_or_one(), "Further holidays: 2026-12-24, also with 12:00-24:00, or a range with ` - `."),
        "remove" => told(texts_or_one(), "Holidays on which one works."),
        "ics" => told(texts_or_one(), "Calendar files whose events are holidays."),
        other => anything(other),
    }
}

fn table_key(key: &str) -> Value {
    match key {
        "file" => told(json!({ "type": "string" }), "A CSV file with a header row, relative to this file."),
        "key" => told(json!({ "type": "string" }), "The column in which things are looked up."),
        "match" => told(json!({ "enum": ["exact", "longest-prefix"] }), "How the key is compared."),
        "phone" => told(json!({ "type": "boolean" }), "The keys are read as phone numbers."),
        other => anything(other),
    }
}

fn var_key(key: &str) -> Value {
    match key {
        "values" => told(
            json!({ "type": "array", "minItems": 1, "items": { "type": "string", "minLength": 1 } }),
            "What it may be; left out, any text.",
        ),
        "default" => told(json!({ "type": "string" }), "What it is when nobody set it."),
        "per" => told(json!({ "type": "string" }), "A field: one value for each of what that is."),
        "keep" => told(reference("duration"), "How long a value is kept."),
        other => anything(other),
    }
}

fn limit_key(key: &str) -> Value {
    match key {
        "per" => told(json!({ "type": "string" }), "A field whose values are counted apart, such as call.from."),
        "max" => told(json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX }), "How many acts."),
        "within" => told(
            json!({ "anyOf": [{ "const": "day" }, reference("duration")] }),
            "A duration slides; `day` is the calendar day.",
        ),
        other => anything(other),
    }
}

fn test_key(key: &str) -> Value {
    match key {
        "name" => told(json!({ "type": "string" }), "What is expected, in a few words."),
        "given" => told(json!({ "type": "object" }), "What named steps return, and the values of vars."),
        "at" => told(json!({ "type": "string" }), "Local time such as 2026-12-07T10:00, or with offset."),
        "after" => told(reference_or_nothing(), "How long after the step before."),
        "event" => event(),
        "expect" => {
            told(json!({ "type": "array", "items": steps::expected() }), "These actions in this order, and no others.")
        }
        "step" => told(list("test_step"), "The steps, each beginning with [[test.step]]."),
        other => anything(other),
    }
}

/// A duration, or none at all: `0s`.
fn reference_or_nothing() -> Value {
    json!({ "anyOf": [reference("duration"), { "const": "0s" }] })
}

fn event() -> Value {
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    json!({
        "type": "object", "description": "Its kind and fields; those left out are those of a typical event.",
        "properties": { "kind": { "enum": kinds }, "file": { "type": "string" } },
        "anyOf": [{ "required": ["kind"] }, { "required": ["file"] }],
    })
}

/// An object of these entries.
fn object(entries: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Object(Map::from_iter(entries))
}
