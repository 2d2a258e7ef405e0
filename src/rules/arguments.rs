//! Reading the arguments of an action by its description.

use crate::event::Kind;
use crate::language::document::{Entry, Item, Node, Table};
use crate::language::{Place, Template, suggest};

use super::asked::{Plain, Written, are_digits};
use super::catalogue::{Argument, Needs, Spec, Takes};
use super::context::{Context, Names, short};
use super::steps::Read;
use super::tables::Destination;
use super::{http, set, steps};

/// Reads what an action takes. What the checks across rules want to know is put into `read`.
pub(super) fn read(
    context: &mut Context<'_>,
    entry: &Entry<'_>,
    spec: &'static Spec,
    names: &Names,
    read: &mut Read,
) -> Option<Plain> {
    if let Some(alone) = spec.alone.and_then(|name| spec.argument(name))
        && matches!(entry.node.value, Item::Text(_))
    {
        let written = one(context, &entry.node, alone, spec, names, read);
        addressee(context, entry, spec, names, &[alone.name]);
        return Some(Plain { spec, written: vec![(alone, written?)] });
    }
    let none = Table::default();
    let table = match &entry.node.value {
        // `answer = true`: it takes nothing that must be written.
        Item::Bool(true) if spec.example.is_empty() => &none,
        _ => context.table(&entry.node, spec.name, &spec.example())?,
    };
    let (mut written, mut whole) = (Vec::with_capacity(table.entries.len()), true);
    let replies = read.replies.len();
    let mut seen: Vec<&str> = Vec::new();
    for key in &table.entries {
        let Some(argument) = spec.argument(&key.key) else {
            context.unknown_key(key, &format!("`{}`", spec.name), &spec.names(), &[]);
            continue;
        };
        if argument.needs == Needs::One && spec.one_of().iter().any(|other| seen.contains(other)) {
            let message = format!("`{}` takes one of {}", spec.name, suggest::list(&spec.one_of()));
            let help = Some("write two steps".to_owned());
            context.error("two-arguments", &key.key_span, message, help);
        }
        seen.push(argument.name);
        match one(context, &key.node, argument, spec, names, read) {
            Some(value) => written.push((argument, value)),
            None => whole = false,
        }
    }
    // What is sent elsewhere answers nobody here.
    if spec.name == "send" && !table.get("to").is_some_and(|to| to_the_conversation(&to.node)) {
        read.replies.truncate(replies);
    }
    whole &= required(context, entry, spec, &seen);
    addressee(context, entry, spec, names, &seen);
    whole.then_some(Plain { spec, written })
}

/// The addressee is the conversation that the event is about.
fn to_the_conversation(to: &Node<'_>) -> bool {
    let own = |text: &str| text.contains("message.conversation") || text.contains("conversation.id");
    match &to.value {
        Item::Text(text) => own(text),
        Item::Table(table) => table.get("conversation").and_then(|entry| entry.node.text()).is_some_and(own),
        _ => false,
    }
}

/// Finds what must be written and is not.
fn required(context: &mut Context<'_>, entry: &Entry<'_>, spec: &Spec, seen: &[&str]) -> bool {
    let mut whole = true;
    for argument in spec.arguments {
        let must = matches!(argument.needs, Needs::Must | Needs::Written);
        if must && !seen.contains(&argument.name) {
            steps::missing(context, entry, argument.name, &spec.example());
            whole = false;
        }
    }
    let group = spec.one_of();
    if !group.is_empty() && !group.iter().any(|name| seen.contains(name)) {
        let needed = match group.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
            None => String::new(),
        };
        steps::missing(context, entry, &needed, &spec.example());
        whole = false;
    }
    whole
}

/// An action whose addressee is the event's wants an event that has one.
fn addressee(context: &mut Context<'_>, entry: &Entry<'_>, spec: &Spec, names: &Names, seen: &[&str]) {
    for argument in spec.arguments.iter().filter(|argument| !seen.contains(&argument.name)) {
        let (Needs::Event(paths) | Needs::MayEvent(paths)) = argument.needs else { continue };
        for path in paths {
            context.reads(path);
        }
    }
    if names.kinds.is_empty() {
        return;
    }
    over(context, entry, spec, names, seen);
    let has = |path: &str| {
        let view = path.split('.').next().unwrap_or_default();
        let of_kind = |kind: &Kind| kind.views().iter().any(|(name, _)| *name == view);
        matches!(view, "event" | "account") || names.kinds.iter().any(of_kind)
    };
    for argument in spec.arguments {
        let Needs::Event(paths) = argument.needs else { continue };
        if seen.contains(&argument.name) || paths.iter().any(|path| has(path)) {
            continue;
        }
        let kind = names.kinds.first().map_or("this event", |kind| kind.as_str());
        let message = format!("`{}` {}, and {kind} has no {}", spec.name, spec.does, argument.name);
        let help = Some(format!("say which: `{} = …`", argument.name));
        // One is enough: the others are those of the same event.
        return context.error("action-without-target", &entry.key_span, message, help);
    }
}

