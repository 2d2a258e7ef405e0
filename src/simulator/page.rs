//! Collections: what `$filter`, `$orderby`, `$skip`, `$top` and `$skiptoken` make of a list, and how a page of it is written.
//! The link to the next page is a relative path with the version whose query keeps spaces and quotes raw: that is how the
//! service was seen to write it.

use serde_json::{Value, json};

use super::answer::{BASE, Refusal};
use super::odata::Filter;
use super::service::Wire;
use super::variants::{Variant, Variants};

/// Items of a page if nothing is said.
const USUAL: usize = 100;
/// Items of the largest page.
const MOST: usize = 10_000;

/// The part of a collection that a caller asked for.
pub(crate) struct Page {
    skip: usize,
    top: usize,
    filter: Option<Filter>,
    /// Property and whether it descends.
    order: Option<(String, bool)>,
    path: String,
    /// The rest of the query, as it was after decoding.
    kept: Vec<(String, String)>,
    skip_key: &'static str,
    origin: String,
    variants: Variants,
    /// Whether a collection without items lists none, or lacks the list.
    lists_nothing: bool,
}

impl Page {
    /// As the query asks for it: 100 items if it says nothing.
    pub(crate) fn of(wire: &Wire) -> Result<Self, Refusal> {
        let number = |key: &str, default| match wire.query.get(key) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| Refusal::bad(format!("{key} should be number"))),
        };
        let (most, variants) = (if wire.plays(Variant::SmallPages) { 3 } else { MOST }, wire.world.options.variants);
        let mut kept: Vec<(String, String)> = wire.query.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        kept.retain(|(key, _)| !matches!(&**key, "$skip" | "$top" | "$skiptoken"));
        kept.sort();
        Ok(Self {
            skip: number("$skip", number("$skiptoken", 0)?)?,
            top: number("$top", USUAL)?.clamp(1, most),
            filter: wire.query.get("$filter").map(|text| Filter::parse(text)).transpose().map_err(Refusal::bad)?,
            order: wire.query.get("$orderby").map(|text| order(text)).transpose()?,
            path: wire.path.clone(),
            kept,
            skip_key: "$skip",
            origin: wire.origin(),
            variants,
            lists_nothing: variants.has(Variant::EmptyListed),
        })
    }

    /// In whose links the next page is a `$skiptoken`.
    pub(crate) fn by_token(self) -> Self {
        Self { skip_key: "$skiptoken", ..self }
    }

    /// In which a list without items is written as an empty list, not left out.
    pub(crate) fn always_listed(self) -> Self {
        Self { lists_nothing: !self.variants.has(Variant::EmptyBare), ..self }
    }

    /// Without the order that was asked for: the caller sees to it.
    pub(crate) fn unordered(self) -> Self {
        Self { order: None, ..self }
    }

    /// Without the filter that was asked for: the caller sees to it.
    pub(crate) fn unfiltered(self) -> Self {
        Self { filter: None, ..self }
    }

    /// Whether a filter or an order was asked for, so that all items have to be seen.
    pub(crate) fn sees_all(&self) -> bool {
        self.filter.is_some() || self.order.is_some()
    }

    /// Only the items that were asked for, all of them.
    pub(crate) fn passes(&self, item: &Value) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.passes(item))
    }

    /// The page of these items.
    pub(crate) fn collection(&self, items: impl IntoIterator<Item = Value>) -> Value {
        let items = items.into_iter().filter(|item| self.passes(item));
        let Some((key, descends)) = &self.order else { return self.cut(items) };
        let mut all: Vec<Value> = items.collect();
        all.sort_by_cached_key(|item| item.get(key).map(ToString::to_string).unwrap_or_default());
        if *descends {
            all.reverse();
        }
        self.cut(all.into_iter())
    }

    /// The page of a long list of which only what is needed is made. Not for one that [`Self::sees_all`].
    pub(crate) fn of_long(&self, total: usize, make: impl Fn(usize) -> Value) -> Value {
        let end = total.min(self.skip.saturating_add(self.top));
        self.written((self.skip.min(end)..end).map(make).collect(), total, end < total)
    }

    fn cut(&self, mut items: impl Iterator<Item = Value>) -> Value {
        let mut total = items.by_ref().take(self.skip).count();
        let page: Vec<Value> = items.by_ref().take(self.top).collect();
        total += page.len();
        let more = items.next().is_some();
        if self.variants.has(Variant::CountTotal) {
            total += usize::from(more) + items.count();
        }
        self.written(page, total, more)
    }

    fn written(&self, page: Vec<Value>, total: usize, more: bool) -> Value {
        let count = if self.variants.has(Variant::CountTotal) { total } else { page.len() };
        let mut links = json!({ "self": format!("{BASE}{}", self.path) });
        if more {
            links["next"] = self.next().into();
        }
        let mut written = json!({ "count": count, "_links": links });
        if !page.is_empty() || self.lists_nothing {
            written["_embedded"] = json!({ "items": page });
        }
        written
    }

    fn next(&self) -> String {
        let kept = self.kept.iter().map(|(key, value)| format!("{key}={}", kept_apart(value)));
        let place = [format!("{}={}", self.skip_key, self.skip + self.top), format!("$top={}", self.top)];
        let query: Vec<String> = kept.chain(place).collect();
        let mut next = format!("{BASE}{}?{}", self.path, query.join("&"));
        if self.variants.has(Variant::NextEscaped) {
            next = next.replace(' ', "%20").replace('\'', "%27").replace('$', "%24");
        }
        if self.variants.has(Variant::NextAbsolute) { format!("{}{next}", self.origin) } else { next }
    }
}

