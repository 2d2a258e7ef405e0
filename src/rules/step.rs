//! Steps as they run: rendered, with what is known by then, into a request that is complete.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::language::template::Error as TemplateError;
use crate::language::{Condition, Template};

use super::asked::Plain;
use super::catalogue::Spec;
use super::request::{Body, HttpRequest, Method, Request};
use super::scope::Scope;
use super::set::SetStep;
use super::target;

/// One step of a rule.
#[derive(Clone, Debug)]
pub struct Step {
    /// The name after `as`, under which later steps find what this one returned.
    pub save_as: Option<String>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// What happens when it fails.
    pub on_error: OnError,
    /// The line of the step in its file.
    pub line: usize,
    /// How often it is tried again; `None`: as the action's class and the deadline allow.
    pub retry: Option<Retry>,
    pub(super) condition: Option<Condition>,
    pub(super) each: Option<Condition>,
    pub(super) spec: &'static Spec,
    pub(super) action: Action,
}

/// What happens to the steps after one that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// They are not carried out.
    #[default]
    Stop,
    /// They are carried out all the same.
    Continue,
}

/// How often a step that did not work this time is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// So often, after the first attempt.
    pub max: u32,
    /// Not before this time has passed.
    pub wait: Option<Duration>,
}

/// The most items of an `each`.
pub const MOST_ITEMS: usize = 1000;

/// A step that could not be made ready. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A destination, URL, conversation or text came out missing.
    #[error("{what} is missing")]
    Missing {
        /// What is missing.
        what: &'static str,
    },
    /// What came out can't be used.
    #[error("{what} cannot be used: {why}")]
    Bad {
        /// What came out.
        what: &'static str,
        /// Why it is of no use.
        why: String,
    },
    /// A var can't have the value that came out.
    #[error("`{var}` can't be set to {}: it may be {values}", shown_value(.value))]
    NotAValue {
        /// The var.
        var: String,
        /// The value, shortened.
        value: String,
        /// Those that it may have, for people.
        values: String,
    },
    /// A template or expression failed.
    #[error("{what} failed: {source}")]
    Template {
        /// Where it stands.
        what: &'static str,
        /// What happened.
        #[source]
        source: TemplateError,
    },
}

fn shown_value(value: &str) -> String {
    if value.is_empty() { "what is missing".to_owned() } else { format!("\"{value}\"") }
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    Http(HttpStep),
    Set(SetStep),
    Plain(Plain),
}

#[derive(Clone, Debug)]
pub(super) struct HttpStep {
    pub(super) method: Method,
    pub(super) url: Template,
    pub(super) credential: Option<String>,
    pub(super) headers: Vec<(String, Template)>,
    pub(super) body: Option<BodyTemplate>,
}

#[derive(Clone, Debug)]
pub(super) enum BodyTemplate {
    Json(Data),
    Form(Vec<(String, Template)>),
    Text(Template),
}

/// Data with templates in it.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Constant(Value),
    Template(Template),
    List(Vec<Data>),
    Table(Vec<(String, Data)>),
}

impl RenderError {
    /// What went wrong, in a word: `.error` of a named step.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::Bad { .. } | Self::NotAValue { .. } => "refused",
            Self::Template { .. } => "template",
        }
    }
}

