//! Where routes lie that Mitel does not confirm, as settings may say otherwise: a wrong guess is a change of a setting.

use super::client::CloudLink;
use super::error::Error;
use super::path;
use super::places::{Mark, Place};
use super::query::Query;

/// The path of each place: that of the table, unless a setting gives another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// Few or none.
    moved: Vec<(Place, String)>,
}

/// A path in the settings that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {why}")]
pub struct PathError {
    /// The place's name, as the setting wrote it.
    pub name: String,
    /// What is wrong and what to do.
    pub why: String,
}

impl Paths {
    /// Paths by the names of places (`attachment = "/conversations/{conversation}/files/{attachment}"`), or all that is
    /// wrong with them. A path begins with `/`, lies below the API's version, has no query, and holds each id that the
    /// place takes once; `{account}` may be left out.
    pub fn new<'a>(settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<PathError>> {
        let (mut moved, mut wrong) = (Vec::new(), Vec::new());
        for (name, template) in settings {
            match settle(name, template) {
                Ok(place) => moved.push((place, template.to_owned())),
                Err(why) => wrong.push(PathError { name: name.to_owned(), why }),
            }
        }
        if wrong.is_empty() { Ok(Self { moved }) } else { Err(wrong) }
    }

    /// The names of the places that a setting may move.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Place::ALL.iter().filter(|place| place.mark() != Mark::Confirmed).map(|place| place.name())
    }

    /// The path of a place, ids in braces.
    pub fn template(&self, place: Place) -> &str {
        let moved = self.moved.iter().find(|(moved, _)| *moved == place);
        moved.map_or(place.template(), |(_, template)| template)
    }

    /// The path with its ids, which are given in the order of the table's own template.
    fn path(&self, place: Place, ids: &[&str]) -> Result<String, &'static str> {
        let mut path = String::with_capacity(128);
        for part in parts(self.template(place)) {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Id(name) => {
                    let given = names(place.template()).position(|known| known == name).and_then(|at| ids.get(at));
                    path.push_str(&path::id(given.ok_or("its path takes an id that it has not")?)?);
                }
            }
        }
        Ok(path)
    }
}

fn settle(name: &str, template: &str) -> Result<Place, String> {
    let place = Place::named(name).ok_or("no route has this name")?;
    if place.mark() == Mark::Confirmed {
        return Err(format!("Mitel confirms {:?}; only the paths of assumed routes can be set", place.template()));
    }
    if !template.starts_with('/') || template.contains(['?', '#', '\\']) || template.contains("://") {
        return Err("write the path below the API's version, from its first / on and without a query".to_owned());
    }
    if template.split('/').skip(1).any(|segment| segment.is_empty() || path::is_dots(segment)) {
        return Err("a part of the path is empty or leads elsewhere".to_owned());
    }
    let (known, used): (Vec<_>, Vec<_>) = (names(place.template()).collect(), names(template).collect());
    let wanted = || known.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ");
    if parts(template).any(|part| matches!(part, Part::Text(text) if text.contains(['{', '}']))) {
        return Err("a brace is not closed or not opened".to_owned());
    }
    if let Some(unknown) = used.iter().find(|name| !known.contains(name)) {
        return Err(format!("there is no {{{unknown}}} here; the path takes {}", wanted()));
    }
    let lacks = known.iter().find(|name| **name != "account" && !used.contains(name));
    if lacks.is_some() || used.iter().enumerate().any(|(at, name)| used[..at].contains(name)) {
        return Err(format!("the path takes each of {} once", wanted()));
    }
    Ok(place)
}

enum Part<'a> {
    Text(&'a str),
    Id(&'a str),
}

fn parts(template: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let closed = rest.strip_prefix('{').and_then(|id| id.split_once('}'));
        if let Some((id, after)) = closed.filter(|(id, _)| !id.is_empty() && !id.contains(['{', '/'])) {
            rest = after;
            return Some(Part::Id(id));
        }
        let end = rest.char_indices().skip(1).find(|(_, c)| *c == '{').map_or(rest.len(), |(at, _)| at);
        let (text, after) = rest.split_at(end);
        rest = after;
        Some(Part::Text(text))
    })
}

