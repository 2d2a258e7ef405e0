//! A stored publication into an event: its kind as an edge against what is remembered, and its views.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::kind::Kind;
use super::resource::Resource;
use super::{Event, views};
use crate::numbers::Numbers;

/// How long a leg is remembered after its last notification while it lives.
const LEG_LIVES: i64 = 24 * 3600 * 1000;
/// How long it is remembered after its end, so that what comes late is known as late.
const LEG_ENDED: i64 = 15 * 60 * 1000;
/// How long a presentity's or a phone's last state is remembered.
const STATUS: i64 = 30 * 24 * 3600 * 1000;

/// A publication that was read and waits for what is remembered of its resource.
#[derive(Clone, Debug)]
pub struct Opened {
    seq: u64,
    id: Arc<str>,
    account: Arc<str>,
    lane: Arc<str>,
    arrived: DateTime<Utc>,
    time: DateTime<Utc>,
    document: Value,
    resource: Resource,
}

/// What is to be remembered of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remember {
    /// The key, account included.
    pub key: Arc<str>,
    /// The value, as JSON text.
    pub bytes: Arc<str>,
    /// Until when, in milliseconds since 1970.
    pub until: i64,
}

/// An event, and what to remember.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The event.
    pub event: Event,
    /// What to remember, in the event's own transaction.
    pub remember: Option<Remember>,
}

impl Opened {
    /// Reads a stored publication. Its text was checked when it came; were it damaged since, the event is an empty
    /// `publication`.
    pub fn new(seq: u64, account: &Arc<str>, id: &str, lane: &Arc<str>, arrived: i64, body: &str) -> Self {
        let document: Value = serde_json::from_str(body).unwrap_or_default();
        let resource = Resource::of(&document);
        let arrived = DateTime::from_timestamp_millis(arrived).unwrap_or_default();
        let time =
            document.get("content").and_then(|content| views::time(content, &method(&document))).unwrap_or(arrived);
        let id = id.strip_prefix(&**account).and_then(|id| id.strip_prefix('/')).unwrap_or(id);
        Self {
            seq,
            id: id.into(),
            account: Arc::clone(account),
            lane: Arc::clone(lane),
            arrived,
            time,
            document,
            resource,
        }
    }

    /// For a call: its site, or an empty text, and by how many milliseconds Notify's time for the notification is after
    /// the PBX's time for what happened (`notification.createdOn`, `content.timestamp`).
    pub fn lag(&self) -> Option<(&str, i64)> {
        let Resource::Call { .. } = self.resource else { return None };
        let content = self.document.get("content")?;
        let happened = views::time(content, "")?;
        let sent = self.document.get("notification")?.get("createdOn")?.as_str()?;
        let sent = DateTime::parse_from_rfc3339(sent).ok()?;
        let site = content.get("siteId").and_then(Value::as_str).unwrap_or_default();
        // An id is not long; what is would be somebody's attempt to fill the store.
        let site = if site.len() <= 64 { site } else { "" };
        Some((site, sent.timestamp_millis() - happened.timestamp_millis()))
    }

    /// The key of what is remembered of the resource, if its kind depends on that.
    pub fn key(&self) -> Option<Arc<str>> {
        let key = match &self.resource {
            Resource::Call { endpoint, call } => format!("{}/leg/{endpoint}/{call}", self.account),
            Resource::Presentity(principal) => format!("{}/presence/{principal}", self.account),
            Resource::Endpoint(endpoint) => format!("{}/endpoint/{endpoint}", self.account),
            _ => return None,
        };
        Some(key.into())
    }

    /// Whether what is remembered of the leg tells of a later state than this one. `planned` says that this one was taken
    /// in before: then whatever else is remembered came after it.
    pub fn is_overtaken(&self, remembered: Option<&str>, planned: bool) -> bool {
        let Resource::Call { .. } = self.resource else { return false };
        let Some(known) = remembered.and_then(|text| serde_json::from_str::<Value>(text).ok()) else { return false };
        let content = self.document.get("content").unwrap_or(&Value::Null);
        let state = views::call_state(content, &self.method());
        let later = known.get("time").and_then(Value::as_i64).is_some_and(|time| time > self.time.timestamp_millis());
        later || (planned && known.get("state").and_then(Value::as_str) != state.as_deref())
    }

