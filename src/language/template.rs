//! Templates and expressions: compiled once, rendered for each run, with limits on work and size.
//!
//! All templates of a rule set live in one minijinja environment that they share, so that a rule set is one value that
//! can be swapped and dropped. A string that is exactly one `{{ … }}` keeps the type of its value; in any other string
//! the values are printed. Only text that was written in a file is compiled: once when it is checked, and again, to stay,
//! when it is first rendered. A compiled template takes some 12 KB however short it is, and of a hundred thousand few are
//! ever rendered.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use chrono_tz::Tz;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::Value as Json;

use super::compare;
use super::functions;
use super::pattern::{Pattern, Patterns};
use super::scan::{self, Use};
use super::suggest;
use super::tongue;
use super::values::{self, Values};

/// How much work one template may do, in minijinja's steps.
const FUEL: u64 = 200_000;
/// The longest text that comes out.
pub const MAX_TEXT: usize = 64 << 10;
/// The largest data that comes out.
pub const MAX_JSON: usize = 1 << 20;
/// The longest template.
const MAX_SOURCE: usize = 64 << 10;

/// The most `and`, `or`, `not`, `-` and `*` of one expression.
const MAX_OPERATORS: usize = 500;

/// Where a template stands: what decides on escaping and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Text for people. Nothing is escaped.
    Text,
    /// A URL or a path of one: what is inserted is percent-encoded.
    Url,
    /// Inside `json = { … }`: nothing needs escaping.
    Json,
    /// HTML: what is inserted is escaped.
    Html,
}

/// What is wrong with a template or expression.
#[derive(Clone, Debug)]
pub struct Problem {
    /// A stable word.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// Where in the text.
    pub range: Option<Range<usize>>,
    /// What to write instead.
    pub help: Option<String>,
}

/// A template that did not come out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

/// A name that a template reads, such as `call.from`, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The dotted path.
    pub path: String,
    /// Where it stands, if that is known.
    pub range: Option<Range<usize>>,
}

type Library = Arc<OnceLock<Environment<'static>>>;

/// A text as it was compiled: the language of its dates, its place, whether it is an expression.
type Known = (String, Place, bool, Box<str>);

/// Compiles the templates and regexes of one rule set; they can be rendered after [`Engine::finish`].
#[derive(Debug)]
pub struct Engine {
    env: Environment<'static>,
    library: Library,
    patterns: Patterns,
    /// What is to be compiled when it is first rendered, by name.
    sources: HashMap<Arc<str>, Box<str>>,
    /// What was compiled before: the same text is the same template.
    known: HashMap<Known, (Compiled, Arc<[Name]>)>,
    language: String,
}

