//! Reading steps: exactly one action each, and what stands beside it.

use std::ops::Range;
use std::time::Duration;

use crate::language::document::{Entry, Item, Node, Table};
use crate::language::{Condition, suggest};

use super::catalogue::{ACTIONS, Returns, Spec};
use super::context::{Context, Names};
use super::step::{Action, OnError, Retry, Step};
use super::tables::{self, Destination};
use super::{arguments, fields, http, set};

/// Keys beside the action.
pub(super) const BESIDE: &[&str] = &["as", "if", "each", "timeout", "retry", "on_error"];
/// The most attempts after the first that `retry` may ask for.
const MOST_RETRIES: u32 = 100;

/// A step and what the checks across rules want to know of it.
pub(super) struct Read {
    pub(super) step: Option<Step>,
    /// A written-out destination of a redirect, and its place.
    pub(super) redirect: Option<(Range<usize>, Option<String>)>,
    /// From which cells the destination is taken.
    pub(super) cells: Option<Destination>,
    /// Texts of a reply that are written out, at least in part.
    pub(super) replies: Vec<(Range<usize>, String)>,
}

/// Reads one step. The name after `as` is added to `names` for the steps that follow.
pub(super) fn read(
    context: &mut Context<'_>,
    table: &Table<'_>,
    span: &Range<usize>,
    names: &mut Names,
    line: usize,
) -> Read {
    let mut read = Read { step: None, redirect: None, cells: None, replies: Vec::new() };
    let outer = names.bindings.len();
    let each = table.get("each").map(|entry| context.condition(&entry.node, "each", names));
    if each.is_some() {
        names.bindings.push("item".to_owned());
    }
    let mut actions = Vec::new();
    let mut beside = Beside::default();
    for entry in &table.entries {
        match Spec::of(&entry.key) {
            Some(spec) => actions.push((entry, spec)),
            None => beside.read(context, entry, names),
        }
    }
    if let [(first, _), (second, _), ..] = actions.as_slice() {
        let message = format!("a step has one action; here are `{}` and `{}`", first.key, second.key);
        context.error("two-actions", &second.key_span, message, Some("write two steps".to_owned()));
    }
    let action = actions.first().map(|(entry, spec)| (*spec, action(context, entry, spec, names, &mut read)));
    if let (Some(cells), Some((at, _)), None) = (&read.cells, &read.redirect, &beside.condition) {
        tables::empty_cells(context, cells, at);
    }
    if actions.is_empty() && !beside.unknown {
        let help = Some("such as `redirect`, `reply`, `http` or `log`; docs/rules.md lists them all".to_owned());
        context.error("no-action", span, "this step has no action", help);
    }
    names.bindings.truncate(outer);
    if let Some((name, _)) = &beside.save_as {
        names.steps.push((name.clone(), returns(&actions, each.is_some())));
    }
    if let Some((spec, Some(action))) = action {
        // An `each` that does not read has been found; the rule will not run.
        let each = each.flatten();
        read.step = Some(Step {
            save_as: beside.save_as.map(|(name, _)| name),
            timeout: beside.timeout.unwrap_or_else(|| spec.timeout()),
            on_error: beside.on_error,
            line,
            retry: beside.retry,
            condition: beside.condition,
            each,
            spec,
            action,
        });
    }
    read
}

