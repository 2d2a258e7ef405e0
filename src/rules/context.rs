//! What reading a rule needs at hand: the file, the engine that compiles its templates, and the report that takes every
//! mistake. Reading never stops at the first one.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::event::Kind;
use crate::language::document::{self, Entry, Item, Node, Table};
use crate::language::template::{Name, Problem};
use crate::language::{Condition, Engine, Finding, Place, Report, Source, Template, suggest};
use crate::memory::vars::Declaration;
use crate::numbers::Numbers;

use super::catalogue::Returns;
use super::far::Asks;
use super::fields::Sort;
use super::opening::Opening;
use super::tables::{self, Sheets};
use super::vars::Vars;
use super::{World, duration, fields, never};

/// All hours by name; `None` for those that did not compile, so that their name is known all the same.
pub(super) type HoursByName = BTreeMap<Arc<str>, Option<Arc<Opening>>>;

/// How durations are written.
const DURATIONS: &str = "durations are written such as \"20s\", \"5m\", \"1h30m\", \"800ms\"";

/// What reading a rule needs at hand.
pub(super) struct Context<'a> {
    pub(super) source: &'a Source,
    pub(super) engine: &'a mut Engine,
    pub(super) report: &'a mut Report,
    pub(super) world: &'a World,
    pub(super) hours: &'a HoursByName,
    pub(super) tables: &'a Sheets,
    pub(super) vars: &'a Vars,
    /// How numbers are read.
    pub(super) numbers: &'a Numbers,
    /// What was read of the files that this one and the others name.
    pub(super) attached: &'a mut Vec<Source>,
    /// What the rule that is being read asks for that publications do not carry.
    pub(super) asks: Asks,
}

/// The names that a template of a rule may read beside the views.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) kinds: Vec<Kind>,
    pub(super) bindings: Vec<String>,
    /// Those of the bindings that are rows of a table of that name.
    pub(super) rows: Vec<String>,
    /// The named steps before, and what they return.
    pub(super) steps: Vec<(String, Returns)>,
    /// The names that steps are given, each with the last step that has it, counted from 0.
    pub(super) named: BTreeMap<String, usize>,
    /// Which step this is.
    pub(super) step: usize,
}

