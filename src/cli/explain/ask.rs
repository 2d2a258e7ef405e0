//! What is asked: an event, and what is given with it.

use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};

use super::Args;
use crate::daemon::rehearsal::Happened;
use crate::language::suggest;
use crate::rules::RuleSet;
use crate::rules::rehearsal::{ERRORS, Given, GivenVar, Typical};

/// The largest event that is read.
const LARGEST: u64 = 16 << 20;

/// What is to be explained.
pub(super) fn happened(args: &Args, rules: &RuleSet) -> Result<Happened, String> {
    if let Some(path) = &args.event {
        return read(path).map(Happened::Body);
    }
    let mut fields = Map::new();
    let kind = if let Some(extension) = &args.call {
        fields.insert("endpoint".to_owned(), Value::from(extension.as_str()));
        fields.insert("from".to_owned(), Value::from(args.from.as_deref().unwrap_or_default()));
        fields.extend(args.to.as_deref().map(|to| ("to".to_owned(), Value::from(to))));
        "call.ringing"
    } else if let Some(hook) = &args.hook {
        if !rules.hooks().contains(&**hook) && !rules.listens_to_all_hooks() {
            return Err(unknown("no rule is for a hook", hook, rules.hooks()));
        }
        let body = args.body.as_deref().unwrap_or("{}");
        let body = serde_json::from_str::<Value>(body).map_err(|error| format!("--body is no JSON: {error}"))?;
        fields.extend([("name".to_owned(), Value::from(hook.as_str())), ("body".to_owned(), body)]);
        "hook"
    } else {
        let rule = args.timer.as_deref().unwrap_or_default();
        let known: Vec<&str> = rules.schedules().map(|(rule, _)| &*rule.name).collect();
        if !known.contains(&rule) {
            return Err(unknown("no rule with `every` or `cron` is called", rule, known));
        }
        fields.insert("rule".to_owned(), Value::from(rule));
        "timer"
    };
    Ok(Happened::Typical(Typical { kind: kind.into(), fields }))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let is_stdin = path.as_os_str() == "-";
    let failed =
        |error| format!("can't read {}: {error}", if is_stdin { "stdin".into() } else { path.display().to_string() });
    let mut bytes = Vec::new();
    let read = if is_stdin {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    read.map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("the event is larger than {} MiB", LARGEST >> 20));
    }
    Ok(bytes)
}

fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let help = suggest::did_you_mean(name, known.into_iter().collect::<Vec<_>>());
    format!("{what} `{}`{}", name.escape_debug(), help.map_or_else(String::new, |help| format!("; {help}")))
}

/// What is given: what steps return, and the values of vars.
pub(super) fn given(answers: &[String], vars: &[String], rules: &RuleSet) -> Result<Given, String> {
    let mut given = Given::default();
    for text in answers {
        let (name, answer) =
            text.split_once('=').ok_or_else(|| format!("--given `{text}`: write it as contact={{\"status\":200}}"))?;
        let steps = rules.rules().iter().flat_map(|rule| &rule.steps).filter_map(|step| step.save_as.as_deref());
        let steps: Vec<&str> = steps.collect();
        if !steps.contains(&name) {
            return Err(unknown("no step of a rule is named", name, steps));
        }
        given.answers.insert(name.to_owned(), self::answer(name, answer)?);
    }
    for text in vars {
        given.vars.push(var(text, rules)?);
    }
    Ok(given)
}

fn answer(name: &str, text: &str) -> Result<Value, String> {
    let answer: Value =
        serde_json::from_str(text).map_err(|error| format!("--given {name}: that is no JSON: {error}"))?;
    if !answer.is_object() && !answer.is_array() {
        return Err(format!("--given {name}: what a step returns is an object, such as {{\"status\":200}}, or a list"));
    }
    match answer.get("error").filter(|error| !error.is_null()) {
        Some(Value::String(word)) if ERRORS.contains(&&**word) => Ok(answer),
        Some(word) => {
            let word = word.as_str().map_or_else(|| word.to_string(), str::to_owned);
            Err(unknown(&format!("--given {name}: no step fails with"), &word, ERRORS))
        }
        None => Ok(answer),
    }
}

fn var(text: &str, rules: &RuleSet) -> Result<GivenVar, String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}`: write it as night=closed"))?;
    let Some(declared) = rules.vars().get(name) else {
        return Err(unknown("no var is called", name, rules.vars().keys().map(|name| &**name)));
    };
    if !declared.values.is_empty() && !declared.values.iter().any(|known| **known == *value) {
        return Err(unknown(&format!("`{name}` is never"), value, declared.values.iter().map(|value| &**value)));
    }
    Ok(GivenVar { name: name.to_owned(), per: None, value: value.to_owned() })
}
