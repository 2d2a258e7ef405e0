//! Reading answers whose form is assumed: what they look like, never what stands in them. Pure.

use serde_json::Value;

/// How deep an answer is looked into, and how many keys are named.
const DEPTH: usize = 32;
const KEYS: usize = 40;

/// How a collection is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// `[…]`
    Bare,
    /// `{ "items": […] }`
    Items,
    /// `{ "_embedded": { "items": […] } }`
    Embedded,
    /// An object with links or a count, and no items: an empty collection.
    Empty,
}

impl List {
    /// Reads it.
    pub fn of(answer: &Value) -> Option<(Self, &[Value])> {
        let items = |value: &Value| value.as_array().map(Vec::len).is_some();
        match answer {
            Value::Array(found) => Some((Self::Bare, found)),
            Value::Object(_) if items(&answer["items"]) => Some((Self::Items, list(&answer["items"]))),
            Value::Object(_) if items(&answer["_embedded"]["items"]) => {
                Some((Self::Embedded, list(&answer["_embedded"]["items"])))
            }
            Value::Object(fields) if fields.contains_key("_links") || fields.contains_key("count") => {
                Some((Self::Empty, &[]))
            }
            _ => None,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Bare => "a bare array",
            Self::Items => "an object with items",
            Self::Embedded => "an object with _embedded.items",
            Self::Empty => "an object without items, since there are none",
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// How the link to the next page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// There is none.
    Missing,
    /// `/2017-09-01/…`
    Versioned,
    /// `/…`, without a version.
    Rooted,
    /// `https://…`
    Absolute,
    /// Anything else, such as `?$skip=1`.
    Relative,
}

impl Next {
    /// Reads it.
    pub fn of(answer: &Value) -> Self {
        let link = &answer["_links"]["next"];
        let Some(link) = link.as_str().or_else(|| link["href"].as_str()) else { return Self::Missing };
        match link.strip_prefix('/') {
            _ if link.contains("://") => Self::Absolute,
            Some(rest) if is_version(rest.strip_prefix("api/").unwrap_or(rest)) => Self::Versioned,
            Some(_) => Self::Rooted,
            None => Self::Relative,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Missing => "no link to a next page",
            Self::Versioned => "a next link that is a path with the version",
            Self::Rooted => "a next link that is a path without the version",
            Self::Absolute => "a next link that is a whole address",
            Self::Relative => "a next link that is relative to the page",
        }
    }
}

fn is_version(path: &str) -> bool {
    let first = path.split(['/', '?']).next().unwrap_or_default();
    let digit = |(at, byte): (usize, u8)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
    first.len() == 10 && first.bytes().enumerate().all(digit)
}

/// The names of an answer's fields, without their values: `a, b{c, d}, e[]{f}`.
pub fn keys(answer: &Value) -> String {
    let mut left = KEYS;
    named(answer, DEPTH, &mut left)
}

fn named(value: &Value, depth: usize, left: &mut usize) -> String {
    match value {
        Value::Object(fields) if depth > 0 => {
            let mut names = Vec::new();
            for (name, value) in fields {
                if *left == 0 {
                    names.push("…".to_owned());
                    break;
                }
                *left -= 1;
                let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                let inner = named(value, depth - 1, left);
                names.push(match value {
                    Value::Object(_) if !inner.is_empty() => format!("{name}{{{inner}}}"),
                    Value::Array(_) if !inner.is_empty() => format!("{name}[]{{{inner}}}"),
                    Value::Array(_) => format!("{name}[]"),
                    _ => name,
                });
            }
            names.join(", ")
        }
        Value::Array(items) if depth > 0 => items.first().map_or_else(String::new, |item| named(item, depth - 1, left)),
        _ => String::new(),
    }
}

/// Where in an answer the address of a socket stands, and its host. The address itself is a secret.
pub fn socket(answer: &Value) -> Option<(String, String)> {
    found(answer, "", DEPTH, &|text| text.starts_with("wss://") || text.starts_with("ws://")).map(|(place, url)| {
        let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        (if place.is_empty() { "the answer itself".to_owned() } else { place }, host.unwrap_or_default())
    })
}

fn found<'a>(value: &'a Value, place: &str, depth: usize, fits: &dyn Fn(&str) -> bool) -> Option<(String, &'a str)> {
    match value {
        Value::String(text) if fits(text) => Some((place.to_owned(), text)),
        Value::Object(fields) if depth > 0 => fields.iter().find_map(|(name, value)| {
            let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
            found(value, &place, depth - 1, fits)
        }),
        Value::Array(items) if depth > 0 => {
            items.iter().enumerate().find_map(|(at, value)| found(value, &format!("{place}[{at}]"), depth - 1, fits))
        }
        _ => None,
    }
}

/// Where the aggregate of a presentity stands.
pub fn aggregate(presentity: &Value) -> Option<&'static str> {
    let status = |value: &Value| {
        value.as_object().is_some_and(|fields| fields.keys().any(|key| key.eq_ignore_ascii_case("status")))
    };
    let presences = &presentity["presences"];
    let places = [
        ("presences.aggregatePresence", &presences["aggregatePresence"]),
        ("aggregatePresence", &presentity["aggregatePresence"]),
        ("presences.aggregate", &presences["aggregate"]),
        ("presence", &presentity["presence"]),
    ];
    if let Some((place, _)) = places.into_iter().find(|(_, value)| status(value)) {
        return Some(place);
    }
    if list(presences).iter().any(status) {
        return Some("presences[]");
    }
    status(presentity).then_some("the presentity itself")
}

