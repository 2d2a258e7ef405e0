//! What conversations are made of: participants, messages, reactions and tags. Pure but for random ids.

use std::collections::{BTreeMap, VecDeque};

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::content::Words;
use crate::simulator::answer::{BASE, Refusal};
use crate::simulator::clock;
use crate::simulator::variants::{Variant, Variants};
use crate::simulator::world::guid;

/// Conversations that are remembered; beyond that the least recently opened goes.
const MOST_TALKS: usize = 10_000;
/// Messages that each remembers.
const MOST_MESSAGES: usize = 5_000;
/// Participants of each, tags of each, reactions to each message.
const MOST_OTHERS: usize = 1_000;

/// A conversation to be opened.
#[derive(Default)]
pub(crate) struct Opening {
    pub(crate) creator: String,
    pub(crate) participants: Vec<String>,
    pub(crate) stream: bool,
    pub(crate) name: Option<String>,
    pub(crate) language_code: Option<String>,
    /// The rest of what was said about it, as it was said.
    pub(crate) other: Map<String, Value>,
}

/// Who takes part.
pub(super) struct Member {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) visibility: String,
    pub(super) last_read: Option<String>,
}

impl Member {
    fn new(id: &str) -> Self {
        let (status, visibility) = ("ACCEPTED".to_owned(), "VISIBLE".to_owned());
        Self { id: id.to_owned(), status, visibility, last_read: None }
    }

    /// The id in paths.
    pub(super) fn path_id(&self, variants: Variants) -> String {
        if variants.has(Variant::ParticipantIds) { format!("participant-{}", self.id) } else { self.id.clone() }
    }
}

/// One conversation.
pub(crate) struct Talk {
    pub(super) id: String,
    pub(super) opening: Opening,
    pub(super) members: Vec<Member>,
    created_on: DateTime<Utc>,
    pub(super) modified: Option<(DateTime<Utc>, String)>,
    messages: VecDeque<Value>,
    /// By message: id, who, what.
    pub(super) reactions: BTreeMap<String, Vec<Value>>,
    pub(super) tags: Map<String, Value>,
}

impl Talk {
    /// Who takes part.
    pub(crate) fn participants(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.members.iter().map(|member| &*member.id)
    }

    /// Whether somebody takes part.
    pub(super) fn has(&self, participant: &str) -> bool {
        self.members.iter().any(|member| member.id == participant)
    }

    /// That somebody takes part, or 403.
    pub(super) fn only_members(&self, who: &str) -> Result<(), Refusal> {
        let why = "the sender is not a participant of this conversation";
        if self.has(who) { Ok(()) } else { Err(Refusal::new(StatusCode::FORBIDDEN, "NotParticipant", why)) }
    }

    /// Adds someone; true if they did not take part before.
    pub(crate) fn join(&mut self, participant: &str) -> Result<bool, Refusal> {
        if self.has(participant) {
            return Ok(false);
        }
        if self.members.len() >= MOST_OTHERS {
            return Err(Refusal::bad("the conversation has too many participants"));
        }
        self.members.push(Member::new(participant));
        Ok(true)
    }

    /// Whoever the path names.
    pub(super) fn member(&mut self, id: &str, variants: Variants) -> Result<&mut Member, Refusal> {
        let found = self.members.iter_mut().find(|member| member.path_id(variants) == id);
        found.ok_or_else(|| Refusal::missing("ParticipantNotFound", format!("no participant {id}")))
    }

