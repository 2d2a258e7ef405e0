//! What a subject names: the call, the conversation, the presentity.

use std::sync::Arc;

use serde_json::Value;

/// The service that a topic belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Media,
    Conversations,
    Presence,
    Admin,
    Other,
}

impl Service {
    pub(super) fn of(topic: &str) -> Self {
        let topic = topic.trim();
        match topic.strip_prefix("platform-api-").unwrap_or(topic) {
            "media" => Self::Media,
            "conversations" | "chat" => Self::Conversations,
            "presence" => Self::Presence,
            "admin" => Self::Admin,
            _ => Self::Other,
        }
    }
}

/// What a publication is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Call { endpoint: String, call: String },
    Endpoint(String),
    Conversation { conversation: String, rest: Vec<String> },
    Presentity(String),
    User(Option<String>),
    Conference { conference: String, participant: bool },
    Recording(String),
    Other(String),
}

impl Resource {
    /// From the subject; for a call also from the paths in its content.
    pub(super) fn of(publication: &Value) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let (topic, subject) = (text(publication.get("topic")), text(publication.get("subject")));
        let service = Service::of(&topic);
        if let Some(resource) = Self::parse(service, &subject) {
            return resource;
        }
        let content = publication.get("content");
        let link = text(content.and_then(|content| content.pointer("/_links/self")));
        let call = text(content.and_then(|content| content.get("callId")));
        [link, call]
            .iter()
            .find_map(|path| Self::parse(service, path).filter(|found| matches!(found, Self::Call { .. })))
            .unwrap_or(Self::Other(subject))
    }

    pub(super) fn parse(service: Service, path: &str) -> Option<Self> {
        let segments = segments(path);
        let resource = match (service, segments.as_slice()) {
            (Service::Media, ["endpoints", endpoint, "calls", call, ..]) => {
                Self::Call { endpoint: (*endpoint).into(), call: (*call).into() }
            }
            (Service::Media, ["endpoints", endpoint]) => Self::Endpoint((*endpoint).into()),
            (Service::Media, ["conferences", conference, rest @ ..]) => Self::Conference {
                conference: (*conference).into(),
                participant: rest.first() == Some(&"participants"),
            },
            (Service::Media, ["recordings", recording]) => Self::Recording((*recording).into()),
            (Service::Conversations, ["conversations", conversation, rest @ ..]) => Self::Conversation {
                conversation: (*conversation).into(),
                rest: rest.iter().map(|segment| (*segment).to_owned()).collect(),
            },
            (Service::Presence, ["presentities", principal, ..]) => Self::Presentity((*principal).into()),
            (Service::Admin, ["accounts", _, "users", user] | ["users", user]) => Self::User(Some((*user).into())),
            (Service::Admin, ["accounts", _, "users"] | ["users"]) => Self::User(None),
            _ => return None,
        };
        Some(resource)
    }

    /// The order key, without the account.
    pub(super) fn lane(&self) -> Arc<str> {
        match self {
            Self::Call { endpoint, call } => format!("call/{endpoint}/{call}"),
            Self::Endpoint(endpoint) => format!("endpoint/{endpoint}"),
            Self::Conversation { conversation, .. } => format!("conversation/{conversation}"),
            Self::Presentity(principal) => format!("presentity/{principal}"),
            Self::User(Some(user)) => format!("user/{user}"),
            Self::User(None) => "users".to_owned(),
            Self::Conference { conference, .. } => format!("conference/{conference}"),
            Self::Recording(recording) => format!("recording/{recording}"),
            Self::Other(subject) => format!("subject/{}", subject.chars().take(300).collect::<String>()),
        }
        .into()
    }
}

/// The parts of a path, without query, one leading `/api` and one version such as `/2017-09-01`.
pub(super) fn segments(path: &str) -> Vec<&str> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let mut segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    if segments.first() == Some(&"api") {
        segments.remove(0);
    }
    if segments.first().is_some_and(|segment| is_version(segment)) {
        segments.remove(0);
    }
    segments
}

fn is_version(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    bytes.len() == 10
        && bytes
            .iter()
            .enumerate()
            .all(|(i, byte)| if i == 4 || i == 7 { *byte == b'-' } else { byte.is_ascii_digit() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lane(topic: &str, subject: &str) -> String {
        Resource::of(&json!({ "topic": topic, "subject": subject, "content": null })).lane().to_string()
    }

    #[test]
    fn subjects_come_with_and_without_a_version() {
        for subject in
            ["/2017-09-01/endpoints/3001/calls/7", "/endpoints/3001/calls/7", "/api/2016-12-31/endpoints/3001/calls/7"]
        {
            assert_eq!(lane("platform-api-media", subject), "call/3001/7");
        }
        assert_eq!(lane("platform-api-presence", "/presentities/u-1/categories/phones"), "presentity/u-1");
        assert_eq!(lane("App-Mine", "/endpoints/3001/calls/7"), "subject//endpoints/3001/calls/7");
    }

    #[test]
    fn a_call_is_found_in_its_content() {
        let odd = json!({ "topic": "platform-api-media", "subject": "/odd", "content": { "callId": "endpoints/3001/calls/7" } });
        assert_eq!(&*Resource::of(&odd).lane(), "call/3001/7");
    }
}
