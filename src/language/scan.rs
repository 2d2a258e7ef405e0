//! The words of a template with their places: what minijinja's own errors and lints don't tell.
//!
//! Only a lexer. It knows strings, names, numbers and marks inside `{{ }}` and `{% %}`, so that a filter, test, function
//! or path can be named with its place.

use std::ops::Range;

/// What a word is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// After `|`, or after `{% filter`.
    Filter,
    /// After `is` or `is not`.
    Test,
    /// Before `(`, not after a dot.
    Function,
    /// After a dot and before `(`.
    Method,
    /// `a.b.c`, also `a["b"].c`.
    Path,
}

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) used: Use,
    pub(super) range: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Name(&'a str),
    Text(&'a str),
    Mark(u8),
    Other,
}

/// Words that are never names. Those that begin a statement (`if`, `set`, `filter`, …) are known by their place:
/// `call` and `from` are names elsewhere.
const KEYWORDS: &[&str] =
    &["and", "or", "not", "in", "is", "if", "else", "recursive", "true", "false", "none", "True", "False", "None"];

/// Statements that have no use in a rule: they reach for other templates.
pub(super) const REFUSED: &[&str] = &["include", "import", "from", "extends", "block", "macro", "call", "autoescape"];

/// All words of a template, or of a bare expression.
pub(super) fn words(source: &str, expression: bool) -> Vec<Word> {
    let mut found = Vec::new();
    for (part, statement) in parts_of(source, expression) {
        collect(source, part, statement, &mut found);
    }
    found
}

/// What is compared with a text that is written out: the path, the text, and its place. `a == 'x'`, `'x' != a`, and
/// `a in ['x', 'y']`.
pub fn compared(source: &str, expression: bool) -> Vec<(String, String, Range<usize>)> {
    let mut found = Vec::new();
    for (part, _) in parts_of(source, expression) {
        let tokens = tokens(source, part);
        for at in 0..tokens.len() {
            let follows = at > 0 && tokens[at - 1].0 == Token::Mark(b'.');
            if follows || !matches!(tokens[at].0, Token::Name(_)) {
                continue;
            }
            let (path, end) = path(&tokens, at);
            let after = at + tokens[at..].iter().take_while(|(_, range)| range.end <= end).count();
            // `'x' == a | upper` does not compare the field itself.
            let mark = |at: Option<usize>| match at.and_then(|at| tokens.get(at)) {
                Some((Token::Mark(mark), _)) => *mark,
                _ => b' ',
            };
            let worked_on = b"|~+-*/%.[(".contains(&mark(Some(after))) || b"|~+-*/%".contains(&mark(at.checked_sub(1)));
            if worked_on {
                continue;
            }
            let texts = literals(&tokens, after).into_iter().chain(literal_before(&tokens, at));
            // With an escape in it, the text is not what is written.
            let plain = texts.filter(|(text, _)| !text.contains('\\'));
            found.extend(plain.map(|(text, range)| (path.clone(), text.to_owned(), range)));
        }
    }
    found
}

/// `== 'x'`, `!= 'x'`, `in ['x', 'y']`, `not in ('x',)` from there on.
fn literals<'a>(tokens: &[(Token<'a>, Range<usize>)], at: usize) -> Vec<(&'a str, Range<usize>)> {
    let rest = tokens.get(at..).unwrap_or_default();
    if let [(Token::Mark(b'=' | b'!'), _), (Token::Mark(b'='), _), (Token::Text(text), range), ..] = rest {
        return vec![(text, range.clone())];
    }
    let ([(Token::Name("in"), _), (Token::Mark(b'[' | b'('), _), list @ ..]
    | [(Token::Name("not"), _), (Token::Name("in"), _), (Token::Mark(b'[' | b'('), _), list @ ..]) = rest
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (token, range) in list {
        match token {
            Token::Text(text) => found.push((*text, range.clone())),
            Token::Mark(b',') => {}
            _ => break,
        }
    }
    found
}

/// `'x' ==` or `'x' !=` right before.
fn literal_before<'a>(tokens: &[(Token<'a>, Range<usize>)], at: usize) -> Option<(&'a str, Range<usize>)> {
    match tokens.get(at.checked_sub(3)?..at)? {
        [(Token::Text(text), range), (Token::Mark(b'=' | b'!'), _), (Token::Mark(b'='), _)] => {
            Some((text, range.clone()))
        }
        _ => None,
    }
}

