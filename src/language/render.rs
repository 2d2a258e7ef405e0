//! How findings look: miette's drawing for people, JSON for tools. Bounded in size and time, whatever the file.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    Severity as Level, SourceCode, SourceSpan, SpanContents,
};
use serde_json::{Value, json};

use super::diagnostic::{Finding, Report, SHOWN, Severity};
use super::source::Source;

/// A line that is longer is not drawn.
const MAX_LINE: usize = 500;

/// Where something stands: line and column from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

/// The starts of all lines of a text, for many questions about one file.
#[derive(Debug)]
pub struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    /// Reads a text once.
    pub fn of(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(breaks).collect() }
    }

    /// The line of a byte, from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// Where a byte stands.
    pub fn position(&self, text: &str, offset: usize) -> Position {
        let line = self.line(offset);
        let start = self.starts[line - 1];
        let before = text.get(start..offset).unwrap_or_default();
        Position { line, column: 1 + before.chars().count() }
    }

    fn bytes(&self, text: &str, line: usize) -> std::ops::Range<usize> {
        let start = self.starts.get(line - 1).copied().unwrap_or(text.len());
        let end = self.starts.get(line).map_or(text.len(), |next| next - 1);
        start..end.max(start)
    }
}

/// Findings of one file come together, so its lines are read once.
struct Reader {
    name: Arc<str>,
    lines: Lines,
}

impl Reader {
    fn for_source<'a>(slot: &'a mut Option<Reader>, source: &Source) -> &'a Lines {
        if slot.as_ref().is_none_or(|reader| reader.name != source.name) {
            *slot = None;
        }
        &slot.get_or_insert_with(|| Reader { name: source.name.clone(), lines: Lines::of(&source.text) }).lines
    }
}

/// The whole report for a person.
pub(super) fn report(report: &Report, colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler =
        GraphicalReportHandler::new_themed(theme).with_wrap_lines(false).with_links(false).with_context_lines(0);
    let (mut out, mut slot) = (String::new(), None);
    for finding in report.findings().into_iter().take(SHOWN) {
        let shown = Shown::of(finding, Reader::for_source(&mut slot, &finding.source));
        if shown.excerpt.is_none() {
            let _ = writeln!(out, "  {}", shown.place());
        }
        let _ = handler.render_report(&mut out, &shown);
    }
    if report.len() > SHOWN {
        let _ = writeln!(out, "… and {} more", report.len() - SHOWN);
    }
    out
}

/// The whole report for a tool.
pub(super) fn json(report: &Report) -> Value {
    let mut slot = None;
    let findings: Vec<Value> = report
        .findings()
        .into_iter()
        .take(SHOWN)
        .map(|finding| {
            let lines = Reader::for_source(&mut slot, &finding.source);
            let position = lines.position(&finding.source.text, finding.span.start);
            json!({
                "code": finding.code, "page": super::codes::page(finding.code), "severity": finding.severity, "message": finding.message,
                "file": &*finding.source.name, "line": position.line, "column": position.column,
                "span": [finding.span.start, finding.span.end], "label": finding.label, "help": finding.help,
            })
        })
        .collect();
    json!({ "findings": findings, "total": report.len() })
}

/// One finding with the one line that is drawn.
#[derive(Debug)]
struct Shown<'a> {
    finding: &'a Finding,
    position: Position,
    excerpt: Option<Excerpt<'a>>,
}

impl<'a> Shown<'a> {
    fn of(finding: &'a Finding, lines: &Lines) -> Self {
        let text: &str = &finding.source.text;
        let position = lines.position(text, finding.span.start);
        let bytes = lines.bytes(text, position.line);
        let drawn = !bytes.is_empty() && bytes.len() <= MAX_LINE;
        let excerpt = drawn.then(|| {
            let end = finding.span.end.clamp(finding.span.start, bytes.end.max(finding.span.start));
            Excerpt { name: &finding.source.name, text, bytes, position, mark: finding.span.start..end }
        });
        Self { finding, position, excerpt }
    }

    fn place(&self) -> String {
        format!("{}:{}:{}", self.finding.source.name, self.position.line, self.position.column)
    }
}

/// One line of a file, as miette wants to read it.
#[derive(Debug)]
struct Excerpt<'a> {
    name: &'a str,
    text: &'a str,
    bytes: std::ops::Range<usize>,
    position: Position,
    mark: std::ops::Range<usize>,
}

impl SourceCode for Excerpt<'_> {
    fn read_span<'b>(
        &'b self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'b> + 'b>, MietteError> {
        // Asked without context for where the label begins, else for the line.
        let _ = (span, before, after);
        let line = &self.text.as_bytes()[self.bytes.clone()];
        let range = SourceSpan::new(self.bytes.start.into(), self.bytes.len());
        let (row, column) = (self.position.line - 1, self.position.column - 1);
        Ok(Box::new(MietteSpanContents::new_named(self.name.to_owned(), line, range, row, column, 1)))
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.finding.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.finding.code))
    }

    fn severity(&self) -> Option<Level> {
        Some(match self.finding.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.finding.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let mark = &self.excerpt.as_ref()?.mark;
        Some(Box::new(std::iter::once(LabeledSpan::new(self.finding.label.clone(), mark.start, mark.len()))))
    }
}
