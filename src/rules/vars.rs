//! Reading `[vars.NAME]`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::language::document::{Item, Table};
use crate::language::suggest;
use crate::memory::spans::VAR;
use crate::memory::vars::Declaration;

use super::context::Context;
use super::fields;

pub(super) const KEYS: &[&str] = &["values", "default", "per", "keep"];

/// All vars by name.
pub type Vars = BTreeMap<Arc<str>, Declaration>;

/// Reads `[vars]` of a file.
pub(super) fn collect(context: &mut Context<'_>, table: &Table<'_>, vars: &mut Vars) {
    for entry in &table.entries {
        let Some(declared) = context.table(&entry.node, &entry.key, "default = \"auto\"") else { continue };
        let word = !entry.key.is_empty() && entry.key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !word {
            let help = Some("letters, digits and _ only, such as [vars.night]".to_owned());
            context.error("bad-name", &entry.key_span, format!("`{}` can't be used in templates", entry.key), help);
        }
        let declaration = read(context, declared);
        if vars.insert(Arc::from(&*entry.key), declaration).is_some() {
            let message = format!("there are two vars called `{}`", entry.key);
            context.error("duplicate-name", &entry.key_span, message, Some("give one of them another name".to_owned()));
        }
    }
}

fn read(context: &mut Context<'_>, table: &Table<'_>) -> Declaration {
    let mut declaration = Declaration::default();
    for entry in &table.entries {
        let node = &entry.node;
        match &*entry.key {
            "values" => {
                if matches!(&node.value, Item::List(items) if items.is_empty()) {
                    let help = Some("leave `values` out for a var that may be any text".to_owned());
                    context.error("empty-matcher", &node.span, "a var without values can't be set", help);
                }
                for (value, span) in context.texts(node, "values") {
                    if value.is_empty() || value.len() > VAR {
                        let message = format!("a value of a var has from 1 to {VAR} bytes");
                        context.error("bad-value", &span, message, None);
                    }
                    declaration.values.push(value.into());
                }
            }
            "default" => declaration.default = context.text(node, "default").map(Arc::from),
            "per" => {
                let Some(path) = context.text(node, "per") else { continue };
                declaration.per = Some(path.into());
                let found = fields::check(path, &[]);
                if let Err(trouble) = found {
                    context.error(trouble.code, &node.span, trouble.message, trouble.help);
                } else if !path.contains('.') {
                    let help = Some(format!("name one of its fields: `{path}.…`"));
                    context.error("unknown-field", &node.span, format!("`{path}` is a view, not a field"), help);
                }
            }
            "keep" => {
                let keep = context.duration(node, "keep");
                declaration.keep = keep.and_then(|keep| i64::try_from(keep.as_millis()).ok());
            }
            _ => context.unknown_key(entry, "a var", KEYS, &[]),
        }
    }
    check_default(context, table, &declaration);
    declaration
}

fn check_default(context: &mut Context<'_>, table: &Table<'_>, declaration: &Declaration) {
    let (Some(default), Some(entry)) = (&declaration.default, table.get("default")) else { return };
    let known: Vec<&str> = declaration.values.iter().map(|value| &**value).collect();
    if !known.is_empty() && !known.contains(&&**default) {
        let help = suggest::did_you_mean(default, known.iter().copied())
            .unwrap_or_else(|| format!("add it to `values`, or take one of {}", suggest::list(&known)));
        context.error("unknown-value", &entry.node.span, format!("`{default}` is none of its values"), Some(help));
    }
}
