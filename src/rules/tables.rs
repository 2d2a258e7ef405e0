//! Reading `[tables.NAME]`, and what a rule file asks of numbers and tables.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::language::document::{Entry, Item, Node, Table};
use crate::language::{Finding, suggest};
use crate::numbers::Never;
use crate::tables::{self, Match, Row, Shape, Sheet};

use super::context::{Context, Names};
use super::{conditions, fields, gates};

pub(super) const KEYS: &[&str] = &["file", "key", "match", "phone"];
const EXAMPLE: &str = "file = \"extensions.csv\", key = \"extension\"";

/// All tables by name; `None` for those that could not be read, so that their name is known all the same.
pub(super) type Sheets = BTreeMap<Arc<str>, Option<Sheet>>;

/// Reads `[tables]` of a file.
pub(super) fn collect(context: &mut Context<'_>, table: &Table<'_>, into: &mut Sheets) {
    for entry in &table.entries {
        if into.contains_key(&*entry.key) {
            gates::twice(context.source, entry, "tables", context.report);
            continue;
        }
        let name = &entry.key;
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            let help = Some("letters, digits and _ only, such as [tables.area_codes]".to_owned());
            context.error("bad-name", &entry.key_span, format!("`{name}` can't be used in templates"), help);
        }
        let sheet = one(context, entry);
        into.insert(Arc::from(&**name), sheet);
    }
}

fn one(context: &mut Context<'_>, name: &Entry<'_>) -> Option<Sheet> {
    let table = context.table(&name.node, &name.key, EXAMPLE)?;
    let (mut key, mut matching, mut phone) = (None, Match::Exact, false);
    for entry in &table.entries {
        match &*entry.key {
            "file" => {}
            "key" => key = context.text(&entry.node, "key"),
            "match" => match context.text(&entry.node, "match") {
                Some("longest-prefix") => matching = Match::LongestPrefix,
                Some("exact") | None => {}
                Some(other) => {
                    let help = suggest::did_you_mean(other, ["exact", "longest-prefix"]);
                    let message = "`match` is \"exact\" or \"longest-prefix\"";
                    context.error("unknown-value", &entry.node.span, message, help);
                }
            },
            "phone" => phone = context.bool(&entry.node, "phone").unwrap_or(false),
            _ => context.unknown_key(entry, "a table", KEYS, &[]),
        }
    }
    for needed in ["file", "key"] {
        if table.get(needed).is_none() {
            let help = Some(format!("write it such as `{EXAMPLE}`"));
            context.error("missing-key", &name.key_span, format!("the table `{}` has no `{needed}`", name.key), help);
        }
    }
    let source = context.attach(&table.get("file")?.node, "file")?;
    let shape = Shape { key: key?, matching, phone: phone.then_some(context.numbers) };
    tables::read(&source, &shape, context.report)
}

/// No table is called so.
pub(super) fn unknown(tables: &Sheets, name: &str) -> fields::Trouble {
    let help = suggest::did_you_mean(name, tables.keys().map(|name| &**name))
        .unwrap_or_else(|| format!("write it as [tables.{name}]"));
    fields::Trouble { code: "unknown-table", message: format!("no table is called `{name}`"), help: Some(help) }
}

/// Reads the matcher word `table`: names of tables, whose rows are bound to these names if `binds`.
pub(super) fn word(
    context: &mut Context<'_>,
    names: &mut Names,
    node: &Node<'_>,
    binds: bool,
) -> Vec<(Arc<str>, Arc<tables::Table>)> {
    let mut found = Vec::new();
    for (name, span) in context.texts(node, "table") {
        let Some((name, sheet)) = context.tables.get_key_value(&*name) else {
            let trouble = unknown(context.tables, &name);
            context.error(trouble.code, &span, trouble.message, trouble.help);
            // What reads its row is not a mistake of its own.
            names.bindings.push(name);
            continue;
        };
        found.extend(sheet.as_ref().map(|sheet| (Arc::clone(name), Arc::clone(&sheet.table))));
        if binds {
            let name = name.to_string();
            conditions::bind(context, names, &name, &span);
            names.rows.push(name);
        }
    }
    if matches!(&node.value, Item::List(items) if items.is_empty()) {
        context.error("empty-matcher", &node.span, "`table` names no tables", None);
    }
    found
}

