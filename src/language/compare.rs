//! Comparisons with what is missing are false.
//!
//! For minijinja nothing is less than everything, so `a < b` is turned into `((a) is lt(b))`, and the test `lt` is ours.
//! What a comparison reaches to on both sides is told by the words and marks that bind less; what is inside of brackets
//! is passed over. Comparisons in a row, which nobody writes, are left as they are.

use std::ops::Range;

use super::scan::{self, Token};

/// Words that bind less than a comparison.
const LOOSER: &[&str] = &["and", "or", "if", "else", "not", "recursive"];

/// The text with its comparisons turned into tests; `None` if there is none.
pub(super) fn as_tests(source: &str, expression: bool) -> Option<String> {
    let mut edits: Vec<(Range<usize>, &'static str)> = Vec::new();
    for (part, statement) in scan::parts_of(source, expression) {
        Part::of(source, part, statement, expression).edits(&mut edits);
    }
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let (mut text, mut at) = (String::with_capacity(source.len() + edits.len() * 8), 0);
    for (range, new) in edits {
        text.push_str(source.get(at..range.start)?);
        text.push_str(new);
        at = range.end;
    }
    text.push_str(source.get(at..)?);
    Some(text)
}

/// The inside of one `{{ }}` or `{% %}`.
struct Part<'a> {
    tokens: Vec<(Token<'a>, Range<usize>)>,
    /// The word that says what a statement does.
    head: Option<usize>,
}

impl<'a> Part<'a> {
    fn of(source: &'a str, part: Range<usize>, statement: bool, expression: bool) -> Self {
        let mut tokens = scan::tokens(source, part.clone());
        // `{{-` and `-}}` are about white space.
        let control = |token: &(Token<'_>, Range<usize>)| matches!(token.0, Token::Mark(b'-' | b'+'));
        if !expression {
            if tokens.last().is_some_and(|last| control(last) && last.1.end == part.end) {
                tokens.pop();
            }
            if tokens.first().is_some_and(|first| control(first) && first.1.start == part.start) {
                tokens.remove(0);
            }
        }
        let head = tokens.iter().position(|(token, _)| matches!(token, Token::Name(_))).filter(|_| statement);
        Self { tokens, head }
    }

    fn mark(&self, at: usize) -> Option<u8> {
        match self.tokens.get(at) {
            Some((Token::Mark(mark), _)) => Some(*mark),
            _ => None,
        }
    }

    fn edits(&self, edits: &mut Vec<(Range<usize>, &'static str)>) {
        for at in 0..self.tokens.len() {
            let Some(mark @ (b'<' | b'>')) = self.mark(at) else { continue };
            let range = &self.tokens[at].1;
            let or_equal = self.mark(at + 1) == Some(b'=') && self.tokens[at + 1].1.start == range.end;
            let after = at + 1 + usize::from(or_equal);
            let test = match (mark, or_equal) {
                (b'<', false) => ") is lt(",
                (b'<', true) => ") is le(",
                (_, false) => ") is gt(",
                (_, true) => ") is ge(",
            };
            let (Some(first), Some(last)) = (self.reach(at, true), self.reach(after.wrapping_sub(1), false)) else {
                continue;
            };
            let (left, right) = (self.tokens[first].1.start, self.tokens[last].1.end);
            edits.push((left..left, "(("));
            edits.push((range.start..self.tokens[after - 1].1.end, test));
            edits.push((right..right, "))"));
        }
    }

    /// How far the operand before or after a comparison reaches; `None` if it is none, or ends at another comparison.
    fn reach(&self, from: usize, back: bool) -> Option<usize> {
        let (mut at, mut depth, mut found) = (from, 0_usize, None);
        loop {
            at = if back { at.checked_sub(1) } else { Some(at + 1) }.filter(|at| *at < self.tokens.len())?;
            let (opens, closes): (&[u8], &[u8]) = if back { (b")]}", b"([{") } else { (b"([{", b")]}") };
            match &self.tokens[at].0 {
                Token::Mark(mark) if opens.contains(mark) => depth += 1,
                Token::Mark(mark) if closes.contains(mark) => match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => return found,
                },
                _ if depth > 0 => {}
                Token::Mark(b'<' | b'>' | b'!') => return None,
                Token::Name(name) if *name == "in" && !self.is_part_of_test(at) => return None,
                Token::Name(name) if *name == "not" && self.is_in(at + 1) => return None,
                // `0 + not (x)`: the reader takes it for a call, and so it stays.
                Token::Name("not") if self.is_behind_operator(at) => return None,
                Token::Mark(b'=') => return found.filter(|_| !self.compares(at)),
                Token::Mark(b',' | b':') => return found,
                Token::Name(name) if LOOSER.contains(name) && !self.is_part_of_test(at) => return found,
                Token::Name(_) if self.head == Some(at) => return found,
                _ => {}
            }
            found = Some(at);
            if if back { at == 0 } else { at + 1 == self.tokens.len() } {
                return found;
            }
        }
    }

    /// The `=` belongs to `==`, `!=`, `<=` or `>=`.
    fn compares(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|at| self.mark(at));
        self.mark(at + 1) == Some(b'=') || matches!(before, Some(b'=' | b'!' | b'<' | b'>'))
    }

    fn is_behind_operator(&self, at: usize) -> bool {
        at.checked_sub(1).and_then(|at| self.mark(at)).is_some_and(|mark| b"+-*/%~".contains(&mark))
    }

    fn is_in(&self, at: usize) -> bool {
        matches!(self.tokens.get(at), Some((Token::Name("in"), _)))
    }

    /// The `not` of `is not`, or a test that is called like a word: `is in(…)`.
    fn is_part_of_test(&self, at: usize) -> bool {
        let word = |at: Option<usize>| match at.and_then(|at| self.tokens.get(at)) {
            Some((Token::Name(name), _)) => Some(*name),
            _ => None,
        };
        let before = word(at.checked_sub(1));
        before == Some("is") || (before == Some("not") && word(at.checked_sub(2)) == Some("is"))
    }
}

#[cfg(test)]
mod tests {
    use minijinja::{Environment, context};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comparisons_become_tests() {
        let table = [
            ("a.b < 3", Some("((a.b ) is lt( 3))")),
            ("not a >= b and c", Some("not ((a ) is ge( b)) and c")),
            (
                "f(a < b, c=d>e)[g<=h] > 'x < y'",
                Some("((f(((a ) is lt( b)), c=((d) is gt(e)))[((g) is le(h))] ) is gt( 'x < y'))"),
            ),
            ("a if b < c else d", Some("a if ((b ) is lt( c)) else d")),
            ("x is not odd and a | int < -b * 2", Some("x is not odd and ((a | int ) is lt( -b * 2))")),
            ("a < b < c", None),
            ("a == b < c", None),
            ("a < b in c", None),
            ("a < b not in c", None),
            ("1 or 0 < 0 + not (0)", None),
            ("(a < b) in c", Some("(((a ) is lt( b))) in c")),
            ("a == b", None),
            ("'<'", None),
        ];
        for (text, wanted) in table {
            assert_eq!(as_tests(text, true).as_deref(), wanted, "{text}");
        }
        let found = as_tests("{{- a < 1 -}} a < 1 {%- if -b > c -%}{% set x = a < b %}{# a < b #}", false).unwrap();
        assert_eq!(
            found,
            "{{- ((a ) is lt( 1)) -}} a < 1 {%- if ((-b ) is gt( c)) -%}{% set x = ((a ) is lt( b)) %}{# a < b #}"
        );
    }

    fn expression() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![(-3..4).prop_map(|n: i32| n.to_string()), "[abc]".prop_map(|name| name)];
        leaf.prop_recursive(4, 24, 2, |inner| {
            let operators = proptest::sample::select(vec![
                "<",
                "<=",
                ">",
                ">=",
                "and",
                "or",
                "+",
                "*",
                "==",
                "-",
                "if a else",
                "in",
            ]);
            prop_oneof![
                (inner.clone(), operators, inner.clone()).prop_map(|(a, op, b)| match op {
                    "in" => format!("{a} in [{b}, 1]"),
                    op => format!("{a} {op} {b}"),
                }),
                inner.clone().prop_map(|a| format!("({a})")),
                inner.clone().prop_map(|a| format!("not {a}")),
                inner.prop_map(|a| format!("[{a}][0]")),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Where nothing is missing, nothing changes.
        #[test]
        fn it_means_the_same(text in expression()) {
            let env = Environment::new();
            let values = context!(a => 1, b => -2, c => 3);
            let value = |text: &str| {
                let source = format!("{{% set value = ({text}) %}}{{{{ value }}}}");
                env.render_str(&source, &values).map_err(|error| error.kind())
            };
            if let (Some(tests), Ok(wanted)) = (as_tests(&text, true), value(&text)) {
                prop_assert_eq!(value(&tests), Ok(wanted), "{} / {}", text, tests);
            }
        }
    }
}