/// A value in a query in which spaces and quotes stay as they are, but not what would end it.
fn kept_apart(value: &str) -> String {
    value.replace('%', "%25").replace('&', "%26").replace('#', "%23").replace('+', "%2B")
}

fn order(text: &str) -> Result<(String, bool), Refusal> {
    let mut words = text.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(key), None | Some("asc"), None) => Ok((key.to_owned(), false)),
        (Some(key), Some("desc"), None) => Ok((key.to_owned(), true)),
        _ => Err(Refusal::bad(format!("$orderby should name one property, not `{text}`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(skip: usize, top: usize, variants: &[Variant]) -> Page {
        Page {
            skip,
            top,
            filter: None,
            order: None,
            path: "/things".to_owned(),
            kept: vec![("$filter".to_owned(), "name eq 'a & b'".to_owned())],
            skip_key: "$skip",
            origin: "http://x".to_owned(),
            variants: variants.iter().copied().collect(),
            lists_nothing: false,
        }
    }

    #[test]
    fn a_collection_links_to_its_next_page_until_the_last() {
        let first = page(0, 2, &[]).collection((0..3).map(Value::from));
        assert_eq!((&first["_embedded"]["items"], &first["count"]), (&json!([0, 1]), &json!(2)));
        assert_eq!(first["_links"]["next"], "/2017-09-01/things?$filter=name eq 'a %26 b'&$skip=2&$top=2");
        let last = page(2, 2, &[]).collection((0..3).map(Value::from));
        assert_eq!(last["_embedded"]["items"], json!([2]));
        assert!(last["_links"].get("next").is_none());
        assert!(page(0, 2, &[]).collection([]).get("_embedded").is_none());
    }

    #[test]
    fn a_long_list_is_cut_as_a_short_one() {
        for (skip, top) in [(0, 2), (2, 2), (4, 9), (5, 1), (9, 1)] {
            let short = page(skip, top, &[Variant::CountTotal]).collection((0..5).map(Value::from));
            let long = page(skip, top, &[Variant::CountTotal]).of_long(5, Value::from);
            assert_eq!(short["_embedded"], long["_embedded"], "{skip} {top}");
            assert_eq!(short["_links"], long["_links"], "{skip} {top}");
        }
        assert_eq!(page(0, 2, &[Variant::CountTotal]).collection((0..5).map(Value::from))["count"], 5);
    }

    #[test]
    fn the_next_page_can_be_written_in_other_ways() {
        let next =
            |variants: &[Variant]| page(0, 1, variants).collection([1.into(), 2.into()])["_links"]["next"].clone();
        assert_eq!(
            next(&[Variant::NextAbsolute]),
            "http://x/2017-09-01/things?$filter=name eq 'a %26 b'&$skip=1&$top=1"
        );
        assert!(next(&[Variant::NextEscaped]).as_str().unwrap().contains("%24filter=name%20eq%20%27a%20%26%20b%27"));
    }
}