    /// The event, in the light of what is remembered, with numbers as they are read in the account's country.
    pub fn resolve(self, remembered: Option<&str>, numbers: &Numbers) -> Resolved {
        let before: Value = remembered.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let (kind, now) = self.kind(&before);
        let remember = self.key().zip(now).map(|(key, (now, lives))| Remember {
            key,
            bytes: now.to_string().into(),
            until: self.arrived.timestamp_millis().saturating_add(lives),
        });
        Resolved { event: self.event(kind, &before, numbers), remember }
    }

    /// The event with what was found earlier, before a restart or a stay on the shelf: its kind, and the status that a
    /// presence had before.
    pub fn resolve_as(self, kind: Kind, was: Option<&str>, numbers: &Numbers) -> Event {
        self.event(kind, &json!({ "status": was }), numbers)
    }

    /// The kind, and the state to remember with its life in milliseconds.
    fn kind(&self, before: &Value) -> (Kind, Option<(Value, i64)>) {
        let content = self.document.get("content").unwrap_or(&Value::Null);
        let method = self.method();
        match &self.resource {
            Resource::Call { .. } => self.call_kind(content, before),
            Resource::Presentity(_) => {
                let presence = views::presence(content);
                let now = json!({ "status": presence.get("status"), "override": presence.get("override") });
                let same = ["status", "override"].iter().all(|key| before.get(key) == now.get(key));
                (if same { Kind::PresenceUpdated } else { Kind::PresenceChanged }, Some((now, STATUS)))
            }
            Resource::Endpoint(_) => {
                let fields = ["state", "userAvailability", "dnd", "messageWaiting"];
                let now: Map<String, Value> =
                    fields.iter().filter_map(|key| Some(((*key).to_owned(), content.get(key)?.clone()))).collect();
                let now = Value::Object(now);
                (if *before == now { Kind::EndpointUpdated } else { Kind::EndpointChanged }, Some((now, STATUS)))
            }
            Resource::Conversation { rest, .. } => (chat_kind(rest, &method, content), None),
            Resource::User(_) => (by_method(&method, Kind::UserCreated, Kind::UserUpdated, Kind::UserDeleted), None),
            Resource::Conference { participant: true, .. } => (Kind::ConferenceParticipant, None),
            Resource::Conference { .. } => {
                (by_method(&method, Kind::ConferenceCreated, Kind::ConferenceUpdated, Kind::ConferenceDeleted), None)
            }
            Resource::Recording(_) if method != "DELETE" => (Kind::RecordingReady, None),
            Resource::Recording(_) | Resource::Other(_) => (Kind::Publication, None),
        }
    }

    /// A leg's state is an edge; what is older than what is known of the leg is an update, whatever it says.
    fn call_kind(&self, content: &Value, before: &Value) -> (Kind, Option<(Value, i64)>) {
        let state = views::call_state(content, &self.method());
        let time = self.time.timestamp_millis();
        let late = before.get("time").and_then(Value::as_i64).is_some_and(|known| time < known);
        let same = before.get("state").and_then(Value::as_str) == state.as_deref();
        let kind = match state.as_deref() {
            _ if late || same => Kind::CallUpdated,
            Some("ringing") => Kind::CallRinging,
            Some("connected") => Kind::CallConnected,
            Some("held") => Kind::CallHeld,
            Some("ended") => Kind::CallEnded,
            _ => Kind::CallUpdated,
        };
        // A state that is none of a leg's own tells nothing about what comes next.
        let is_state = state.as_deref().is_some_and(|state| ["ringing", "connected", "held", "ended"].contains(&state));
        let (known, time) = if late || !is_state {
            (before.get("state").cloned().unwrap_or_default(), before.get("time").cloned().unwrap_or_default())
        } else {
            (json!(state), json!(time))
        };
        let lives = if known == "ended" { LEG_ENDED } else { LEG_LIVES };
        (kind, Some((json!({ "state": known, "time": time }), lives)))
    }

    fn method(&self) -> String {
        method(&self.document)
    }