/// The first statement that has no use in a rule, with its place.
pub(super) fn refused(source: &str) -> Option<(&'static str, Range<usize>)> {
    parts(source).into_iter().filter(|(_, statement)| *statement).find_map(|(part, _)| {
        let tokens = tokens(source, part);
        let (token, range) =
            tokens.iter().find(|(token, _)| *token != Token::Mark(b'-') && *token != Token::Mark(b'+'))?;
        let Token::Name(name) = token else { return None };
        REFUSED.iter().find(|refused| *refused == name).map(|refused| (*refused, range.clone()))
    })
}

/// How many `and`, `or`, `not`, `-` and `*` the busiest part has: what reading a part takes grows with their square, and each may
/// be one more level of nesting.
pub(super) fn busiest(source: &str, expression: bool) -> usize {
    let nests = |token: &Token<'_>| matches!(token, Token::Name("and" | "or" | "not") | Token::Mark(b'-' | b'*'));
    let of = |part| tokens(source, part).iter().filter(|(token, _)| nests(token)).count();
    if expression {
        return of(0..source.len());
    }
    let (parts, rest) = split(source);
    parts.into_iter().map(|(part, _)| part).chain(rest).map(of).max().unwrap_or_default()
}

/// What there is to read of a template, or of a bare expression, and whether it is a statement.
pub(super) fn parts_of(source: &str, expression: bool) -> Vec<(Range<usize>, bool)> {
    if expression { vec![(0..source.len(), false)] } else { parts(source) }
}

/// The inside of `{{ }}` or of `{% %}`, and whether it is the latter.
type Part = (Range<usize>, bool);

/// All of them.
fn parts(source: &str) -> Vec<Part> {
    split(source).0
}

/// The same, and what follows a mark that is never closed.
fn split(source: &str) -> (Vec<Part>, Option<Range<usize>>) {
    let bytes = source.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at + 1 < bytes.len() {
        let close = match (bytes[at], bytes[at + 1]) {
            (b'{', b'{') => "}}",
            (b'{', b'%') => "%}",
            (b'{', b'#') => "#}",
            _ => {
                at += 1;
                continue;
            }
        };
        let start = at + 2;
        let end = if close == "#}" {
            source[start..].find(close).map(|end| start + end)
        } else {
            ending(bytes, start, close)
        };
        let Some(end) = end else { return (found, Some(start..bytes.len())) };
        if close != "#}" {
            found.push((start..end, close == "%}"));
        }
        at = end + 2;
    }
    (found, None)
}

/// Where the closing mark stands, strings skipped.
fn ending(bytes: &[u8], mut at: usize, close: &str) -> Option<usize> {
    while at + 1 < bytes.len() {
        match bytes[at] {
            quote @ (b'"' | b'\'') => at = string_end(bytes, at + 1, quote),
            _ if bytes[at..].starts_with(close.as_bytes()) => return Some(at),
            _ => at += 1,
        }
    }
    None
}

fn string_end(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// The words and marks of a part.
pub(super) fn tokens(source: &str, part: Range<usize>) -> Vec<(Token<'_>, Range<usize>)> {
    let bytes = source.as_bytes();
    let (mut found, mut at) = (Vec::new(), part.start);
    while at < part.end {
        let byte = bytes[at];
        let start = at;
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let token = if byte == b'"' || byte == b'\'' {
            at = string_end(bytes, at + 1, byte).min(part.end);
            Token::Text(source.get(start + 1..at - 1).unwrap_or_default())
        } else if byte.is_ascii_alphabetic() || byte == b'_' {
            while at < part.end && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
                at += 1;
            }
            Token::Name(&source[start..at])
        } else if byte.is_ascii_digit() {
            while at < part.end && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
                at += 1;
            }
            Token::Other
        } else {
            at += 1;
            if byte.is_ascii() { Token::Mark(byte) } else { Token::Other }
        };
        found.push((token, start..at));
    }
    found
}

