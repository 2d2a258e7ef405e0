//! Conferences: meetings with their participants and addresses.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};

use crate::cloudlink::client::CloudLink;
use crate::cloudlink::error::Error;
use crate::cloudlink::object::object;
use crate::cloudlink::paging::{Items, Paging};
use crate::cloudlink::places::Place;
use crate::cloudlink::query::Query;
use crate::kit::secret::Secret;

object! {
    /// A conference \[C, SW\]. Participants and addresses are collections in `rest`'s `_embedded`.
    Conference {
        id: String = "id",
        external_id: String = "externalId",
        account_id: String = "accountId",
        name: String = "name",
        access_code: String = "accessCode",
        /// `everyoneAllowed` or `inviteOnly`.
        kind: String = "type",
        /// `pstnLobby`, `guestLobby`, `nonOwnerLobby` or `noLobby`.
        lobby_policy: String = "lobbyPolicy",
        /// `active` or `inactive`.
        state: String = "state",
        created_on: DateTime<Utc> = "createdOn",
        created_by: String = "createdBy",
        modified_on: DateTime<Utc> = "modifiedOn",
        modified_by: String = "modifiedBy",
        expires: DateTime<Utc> = "expiryDateTime",
    }

    /// What a new conference is to be \[C, SW\]; unknown fields are refused.
    NewConference {
        id: String = "id",
        name: String = "name",
        kind: String = "type",
        lobby_policy: String = "lobbyPolicy",
        /// 1 to 99; 9 if nothing is said.
        access_code_length: u64 = "accessCodeLength",
        expires: DateTime<Utc> = "expiryDateTime",
        /// `{"participantId": …}` each.
        participants: Vec<Value> = "participants",
    }

    /// What of a conference can be changed \[C, SW\].
    ConferenceChange {
        name: String = "name",
        lobby_policy: String = "lobbyPolicy",
    }

    /// A participant \[C, SW\]; also who is to be added.
    ConferenceParticipant {
        participant_id: String = "participantId",
        /// `invited`, `accepted`, `rejected`, `active` or `inactive`.
        state: String = "state",
        /// `webapi` or `pstn`.
        kind: String = "type",
        onetime_acceptance: bool = "onetimeAcceptance",
        muted: bool = "muted",
    }

    /// What of a participant can be changed \[C, SW\].
    ParticipantChange {
        muted: bool = "muted",
        /// `leave`.
        action: String = "action",
        associated_participant_id: String = "associatedParticipantId",
        onetime_acceptance: bool = "onetimeAcceptance",
    }

    /// That somebody was in a conference \[C, SW\].
    Attendance {
        id: String = "id",
        participant_id: String = "participantId",
        conference_id: String = "conferenceId",
        conference_instance_id: String = "conferenceInstanceId",
        account_id: String = "accountId",
        joined: DateTime<Utc> = "joinTimeStamp",
        left: DateTime<Utc> = "leaveTimeStamp",
    }
}

/// What is to be done with a conference \[C, SW\]: recording can be controlled, against the guide's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ConferenceAction {
    End,
    Record,
    StopRecord,
    PauseRecord,
    ResumeRecord,
}

impl Conference {
    /// The values of its tags, which a list asked for with `$expand=tags` nests two collections deep; each is JSON in a
    /// text \[P\]. The specification has another name for the outer one.
    pub fn tags(&self) -> Vec<Value> {
        let embedded = self.rest.get("_embedded");
        let tags = embedded.and_then(|embedded| embedded.get("conferenceTags").or_else(|| embedded.get("tags")));
        let items = tags.and_then(|tags| tags.pointer("/_embedded/items").or(Some(tags))).and_then(Value::as_array);
        let value = |item: &Value| match &item["value"] {
            Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
            other => other.clone(),
        };
        items.map(|items| items.iter().map(value).collect()).unwrap_or_default()
    }
}

impl CloudLink {
    /// The conferences that we may see \[C, SW\]; of certain people by the other query option `containsAllParticipants`.
    pub fn conferences(&self, query: &Query<'_>, paging: Paging) -> Items<Conference> {
        self.list(Place::Conferences, &[], query, paging)
    }

    /// Makes a conference; 202 is possible, and has nothing to read \[C, SW\].
    pub async fn create_conference(&self, new: &NewConference, timeout: Duration) -> Result<Conference, Error> {
        self.send(Method::POST, Place::Conferences, &[], new, timeout).await
    }

    /// One conference \[C, SW\].
    pub async fn conference(
        &self,
        conference: &str,
        query: &Query<'_>,
        timeout: Duration,
    ) -> Result<Conference, Error> {
        self.get(Place::Conference, &[conference], query, timeout).await
    }

