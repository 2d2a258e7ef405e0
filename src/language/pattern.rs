//! Regexes: checked when rules are read, built when they are first asked, with limits on the size of each and of all.
//!
//! A built regex takes many times the memory of what it is checked with, and of a hundred thousand rules few regexes are ever
//! asked: the others are kept as text.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use regex_automata::PatternID;
use regex_automata::meta::Regex;
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_syntax::ParserBuilder;
use serde_json::Value;

/// The largest program that one regex may become.
const MAX_PROGRAM: usize = 1 << 20;
/// The most that the programs of all regexes of a rule set may take, those that were too large included.
const MAX_PROGRAMS: usize = 64 << 20;
/// The deepest nesting.
const MAX_NEST: u32 = 100;
/// What a regex may keep while it searches.
const MAX_CACHE: usize = 1 << 20;

/// What named groups caught.
pub type Captures = Vec<(String, Value)>;

/// A regex that is sound. Matching takes time linear in the text.
#[derive(Clone)]
pub struct Pattern(Arc<Inner>);

struct Inner {
    text: Box<str>,
    names: Box<[String]>,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The names of its groups.
    pub fn names(&self) -> &[String] {
        &self.0.names
    }

    /// Whether a text matches; what the named groups caught is added to `captures`.
    pub fn caught(&self, text: &str, captures: Option<&mut Captures>) -> bool {
        let Some(regex) = self.0.regex.get_or_init(|| build(&self.0.text)) else { return false };
        let Some(captures) = captures.filter(|_| !self.0.names.is_empty()) else { return regex.is_match(text) };
        let mut found = regex.create_captures();
        regex.captures(text, &mut found);
        for name in &self.0.names {
            if let Some(span) = found.get_group_by_name(name) {
                captures.push((name.clone(), text.get(span.range()).unwrap_or_default().into()));
            }
        }
        found.is_match()
    }
}

/// Can't fail: the pattern has been checked.
fn build(text: &str) -> Option<Regex> {
    // A one-pass automaton is fast, and a hundred times as large as the rest.
    let config = Regex::config().onepass(false).nfa_size_limit(None).hybrid_cache_capacity(MAX_CACHE);
    Regex::builder().configure(config).syntax(syntax::Config::new().nest_limit(MAX_NEST)).build(text).ok()
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Checks regexes; the same text is checked once.
#[derive(Debug)]
pub(super) struct Patterns {
    known: HashMap<Box<str>, Pattern>,
    spent: usize,
    /// One for all: what it works with takes longer to make than most regexes.
    compiler: thompson::Compiler,
}

impl Default for Patterns {
    fn default() -> Self {
        let mut compiler = thompson::Compiler::new();
        compiler.configure(thompson::Config::new().nfa_size_limit(Some(MAX_PROGRAM)));
        Self { known: HashMap::new(), spent: 0, compiler }
    }
}

impl Patterns {
    /// The regex of that text, or why there is none.
    pub(super) fn read(&mut self, text: &str) -> Result<Pattern, String> {
        if let Some(known) = self.known.get(text) {
            return Ok(known.clone());
        }
        if self.spent >= MAX_PROGRAMS {
            return Err(format!("all regexes together would take more than {} MiB", MAX_PROGRAMS >> 20));
        }
        let hir = ParserBuilder::new().nest_limit(MAX_NEST).build().parse(text).map_err(|error| why(&error))?;
        let Ok(program) = self.compiler.build_from_hir(&hir) else {
            self.spent += MAX_PROGRAM;
            return Err(format!("it repeats so much that it would take more than {} MiB", MAX_PROGRAM >> 20));
        };
        self.spent += program.memory_usage();
        let names = program.group_info().pattern_names(PatternID::ZERO).flatten().map(str::to_owned).collect();
        let pattern = Pattern(Arc::new(Inner { text: text.into(), names, regex: OnceLock::new() }));
        self.known.insert(text.into(), pattern.clone());
        Ok(pattern)
    }
}

/// The last line of what the parser says: the others draw the place.
fn why(error: &regex_syntax::Error) -> String {
    let shown = error.to_string();
    shown.lines().last().unwrap_or_default().trim_start_matches("error: ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_caught_by_name() {
        let pattern = Patterns::default().read(r"^(?<a>\d+)(-(?<b>\d+))?(c)$").unwrap();
        assert_eq!(pattern.names(), ["a", "b"]);
        let caught = |text: &str| {
            let mut captures = Captures::new();
            assert_eq!(pattern.caught(text, Some(&mut captures)), pattern.caught(text, None));
            captures
        };
        let pair = |name: &str, text: &str| (name.to_owned(), Value::from(text));
        assert_eq!(caught("12-3c"), [pair("a", "12"), pair("b", "3")]);
        assert_eq!(caught("12c"), [pair("a", "12")]);
        assert_eq!(caught("12-c"), []);
    }

    #[test]
    fn what_would_explode_is_refused_and_counted() {
        let mut patterns = Patterns::default();
        let refused = |patterns: &mut Patterns, text: &str| patterns.read(text).unwrap_err();
        assert_eq!(refused(&mut patterns, "(a"), "unclosed group");
        assert!(refused(&mut patterns, r"((\w{50}){50}){50}").contains("repeats so much"));
        assert_eq!(patterns.spent, MAX_PROGRAM);
        assert!(refused(&mut patterns, &"(".repeat(200)).contains("unclosed"), "nesting");
        let deep = format!("{}a{}", "(".repeat(200), ")".repeat(200));
        assert!(refused(&mut patterns, &deep).contains("nested"), "{}", refused(&mut patterns, &deep));
        // The same text costs once; when all is spent the next one is refused.
        let one = patterns.read(r"\d{3}").unwrap();
        let spent = patterns.spent;
        assert!(patterns.read(r"\d{3}").unwrap().as_str() == one.as_str() && patterns.spent == spent);
        patterns.spent = MAX_PROGRAMS;
        assert!(refused(&mut patterns, r"\d{4}").contains("together"));
        assert!(patterns.read(r"\d{3}").is_ok());
    }
}
