//! Answers that are not what they say they are, and connections that end without one. Only bodies and headers are made
//! here; the server is what closes or resets.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};

/// The largest body that is spoilt whole.
const MAX_BODY: usize = 11 * 1024 * 1024;
/// How long the first part of a broken answer has to leave before the connection ends.
const HEAD_START: Duration = Duration::from_millis(20);
/// Stands in for an empty body, so that there is something to spoil.
const FILLER: &[u8] = br#"{"name":"Planted","message":"the simulator is in a mood"}"#;

/// What is wrong with an answer that comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Spoil {
    /// Says that it is JSON, and is a page of HTML.
    NotJson,
    /// Half of the JSON in a whole HTTP answer.
    HalfJson,
    /// The right JSON under the type text/html.
    WrongType,
    /// `content-length` promises twice of what comes before the connection is closed.
    CutOff,
    /// The same, but the connection is reset.
    ResetInBody,
}

impl Spoil {
    /// As it is written in JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::HalfJson => "half_json",
            Self::WrongType => "wrong_type",
            Self::CutOff => "cut_off",
            Self::ResetInBody => "reset_in_body",
        }
    }

    /// An answer, spoilt.
    pub(crate) async fn over(self, response: Response) -> Response {
        let (mut parts, body) = response.into_parts();
        let whole = to_bytes(body, MAX_BODY).await.ok().filter(|bytes| !bytes.is_empty());
        let whole = whole.unwrap_or_else(|| Bytes::from_static(FILLER));
        let half = whole.slice(..whole.len() / 2);
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = match self {
            Self::NotJson => Body::from("<html><body><h1>Bad Gateway</h1></body></html>"),
            Self::HalfJson => Body::from(half),
            Self::WrongType => {
                parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
                Body::from(whole)
            }
            Self::CutOff | Self::ResetInBody => {
                parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(half.len() * 2));
                ends_early(half, if self == Self::CutOff { Broken::Closed } else { Broken::Reset })
            }
        };
        Response::from_parts(parts, body)
    }
}

/// A body that begins and then breaks.
fn ends_early(beginning: Bytes, how: Broken) -> Body {
    let first = stream::once(async { Ok::<_, Broken>(beginning) });
    let then = stream::once(async move {
        tokio::time::sleep(HEAD_START).await;
        Err::<Bytes, _>(how)
    });
    Body::from_stream(first.chain(then))
}

/// How a connection ends on purpose. As an extension of an answer: instead of it. As an error of a body: within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Closed (FIN).
    Closed,
    /// Reset (RST).
    Reset,
}

impl Broken {
    /// How a connection ended on purpose, if it did.
    pub(crate) fn within(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        error.downcast_ref().copied().or_else(|| Self::within(error.source()?))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed on purpose",
            Self::Reset => "reset on purpose",
        })
    }
}

impl std::error::Error for Broken {}

impl From<Infallible> for Broken {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
