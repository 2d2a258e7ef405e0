//! Arguments as they are written, and what becomes of them when a step is rendered.

use serde_json::{Map, Value};

use super::catalogue::{Argument, Needs, Spec, Takes};
use super::request::{Asked, CloudLinkRequest, Format, LogLevel, Method, Request};
use super::scope::Scope;
use super::step::{Data, RenderError};
use super::target::{path, url};
use super::time;
use crate::language::Template;

/// The longest number, id or name.
const LONGEST: usize = 1024;
/// The most of them in one argument.
const MOST: usize = 1000;

/// An action with its arguments.
#[derive(Clone, Debug)]
pub(super) struct Plain {
    pub(super) spec: &'static Spec,
    pub(super) written: Vec<(&'static Argument, Written)>,
}

/// An argument as it is written.
#[derive(Clone, Debug)]
pub(super) enum Written {
    Constant(Value),
    Text(Template),
    List(Vec<Template>),
    /// One for each language.
    Texts(Vec<(String, Template)>),
    Data(Data),
    /// Whether it is a user or a conversation, if that can be told.
    Recipient(Template, Option<&'static str>),
}

impl Plain {
    /// The request, complete.
    pub(super) fn render(&self, scope: &Scope) -> Result<Request, RenderError> {
        let mut found = Found(Map::new());
        let relative = self.written.iter().any(|(argument, _)| argument.takes == Takes::Credential);
        for argument in self.spec.arguments {
            let written = self.written.iter().find(|(known, _)| known.name == argument.name);
            let value = match written {
                Some((_, written)) => written.render(argument, scope, relative, &mut found)?,
                None => argument.of_event(scope),
            };
            match value {
                Some(value) => found.put(argument.name, value),
                None if argument.must_come_out(written.is_some()) => {
                    return Err(RenderError::Missing { what: argument.what() });
                }
                None => {}
            }
        }
        // Nobody is free at whom the call was already.
        if self.spec.name == "lookup"
            && found.0.contains_key("group")
            && let Some(path) = scope.values.at("call.path")
        {
            found.put("except", path);
        }
        Ok(found.request(self.spec))
    }
}

impl Argument {
    /// What the event has where the argument is left out.
    fn of_event(&self, scope: &Scope) -> Option<Value> {
        let (Needs::Event(paths) | Needs::MayEvent(paths)) = self.needs else { return None };
        paths.iter().find_map(|path| scope.values.at(path))
    }

    fn must_come_out(&self, written: bool) -> bool {
        match self.needs {
            Needs::Must | Needs::Event(_) => true,
            Needs::One => written,
            Needs::Written | Needs::May | Needs::MayEvent(_) | Needs::OneAtMost => false,
        }
    }

