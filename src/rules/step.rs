//! Steps as they run: rendered, with what is known by then, into a request that is complete.

use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use crate::language::template::Error as TemplateError;
use crate::language::{Condition, Template};

use super::request::{Body, HttpRequest, LogLevel, Method, Request};
use super::scope::Scope;

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
    pub(super) condition: Option<Condition>,
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

#[derive(Clone, Debug)]
pub(super) enum Action {
    Redirect { to: Template },
    Reply { texts: Vec<(String, Template)> },
    Http(HttpStep),
    Log { level: LogLevel, message: Template },
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

impl Step {
    /// The name of the action, as rules write it.
    pub fn action(&self) -> &'static str {
        match &self.action {
            Action::Redirect { .. } => "redirect",
            Action::Reply { .. } => "reply",
            Action::Http(_) => "http",
            Action::Log { .. } => "log",
        }
    }

    /// It takes hold of a call, so only one rule may do it.
    pub fn controls_call(&self) -> bool {
        matches!(self.action, Action::Redirect { .. })
    }

    /// What the step asks for, or `None` when its `if` does not hold.
    pub fn render(&self, scope: &Scope) -> Result<Option<Request>, RenderError> {
        if let Some(condition) = &self.condition
            && !condition.holds(&scope.values).map_err(|source| RenderError::Template { what: "if", source })?
        {
            return Ok(None);
        }
        Ok(Some(match &self.action {
            Action::Redirect { to } => Request::Redirect {
                call: scope.call.clone().ok_or(RenderError::Missing { what: "the call" })?,
                to: required(to, scope, "to")?.trim().to_owned(),
            },
            Action::Reply { texts } => Request::Reply {
                conversation: scope.conversation.clone().ok_or(RenderError::Missing { what: "the conversation" })?,
                text: required(language(texts)?, scope, "text")?,
            },
            Action::Http(http) => Request::Http(http.render(scope)?),
            Action::Log { level, message } => {
                Request::Log { level: *level, message: text(message, scope, "message")?.unwrap_or_default() }
            }
        }))
    }
}

/// The text of the message's language; that is not known yet, so the first one written.
fn language(texts: &[(String, Template)]) -> Result<&Template, RenderError> {
    texts.first().map(|(_, text)| text).ok_or(RenderError::Missing { what: "text" })
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
        const WHAT: &str = "the URL";
        let bad = |why: &str| RenderError::Bad { what: WHAT, why: why.to_owned() };
        let url = match (self.url.literal(), &self.credential) {
            (Some(""), Some(_)) => String::new(),
            _ => required(&self.url, scope, WHAT)?,
        };
        if url.contains(|c: char| c.is_control() || c == ' ' || c == '\\') {
            return Err(bad("it has a space, backslash or line break in it"));
        }
        if self.url.literal().is_none() && has_dot_segment(&url) {
            return Err(bad("`..` in it would lead to another path"));
        }
        let absolute = url.starts_with("http://") || url.starts_with("https://");
        if self.url.is_single() && !absolute {
            return Err(bad("a URL from a value must begin with http:// or https://"));
        }
        if (absolute || self.credential.is_none()) && (!absolute || Url::parse(&url).is_err()) {
            return Err(bad("it is no http or https URL"));
        }
        Ok(url)
    }
}

/// `.` or `..` as a part of the path, also percent-encoded: a client would resolve it.
fn has_dot_segment(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.split('/').any(|part| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."))
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
    fn render(&self, scope: &Scope, size: &mut usize) -> Result<Value, RenderError> {
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
