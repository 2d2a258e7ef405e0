//! Reading tests: their keys, what is given, and when each step is.

use std::collections::BTreeSet;
use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value};

use crate::hours::moment;
use crate::language::document::{Entry, Item, Node, Table};
use crate::language::render::Lines;
use crate::language::suggest;
use crate::rules::context::{Context, short};

use super::{ERRORS, Given, GivenVar, Happening, Test, TestStep, event, expect};

pub(in crate::rules) const TEST_KEYS: &[&str] = &["name", "given", "at", "after", "event", "expect", "step"];
pub(in crate::rules) const STEP_KEYS: &[&str] = &["at", "after", "event", "expect"];
const LATER: &[&str] = &["chat"];
/// When a test begins that does not say: a Monday morning.
const TYPICAL: &str = "2026-01-05T10:00";

/// What tests may name of the rules, whether those can be read or not.
#[derive(Default)]
pub(in crate::rules) struct Known {
    /// The names after `as`.
    steps: BTreeSet<String>,
    pub(super) rules: BTreeSet<String>,
    pub(super) hooks: BTreeSet<String>,
}

impl Known {
    /// Takes in a file.
    pub(in crate::rules) fn file(&mut self, file: &Table<'_>) {
        for entry in file.entries.iter().filter(|entry| matches!(&*entry.key, "rule" | "dialogs")) {
            self.steps_in(&entry.node);
        }
        let Some(Item::List(rules)) = file.get("rule").map(|entry| &entry.node.value) else { return };
        for rule in rules {
            let Item::Table(table) = &rule.value else { continue };
            self.rules.extend(table.get("name").and_then(|entry| entry.node.text()).map(str::to_owned));
            if let Some(Item::Table(on)) = table.get("on").map(|entry| &entry.node.value) {
                self.hooks.extend(on.get("hook").and_then(|entry| entry.node.text()).map(str::to_owned));
            }
        }
    }

    /// The steps of all `do` below a value. The parser bounds how deep it is.
    fn steps_in(&mut self, node: &Node<'_>) {
        match &node.value {
            Item::List(items) => items.iter().for_each(|item| self.steps_in(item)),
            Item::Table(table) => {
                for entry in &table.entries {
                    if let (true, Item::List(steps)) = (entry.key == "do", &entry.node.value) {
                        self.steps.extend(steps.iter().filter_map(named));
                    } else {
                        self.steps_in(&entry.node);
                    }
                }
            }
            _ => {}
        }
    }
}

fn named(step: &Node<'_>) -> Option<String> {
    let Item::Table(table) = &step.value else { return None };
    Some(table.get("as")?.node.text()?.to_owned())
}

/// Reads the tests of a file. `known` is what the rules of all files have.
pub(in crate::rules) fn read(context: &mut Context<'_>, file: &Table<'_>, known: &Known) -> Vec<Test> {
    let Some(Item::List(tests)) = file.get("test").map(|entry| &entry.node.value) else { return Vec::new() };
    let lines = Lines::of(&context.source.text);
    let mut found = Vec::with_capacity(tests.len());
    for node in tests {
        let Some(table) = context.table(node, "test", "[[test]]") else { continue };
        found.push(test(context, node, table, known, &lines));
    }
    found
}

fn test(context: &mut Context<'_>, node: &Node<'_>, table: &Table<'_>, known: &Known, lines: &Lines) -> Test {
    for entry in table.entries.iter().filter(|entry| !TEST_KEYS.contains(&&*entry.key)) {
        context.unknown_key(entry, "a test", TEST_KEYS, LATER);
    }
    let (name, span) = name(context, node, table);
    let given = table.get("given").map(|entry| given(context, entry, known)).unwrap_or_default();
    let line = lines.line(span.start);
    Test {
        name: name.into(),
        file: context.source.name.clone(),
        line,
        given,
        steps: steps(context, node, table, known, lines),
    }
}

fn name<'n>(context: &mut Context<'_>, node: &'n Node<'_>, table: &'n Table<'_>) -> (&'n str, &'n Range<usize>) {
    let Some(entry) = table.get("name") else {
        let help = Some("write it such as `name = \"at night\"`".to_owned());
        context.error("missing-key", &node.span, "this test has no `name`", help);
        return ("", &node.span);
    };
    let span = &entry.node.span;
    let name = context.text(&entry.node, "name").unwrap_or_default();
    if name.trim().is_empty() || name.len() > 200 || name.contains(char::is_control) {
        let help = Some("say in a few words what should happen".to_owned());
        context.error("bad-name", span, "a test's name is one line of at most 200 bytes, and not empty", help);
    }
    (name, span)
}