    /// Keeps a message; answers its id and the message. Whoever does not take part is refused.
    pub(crate) fn say(
        &mut self,
        sender: &str,
        words: Words,
        account_id: &str,
        now: DateTime<Utc>,
    ) -> Result<(String, Value), Refusal> {
        self.only_members(sender)?;
        let id = guid();
        let mut message = json!({
            "messageId": id, "conversationId": self.id, "accountId": account_id,
            "contentType": words.kind(), "body": words.body,
            "createdOn": clock::iso(now), "createdBy": sender,
        });
        let ephemeral = words.is_whisper();
        let optional =
            [("fallbackText", words.fallback_text), ("parentMessageId", words.parent_message_id), ("tag", words.tag)];
        for (key, value) in optional.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            message[key] = value.into();
        }
        message["_links"] = json!({ "self": format!("{BASE}/conversations/{}/messages/{id}", self.id) });
        if !ephemeral {
            if self.messages.len() >= MOST_MESSAGES
                && let Some(oldest) = self.messages.pop_front()
            {
                self.reactions.remove(oldest["messageId"].as_str().unwrap_or_default());
            }
            self.messages.push_back(message.clone());
        }
        Ok((id, message))
    }

    /// The messages, newest first.
    pub(crate) fn newest_first(&self) -> impl DoubleEndedIterator<Item = &Value> {
        self.messages.iter().rev()
    }

    /// One message.
    pub(super) fn message(&self, id: &str) -> Result<&Value, Refusal> {
        self.newest_first().find(|kept| kept["messageId"] == *id).ok_or_else(|| no_message(id))
    }

    /// One message, to change it.
    pub(super) fn message_mut(&mut self, id: &str) -> Result<&mut Value, Refusal> {
        self.messages.iter_mut().rev().find(|kept| kept["messageId"] == *id).ok_or_else(|| no_message(id))
    }

    /// Takes a message away.
    pub(super) fn forget(&mut self, id: &str) -> Result<Value, Refusal> {
        let at = self.messages.iter().position(|kept| kept["messageId"] == *id).ok_or_else(|| no_message(id))?;
        self.reactions.remove(id);
        self.messages.remove(at).ok_or_else(|| no_message(id))
    }

    /// Keeps a reaction to a message.
    pub(super) fn react(&mut self, message: &str, reaction: Value) -> Result<(), Refusal> {
        self.message(message)?;
        let all = self.reactions.entry(message.to_owned()).or_default();
        if all.len() >= MOST_OTHERS {
            return Err(Refusal::bad("the message has too many reactions"));
        }
        all.push(reaction);
        Ok(())
    }

    /// Keeps a tag.
    pub(super) fn tag(&mut self, id: &str, value: Value) -> Result<(), Refusal> {
        if self.tags.len() >= MOST_OTHERS && !self.tags.contains_key(id) {
            return Err(Refusal::bad("the conversation has too many tags"));
        }
        self.tags.insert(id.to_owned(), value);
        Ok(())
    }

    /// How many messages of others somebody has not read.
    pub(super) fn unread(&self, user: &str) -> usize {
        let read = self.members.iter().find(|member| member.id == user).and_then(|member| member.last_read.as_deref());
        let unread = |message: &&Value| {
            message["createdBy"] != *user
                && read.is_none_or(|read| message["createdOn"].as_str().is_some_and(|on| on > read))
        };
        self.messages.iter().filter(unread).count()
    }

    /// The conversation object of the API.
    pub(crate) fn document(&self, account_id: &str) -> Value {
        let mut document = json!({
            "conversationId": self.id, "accountId": account_id, "stream": self.opening.stream,
            "name": self.opening.name, "languageCode": self.opening.language_code,
            "createdOn": clock::iso(self.created_on), "createdBy": self.opening.creator,
            "email": format!("{}@conversations.sim.api.mitel.io", self.id),
        });
        for (key, value) in &self.opening.other {
            document[key] = value.clone();
        }
        if let Some((at, by)) = &self.modified {
            document["modifiedOn"] = clock::iso(*at).into();
            document["modifiedBy"] = by.clone().into();
        }
        let path = format!("{BASE}/conversations/{}", self.id);
        document["_links"] = json!({
            "self": path, "messages": format!("{path}/messages"), "participants": format!("{path}/participants"),
        });
        document
    }

    /// A participant object of the API.
    pub(super) fn participant(&self, member: &Member, account_id: &str, variants: Variants) -> Value {
        let mut participant = json!({
            "participantId": member.path_id(variants), "userId": member.id, "participantType": "USER",
            "accountId": account_id, "conversationId": self.id, "status": member.status,
            "conversationVisibility": member.visibility,
        });
        if let Some(date) = &member.last_read {
            participant["lastReadMessageDate"] = date.clone().into();
        }
        if let (true, Some(participant)) = (variants.has(Variant::UserIdOnly), participant.as_object_mut()) {
            participant.shift_remove("participantId");
        }
        participant
    }
}

/// All conversations.
#[derive(Default)]
pub(crate) struct Talks {
    by_id: BTreeMap<String, Talk>,
    order: VecDeque<String>,
}

impl Talks {
    /// Opens a conversation in which its creator takes part; answers its id.
    pub(crate) fn open(&mut self, mut opening: Opening, now: DateTime<Utc>) -> String {
        if self.order.len() >= MOST_TALKS {
            self.order.pop_front().map(|oldest| self.by_id.remove(&oldest));
        }
        let (id, mut members) = (guid(), Vec::<Member>::new());
        let mut all = std::mem::take(&mut opening.participants);
        all.push(opening.creator.clone());
        for who in all.iter().take(MOST_OTHERS) {
            if !members.iter().any(|known| known.id == *who) {
                members.push(Member::new(who));
            }
        }
        let talk = Talk {
            id: id.clone(),
            opening,
            members,
            created_on: now,
            modified: None,
            messages: VecDeque::new(),
            reactions: BTreeMap::new(),
            tags: Map::new(),
        };
        self.by_id.insert(id.clone(), talk);
        self.order.push_back(id.clone());
        id
    }

    /// The direct conversation of just these people, if there is one.
    pub(super) fn like(&self, opening: &Opening) -> Option<String> {
        let sorted = |mut ids: Vec<String>| {
            ids.sort();
            ids.dedup();
            ids
        };
        let mut wanted = opening.participants.clone();
        wanted.push(opening.creator.clone());
        let wanted = sorted(wanted);
        let same =
            |talk: &&Talk| !talk.opening.stream && sorted(talk.participants().map(str::to_owned).collect()) == wanted;
        self.all().filter(|_| !opening.stream).find(same).map(|talk| talk.id.clone())
    }

    /// All conversations, oldest first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Talk> {
        self.order.iter().filter_map(|id| self.by_id.get(id))
    }

    /// One conversation.
    pub(crate) fn get(&self, id: &str) -> Result<&Talk, Refusal> {
        self.by_id.get(id).ok_or_else(|| no_such(id))
    }

    /// One conversation, to change it.
    pub(crate) fn get_mut(&mut self, id: &str) -> Result<&mut Talk, Refusal> {
        self.by_id.get_mut(id).ok_or_else(|| no_such(id))
    }

    /// Takes one away.
    pub(super) fn close(&mut self, id: &str) -> Result<Talk, Refusal> {
        self.order.retain(|known| known != id);
        self.by_id.remove(id).ok_or_else(|| no_such(id))
    }
}

fn no_such(id: &str) -> Refusal {
    Refusal::missing("ConversationNotFound", format!("no conversation {id}"))
}

fn no_message(id: &str) -> Refusal {
    Refusal::missing("MessageNotFound", format!("no message {id}"))
}
