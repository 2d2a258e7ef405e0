//! What conversations are called: a bounded memory with a lifetime.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::entry::text;

/// How long what is known of a conversation counts as fresh, in milliseconds.
const LIFE: i64 = 10 * 60 * 1000;
/// How long it is remembered that nothing could be found out.
const FAILED: i64 = 30 * 1000;
/// How much is kept: conversations and their participants.
const ROOM: usize = 50_000;
/// The most participants of one conversation that are kept.
pub(super) const MOST_PARTICIPANTS: usize = 500;

/// A conversation (wire reference, 7.2; that it can be read \[A\]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Talk {
    /// What it is called.
    pub name: Option<Box<str>>,
    /// Its tag; of several, in one text with a space between them.
    pub tag: Option<Box<str>>,
    /// Its language, such as `en-US`.
    pub language: Option<Box<str>>,
    /// Whether it is a topic with participants that come and go.
    pub stream: Option<bool>,
    /// The ids of its participants, if they are known.
    pub participants: Option<Box<[Box<str>]>>,
}

impl Talk {
    /// Reads a conversation.
    pub fn read(object: &Value) -> Self {
        let listed = ["participants", "_embedded"].iter().find_map(|name| {
            let found = object.get(name)?;
            let found = found.get("participants").unwrap_or(found);
            found.pointer("/_embedded/items").or_else(|| found.get("items")).unwrap_or(found).as_array()
        });
        Self {
            name: text(object, &["name"]),
            tag: text(object, &["tag"]).or_else(|| tags(object)),
            language: text(object, &["languageCode", "language"]),
            stream: object.get("stream").and_then(Value::as_bool),
            participants: listed
                .map(|items| items.iter().filter_map(participant).take(MOST_PARTICIPANTS).collect::<Vec<_>>().into()),
        }
    }

    /// What rules see as `conversation`, besides its id.
    pub fn view(&self) -> Map<String, Value> {
        let mut view = super::entry::view(&[("name", self.name.as_deref()), ("tag", self.tag.as_deref())]);
        if let Some(stream) = self.stream {
            view.insert("stream".to_owned(), Value::Bool(stream));
        }
        if let Some(participants) = &self.participants {
            let ids = participants.iter().map(|id| Value::from(&**id)).collect();
            view.insert("participants".to_owned(), Value::Array(ids));
        }
        view
    }

    fn weight(&self) -> usize {
        1 + self.participants.as_ref().map_or(0, |participants| participants.len())
    }
}

/// Tags of a conversation exist \[C, G\]; how they come is not printed \[A\].
fn tags(object: &Value) -> Option<Box<str>> {
    let tags = object.get("tags").or_else(|| object.pointer("/_embedded/tags"))?;
    let tags = tags.pointer("/_embedded/items").or_else(|| tags.get("items")).unwrap_or(tags).as_array()?;
    let texts: Vec<&str> = tags
        .iter()
        .filter_map(|tag| {
            tag.as_str().or_else(|| ["value", "tagId", "name"].iter().find_map(|key| tag.get(key)?.as_str()))
        })
        .take(16)
        .collect();
    let joined = texts.join(" ");
    (!joined.is_empty() && joined.len() <= 2048).then(|| joined.into())
}

/// The id of a participant: that it equals the user's is \[A\].
pub(super) fn participant(item: &Value) -> Option<Box<str>> {
    match item {
        Value::String(id) if !id.trim().is_empty() => Some(id.trim().into()),
        _ => text(item, &["participantId", "userId"]),
    }
}

/// What is remembered of conversations.
#[derive(Debug, Default)]
pub(super) struct Talks {
    known: HashMap<Box<str>, Known>,
    /// In the order of their coming, with the number of each.
    order: VecDeque<(Box<str>, u64)>,
    weight: usize,
    count: u64,
}

#[derive(Debug)]
struct Known {
    talk: Arc<Talk>,
    /// Nothing could be found out.
    failed: bool,
    until: i64,
    number: u64,
}

impl Talks {
    /// What is known and fresh; with its participants, if they are wanted.
    pub(super) fn get(&self, id: &str, participants: bool, now: i64) -> Option<Arc<Talk>> {
        let known = self.known.get(id).filter(|known| now < known.until)?;
        let whole = !participants || known.failed || known.talk.participants.is_some();
        whole.then(|| Arc::clone(&known.talk))
    }

    pub(super) fn put(&mut self, id: &str, talk: Talk, now: i64) -> Arc<Talk> {
        self.insert(id, talk, false, now.saturating_add(LIFE))
    }

    /// Nothing could be found out; what was known counts on.
    pub(super) fn failed(&mut self, id: &str, now: i64) -> Arc<Talk> {
        let before = self.known.get(id).map(|known| Talk::clone(&known.talk)).unwrap_or_default();
        self.insert(id, before, true, now.saturating_add(FAILED))
    }

    pub(super) fn forget(&mut self, id: &str) {
        if let Some(known) = self.known.remove(id) {
            self.weight -= known.talk.weight();
        }
    }

    fn insert(&mut self, id: &str, talk: Talk, failed: bool, until: i64) -> Arc<Talk> {
        self.forget(id);
        self.count += 1;
        let (talk, number) = (Arc::new(talk), self.count);
        self.weight += talk.weight();
        self.known.insert(id.into(), Known { talk: Arc::clone(&talk), failed, until, number });
        self.order.push_back((id.into(), number));
        while self.weight > ROOM || self.order.len() > 2 * ROOM {
            let Some((id, number)) = self.order.pop_front() else { break };
            if self.known.get(&id).is_some_and(|known| known.number == number) {
                self.forget(&id);
            }
        }
        talk
    }
}