fn steps(context: &mut Context<'_>, node: &Node<'_>, table: &Table<'_>, known: &Known, lines: &Lines) -> Vec<TestStep> {
    let mut clock = Clock::default();
    let direct = table.entries.iter().find(|entry| STEP_KEYS.contains(&&*entry.key));
    let Some(list) = table.get("step") else {
        if table.entries.iter().any(|entry| LATER.contains(&&*entry.key)) {
            return Vec::new();
        }
        return vec![step(context, table, &node.span, &mut clock, known, lines)];
    };
    let Item::List(items) = &list.node.value else {
        let help = Some("each begins with [[test.step]], in two brackets".to_owned());
        context.error("wrong-type", &list.key_span, "`step` is a list of tables", help);
        return Vec::new();
    };
    if let Some(direct) = direct {
        let message = format!("`{}` stands beside [[test.step]]", direct.key);
        let help = Some("a test is one step, written directly, or several [[test.step]]".to_owned());
        context.error("two-forms", &direct.key_span, message, help);
    }
    let mut found = Vec::with_capacity(items.len());
    for item in items {
        let Some(table) = context.table(item, "step", "[[test.step]]") else { continue };
        for entry in table.entries.iter().filter(|entry| !STEP_KEYS.contains(&&*entry.key)) {
            if matches!(&*entry.key, "name" | "given") {
                let message = format!("`{}` belongs to the test, but stands in a step", entry.key);
                let help = Some("write it above the first [[test.step]]".to_owned());
                context.error("test-key-in-step", &entry.key_span, message, help);
            } else {
                context.unknown_key(entry, "a step of a test", STEP_KEYS, LATER);
            }
        }
        found.push(step(context, table, &item.span, &mut clock, known, lines));
    }
    found
}

/// The time, while the steps of a test are read.
#[derive(Default)]
struct Clock(Option<DateTime<Utc>>);

fn step(
    context: &mut Context<'_>,
    table: &Table<'_>,
    span: &Range<usize>,
    clock: &mut Clock,
    known: &Known,
    lines: &Lines,
) -> TestStep {
    let event = table.get("event");
    if [event, table.get("at"), table.get("after")].iter().all(Option::is_none) {
        let help = Some("give it an `event`, or let time pass with `after = \"12s\"`".to_owned());
        context.error("empty-step", span, "nothing happens in this step", help);
    }
    let event = event.and_then(|entry| event::read(context, entry, known));
    TestStep {
        line: lines.line(span.start),
        at: clock.read(context, table, event.as_ref()),
        event,
        expect: table.get("expect").and_then(|entry| expect::read(context, entry)),
    }
}

impl Clock {
    /// When a step is. A test that does not say when it begins has the time of a recorded event, or a typical one.
    fn read(&mut self, context: &mut Context<'_>, table: &Table<'_>, event: Option<&Happening>) -> DateTime<Utc> {
        let zone = context.world.locale.timezone.unwrap_or(Tz::UTC);
        let (at, after) = (table.get("at"), table.get("after"));
        if let (Some(_), Some(after)) = (at, after) {
            let help = Some("keep one of the two".to_owned());
            context.error("two-forms", &after.key_span, "a step is `at` a time or `after` the one before", help);
        }
        let recorded = || event.and_then(recorded_at);
        let before = self.0.or_else(recorded).or_else(|| moment::read(TYPICAL, zone).ok()).unwrap_or_default();
        let now = match (at, after) {
            (Some(entry), _) => self.at(context, entry, zone),
            (None, Some(entry)) => self::after(context, &entry.node).and_then(|after| before.checked_add_signed(after)),
            (None, None) => None,
        };
        *self.0.insert(now.unwrap_or(before))
    }

    fn at(&self, context: &mut Context<'_>, entry: &Entry<'_>, zone: Tz) -> Option<DateTime<Utc>> {
        let text = context.text(&entry.node, "at")?;
        let at = match moment::read(text, zone) {
            Ok(at) => at,
            Err(why) => {
                let help = Some("such as \"2026-12-07T10:00\", in the zone of [locale], or with an offset".to_owned());
                context.error("time", &entry.node.span, why, help);
                return None;
            }
        };
        if let Some(now) = self.0.filter(|now| at < *now) {
            let now = now.with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S");
            let message = format!("the clock does not go back: the step before is at {now}");
            context.error("time-goes-back", &entry.node.span, message, None);
            return None;
        }
        Some(at)
    }
}

/// When a recorded event happened.
fn recorded_at(event: &Happening) -> Option<DateTime<Utc>> {
    let Happening::Recorded(source) = event else { return None };
    let document: Value = serde_json::from_str(&source.text).ok()?;
    DateTime::from_timestamp_millis(document.pointer("/content/timestamp")?.as_i64()?)
}