/// What later steps find under the step's name. Where that is not known, what reads it is no mistake of its own.
fn returns(actions: &[(&Entry<'_>, &Spec)], each: bool) -> Returns {
    match actions {
        [_] if each => Returns::List,
        [(entry, spec)] => {
            let arguments = match &entry.node.value {
                Item::Table(table) => table.entries.as_slice(),
                _ => &[],
            };
            spec.returns(arguments.iter().map(|argument| &*argument.key))
        }
        _ => Returns::Open,
    }
}

#[derive(Default)]
struct Beside {
    save_as: Option<(String, Range<usize>)>,
    condition: Option<Condition>,
    timeout: Option<Duration>,
    retry: Option<Retry>,
    on_error: OnError,
    unknown: bool,
}

impl Beside {
    fn read(&mut self, context: &mut Context<'_>, entry: &Entry<'_>, names: &Names) {
        let node = &entry.node;
        match &*entry.key {
            "as" => self.save_as = name(context, node, names).map(|name| (name, node.span.clone())),
            "if" => self.condition = context.condition(node, "if", names),
            // Read before: what stands beside it may speak of its items.
            "each" => {}
            "timeout" => self.timeout = context.duration(node, "timeout"),
            "retry" => self.retry = retry(context, node),
            "on_error" => match context.text(node, "on_error") {
                Some("stop") => self.on_error = OnError::Stop,
                Some("continue") => self.on_error = OnError::Continue,
                Some(other) => {
                    let help = suggest::did_you_mean(other, ["stop", "continue"]);
                    context.error("unknown-value", &node.span, "`on_error` is \"stop\" or \"continue\"", help);
                }
                None => {}
            },
            key if super::read::RULE_KEYS.contains(&key) => {
                self.unknown = true;
                let message = format!("`{key}` belongs to the rule, but stands in a step");
                let help =
                    "in TOML what follows [[rule.do]] belongs to that step: write it above the first [[rule.do]]";
                context.error("rule-key-in-step", &entry.key_span, message, Some(help.to_owned()));
            }
            key => {
                self.unknown = true;
                unknown(context, entry, key);
            }
        }
    }
}

/// A key that is neither an action nor stands beside one.
fn unknown(context: &mut Context<'_>, entry: &Entry<'_>, key: &str) {
    let actions = || ACTIONS.iter().map(|spec| spec.name);
    let help = suggest::nearest(key, actions().chain(BESIDE.iter().copied()))
        .map(|found| format!("did you mean `{found}`?"))
        .or_else(|| ACTIONS.iter().find(|spec| spec.argument(key).is_some()).map(|spec| inside(key, spec)));
    let help = help.or_else(|| Some("docs/rules.md lists the actions".to_owned()));
    let action = matches!(entry.node.value, Item::Table(_));
    let (code, what) = if action { ("unknown-action", "action") } else { ("unknown-key", "key of a step") };
    context.error(code, &entry.key_span, format!("there is no {what} called `{key}`"), help);
}

fn inside(key: &str, spec: &Spec) -> String {
    format!("arguments stand inside of the action, as `{key}` in `{} = {{ {key} = … }}`", spec.name)
}

/// `false`, or `{ max = 3, wait = "2s" }`.
fn retry(context: &mut Context<'_>, node: &Node<'_>) -> Option<Retry> {
    const EXAMPLE: &str = "retry = { max = 3, wait = \"2s\" }";
    let table = match &node.value {
        Item::Bool(false) => return Some(Retry { max: 0, wait: None }),
        Item::Table(table) => table,
        _ => {
            let help = Some(format!("write `retry = false`, or such as `{EXAMPLE}`"));
            context.error("wrong-type", &node.span, "`retry` is false or a table", help);
            return None;
        }
    };
    let (mut max, mut wait) = (None, None);
    for entry in &table.entries {
        match (&*entry.key, &entry.node.value) {
            ("max", Item::Integer(number)) => {
                max = u32::try_from(*number).ok().filter(|number| *number <= MOST_RETRIES);
                if max.is_none() {
                    let message = format!("`max` is a number from 0 to {MOST_RETRIES}");
                    context.error("unknown-value", &entry.node.span, message, None);
                }
            }
            ("max", _) => {
                let message = format!("`max` is a number, not {}", entry.node.sort());
                context.error("wrong-type", &entry.node.span, message, None);
            }
            ("wait", _) => wait = context.duration(&entry.node, "wait"),
            _ => context.unknown_key(entry, "`retry`", &["max", "wait"], &[]),
        }
    }
    if table.get("max").is_none() {
        let help = Some(format!("write it such as `{EXAMPLE}`"));
        context.error("missing-key", &node.span, "`retry` needs `max`", help);
    }
    max.map(|max| Retry { max, wait })
}

/// The name after `as`: a word that hides nothing.
fn name(context: &mut Context<'_>, node: &Node<'_>, names: &Names) -> Option<String> {
    let name = context.text(node, "as")?;
    let word = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !word {
        let help = Some("letters, digits and _ only, such as \"contact\"".to_owned());
        context.error("bad-name", &node.span, format!("`{name}` can't be used in templates"), help);
        return None;
    }
    let hides = fields::known(name, &[]).is_some() || matches!(name, "now" | "hours" | "item" | "vars" | "tables");
    let steps = names.steps.iter().map(|(name, _)| name);
    if hides || names.bindings.iter().chain(steps).any(|known| known == name) {
        let message = format!("`{name}` is already the name of something else here");
        context.error("hidden-name", &node.span, message, Some("choose another name".to_owned()));
    }
    Some(name.to_owned())
}

fn action(
    context: &mut Context<'_>,
    entry: &Entry<'_>,
    spec: &'static Spec,
    names: &Names,
    read: &mut Read,
) -> Option<Action> {
    match spec.name {
        "http" => http::read(context, entry, spec, names),
        "set" => set::read(context, entry, names),
        _ => arguments::read(context, entry, spec, names, read).map(Action::Plain),
    }
}

/// An argument that an action can't be without. One that is misspelt has been found already.
pub(super) fn missing(context: &mut Context<'_>, entry: &Entry<'_>, key: &str, example: &str) {
    if let Item::Table(table) = &entry.node.value
        && table.entries.iter().any(|argument| suggest::nearest(&argument.key, key.split([',', ' '])).is_some())
    {
        return;
    }
    let message = format!("`{}` needs `{key}`", entry.key);
    context.error("missing-key", &entry.key_span, message, Some(format!("write it such as `{example}`")));
}
