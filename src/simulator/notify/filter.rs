//! The publicationFilter: only `$.publications[?(@.content.a.b == 'text' && …)]` is understood; anything else is refused
//! when the subscription is made, so that no filter is ever silently wrong.

use serde_json::Value;

const OPEN: &str = "$.publications[?(";
const CLOSE: &str = ")]";

/// A filter that can be evaluated: all comparisons must hold.
#[derive(Debug)]
pub(crate) struct Filter {
    comparisons: Vec<Comparison>,
}

#[derive(Debug, PartialEq)]
struct Comparison {
    path: Vec<String>,
    text: String,
}

impl Filter {
    /// Reads a filter, or says why it can't be evaluated.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let inner = text.trim().strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE));
        let mut rest = inner.ok_or_else(|| format!("a publicationFilter should look like {OPEN}…{CLOSE}"))?;
        let mut comparisons = Vec::new();
        loop {
            let (comparison, after) = comparison(rest)?;
            comparisons.push(comparison);
            let after = after.trim_start();
            if after.is_empty() {
                return Ok(Self { comparisons });
            }
            rest = after.strip_prefix("&&").ok_or_else(|| format!("only && is understood, not `{after}`"))?;
        }
    }

    /// Whether a publication (as a document) passes.
    pub(crate) fn passes(&self, publication: &Value) -> bool {
        self.comparisons.iter().all(|comparison| {
            let found = comparison.path.iter().try_fold(publication, |value, key| value.get(key));
            found.and_then(Value::as_str) == Some(comparison.text.as_str())
        })
    }
}

/// Reads `@.a.b == 'text'` and gives back what follows it.
fn comparison(text: &str) -> Result<(Comparison, &str), String> {
    let (left, right) = text.split_once("==").ok_or_else(|| format!("only == is understood, not `{text}`"))?;
    let keys = left.trim().strip_prefix("@.").ok_or_else(|| format!("`{}` should begin with @.", left.trim()))?;
    let path: Vec<String> = keys.split('.').map(str::to_owned).collect();
    let plain = |key: &String| !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if !path.iter().all(plain) {
        return Err(format!("`{keys}` is no plain path"));
    }
    let (text, after) = quoted(right.trim_start())?;
    Ok((Comparison { path, text }, after))
}

/// Reads a text in single or double quotes, with a backslash before what would end it.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut chars = text.char_indices();
    let quote = chars.next().map(|(_, c)| c).filter(|c| matches!(c, '\'' | '"'));
    let quote = quote.ok_or_else(|| format!("only texts in quotes can be compared, not `{text}`"))?;
    let mut read = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => read.extend(chars.next().map(|(_, escaped)| escaped)),
            c if c == quote => return Ok((read, &text[at + 1..])),
            c => read.push(c),
        }
    }
    Err(format!("the text `{text}` has no end"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn compares_texts_at_paths() {
        let filter =
            Filter::parse("$.publications[?(@.content.state == 'ringing' && @.content.x.y=='it\\'s')]").unwrap();
        assert!(filter.passes(&json!({ "content": { "state": "ringing", "x": { "y": "it's" } } })));
        assert!(!filter.passes(&json!({ "content": { "state": "ringing" } })));
        assert!(!filter.passes(&json!({ "content": { "state": ["ringing"], "x": { "y": "it's" } } })));
    }

    #[test]
    fn refuses_what_it_can_not_evaluate() {
        for text in [
            "",
            "$.publications[?(@.content.state == 'ringing']",
            "$.publications[?(@.content.n == 5)]",
            "$.publications[?(@.content.n != '5')]",
            "$.publications[?(@.content.n =~ '5')]",
            "$.publications[?(@.content.n == '5' || @.content.n == '6')]",
            "$.publications[?(@..n == '5')]",
            "$.publications[?(@.content.n == '5)]",
            "$.publications[0]",
        ] {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
    }
}
