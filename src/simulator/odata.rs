//! The part of `$filter` that the guides and public clients use: comparisons with eq, ne, lt, gt, le, ge; contains() and
//! substringof(); and, or, parentheses. Anything else is refused. Evaluated on the JSON of one item.

use serde_json::Value;

/// The longest filter.
const LONGEST: usize = 4096;
/// How deep parentheses may go.
const DEEPEST: usize = 16;

/// A condition on an item.
#[derive(Debug, PartialEq)]
pub(crate) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Compare(String, Operator, Value),
    Contains(String, String),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operator {
    Eq,
    Ne,
    Lt,
    Gt,
    Le,
    Ge,
}

impl Filter {
    /// Reads a filter, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("$filter should be no longer than {LONGEST} bytes"));
        }
        let mut words = Words(words(text)?, 0);
        let filter = words.any(0)?;
        match words.next() {
            None => Ok(filter),
            Some(word) => Err(format!("$filter should end before {word:?}")),
        }
    }

    /// Whether an item passes.
    pub(crate) fn passes(&self, item: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.passes(item)),
            Self::Any(parts) => parts.iter().any(|part| part.passes(item)),
            Self::Compare(path, operator, wanted) => compare(at(item, path), *operator, wanted),
            Self::Contains(path, part) => {
                at(item, path).is_some_and(|value| written(value).to_lowercase().contains(&part.to_lowercase()))
            }
        }
    }
}

fn at<'a>(item: &'a Value, path: &str) -> Option<&'a Value> {
    path.split(['/', '.']).try_fold(item, |value, key| value.get(key))
}

fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn compare(found: Option<&Value>, operator: Operator, wanted: &Value) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let Some(found) = found else { return operator == Operator::Ne || (wanted.is_null() && operator == Operator::Eq) };
    let order = match (found.as_f64(), wanted.as_f64()) {
        (Some(found), Some(wanted)) => found.partial_cmp(&wanted).unwrap_or(Less),
        _ => written(found).cmp(&written(wanted)),
    };
    match operator {
        Operator::Eq => order == Equal,
        Operator::Ne => order != Equal,
        Operator::Lt => order == Less,
        Operator::Gt => order == Greater,
        Operator::Le => order != Greater,
        Operator::Ge => order != Less,
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Name(String),
    Text(String),
    Number(f64),
    Open,
    Close,
    Comma,
}

fn words(text: &str) -> Result<Vec<Word>, String> {
    let (mut found, mut rest) = (vec![], text.trim_start());
    while let Some(first) = rest.chars().next() {
        let plain = |c: char| c.is_alphanumeric() || "_/.$-:+@".contains(c);
        let (word, length) = match first {
            '(' => (Word::Open, 1),
            ')' => (Word::Close, 1),
            ',' => (Word::Comma, 1),
            '\'' => quoted(rest)?,
            c if plain(c) => {
                let end = rest.find(|c| !plain(c)).unwrap_or(rest.len());
                let number = rest[..end].parse().ok().filter(|n: &f64| n.is_finite() && !first.is_alphabetic());
                (number.map_or_else(|| Word::Name(rest[..end].to_owned()), Word::Number), end)
            }
            other => return Err(format!("$filter should not contain `{other}`")),
        };
        found.push(word);
        rest = rest[length..].trim_start();
    }
    Ok(found)
}

/// A text in single quotes, in which two stand for one; and how many bytes it takes.
fn quoted(text: &str) -> Result<(Word, usize), String> {
    let (mut read, mut at) = (String::new(), 1);
    loop {
        let end = text[at..].find('\'').ok_or("a text in $filter has no end")?;
        read.push_str(&text[at..at + end]);
        at += end + 1;
        if !text[at..].starts_with('\'') {
            return Ok((Word::Text(read), at));
        }
        read.push('\'');
        at += 1;
    }
}

struct Words(Vec<Word>, usize);

impl Words {
    fn next(&mut self) -> Option<Word> {
        self.1 += 1;
        self.0.get(self.1 - 1).cloned()
    }