impl Engine {
    /// An engine whose dates are in that zone.
    pub fn new(zone: Tz) -> Self {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Chainable);
        env.set_fuel(Some(FUEL));
        env.set_recursion_limit(64);
        env.set_debug(true);
        functions::install(&mut env, zone);
        Self {
            env,
            library: Library::default(),
            patterns: Patterns::default(),
            sources: HashMap::new(),
            known: HashMap::new(),
            language: String::new(),
        }
    }

    /// Compiles the text of a template. A text without `{{`, `{%` and `{#` stays as it is.
    pub fn template(&mut self, text: &str, place: Place) -> Result<Template, Vec<Problem>> {
        if text.len() > MAX_SOURCE {
            return Err(vec![problem("template", format!("the text is longer than {} KiB", MAX_SOURCE >> 10))]);
        }
        if !["{{", "{%", "{#"].iter().any(|open| text.contains(open)) {
            return Ok(Template { body: Body::Plain(text.into()), place, names: Arc::default() });
        }
        bounded(text, false)?;
        if let Some((word, range)) = scan::refused(text) {
            let message = format!("`{{% {word} %}}` does nothing in a rule");
            return Err(vec![Problem { range: Some(range), ..problem("template", message) }]);
        }
        // In HTML a value that stands alone is escaped as any other.
        if place != Place::Html
            && let Some((inner, start)) = single(text)
            && let Ok(condition) = self.expression(inner)
        {
            let names = condition.names.iter().map(|name| moved(name, start)).collect();
            return Ok(Template { body: Body::Single(condition.body), place, names });
        }
        let known = (self.language.clone(), place, false, Box::from(text));
        if let Some((body, names)) = self.known.get(&known) {
            return Ok(Template { body: Body::Mixed(body.clone()), place, names: names.clone() });
        }
        lint(scan::words(text, false))?;
        let name = self.name(match place {
            Place::Url => functions::URL,
            Place::Html => functions::HTML,
            Place::Text | Place::Json => "text",
        });
        let tests = compare::as_tests(text, false);
        let tests = tests.filter(|tests| self.env.template_from_named_str(&name, tests).is_ok());
        // The text itself must read, whatever its comparisons are turned into.
        let written = self.env.template_from_named_str(&name, text).map_err(|error| vec![unreadable(&error)])?;
        let names = match &tests {
            Some(tests) => self.checked(&name, tests, scan::words(text, false))?,
            None => read(&written, scan::words(text, false))?,
        };
        let body = self.keep(name, tests.unwrap_or_else(|| text.to_owned()));
        let names: Arc<[Name]> = names.into();
        self.known.insert(known, (body.clone(), names.clone()));
        Ok(Template { body: Body::Mixed(body), place, names })
    }

    /// The same for a text in a language, such as `fr` or `pt-BR`: its dates speak that language. Those of an unknown
    /// one are in English.
    pub fn template_in(&mut self, language: &str, text: &str, place: Place) -> Result<Template, Vec<Problem>> {
        language.clone_into(&mut self.language);
        if tongue::locale(language).is_none() {
            self.language.clear();
        }
        let template = self.template(text, place);
        self.language.clear();
        template
    }

    /// Compiles an expression, which stands without `{{ }}`.
    pub fn condition(&mut self, text: &str) -> Result<Condition, Vec<Problem>> {
        if text.len() > MAX_SOURCE {
            return Err(vec![problem("expression", format!("the text is longer than {} KiB", MAX_SOURCE >> 10))]);
        }
        if text.trim_start().starts_with("{{") {
            let help = "an expression stands without `{{ }}`".to_owned();
            let at = problem("expression", "this is a template where an expression is meant".to_owned());
            return Err(vec![Problem { help: Some(help), ..at }]);
        }
        self.expression(text)
    }

    fn expression(&mut self, text: &str) -> Result<Condition, Vec<Problem>> {
        let known = (self.language.clone(), Place::Text, true, Box::from(text));
        if let Some((body, names)) = self.known.get(&known) {
            return Ok(Condition { body: body.clone(), names: names.clone() });
        }
        bounded(text, true)?;
        if let Err(error) = self.env.compile_expression(text) {
            return Err(vec![Problem { code: "expression", ..unreadable(&error) }]);
        }
        lint(scan::words(text, true))?;
        let name = self.name("value");
        // The parentheses can't be closed from inside: the text alone is an expression.
        let tests = compare::as_tests(text, true).filter(|tests| self.env.compile_expression(tests).is_ok());
        let source = format!("{{% set value = ({}) %}}", tests.as_deref().unwrap_or(text));
        let names: Arc<[Name]> = self.checked(&name, &source, scan::words(text, true))?.into();
        let body = self.keep(name, source);
        self.known.insert(known, (body.clone(), names.clone()));
        Ok(Condition { body, names })
    }

    /// Checks a regex, or says why it is none. What all regexes of a rule set take is bounded.
    pub fn regex(&mut self, text: &str) -> Result<Pattern, String> {
        self.patterns.read(text)
    }

    /// Makes the templates ready to be rendered.
    pub fn finish(mut self) {
        let sources = self.sources;
        self.env.set_loader(move |name| Ok(sources.get(name).map(ToString::to_string)));
        // Nobody else sets it: the engine is consumed here.
        let _ = self.library.set(self.env);
    }

    fn name(&self, ending: &str) -> Arc<str> {
        functions::name(self.sources.len(), &self.language, ending).into()
    }

    /// Compiles a text, says which names it reads, and drops it.
    fn checked(&self, name: &str, source: &str, words: Vec<scan::Word>) -> Result<Vec<Name>, Vec<Problem>> {
        let template = self.env.template_from_named_str(name, source).map_err(|error| vec![unreadable(&error)])?;
        read(&template, words)
    }

    /// Keeps a text that has been checked until it is rendered.
    fn keep(&mut self, name: Arc<str>, source: String) -> Compiled {
        self.sources.insert(name.clone(), source.into());
        Compiled { library: self.library.clone(), name }
    }
}

