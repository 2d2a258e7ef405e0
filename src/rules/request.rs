//! What a step asks for once it is rendered: the typed request that `actions` carries out.
//!
//! A request is complete: it can be journaled before it is sent and repeated after a crash without its rule. It holds
//! no secret; credentials are named, not contained.

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// One rendered step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Redirect the ringing call at `call` to another number.
    Redirect {
        /// The call's own path as CloudLink sent it (`content._links.self`, else the subject).
        call: String,
        /// The destination as the rule wrote it.
        to: String,
    },
    /// Post a message into a conversation.
    Reply {
        /// The conversation's id.
        conversation: String,
        /// The text; of a card its JSON.
        text: String,
        /// What the text is.
        #[serde(default, skip_serializing_if = "Format::is_text")]
        format: Format,
    },
    /// An HTTP request to a system of the integrator's.
    Http(HttpRequest),
    /// A request to CloudLink as it stands.
    #[serde(rename = "cloudlink")]
    CloudLink(CloudLinkRequest),
    /// Vars are set.
    Set(Setting),
    /// A line in the daemon's log.
    Log {
        /// How important it is.
        level: LogLevel,
        /// The text.
        message: String,
    },
    /// Any other action, with what it takes.
    Asked(Asked),
}

/// An action with its arguments, as [`catalogue`](super::catalogue) describes them: those that are not there are missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The action, as rules write it.
    pub action: String,
    /// The arguments by name: text, but as the description says lists, data, true or false, numbers, durations in
    /// milliseconds. What the event gives is there as if it had been written.
    pub arguments: Map<String, Value>,
}

/// A request to CloudLink as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CloudLinkRequest {
    /// GET, POST, PUT, PATCH or DELETE.
    pub method: Method,
    /// Which of its APIs.
    pub api: String,
    /// The path below the API's version.
    pub path: String,
    /// The body, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// Follow the pages of a collection.
    #[serde(default)]
    pub paginate: bool,
}

/// Vars and what they are set to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// Each var that is set.
    pub changes: Vec<VarChange>,
    /// How long that holds.
    pub lasts: Lasts,
}

/// A var and what it is set to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VarChange {
    /// The var.
    pub name: String,
    /// Of a var that is kept for each value of a field, that value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<String>,
    /// The value; empty when it came out missing.
    pub value: String,
}

/// How long a var is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lasts {
    /// As its declaration says.
    Declared,
    /// Until that time, in milliseconds since 1970.
    Until(i64),
    /// So many milliseconds.
    For(i64),
}

/// What the text of a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Plain text.
    #[default]
    Text,
    /// HTML.
    Html,
    /// An action card, as JSON.
    Card,
}

impl Format {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
    fn is_text(&self) -> bool {
        *self == Self::Text
    }

    /// The argument that rules write it as.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Html => "html",
            Self::Card => "card",
        }
    }
}

/// An HTTP request to a system of the integrator's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// GET, POST, PUT, PATCH or DELETE.
    pub method: Method,
    /// The `[[credential]]` whose base `url` is relative to and that is sent along.
    pub credential: Option<String>,
    /// An absolute http(s) URL; with a credential, a path relative to its base ("" is the base itself) or a URL below it.
    pub url: String,
    /// Headers that the rule wrote, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
}

/// The body of an HTTP request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Sent as `application/json`.
    Json(Value),
    /// Sent as `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// Sent as `text/plain; charset=utf-8` unless a header says other.
    Text(String),
}

/// The methods of `http` steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// The levels of `log` steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
}

impl Method {
    /// As rules write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    /// The method that rules write so.
    pub(super) fn of(word: &str) -> Option<Self> {
        [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete].into_iter().find(|method| method.as_str() == word)
    }
}

impl LogLevel {
    /// As rules write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        [Self::Error, Self::Warn, Self::Info, Self::Debug].into_iter().find(|level| level.as_str() == word)
    }
}

impl Request {
    /// The name of the action, as rules write it.
    pub fn action(&self) -> &str {
        match self {
            Self::Redirect { .. } => "redirect",
            Self::Reply { .. } => "reply",
            Self::Http(_) => "http",
            Self::CloudLink(_) => "cloudlink",
            Self::Set(_) => "set",
            Self::Log { .. } => "log",
            Self::Asked(asked) => &asked.action,
        }
    }

    /// The arguments, under the names that rules write them by; what the event gave is among them.
    pub fn arguments(&self) -> Map<String, Value> {
        let mut found = Map::new();
        let mut put = |name: &str, value: Value| {
            found.insert(name.to_owned(), value);
        };
        match self {
            Self::Redirect { call, to } => {
                put("to", json!(to));
                put("call", json!(call));
            }
            Self::Reply { conversation, text, format } => {
                let card = if *format == Format::Card { serde_json::from_str(text).ok() } else { None };
                put(format.as_str(), card.unwrap_or_else(|| json!(text)));
                put("conversation", json!(conversation));
            }
            Self::Http(http) => {
                put(http.method.as_str(), json!(http.url));
                if let Some(credential) = &http.credential {
                    put("credential", json!(credential));
                }
                match &http.body {
                    Some(Body::Json(value)) => put("json", value.clone()),
                    Some(Body::Form(pairs)) => put("form", table(pairs)),
                    Some(Body::Text(text)) => put("body", json!(text)),
                    None => {}
                }
                if !http.headers.is_empty() {
                    put("headers", table(&http.headers));
                }
            }
            Self::CloudLink(request) => {
                put(request.method.as_str(), json!(request.path));
                put("api", json!(request.api));
                if let Some(value) = &request.json {
                    put("json", value.clone());
                }
                put("paginate", json!(request.paginate));
            }
            Self::Set(setting) => {
                for change in &setting.changes {
                    put(&change.name, json!(change.value));
                }
                match setting.lasts {
                    Lasts::Declared => {}
                    Lasts::Until(at) => {
                        put("until", json!(DateTime::from_timestamp_millis(at).map(|at| at.to_rfc3339())));
                    }
                    Lasts::For(millis) => put("for", json!(format!("{millis}ms"))),
                }
            }
            Self::Log { level, message } => {
                put("message", json!(message));
                put("level", json!(level.as_str()));
            }
            Self::Asked(asked) => found.clone_from(&asked.arguments),
        }
        found
    }
}

fn table(pairs: &[(String, String)]) -> Value {
    Value::Object(pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect())
}