/// Warns of a text in a matcher on `call.from` or `call.to` that no number is, or begins with.
pub(super) fn number(context: &mut Context<'_>, path: &str, text: &str, span: &Range<usize>, begins: bool) {
    if !matches!(path, "call.from" | "call.to") {
        return;
    }
    let (message, help) = if begins {
        let Some(form) = context.numbers.never_begins(text) else { return };
        (format!("no number in `{path}` begins with `{text}`"), format!("numbers are in E.164 there: write \"{form}\""))
    } else {
        match context.numbers.never(text) {
            Some(Never::Written(form)) => {
                (format!("`{path}` never is `{text}`"), format!("numbers are in E.164 there: write \"{form}\""))
            }
            Some(Never::Incomplete) => (
                format!("`{path}` never is `{text}`: no number is so short or so long, or has this country code"),
                format!("is `{{ prefix = \"{text}\" }}` meant?"),
            ),
            Some(Never::Withheld) => (
                format!("`{path}` never is `{text}`: a number that is withheld is missing"),
                "write `{ exists = false }`, or ask for the text itself in `call.from_raw`".to_owned(),
            ),
            Some(Never::NoNumber) | None => return,
        }
    };
    let finding = Finding::warning("never-a-number", context.source, span.clone(), message);
    context.report.push(finding.help(help));
}

/// A destination that is taken from cells: `{{ ext.lunch or ext.night or "4000" }}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    /// Table and column, in order: the first that is not empty counts.
    cells: Vec<(String, String)>,
    /// What is taken when all are empty.
    other: Option<String>,
}

impl Destination {
    /// Reads a template; `None` if there is more in it than cells of rows, `or` and text.
    pub(super) fn of(template: &str, names: &Names) -> Option<Self> {
        let inner = template.trim().strip_prefix("{{")?.strip_suffix("}}")?;
        let mut found = Self { cells: Vec::new(), other: None };
        for part in inner.split(" or ").map(str::trim) {
            let quoted =
                |quote: char| part.strip_prefix(quote)?.strip_suffix(quote).filter(|text| !text.contains(quote));
            if let Some(text) = quoted('"').or_else(|| quoted('\'')).filter(|text| !text.is_empty()) {
                found.other = Some(text.to_owned());
                break;
            }
            let (row, column) = part.split_once('.')?;
            let word = column.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !word || !names.rows.iter().any(|known| known == row) {
                return None;
            }
            found.cells.push((row.to_owned(), column.to_owned()));
        }
        (!found.cells.is_empty()).then_some(found)
    }

    /// The one table that it is taken from.
    pub(super) fn table(&self) -> Option<&str> {
        let (first, _) = self.cells.first()?;
        self.cells.iter().all(|(table, _)| table == first).then_some(first.as_str())
    }

    /// What it is for a row of its one table, and the column that it stands in.
    pub(super) fn in_row<'a>(&'a self, row: &Row<'a>) -> Option<(&'a str, Option<&'a str>)> {
        let filled = self.cells.iter().find_map(|(_, column)| Some((row.cell(column)?, Some(column.as_str()))));
        filled.or_else(|| self.other.as_deref().map(|other| (other, None)))
    }
}

/// Warns when all cells of a destination are empty in some row.
pub(super) fn empty_cells(context: &mut Context<'_>, destination: &Destination, at: &Range<usize>) {
    if destination.other.is_some() {
        return;
    }
    let mut empty = None;
    for (table, _) in &destination.cells {
        let Some(Some(sheet)) = context.tables.get(&**table) else { return };
        let columns: Vec<&str> =
            destination.cells.iter().filter(|(other, _)| other == table).map(|(_, column)| column.as_str()).collect();
        if columns.iter().any(|column| !sheet.table.has(column)) {
            return;
        }
        let mut rows = sheet.table.rows().filter(|row| columns.iter().all(|column| row.cell(column).is_none()));
        let Some(first) = rows.next() else { return };
        let more = rows.count();
        empty = empty.or(Some((sheet, columns, first, more)));
    }
    let Some((sheet, columns, row, more)) = empty else { return };
    let (key, line, file) = (row.key(), sheet.line(&row), &sheet.source.name);
    let more = if more > 0 { format!(", and in {more} more") } else { String::new() };
    let verb = if columns.len() == 1 { "is" } else { "are" };
    let message = format!(
        "{} {verb} empty in the row `{key}` ({file}:{line}){more}: the call would stay where it is",
        suggest::list(&columns)
    );
    let cells: Vec<String> = destination.cells.iter().map(|(table, column)| format!("{table}.{column}")).collect();
    let finding = Finding::warning("empty-cell", context.source, at.clone(), message);
    context
        .report
        .push(finding.help(format!("fill the cell, or say what then: {{{{ {} or \"4000\" }}}}", cells.join(" or "))));
}