impl Context<'_> {
    /// Notes an error and returns it for more words.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        span: &Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        let finding = Finding::error(code, self.source, span.clone(), message).maybe_help(help);
        self.report.push(finding);
    }

    /// Notes what the daemon can live with.
    pub(super) fn warning(&mut self, code: &'static str, span: &Range<usize>, message: String, help: &str) {
        self.report.push(Finding::warning(code, self.source, span.clone(), message).help(help));
    }

    /// Finds a text that a field is compared with and never is, as far as its values are known.
    pub(super) fn known_value(&mut self, path: &str, text: &str, span: &Range<usize>, kinds: &[Kind]) {
        if let Some(name) = path.strip_prefix("vars.") {
            let Some(var) = self.vars.get(name).filter(|var| !var.values.is_empty()) else { return };
            let known: Vec<&str> = var.values.iter().map(|value| &**value).collect();
            if !known.contains(&text) {
                let help = suggest::did_you_mean(text, known.iter().copied());
                self.error("unknown-value", span, format!("`{path}` never is \"{}\"", short(text)), help);
            }
            return;
        }
        let Some(known) = never::values(path, kinds).filter(|known| !known.contains(&text)) else { return };
        let help = never::other_word(path, text)
            .filter(|word| known.contains(word))
            .map(|word| format!("write \"{word}\""))
            .or_else(|| suggest::did_you_mean(text, known.iter().copied()))
            .unwrap_or_default();
        self.warning("value-never-there", span, format!("`{path}` never is \"{}\" here", short(text)), &help);
    }

    /// The file that a value names, relative to the file that it stands in.
    pub(super) fn attach(&mut self, node: &Node<'_>, what: &str) -> Option<Source> {
        let name = self.text(node, what)?;
        match self.world.attached.read(self.source, name) {
            Ok(source) => {
                if self.attached.iter().all(|known| known.name != source.name) {
                    self.attached.push(source.clone());
                }
                Some(source)
            }
            Err(why) => {
                let help = Some("its path is relative to the file that names it".to_owned());
                self.error("unreadable-file", &node.span, format!("`{name}`: {why}"), help);
                None
            }
        }
    }

    /// A key that nobody knows, that stands in the wrong place, or that a later version will know.
    pub(super) fn unknown_key(&mut self, entry: &Entry<'_>, owner: &str, known: &[&str], later: &[&str]) {
        if later.contains(&&*entry.key) {
            return self.not_supported(&entry.key_span, &entry.key);
        }
        let all = known.iter().chain(later).copied();
        let help = suggest::did_you_mean(&entry.key, all.collect::<Vec<_>>());
        self.error("unknown-key", &entry.key_span, format!("{owner} has no key `{}`", entry.key), help);
    }

    /// Of the language, but not of this version.
    pub(super) fn not_supported(&mut self, span: &Range<usize>, what: &str) {
        self.error("not-supported", span, format!("`{what}` is not supported by this version yet"), None);
    }

    /// Text, and nothing but text.
    pub(super) fn text<'n>(&mut self, node: &'n Node<'_>, what: &str) -> Option<&'n str> {
        if let Some(text) = node.text() {
            return Some(text);
        }
        let help = self.quoted(node);
        self.error("wrong-type", &node.span, format!("`{what}` takes text, not {}", node.sort()), help);
        None
    }

    /// How a number, truth value or date is written as text.
    pub(super) fn quoted(&self, node: &Node<'_>) -> Option<String> {
        let scalar = matches!(node.value, Item::Integer(_) | Item::Float(_) | Item::Date(_) | Item::Bool(_));
        let raw = self.source.text.get(node.span.clone())?;
        scalar.then(|| format!("write it in quotes: \"{raw}\""))
    }

    /// `true` or `false`.
    pub(super) fn bool(&mut self, node: &Node<'_>, what: &str) -> Option<bool> {
        if let Item::Bool(value) = node.value {
            return Some(value);
        }
        let help = Some("write true or false, without quotes".to_owned());
        self.error("wrong-type", &node.span, format!("`{what}` is true or false, not {}", node.sort()), help);
        None
    }

    /// A duration such as `20s`.
    pub(super) fn duration(&mut self, node: &Node<'_>, what: &str) -> Option<Duration> {
        if matches!(node.value, Item::Integer(_) | Item::Float(_)) {
            let help = Some(DURATIONS.to_owned());
            self.error("wrong-type", &node.span, format!("`{what}` is a duration, with a unit and in quotes"), help);
            return None;
        }
        let text = self.text(node, what)?;
        let found = duration::parse(text);
        if found.is_none() {
            let help = Some(DURATIONS.to_owned());
            self.error("duration", &node.span, format!("`{what}` is a duration; \"{}\" is none", short(text)), help);
        }
        found
    }

    /// A table.
    pub(super) fn table<'n, 't>(&mut self, node: &'n Node<'t>, what: &str, example: &str) -> Option<&'n Table<'t>> {
        if let Item::Table(table) = &node.value {
            return Some(table);
        }
        let help = Some(format!("write it such as `{example}`"));
        self.error("wrong-type", &node.span, format!("`{what}` takes a table, not {}", node.sort()), help);
        None
    }

    /// A list of texts, or one text.
    pub(super) fn texts(&mut self, node: &Node<'_>, what: &str) -> Vec<(String, Range<usize>)> {
        match &node.value {
            Item::List(items) => {
                items.iter().filter_map(|item| Some((self.text(item, what)?.to_owned(), item.span.clone()))).collect()
            }
            _ => self.text(node, what).map(|text| (text.to_owned(), node.span.clone())).into_iter().collect(),
        }
    }

    /// Compiles a template and checks the names that it reads.
    pub(super) fn template(&mut self, node: &Node<'_>, what: &str, place: Place, names: &Names) -> Option<Template> {
        self.template_in("", node, what, place, names)
    }

    /// The same for a text in a language: its dates speak it.
    pub(super) fn template_in(
        &mut self,
        language: &str,
        node: &Node<'_>,
        what: &str,
        place: Place,
        names: &Names,
    ) -> Option<Template> {
        let text = self.text(node, what)?;
        match self.engine.template_in(language, text, place) {
            Ok(template) => {
                self.names(node, text, false, template.names(), names);
                Some(template)
            }
            Err(problems) => {
                self.problems(node, text, problems);
                None
            }
        }
    }

    /// Compiles an expression and checks the names that it reads.
    pub(super) fn condition(&mut self, node: &Node<'_>, what: &str, names: &Names) -> Option<Condition> {
        let text = self.text(node, what)?;
        match self.engine.condition(text) {
            Ok(condition) => {
                self.names(node, text, true, condition.names(), names);
                Some(condition)
            }
            Err(problems) => {
                self.problems(node, text, problems);
                None
            }
        }
    }

    /// The var of that name, or the one that may be meant.
    pub(super) fn known_var(&self, name: &str) -> Result<Declaration, Option<String>> {
        let meant = || suggest::nearest(name, self.vars.keys().map(|name| &**name).chain(["until", "for"]));
        self.vars.get(name).cloned().ok_or_else(|| meant().map(str::to_owned))
    }

    /// Says what is wrong with the name of a dialog.
    pub(super) fn known_dialog(&mut self, span: &Range<usize>, name: &str) {
        self.not_supported(span, &format!("[dialogs.{}]", short(name)));
    }

    fn problems(&mut self, node: &Node<'_>, text: &str, problems: Vec<Problem>) {
        for problem in problems {
            let span = document::inside(self.source, &node.span, text, problem.range);
            self.error(problem.code, &span, problem.message, problem.help);
        }
    }

    fn names(&mut self, node: &Node<'_>, text: &str, expression: bool, read: &[Name], names: &Names) {
        for name in read {
            self.reads(&name.path);
            if let Err(trouble) = self.name(&name.path, names) {
                let span = document::inside(self.source, &node.span, text, name.range.clone());
                self.error(trouble.code, &span, trouble.message, trouble.help);
            }
        }
        for (path, literal, range) in crate::language::compared(text, expression) {
            let span = document::inside(self.source, &node.span, text, Some(range));
            self.known_value(&path, &literal, &span, &names.kinds);
        }
    }

    fn name(&self, path: &str, names: &Names) -> Result<(), fields::Trouble> {
        let mut parts = path.split('.');
        let (root, second) = (parts.next().unwrap_or_default(), parts.next());
        if names.rows.iter().any(|name| name == root) {
            return self.cell(path, root, second, parts.next());
        }
        if root == "tables" {
            return self.table_name(path, second, parts.nth(1), parts.next());
        }
        if names.bindings.iter().any(|name| name == root) || root == "now" {
            return Ok(());
        }
        if let Some((_, returns)) = names.steps.iter().rev().find(|(name, _)| name == root) {
            return step_result(path, second, *returns);
        }
        if let Some(step) = names.named.get(root).filter(|step| **step >= names.step) {
            return Err(not_yet(root, *step == names.step));
        }
        if root == "hours" {
            return self.hours_name(path, second, parts.next());
        }
        self.field(path, &names.kinds).map(|_| ()).map_err(|trouble| {
            let steps = names.steps.iter().map(|(name, _)| name);
            let own = names.bindings.iter().chain(steps).map(String::as_str).chain(["now", "hours", "tables"]);
            let own = if trouble.code == "unknown-field" { suggest::nearest(root, own) } else { None };
            let help = own.map(|found| format!("did you mean `{found}{}`?", &path[root.len()..])).or(trouble.help);
            fields::Trouble { help, ..trouble }
        })
    }

    /// What a field holds, or what is wrong with its path.
    pub(super) fn field(&self, path: &str, kinds: &[Kind]) -> Result<Sort, fields::Trouble> {
        let mut parts = path.split('.');
        let (root, name, rest) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        if root != "vars" {
            return fields::check(path, kinds);
        }
        let Some(name) = name else { return Ok(Sort::Open) };
        if !self.vars.contains_key(name) {
            let message = format!("no var is called `{name}`");
            let help = suggest::did_you_mean(name, self.vars.keys().map(|name| &**name).collect::<Vec<_>>())
                .unwrap_or_else(|| format!("vars are declared: [vars.{name}]"));
            return Err(fields::Trouble { code: "unknown-var", message, help: Some(help) });
        }
        if rest.is_some() {
            let message = format!("`vars.{name}` is a plain value: there is nothing below it");
            return Err(fields::Trouble { code: "unknown-field", message, help: None });
        }
        Ok(Sort::Text)
    }

    /// `tables.NAME`, and the column after its key.
    fn table_name(
        &self,
        path: &str,
        name: Option<&str>,
        column: Option<&str>,
        below: Option<&str>,
    ) -> Result<(), fields::Trouble> {
        let name = name.unwrap_or_default();
        if self.tables.contains_key(name) {
            self.cell(path, name, column, below)
        } else {
            Err(tables::unknown(self.tables, name))
        }
    }

    /// A column of a table, which is a plain value.
    fn cell(&self, path: &str, table: &str, column: Option<&str>, below: Option<&str>) -> Result<(), fields::Trouble> {
        // Of a table that could not be read the columns are not known.
        let Some(Some(sheet)) = self.tables.get(table) else { return Ok(()) };
        let Some(column) = column else { return Ok(()) };
        if !sheet.table.has(column) {
            let columns = sheet.table.columns().iter().map(|column| &**column).filter(|column| !column.is_empty());
            let help = suggest::did_you_mean(column, columns.collect::<Vec<_>>());
            let message = format!("the table `{table}` has no column `{column}`");
            return Err(fields::Trouble { code: "unknown-column", message, help });
        }
        if below.is_some() {
            let message = format!("a cell is plain text: there is nothing below it, so `{path}` does not exist");
            return Err(fields::Trouble { code: "unknown-field", message, help: None });
        }
        Ok(())
    }

    fn hours_name(&self, path: &str, name: Option<&str>, word: Option<&str>) -> Result<(), fields::Trouble> {
        const WORDS: [&str; 3] = ["open", "next_open", "next_change"];
        let name = name.unwrap_or_default();
        let known = self.hours.keys().map(|name| &**name).collect::<Vec<_>>();
        if !self.hours.contains_key(name) {
            let help = suggest::did_you_mean(name, known.iter().copied());
            return Err(fields::Trouble {
                code: "unknown-hours",
                message: format!("no hours are called `{name}`"),
                help,
            });
        }
        if word.is_some_and(|word| WORDS.contains(&word)) {
            return Ok(());
        }
        let help = suggest::did_you_mean(word.unwrap_or_default(), WORDS);
        Err(fields::Trouble { code: "unknown-field", message: format!("hours have no `{path}`"), help })
    }
}

