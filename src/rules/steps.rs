//! Reading steps: exactly one action each, and what stands beside it.

use std::ops::Range;
use std::time::Duration;

use crate::event::Kind;
use crate::language::document::{Entry, Item, Node, Table};
use crate::language::{Place, suggest};

use super::context::{Context, Names};
use super::fields;
use super::http;
use super::request::LogLevel;
use super::step::{Action, OnError, Step};
use super::tables::{self, Destination};

/// Keys beside the action.
const BESIDE: &[&str] = &["as", "if", "timeout", "on_error"];
/// Keys beside the action that a later version will know.
const BESIDE_LATER: &[&str] = &["each", "retry"];
/// The actions of this version.
const ACTIONS: &[&str] = &["redirect", "reply", "http", "log"];
/// The actions that a later version will know.
const ACTIONS_LATER: &[&str] = &[
    "blind_transfer",
    "consult",
    "supervised_transfer",
    "join",
    "answer",
    "end",
    "hold",
    "retrieve",
    "pause_recording",
    "resume_recording",
    "dtmf",
    "tag_recording",
    "make",
    "do_not_disturb",
    "message_waiting",
    "availability",
    "send",
    "react",
    "typing",
    "mark_read",
    "edit_message",
    "delete_message",
    "attach",
    "create_conversation",
    "add_participant",
    "remove_participant",
    "set_presence",
    "publish",
    "welcome",
    "add_to_group",
    "remove_from_group",
    "create_conference",
    "invite",
    "end_conference",
    "record_conference",
    "lookup",
    "pop",
    "log_call",
    "set",
    "dialog",
    "cloudlink",
];

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
    if table.get("each").is_some() {
        names.bindings.push("item".to_owned());
    }
    let mut actions = Vec::new();
    let mut beside = Beside::default();
    for entry in &table.entries {
        let key = &*entry.key;
        if ACTIONS.contains(&key) || ACTIONS_LATER.contains(&key) {
            actions.push(entry);
        } else {
            beside.read(context, entry, names);
        }
    }
    if let Some(second) = actions.get(1) {
        let message = format!("a step has one action; here are `{}` and `{}`", actions[0].key, second.key);
        context.error("two-actions", &second.key_span, message, Some("write two steps".to_owned()));
    }
    let action = actions.first().and_then(|entry| action(context, entry, names, &mut read));
    if let (Some(cells), Some((at, _)), None) = (&read.cells, &read.redirect, &beside.condition) {
        tables::empty_cells(context, cells, at);
    }
    if actions.is_empty() && !beside.unknown {
        let help = Some(format!("actions are {}", suggest::list(ACTIONS)));
        context.error("no-action", span, "this step has no action", help);
    }
    let save_as = beside.save_as.map(|(name, _)| name);
    names.bindings.truncate(outer);
    if action.is_none() || table.get("each").is_some() {
        // What it would return is not known; what reads it is not a mistake of its own.
        names.bindings.extend(save_as.clone());
    } else {
        names.steps.extend(save_as.clone());
    }
    read.step = action.map(|action| {
        let default = if matches!(action, Action::Http(_)) { 10 } else { 5 };
        let timeout = beside.timeout.unwrap_or(Duration::from_secs(default));
        Step { save_as, timeout, on_error: beside.on_error, line, condition: beside.condition, action }
    });
    read
}

#[derive(Default)]
struct Beside {
    save_as: Option<(String, Range<usize>)>,
    condition: Option<crate::language::Condition>,
    timeout: Option<Duration>,
    on_error: OnError,
    unknown: bool,
}

impl Beside {
    fn read(&mut self, context: &mut Context<'_>, entry: &Entry<'_>, names: &Names) {
        let node = &entry.node;
        match &*entry.key {
            "as" => self.save_as = name(context, node, names).map(|name| (name, node.span.clone())),
            "if" => self.condition = context.condition(node, "if", names),
            "timeout" => self.timeout = context.duration(node, "timeout"),
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
                if BESIDE_LATER.contains(&key) {
                    return context.not_supported(&entry.key_span, key);
                }
                let action = matches!(node.value, Item::Table(_));
                let known: Vec<&str> =
                    ACTIONS.iter().chain(ACTIONS_LATER).chain(BESIDE).chain(BESIDE_LATER).copied().collect();
                let help = suggest::nearest(key, known).map(|found| format!("did you mean `{found}`?"));
                let help = help.or_else(|| Some(format!("actions are {}", suggest::list(ACTIONS))));
                let (code, what) = if action { ("unknown-action", "action") } else { ("unknown-key", "key of a step") };
                context.error(code, &entry.key_span, format!("there is no {what} called `{key}`"), help);
            }
        }
    }
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
    let hides = fields::check(name, &[]).is_ok() || matches!(name, "now" | "hours" | "item" | "vars" | "tables");
    if hides || names.bindings.iter().chain(&names.steps).any(|known| known == name) {
        let message = format!("`{name}` is already the name of something else here");
        context.error("hidden-name", &node.span, message, Some("choose another name".to_owned()));
    }
    Some(name.to_owned())
}

