//! What of a collection is asked for: OData's query options, as CloudLink takes them (wire reference, 11.1 \[C, SW\]).

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Query options; those that are empty or none are not sent. Values are plain text, encoded here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<'a> {
    /// `$filter`, such as `name eq 'Ada'`; see [`quoted`].
    pub filter: &'a str,
    /// `$top`: how many on a page.
    pub top: Option<u32>,
    /// `$skip`.
    pub skip: Option<u32>,
    /// `$orderby`.
    pub order_by: &'a str,
    /// `$expand`: `tags`, `media`.
    pub expand: &'a str,
    /// `$search`.
    pub search: &'a str,
    /// Any other, by name, such as `containsAllParticipants`.
    pub other: &'a [(&'a str, &'a str)],
}

/// All that a value may be without an escape: RFC 3986's unreserved characters.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl<'a> Query<'a> {
    /// Everything.
    pub const ALL: Self = Self { filter: "", top: None, skip: None, order_by: "", expand: "", search: "", other: &[] };

    /// What the filter lets through.
    pub fn filter(filter: &'a str) -> Self {
        Self { filter, ..Self::ALL }
    }

    /// What holds these words.
    pub fn search(search: &'a str) -> Self {
        Self { search, ..Self::ALL }
    }

    pub(super) fn render(&self) -> String {
        let mut out = String::new();
        let mut add = |name: &str, value: &str| {
            if !value.is_empty() {
                let between = if out.is_empty() { "" } else { "&" };
                let _ = write!(out, "{between}{name}={}", utf8_percent_encode(value, VALUE));
            }
        };
        let number = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        add("$filter", self.filter);
        add("$top", &number(self.top));
        add("$skip", &number(self.skip));
        add("$orderby", self.order_by);
        add("$expand", self.expand);
        add("$search", self.search);
        for (name, value) in self.other {
            add(&utf8_percent_encode(name, VALUE).to_string(), value);
        }
        out
    }
}

/// A text as a filter takes it: `'O''Hara'`.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_rendered() {
        assert_eq!(Query::ALL.render(), "");
        let filter = format!("name eq {}", quoted("O'Hara & Söhne"));
        let query = Query {
            filter: &filter,
            top: Some(50),
            skip: Some(0),
            other: &[("containsAllParticipants", "a,b,me")],
            ..Query::ALL
        };
        assert_eq!(
            query.render(),
            "$filter=name%20eq%20%27O%27%27Hara%20%26%20S%C3%B6hne%27&$top=50&$skip=0&containsAllParticipants=a%2Cb%2Cme"
        );
    }
}