/// What a step returned has a few known parts; its body is open.
fn step_result(path: &str, second: Option<&str>, returns: Returns) -> Result<(), fields::Trouble> {
    let parts: &[&str] = match returns {
        Returns::Open => return Ok(()),
        Returns::Outcome | Returns::List => &[],
        Returns::Answer => &["status", "body"],
        Returns::Fields(fields) => fields,
    };
    let all: Vec<&str> =
        if returns == Returns::List { Vec::new() } else { ["ok", "error"].iter().chain(parts).copied().collect() };
    let Some(second) = second.filter(|second| !all.contains(second)) else { return Ok(()) };
    let root = path.split('.').next().unwrap_or_default();
    if returns == Returns::List {
        let message = format!("`{root}` is a list; it has no `{second}`");
        let help = format!("take one of it, `{root}[0].{second}`, or all in a step with `each = \"{root}\"`");
        return Err(fields::Trouble { code: "unknown-field", message, help: Some(help) });
    }
    let help = match suggest::nearest(second, all.iter().copied()) {
        Some(found) => Some(format!("did you mean `{root}.{found}`?")),
        None if returns == Returns::Answer => Some(format!("did you mean `{root}.body.{second}`?")),
        None => None,
    };
    let message = format!("the step `{root}` returns {}, not `{second}`", suggest::list(&all));
    Err(fields::Trouble { code: "unknown-field", message, help })
}

/// A name that a step is given, read before that step is done.
fn not_yet(name: &str, own: bool) -> fields::Trouble {
    let message = if own {
        format!("`{name}` is what this step returns, and it has not returned yet")
    } else {
        format!("`{name}` is what a later step returns")
    };
    let help = Some("steps run in order; what one returns is there for those behind it".to_owned());
    fields::Trouble { code: "used-before-set", message, help }
}

/// A text for a message.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}
