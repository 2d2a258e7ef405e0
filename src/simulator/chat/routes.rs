//! `/conversations`: opening, listing, changing and closing them, and their tags.

use serde_json::{Map, Value, json};

use super::talk::{Opening, Talk};
use super::{attachments, messages, people, tell};
use crate::simulator::answer::{self, Answer, Refusal, flag, object, one_of, only, required, text};
use crate::simulator::page::Page;
use crate::simulator::service::Service::Conversations;
use crate::simulator::service::{Ask, Served, signed};

const OPENING: [&str; 10] = [
    "stream",
    "name",
    "languageCode",
    "visibility",
    "hidden",
    "generateSystemMessages",
    "accessCode",
    "thumbnailUrl",
    "originalParticipants",
    "participants",
];
/// Of that what is kept as it was said.
const OTHER: [&str; 5] = ["visibility", "hidden", "generateSystemMessages", "accessCode", "thumbnailUrl"];

const ONE: &str = "/conversations/{conversationId}";
const MESSAGES: &str = "/conversations/{conversationId}/messages";
const MESSAGE: &str = "/conversations/{conversationId}/messages/{messageId}";
const REACTIONS: &str = "/conversations/{conversationId}/messages/{messageId}/reactions";
const REACTION: &str = "/conversations/{conversationId}/messages/{messageId}/reactions/{reactionId}";
const PARTICIPANTS: &str = "/conversations/{conversationId}/participants";
const PARTICIPANT: &str = "/conversations/{conversationId}/participants/{participantId}";
const TYPING: &str = "/conversations/{conversationId}/participants/{participantId}/typing";
const ATTACHMENT: &str = "/conversations/{conversationId}/attachments/{attachmentId}";
const METADATA: &str = "/conversations/{conversationId}/attachments/{attachmentId}/metadata";
const CONTENT: &str = "/conversations/{conversationId}/attachments/{attachmentId}/content";
const TAGS: &str = "/conversations/{conversationId}/tags";
const TAG: &str = "/conversations/{conversationId}/tags/{tagId}";

pub(super) static ROUTES: &[Served] = &[
    signed(Conversations, "GET", "/conversations", list),
    signed(Conversations, "POST", "/conversations", open),
    signed(Conversations, "GET", ONE, one),
    signed(Conversations, "PUT", ONE, change),
    signed(Conversations, "DELETE", ONE, close),
    signed(Conversations, "GET", MESSAGES, messages::list),
    signed(Conversations, "POST", MESSAGES, messages::say),
    signed(Conversations, "GET", MESSAGE, messages::one),
    signed(Conversations, "PUT", MESSAGE, messages::change),
    signed(Conversations, "DELETE", MESSAGE, messages::remove),
    signed(Conversations, "GET", REACTIONS, messages::reactions),
    signed(Conversations, "POST", REACTIONS, messages::react),
    signed(Conversations, "GET", REACTION, messages::reaction),
    signed(Conversations, "DELETE", REACTION, messages::take_back),
    signed(Conversations, "GET", PARTICIPANTS, people::list),
    signed(Conversations, "POST", PARTICIPANTS, people::join),
    signed(Conversations, "GET", PARTICIPANT, people::one),
    signed(Conversations, "PUT", PARTICIPANT, people::change),
    signed(Conversations, "DELETE", PARTICIPANT, people::remove),
    signed(Conversations, "POST", TYPING, people::typing),
    signed(Conversations, "GET", ATTACHMENT, attachments::get),
    signed(Conversations, "PUT", ATTACHMENT, attachments::put),
    signed(Conversations, "DELETE", ATTACHMENT, attachments::remove),
    signed(Conversations, "GET", METADATA, attachments::metadata),
    signed(Conversations, "PUT", METADATA, attachments::describe),
    signed(Conversations, "GET", CONTENT, attachments::content),
    signed(Conversations, "PUT", CONTENT, attachments::put_content),
    signed(Conversations, "GET", TAGS, tags),
    signed(Conversations, "GET", TAG, tag),
    signed(Conversations, "PUT", TAG, put_tag),
    signed(Conversations, "DELETE", TAG, remove_tag),
    signed(Conversations, "GET", "/users/{userId}/conversations", people::conversations),
    signed(Conversations, "GET", "/commands", commands),
];

fn open(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &OPENING)?;
    let language = text(&map, "languageCode")?;
    if language.as_ref().is_some_and(|code| !is_language(code)) {
        return Err(Refusal::bad("languageCode should match pattern \"^[a-z]{2}-[A-Z]{2}$\""));
    }
    let stream = flag(&map, "stream")?.unwrap_or(false);
    if one_of(&map, "visibility", &["PUBLIC", "PRIVATE"])?.is_some() && !stream {
        return Err(Refusal::bad("only a stream has a visibility"));
    }
    let realm = ask.realm();
    let (id, new) = realm.chats.open(Opening {
        creator: ask.by().to_owned(),
        participants: original_participants(ask, &map)?,
        stream,
        name: text(&map, "name")?,
        language_code: language,
        other: map.into_iter().filter(|(key, _)| OTHER.contains(&&**key)).collect(),
    });
    let talks = realm.chats.talks();
    let talk = talks.get(&id)?;
    let shown = whole(ask, talk);
    if !new {
        return answer::ok(shown);
    }
    told(ask, talk, "POST", "", talk.document(&realm.account.id));
    answer::created(shown)
}

