//! TOML with a place for every key and value, in the order in which it was written.
//!
//! The parser is the `toml` crate; this is the tree that the rooms above read, free of its types. Depth is bounded by
//! the parser, so walking the tree may recurse. A large file is read a piece at a time ([`pieces`]).

mod pieces;

use std::borrow::Cow;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::diagnostic::{Finding, Report};
use super::source::Source;

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    /// The bytes of the value, quotes and brackets included.
    pub span: Range<usize>,
    /// What stands there.
    pub value: Item<'a>,
}

/// The sorts of values that TOML has.
#[derive(Clone, Debug)]
pub enum Item<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A date or time, as it was written.
    Date(String),
    /// A list.
    List(Vec<Node<'a>>),
    /// A table.
    Table(Table<'a>),
}

/// The entries of a table, in the order of their places.
#[derive(Clone, Debug, Default)]
pub struct Table<'a> {
    /// The entries.
    pub entries: Vec<Entry<'a>>,
}

/// A key, its place and its value.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The key, without quotes.
    pub key: Cow<'a, str>,
    /// Where the key stands.
    pub key_span: Range<usize>,
    /// The key is written in quotes.
    pub quoted: bool,
    /// The value.
    pub node: Node<'a>,
}

impl<'a> Table<'a> {
    /// The entry with that key.
    pub fn get(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Takes the entry with that key out, so that it can be dropped before the table is.
    pub fn remove(&mut self, key: &str) -> Option<Entry<'a>> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(at))
    }
}

impl Node<'_> {
    /// The text, if it is text.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Item::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What it is, for messages: "text", "a number", …
    pub fn sort(&self) -> &'static str {
        match &self.value {
            Item::Text(_) => "text",
            Item::Integer(_) | Item::Float(_) => "a number",
            Item::Bool(_) => "true or false",
            Item::Date(_) => "a date",
            Item::List(_) => "a list",
            Item::Table(_) => "a table",
        }
    }
}

/// The most marks (`=`, `,`, `[`) of one file: each may begin a value, and a value takes a hundred times the room of the two
/// bytes that it may be written with.
const MAX_MARKS: usize = 2 << 20;

/// Reads a text. Mistakes of the syntax become findings; of a text that has any, nothing is returned.
pub fn parse<'a>(source: &'a Source, report: &mut Report) -> Option<Table<'a>> {
    let text: &'a str = &source.text;
    let marks = text.bytes().filter(|byte| matches!(byte, b'=' | b',' | b'[')).count();
    if marks > MAX_MARKS {
        let message = format!("this file holds more than {MAX_MARKS} values");
        report.push(Finding::error("too-large", source, 0..0, message).help("spread it over several files"));
        return None;
    }
    if text.len() > pieces::SMALL
        && let Some(table) = pieces::parse(source, text, pieces::SIZE)
    {
        return Some(table);
    }
    whole(source, text, report)
}

/// Reads a text in one go.
fn whole<'a>(source: &'a Source, text: &'a str, report: &mut Report) -> Option<Table<'a>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let mut reader = Reader { source, text, offset: 0, failed: false, report };
        let table = reader.table(table.into_inner());
        return (!reader.failed).then_some(table);
    }
    for error in errors.iter().take(100) {
        report.push(syntax(source, error));
    }
    None
}

fn syntax(source: &Source, error: &toml::de::Error) -> Finding {
    let span = error.span().unwrap_or_default();
    let message = error.message().trim().replace('\n', ", ");
    let at = source.text.get(span.clone()).unwrap_or_default().trim_matches(['"', '\'', ' ']);
    if at == "do" && message.contains("duplicate") || at == "rule" && message.contains("extend") {
        return do_twice(source, span);
    }
    if message.contains("duplicate key") {
        let message = format!("`{at}` is written twice in one table");
        return Finding::error("duplicate-key", source, span, message)
            .help("keep one of the two, or join them in a list");
    }
    let message = message.trim_end_matches(", expected nothing");
    let help = match message {
        message if message.contains("leading zero") => {
            Some("extensions and phone numbers are text: write them in quotes")
        }
        message if message.contains("invalid basic string") || message.contains("must be quoted") => {
            Some("text stands between quotes, in one line: \"…\" or '…'")
        }
        message if message.contains("unclosed inline table") => Some("is a } missing?"),
        message if message.contains("unclosed array table") => {
            Some("a list of tables has two brackets on each side: [[rule]]")
        }
        message if message.contains("unclosed array") => Some("is a ] missing?"),
        _ => None,
    };
    let finding = Finding::error("syntax", source, span, format!("this is not TOML: {message}"));
    finding.maybe_help(help.map(str::to_owned))
}

/// `do = […]` and `[[rule.do]]` in one rule.
fn do_twice(source: &Source, span: Range<usize>) -> Finding {
    Finding::error("do-twice", source, span, "`do` is written twice in one rule")
        .help("write all steps in `do = [{ … }]` or each in a `[[rule.do]]` of its own, never both")
}

