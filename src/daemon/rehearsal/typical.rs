//! A typical event as CloudLink would publish it, but for what a test writes: inbound, a new call, no names, an outside
//! caller. What only a directory or the memory would know is told beside it.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::daemon::desk::REHEARSED;
use crate::rules::rehearsal::Typical;

/// An outside caller.
const CALLER: &str = "+16135550123";
const ENDPOINT: &str = "2001";
const USER: &str = "u-1";
const CONVERSATION: &str = "c-1";
const SENDER: &str = "u-2";
const ACCOUNT: &str = REHEARSED;
/// What a step takes over from the one before.
const TAKEN_OVER: [&str; 9] =
    ["endpoint", "user", "from", "to", "direction", "conversation", "sender", "principal", "language"];

/// What later events of a test go on from.
#[derive(Debug, Default)]
pub(super) struct Before {
    fields: Map<String, Value>,
    /// The last leg of each endpoint: its call id and state.
    legs: HashMap<String, (String, String)>,
    /// The last content about each presentity and each phone.
    contents: HashMap<String, Value>,
    /// How many events there were.
    count: usize,
}

/// A publication, and what is known beside it.
#[derive(Debug)]
pub(super) struct Published {
    /// The document.
    pub(super) document: Value,
    /// Its id.
    pub(super) id: String,
    /// Fields of views that it does not carry.
    pub(super) facts: Map<String, Value>,
}

/// An event on its way to its publication.
struct Draft<'a> {
    event: &'a Typical,
    before: &'a mut Before,
    at: DateTime<Utc>,
    facts: Map<String, Value>,
    publisher: Option<String>,
}

impl Before {
    /// The publication of an event at a time. An event of a kind that is ours alone has none.
    pub(super) fn publish(&mut self, event: &Typical, at: DateTime<Utc>) -> Option<Published> {
        self.count += 1;
        for key in TAKEN_OVER {
            if let Some(value) = event.fields.get(key) {
                self.take(key, value);
            }
        }
        let id = format!("event-{}", self.count);
        let mut draft = Draft { event, before: self, at, facts: Map::new(), publisher: None };
        let (topic, method, subject, mut content) = draft.parts()?;
        if let Some(Value::Object(more)) = event.fields.get("content") {
            merge(&mut content, more);
        }
        draft.people();
        let (facts, publisher) = (draft.facts, draft.publisher);
        let time = at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let document = json!({
            "publicationId": id, "topic": topic, "method": method, "subject": subject, "content": content,
            "publisher": { "accountId": ACCOUNT, "principalId": publisher.unwrap_or_else(|| USER.to_owned()) },
            "subscription": { "subscriptionId": "0f1e2d3c4b5a69788796a5b4c3d2e1f0" },
            "notification": { "createdOn": time, "correlationId": id },
        });
        Some(Published { document, id, facts })
    }

    /// Goes on from a recorded event: from what its views show.
    pub(super) fn recorded(&mut self, views: &Value) {
        let text = |view: &str, key: &str| views.pointer(&format!("/{view}/{key}")).and_then(Value::as_str);
        let call = ["endpoint", "user", "from", "to", "direction"].map(|key| (key, text("call", key)));
        let others = [
            ("conversation", text("message", "conversation")),
            ("sender", text("message", "sender")),
            ("principal", text("presence", "principal")),
        ];
        let known: Vec<_> =
            call.into_iter().chain(others).filter_map(|(key, value)| Some((key, json!(value?)))).collect();
        for (key, value) in known {
            self.take(key, &value);
        }
        if let (Some(endpoint), Some(id)) = (text("call", "endpoint"), text("call", "id")) {
            let state = text("call", "state").unwrap_or_default().to_owned();
            self.legs.insert(endpoint.to_owned(), (id.to_owned(), state));
        }
    }

    fn take(&mut self, key: &str, value: &Value) {
        match (key, value) {
            ("conversation" | "user", Value::Object(view)) => {
                if let Some(id) = view.get("id") {
                    self.fields.insert(key.to_owned(), id.clone());
                }
            }
            _ => drop(self.fields.insert(key.to_owned(), value.clone())),
        }
    }
}

