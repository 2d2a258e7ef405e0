//! Findings: what is wrong, where, why, and what to write instead.
//!
//! A finding is made for a person who has the file open. Its code is stable and meant for tools; its text may change.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

use super::codes::CODES;
use super::source::Source;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file does not hold together.
    Error,
    /// The file works, but hardly as it was meant.
    Warning,
}

/// One mistake and its place.
#[derive(Clone, Debug)]
pub struct Finding {
    /// A stable word for the sort of mistake, such as `unknown-key`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The file.
    pub source: Source,
    /// The bytes of the offending key or value.
    pub span: Range<usize>,
    /// A few words under the caret.
    pub label: Option<String>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Finding {
    /// What keeps a file from being used.
    pub fn error(code: &'static str, source: &Source, span: Range<usize>, message: impl Into<String>) -> Self {
        debug_assert!(CODES.contains(&code), "`{code}` is in no list of codes");
        let span = clamp(&source.text, span);
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            source: source.clone(),
            span,
            label: None,
            help: None,
        }
    }

    /// What `check` reports, but the daemon can live with.
    pub fn warning(code: &'static str, source: &Source, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, source, span, message) }
    }

    /// Adds the words under the caret.
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// Adds what to write instead.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// Adds what to write instead, if that is known.
    pub fn maybe_help(self, help: Option<String>) -> Self {
        Self { help, ..self }
    }
}

/// A span that lies in the text, on the borders of characters.
fn clamp(text: &str, span: Range<usize>) -> Range<usize> {
    let border = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = border(span.start);
    start..border(span.end).max(start)
}

/// The most findings that are shown.
pub const SHOWN: usize = 200;
/// The most findings that are kept.
const KEPT: usize = 10_000;

/// All findings of one run, in the order of files and places.
#[derive(Clone, Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
    dropped: usize,
    errors: usize,
}

impl Report {
    /// Adds one finding. Beyond ten thousand they are only counted.
    pub fn push(&mut self, finding: Finding) {
        self.errors += usize::from(finding.severity == Severity::Error);
        if self.findings.len() < KEPT {
            self.findings.push(finding);
        } else {
            self.dropped += 1;
        }
    }

    /// Adds all findings of another report.
    pub fn merge(&mut self, other: Report) {
        let (dropped, errors) = (other.dropped, other.errors);
        let kept = other.findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        other.findings.into_iter().for_each(|finding| self.push(finding));
        self.dropped += dropped;
        self.errors += errors - kept;
    }

    /// Adds the findings of another report that are not here yet.
    pub fn merge_new(&mut self, mut other: Report) {
        let known = |new: &Finding| {
            let same =
                |old: &&Finding| old.source.name == new.source.name && old.span == new.span && old.code == new.code;
            self.findings.iter().find(same).is_some_and(|old| old.message == new.message)
        };
        let errors = other.findings.iter().filter(|new| new.severity == Severity::Error && known(new)).count();
        other.findings.retain(|new| !known(new));
        other.errors -= errors;
        self.merge(other);
    }

    /// The findings, sorted by file and place.
    pub fn findings(&self) -> Vec<&Finding> {
        let mut sorted: Vec<_> = self.findings.iter().collect();
        sorted.sort_by(|a, b| {
            (&a.source.name, a.span.start, a.span.end, a.code).cmp(&(&b.source.name, b.span.start, b.span.end, b.code))
        });
        sorted
    }

    /// Nothing was found.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// How many there are, those included that are no longer kept.
    pub fn len(&self) -> usize {
        self.findings.len() + self.dropped
    }

    /// Something was found that is more than a warning.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// For a person, with the source line and a caret.
    pub fn render(&self, colour: bool) -> String {
        super::render::report(self, colour)
    }

    /// For a tool.
    pub fn to_json(&self) -> serde_json::Value {
        super::render::json(self)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Report {}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(name: &str, at: usize) -> Finding {
        Finding::warning("syntax", &Source::new(name, "aé\nb"), at..at + 1, "m")
    }

    #[test]
    fn findings_come_by_file_and_place() {
        let mut report = Report::default();
        for (name, at) in [("b", 0), ("a", 4), ("a", 0)] {
            report.push(finding(name, at));
        }
        let places: Vec<(&str, usize)> =
            report.findings().into_iter().map(|finding| (&*finding.source.name, finding.span.start)).collect();
        assert_eq!(places, [("a", 0), ("a", 4), ("b", 0)]);
        assert!(!report.has_errors());
    }

    #[test]
    fn a_place_is_never_inside_a_character_or_beyond_the_end() {
        assert_eq!(finding("a", 2).span, 1..3);
        assert_eq!(Finding::error("syntax", &Source::new("a", "é"), 7..9, "m").span, 2..2);
        let report = {
            let mut report = Report::default();
            report.push(Finding::error("syntax", &Source::new("a", ""), 7..9, "m"));
            report
        };
        assert!(report.to_string().contains("a:1:1"), "{report}");
    }

    #[test]
    fn what_is_not_kept_is_counted() {
        let mut report = Report::default();
        (0..KEPT + 5).for_each(|_| report.push(finding("a", 0)));
        let mut both = Report::default();
        both.push(Finding::error("syntax", &Source::new("a", ""), 0..0, "m"));
        both.merge(report);
        assert_eq!(both.len(), KEPT + 6);
        assert!(both.has_errors());
    }
}
