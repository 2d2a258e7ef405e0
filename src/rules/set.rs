//! `set`: vars, what they are set to, and for how long.

use std::sync::Arc;

use crate::language::document::{Entry, Item, Node};
use crate::language::{Place, Template, suggest};
use crate::memory::vars::Declaration;

use super::context::{Context, Names, short};
use super::request::{Lasts, Setting, VarChange};
use super::scope::Scope;
use super::step::{Action, RenderError};
use super::{steps, time};

const EXAMPLE: &str = "set = { night = \"closed\", until = \"08:00\" }";

/// A `set` as it is written.
#[derive(Clone, Debug)]
pub(super) struct SetStep {
    changes: Vec<Change>,
    lasts: Written,
}

#[derive(Clone, Debug)]
struct Change {
    name: String,
    /// The field that the var is kept for each value of.
    per: Option<Arc<str>>,
    /// The values it may have; empty: any.
    values: Vec<Arc<str>>,
    value: Template,
}

#[derive(Clone, Debug)]
enum Written {
    Declared,
    Until(Template),
    For(i64),
}

/// Reads the arguments of `set`.
pub(super) fn read(context: &mut Context<'_>, entry: &Entry<'_>, names: &Names) -> Option<Action> {
    let table = context.table(&entry.node, "set", EXAMPLE)?;
    let (mut changes, mut lasts, mut whole) = (Vec::new(), None, true);
    for argument in &table.entries {
        let node = &argument.node;
        match &*argument.key {
            "until" | "for" if lasts.is_some() => {
                let help = Some("keep one of `until` and `for`".to_owned());
                context.error("two-arguments", &argument.key_span, "a var is set for one time", help);
            }
            "until" => lasts = Some(until(context, node, names)),
            "for" => {
                let millis = context.duration(node, "for").map(|span| span.as_millis() as i64);
                lasts = Some(millis.map(Written::For));
            }
            _ => match change(context, argument, names) {
                Some(change) => changes.push(change),
                None => whole = false,
            },
        }
    }
    if changes.is_empty() && whole {
        steps::missing(context, entry, "the name of a var", EXAMPLE);
        return None;
    }
    let lasts = lasts.unwrap_or(Some(Written::Declared))?;
    whole.then_some(Action::Set(SetStep { changes, lasts }))
}

fn until(context: &mut Context<'_>, node: &Node<'_>, names: &Names) -> Option<Written> {
    let template = context.template(node, "until", Place::Text, names)?;
    check_time(context, node, "until", &template);
    Some(Written::Until(template))
}

/// A time that is written out must read as one.
pub(super) fn check_time(context: &mut Context<'_>, node: &Node<'_>, what: &str, template: &Template) {
    if let Some(text) = template.literal().filter(|text| !time::reads(text)) {
        let help = "times are written \"08:00\", the next one that comes, or \"2026-12-08 08:00\"".to_owned();
        let message = format!("`{what}` is a time; \"{}\" is none", short(text));
        context.error("time", &node.span, message, Some(help));
    }
}

fn change(context: &mut Context<'_>, argument: &Entry<'_>, names: &Names) -> Option<Change> {
    let name = argument.key.to_string();
    let Declaration { values, per, .. } = match context.known_var(&name) {
        Ok(var) => var,
        Err(meant) => {
            let help = meant.map(|meant| format!("did you mean `{meant}`?"));
            let help = help.or_else(|| Some(format!("declare it: [vars.{name}]")));
            context.error("unknown-var", &argument.key_span, format!("no var is called `{name}`"), help);
            Declaration::default()
        }
    };
    if let Some(per) = &per {
        context.reads(per);
    }
    if matches!(argument.node.value, Item::Bool(_) | Item::Integer(_) | Item::Float(_)) {
        let help = context.quoted(&argument.node);
        context.error("wrong-type", &argument.node.span, "the value of a var is text", help);
        return None;
    }
    let value = context.template(&argument.node, &name, Place::Text, names)?;
    if let Some(text) = value.literal()
        && !is_one_of(text, &values)
    {
        let help = suggest::did_you_mean(text, values.iter().map(|value| &**value).collect::<Vec<_>>());
        let message = format!("`{name}` can't be set to \"{}\"", short(text));
        context.error("unknown-value", &argument.node.span, message, help);
    }
    Some(Change { name, per, values, value })
}

/// The values that a var may have, for people.
fn one_of(values: &[Arc<str>]) -> String {
    values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
}

fn is_one_of(text: &str, values: &[Arc<str>]) -> bool {
    values.is_empty() || values.iter().any(|value| **value == *text)
}

impl SetStep {
    /// The request, complete.
    pub(super) fn render(&self, scope: &Scope) -> Result<Setting, RenderError> {
        let mut changes = Vec::with_capacity(self.changes.len());
        for change in &self.changes {
            let failed = |source| RenderError::Template { what: "set", source };
            let value = change.value.text(&scope.values).map_err(failed)?.unwrap_or_default();
            if !is_one_of(&value, &change.values) {
                let (var, value) = (change.name.clone(), short(&value));
                return Err(RenderError::NotAValue { var, value, values: one_of(&change.values) });
            }
            let per = match &change.per {
                None => None,
                Some(path) => {
                    let value =
                        scope.values.at(path).ok_or(RenderError::Missing { what: "what the var is kept for" })?;
                    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                }
            };
            changes.push(VarChange { name: change.name.clone(), per, value });
        }
        let lasts = match &self.lasts {
            Written::Declared => Lasts::Declared,
            Written::For(millis) => Lasts::For(*millis),
            Written::Until(template) => {
                let what = "until";
                let text = template.text(&scope.values).map_err(|source| RenderError::Template { what, source })?;
                let text = text.ok_or(RenderError::Missing { what })?;
                let at = time::point(text.trim(), scope.now, scope.zone)
                    .ok_or_else(|| RenderError::Bad { what, why: format!("\"{}\" is no time", short(&text)) })?;
                Lasts::Until(at.timestamp_millis())
            }
        };
        Ok(Setting { changes, lasts })
    }
}