fn names(template: &str) -> impl Iterator<Item = &str> {
    parts(template).filter_map(|part| match part {
        Part::Id(name) => Some(name),
        Part::Text(_) => None,
    })
}

impl CloudLink {
    /// The URL of a place, with its ids in the order of the table's template.
    pub(super) fn at(&self, place: Place, ids: &[&str], query: &Query<'_>) -> Result<url::Url, Error> {
        let address = |why| Error::Address { what: place.name(), why };
        let path = self.paths().path(place, ids).map_err(address)?;
        let mut url = path::below(self.base(place.api())?, &path).map_err(address)?;
        let query = query.render();
        url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_take_their_ids() {
        let paths = Paths::default();
        assert_eq!(paths.path(Place::Commands, &[]).unwrap(), "/commands");
        let attachment = |paths: &Paths, ids: &[&str]| paths.path(Place::Attachment, ids);
        assert_eq!(attachment(&paths, &["c 1", "a/2"]).unwrap(), "/conversations/c%201/attachments/a%2F2");
        assert!(attachment(&paths, &["c"]).is_err() && attachment(&paths, &["c", ".."]).is_err());
        let moved = Paths::new([("attachment", "/files/{attachment}/of-{conversation}.bin")]).unwrap();
        assert_eq!(attachment(&moved, &["c", "a"]).unwrap(), "/files/a/of-c.bin");
        assert_eq!(moved.path(Place::Site, &["1", "2"]).unwrap(), "/accounts/1/sites/2");
        let site = Paths::new([("site", "/sites/{site}")]).unwrap();
        assert_eq!(site.path(Place::Site, &["1", "2"]).unwrap(), "/sites/2");
    }

    #[test]
    fn what_is_wrong_with_a_path_is_said_all_at_once() {
        let wrong = Paths::new([
            ("atachment", "/x"),
            ("messages", "/m/{conversation}"),
            ("attachment", "conversations/{conversation}/a/{attachment}"),
            ("attachment", "/c/{conversation}/../{attachment}"),
            ("attachment", "/c/{conversation}//{attachment}"),
            ("attachment", "/c/{conversation}?a={attachment}"),
            ("attachment", "/c/{conversation}"),
            ("attachment", "/c/{conversation}/{attachment}/{attachment}"),
            ("attachment", "/c/{conversation}/{file}"),
            ("attachment", "/c/{conversation}/{attachment"),
            ("attachment", "/c/{conversation}/{attachment}}"),
            ("attachment", "/c/{}/{conversation}/{attachment}"),
        ])
        .unwrap_err();
        assert_eq!(wrong.len(), 12, "{wrong:#?}");
        assert!(
            wrong[1].to_string().contains("confirms") && wrong[6].why.contains("{conversation}, {attachment} once")
        );
        assert!(Paths::names().any(|name| name == "attachment") && !Paths::names().any(|name| name == "messages"));
    }

    proptest! {
        #[test]
        fn a_path_that_is_accepted_can_be_used(
            template in r"(/|\{conversation\}|\{attachment\}|[a-z.%{}?]){0,12}",
            ids in (r"\PC{1,6}", r"\PC{1,6}"),
        ) {
            prop_assume!([&ids.0, &ids.1].iter().all(|id| path::id(id).is_ok()));
            if let Ok(paths) = Paths::new([("attachment", template.as_str())]) {
                let path = paths.path(Place::Attachment, &[&ids.0, &ids.1]).unwrap();
                let base = "https://chat.example/2017-09-01".parse().unwrap();
                prop_assert!(path::below(&base, &path).unwrap().as_str().starts_with("https://chat.example/2017-09-01/"));
            }
        }
    }
}
