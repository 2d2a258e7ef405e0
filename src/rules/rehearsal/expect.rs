//! Reading `expect`: which actions, with which arguments.

use serde_json::{Map, Value};

use crate::language::document::{Entry, Item, Node};
use crate::language::suggest;
use crate::rules::catalogue::{ACTIONS, Spec, Takes};
use crate::rules::context::Context;

use super::Expected;
use super::read::plain;

/// The most actions of one step.
const MOST: usize = 1000;
const EXAMPLE: &str = "expect = [{ redirect = { to = \"4001\" } }]";

/// Reads `expect`.
pub(super) fn read(context: &mut Context<'_>, entry: &Entry<'_>) -> Option<Vec<Expected>> {
    let Item::List(items) = &entry.node.value else {
        let help = Some(format!("write it such as `{EXAMPLE}`; `[]` is none"));
        let message = format!("`expect` is a list of actions, not {}", entry.node.sort());
        context.error("wrong-type", &entry.node.span, message, help);
        return None;
    };
    if items.len() > MOST {
        let message = format!("a step can't expect more than {MOST} actions");
        context.error("too-many", &entry.key_span, message, None);
        return None;
    }
    Some(items.iter().filter_map(|item| action(context, item)).collect())
}

fn action(context: &mut Context<'_>, item: &Node<'_>) -> Option<Expected> {
    let table = context.table(item, "expect", EXAMPLE)?;
    let Some(entry) = table.entries.first() else {
        let help = Some(format!("write it such as `{EXAMPLE}`"));
        context.error("no-action", &item.span, "no action is named here", help);
        return None;
    };
    if let Some(second) = table.entries.get(1) {
        let message = format!("each names one action; here are `{}` and `{}`", entry.key, second.key);
        context.error("two-actions", &second.key_span, message, Some("write two, each in { } of its own".to_owned()));
    }
    let Some(spec) = ACTIONS.iter().find(|spec| spec.name == entry.key) else {
        let help = suggest::nearest(&entry.key, ACTIONS.iter().map(|spec| spec.name));
        let help = help.map(|found| format!("did you mean `{found}`?"));
        context.error("unknown-action", &entry.key_span, format!("there is no action called `{}`", entry.key), help);
        return None;
    };
    Some(Expected { action: spec.name.into(), arguments: arguments(context, entry, spec)? })
}

fn arguments(context: &mut Context<'_>, entry: &Entry<'_>, spec: &Spec) -> Option<Map<String, Value>> {
    if let (Some(name), Some(text)) = (spec.alone, entry.node.text()) {
        return Some(Map::from_iter([(name.to_owned(), Value::from(text))]));
    }
    let table = context.table(&entry.node, &entry.key, EXAMPLE)?;
    let mut found = Map::new();
    for argument in &table.entries {
        let (key, node) = (&*argument.key, &argument.node);
        let takes = spec.arguments.iter().find(|known| known.name == key).map(|known| known.takes);
        // What vars are set is known to whoever declared them.
        if takes.is_none() && spec.name != "set" {
            let known: Vec<&str> = spec.arguments.iter().map(|known| known.name).collect();
            context.unknown_key(argument, &format!("`{}`", entry.key), &known, &[]);
            continue;
        }
        let is_text = !matches!(takes, Some(Takes::Data | Takes::Pairs | Takes::Bool | Takes::Number(..)));
        if is_text && matches!(node.value, Item::Integer(_) | Item::Float(_) | Item::Bool(_) | Item::Date(_)) {
            context.text(node, key);
            continue;
        }
        found.insert(key.to_owned(), plain(node));
    }
    Some(found)
}
