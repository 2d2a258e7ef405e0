//! Who is in a conversation, and who is typing.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde::Serialize;
use serde_json::json;

use crate::cloudlink::client::CloudLink;
use crate::cloudlink::error::Error;
use crate::cloudlink::object::object;
use crate::cloudlink::paging::{Items, Paging};
use crate::cloudlink::places::Place;
use crate::cloudlink::query::Query;

object! {
    /// A participant \[P, RN; C, G\]; also who is to be added, and what is to be changed.
    Participant {
        /// See [`Participant::id`].
        participant_id: String = "participantId",
        user_id: String = "userId",
        account_id: String = "accountId",
        conversation_id: String = "conversationId",
        /// `INVITED`, `ACCEPTED`, `DECLINED` or `BLOCKED`.
        status: String = "status",
        /// `USER`.
        participant_type: String = "participantType",
        /// `HIDDEN` or `VISIBLE`.
        conversation_visibility: String = "conversationVisibility",
        /// The exact time of the last message that was read.
        last_read_message_date: DateTime<Utc> = "lastReadMessageDate",
    }
}

impl Participant {
    /// The id that paths take: that it equals the user's, where there is no other, is \[A\].
    pub fn id(&self) -> Option<&str> {
        self.participant_id.as_deref().or(self.user_id.as_deref())
    }
}

/// Whether somebody is typing \[C, G\].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Typing {
    Start,
    Stop,
}

impl CloudLink {
    /// Who is in a conversation \[P, SH\].
    pub fn participants(&self, conversation: &str, query: &Query<'_>, paging: Paging) -> Items<Participant> {
        self.list(Place::Participants, &[conversation], query, paging)
    }

    /// Adds somebody to a stream \[C, G\]; the path is \[A\].
    pub async fn add_participant(
        &self,
        conversation: &str,
        new: &Participant,
        timeout: Duration,
    ) -> Result<Participant, Error> {
        self.send(Method::POST, Place::Participants, &[conversation], new, timeout).await
    }

    /// One participant \[A\].
    pub async fn participant(
        &self,
        conversation: &str,
        participant: &str,
        timeout: Duration,
    ) -> Result<Participant, Error> {
        self.get(Place::Participant, &[conversation, participant], &Query::ALL, timeout).await
    }

    /// Accepts, hides, or says what was read \[C, G\]; the path is \[A\].
    pub async fn change_participant(
        &self,
        conversation: &str,
        participant: &str,
        change: &Participant,
        timeout: Duration,
    ) -> Result<Participant, Error> {
        self.send(Method::PUT, Place::Participant, &[conversation, participant], change, timeout).await
    }

    /// Takes somebody out of a stream \[C, G\]; the path is \[A\].
    pub async fn remove_participant(
        &self,
        conversation: &str,
        participant: &str,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.delete(Place::Participant, &[conversation, participant], timeout).await
    }

    /// Says that somebody is typing, or no longer \[C, G\].
    pub async fn typing(
        &self,
        conversation: &str,
        participant: &str,
        typing: Typing,
        timeout: Duration,
    ) -> Result<(), Error> {
        let body = json!({ "action": typing });
        self.change(Method::POST, Place::Typing, &[conversation, participant], &body, timeout).await
    }
}
