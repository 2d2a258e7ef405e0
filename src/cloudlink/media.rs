//! The Media API: calls (wire reference, 6).

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;

use super::client::{self, Api, CloudLink};
use super::error::Error;
use super::path;

/// A call as `GET /endpoints/{endpoint}/calls/{call}` shows it \[C, SW\].
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `ringing`, `connected`, `held`, `completed`, …; an open set, empty when missing.
    pub state: String,
    /// `inbound` or `outbound`, seen from the endpoint.
    pub direction: Option<String>,
    /// All that was answered.
    pub raw: Value,
}

impl Call {
    /// Whether it still rings, so that it can be redirected.
    pub fn rings(&self) -> bool {
        self.state.eq_ignore_ascii_case("ringing")
    }
}

/// In this order and no more: unknown fields are refused in many bodies \[C\], and the specification's `args` is left out.
#[derive(Serialize)]
struct Redirect<'a> {
    action: &'static str,
    destination: &'a str,
}

impl CloudLink {
    /// Redirects a ringing call. `call` is its own path as CloudLink sent it, with or without the version. The action is
    /// in the guide and the tutorial, not in the specification \[C, G, T\]. Success (200, or 202: accepted) is only proven
    /// by the notification that follows.
    pub async fn redirect(&self, call: &str, to: &str, timeout: Duration) -> Result<StatusCode, Error> {
        let url = self.call_url(call)?;
        let body = serde_json::to_vec(&Redirect { action: "redirect", destination: to })
            .map_err(|error| Error::unreadable(Api::Media, error))?;
        let (method, body) = (Method::PUT, Some(Bytes::from(body)));
        let call = client::Call { api: Api::Media, method, url, body, timeout, what: "redirect" };
        Ok(self.call_api(call).await?.status)
    }

    /// Reads a call.
    pub async fn call(&self, call: &str, timeout: Duration) -> Result<Call, Error> {
        let url = self.call_url(call)?;
        let call = client::Call { api: Api::Media, method: Method::GET, url, body: None, timeout, what: "read a call" };
        let body = self.call_api(call).await?.body.map_err(|error| Error::body(Api::Media, error))?;
        let raw: Value = serde_json::from_slice(&body).map_err(|error| Error::unreadable(Api::Media, error))?;
        let text = |name: &str| raw[name].as_str().map(str::to_owned);
        Ok(Call { state: text("state").unwrap_or_default(), direction: text("direction"), raw })
    }

    fn call_url(&self, call: &str) -> Result<url::Url, Error> {
        path::call(self.base(Api::Media), call).map_err(|why| Error::Address { what: "the call", why })
    }
}