    fn took(&mut self, word: &Word) -> bool {
        let here = self.0.get(self.1) == Some(word);
        self.1 += usize::from(here);
        here
    }

    fn took_name(&mut self, name: &str) -> bool {
        self.took(&Word::Name(name.to_owned()))
    }

    fn any(&mut self, depth: usize) -> Result<Filter, String> {
        let mut parts = vec![self.all(depth)?];
        while self.took_name("or") {
            parts.push(self.all(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Any(parts) })
    }

    fn all(&mut self, depth: usize) -> Result<Filter, String> {
        let mut parts = vec![self.one(depth)?];
        while self.took_name("and") {
            parts.push(self.one(depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) })
    }

    fn one(&mut self, depth: usize) -> Result<Filter, String> {
        if depth > DEEPEST {
            return Err("$filter is nested too deep".to_owned());
        }
        if self.took(&Word::Open) {
            let inner = self.any(depth + 1)?;
            return if self.took(&Word::Close) { Ok(inner) } else { Err("a ) is missing in $filter".to_owned()) };
        }
        let Some(Word::Name(name)) = self.next() else { return Err("$filter should name a property".to_owned()) };
        if self.took(&Word::Open) {
            return self.function(&name);
        }
        let operator = match self.next() {
            Some(Word::Name(word)) => operator(&word).ok_or_else(|| format!("$filter knows no operator {word}"))?,
            _ => return Err(format!("$filter should compare {name}")),
        };
        let wanted = match self.next() {
            Some(Word::Text(text)) => text.into(),
            Some(Word::Number(number)) => number.into(),
            Some(Word::Name(word)) => match &*word {
                "true" => true.into(),
                "false" => false.into(),
                "null" => Value::Null,
                _ => word.into(),
            },
            _ => return Err(format!("$filter should compare {name} with something")),
        };
        Ok(Filter::Compare(name, operator, wanted))
    }

    fn function(&mut self, name: &str) -> Result<Filter, String> {
        let arguments = (self.next(), self.took(&Word::Comma), self.next(), self.took(&Word::Close));
        if !matches!(name, "contains" | "substringof") {
            return Err(format!("$filter knows no function {name}"));
        }
        match arguments {
            (Some(Word::Name(path)), true, Some(Word::Text(part)), true)
            | (Some(Word::Text(part)), true, Some(Word::Name(path)), true) => Ok(Filter::Contains(path, part)),
            _ => Err(format!("$filter should name a property and a text in {name}()")),
        }
    }
}

fn operator(word: &str) -> Option<Operator> {
    Some(match word {
        "eq" => Operator::Eq,
        "ne" => Operator::Ne,
        "lt" => Operator::Lt,
        "gt" => Operator::Gt,
        "le" => Operator::Le,
        "ge" => Operator::Ge,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_simple_forms_decide_by_the_item() {
        let item =
            json!({ "name": "O'Brien", "n": 7, "stream": false, "on": "2026-02-03T08:00:00Z", "a": { "b": "x" } });
        for (text, passes) in [
            ("name eq 'O''Brien'", true),
            ("name ne 'O''Brien'", false),
            ("n gt 6 and n lt 8", true),
            ("n ge 8 or stream eq false", true),
            ("n eq 7 and (name eq 'x' or n le 7)", true),
            ("stream eq true", false),
            ("substringof('brie', name)", true),
            ("contains(name,'brie') and contains(name,'xyz')", false),
            ("a/b eq 'x'", true),
            ("on lt '2026-02-04'", true),
            ("missing eq 'x'", false),
            ("missing ne 'x'", true),
        ] {
            assert_eq!(Filter::parse(text).unwrap().passes(&item), passes, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let deep = format!("{}n eq 1{}", "(".repeat(100), ")".repeat(100));
        for text in [
            "",
            "n",
            "n eq",
            "n like 'x'",
            "(n eq 1",
            "n eq 1)",
            "n eq 'x",
            "any(n,'x')",
            "n eq 1 and",
            "n = 1",
            &*deep,
        ] {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
    }
}