/// The cloud in a `domain` claim, `<account>.us.dev.api.mitel.io`: what follows the account.
pub fn cloud(domain: &str) -> Option<&str> {
    let (account, rest) = domain.split_once('.')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    (!account.is_empty() && rest.ends_with("mitel.io") && rest.chars().all(plain)).then_some(rest)
}

/// What an OpenAPI or Swagger document says of itself: title, version, and its paths with their methods in capitals, ids as
/// `{}`, without a version before them.
pub struct Spec {
    /// Title and version.
    pub title: String,
    /// `GET /users/{}`.
    pub routes: Vec<String>,
}

impl Spec {
    /// Reads it; none if it is no such document.
    pub fn of(document: &Value) -> Option<Self> {
        if document["openapi"].is_null() && document["swagger"].is_null() {
            return None;
        }
        let text = |name: &str| document["info"][name].as_str().unwrap_or("?").chars().take(80).collect::<String>();
        let paths = document["paths"].as_object()?;
        let routes = paths.iter().flat_map(|(path, methods)| {
            let path = plain(path);
            let methods = methods.as_object().into_iter().flat_map(serde_json::Map::keys);
            let known = ["get", "put", "post", "delete", "patch"];
            let methods = methods.filter(move |method| known.contains(&method.to_ascii_lowercase().as_str()));
            methods.map(move |method| format!("{} {path}", method.to_ascii_uppercase())).collect::<Vec<_>>()
        });
        Some(Self { title: format!("{} {}", text("title"), text("version")), routes: routes.collect() })
    }

    /// Whether it has a route, its path as in `/users/{user}`.
    pub fn has(&self, method: &str, path: &str) -> bool {
        let wanted = format!("{method} {}", plain(path));
        self.routes.contains(&wanted)
    }
}

