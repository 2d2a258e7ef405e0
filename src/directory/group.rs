//! Groups and who is in them.

use serde_json::{Map, Value};

use super::entry::text;
use super::index::{Entry, Key};

/// The most members of a group that are kept.
pub(super) const MOST_MEMBERS: usize = 5000;

/// A group (wire reference, 9 \[P\]; its members \[A\]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    id: Box<str>,
    name: Option<Box<str>>,
    members: Box<[Box<str>]>,
}

impl Group {
    /// Reads a group and the members that stand in it; `None` for the members when none do: they are read apart.
    pub(super) fn read(object: &Value) -> Option<(Self, bool)> {
        let id = text(object, &["groupId", "id"])?;
        let listed = ["members", "_embedded"].iter().find_map(|name| {
            let found = object.get(name)?;
            [found.get("members"), Some(found)].into_iter().flatten().find_map(items)
        });
        let there = listed.is_some();
        let members = listed.into_iter().flatten().filter_map(member).take(MOST_MEMBERS).collect();
        Some((Self { id, name: text(object, &["name", "displayName"]), members }, there))
    }

    /// Reads a group; its members only as far as they stand in it.
    pub fn of(object: &Value) -> Option<Self> {
        Self::read(object).map(|(group, _)| group)
    }

    /// The same with these members.
    pub(super) fn with(self, members: Vec<Box<str>>) -> Self {
        Self { members: members.into(), ..self }
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is called.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Id and name, and the ids of its members if there are some.
    pub fn view(&self) -> Map<String, Value> {
        let mut view = super::entry::view(&[("id", Some(&self.id)), ("name", self.name.as_deref())]);
        if !self.members.is_empty() {
            let ids = self.members.iter().map(|id| Value::from(&**id)).collect();
            view.insert("members".to_owned(), Value::Array(ids));
        }
        view
    }

    /// The ids of its members, in the order of the group.
    pub fn members(&self) -> &[Box<str>] {
        &self.members
    }
}

/// A list, or a collection of items.
fn items(value: &Value) -> Option<&Vec<Value>> {
    let inner = value.pointer("/_embedded/items").or_else(|| value.get("items"));
    inner.unwrap_or(value).as_array()
}

/// The id of a member.
pub(super) fn member(item: &Value) -> Option<Box<str>> {
    match item {
        Value::String(id) if !id.trim().is_empty() => Some(id.trim().into()),
        _ => text(item, &["userId", "memberId", "principalId", "id"]),
    }
}

impl Entry for Group {
    fn id(&self) -> &str {
        &self.id
    }

    fn keys<'a>(&'a self, take: &mut dyn FnMut(Key<'a>)) {
        take(Key::Id(&self.id));
        self.name.as_deref().map(Key::Name).into_iter().for_each(take);
    }
}