/// A call that ended can't be taken hold of.
fn over(context: &mut Context<'_>, entry: &Entry<'_>, spec: &Spec, names: &Names, seen: &[&str]) {
    let ended = |kind: &Kind| matches!(kind, Kind::CallEnded | Kind::CallFinished);
    if spec.controls && !seen.contains(&"call") && names.kinds.iter().all(ended) {
        let message = format!("`{}` {}, and this one is over", spec.name, spec.does);
        let help = "name the call that is meant with `call = …`, or let the rule be for an earlier event";
        context.warning("call-is-over", &entry.key_span, message, help);
    }
}

fn one(
    context: &mut Context<'_>,
    node: &Node<'_>,
    argument: &'static Argument,
    spec: &Spec,
    names: &Names,
    read: &mut Read,
) -> Option<Written> {
    let what = argument.name;
    match argument.takes {
        Takes::Target => {
            let template = target(context, node, what, names)?;
            if spec.name == "redirect" && what == "to" {
                read.redirect = Some((node.span.clone(), template.literal().map(str::to_owned)));
                read.cells = node.text().and_then(|text| Destination::of(text, names));
            }
            Some(Written::Text(template))
        }
        Takes::Digits => {
            let template = target(context, node, what, names)?;
            if template.literal().is_some_and(|digits| !are_digits(digits)) {
                let help = Some("digits, `*`, `#`, `A` to `D`, and `,` for a pause".to_owned());
                context.error("digits", &node.span, format!("`{what}` can't be dialled"), help);
            }
            Some(Written::Text(template))
        }
        Takes::Targets => match &node.value {
            Item::List(items) => {
                if items.is_empty() {
                    context.error("empty-target", &node.span, format!("`{what}` names nobody"), None);
                }
                items.iter().map(|item| target(context, item, what, names)).collect::<Option<_>>().map(Written::List)
            }
            _ => target(context, node, what, names).map(Written::Text),
        },
        Takes::Recipient => recipient(context, node, what, names),
        Takes::Text => context.template(node, what, Place::Text, names).map(Written::Text),
        Takes::Texts => texts(context, node, what, Place::Text, spec, names, read),
        Takes::Htmls => texts(context, node, what, Place::Html, spec, names, read),
        Takes::Data | Takes::Pairs => http::data(context, node, names).map(Written::Data),
        Takes::Bool => truth(context, node, what, names),
        Takes::Number(least, most) => number(context, node, what, least, most, names),
        Takes::Duration(most) => duration(context, node, what, most),
        Takes::Word(words) => word(context, node, what, words, names),
        Takes::Credential => http::credential(context, node).map(|name| Written::Constant(name.into())),
        Takes::Url | Takes::Path => address(context, node, argument, spec, names),
        Takes::Name => name(context, node, what, spec),
        Takes::Time => {
            let template = context.template(node, what, Place::Text, names)?;
            set::check_time(context, node, what, &template);
            Some(Written::Text(template))
        }
    }
}

/// A number, id or name: text that is not empty when it is written out.
fn target(context: &mut Context<'_>, node: &Node<'_>, what: &str, names: &Names) -> Option<Template> {
    let template = context.template(node, what, Place::Text, names)?;
    if template.literal().is_some_and(|text| text.trim().is_empty()) {
        let message = if what == "to" { "the destination is empty".to_owned() } else { format!("`{what}` is empty") };
        context.error("empty-target", &node.span, message, None);
    }
    Some(template)
}

/// A user or a conversation. Which of them is said, or is what the template reads, or has to be found out.
fn recipient(context: &mut Context<'_>, node: &Node<'_>, what: &str, names: &Names) -> Option<Written> {
    const KNOWN: [&str; 2] = ["user", "conversation"];
    let Item::Table(table) = &node.value else {
        let template = target(context, node, what, names)?;
        let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
        let is = |name: &crate::language::template::Name| match (&*last(&name.path), &*name.path) {
            ("conversation", _) | (_, "conversation.id") => Some("conversation"),
            ("user" | "sender" | "principal" | "answered_by" | "email", _) | (_, "user.id") => Some("user"),
            _ => None,
        };
        let mut all = template.names().iter().map(is);
        let first = all.next().flatten();
        let is = first.filter(|first| all.all(|other| other == Some(*first)));
        return Some(Written::Recipient(template, is));
    };
    let mut found = None;
    for entry in &table.entries {
        match KNOWN.into_iter().find(|known| entry.key == *known) {
            Some(_) if found.is_some() => {
                let help = Some("write two steps".to_owned());
                context.error("two-arguments", &entry.key_span, format!("`{what}` is one user or conversation"), help);
            }
            Some(is) => found = Some((target(context, &entry.node, is, names), is)),
            None => context.unknown_key(entry, &format!("`{what}`"), &KNOWN, &[]),
        }
    }
    if found.is_none() && table.entries.is_empty() {
        let help = Some(format!("write it such as `{what} = {{ user = \"…\" }}`"));
        context.error("missing-key", &node.span, format!("`{what}` names nobody"), help);
    }
    let (template, is) = found?;
    Some(Written::Recipient(template?, Some(is)))
}

