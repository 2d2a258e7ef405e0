//! Conversations themselves, whose they are, their tags.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cloudlink::client::CloudLink;
use crate::cloudlink::error::Error;
use crate::cloudlink::object::object;
use crate::cloudlink::paging::{Items, Paging};
use crate::cloudlink::places::Place;
use crate::cloudlink::query::Query;

object! {
    /// A conversation \[C, CS; P, RN\]. Messages and participants, if answered, are collections in `rest`'s `_embedded`.
    Conversation {
        conversation_id: String = "conversationId" | "id",
        account_id: String = "accountId",
        name: String = "name",
        /// A topic with participants that change; else direct, or a group with fixed ones.
        stream: bool = "stream",
        visibility: String = "visibility",
        hidden: bool = "hidden",
        language_code: String = "languageCode",
        email: String = "email",
        created_on: DateTime<Utc> = "createdOn",
        created_by: String = "createdBy",
        modified_on: DateTime<Utc> = "modifiedOn",
        modified_by: String = "modifiedBy",
        /// In the list of a user \[A\].
        unread_count: u64 = "unreadCount" | "unreadMessageCount",
    }

    /// What a new conversation is to be \[C, G, F89\].
    NewConversation {
        stream: bool = "stream",
        name: String = "name",
        /// Like `en-US`; checked by a pattern.
        language_code: String = "languageCode",
        /// `PUBLIC` or `PRIVATE`; of streams only.
        visibility: String = "visibility",
        hidden: bool = "hidden",
        generate_system_messages: bool = "generateSystemMessages",
        access_code: String = "accessCode",
        thumbnail_url: String = "thumbnailUrl",
        /// See [`NewConversation::with`].
        original_participants: Vec<Value> = "originalParticipants",
    }

    /// What of a conversation can be changed \[A\].
    ConversationChange {
        name: String = "name",
        language_code: String = "languageCode",
        visibility: String = "visibility",
        hidden: bool = "hidden",
        thumbnail_url: String = "thumbnailUrl",
    }
}

impl NewConversation {
    /// One with these users or contacts, by id.
    pub fn with<'a>(participants: impl IntoIterator<Item = &'a str>) -> Self {
        let each = |id: &str| json!({ "type": "USER", "participantId": id });
        let participants = participants.into_iter().map(each).collect();
        Self { stream: Some(false), original_participants: Some(participants), ..Self::default() }
    }
}

impl CloudLink {
    /// Makes a conversation \[C, CS\]. Whether a second one with the same people is the first is \[A\].
    pub async fn create_conversation(&self, new: &NewConversation, timeout: Duration) -> Result<Conversation, Error> {
        self.send(Method::POST, Place::Conversations, &[], new, timeout).await
    }

    /// The conversations that we may see, such as those with `stream eq false` \[P, SH, RN\].
    pub fn conversations(&self, query: &Query<'_>, paging: Paging) -> Items<Conversation> {
        self.list(Place::Conversations, &[], query, paging)
    }

    /// One conversation \[A\].
    pub async fn conversation(&self, conversation: &str, timeout: Duration) -> Result<Conversation, Error> {
        self.get(Place::Conversation, &[conversation], &Query::ALL, timeout).await
    }

    /// Changes a conversation \[A\].
    pub async fn change_conversation(
        &self,
        conversation: &str,
        change: &ConversationChange,
        timeout: Duration,
    ) -> Result<Conversation, Error> {
        self.send(Method::PUT, Place::Conversation, &[conversation], change, timeout).await
    }

    /// Deletes a conversation, which is answered \[C, CS\].
    pub async fn delete_conversation(&self, conversation: &str, timeout: Duration) -> Result<Conversation, Error> {
        self.send(Method::DELETE, Place::Conversation, &[conversation], &(), timeout).await
    }

    /// A user's conversations, with what is unread \[C, G\]; `me` is allowed \[P, SH\]. Heavy: Mitel wants it once per
    /// start only.
    pub fn conversations_of_user(&self, user: &str, query: &Query<'_>, paging: Paging) -> Items<Conversation> {
        self.list(Place::UserConversations, &[user], query, paging)
    }

    /// The account's commands (`WHO`, `KICK`, `LEAVE`, `SHRUG`) \[C, G\]; where is assumed \[A\].
    pub fn commands(&self, query: &Query<'_>, paging: Paging) -> Items<Value> {
        self.list(Place::Commands, &[], query, paging)
    }

    /// The tags of a conversation \[A\].
    pub fn conversation_tags(&self, conversation: &str, query: &Query<'_>, paging: Paging) -> Items<Value> {
        self.list(Place::ConversationTags, &[conversation], query, paging)
    }

    /// One tag of a conversation \[A\].
    pub async fn conversation_tag(&self, conversation: &str, tag: &str, timeout: Duration) -> Result<Value, Error> {
        self.get(Place::ConversationTag, &[conversation, tag], &Query::ALL, timeout).await
    }

    /// Sets a tag of a conversation \[A\].
    pub async fn set_conversation_tag(
        &self,
        conversation: &str,
        tag: &str,
        value: &Value,
        timeout: Duration,
    ) -> Result<Value, Error> {
        self.send(Method::PUT, Place::ConversationTag, &[conversation, tag], value, timeout).await
    }

    /// Takes a tag of a conversation away \[A\].
    pub async fn delete_conversation_tag(&self, conversation: &str, tag: &str, timeout: Duration) -> Result<(), Error> {
        self.delete(Place::ConversationTag, &[conversation, tag], timeout).await
    }
}
