//! The admin listener: liveness, readiness with reasons, metrics.
//!
//! Closed by default: it listens on loopback, and beyond that only with a token. The two probes tell nothing secret and
//! need none.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::kit::secret::Secret;

/// The settled `[admin]`.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The bearer token that requests must carry; none is possible only on loopback.
    pub token: Option<Secret>,
}

/// Whether this gateway takes and handles publications, and what to know about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether a load balancer should send to it.
    pub ready: bool,
    /// What is not as it should be; with `ready` these are warnings.
    pub reasons: Vec<String>,
    /// The hash of the rule set in force.
    pub rules: String,
    /// Since when it is in force, RFC 3339.
    pub rules_since: String,
    /// The version of the program.
    pub version: &'static str,
}

/// What the listener shows; implemented by who knows everything.
pub trait Faces: Send + Sync + 'static {
    /// Whether this gateway is ready.
    fn readiness(&self) -> Readiness;
    /// All metrics as text.
    fn metrics(&self) -> String;
}

/// The admin listener's service.
pub struct Api {
    token: Option<[u8; 32]>,
    faces: Arc<dyn Faces>,
}

impl Api {
    /// Prepares the service.
    pub fn new(options: &Options, faces: Arc<dyn Faces>) -> Self {
        Self { token: options.token.as_ref().map(|token| digest(token.expose())), faces }
    }

    /// Answers a request.
    pub fn handle(&self, request: &Request) -> Response<Body> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return problem(StatusCode::METHOD_NOT_ALLOWED, "method not allowed here");
        }
        match request.uri().path() {
            "/livez" => answer(StatusCode::OK, "text/plain; charset=utf-8", "ok\n".to_owned()),
            "/readyz" => {
                let readiness = self.faces.readiness();
                let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                answer(status, "application/json", serde_json::to_string_pretty(&readiness).unwrap_or_default())
            }
            "/metrics" if self.allowed(request.headers()) => answer(
                StatusCode::OK,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                self.faces.metrics(),
            ),
            "/metrics" => problem(StatusCode::UNAUTHORIZED, "token missing or wrong"),
            _ => problem(StatusCode::NOT_FOUND, "nothing here"),
        }
    }

    /// Compares digests, so that the time it takes tells nothing of the token.
    fn allowed(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return true };
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        given.is_some_and(|given| digest(given.trim()) == *token)
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

fn answer(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn problem(status: StatusCode, title: &str) -> Response<Body> {
    let body = format!(r#"{{"type":"about:blank","title":"{title}","status":{}}}"#, status.as_u16());
    answer(status, "application/problem+json", body)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stub(bool);

    impl Faces for Stub {
        fn readiness(&self) -> Readiness {
            Readiness { ready: self.0, reasons: vec!["the journal can't commit".into()], ..Readiness::default() }
        }

        fn metrics(&self) -> String {
            "# EOF\n".into()
        }
    }

    fn status(token: Option<&str>, ready: bool, path: &str, given: Option<&str>) -> u16 {
        let options = Options { listen: ([127, 0, 0, 1], 0).into(), token: token.map(Secret::new) };
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse().unwrap();
        if let Some(given) = given {
            request.headers_mut().insert(AUTHORIZATION, format!("Bearer {given}").parse().unwrap());
        }
        Api::new(&options, Arc::new(Stub(ready))).handle(&request).status().as_u16()
    }

    #[test]
    fn probes_are_open_and_metrics_want_the_token() {
        assert_eq!(status(Some("t"), true, "/livez", None), 200);
        assert_eq!(status(Some("t"), true, "/readyz", None), 200);
        assert_eq!(status(Some("t"), false, "/readyz", None), 503);
        assert_eq!(status(Some("t"), true, "/metrics", None), 401);
        assert_eq!(status(Some("t"), true, "/metrics", Some("x")), 401);
        assert_eq!(status(Some("t"), true, "/metrics", Some("t")), 200);
        assert_eq!(status(None, true, "/metrics", None), 200);
        assert_eq!(status(None, true, "/elsewhere", None), 404);
    }
}
