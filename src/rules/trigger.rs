//! `on`: the kinds of events that a rule is for, or the envelope of publications.

use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use crate::event::{Event, Kind};
use crate::language::document::{Entry, Item, Node, Table};
use crate::language::{Captures, Finding, Pattern, suggest};
use crate::memory::schedule::{Missed, Schedule};

use super::context::Context;
use super::verdict::Failure;
use super::words;

/// Events of the gateway that nothing makes yet.
const NOT_MADE: &[Kind] = &[Kind::GatewaySubscription, Kind::GatewayCanary];

/// What a rule is for.
#[derive(Clone, Debug)]
pub(super) struct Trigger {
    /// The kinds; empty when `on` could not be read.
    pub(super) kinds: Vec<Kind>,
    pub(super) envelope: Option<Envelope>,
    /// When the clock calls the rule, if it does.
    pub(super) schedule: Option<Schedule>,
    /// The one hook that it is for; of any hook without.
    pub(super) hook: Option<Arc<str>>,
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
        Self { kinds: Vec::new(), envelope: None, schedule: None, hook: None, shown: String::new() }
    }
}

impl Trigger {
    /// Whether the event is what the rule of that name is for.
    pub(super) fn failing(&self, rule: &str, event: &Event, captures: &mut Captures) -> Option<Failure> {
        if !self.kinds.contains(&event.kind) {
            return Some(Failure::new("on", self.shown.clone(), event.kind.as_str()));
        }
        let named = |path: [&str; 2]| event.field(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        if self.schedule.is_some() && named(["timer", "rule"]) != rule {
            return Some(Failure::new("on", self.shown.clone(), format!("the time of `{}`", named(["timer", "rule"]))));
        }
        if let Some(hook) = self.hook.as_ref().filter(|hook| ***hook != *named(["hook", "name"])) {
            return Some(Failure::new("hook.name", words::quoted(hook), words::quoted(&named(["hook", "name"]))));
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

/// Reads `on`. `waits`: of a rule with `for`, for which a family is those of its kinds that begin a state.
pub(super) fn read(context: &mut Context<'_>, entry: &Entry<'_>, waits: bool) -> Trigger {
    let node = &entry.node;
    let shown = |kinds: &[Kind]| kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" or ");
    if let Item::Table(table) = &node.value {
        return read_table(context, table, &node.span);
    }
    let mut kinds = Vec::new();
    for (text, span) in context.texts(node, "on") {
        kinds.extend(read_kind(context, &text, &span, waits));
    }
    let empty = matches!(&node.value, Item::List(items) if items.is_empty());
    if empty {
        context.error("unknown-kind", &node.span, "`on` names no kind, so the rule never acts", None);
    }
    kinds.sort_unstable();
    kinds.dedup();
    let shown = node.text().filter(|_| !waits).map_or_else(|| shown(&kinds), str::to_owned);
    Trigger { kinds, shown, ..Trigger::default() }
}

/// `{ every }`, `{ cron, missed }`, `{ hook }` or an envelope.
fn read_table(context: &mut Context<'_>, table: &Table<'_>, span: &Range<usize>) -> Trigger {
    let called = ["every", "cron", "hook"].iter().find_map(|key| table.get(key));
    let Some(entry) = called else {
        let envelope = read_envelope(context, table, span);
        let kinds = Kind::ALL.iter().copied().filter(|kind| !kind.is_own()).collect();
        return Trigger { kinds, envelope: Some(envelope), shown: "any kind".to_owned(), ..Trigger::default() };
    };
    let known: &[&str] = if &*entry.key == "hook" { &["hook"] } else { &[&entry.key, "missed"] };
    for other in table.entries.iter().filter(|other| !known.contains(&&*other.key)) {
        let owner = format!("`on = {{ {} = … }}`", entry.key);
        context.unknown_key(other, &owner, known, &[]);
    }
    let text = context.text(&entry.node, &entry.key).unwrap_or_default().to_owned();
    let shown = format!("{} = \"{text}\"", entry.key);
    if &*entry.key == "hook" {
        check_hook(context, &text, &entry.node);
        return Trigger { kinds: vec![Kind::Hook], hook: Some(text.into()), shown, ..Trigger::default() };
    }
    let missed = table.get("missed").map_or(Missed::default(), |entry| read_missed(context, entry));
    let schedule = if &*entry.key == "every" {
        let span = context.duration(&entry.node, "every");
        span.map(|span| Schedule::every(i64::try_from(span.as_millis()).unwrap_or(i64::MAX), missed))
    } else {
        let zone = context.world.locale.timezone.unwrap_or(chrono_tz::Tz::UTC);
        Some(Schedule::cron(&text, zone, missed))
    };
    let schedule = match schedule {
        Some(Err(error)) => {
            context.error("schedule", &entry.node.span, error.to_string(), None);
            None
        }
        other => other.and_then(Result::ok),
    };
    // One that could not be read listens to nothing.
    let kinds = if schedule.is_some() { vec![Kind::Timer] } else { Vec::new() };
    Trigger { kinds, schedule, shown, ..Trigger::default() }
}

fn read_missed(context: &mut Context<'_>, entry: &Entry<'_>) -> Missed {
    match context.text(&entry.node, "missed") {
        Some("run") => Missed::Run,
        Some("skip") | None => Missed::Skip,
        Some(other) => {
            let help = suggest::did_you_mean(other, ["skip", "run"]);
            context.error("unknown-value", &entry.node.span, "`missed` is \"skip\" or \"run\"", help);
            Missed::Skip
        }
    }
}

/// A hook's name is a part of an address.
fn check_hook(context: &mut Context<'_>, name: &str, node: &Node<'_>) {
    if !is_hook_name(name) {
        let help = Some("letters, digits, - and _, at most 64, such as \"night\"".to_owned());
        context.error("bad-name", &node.span, "a hook's name is a part of its address", help);
    }
}

/// Whether a hook can be called so.
pub fn is_hook_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn read_kind(context: &mut Context<'_>, text: &str, span: &Range<usize>, waits: bool) -> Vec<Kind> {
    if let Ok(kind) = text.parse::<Kind>() {
        if NOT_MADE.contains(&kind) {
            let message = format!("this version does not make `{kind}` events yet: the rule waits for a later one");
            context.report.push(Finding::warning("not-made-yet", context.source, span.clone(), message));
        }
        return vec![kind];
    }
    if let Some(family) = text.strip_suffix(".*") {
        let kinds: Vec<Kind> =
            Kind::ALL.iter().copied().filter(|kind| kind.family() == family && kind.as_str() != family).collect();
        let begin: Vec<Kind> = kinds.iter().copied().filter(|kind| waits && kind.begins_a_state()).collect();
        if !begin.is_empty() {
            return begin;
        }
        if !kinds.is_empty() {
            return kinds;
        }
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
            _ => context.unknown_key(entry, "`on`", &["topic", "method", "subject", "every", "cron", "hook"], &[]),
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
