//! Matchers in words: what a rule wanted and what the event had, for explanations.

use std::fmt;

use serde_json::Value;

use super::matcher::{Condition, Field, Group, Order, Test, Word};

/// The longest value that is shown.
const SHOWN: usize = 200;

/// A value as a rule would write it, cut when it is long.
pub(super) fn value(value: Option<&Value>) -> String {
    let Some(value) = value else { return "missing".to_owned() };
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

/// A text as a rule would write it, cut when it is long.
pub(super) fn quoted(text: &str) -> String {
    value(Some(&Value::from(text)))
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.test)
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.0.iter().enumerate() {
            let glue = if at > 0 { " and " } else { "" };
            write!(f, "{glue}{word}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(wanted) => one_of(f, "", wanted),
            Self::Prefix(wanted) => one_of(f, "prefix ", &texts(wanted)),
            Self::Suffix(wanted) => one_of(f, "suffix ", &texts(wanted)),
            Self::Contains(wanted) => one_of(f, "contains ", &texts(wanted)),
            Self::Regex(wanted) => {
                one_of(f, "regex ", &wanted.iter().map(|regex| Value::from(regex.as_str())).collect::<Vec<_>>())
            }
            Self::Exists(true) => f.write_str("exists"),
            Self::Exists(false) => f.write_str("missing"),
            Self::Compare(order, wanted) => one_of(f, order.shown(), wanted),
            Self::Not(test) => write!(f, "not {test}"),
            Self::Table(tables) => {
                one_of(f, "table ", &tables.iter().map(|(name, _)| Value::from(&**name)).collect::<Vec<_>>())
            }
            Self::NoneOf(refused) => one_of(f, "not ", refused),
        }
    }
}

impl Order {
    fn shown(self) -> &'static str {
        match self {
            Self::Greater => "> ",
            Self::AtLeast => ">= ",
            Self::Less => "< ",
            Self::AtMost => "<= ",
        }
    }
}

fn texts(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| Value::from(text.as_str())).collect()
}

fn one_of(f: &mut fmt::Formatter<'_>, word: &str, values: &[Value]) -> fmt::Result {
    f.write_str(word)?;
    for (at, one) in values.iter().take(8).enumerate() {
        let glue = if at > 0 { " or " } else { "" };
        write!(f, "{glue}{}", value(Some(one)))?;
    }
    if values.len() > 8 {
        write!(f, " or {} more", values.len() - 8)?;
    }
    Ok(())
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, condition) in self.0.iter().enumerate() {
            let glue = if at > 0 { ", " } else { "" };
            write!(f, "{glue}{condition}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, groups) = match self {
            Self::Field(field) => return field.fmt(f),
            Self::Not(group) => return write!(f, "not ({group})"),
            Self::Any(groups) => ("any of", groups),
            Self::All(groups) => ("all of", groups),
        };
        write!(f, "{word} ")?;
        for (at, group) in groups.iter().enumerate() {
            let glue = if at > 0 { " / " } else { "" };
            write!(f, "{glue}({group})")?;
        }
        Ok(())
    }
}