/// A path with its ids as `{}`, and no version.
fn plain(path: &str) -> String {
    let rest = path.strip_prefix('/').unwrap_or(path);
    let rest = if is_version(rest) { rest.get(11..).unwrap_or_default() } else { rest };
    let parts = rest.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    format!("/{}", parts.collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn collections_have_four_forms() {
        for (answer, form, number) in [
            (json!([1, 2]), Some(List::Bare), 2),
            (json!({ "items": [1] }), Some(List::Items), 1),
            (json!({ "count": 1, "_embedded": { "items": [1] } }), Some(List::Embedded), 1),
            (json!({ "count": 0 }), Some(List::Empty), 0),
            (json!({ "name": "x" }), None, 0),
            (json!("x"), None, 0),
        ] {
            let read = List::of(&answer);
            assert_eq!(read.map(|(form, _)| form), form, "{answer}");
            assert_eq!(read.map_or(0, |(_, items)| items.len()), number, "{answer}");
        }
    }

    #[test]
    fn next_links_have_forms() {
        let of = |link: Value| Next::of(&json!({ "_links": { "next": link } }));
        assert_eq!(of(json!("/2017-09-01/users?$skip=1")), Next::Versioned);
        assert_eq!(of(json!({ "href": "/api/2016-12-31/users" })), Next::Versioned);
        assert_eq!(of(json!("/users?$skip=1")), Next::Rooted);
        assert_eq!(of(json!("https://admin.api.mitel.io/x")), Next::Absolute);
        assert_eq!(of(json!("?$skip=1")), Next::Relative);
        assert_eq!(Next::of(&json!({})), Next::Missing);
    }

    #[test]
    fn names_are_told_and_values_are_not() {
        let answer = json!({ "url": "wss://secret", "list": [{ "a": 1, "b": {} }], "deep": { "x": null }, "none": [] });
        assert_eq!(keys(&answer), "url, list[]{a, b}, deep{x}, none[]");
        let many: Value = (0..100).map(|n| (format!("k{n}"), json!(1))).collect::<serde_json::Map<_, _>>().into();
        assert!(keys(&many).ends_with(", …"));
    }

    #[test]
    fn a_socket_is_found_wherever_it_is() {
        let url = "wss://abc.iot.us-west-2.amazonaws.com/mqtt?X-Amz-Signature=secret";
        let host = "abc.iot.us-west-2.amazonaws.com";
        for (answer, place) in [
            (json!({ "url": url }), "url"),
            (json!({ "a": { "b": [1, url] } }), "a.b[1]"),
            (json!([url]), "[0]"),
            (json!(url), "the answer itself"),
        ] {
            assert_eq!(socket(&answer), Some((place.to_owned(), host.to_owned())));
        }
        assert_eq!(socket(&json!({ "url": "https://x" })), None);
    }

    #[test]
    fn presence_is_found_where_views_look() {
        let status = json!({ "status": "Busy" });
        for (presentity, place) in [
            (json!({ "presences": { "aggregatePresence": status } }), Some("presences.aggregatePresence")),
            (json!({ "aggregatePresence": status, "presences": {} }), Some("aggregatePresence")),
            (json!({ "presences": { "aggregate": { "Status": "BUSY" } } }), Some("presences.aggregate")),
            (json!({ "presences": [status] }), Some("presences[]")),
            (status.clone(), Some("the presentity itself")),
            (json!({ "presences": {} }), None),
        ] {
            assert_eq!(aggregate(&presentity), place, "{presentity}");
        }
    }

    #[test]
    fn the_cloud_is_what_follows_the_account() {
        assert_eq!(cloud("5b1f.us.dev.api.mitel.io"), Some("us.dev.api.mitel.io"));
        assert_eq!(cloud("5b1f.eu.api.mitel.io"), Some("eu.api.mitel.io"));
        assert_eq!((cloud("mitel"), cloud("x.example.com"), cloud("a.b\n.mitel.io")), (None, None, None));
    }

    #[test]
    fn a_specification_tells_its_routes() {
        let document = json!({ "openapi": "3.0.0", "info": { "title": "Admin", "version": "1" },
            "paths": { "/2017-09-01/accounts/{accountId}/sites": { "get": {}, "parameters": [] }, "/users/{id}": { "put": {} } } });
        let spec = Spec::of(&document).unwrap();
        assert_eq!(spec.title, "Admin 1");
        assert!(spec.has("GET", "/accounts/{account}/sites") && spec.has("PUT", "/users/{user}"));
        assert!(!spec.has("POST", "/users/{user}") && spec.routes.len() == 2);
        assert!(Spec::of(&json!({ "paths": {} })).is_none());
    }

    proptest! {
        #[test]
        fn no_answer_is_a_panic(text in "[\\[\\]{}\":,a-z/?0-9-]{0,60}", domain in ".{0,30}") {
            let _ = cloud(&domain);
            let answer: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
            let _ = (List::of(&answer), Next::of(&answer), keys(&answer), socket(&answer), aggregate(&answer), Spec::of(&answer).is_some());
        }
    }
}