    /// What it is called when it is missing.
    fn what(&self) -> &'static str {
        match (self.needs, self.name) {
            (Needs::Event(_), "call") => "the call",
            (Needs::Event(_), "conversation") => "the conversation",
            (Needs::Event(_), "message") => "the message",
            (Needs::Event(_), "endpoint") => "the endpoint",
            (Needs::Event(_), "user") => "the user",
            (_, name) => name,
        }
    }
}

impl Written {
    fn render(
        &self,
        argument: &Argument,
        scope: &Scope,
        relative: bool,
        found: &mut Found,
    ) -> Result<Option<Value>, RenderError> {
        let what = argument.name;
        Ok(match self {
            Self::Constant(value) => Some(value.clone()),
            Self::Data(data) => Some(data.render(scope, &mut 0)?).filter(|value| !value.is_null()),
            Self::Recipient(template, is) => {
                let text = target(template, scope, what)?;
                let is = is.or_else(|| text.as_ref().filter(|text| text.contains('@')).map(|_| "user"));
                if let Some(is) = is {
                    found.put("to_is", Value::from(is));
                }
                text.map(Value::from)
            }
            Self::Texts(texts) => {
                let tag = scope.values.at("message.language");
                let (language, template) = language(texts, tag.as_ref().and_then(Value::as_str));
                let values = language.map(|language| scope.values.in_language(language));
                let values = values.as_ref().unwrap_or(&scope.values);
                let text = template.and_then(|template| template.text(values).transpose()).transpose();
                text.map_err(|source| RenderError::Template { what, source })?
                    .filter(|text| !text.trim().is_empty())
                    .map(Value::from)
            }
            Self::List(templates) => {
                let mut items = Vec::with_capacity(templates.len());
                for template in templates {
                    items.extend(target(template, scope, what)?.map(Value::from));
                }
                (!items.is_empty()).then_some(Value::Array(items))
            }
            Self::Text(template) => one(argument, template, scope, relative)?,
        })
    }
}

/// What one template comes to, as the argument takes it.
fn one(argument: &Argument, template: &Template, scope: &Scope, relative: bool) -> Result<Option<Value>, RenderError> {
    let what = argument.name;
    let bad = |why: String| RenderError::Bad { what, why };
    let failed = |source| RenderError::Template { what, source };
    Ok(match argument.takes {
        Takes::Bool | Takes::Number(..) => {
            let Some(value) = template.value(&scope.values).map_err(failed)? else { return Ok(None) };
            let fits = match argument.takes {
                Takes::Number(least, most) => value.as_i64().is_some_and(|number| (least..=most).contains(&number)),
                _ => value.is_boolean(),
            };
            if !fits {
                return Err(bad(format!("it takes {}, not {}", argument.takes.sort(), short(&value))));
            }
            Some(value)
        }
        Takes::Word(words) => {
            let Some(word) = target(template, scope, what)? else { return Ok(None) };
            if !words.contains(&&*word) {
                return Err(bad(format!("\"{}\" is none of {}", short_text(&word), words.join(", "))));
            }
            Some(Value::from(word))
        }
        Takes::Digits => {
            let Some(digits) = target(template, scope, what)? else { return Ok(None) };
            if !are_digits(&digits) {
                return Err(bad(format!("\"{}\" can't be dialled", short_text(&digits))));
            }
            Some(Value::from(digits))
        }
        Takes::Time => {
            let Some(text) = target(template, scope, what)? else { return Ok(None) };
            let at = time::point(&text, scope.now, scope.zone);
            let at = at.ok_or_else(|| bad(format!("\"{}\" is no time", short_text(&text))))?;
            Some(Value::from(at.to_rfc3339()))
        }
        Takes::Url => {
            let Some(text) = template.text(&scope.values).map_err(failed)? else { return Ok(None) };
            Some(Value::from(url(text, template, relative)?))
        }
        Takes::Path => {
            let Some(text) = template.text(&scope.values).map_err(failed)? else { return Ok(None) };
            Some(Value::from(path(text, template)?))
        }
        Takes::Targets => match template.value(&scope.values).map_err(failed)? {
            Some(Value::Array(items)) => {
                let items: Vec<Value> = items.iter().take(MOST).filter_map(name_of).map(Value::from).collect();
                (!items.is_empty()).then_some(Value::Array(items))
            }
            _ => target(template, scope, what)?.map(|text| Value::Array(vec![text.into()])),
        },
        Takes::Text | Takes::Texts | Takes::Htmls => template.text(&scope.values).map_err(failed)?.map(Value::from),
        _ => target(template, scope, what)?.map(Value::from),
    })
}

/// An item of a list of people: a text, or the `id` of a table.
fn name_of(item: &Value) -> Option<&str> {
    let text = item.as_str().or_else(|| item.get("id")?.as_str())?.trim();
    (!text.is_empty() && text.len() <= LONGEST && !text.contains(char::is_control)).then_some(text)
}

/// A number, id or name: one line.
fn target(template: &Template, scope: &Scope, what: &'static str) -> Result<Option<String>, RenderError> {
    let text = template.text(&scope.values).map_err(|source| RenderError::Template { what, source })?;
    let Some(text) = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) else { return Ok(None) };
    let bad = |why: &str| Err(RenderError::Bad { what, why: why.to_owned() });
    if text.contains(char::is_control) {
        return bad("it has a line break in it");
    }
    if text.len() > LONGEST {
        return bad("it is longer than 1024 bytes");
    }
    Ok(Some(text))
}

/// What a telephone can dial into a call; a comma is a pause.
pub(super) fn are_digits(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || "*#ABCDabcd,".contains(c))
}

/// The text of a language: that of the whole tag, else of its base (`fr` for `fr-CA`), else the first that is written.
fn language<'a>(texts: &'a [(String, Template)], tag: Option<&str>) -> (Option<&'a str>, Option<&'a Template>) {
    let base = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let plain = |tag: &str| tag.to_ascii_lowercase().replace('_', "-");
    let of = |fits: &dyn Fn(&str) -> bool| texts.iter().find(|(language, _)| fits(language));
    let found = tag.and_then(|tag| {
        of(&|language| plain(language) == plain(tag)).or_else(|| of(&|language| base(language) == base(tag)))
    });
    let found = found.or_else(|| texts.first());
    (found.map(|(language, _)| &**language).filter(|language| !language.is_empty()), found.map(|(_, text)| text))
}

fn short(value: &Value) -> String {
    short_text(&value.to_string())
}

fn short_text(text: &str) -> String {
    super::context::short(text)
}

/// What came out so far.
struct Found(Map<String, Value>);

impl Found {
    fn put(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    fn text(&mut self, name: &str) -> String {
        match self.0.remove(name) {
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    fn request(mut self, spec: &'static Spec) -> Request {
        match spec.name {
            "redirect" => Request::Redirect { call: self.text("call"), to: self.text("to") },
            "reply" => {
                let formats = [Format::Text, Format::Html, Format::Card];
                let format =
                    formats.into_iter().find(|format| self.0.contains_key(format.as_str())).unwrap_or_default();
                let text = self.text(format.as_str());
                Request::Reply { conversation: self.text("conversation"), text, format }
            }
            "log" => {
                let level = LogLevel::of(&self.text("level")).unwrap_or_default();
                Request::Log { level, message: self.text("message") }
            }
            "cloudlink" => {
                let method = spec.one_of().into_iter().find(|word| self.0.contains_key(*word)).unwrap_or("get");
                Request::CloudLink(CloudLinkRequest {
                    method: Method::of(method).unwrap_or(Method::Get),
                    api: self.text("api"),
                    path: self.text(method),
                    json: self.0.remove("json"),
                    paginate: self.0.get("paginate").and_then(Value::as_bool).unwrap_or_default(),
                })
            }
            name => Request::Asked(Asked { action: name.to_owned(), arguments: self.0 }),
        }
    }
}