struct Reader<'a, 'r> {
    source: &'r Source,
    /// The text, or a piece of it.
    text: &'a str,
    /// Where the piece begins.
    offset: usize,
    failed: bool,
    report: &'r mut Report,
}

impl<'a> Reader<'a, '_> {
    fn table(&mut self, table: DeTable<'a>) -> Table<'a> {
        let mut entries: Vec<Entry<'a>> = Vec::with_capacity(table.len());
        for (key, value) in table {
            let (key_span, span) = (key.span(), value.span());
            let quoted = self.text.as_bytes().get(key_span.start).is_some_and(|byte| matches!(byte, b'"' | b'\''));
            let node = self.node(span, value.into_inner());
            entries.push(Entry { key: key.into_inner(), key_span: self.place(&key_span), quoted, node });
        }
        entries.sort_by_key(|entry| entry.key_span.start);
        Table { entries }
    }

    /// The place in the file of a place in the piece.
    fn place(&self, span: &Range<usize>) -> Range<usize> {
        span.start + self.offset..span.end + self.offset
    }

    fn node(&mut self, span: Range<usize>, value: DeValue<'a>) -> Node<'a> {
        let span = self.place(&span);
        let value = match value {
            DeValue::String(text) => Item::Text(text),
            DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
                Ok(number) => Item::Integer(number),
                Err(_) => self.refuse(&span, "this number is too large; ids and phone numbers are text, in quotes"),
            },
            DeValue::Float(digits) => match digits.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() => Item::Float(number),
                _ => self.refuse(&span, "this is no number that can be compared"),
            },
            DeValue::Boolean(value) => Item::Bool(value),
            DeValue::Datetime(date) => Item::Date(date.to_string()),
            DeValue::Array(items) => Item::List(
                items
                    .into_iter()
                    .map(|item| (item.span(), item.into_inner()))
                    .map(|(at, item)| self.node(at, item))
                    .collect(),
            ),
            DeValue::Table(table) => Item::Table(self.table(table)),
        };
        Node { span, value }
    }

    fn refuse(&mut self, span: &Range<usize>, message: &str) -> Item<'a> {
        self.failed = true;
        self.report.push(Finding::error("number", self.source, span.clone(), message));
        Item::Integer(0)
    }
}

/// The place inside the file of a range of a decoded string, when the string is written without escapes; else the
/// place of the whole string.
pub fn inside(source: &Source, span: &Range<usize>, decoded: &str, range: Option<Range<usize>>) -> Range<usize> {
    let Some(range) = range else { return span.clone() };
    let Some(raw) = source.text.get(span.clone()) else { return span.clone() };
    let body = ["'''", "\"\"\"", "'", "\""].into_iter().find_map(|quote| {
        let body = raw.strip_prefix(quote)?.strip_suffix(quote)?;
        let newline = if quote.len() == 1 {
            0
        } else {
            body.len() - body.trim_start_matches('\r').trim_start_matches('\n').len()
        };
        let newline = newline.min(1 + usize::from(body.starts_with('\r')));
        Some((span.start + quote.len() + newline, body.get(newline..)?))
    });
    let found = body.filter(|(_, body)| *body == decoded).map(|(start, _)| start);
    found.map_or_else(
        || span.clone(),
        |start| start + range.start.min(decoded.len())..start + range.end.min(decoded.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<String>, Report) {
        let source = Source::new("all.toml", text);
        let mut report = Report::default();
        let keys = parse(&source, &mut report)
            .map(|table| table.entries.iter().map(|entry| entry.key.to_string()).collect::<Vec<_>>().join(" "));
        (keys, report)
    }

    #[test]
    fn order_is_the_written_one() {
        assert_eq!(read("z = 1\na.b = 2\nm = 3\na.c = 4\n").0.as_deref(), Some("z a m"));
    }

    #[test]
    fn do_twice_says_so() {
        let (_, report) = read("[[rule]]\ndo = []\n[[rule.do]]\nlog = 1\n");
        assert_eq!(report.findings()[0].code, "do-twice", "{report}");
    }

    #[test]
    fn deep_nesting_is_refused_not_followed() {
        for text in
            ["[".repeat(100_000), format!("x = {}", "[".repeat(100_000)), format!("{}a = 1", "a.".repeat(100_000))]
        {
            assert!(!read(&text).1.is_empty());
        }
        let _ = read(&format!("x = {}", "{a = ".repeat(100_000)));
    }

    #[test]
    fn places_inside_a_string() {
        let source = Source::new("a", "x = '''\nab{{ c }}''' ");
        let decoded = "ab{{ c }}";
        let found = inside(&source, &(4..20), decoded, Some(5..6));
        assert_eq!(&source.text[found], "c");
    }
}