/// Like en-US.
fn is_language(code: &str) -> bool {
    let bytes = code.as_bytes();
    bytes.len() == 5
        && bytes[..2].iter().all(u8::is_ascii_lowercase)
        && bytes[2] == b'-'
        && bytes[3..].iter().all(u8::is_ascii_uppercase)
}

fn original_participants(ask: &Ask, map: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let wrong = || Refusal::bad("originalParticipants should be array of {type, participantId}");
    let Some(list) = map.get("originalParticipants").or_else(|| map.get("participants")) else { return Ok(vec![]) };
    let id = |entry: &Value| {
        let id = entry["participantId"].as_str().ok_or_else(wrong)?;
        Ok(if id == "me" { ask.by().to_owned() } else { id.to_owned() })
    };
    list.as_array().ok_or_else(wrong)?.iter().map(id).collect()
}

/// With messages and participants embedded.
fn whole(ask: &Ask, talk: &Talk) -> Value {
    let (account, variants) = (&ask.realm().account.id, ask.world.options.variants);
    let mut document = talk.document(account);
    let messages: Vec<&Value> = talk.newest_first().take(20).collect();
    let people: Vec<Value> = talk.members.iter().map(|member| talk.participant(member, account, variants)).collect();
    document["_embedded"] = json!({
        "messages": { "count": messages.len(), "_embedded": { "items": messages } },
        "participants": { "count": people.len(), "_embedded": { "items": people } },
    });
    document
}

/// Publishes what happened below a conversation.
pub(super) fn told(ask: &Ask, talk: &Talk, method: &str, below: &str, content: Value) {
    let told = tell::Told { conversation: &talk.id, sender: ask.by(), talk };
    told.change(&ask.world, ask.realm(), method, below, content);
}

fn list(ask: &Ask) -> Answer {
    let talks = ask.realm().chats.talks();
    let visible = talks.all().filter(|talk| ask.holder.is_admin() || talk.has(ask.by()));
    let items = visible.map(|talk| talk.document(&ask.realm().account.id));
    answer::ok(Page::of(ask)?.always_listed().collection(items))
}

fn one(ask: &Ask) -> Answer {
    let talks = ask.realm().chats.talks();
    answer::ok(whole(ask, talks.get(ask.part("conversationId"))?))
}

fn change(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(
        &map,
        &["name", "languageCode", "visibility", "hidden", "generateSystemMessages", "accessCode", "thumbnailUrl"],
    )?;
    let mut talks = ask.realm().chats.talks();
    let talk = talks.get_mut(ask.part("conversationId"))?;
    if let Some(name) = text(&map, "name")? {
        talk.opening.name = Some(name);
    }
    if let Some(code) = text(&map, "languageCode")? {
        talk.opening.language_code = Some(code);
    }
    talk.opening.other.extend(map.into_iter().filter(|(key, _)| OTHER.contains(&&**key)));
    talk.modified = Some((ask.world.clock.now(), ask.by().to_owned()));
    let document = talk.document(&ask.realm().account.id);
    told(ask, talk, "PUT", "", document.clone());
    answer::ok(document)
}

/// Answers what was closed.
fn close(ask: &Ask) -> Answer {
    let talk = ask.realm().chats.talks().close(ask.part("conversationId"))?;
    let document = talk.document(&ask.realm().account.id);
    told(ask, &talk, "DELETE", "", document.clone());
    answer::ok(document)
}

fn tag_object((id, value): (&String, &Value)) -> Value {
    json!({ "tagId": id, "value": value })
}

fn no_tag(id: &str) -> Refusal {
    Refusal::missing("TagNotFound", format!("no tag {id}"))
}

fn tags(ask: &Ask) -> Answer {
    let talks = ask.realm().chats.talks();
    let tags = &talks.get(ask.part("conversationId"))?.tags;
    answer::ok(Page::of(ask)?.collection(tags.iter().map(tag_object)))
}

fn tag(ask: &Ask) -> Answer {
    let (talks, id) = (ask.realm().chats.talks(), ask.part("tagId"));
    let found = talks.get(ask.part("conversationId"))?.tags.get_key_value(id);
    answer::ok(tag_object(found.ok_or_else(|| no_tag(id))?))
}

fn put_tag(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &["value", "tagId"])?;
    let (mut talks, id) = (ask.realm().chats.talks(), ask.part("tagId"));
    let value = map.get("value").cloned().unwrap_or_default();
    talks.get_mut(ask.part("conversationId"))?.tag(id, value.clone())?;
    answer::ok(json!({ "tagId": id, "value": value }))
}

fn remove_tag(ask: &Ask) -> Answer {
    let (mut talks, id) = (ask.realm().chats.talks(), ask.part("tagId"));
    talks.get_mut(ask.part("conversationId"))?.tags.shift_remove(id).ok_or_else(|| no_tag(id))?;
    answer::nothing()
}

/// What can be typed after a slash; these belong to the account.
fn commands(ask: &Ask) -> Answer {
    let commands = ["WHO", "KICK", "LEAVE", "SHRUG"].map(|name| json!({ "commandId": name, "name": name }));
    answer::ok(Page::of(ask)?.collection(commands))
}

/// A property that must be one of these words.
pub(super) fn required_word(map: &Map<String, Value>, key: &str, words: &[&str]) -> Result<String, Refusal> {
    required(map, key)?;
    Ok(one_of(map, key, words)?.unwrap_or_default())
}