impl Draft<'_> {
    /// What this event writes.
    fn own(&self, key: &str) -> Option<&str> {
        self.event.fields.get(key).and_then(Value::as_str)
    }

    /// What this event writes or an earlier one wrote.
    fn known(&self, key: &str) -> Option<String> {
        self.before.fields.get(key).and_then(Value::as_str).map(str::to_owned)
    }

    fn or(&self, key: &str, typical: &str) -> String {
        self.known(key).unwrap_or_else(|| typical.to_owned())
    }

    /// A name for something new.
    fn new_id(&self, what: &str) -> String {
        self.own("id").map_or_else(|| format!("{what}-{}", self.before.count), str::to_owned)
    }

    fn tell(&mut self, view: &str, fields: &[&str]) {
        let told = fields.iter().filter_map(|key| Some(((*key).to_owned(), self.event.fields.get(*key)?.clone())));
        let told: Map<String, Value> = told.collect();
        if !told.is_empty() {
            self.facts.insert(view.to_owned(), Value::Object(told));
        }
    }

    /// What is written of people and conversations is told as it stands.
    fn people(&mut self) {
        let conversation = self.known("conversation").filter(|_| self.event.family() == "chat");
        for view in ["conversation", "user"] {
            if let Some(Value::Object(fields)) = self.event.fields.get(view) {
                self.facts.insert(view.to_owned(), Value::Object(fields.clone()));
            }
        }
        if self.event.family() == "chat" {
            let id = json!(conversation.unwrap_or_else(|| CONVERSATION.to_owned()));
            let view = self.facts.entry("conversation").or_insert_with(|| json!({}));
            view["id"] = id;
        }
    }

    /// Topic, method, subject and content.
    fn parts(&mut self) -> Option<(String, String, String, Value)> {
        let kind = self.event.kind.clone();
        let by_verb = |kind: &str| match kind.rsplit('.').next() {
            Some("created") => "POST",
            Some("deleted") => "DELETE",
            _ => "PUT",
        };
        let media = |method: &str, path: String, content: Value| {
            Some(("platform-api-media".to_owned(), method.to_owned(), format!("/2017-09-01/{path}"), content))
        };
        match (self.event.family(), &*kind) {
            (_, "call.finished") => None,
            ("call", _) => {
                let (path, content) = self.call();
                media("PUT", path, content)
            }
            ("endpoint", _) => {
                let endpoint = self.or("endpoint", ENDPOINT);
                let content = self.content_of(&format!("phone/{endpoint}"), kind.ends_with(".updated"), |draft| {
                    draft.own("state").map_or_else(|| json!({}), |state| json!({ "state": state }))
                });
                media("PUT", format!("endpoints/{endpoint}"), content)
            }
            ("conference", "conference.participant") => {
                let path = format!("conferences/{}/participants/{}", self.new_id("conference"), self.or("user", USER));
                media("PUT", path, json!({}))
            }
            ("conference", _) => media(by_verb(&kind), format!("conferences/{}", self.new_id("conference")), json!({})),
            ("recording", _) => media("POST", format!("recordings/{}", self.new_id("recording")), json!({})),
            ("chat", _) => Some(self.chat(&kind)),
            ("presence", _) => {
                let principal = self.or("principal", USER);
                let content = self.content_of(&format!("presentity/{principal}"), kind.ends_with(".updated"), presence);
                self.tell("presence", &["was"]);
                self.publisher = Some(principal.clone());
                Some(("platform-api-presence".into(), "PUT".into(), format!("/presentities/{principal}"), content))
            }
            ("user", _) => {
                let id = self.own("id").unwrap_or(USER).to_owned();
                let mut content = json!({ "userId": id, "createdOn": self.time() });
                for key in ["name", "email", "extension"] {
                    if let Some(text) = self.own(key) {
                        content[key] = json!(text);
                    }
                }
                let subject = format!("/accounts/{ACCOUNT}/users/{id}");
                Some(("platform-api-admin".into(), by_verb(&kind).into(), subject, content))
            }
            ("publication", _) => {
                let text = |key: &str, typical: &str| self.own(key).unwrap_or(typical).to_owned();
                Some((text("topic", "test"), text("method", "POST"), text("subject", "/test"), json!({})))
            }
            _ => None,
        }
    }

    fn time(&self) -> String {
        self.at.to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// What an event about something shows; a mere update shows what was shown last.
    fn content_of(&mut self, of: &str, updated: bool, make: impl Fn(&Self) -> Value) -> Value {
        let content = match self.before.contents.get(of) {
            Some(known) if updated => known.clone(),
            _ => make(self),
        };
        self.before.contents.insert(of.to_owned(), content.clone());
        content
    }

    /// The path and the content of a call.
    fn call(&mut self) -> (String, Value) {
        let endpoint = self.or("endpoint", ENDPOINT);
        let kind = self.event.kind.rsplit('.').next().unwrap_or_default().to_owned();
        let last = self.before.legs.get(&endpoint).cloned().filter(|_| kind != "ringing");
        let (last_id, last_state) = last.unzip();
        let id = self.own("id").map(str::to_owned).or(last_id).unwrap_or_else(|| format!("call-{}", self.before.count));
        let state = match (self.own("state"), &*kind) {
            (None, "updated") => last_state.unwrap_or_default(),
            (Some(state), _) | (None, state) => state.to_owned(),
        };
        self.before.legs.insert(endpoint.clone(), (id.clone(), state.clone()));
        let direction = self.or("direction", "inbound");
        let (from, to) = if direction == "outbound" { (&*endpoint, CALLER) } else { (CALLER, &*endpoint) };
        let (from, to, user) = (self.or("from", from), self.or("to", to), self.or("user", USER));
        let text = |key: &str| self.own(key).unwrap_or_default().to_owned();
        let cause = self.own("cause").or((kind == "ringing").then_some("newCall")).unwrap_or_default().to_owned();
        let (path, link) =
            (format!("endpoints/{endpoint}/calls/{id}"), format!("/2017-09-01/endpoints/{endpoint}/calls/{id}"));
        let mut content = json!({
            "callId": path, "endpointId": endpoint, "state": state, "cause": cause, "direction": direction,
            "from": from, "fromName": text("from_name"), "to": to, "toName": text("to_name"),
            "createdOn": self.time(), "timestamp": self.at.timestamp_millis(), "eventId": format!("e-{}", self.before.count),
            "eventType": "CallStateNotification", "isCtiEvent": true, "accountId": ACCOUNT, "siteId": "site",
            "principalId": user, "userId": user, "callLegOwner": user, "_links": { "self": link },
        });
        if let Some(tracking) = self.own("tracking_id") {
            content["extraPbxData"] = json!({ "callTrackingID": tracking });
        }
        self.tell("call", &["hops", "path", "answered", "answered_by", "ring_seconds", "talk_seconds"]);
        (path, content)
    }

    /// The parts of what happens in a conversation.
    fn chat(&mut self, kind: &str) -> (String, String, String, Value) {
        let (conversation, sender) = (self.or("conversation", CONVERSATION), self.or("sender", SENDER));
        let id = self.new_id("message");
        let base = format!("/conversations/{conversation}");
        let (method, subject) = match kind {
            "chat.message" => ("POST", format!("{base}/messages/{id}")),
            "chat.edited" => ("PUT", format!("{base}/messages/{id}")),
            "chat.deleted" => ("DELETE", format!("{base}/messages/{id}")),
            "chat.reaction" => ("POST", format!("{base}/messages/{id}/reactions")),
            "chat.typing" => ("POST", format!("{base}/participants/{sender}/typing")),
            "chat.participant" => ("POST", format!("{base}/participants/{sender}")),
            _ => ("PUT", base),
        };
        let mut content = json!({ "conversationId": conversation, "createdBy": sender, "createdOn": self.time() });
        if kind.starts_with("chat.message") || kind == "chat.edited" {
            content["messageId"] = json!(id);
            content["body"] = json!(self.own("body").unwrap_or("hello"));
            content["contentType"] = json!(self.own("content_type").unwrap_or("text/plain"));
        }
        if let Some(tag) = self.own("tag") {
            content["tag"] = json!(tag);
        }
        self.tell("message", &["name", "email", "language"]);
        if let Some(language) = self.known("language") {
            self.facts.entry("message").or_insert_with(|| json!({}))["language"] = json!(language);
        }
        self.publisher = Some(sender);
        ("platform-api-conversations".into(), method.into(), subject, content)
    }
}

fn presence(draft: &Draft<'_>) -> Value {
    let mut aggregate = json!({ "status": draft.own("status").unwrap_or("Available") });
    if let Some(reason) = draft.own("reason") {
        aggregate["reason"] = json!(reason);
    }
    let mut presences = json!({ "aggregatePresence": aggregate });
    if let Some(status) = draft.own("override") {
        presences["principalPresence"] = json!({ "status": status });
    }
    json!({ "presences": presences })
}

fn merge(into: &mut Value, more: &Map<String, Value>) {
    let Value::Object(fields) = into else { return };
    for (key, value) in more {
        match (fields.get_mut(key), value) {
            (Some(known @ Value::Object(_)), Value::Object(more)) => merge(known, more),
            _ => drop(fields.insert(key.clone(), value.clone())),
        }
    }
}
