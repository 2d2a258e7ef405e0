//! `on`: the kinds of events that a rule is for, or the envelope of publications.

use std::ops::Range;

use crate::event::{Event, Kind};
use crate::language::document::{Entry, Item, Node, Table};
use crate::language::{Captures, Pattern, suggest};

use super::context::Context;
use super::verdict::Failure;
use super::words;

/// Kinds of the language that this version does not have.
const LATER_KINDS: &[&str] = &["call.finished", "hook", "timer"];
/// Families of the language that this version does not have.
const LATER_FAMILIES: &[&str] = &["gateway."];

/// What a rule is for.
#[derive(Clone, Debug)]
pub(super) struct Trigger {
    /// The kinds; empty when `on` could not be read.
    pub(super) kinds: Vec<Kind>,
    pub(super) envelope: Option<Envelope>,
    /// As written, for explanations.
    shown: String,
}

/// `{ topic, method, subject }`.
#[derive(Clone, Debug, Default)]
pub(super) struct Envelope {
    pub(super) topic: Option<Vec<String>>,
    pub(super) method: Option<Vec<String>>,
    pub(super) subject: Option<Pattern>,
}

impl Default for Trigger {
    /// Of a rule whose `on` could not be read.
    fn default() -> Self {
        Self { kinds: Vec::new(), envelope: None, shown: String::new() }
    }
}

impl Trigger {
    /// Whether the event is what the rule is for.
    pub(super) fn failing(&self, event: &Event, captures: &mut Captures) -> Option<Failure> {
        if !self.kinds.contains(&event.kind) {
            return Some(Failure::new("on", self.shown.clone(), event.kind.as_str()));
        }
        self.envelope.as_ref().and_then(|envelope| envelope.failing(event, captures))
    }

    /// The names that `subject` binds.
    pub(super) fn bindings(&self) -> Vec<String> {
        let subject = self.envelope.as_ref().and_then(|envelope| envelope.subject.as_ref());
        subject.map(|regex| regex.names().to_vec()).unwrap_or_default()
    }
}

impl Envelope {
    fn failing(&self, event: &Event, captures: &mut Captures) -> Option<Failure> {
        let differs = |wanted: &Option<Vec<String>>, got: &str| {
            wanted.as_ref().filter(|wanted| !wanted.iter().any(|one| one == got)).map(|wanted| wanted.join(" or "))
        };
        if let Some(wanted) = differs(&self.topic, &event.topic) {
            return Some(Failure::new("event.topic", wanted, event.topic.as_str()));
        }
        if let Some(wanted) = differs(&self.method, &event.method) {
            return Some(Failure::new("event.method", wanted, event.method.as_str()));
        }
        let regex = self.subject.as_ref()?;
        let caught = regex.caught(&event.subject, Some(captures));
        let got = words::value(Some(&event.subject.as_str().into()));
        (!caught).then(|| Failure::new("event.subject", format!("regex {}", regex.as_str()), got))
    }
}

/// Reads `on`.
pub(super) fn read(context: &mut Context<'_>, entry: &Entry<'_>) -> Trigger {
    let node = &entry.node;
    let shown = |kinds: &[Kind]| kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" or ");
    if let Item::Table(table) = &node.value {
        let envelope = read_envelope(context, table, &node.span);
        return Trigger { kinds: Kind::ALL.to_vec(), envelope: Some(envelope), shown: "any kind".to_owned() };
    }
    let mut kinds = Vec::new();
    for (text, span) in context.texts(node, "on") {
        kinds.extend(read_kind(context, &text, &span));
    }
    let empty = matches!(&node.value, Item::List(items) if items.is_empty());
    if empty {
        context.error("unknown-kind", &node.span, "`on` names no kind, so the rule never acts", None);
    }
    kinds.sort_unstable();
    kinds.dedup();
    let shown = node.text().map_or_else(|| shown(&kinds), str::to_owned);
    Trigger { kinds, envelope: None, shown }
}

fn read_kind(context: &mut Context<'_>, text: &str, span: &Range<usize>) -> Vec<Kind> {
    if let Ok(kind) = text.parse::<Kind>() {
        return vec![kind];
    }
    if let Some(family) = text.strip_suffix(".*") {
        let kinds: Vec<Kind> =
            Kind::ALL.iter().copied().filter(|kind| kind.family() == family && kind.as_str() != family).collect();
        if !kinds.is_empty() {
            return kinds;
        }
    }
    if LATER_KINDS.contains(&text) || LATER_FAMILIES.iter().any(|family| text.starts_with(family)) {
        context.not_supported(span, text);
        return Vec::new();
    }
    let mut known: Vec<String> = Kind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect();
    known.extend(Kind::ALL.iter().map(|kind| format!("{}.*", kind.family())));
    let help = suggest::nearest(text, known.iter().map(String::as_str))
        .map_or_else(|| kinds_near(text), |found| format!("did you mean `{found}`?"));
    context.error("unknown-kind", span, format!("no kind of event is called `{text}`"), Some(help));
    Vec::new()
}

/// The kinds of the family that was named, else the families.
fn kinds_near(text: &str) -> String {
    let family = text.split('.').next().unwrap_or_default();
    let of_family: Vec<&str> =
        Kind::ALL.iter().filter(|kind| kind.family() == family).map(|kind| kind.as_str()).collect();
    if of_family.is_empty() {
        let mut families: Vec<&str> = Kind::ALL.iter().map(|kind| kind.family()).collect();
        families.dedup();
        return format!("kinds begin with {}, such as `call.ringing`", suggest::list(&families));
    }
    format!("known are {}", suggest::list(&of_family))
}

fn read_envelope(context: &mut Context<'_>, table: &Table<'_>, span: &Range<usize>) -> Envelope {
    let mut envelope = Envelope::default();
    for entry in &table.entries {
        let texts = |context: &mut Context<'_>, node: &Node<'_>| -> Vec<String> {
            context.texts(node, &entry.key).into_iter().map(|(text, _)| text).collect()
        };
        match &*entry.key {
            "topic" => envelope.topic = Some(texts(context, &entry.node)),
            "method" => {
                let methods = texts(context, &entry.node);
                envelope.method = Some(methods.iter().map(|method| method.to_uppercase()).collect());
            }
            "subject" => {
                if let Some(text) = context.text(&entry.node, "subject") {
                    envelope.subject = read_regex(context, text, &entry.node);
                }
            }
            _ => context.unknown_key(
                entry,
                "`on`",
                &["topic", "method", "subject"],
                &["every", "cron", "missed", "hook"],
            ),
        }
    }
    if table.entries.is_empty() {
        context.error("unknown-kind", span, "`on` is empty; name a kind, or topic, method or subject", None);
    }
    envelope
}

/// Checks a regex, bounded in size.
pub(super) fn read_regex(context: &mut Context<'_>, text: &str, node: &Node<'_>) -> Option<Pattern> {
    match context.engine.regex(text) {
        Ok(regex) => Some(regex),
        Err(why) => {
            let help = "backslashes stay as they are in '…'; a literal ( or + is written \\( or \\+".to_owned();
            context.error("regex", &node.span, format!("this regex does not read: {why}"), Some(help));
            None
        }
    }
}