fn collect(source: &str, part: Range<usize>, statement: bool, found: &mut Vec<Word>) {
    let tokens = tokens(source, part);
    let mark = |at: usize, wanted: u8| tokens.get(at).is_some_and(|(token, _)| *token == Token::Mark(wanted));
    let name = |at: usize| match tokens.get(at) {
        Some((Token::Name(name), _)) => Some(*name),
        _ => None,
    };
    let head = (0..tokens.len()).find(|at| name(*at).is_some()).filter(|_| statement);
    let mut at = head.map_or(0, |head| head + 1);
    while at < tokens.len() {
        let (token, range) = &tokens[at];
        let Token::Name(word) = token else {
            at += 1;
            continue;
        };
        let before = at.checked_sub(1);
        let after_filter_word = before == head && head.is_some_and(|at| name(at) == Some("filter"));
        let after_is = before.is_some_and(|at| name(at) == Some("is"))
            || (before.is_some_and(|at| name(at) == Some("not")) && at >= 2 && name(at - 2) == Some("is"));
        let after = |wanted| before.is_some_and(|at| mark(at, wanted));
        let single = |used| Word { text: (*word).to_owned(), used, range: range.clone() };
        let keyword = KEYWORDS.contains(word);
        if after(b'|') || after_filter_word {
            found.push(single(Use::Filter));
        } else if after_is && *word != "not" {
            found.push(single(Use::Test));
        } else if after(b'.') {
            if mark(at + 1, b'(') {
                found.push(single(Use::Method));
            }
        } else if !keyword && mark(at + 1, b'(') {
            found.push(single(Use::Function));
        } else if !keyword && (!mark(at + 1, b'=') || mark(at + 2, b'=')) {
            let (path, end) = path(&tokens, at);
            found.push(Word { text: path, used: Use::Path, range: range.start..end });
        }
        at += 1;
    }
}

/// `a.b["c"].d` from a first name on: dotted, as far as it is made of constants.
fn path(tokens: &[(Token<'_>, Range<usize>)], first: usize) -> (String, usize) {
    let Some((Token::Name(root), range)) = tokens.get(first) else { return (String::new(), 0) };
    let (mut path, mut end, mut at) = ((*root).to_owned(), range.end, first + 1);
    loop {
        let slice = tokens.get(at..).unwrap_or_default();
        let (key, used) = match slice {
            [(Token::Mark(b'.'), _), (Token::Name(_), _), (Token::Mark(b'('), _), ..] => break,
            [(Token::Mark(b'.'), _), (Token::Name(key), _), ..] => (*key, 2),
            [(Token::Mark(b'['), _), (Token::Text(key), _), (Token::Mark(b']'), _), ..] => (*key, 3),
            // Which row of a table is not known, but what comes after it is a column.
            [(Token::Mark(b'['), _), ..] if *root == "tables" => match closing(slice) {
                Some(used) => ("*", used + 1),
                None => break,
            },
            _ => break,
        };
        path.push('.');
        path.push_str(key);
        end = slice[used - 1].1.end;
        at += used;
    }
    (path, end)
}

/// Where the bracket closes that the tokens begin with.
fn closing(tokens: &[(Token<'_>, Range<usize>)]) -> Option<usize> {
    let mut depth = 0_usize;
    tokens.iter().position(|(token, _)| {
        match token {
            Token::Mark(b'[') => depth += 1,
            Token::Mark(b']') => depth -= 1,
            _ => {}
        }
        depth == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(source: &str, expression: bool) -> Vec<(String, Use)> {
        words(source, expression).into_iter().map(|word| (word.text, word.used)).collect()
    }

    #[test]
    fn words_are_told_apart() {
        let found = seen(
            "a {{ call.from | lower | replace('x.y', z) }} {% if x is not odd %}{# no.t #}{{ f(1) }}{% endif %}",
            false,
        );
        let wanted = [
            ("call.from", Use::Path),
            ("lower", Use::Filter),
            ("replace", Use::Filter),
            ("z", Use::Path),
            ("x", Use::Path),
            ("odd", Use::Test),
            ("f", Use::Function),
        ];
        assert_eq!(found, wanted.map(|(text, used)| (text.to_owned(), used)));
    }

    #[test]
    fn what_nests_is_counted_part_by_part() {
        assert_eq!(busiest("not a and b or -1 ** 2", true), 6);
        assert_eq!(busiest("- - - {{ a and 'not - or' }} {% if not (b and c) %}", false), 2);
        assert_eq!(busiest("{{ a }} {{ - - -1", false), 3);
    }

    #[test]
    fn indexes_are_part_of_a_path() {
        assert_eq!(seen("a['b'].c == b.d[0].e", true)[0].0, "a.b.c");
        let row = [("tables.ext.*.night".to_owned(), Use::Path), ("call.to".to_owned(), Use::Path)];
        assert_eq!(seen("tables.ext[call.to].night", true), row);
        assert_eq!(seen("tables.ext[call.to", true)[0].0, "tables.ext");
        assert_eq!(seen("a.upper()", true), [("a".to_owned(), Use::Path), ("upper".to_owned(), Use::Method)]);
    }
}
