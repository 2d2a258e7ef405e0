//! Refusals as the caller sees them: a status and a short constant text (RFC 9457). Details go to the log and metrics.

use axum::body::Body;
use axum::http::header::{ALLOW, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};

use crate::telemetry::Refused;

/// A refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    Signature,
    TooLarge,
    NotJson,
    Encoding,
    Timeout,
    Unavailable,
    NotFound,
    Method,
    Broken,
}

impl Problem {
    fn status(self) -> StatusCode {
        match self {
            Self::Signature => StatusCode::UNAUTHORIZED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson | Self::Broken => StatusCode::BAD_REQUEST,
            Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Signature => "signature missing or wrong",
            Self::TooLarge => "body too large",
            Self::NotJson => "not a publication",
            Self::Encoding => "content encoding not supported",
            Self::Timeout => "body took too long",
            Self::Unavailable => "come again later",
            Self::NotFound => "nothing here",
            Self::Method => "method not allowed here",
            Self::Broken => "body broken off",
        }
    }

    pub(super) fn reason(self) -> Refused {
        match self {
            Self::Signature => Refused::Signature,
            Self::TooLarge => Refused::TooLarge,
            Self::NotJson => Refused::NotJson,
            Self::Encoding => Refused::Encoding,
            Self::Timeout => Refused::Timeout,
            Self::Unavailable => Refused::Unavailable,
            Self::NotFound => Refused::NotFound,
            Self::Method => Refused::Method,
            Self::Broken => Refused::Broken,
        }
    }

    pub(super) fn response(self) -> Response<Body> {
        let status = self.status();
        let body = format!(r#"{{"type":"about:blank","title":"{}","status":{}}}"#, self.title(), status.as_u16());
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self {
            Self::Unavailable => drop(headers.insert(RETRY_AFTER, HeaderValue::from_static("2"))),
            Self::Method => drop(headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"))),
            // What was not read of the body makes the connection useless.
            Self::TooLarge | Self::Timeout | Self::Broken => {
                drop(headers.insert(CONNECTION, HeaderValue::from_static("close")));
            }
            _ => {}
        }
        response
    }
}