/// The names that come from outside of a template. It is rendered once with nothing there: that finds what no value could mend.
fn read(template: &minijinja::Template<'_, '_>, words: Vec<scan::Word>) -> Result<Vec<Name>, Vec<Problem>> {
    let roots = template.undeclared_variables(false);
    let root = |path: &str| path.split('.').next().unwrap_or_default().to_owned();
    let mut names: Vec<Name> = words
        .into_iter()
        .filter(|word| word.used == Use::Path && roots.contains(&root(&word.text)))
        .map(|word| Name { path: word.text, range: Some(word.range) })
        .collect();
    for path in template.undeclared_variables(true) {
        let builtin = functions::FUNCTIONS.contains(&&*root(&path));
        if !builtin && !names.iter().any(|name| root(&name.path) == root(&path)) {
            names.push(Name { path, range: None });
        }
    }
    match template.render_captured_to(Values::default().root(), Limited { bytes: Vec::new(), limit: MAX_TEXT }) {
        Err(error) if error.detail().is_some_and(|detail| detail.starts_with(functions::BAD_PATTERN)) => {
            Err(vec![problem("template", error.detail().unwrap_or_default().to_owned())])
        }
        _ => Ok(names),
    }
}

fn moved(name: &Name, by: usize) -> Name {
    Name { path: name.path.clone(), range: name.range.clone().map(|range| range.start + by..range.end + by) }
}

/// The inside of a text that is exactly one `{{ … }}`, and where it begins.
fn single(text: &str) -> Option<(&str, usize)> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    let trimmed = inner.trim_start_matches('-');
    let start = 2 + inner.len() - trimmed.len();
    Some((trimmed.trim_end_matches('-'), start))
}

fn problem(code: &'static str, message: String) -> Problem {
    Problem { code, message, range: None, help: None }
}

fn unreadable(error: &minijinja::Error) -> Problem {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let unfinished = ["end of input", "end of variable block", "end of block"].iter().any(|end| detail.contains(end));
    let help = unfinished.then(|| "is a `}}`, a `%}` or a closing bracket missing?".to_owned());
    let message = format!("this does not read as a template: {detail}");
    Problem { code: "template", message, range: error.range(), help }
}

/// Refuses what minijinja's parser would go so deep for that the stack ends.
fn bounded(text: &str, expression: bool) -> Result<(), Vec<Problem>> {
    if scan::busiest(text, expression) <= MAX_OPERATORS {
        return Ok(());
    }
    let message = format!("an expression has more than {MAX_OPERATORS} of `and`, `or`, `not`, `-` and `*`");
    let help = "a table holds long lists; `where` and several rules hold many conditions".to_owned();
    let code = if expression { "expression" } else { "template" };
    Err(vec![Problem { help: Some(help), ..problem(code, message) }])
}

