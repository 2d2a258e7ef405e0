//! The messages of a conversation and the reactions to them.

use serde_json::{Value, json};

use super::Words;
use super::routes::told;
use super::tell::Told;
use crate::simulator::answer::{self, Answer, Refusal, object, only, required};
use crate::simulator::clock::iso;
use crate::simulator::page::Page;
use crate::simulator::service::Ask;
use crate::simulator::variants::Variant;
use crate::simulator::world::guid;

pub(super) fn say(ask: &Ask) -> Answer {
    let words = Words::read(&object(&ask.body)?)?;
    let chats = &ask.realm().chats;
    answer::created(chats.say(&ask.world, ask.realm(), ask.part("conversationId"), ask.by(), words)?)
}

/// Newest first, unless `$orderby=createdOn asc` (or without a direction) asks for the opposite.
pub(super) fn list(ask: &Ask) -> Answer {
    let talks = ask.realm().chats.talks();
    let newest_first = talks.get(ask.part("conversationId"))?.newest_first().cloned();
    if ask.query.contains_key("$filter") && !ask.plays(Variant::TagFilter) {
        return Err(Refusal::bad("messages can't be filtered"));
    }
    let page = Page::of(ask)?.unordered().always_listed();
    let newest = match ask.query.get("$orderby").map(|text| text.trim()) {
        None => !ask.plays(Variant::OldestFirst),
        Some("createdOn desc") => true,
        Some("createdOn" | "createdOn asc") => false,
        Some(other) => return Err(Refusal::bad(format!("messages can't be ordered by {other}"))),
    };
    answer::ok(if newest { page.collection(newest_first) } else { page.collection(newest_first.rev()) })
}

pub(super) fn one(ask: &Ask) -> Answer {
    let talks = ask.realm().chats.talks();
    answer::ok(talks.get(ask.part("conversationId"))?.message(ask.part("messageId"))?.clone())
}

/// Only whoever said it, or an administrator who takes part, may change it or take it back.
fn own(ask: &Ask, message: &Value) -> Result<(), Refusal> {
    if message["createdBy"] == *ask.by() || ask.holder.is_admin() {
        return Ok(());
    }
    Err(Refusal::forbidden("this is somebody else's message"))
}

/// The tag stays as it was.
pub(super) fn change(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &["body", "contentType", "fallbackText"])?;
    let words = Words::read(&map)?;
    let (conversation, id) = (ask.part("conversationId"), ask.part("messageId"));
    let mut talks = ask.realm().chats.talks();
    let talk = talks.get_mut(conversation)?;
    talk.only_members(ask.by())?;
    let message = talk.message_mut(id)?;
    own(ask, message)?;
    message["body"] = words.body.into();
    for (key, value) in [("contentType", words.content_type), ("fallbackText", words.fallback_text)] {
        if let Some(value) = value {
            message[key] = value.into();
        }
    }
    message["modifiedOn"] = iso(ask.world.clock.now()).into();
    message["modifiedBy"] = ask.by().into();
    let message = message.clone();
    Told { conversation, sender: ask.by(), talk }.message(&ask.world, ask.realm(), "PUT", id, &message);
    answer::ok(message)
}

pub(super) fn remove(ask: &Ask) -> Answer {
    let (conversation, id) = (ask.part("conversationId"), ask.part("messageId"));
    let mut talks = ask.realm().chats.talks();
    let talk = talks.get_mut(conversation)?;
    talk.only_members(ask.by())?;
    own(ask, talk.message(id)?)?;
    let message = talk.forget(id)?;
    Told { conversation, sender: ask.by(), talk }.message(&ask.world, ask.realm(), "DELETE", id, &message);
    answer::nothing()
}

fn no_reaction(id: &str) -> Refusal {
    Refusal::missing("ReactionNotFound", format!("no reaction {id}"))
}

pub(super) fn reactions(ask: &Ask) -> Answer {
    let (talks, message) = (ask.realm().chats.talks(), ask.part("messageId"));
    let talk = talks.get(ask.part("conversationId"))?;
    talk.message(message)?;
    let all = talk.reactions.get(message).cloned().unwrap_or_default();
    answer::ok(Page::of(ask)?.collection(all))
}

pub(super) fn react(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &["reaction"])?;
    let (mut talks, message) = (ask.realm().chats.talks(), ask.part("messageId"));
    let talk = talks.get_mut(ask.part("conversationId"))?;
    talk.only_members(ask.by())?;
    let id = guid();
    let reaction = json!({
        "reactionId": id, "messageId": message, "conversationId": talk.id, "reaction": required(&map, "reaction")?,
        "createdBy": ask.by(), "createdOn": iso(ask.world.clock.now()),
    });
    talk.react(message, reaction.clone())?;
    told(ask, talk, "POST", &format!("/messages/{message}/reactions/{id}"), reaction.clone());
    answer::created(reaction)
}

pub(super) fn reaction(ask: &Ask) -> Answer {
    let (talks, id) = (ask.realm().chats.talks(), ask.part("reactionId"));
    let all = talks.get(ask.part("conversationId"))?.reactions.get(ask.part("messageId"));
    let found = all.into_iter().flatten().find(|reaction| reaction["reactionId"] == *id);
    answer::ok(found.cloned().ok_or_else(|| no_reaction(id))?)
}

pub(super) fn take_back(ask: &Ask) -> Answer {
    let (mut talks, message, id) = (ask.realm().chats.talks(), ask.part("messageId"), ask.part("reactionId"));
    let talk = talks.get_mut(ask.part("conversationId"))?;
    let all = talk.reactions.get_mut(message).ok_or_else(|| no_reaction(id))?;
    let at = all.iter().position(|reaction| reaction["reactionId"] == *id).ok_or_else(|| no_reaction(id))?;
    let gone = all.remove(at);
    told(ask, talk, "DELETE", &format!("/messages/{message}/reactions/{id}"), gone);
    answer::nothing()
}
