//! What a step takes, from the catalogue of actions.

use serde_json::{Value, json};

use crate::rules::catalogue::{ACTIONS, Argument, Needs, Spec, Takes};
use crate::rules::steps::BESIDE;

use super::{object, reference, texts, told};

/// One step: exactly one action, and what stands beside it.
pub(super) fn step() -> Value {
    let actions = ACTIONS.iter().map(|spec| (spec.name.to_owned(), action(spec)));
    let beside = BESIDE.iter().map(|key| ((*key).to_owned(), beside(key)));
    let one: Vec<Value> = ACTIONS.iter().map(|spec| json!({ "required": [spec.name] })).collect();
    json!({
        "type": "object", "description": "One action, and what stands beside it.", "additionalProperties": false,
        "properties": object(beside.chain(actions)), "oneOf": one,
    })
}

/// One action that a test expects.
pub(super) fn expected() -> Value {
    let actions = ACTIONS.iter().map(|spec| (spec.name.to_owned(), told(json!({}), &sentence(spec))));
    json!({
        "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false, "properties": object(actions),
    })
}

fn beside(key: &str) -> Value {
    let text = || json!({ "type": "string" });
    match key {
        "as" => told(
            json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" }),
            "The name of what the step returns.",
        ),
        "if" => told(text(), "An expression; the step is left out when it does not hold."),
        "each" => told(text(), "An expression; the step is done once for each `item` of it."),
        "timeout" => told(reference("duration"), "How long one attempt may take."),
        "retry" => told(
            json!({ "anyOf": [{ "const": false }, {
                "type": "object", "required": ["max"], "additionalProperties": false,
                "properties": { "max": { "type": "integer", "minimum": 0, "maximum": 100 }, "wait": reference("duration") },
            }] }),
            "How often it is tried again, or false.",
        ),
        "on_error" => told(json!({ "enum": ["stop", "continue"] }), "What becomes of the steps that follow."),
        _ => json!({}),
    }
}

/// "Redirects a ringing call, such as `redirect = { to = "4001" }`."
fn sentence(spec: &Spec) -> String {
    let mut does = spec.does.chars();
    let first = does.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}, such as `{}`.", does.as_str(), spec.example())
}

fn action(spec: &Spec) -> Value {
    let arguments = spec.arguments.iter().map(|argument| (argument.name.to_owned(), self::argument(argument)));
    let must = |argument: &&Argument| matches!(argument.needs, Needs::Must | Needs::Written);
    let required: Vec<&str> = spec.arguments.iter().filter(must).map(|argument| argument.name).collect();
    let mut table = json!({ "type": "object", "properties": object(arguments) });
    table["additionalProperties"] = match spec.name {
        // The vars.
        "set" => json!({ "type": "string" }),
        _ => json!(false),
    };
    if !required.is_empty() {
        table["required"] = json!(required);
    }
    let one: Vec<Value> = spec.one_of().iter().map(|name| json!({ "required": [name] })).collect();
    if !one.is_empty() {
        table["oneOf"] = json!(one);
    }
    let schema = match spec.alone.and_then(|name| spec.argument(name)) {
        Some(alone) => json!({ "anyOf": [takes(alone.takes), table] }),
        None if spec.example.is_empty() => json!({ "anyOf": [{ "const": true }, table] }),
        None => table,
    };
    told(schema, &sentence(spec))
}

fn argument(argument: &Argument) -> Value {
    let must = match argument.needs {
        Needs::Must | Needs::Written => "",
        Needs::One => " One of those that the action needs.",
        Needs::Event(_) | Needs::MayEvent(_) => " Left out: the event's.",
        Needs::May | Needs::OneAtMost => " May be left out.",
    };
    let sort = argument.takes.sort();
    let mut sort = sort.chars();
    let first = sort.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    told(takes(argument.takes), &format!("{first}{}.{must}", sort.as_str()))
}

fn takes(takes: Takes) -> Value {
    let template = || json!({ "type": "string", "pattern": "^\\s*\\{\\{" });
    let filled = || json!({ "type": "string", "pattern": "\\S" });
    let texts_by_language = || {
        json!({
            "anyOf": [{ "type": "string" }, {
                "type": "object", "minProperties": 1, "additionalProperties": { "type": "string" },
                "propertyNames": { "pattern": "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$" },
            }],
        })
    };
    match takes {
        Takes::Target | Takes::Digits => filled(),
        Takes::Targets => json!({ "anyOf": [filled(), texts()] }),
        Takes::Recipient => json!({ "anyOf": [filled(), {
            "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
            "properties": { "user": filled(), "conversation": filled() },
        }] }),
        Takes::Texts | Takes::Htmls => texts_by_language(),
        Takes::Data => json!({}),
        Takes::Pairs => json!({ "type": "object" }),
        Takes::Bool => json!({ "anyOf": [{ "type": "boolean" }, template()] }),
        Takes::Number(least, most) => {
            json!({ "anyOf": [{ "type": "integer", "minimum": least, "maximum": most }, template()] })
        }
        Takes::Duration(_) => reference("duration"),
        Takes::Word(words) => json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": "\\{[{%]" }] }),
        Takes::Text | Takes::Credential | Takes::Url | Takes::Path | Takes::Name | Takes::Time => {
            json!({ "type": "string" })
        }
    }
}