    fn event(mut self, kind: Kind, before: &Value, numbers: &Numbers) -> Event {
        let text =
            |document: &Value, key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (topic, subject, method) = (text(&self.document, "topic"), text(&self.document, "subject"), self.method());
        let of_publisher = |key: &str| self.document.get("publisher")?.get(key)?.as_str().map(str::to_owned);
        let (publisher, account_id) = (of_publisher("principalId"), of_publisher("accountId"));
        let content = self.document.get_mut("content").map(Value::take).unwrap_or_default();
        let mut fields = Map::with_capacity(8);
        match (&self.resource, kind.family()) {
            // What we publish ourselves holds its views as they are.
            _ if kind.is_own() => {
                for (view, _) in kind.views() {
                    if let Some(value) = content.get(view) {
                        fields.insert((*view).to_owned(), value.clone());
                    }
                }
            }
            (Resource::Call { endpoint, call }, "call") => {
                fields.insert("call".into(), views::call(&content, endpoint, call, &subject, &method, numbers));
            }
            (Resource::Conversation { conversation, rest }, "chat") => {
                fields.insert("message".into(), views::message(&content, conversation, rest, publisher.as_deref()));
                fields.insert("conversation".into(), views::conversation(&content, conversation, kind));
            }
            (Resource::Presentity(principal), "presence") => {
                let mut view = views::presence(&content);
                view.insert("principal".into(), json!(principal));
                if let Some(was) = before.get("status").filter(|was| was.is_string()) {
                    view.insert("was".into(), was.clone());
                }
                fields.insert("presence".into(), Value::Object(view));
            }
            (Resource::User(user), "user") => {
                fields.insert("user".into(), views::user(&content, user.as_deref()));
            }
            _ => {}
        }
        let time = self.time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let event = [
            ("id", &*self.id),
            ("kind", kind.as_str()),
            ("time", &*time),
            ("topic", &*topic),
            ("method", &*method),
            ("subject", &*subject),
        ];
        fields.insert("event".into(), views::texts(&event));
        fields.insert(
            "account".into(),
            views::texts(&[("name", &*self.account), ("id", account_id.as_deref().unwrap_or_default())]),
        );
        fields.insert("content".into(), content);
        Event {
            seq: self.seq,
            id: self.id,
            account: self.account,
            kind,
            time: self.time,
            arrived: self.arrived,
            lane: self.lane,
            topic,
            method,
            subject,
            fields: Value::Object(fields),
        }
    }
}

fn method(document: &Value) -> String {
    document.get("method").and_then(Value::as_str).unwrap_or_default().trim().to_ascii_uppercase()
}

fn by_method(method: &str, created: Kind, updated: Kind, deleted: Kind) -> Kind {
    match method {
        "POST" => created,
        "DELETE" => deleted,
        _ => updated,
    }
}