/// One text, or one for each language.
fn texts(
    context: &mut Context<'_>,
    node: &Node<'_>,
    what: &str,
    place: Place,
    spec: &Spec,
    names: &Names,
    read: &mut Read,
) -> Option<Written> {
    let mut text = |context: &mut Context<'_>, language: &str, node: &Node<'_>| {
        let template = context.template_in(language, node, what, place, names)?;
        if let (Some(text), "reply" | "send") = (template.literal(), spec.name) {
            read.replies.push((node.span.clone(), text.to_owned()));
        }
        Some(template)
    };
    let Item::Table(languages) = &node.value else {
        return text(context, "", node).map(|template| Written::Texts(vec![(String::new(), template)]));
    };
    if languages.entries.is_empty() {
        context.error("missing-key", &node.span, format!("`{what}` names no language"), None);
        return None;
    }
    let mut found = Vec::with_capacity(languages.entries.len());
    for entry in &languages.entries {
        if !is_language(&entry.key) {
            let help = Some("languages are written such as `en`, `fr` or `fr-CA`".to_owned());
            context.error("language", &entry.key_span, format!("`{}` is no language", short(&entry.key)), help);
        }
        found.push(text(context, &entry.key, &entry.node).map(|template| (entry.key.to_string(), template)));
    }
    context.reads("message.language");
    found.into_iter().collect::<Option<_>>().map(Written::Texts)
}

/// Shaped like a tag of BCP 47.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split(['-', '_']);
    let first = parts.next().unwrap_or_default();
    let alphabetic = first.bytes().all(|byte| byte.is_ascii_alphabetic());
    (2..=3).contains(&first.len())
        && alphabetic
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// A text that may come out as something else than text.
fn is_template(node: &Node<'_>) -> bool {
    node.text().is_some_and(|text| text.trim_start().starts_with("{{"))
}

/// A template that keeps the type of its value.
fn single(context: &mut Context<'_>, node: &Node<'_>, what: &str, names: &Names) -> Option<Written> {
    let template = context.template(node, what, Place::Text, names)?;
    if !template.is_single() {
        let help = Some("write exactly one `{{ … }}` and nothing around it".to_owned());
        let message = format!("`{what}` comes out as text here, and text never becomes anything else");
        context.error("wrong-type", &node.span, message, help);
        return None;
    }
    Some(Written::Text(template))
}

fn truth(context: &mut Context<'_>, node: &Node<'_>, what: &str, names: &Names) -> Option<Written> {
    if is_template(node) {
        return single(context, node, what, names);
    }
    context.bool(node, what).map(|value| Written::Constant(value.into()))
}

fn number(
    context: &mut Context<'_>,
    node: &Node<'_>,
    what: &str,
    least: i64,
    most: i64,
    names: &Names,
) -> Option<Written> {
    if is_template(node) {
        return single(context, node, what, names);
    }
    if let Item::Integer(number) = node.value
        && (least..=most).contains(&number)
    {
        return Some(Written::Constant(number.into()));
    }
    let message = format!("`{what}` takes a whole number from {least} to {most}");
    context.error("wrong-type", &node.span, message, None);
    None
}

fn duration(context: &mut Context<'_>, node: &Node<'_>, what: &str, most: u64) -> Option<Written> {
    let span = context.duration(node, what)?;
    if span.as_secs_f64() > most as f64 {
        context.error("duration", &node.span, format!("`{what}` is at most {most} s"), None);
        return None;
    }
    Some(Written::Constant((span.as_millis() as u64).into()))
}

fn word(context: &mut Context<'_>, node: &Node<'_>, what: &str, words: &[&str], names: &Names) -> Option<Written> {
    let template = context.template(node, what, Place::Text, names)?;
    if let Some(other) = template.literal().filter(|word| !words.contains(word)) {
        let help = suggest::did_you_mean(other, words.iter().copied());
        context.error("unknown-value", &node.span, format!("there is no {what} `{}`", short(other)), help);
        return None;
    }
    Some(Written::Text(template))
}

fn address(
    context: &mut Context<'_>,
    node: &Node<'_>,
    argument: &Argument,
    spec: &Spec,
    names: &Names,
) -> Option<Written> {
    let template = context.template(node, argument.name, Place::Url, names)?;
    if argument.takes == Takes::Url {
        http::check_url(context, node, spec.argument("credential").is_some());
    } else if !node.text().is_some_and(|path| path.starts_with("{{") || path.starts_with('/')) {
        let help = Some("write it such as \"/users/{{ call.user }}\"".to_owned());
        context.error("url", &node.span, "a path of CloudLink's begins with a slash", help);
    }
    Some(Written::Text(template))
}

fn name(context: &mut Context<'_>, node: &Node<'_>, what: &str, spec: &Spec) -> Option<Written> {
    let text = context.text(node, what)?;
    if spec.name == "dialog" {
        context.known_dialog(&node.span, text);
    }
    if text.trim().is_empty() || text.contains(char::is_control) {
        context.error("empty-target", &node.span, format!("`{what}` is empty"), None);
        return None;
    }
    Some(Written::Constant(text.into()))
}
