//! Refusals as the caller sees them: a status and a short constant text (RFC 9457). Details go to the log and metrics.

use axum::body::Body;
use axum::http::header::{ALLOW, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};

/// What a refusal is called, here and in the metrics.
pub(super) use crate::telemetry::Refused as Problem;

fn status(problem: Problem) -> StatusCode {
    match problem {
        Problem::Signature => StatusCode::UNAUTHORIZED,
        Problem::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Problem::NotJson | Problem::Broken => StatusCode::BAD_REQUEST,
        Problem::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Problem::Timeout => StatusCode::REQUEST_TIMEOUT,
        Problem::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Problem::NotFound => StatusCode::NOT_FOUND,
        Problem::Method => StatusCode::METHOD_NOT_ALLOWED,
    }
}

fn title(problem: Problem) -> &'static str {
    match problem {
        Problem::Signature => "signature missing or wrong",
        Problem::TooLarge => "body too large",
        Problem::NotJson => "not a publication",
        Problem::Encoding => "content encoding not supported",
        Problem::Timeout => "body took too long",
        Problem::Unavailable => "come again later",
        Problem::NotFound => "nothing here",
        Problem::Method => "method not allowed here",
        Problem::Broken => "body broken off",
    }
}

/// The answer to who is refused.
pub(super) fn response(problem: Problem) -> Response<Body> {
    let status = status(problem);
    let body = format!(r#"{{"type":"about:blank","title":"{}","status":{}}}"#, title(problem), status.as_u16());
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    match problem {
        Problem::Unavailable => drop(headers.insert(RETRY_AFTER, HeaderValue::from_static("2"))),
        Problem::Method => drop(headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"))),
        // What was not read of the body makes the connection useless.
        Problem::TooLarge | Problem::Timeout | Problem::Broken => {
            drop(headers.insert(CONNECTION, HeaderValue::from_static("close")));
        }
        _ => {}
    }
    response
}