/// A duration, nothing included: what happens in the same moment, but later.
fn after(context: &mut Context<'_>, node: &Node<'_>) -> Option<TimeDelta> {
    let zero = node.text().is_some_and(|text| ["0s", "0ms", "0m", "0h", "0d"].contains(&text));
    if zero { Some(TimeDelta::zero()) } else { TimeDelta::from_std(context.duration(node, "after")?).ok() }
}

fn given(context: &mut Context<'_>, entry: &Entry<'_>, known: &Known) -> Given {
    const EXAMPLE: &str = "given = { contact = { error = \"timeout\" } }";
    let mut given = Given::default();
    let Some(table) = context.table(&entry.node, "given", EXAMPLE) else { return given };
    for one in &table.entries {
        if one.key == "vars" {
            given.vars = vars(context, one);
        } else if known.steps.contains(&*one.key) {
            given.answers.extend(answer(context, one).map(|answer| (one.key.to_string(), answer)));
        } else {
            let names = known.steps.iter().map(String::as_str).chain(["vars"]);
            let help = suggest::did_you_mean(&one.key, names.collect::<Vec<_>>());
            let message = format!("no step of a rule is named `{}`", one.key);
            context.error("unknown-step", &one.key_span, message, help);
        }
    }
    given
}

/// What a step returns.
fn answer(context: &mut Context<'_>, entry: &Entry<'_>) -> Option<Value> {
    let Item::Table(table) = &entry.node.value else {
        if matches!(entry.node.value, Item::List(_)) {
            return Some(plain(&entry.node));
        }
        let help = Some(format!("write it such as `{} = {{ status = 200, body = {{ … }} }}`", entry.key));
        let message = format!("what `{}` returns is a table, or a list, not {}", entry.key, entry.node.sort());
        context.error("wrong-type", &entry.node.span, message, help);
        return None;
    };
    if let Some(error) = table.get("error") {
        let word = context.text(&error.node, "error").unwrap_or(ERRORS[0]);
        if !ERRORS.contains(&word) {
            let message = format!("no step fails with \"{}\"", short(word));
            context.error("unknown-value", &error.node.span, message, suggest::did_you_mean(word, ERRORS));
        }
    }
    if let Some(status) = table.get("status")
        && !matches!(status.node.value, Item::Integer(100..=599))
        && table.get("body").is_some()
    {
        let message = "`status` is a number of HTTP, such as 200";
        context.error("wrong-type", &status.node.span, message, None);
    }
    Some(plain(&entry.node))
}

fn vars(context: &mut Context<'_>, entry: &Entry<'_>) -> Vec<GivenVar> {
    let Some(table) = context.table(&entry.node, "vars", "vars = { night = \"auto\" }") else { return Vec::new() };
    let (declared, mut found) = (context.vars, Vec::new());
    for one in &table.entries {
        let (name, span) = (one.key.to_string(), &one.node.span);
        let Some(declaration) = declared.get(&*name) else {
            let help = suggest::did_you_mean(&name, declared.keys().map(|name| &**name).collect::<Vec<_>>());
            context.error("unknown-var", &one.key_span, format!("no var is called `{name}`"), help);
            continue;
        };
        let each: Vec<(Option<String>, &Entry<'_>)> = match (&declaration.per, &one.node.value) {
            (Some(_), Item::Table(each)) => each.entries.iter().map(|one| (Some(one.key.to_string()), one)).collect(),
            (Some(field), _) => {
                let help = Some(format!("write `{name} = {{ \"u-1\" = \"…\" }}`, with a value of that field"));
                context.error("wrong-type", span, format!("`{name}` is kept for each `{field}`"), help);
                continue;
            }
            (None, _) => vec![(None, one)],
        };
        for (per, value) in each {
            let Some(text) = context.text(&value.node, &value.key) else { continue };
            let values: Vec<&str> = declaration.values.iter().map(|value| &**value).collect();
            if !values.is_empty() && !values.contains(&text) {
                let message = format!("`{name}` is never \"{}\"", short(text));
                context.error("unknown-value", &value.node.span, message, suggest::did_you_mean(text, values));
            }
            found.push(GivenVar { name: name.clone(), per, value: text.to_owned() });
        }
    }
    found
}

/// A value as data. Dates are texts.
pub(super) fn plain(node: &Node<'_>) -> Value {
    match &node.value {
        Item::Text(text) => Value::from(&**text),
        Item::Integer(number) => Value::from(*number),
        Item::Float(number) => Value::from(*number),
        Item::Bool(is) => Value::from(*is),
        Item::Date(date) => Value::from(date.as_str()),
        Item::List(items) => items.iter().map(plain).collect(),
        Item::Table(table) => {
            let entries = table.entries.iter().map(|entry| (entry.key.to_string(), plain(&entry.node)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
    }
}