/// Chat subjects other than messages are by analogy with the routes (assumed).
fn chat_kind(rest: &[String], method: &str, content: &Value) -> Kind {
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match rest.as_slice() {
        ["messages", _, "reactions", ..] => Kind::ChatReaction,
        ["messages", ..] if views::is_system_message(content) => Kind::Publication,
        ["messages", ..] => by_method(method, Kind::ChatMessage, Kind::ChatEdited, Kind::ChatDeleted),
        ["participants", _, "typing", ..] => Kind::ChatTyping,
        ["participants", ..] => Kind::ChatParticipant,
        [] => Kind::ChatConversation,
        _ => Kind::Publication,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(document: &Value) -> Opened {
        Opened::new(1, &"main".into(), "main/p", &"lane".into(), 1_770_106_530_000, &document.to_string())
    }

    fn canada() -> Numbers {
        Numbers::of(Some("CA"))
    }

    fn call(state: &str, timestamp: i64) -> Value {
        json!({ "topic": "platform-api-media", "method": "PUT", "subject": "/2017-09-01/endpoints/3001/calls/7",
                "content": { "state": state, "timestamp": timestamp, "callId": "endpoints/3001/calls/7", "from": "+16135550142",
                             "fromName": "", "direction": "inbound", "extraPbxData": "{\"callTrackingID\":\"t#7\"}" } })
    }

    #[test]
    fn a_kind_is_an_edge() {
        let mut known: Option<String> = None;
        let mut kinds = Vec::new();
        for (state, at) in [
            ("ringing", 10),
            ("ringing", 11),
            ("connected", 12),
            ("held", 13),
            ("connected", 14),
            ("completed", 15),
            ("idle", 16),
            ("ringing", 9),
        ] {
            let resolved = opened(&call(state, 1_770_106_530_000 + at)).resolve(known.as_deref(), &canada());
            kinds.push(resolved.event.kind.as_str());
            known = resolved.remember.map(|remember| remember.bytes.to_string());
        }
        assert_eq!(
            kinds,
            [
                "call.ringing",
                "call.updated",
                "call.connected",
                "call.held",
                "call.connected",
                "call.ended",
                "call.updated",
                "call.updated"
            ]
        );
    }

    #[test]
    fn a_later_state_overtakes() {
        let at = |state: &str, time: i64| opened(&call(state, 1_770_106_530_000 + time));
        let known = |state: &str, time: i64| at(state, time).resolve(None, &canada()).remember.unwrap().bytes;
        assert!(!at("ringing", 10).is_overtaken(None, true));
        assert!(!at("ringing", 10).is_overtaken(Some(&known("ringing", 10)), true));
        assert!(at("ringing", 10).is_overtaken(Some(&known("connected", 11)), false));
        assert!(at("ringing", 10).is_overtaken(Some(&known("connected", 10)), true), "in the same millisecond");
        assert!(!at("connected", 10).is_overtaken(Some(&known("ringing", 10)), false));
    }

    #[test]
    fn a_publication_without_a_state_changes_nothing() {
        let mut known: Option<String> = None;
        let mut kinds = Vec::new();
        for state in ["ringing", "", "unknown", "ringing", "connected", "outOfService", "connected"] {
            let resolved = opened(&call(state, 1_770_106_530_010)).resolve(known.as_deref(), &canada());
            kinds.push(resolved.event.kind.as_str());
            known = resolved.remember.map(|remember| remember.bytes.to_string());
        }
        let updated = "call.updated";
        assert_eq!(kinds, ["call.ringing", updated, updated, updated, "call.connected", updated, updated]);
    }

    #[test]
    fn only_what_is_created_now_counts_from_its_creation() {
        let user = |method: &str| {
            let document = json!({ "topic": "platform-api-admin", "method": method, "subject": "/accounts/a/users/u",
                                   "content": { "createdOn": "2020-01-02T03:04:05Z" } });
            opened(&document).resolve(None, &canada()).event.time.to_rfc3339()
        };
        assert_eq!(user("POST"), "2020-01-02T03:04:05+00:00");
        assert_eq!(user("PUT"), "2026-02-03T08:15:30+00:00", "when it arrived");
    }

    #[test]
    fn what_a_presence_was_is_known_again() {
        let document = json!({ "topic": "platform-api-presence", "method": "PUT", "subject": "/presentities/u",
                               "content": { "status": "Busy" } });
        let event = opened(&document).resolve_as(Kind::PresenceChanged, Some("Away"), &canada());
        assert_eq!(event.fields["presence"]["was"], "Away");
    }

    #[test]
    fn the_traps_of_a_call_are_fixed() {
        let event = opened(&call("ringing", 1_770_106_530_124)).resolve(None, &canada()).event;
        let field = |path: &str| event.field(path.split('.')).cloned();
        assert_eq!(field("call.id"), Some(json!("7")));
        assert_eq!(field("call.tracking_id"), Some(json!("t#7")));
        assert_eq!(field("call.link"), Some(json!("/2017-09-01/endpoints/3001/calls/7")));
        assert_eq!(field("call.from_name"), None);
        assert_eq!(field("call.outside"), Some(json!(true)));
        assert_eq!(field("content.callId"), Some(json!("endpoints/3001/calls/7")));
        assert_eq!(event.time.timestamp_millis(), 1_770_106_530_124);
        assert_eq!(&*event.id, "p");
    }

    #[test]
    fn the_ends_of_a_call_are_read_by_the_locale() {
        let view = |direction: &str, from: &str, to: &str| {
            let content = json!({ "state": "ringing", "direction": direction, "from": from, "to": to });
            views::call(&content, "3001", "7", "/x", "PUT", &canada())
        };
        for (direction, from, to, wanted) in [
            ("inbound", "6135550142", "3001", json!([true, "+16135550142", "6135550142", "3001", "3001"])),
            (
                "inbound",
                "16135550142",
                "6135550100",
                json!([true, "+16135550142", "16135550142", "+16135550100", "6135550100"]),
            ),
            ("inbound", "2001", "3001", json!([false, "2001", "2001", "3001", "3001"])),
            ("inbound", "", "3001", json!([true, null, null, "3001", "3001"])),
            ("inbound", "anonymous", "3001", json!([true, null, "anonymous", "3001", "3001"])),
            ("outbound", "3001", "011442079460018", json!([true, "3001", "3001", "+442079460018", "011442079460018"])),
            ("outbound", "3001", "2001", json!([false, "3001", "3001", "2001", "2001"])),
        ] {
            let view = view(direction, from, to);
            let seen: Vec<&Value> = ["outside", "from", "from_raw", "to", "to_raw"]
                .iter()
                .map(|key| view.get(*key).unwrap_or(&Value::Null))
                .collect();
            assert_eq!(json!(seen), wanted, "{from} {to}");
        }
    }

    #[test]
    fn a_message_is_found_in_either_shape() {
        for content in [
            json!({ "body": "hi", "createdBy": "ann" }),
            json!({ "body": { "body": "hi", "messageId": "x" }, "userId": "ann" }),
        ] {
            let document = json!({ "topic": "platform-api-conversations", "method": "post", "subject": "/conversations/c/messages/m", "content": content });
            let event = opened(&document).resolve(None, &canada()).event;
            assert_eq!(event.kind, Kind::ChatMessage);
            assert_eq!(
                event.fields["message"],
                json!({ "conversation": "c", "id": "m", "body": "hi", "sender": "ann" })
            );
        }
    }

    #[test]
    fn a_presence_in_capitals_is_the_same() {
        let document = json!({ "topic": "platform-api-presence", "method": "PUT", "subject": "/presentities/u",
            "content": { "presences": { "aggregatePresence": { "Status": "DONOTDISTURB", "Reason": "in a call" },
                "principalPresence": { "Status": "Lunch" } } } });
        let event = opened(&document).resolve(None, &canada()).event;
        let presence = &event.fields["presence"];
        assert_eq!((&presence["status"], &presence["reason"]), (&json!("DoNotDisturb"), &json!("in a call")));
        assert_eq!(presence["override"], "Lunch", "what is not known stays as it is");
    }

    #[test]
    fn presence_changes_when_status_or_override_do() {
        let document = |status: &str| {
            json!({ "topic": "platform-api-presence", "method": "PUT", "subject": "/presentities/u",
            "content": { "presences": [{ "type": "aggregate", "status": status }, { "type": "principal", "status": "Busy" }] } })
        };
        let first = opened(&document("Away")).resolve(None, &canada());
        assert_eq!(first.event.kind, Kind::PresenceChanged);
        let known = first.remember.unwrap().bytes;
        assert_eq!(opened(&document("Away")).resolve(Some(&known), &canada()).event.kind, Kind::PresenceUpdated);
        let changed = opened(&document("Busy")).resolve(Some(&known), &canada()).event;
        assert_eq!(
            changed.fields["presence"],
            json!({ "status": "Busy", "override": "Busy", "principal": "u", "was": "Away" })
        );
    }

    #[test]
    fn a_presence_is_read_in_every_spelling() {
        for (content, own) in [
            (json!({ "presences": { "aggregatePresence": { "Status": "BUSY", "Reason": "x" } } }), None),
            (
                json!({ "presences": { "aggregate": { "status": "busy", "reason": "x" }, "principal": { "Status": "AWAY" } } }),
                Some("Away"),
            ),
            (json!({ "aggregatePresence": { "status": "Busy", "reason": "x" } }), None),
            (json!({ "presence": { "Status": "Busy", "reason": "x" } }), None),
            (json!({ "Status": "BUSY", "Reason": "x" }), None),
            (
                json!({ "presences": [{ "type": "aggregatePresence", "presence": { "status": "Busy", "reason": "x" } }] }),
                None,
            ),
        ] {
            let view = views::presence(&content);
            assert_eq!((&view["status"], &view["reason"]), (&json!("Busy"), &json!("x")), "{content}");
            assert_eq!(view.get("override").and_then(Value::as_str), own, "{content}");
        }
        assert_eq!(views::presence(&json!({ "Status": "Lunch" }))["status"], "Lunch", "what is not known stays");
    }

    #[test]
    fn every_other_resource_has_its_kind() {
        for (topic, method, subject, kind) in [
            ("admin", "POST", "/accounts/a/users/u", "user.created"),
            ("admin", "PUT", "/accounts/a/users", "user.updated"),
            ("conversations", "POST", "/conversations/c/messages/m/reactions", "chat.reaction"),
            ("conversations", "POST", "/conversations/c/participants/p/typing", "chat.typing"),
            ("conversations", "DELETE", "/conversations/c/messages/m", "chat.deleted"),
            ("media", "PUT", "/endpoints/3001", "endpoint.changed"),
            ("media", "PUT", "/conferences/c/participants/p", "conference.participant"),
            ("media", "POST", "/recordings/r", "recording.ready"),
            ("media", "PUT", "/elsewhere", "publication"),
        ] {
            let document = json!({ "topic": format!("platform-api-{topic}"), "method": method, "subject": subject, "content": {} });
            assert_eq!(opened(&document).resolve(None, &canada()).event.kind.as_str(), kind, "{subject}");
        }
    }
}