    /// Changes a conference \[C, SW\].
    pub async fn change_conference(
        &self,
        conference: &str,
        change: &ConferenceChange,
        timeout: Duration,
    ) -> Result<Conference, Error> {
        self.send(Method::PUT, Place::Conference, &[conference], change, timeout).await
    }

    /// Deletes a conference \[C, SW\].
    pub async fn delete_conference(&self, conference: &str, timeout: Duration) -> Result<(), Error> {
        self.delete(Place::Conference, &[conference], timeout).await
    }

    /// Ends a conference or controls its recording \[C, SW\].
    pub async fn control_conference(
        &self,
        conference: &str,
        action: ConferenceAction,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.change(Method::POST, Place::Conference, &[conference], &json!({ "action": action }), timeout).await
    }

    /// What is found by words in conferences \[C, SW\].
    pub fn search_conferences(&self, words: &str, paging: Paging) -> Items<Value> {
        self.list(Place::ConferenceContent, &[], &Query::search(words), paging)
    }

    /// One occurrence of a conference that recurs \[C, G\].
    pub async fn conference_instance(
        &self,
        conference: &str,
        instance: &str,
        timeout: Duration,
    ) -> Result<Conference, Error> {
        self.get(Place::ConferenceInstance, &[conference, instance], &Query::ALL, timeout).await
    }

    /// Who is in a conference \[C, SW\].
    pub fn conference_participants(
        &self,
        conference: &str,
        query: &Query<'_>,
        paging: Paging,
    ) -> Items<ConferenceParticipant> {
        self.list(Place::ConferenceParticipants, &[conference], query, paging)
    }

    /// Adds somebody \[C, SW\].
    pub async fn add_conference_participant(
        &self,
        conference: &str,
        new: &ConferenceParticipant,
        timeout: Duration,
    ) -> Result<ConferenceParticipant, Error> {
        self.send(Method::POST, Place::ConferenceParticipants, &[conference], new, timeout).await
    }

    /// One participant \[C, SW\].
    pub async fn conference_participant(
        &self,
        conference: &str,
        participant: &str,
        timeout: Duration,
    ) -> Result<ConferenceParticipant, Error> {
        self.get(Place::ConferenceParticipant, &[conference, participant], &Query::ALL, timeout).await
    }

    /// Mutes somebody, or lets them leave \[C, SW\].
    pub async fn change_conference_participant(
        &self,
        conference: &str,
        participant: &str,
        change: &ParticipantChange,
        timeout: Duration,
    ) -> Result<ConferenceParticipant, Error> {
        self.send(Method::PUT, Place::ConferenceParticipant, &[conference, participant], change, timeout).await
    }

    /// Takes somebody out \[C, SW\].
    pub async fn remove_conference_participant(
        &self,
        conference: &str,
        participant: &str,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.delete(Place::ConferenceParticipant, &[conference, participant], timeout).await
    }

    /// The tokens with which a client takes part in the sound, as JSON \[C, SW\].
    pub async fn connect_conference_participant(
        &self,
        conference: &str,
        participant: &str,
        body: &Value,
        timeout: Duration,
    ) -> Result<Secret, Error> {
        self.send_for_secret(Place::ParticipantConnections, &[conference, participant], body, timeout).await
    }

    /// The conferences of a user \[C, SW\].
    pub fn conferences_of_user(&self, user: &str, query: &Query<'_>, paging: Paging) -> Items<Conference> {
        self.list(Place::UserConferences, &[user], query, paging)
    }

    /// When a user was in conferences \[C, SW\]; the guide's path lacks the `s`.
    pub fn attendances_of_user(&self, user: &str, query: &Query<'_>, paging: Paging) -> Items<Attendance> {
        self.list(Place::UserAttendances, &[user], query, paging)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_under_both_names() {
        let read = |value: Value| serde_json::from_value::<Conference>(value).unwrap().tags();
        let tags = json!({ "_embedded": { "items": [{ "value": "{\"a\":1}" }, { "value": "x" }] } });
        assert_eq!(read(json!({ "_embedded": { "conferenceTags": tags } })), [json!({ "a": 1 }), json!("x")]);
        assert_eq!(read(json!({ "_embedded": { "tags": tags } })).len(), 2);
        assert_eq!(read(json!({ "id": "1" })), [] as [Value; 0]);
    }

    #[test]
    fn actions_are_spelt_with_a_dash() {
        assert_eq!(json!(ConferenceAction::StopRecord), json!("stop-record"));
        assert_eq!(json!(ConferenceAction::End), json!("end"));
    }
}
