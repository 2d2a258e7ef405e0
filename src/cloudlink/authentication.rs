//! The Authentication API beyond signing in (wire reference, 5.2).

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::client::{Api, CORRELATION, Call, CloudLink};
use super::error::Error;
use super::path;

/// Who the token speaks for. Tokens are never decoded (Mitel threatens suspension \[C, G\]); this route says it.
#[derive(Clone, Debug, PartialEq)]
pub struct WhoAmI {
    /// Our own principal, by which a bot knows its own messages.
    pub principal_id: Option<String>,
    /// The account.
    pub account_id: Option<String>,
    /// `ACCOUNT_ADMIN`, `USER`, ….
    pub role: Option<String>,
    /// All claims: samples show many more \[P, SD\].
    pub claims: Value,
    /// The `x-mitel-correlation-id` that CloudLink answered with \[C, U\].
    pub correlation: Option<String>,
}

impl CloudLink {
    /// `GET /token`: who are we?
    pub async fn who_am_i(&self, timeout: Duration) -> Result<WhoAmI, Error> {
        let api = Api::Authentication;
        let url = path::below(self.base(api), "token").map_err(|why| Error::Address { what: "the token", why })?;
        let call = Call { api, method: Method::GET, url, body: None, timeout, what: "who am I" };
        let answer = self.call_api(call).await?;
        let correlation = answer.headers.get(&CORRELATION).and_then(|id| id.to_str().ok()).map(str::to_owned);
        let body = answer.body.map_err(|error| Error::body(api, error))?;
        let claims: Value = serde_json::from_slice(&body).map_err(|error| Error::unreadable(api, error))?;
        let text = |name: &str| claims[name].as_str().map(str::to_owned);
        let principal_id = text("principalId").or_else(|| text("userId"));
        Ok(WhoAmI { principal_id, account_id: text("accountId"), role: text("role"), claims, correlation })
    }
}
