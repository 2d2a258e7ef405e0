//! What conversations are made of: participants and messages. Pure but for random ids.

use std::collections::{BTreeMap, VecDeque};

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::simulator::answer::{BASE, Refusal, only, required, text};
use crate::simulator::clock;
use crate::simulator::world::guid;

/// Conversations that are remembered; beyond that the least recently opened goes.
const MOST_TALKS: usize = 10_000;
/// Messages that each remembers.
const MOST_MESSAGES: usize = 5_000;

/// A conversation to be opened.
pub(crate) struct Opening {
    pub(crate) creator: String,
    pub(crate) participants: Vec<String>,
    pub(crate) stream: bool,
    pub(crate) name: Option<String>,
    pub(crate) language_code: Option<String>,
}

/// What someone says.
pub(crate) struct Words {
    pub(crate) body: String,
    pub(crate) content_type: Option<String>,
    pub(crate) fallback_text: Option<String>,
    pub(crate) parent_message_id: Option<String>,
    pub(crate) tag: Option<String>,
}

impl Words {
    /// Plain text and nothing else.
    pub(crate) fn plain(body: String) -> Self {
        Self { body, content_type: None, fallback_text: None, parent_message_id: None, tag: None }
    }

    /// Reads the body of `POST …/messages`.
    pub(crate) fn read(map: &Map<String, Value>) -> Result<Self, Refusal> {
        only(map, &["body", "contentType", "fallbackText", "parentMessageId", "tag"])?;
        Ok(Self {
            body: required(map, "body")?,
            content_type: text(map, "contentType")?,
            fallback_text: text(map, "fallbackText")?,
            parent_message_id: text(map, "parentMessageId")?,
            tag: text(map, "tag")?,
        })
    }
}

/// One conversation.
pub(crate) struct Talk {
    id: String,
    opening: Opening,
    created_on: DateTime<Utc>,
    messages: VecDeque<Value>,
}

impl Talk {
    /// Who takes part.
    pub(crate) fn participants(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.opening.participants.iter().map(String::as_str)
    }

    /// Adds someone; true if they did not take part before.
    pub(crate) fn join(&mut self, participant: &str) -> bool {
        let new = !self.opening.participants.iter().any(|known| known == participant);
        if new {
            self.opening.participants.push(participant.to_owned());
        }
        new
    }

    /// Keeps a message; answers its id and the message. Whoever does not take part is refused.
    pub(crate) fn say(
        &mut self,
        sender: &str,
        words: Words,
        account_id: &str,
        now: DateTime<Utc>,
    ) -> Result<(String, Value), Refusal> {
        if !self.participants().any(|participant| participant == sender) {
            let why = "the sender is not a participant of this conversation";
            return Err(Refusal::new(StatusCode::FORBIDDEN, "NotParticipant", why));
        }
        let id = guid();
        let mut message = json!({
            "messageId": id, "conversationId": self.id, "accountId": account_id,
            "contentType": words.content_type.as_deref().unwrap_or("text/plain"), "body": words.body,
            "createdOn": clock::iso(now), "createdBy": sender,
        });
        let optional =
            [("fallbackText", words.fallback_text), ("parentMessageId", words.parent_message_id), ("tag", words.tag)];
        for (key, value) in optional.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            message[key] = value.into();
        }
        message["_links"] = json!({ "self": format!("{BASE}/conversations/{}/messages/{id}", self.id) });
        if self.messages.len() >= MOST_MESSAGES {
            self.messages.pop_front();
        }
        self.messages.push_back(message.clone());
        Ok((id, message))
    }

    /// The messages, newest first.
    pub(crate) fn newest_first(&self) -> impl DoubleEndedIterator<Item = &Value> {
        self.messages.iter().rev()
    }

    /// The conversation object of the API.
    pub(crate) fn document(&self, account_id: &str) -> Value {
        json!({
            "conversationId": self.id, "accountId": account_id, "stream": self.opening.stream,
            "name": self.opening.name, "languageCode": self.opening.language_code,
            "createdOn": clock::iso(self.created_on), "createdBy": self.opening.creator,
            "_links": {
                "self": format!("{BASE}/conversations/{}", self.id),
                "messages": format!("{BASE}/conversations/{}/messages", self.id),
            },
        })
    }

    /// A participant object of the API.
    pub(crate) fn participant(&self, id: &str, account_id: &str) -> Value {
        json!({
            "participantId": id, "userId": id, "participantType": "USER", "accountId": account_id,
            "conversationId": self.id, "status": "ACCEPTED", "conversationVisibility": "VISIBLE",
        })
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
    pub(crate) fn open(&mut self, opening: Opening, now: DateTime<Utc>) -> String {
        if self.order.len() >= MOST_TALKS {
            self.order.pop_front().map(|oldest| self.by_id.remove(&oldest));
        }
        let (id, creator) = (guid(), opening.creator.clone());
        let mut talk = Talk { id: id.clone(), opening, created_on: now, messages: VecDeque::new() };
        talk.join(&creator);
        self.by_id.insert(id.clone(), talk);
        self.order.push_back(id.clone());
        id
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
}

fn no_such(id: &str) -> Refusal {
    Refusal::missing("ConversationNotFound", format!("no conversation {id}"))
}