impl Step {
    /// The description of its action.
    pub fn spec(&self) -> &'static Spec {
        self.spec
    }

    /// The name of the action, as rules write it.
    pub fn action(&self) -> &'static str {
        self.spec.name
    }

    /// It takes hold of a call, so only one rule may do it.
    pub fn controls_call(&self) -> bool {
        self.spec.controls
    }

    /// It may write into a conversation.
    pub fn answers(&self) -> bool {
        matches!(self.spec.name, "reply" | "send" | "dialog")
    }

    /// It looks up who is in a group, and who of them is free.
    pub(super) fn looks_up_group(&self) -> bool {
        self.looks_up() == Some("group")
    }

    /// What a `lookup` looks up.
    pub fn looks_up(&self) -> Option<&'static str> {
        match &self.action {
            Action::Plain(plain) if plain.spec.name == "lookup" => {
                plain.written.first().map(|(argument, _)| argument.name)
            }
            _ => None,
        }
    }

    /// It is carried out once for each item of a list.
    pub fn is_for_each(&self) -> bool {
        self.each.is_some()
    }

    /// The items that the step is carried out for; `None` when it is carried out once and has no `each`.
    pub fn items(&self, scope: &Scope) -> Result<Option<Vec<Value>>, RenderError> {
        const WHAT: &str = "each";
        let Some(each) = &self.each else { return Ok(None) };
        let value = each.value(&scope.values).map_err(|source| RenderError::Template { what: WHAT, source })?;
        let bad = |why: String| Err(RenderError::Bad { what: WHAT, why });
        match value {
            None => Ok(Some(Vec::new())),
            Some(Value::Array(items)) if items.len() > MOST_ITEMS => {
                bad(format!("there are {} items; at most {MOST_ITEMS} are gone through", items.len()))
            }
            Some(Value::Array(items)) => Ok(Some(items)),
            // A step that failed has returned nothing to go through.
            Some(Value::Object(result)) if result.get("ok") == Some(&Value::Bool(false)) => Ok(Some(Vec::new())),
            Some(_) => bad("it is no list".to_owned()),
        }
    }

    /// What the step asks for, or `None` when its `if` does not hold. Of a step with `each`, with the item in the scope.
    pub fn render(&self, scope: &Scope) -> Result<Option<Request>, RenderError> {
        if let Some(condition) = &self.condition
            && !condition.holds(&scope.values).map_err(|source| RenderError::Template { what: "if", source })?
        {
            return Ok(None);
        }
        Ok(Some(match &self.action {
            Action::Http(http) => Request::Http(http.render(scope)?),
            Action::Set(set) => Request::Set(set.render(scope)?),
            Action::Plain(plain) => plain.render(scope)?,
        }))
    }
}

fn text(template: &Template, scope: &Scope, what: &'static str) -> Result<Option<String>, RenderError> {
    template.text(&scope.values).map_err(|source| RenderError::Template { what, source })
}

fn required(template: &Template, scope: &Scope, what: &'static str) -> Result<String, RenderError> {
    text(template, scope, what)?.filter(|text| !text.trim().is_empty()).ok_or(RenderError::Missing { what })
}

impl HttpStep {
    fn render(&self, scope: &Scope) -> Result<HttpRequest, RenderError> {
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            if let Some(value) = text(value, scope, "headers")? {
                if value.contains(|c: char| c.is_control() && c != '\t') {
                    return Err(RenderError::Bad { what: "headers", why: format!("{name} has a line break in it") });
                }
                headers.push((name.clone(), value));
            }
        }
        let body = match &self.body {
            None => None,
            Some(BodyTemplate::Json(data)) => Some(Body::Json(data.render(scope, &mut 0)?)),
            Some(BodyTemplate::Form(pairs)) => Some(Body::Form(form(pairs, scope)?)),
            Some(BodyTemplate::Text(template)) => text(template, scope, "body")?.map(Body::Text),
        };
        Ok(HttpRequest {
            method: self.method,
            credential: self.credential.clone(),
            url: self.url(scope)?,
            headers,
            body,
        })
    }

    fn url(&self, scope: &Scope) -> Result<String, RenderError> {
        let text = match (self.url.literal(), &self.credential) {
            (Some(""), Some(_)) => return Ok(String::new()),
            _ => required(&self.url, scope, target::URL)?,
        };
        target::url(text, &self.url, self.credential.is_some())
    }
}

fn form(pairs: &[(String, Template)], scope: &Scope) -> Result<Vec<(String, String)>, RenderError> {
    let mut found = Vec::with_capacity(pairs.len());
    for (name, template) in pairs {
        if let Some(text) = text(template, scope, "form")? {
            found.push((name.clone(), text));
        }
    }
    Ok(found)
}

impl Data {
    /// Missing is null. What all templates insert together is bounded.
    pub(super) fn render(&self, scope: &Scope, size: &mut usize) -> Result<Value, RenderError> {
        Ok(match self {
            Self::Constant(value) => value.clone(),
            Self::Template(template) => {
                let value =
                    template.value(&scope.values).map_err(|source| RenderError::Template { what: "json", source })?;
                let value = value.unwrap_or(Value::Null);
                *size += if template.literal().is_some() { 0 } else { value.to_string().len() };
                if *size > crate::language::template::MAX_JSON {
                    return Err(RenderError::Bad { what: "json", why: "it is larger than 1 MiB".to_owned() });
                }
                value
            }
            Self::List(items) => {
                Value::Array(items.iter().map(|item| item.render(scope, size)).collect::<Result<_, _>>()?)
            }
            Self::Table(entries) => {
                let mut map = Map::new();
                for (key, data) in entries {
                    map.insert(key.clone(), data.render(scope, size)?);
                }
                Value::Object(map)
            }
        })
    }
}