/// Finds words that minijinja would only miss when it comes to them.
fn lint(words: Vec<scan::Word>) -> Result<(), Vec<Problem>> {
    let problems: Vec<Problem> = words
        .into_iter()
        .filter_map(|word| {
            let (code, sort, known) = match word.used {
                Use::Filter => ("unknown-filter", "filter", functions::FILTERS),
                Use::Test => ("unknown-test", "test", functions::TESTS),
                Use::Function => ("unknown-function", "function", functions::FUNCTIONS),
                Use::Method if !["cycle", "changed"].contains(&&*word.text) => return Some(method(word)),
                _ => return None,
            };
            let unknown = !known.contains(&&*word.text);
            unknown.then(|| Problem {
                code,
                message: format!("there is no {sort} called `{}`", word.text),
                help: suggest::did_you_mean(&word.text, known.iter().copied()),
                range: Some(word.range),
            })
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn method(word: scan::Word) -> Problem {
    let help = match &*word.text {
        "startswith" => "write `x is startingwith 'y'`".to_owned(),
        "endswith" => "write `x is endingwith 'y'`".to_owned(),
        other => format!("values have no methods; is the filter `| {other}` meant?"),
    };
    let message = format!("there is no method `{}()`", word.text);
    Problem { code: "unknown-method", message, help: Some(help), range: Some(word.range) }
}

/// A template by its name in the library that it shares with its siblings.
#[derive(Clone)]
struct Compiled {
    library: Library,
    name: Arc<str>,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl Compiled {
    fn template(&self) -> Result<minijinja::Template<'_, '_>, Error> {
        let env = self.library.get().ok_or_else(|| Error("the rule set is not complete".to_owned()))?;
        env.get_template(&self.name).map_err(failed)
    }

    fn text(&self, values: &Values, limit: usize) -> Result<String, Error> {
        let mut out = Limited { bytes: Vec::new(), limit };
        self.template()?.render_captured_to(values.root(), &mut out).map_err(failed)?;
        String::from_utf8(out.bytes).map_err(|_| Error("the text is not UTF-8".to_owned()))
    }

    fn value(&self, values: &Values) -> Result<minijinja::Value, Error> {
        let captured = self.template()?.render_captured(values.root()).map_err(failed)?;
        Ok(captured.state().lookup("value").unwrap_or_default())
    }
}

fn failed(error: minijinja::Error) -> Error {
    let detail = error.detail().map_or_else(String::new, |detail| format!(": {detail}"));
    Error(format!("{}{detail}", error.kind()))
}

/// A buffer that takes so much and no more.
struct Limited {
    bytes: Vec<u8>,
    limit: usize,
}

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(io::Error::other("the text is too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Clone, Debug)]
enum Body {
    Plain(Arc<str>),
    Single(Compiled),
    Mixed(Compiled),
}

/// A compiled template.
#[derive(Clone, Debug)]
pub struct Template {
    body: Body,
    place: Place,
    names: Arc<[Name]>,
}

impl Template {
    /// The text, if it is written out and holds no template.
    pub fn literal(&self) -> Option<&str> {
        match &self.body {
            Body::Plain(text) => Some(text),
            _ => None,
        }
    }

    /// It is exactly one `{{ … }}`.
    pub fn is_single(&self) -> bool {
        matches!(self.body, Body::Single(_))
    }

    /// The names that it reads.
    pub fn names(&self) -> &[Name] {
        &self.names
    }

    fn limit(&self) -> usize {
        if self.place == Place::Json { MAX_JSON } else { MAX_TEXT }
    }

    /// As data: a single `{{ … }}` keeps its type, missing is `None`.
    pub fn value(&self, values: &Values) -> Result<Option<Json>, Error> {
        match &self.body {
            Body::Plain(text) => Ok(Some(Json::from(&**text))),
            Body::Mixed(compiled) => Ok(Some(Json::from(compiled.text(values, self.limit())?))),
            Body::Single(compiled) => data(&compiled.value(values)?, self.limit()),
        }
    }

    /// As text. Missing, and text that comes out empty, is `None`.
    pub fn text(&self, values: &Values) -> Result<Option<String>, Error> {
        let text = match &self.body {
            Body::Plain(text) => text.to_string(),
            Body::Mixed(compiled) => compiled.text(values, self.limit())?,
            Body::Single(compiled) => functions::text(&compiled.value(values)?).map_err(failed)?,
        };
        if text.len() > self.limit() {
            return Err(Error("the text is too long".to_owned()));
        }
        Ok((!text.is_empty()).then_some(text))
    }
}

fn data(value: &minijinja::Value, limit: usize) -> Result<Option<Json>, Error> {
    let json = values::to_json(value).map_err(|error| Error(error.to_string()))?;
    if json.as_ref().is_some_and(|json| weight(json) > limit) {
        return Err(Error("the value is too large".to_owned()));
    }
    Ok(json)
}

/// About as many bytes as the data takes when it is written.
fn weight(json: &Json) -> usize {
    match json {
        Json::String(text) => text.len() + 2,
        Json::Array(items) => items.iter().map(|item| weight(item) + 1).sum::<usize>() + 2,
        Json::Object(map) => map.iter().map(|(key, value)| key.len() + 4 + weight(value)).sum::<usize>() + 2,
        _ => 5,
    }
}

/// A compiled expression that is true or false.
#[derive(Clone, Debug)]
pub struct Condition {
    body: Compiled,
    names: Arc<[Name]>,
}

impl Condition {
    /// Whether it holds. What is missing is false.
    pub fn holds(&self, values: &Values) -> Result<bool, Error> {
        Ok(self.body.value(values)?.is_true())
    }

    /// What it comes to, as data. Missing is `None`.
    pub fn value(&self, values: &Values) -> Result<Option<Json>, Error> {
        data(&self.body.value(values)?, MAX_JSON)
    }

    /// The names that it reads.
    pub fn names(&self) -> &[Name] {
        &self.names
    }
}
