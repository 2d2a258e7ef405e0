//! Who takes part in a conversation, who types, and the conversations of a user.

use serde_json::{Value, json};

use super::content::Words;
use super::routes::{required_word, told};
use super::talk::Talk;
use super::tell::Told;
use crate::simulator::answer::{self, Answer, Refusal, object, one_of, only, required, text};
use crate::simulator::page::Page;
use crate::simulator::service::Ask;
use crate::simulator::variants::Variants;

fn variants(ask: &Ask) -> Variants {
    ask.world.options.variants
}

fn shown(ask: &Ask, talk: &Talk, user: &str) -> Result<Value, Refusal> {
    let member = talk.members.iter().find(|member| member.id == user);
    let member = member.ok_or_else(|| Refusal::missing("ParticipantNotFound", format!("no participant {user}")))?;
    Ok(talk.participant(member, &ask.realm().account.id, variants(ask)))
}

pub(super) fn list(ask: &Ask) -> Answer {
    let talks = ask.realm().chats.talks();
    let talk = talks.get(ask.part("conversationId"))?;
    let people = talk.members.iter().map(|member| talk.participant(member, &ask.realm().account.id, variants(ask)));
    answer::ok(Page::of(ask)?.always_listed().collection(people))
}

pub(super) fn join(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &["participantId", "type", "userId", "participantType"])?;
    one_of(&map, "type", &["USER", "CONTACT"])?;
    let who = match text(&map, "userId")? {
        Some(user) => user,
        None => required(&map, "participantId")?,
    };
    let who = if who == "me" { ask.by().to_owned() } else { who };
    let realm = ask.realm();
    let mut talks = realm.chats.talks();
    let talk = talks.get_mut(ask.part("conversationId"))?;
    let new = talk.join(&who)?;
    let participant = shown(ask, talk, &who)?;
    if !new {
        return answer::ok(participant);
    }
    told(ask, talk, "POST", &format!("/participants/{who}"), participant.clone());
    if talk.opening.other.get("generateSystemMessages") == Some(&true.into()) {
        let mut words = Words::plain(format!("{who} joined"));
        words.content_type = Some("application/vnd.mitel.system-message".to_owned());
        let (id, message) = talk.say(&who, words, &realm.account.id, ask.world.clock.now())?;
        Told { conversation: &talk.id, sender: &who, talk }.message(&ask.world, realm, "POST", &id, &message);
    }
    answer::created(participant)
}

/// The user whom the path names; `me` is the caller.
fn user(ask: &Ask, talk: &mut Talk) -> Result<String, Refusal> {
    let id = ask.part("participantId");
    if id == "me" {
        return Ok(ask.by().to_owned());
    }
    talk.member(id, variants(ask)).map(|member| member.id.clone())
}

pub(super) fn one(ask: &Ask) -> Answer {
    let mut talks = ask.realm().chats.talks();
    let talk = talks.get_mut(ask.part("conversationId"))?;
    let user = user(ask, talk)?;
    answer::ok(shown(ask, talk, &user)?)
}

pub(super) fn change(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &["status", "conversationVisibility", "lastReadMessageDate"])?;
    let status = one_of(&map, "status", &["INVITED", "ACCEPTED", "DECLINED", "BLOCKED"])?;
    let visibility = one_of(&map, "conversationVisibility", &["HIDDEN", "VISIBLE"])?;
    let read = text(&map, "lastReadMessageDate")?;
    if read.as_ref().is_some_and(|date| chrono::DateTime::parse_from_rfc3339(date).is_err()) {
        return Err(Refusal::bad("lastReadMessageDate should match format \"date-time\""));
    }
    let mut talks = ask.realm().chats.talks();
    let talk = talks.get_mut(ask.part("conversationId"))?;
    let user = user(ask, talk)?;
    if let Some(member) = talk.members.iter_mut().find(|member| member.id == user) {
        member.status = status.unwrap_or_else(|| member.status.clone());
        member.visibility = visibility.unwrap_or_else(|| member.visibility.clone());
        member.last_read = read.or(member.last_read.take());
    }
    let participant = shown(ask, talk, &user)?;
    told(ask, talk, "PUT", &format!("/participants/{user}"), participant.clone());
    answer::ok(participant)
}

/// Takes somebody out; only a stream's participants can be changed, but everyone may go.
pub(super) fn remove(ask: &Ask) -> Answer {
    let mut talks = ask.realm().chats.talks();
    let talk = talks.get_mut(ask.part("conversationId"))?;
    let user = user(ask, talk)?;
    if !talk.opening.stream && user != ask.by() {
        return Err(Refusal::forbidden("the participants of a direct conversation are fixed"));
    }
    let participant = shown(ask, talk, &user)?;
    told(ask, talk, "DELETE", &format!("/participants/{user}"), participant);
    talk.members.retain(|member| member.id != user);
    answer::nothing()
}

pub(super) fn typing(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &["action"])?;
    let action = required_word(&map, "action", &["START", "STOP"])?;
    let mut talks = ask.realm().chats.talks();
    let talk = talks.get_mut(ask.part("conversationId"))?;
    let user = user(ask, talk)?;
    if user != ask.by() {
        return Err(Refusal::forbidden("somebody else types"));
    }
    let content = json!({ "conversationId": talk.id, "participantId": user, "userId": user, "action": action });
    told(ask, talk, "POST", &format!("/participants/{user}/typing"), content);
    answer::nothing()
}

/// A user's conversations with what is unread.
pub(super) fn conversations(ask: &Ask) -> Answer {
    let user = ask.principal("userId");
    if user != ask.by() && !ask.holder.is_admin() {
        return Err(Refusal::forbidden("these are somebody else's conversations"));
    }
    let talks = ask.realm().chats.talks();
    let own = talks.all().filter(|talk| talk.has(user)).map(|talk| {
        let mut document = talk.document(&ask.realm().account.id);
        document["unreadCount"] = talk.unread(user).into();
        document
    });
    answer::ok(Page::of(ask)?.always_listed().collection(own))
}
