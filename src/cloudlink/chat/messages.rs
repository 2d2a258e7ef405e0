//! Messages: to send, to find again, to change; reactions to them.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use reqwest::Method;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use url::Url;

use crate::cloudlink::client::{Api, Call, CloudLink};
use crate::cloudlink::error::Error;
use crate::cloudlink::object::object;
use crate::cloudlink::paging::{Items, Paging};
use crate::cloudlink::path;
use crate::cloudlink::places::Place;
use crate::cloudlink::query::Query;

/// How many pages of a conversation are looked through.
const MAX_PAGES: usize = 10;

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: Option<String>,
    /// Our label, if it has one.
    pub tag: Option<String>,
    /// When it was created.
    pub created_on: Option<DateTime<Utc>>,
    /// All that was answered.
    pub raw: Value,
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Value::deserialize(from).map(Self::read)
    }
}

object! {
    /// What of a message can be changed \[A\]: its text, and what that is. Its tag can't be.
    MessageChange {
        body: String = "body",
        content_type: String = "contentType",
        fallback_text: String = "fallbackText",
    }

    /// A reaction to a message \[C, G\].
    Reaction {
        /// Named by nobody \[A\].
        reaction_id: String = "reactionId" | "id",
        /// Such as 👍.
        reaction: String = "reaction",
        created_by: String = "createdBy" | "userId",
        created_on: DateTime<Utc> = "createdOn",
    }
}

/// The messages that a look brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recent {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// Whether the list was read to its end.
    pub complete: bool,
}

/// `body` is the only mandatory field; unknown ones are answered by 400 \[C, F89\].
#[derive(Serialize)]
struct NewMessage<'a> {
    body: &'a str,
    #[serde(rename = "contentType")]
    content_type: &'static str,
    /// Wanted when the type is not `text/plain` \[C\].
    #[serde(rename = "fallbackText", skip_serializing_if = "Option::is_none")]
    fallback: Option<&'a str>,
    tag: &'a str,
}

/// What the text of a new message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// Plain text.
    Text,
    /// HTML, and the same for clients that can't show it.
    Html(&'a str),
    /// An action card, as JSON in a string, and a text for clients that can't show it.
    Card(&'a str),
}

/// The `tag` of a message of ours: one string, in which a public integration puts JSON too \[P\].
pub fn message_tag(id: &str) -> String {
    format!("{{\"swh\":{}}}", Value::from(id))
}

impl Message {
    /// Whether it carries the tag of ours with this id, however its JSON was laid out on the way.
    pub fn is_tagged(&self, id: &str) -> bool {
        let Some(tag) = &self.tag else { return false };
        serde_json::from_str::<Value>(tag).is_ok_and(|tag| tag["swh"] == id)
    }

    fn read(raw: Value) -> Self {
        let text = |name: &str| raw[name].as_str().map(str::to_owned);
        Self {
            id: text("messageId").or_else(|| text("id")),
            // Should the service ever hand the tag back parsed, it is the same tag.
            tag: text("tag").or_else(|| raw["tag"].is_object().then(|| raw["tag"].to_string())),
            created_on: raw["createdOn"].as_str().and_then(|at| at.parse().ok()),
            raw,
        }
    }
}

impl CloudLink {
    /// Posts a message into a conversation, labelled with `tag` (see [`message_tag`]). Answers the message as created
    /// (200 or 201), null if that could not be read.
    pub async fn send_message(
        &self,
        conversation: &str,
        text: &str,
        content: Content<'_>,
        tag: &str,
        timeout: Duration,
    ) -> Result<Value, Error> {
        let url = self.messages_url(conversation)?;
        let (content_type, fallback) = match content {
            Content::Text => ("text/plain", None),
            Content::Html(fallback) => ("text/html", Some(fallback)),
            Content::Card(fallback) => ("application/vnd.mitel.action-card", Some(fallback)),
        };
        let message = NewMessage { body: text, content_type, fallback, tag: &message_tag(tag) };
        let body = serde_json::to_vec(&message).map_err(|error| Error::unreadable(Api::Chat, error))?;
        let (method, body) = (Method::POST, Some(Bytes::from(body)));
        let answer = self.call_api(Call { api: Api::Chat, method, url, body, timeout, what: "send a message" }).await?;
        // The message is sent, whatever became of the rest of the answer.
        Ok(answer.body.ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default())
    }

    /// Lists a conversation's messages. The order of the list is \[A\], so they are sorted; paging is followed for a few
    /// pages, never to another host and never in a circle.
    pub async fn recent_messages(&self, conversation: &str, timeout: Duration) -> Result<Recent, Error> {
        let paging = Paging::within(timeout).at_most(MAX_PAGES);
        let mut pages = self.pages_at(Api::Chat, self.messages_url(conversation), paging, "list messages");
        let mut recent = Recent { messages: Vec::new(), complete: true };
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => recent.messages.extend(page.items.into_iter().map(Message::read)),
                Err(Error::Cut { .. }) => recent.complete = false,
                Err(error) => return Err(error),
            }
        }
        recent.messages.sort_by_key(|message| message.created_on);
        Ok(recent)
    }

    /// A conversation's messages as they come \[P, RN\]; their order is \[A\].
    pub fn messages(&self, conversation: &str, query: &Query<'_>, paging: Paging) -> Items<Message> {
        self.list(Place::Messages, &[conversation], query, paging)
    }

    /// One message \[A\].
    pub async fn message(&self, conversation: &str, message: &str, timeout: Duration) -> Result<Message, Error> {
        self.get(Place::Message, &[conversation, message], &Query::ALL, timeout).await
    }

    /// Changes a message \[A\].
    pub async fn change_message(
        &self,
        conversation: &str,
        message: &str,
        change: &MessageChange,
        timeout: Duration,
    ) -> Result<Message, Error> {
        self.send(Method::PUT, Place::Message, &[conversation, message], change, timeout).await
    }

    /// Deletes a message \[A\].
    pub async fn delete_message(&self, conversation: &str, message: &str, timeout: Duration) -> Result<(), Error> {
        self.delete(Place::Message, &[conversation, message], timeout).await
    }

    /// Reacts to a message \[C, G\].
    pub async fn react(
        &self,
        conversation: &str,
        message: &str,
        reaction: &str,
        timeout: Duration,
    ) -> Result<Reaction, Error> {
        let body = json!({ "reaction": reaction });
        self.send(Method::POST, Place::Reactions, &[conversation, message], &body, timeout).await
    }

    /// The reactions to a message \[A\].
    pub fn reactions(&self, conversation: &str, message: &str, query: &Query<'_>, paging: Paging) -> Items<Reaction> {
        self.list(Place::Reactions, &[conversation, message], query, paging)
    }

    /// One reaction \[A\].
    pub async fn reaction(
        &self,
        conversation: &str,
        message: &str,
        reaction: &str,
        timeout: Duration,
    ) -> Result<Reaction, Error> {
        self.get(Place::Reaction, &[conversation, message, reaction], &Query::ALL, timeout).await
    }

    /// Takes back one reaction \[A\].
    pub async fn delete_reaction(
        &self,
        conversation: &str,
        message: &str,
        reaction: &str,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.delete(Place::Reaction, &[conversation, message, reaction], timeout).await
    }

    fn messages_url(&self, conversation: &str) -> Result<Url, Error> {
        let address = |why| Error::Address { what: "the conversation", why };
        let path = format!("conversations/{}/messages", path::id(conversation).map_err(address)?);
        path::below(self.base(Api::Chat)?, &path).map_err(address)
    }
}
