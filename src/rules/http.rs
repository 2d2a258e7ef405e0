//! Reading `http` steps.

use url::Url;

use crate::language::document::{Entry, Item, Node};
use crate::language::{Place, Template, suggest};

use super::catalogue::Spec;
use super::context::{Context, Names, short};
use super::request::Method;
use super::step::{Action, BodyTemplate, Data, HttpStep};
use super::steps;

const EXAMPLE: &str = "http = { get = \"https://…\" }";

/// Reads the arguments of `http`.
pub(super) fn read(context: &mut Context<'_>, entry: &Entry<'_>, spec: &Spec, names: &Names) -> Option<Action> {
    let table = context.table(&entry.node, "http", EXAMPLE)?;
    let (mut target, mut body, mut credential, mut headers) = (None, None, None, Vec::new());
    for argument in &table.entries {
        let key = &*argument.key;
        let node = &argument.node;
        match key {
            "get" | "post" | "put" | "patch" | "delete" => {
                if target.is_some() {
                    let help = Some("write two steps".to_owned());
                    context.error("two-actions", &argument.key_span, "one http step makes one request", help);
                }
                target = Some((Method::of(key)?, node, context.template(node, key, Place::Url, names)));
            }
            "credential" => credential = self::credential(context, node),
            "headers" => headers = self::headers(context, node, names),
            "json" | "form" | "body" => {
                if body.is_some() {
                    let help = Some("keep one of `json`, `form` and `body`".to_owned());
                    context.error("two-bodies", &argument.key_span, "a request has one body", help);
                }
                body = self::body(context, argument, names);
            }
            _ => context.unknown_key(argument, "`http`", &spec.names(), &[]),
        }
    }
    let Some((method, node, url)) = target else {
        steps::missing(context, entry, "get, post, put, patch or delete", EXAMPLE);
        return None;
    };
    let has_credential = table.get("credential").is_some();
    check_url(context, node, has_credential);
    Some(Action::Http(HttpStep { method, url: url?, credential, headers, body }))
}

/// What can be told of an address before it is rendered.
pub(super) fn check_url(context: &mut Context<'_>, node: &Node<'_>, has_credential: bool) {
    let Some(text) = node.text() else { return };
    let plain = !["{{", "{%", "{#"].iter().any(|open| text.contains(open));
    if plain && text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        let help = Some("percent-encode it: a space is %20".to_owned());
        context.error("url", &node.span, "a URL has no spaces, line breaks or backslashes", help);
    }
    if text.starts_with("{{") {
        return;
    }
    if text.starts_with("http://") || text.starts_with("https://") {
        if plain && let Err(error) = Url::parse(text) {
            context.error("url", &node.span, format!("\"{}\" is no URL: {error}", short(text)), None);
        }
        return;
    }
    if text.contains("://") {
        let help = Some("only http:// and https:// can be requested".to_owned());
        return context.error("url", &node.span, format!("\"{}\" is no address for http", short(text)), help);
    }
    if !has_credential {
        let help = "write the whole address, https://…, or name the `credential` whose base it is relative to";
        let message = format!("\"{}\" is only a path, and no credential says of which server", short(text));
        context.error("url", &node.span, message, Some(help.to_owned()));
    }
}

/// The name of a `[[credential]]`.
pub(super) fn credential(context: &mut Context<'_>, node: &Node<'_>) -> Option<String> {
    let name = context.text(node, "credential")?;
    if !context.world.credentials.iter().any(|known| known == name) {
        let known: Vec<&str> = context.world.credentials.iter().map(String::as_str).collect();
        let help =
            suggest::did_you_mean(name, known).unwrap_or_else(|| "the settings have no [[credential]]".to_owned());
        let message = format!("no credential is called `{name}`");
        context.error(
            "unknown-credential",
            &node.span,
            message,
            Some(format!("{help}; they stand in switchhook.toml")),
        );
    }
    Some(name.to_owned())
}

/// A template, or a plain value as text.
fn printed(context: &mut Context<'_>, entry: &Entry<'_>, names: &Names) -> Option<Template> {
    match &entry.node.value {
        Item::Integer(_) | Item::Float(_) | Item::Bool(_) => {
            let raw = context.source.text.get(entry.node.span.clone())?.to_owned();
            context.engine.template(&raw, Place::Text).ok()
        }
        _ => context.template(&entry.node, &entry.key, Place::Text, names),
    }
}

fn pairs(context: &mut Context<'_>, node: &Node<'_>, what: &str, names: &Names) -> Vec<(String, Template)> {
    let Some(table) = context.table(node, what, &format!("{what} = {{ name = \"value\" }}")) else { return Vec::new() };
    table.entries.iter().filter_map(|entry| Some((entry.key.to_string(), printed(context, entry, names)?))).collect()
}

fn headers(context: &mut Context<'_>, node: &Node<'_>, names: &Names) -> Vec<(String, Template)> {
    if let Item::Table(table) = &node.value {
        for entry in &table.entries {
            let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if entry.key.is_empty() || !entry.key.chars().all(token) {
                context.error(
                    "header",
                    &entry.key_span,
                    format!("`{}` is no name of a header", short(&entry.key)),
                    None,
                );
            }
        }
    }
    pairs(context, node, "headers", names)
}

fn body(context: &mut Context<'_>, argument: &Entry<'_>, names: &Names) -> Option<BodyTemplate> {
    match &*argument.key {
        "json" => data(context, &argument.node, names).map(BodyTemplate::Json),
        "form" => Some(BodyTemplate::Form(pairs(context, &argument.node, "form", names))),
        _ => context.template(&argument.node, "body", Place::Text, names).map(BodyTemplate::Text),
    }
}

/// Data with templates wherever there is text.
pub(super) fn data(context: &mut Context<'_>, node: &Node<'_>, names: &Names) -> Option<Data> {
    Some(match &node.value {
        Item::Text(_) => Data::Template(context.template(node, "json", Place::Json, names)?),
        Item::Integer(number) => Data::Constant((*number).into()),
        Item::Float(number) => Data::Constant((*number).into()),
        Item::Bool(value) => Data::Constant((*value).into()),
        Item::Date(_) => {
            let help = context.quoted(node);
            context.error("wrong-type", &node.span, "JSON has no dates; they are text there", help);
            return None;
        }
        Item::List(items) => Data::List(items.iter().filter_map(|item| data(context, item, names)).collect()),
        Item::Table(table) => Data::Table(
            table
                .entries
                .iter()
                .filter_map(|entry| Some((entry.key.to_string(), data(context, &entry.node, names)?)))
                .collect(),
        ),
    })
}