fn action(context: &mut Context<'_>, entry: &Entry<'_>, names: &Names, read: &mut Read) -> Option<Action> {
    match &*entry.key {
        "redirect" => {
            needs(context, entry, names, "call", "redirects a call");
            redirect(context, entry, names, read)
        }
        "reply" => {
            needs(context, entry, names, "message", "answers a message");
            reply(context, entry, names, read)
        }
        "http" => http::read(context, entry, names),
        "log" => log(context, entry, names),
        key => {
            context.not_supported(&entry.key_span, key);
            None
        }
    }
}

/// An action whose addressee is the event's wants an event that has one.
fn needs(context: &mut Context<'_>, entry: &Entry<'_>, names: &Names, view: &str, does: &str) {
    let has = |kind: &Kind| kind.views().iter().any(|(name, _)| *name == view);
    if !names.kinds.is_empty() && !names.kinds.iter().any(has) {
        let kind = names.kinds.first().map_or("this event", |kind| kind.as_str());
        let message = format!("`{}` {does}, and {kind} has none", entry.key);
        context.error("action-without-target", &entry.key_span, message, None);
    }
}

fn redirect(context: &mut Context<'_>, entry: &Entry<'_>, names: &Names, read: &mut Read) -> Option<Action> {
    let table = context.table(&entry.node, "redirect", "redirect = { to = \"4001\" }")?;
    let mut to = None;
    for argument in &table.entries {
        match &*argument.key {
            "to" => {
                let template = context.template(&argument.node, "to", Place::Text, names);
                let literal = template.as_ref().and_then(|template| template.literal()).map(str::to_owned);
                if literal.as_deref().is_some_and(|text| text.trim().is_empty()) {
                    context.error("empty-target", &argument.node.span, "the destination is empty", None);
                }
                read.redirect = Some((argument.node.span.clone(), literal));
                read.cells = argument.node.text().and_then(|text| Destination::of(text, names));
                to = Some(template);
            }
            _ => context.unknown_key(argument, "`redirect`", &["to"], &[]),
        }
    }
    if to.is_none() {
        missing(context, entry, "to", "redirect = { to = \"4001\" }");
    }
    Some(Action::Redirect { to: to?? })
}

fn reply(context: &mut Context<'_>, entry: &Entry<'_>, names: &Names, read: &mut Read) -> Option<Action> {
    const EXAMPLE: &str = "reply = { text = \"…\" }";
    let table = context.table(&entry.node, "reply", EXAMPLE)?;
    let mut texts = Vec::new();
    let mut seen = false;
    for argument in &table.entries {
        match (&*argument.key, &argument.node.value) {
            ("text", Item::Table(languages)) => {
                seen = true;
                if languages.entries.is_empty() {
                    context.error("missing-key", &argument.node.span, "`text` names no language", None);
                }
                for one in &languages.entries {
                    texts.extend(reply_text(context, one, names, read));
                }
            }
            ("text", _) => {
                seen = true;
                texts.extend(reply_text(context, argument, names, read));
            }
            _ => context.unknown_key(argument, "`reply`", &["text"], &["html", "card", "to"]),
        }
    }
    if !seen {
        missing(context, entry, "text", EXAMPLE);
    }
    Some(Action::Reply { texts })
}

fn reply_text(
    context: &mut Context<'_>,
    entry: &Entry<'_>,
    names: &Names,
    read: &mut Read,
) -> Option<(String, crate::language::Template)> {
    let template = context.template(&entry.node, "text", Place::Text, names)?;
    if let Some(text) = template.literal() {
        read.replies.push((entry.node.span.clone(), text.to_owned()));
    }
    Some((entry.key.to_string(), template))
}

fn log(context: &mut Context<'_>, entry: &Entry<'_>, names: &Names) -> Option<Action> {
    const LEVELS: [&str; 4] = ["error", "warn", "info", "debug"];
    let table = context.table(&entry.node, "log", "log = { message = \"…\" }")?;
    let (mut message, mut level) = (None, LogLevel::default());
    for argument in &table.entries {
        match &*argument.key {
            "message" => message = Some(context.template(&argument.node, "message", Place::Text, names)),
            "level" => {
                level = match context.text(&argument.node, "level") {
                    Some("error") => LogLevel::Error,
                    Some("warn") => LogLevel::Warn,
                    Some("debug") => LogLevel::Debug,
                    Some("info") | None => LogLevel::Info,
                    Some(other) => {
                        let help = suggest::did_you_mean(other, LEVELS);
                        context.error(
                            "unknown-value",
                            &argument.node.span,
                            format!("there is no level `{other}`"),
                            help,
                        );
                        LogLevel::Info
                    }
                };
            }
            _ => context.unknown_key(argument, "`log`", &["message", "level"], &[]),
        }
    }
    if message.is_none() {
        missing(context, entry, "message", "log = { message = \"…\" }");
    }
    Some(Action::Log { level, message: message?? })
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
