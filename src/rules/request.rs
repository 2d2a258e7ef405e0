//! What a step asks for once it is rendered: the typed request that `actions` carries out.
//!
//! A request is complete: it can be journaled before it is sent and repeated after a crash without its rule. It holds
//! no secret; credentials are named, not contained.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
        /// The text.
        text: String,
    },
    /// An HTTP request to a system of the integrator's.
    Http(HttpRequest),
    /// A line in the daemon's log.
    Log {
        /// How important it is.
        level: LogLevel,
        /// The text.
        message: String,
    },
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

impl Request {
    /// The name of the action, as rules write it.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Redirect { .. } => "redirect",
            Self::Reply { .. } => "reply",
            Self::Http(_) => "http",
            Self::Log { .. } => "log",
        }
    }
}
