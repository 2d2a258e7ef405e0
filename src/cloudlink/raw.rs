//! Any request as a person at a desk makes it: the answer as it came, with its headers.
//!
//! Nothing is taken out of the answer of a success: it may hold secrets, and whoever shows it says so. A refusal is scrubbed like
//! every other.

use std::fmt::{self, Write as _};
use std::time::Duration;

use bytes::Bytes;
use percent_encoding::AsciiSet;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use super::client::{Api, Call, CloudLink};
use super::error::Error;
use super::scrub::without_secrets;
use super::transport::Answer;

/// A request. Its body may hold secrets and is no part of its `Debug`.
#[derive(Clone)]
pub struct Raw<'a> {
    /// The method.
    pub method: Method,
    /// The API.
    pub api: Api,
    /// Below the API's version, or a link that CloudLink gave; may have a query.
    pub path: &'a str,
    /// A body.
    pub body: Option<Bytes>,
    /// Its media type, if it is no JSON. Such a body is sent once: a token that is refused (401) is not renewed.
    pub kind: Option<HeaderValue>,
    /// How long the whole may take.
    pub timeout: Duration,
    /// The most that the answer may have, in bytes.
    pub limit: usize,
}

/// An answer of success. Neither its headers nor its body are part of its `Debug`.
#[derive(Clone)]
pub struct Exchange {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as it came.
    pub body: Bytes,
    /// The correlation id that was sent.
    pub sent_correlation: String,
}

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} {}, {:?} bytes)", self.method, self.api, self.body.as_ref().map(Bytes::len))
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exchange({}, {} bytes)", self.status, self.body.len())
    }
}

impl CloudLink {
    /// Makes a request and hands the answer on as it came.
    pub async fn raw(&self, raw: Raw<'_>) -> Result<Exchange, Error> {
        let api = raw.api;
        let url = self.any_url(api, raw.path)?;
        let call =
            Call { api, method: raw.method, url, body: raw.body, timeout: raw.timeout, what: "a request by hand" };
        let (answer, sent_correlation) = match raw.kind {
            None => self.call_with_id(call, raw.limit).await?,
            Some(kind) => self.send_as(call, kind, raw.limit).await?,
        };
        let body = answer.body.map_err(|error| Error::body(api, error))?;
        Ok(Exchange { status: answer.status, headers: answer.headers, body, sent_correlation })
    }

    async fn send_as(&self, call: Call<'_>, kind: HeaderValue, limit: usize) -> Result<(Answer, String), Error> {
        let deadline = Instant::now() + call.timeout;
        let token = self.token(deadline).await?;
        let (mut request, correlation) = self.request(&call, &token);
        request.headers_mut().insert(CONTENT_TYPE, kind);
        let answer = self.line(call.api).send_for(request, deadline, limit).await;
        let answer = answer.map_err(|lost| self.lost(&call, &correlation, lost))?;
        if self.says_yes(&call, answer.status, &answer.headers, &correlation) {
            return Ok((answer, correlation));
        }
        Err(self.refusal(&call, &answer, &token, correlation))
    }
}

impl Exchange {
    /// The first value of a header, if it is text.
    pub fn header(&self, name: &'static str) -> Option<&str> {
        self.headers.get(HeaderName::from_static(name))?.to_str().ok()
    }

    /// The body as JSON, secrets and all.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A path with more parts in its query. `$`, quotes and brackets, which OData lives on, stay as they are.
pub fn with_query(path: &str, pairs: &[(String, String)]) -> String {
    let encode = |text| percent_encoding::utf8_percent_encode(text, PLAIN);
    let mut path = path.to_owned();
    for (key, value) in pairs {
        let between = if path.contains('?') { '&' } else { '?' };
        let _ = write!(path, "{between}{}={}", encode(key), encode(value));
    }
    path
}

/// What stands in a query as it is, besides letters and digits.
const PLAIN: &AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'$')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b',')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// Takes out of a value what is never shown: tokens, passwords, secrets of clients. Whether there was any.
pub fn hide_secrets(value: &mut Value) -> bool {
    let before = value.clone();
    without_secrets(value);
    *value != before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_keeps_what_odata_needs() {
        let pairs = [("$filter", "contains(name,'Ada & Co') eq true"), ("a[]", "ü#")];
        let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let path = with_query("/users?x=1", &pairs);
        assert_eq!(path, "/users?x=1&$filter=contains(name,'Ada%20%26%20Co')%20eq%20true&a%5B%5D=%C3%BC%23");
        assert_eq!(with_query("/users", &pairs[..0]), "/users");
        assert!(with_query("/users", &pairs).starts_with("/users?$filter="));
    }

    #[test]
    fn secrets_are_noticed() {
        let mut value = serde_json::json!({ "items": [{ "name": "Ada", "sipPassword": "x" }] });
        assert!(hide_secrets(&mut value) && !hide_secrets(&mut value));
        assert_eq!(value, serde_json::json!({ "items": [{ "name": "Ada" }] }));
    }
}
