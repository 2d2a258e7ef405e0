//! The Authentication API beyond signing in (wire reference, 5.2 and 5.4).

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::client::{CORRELATION, CloudLink};
use super::error::Error;
use super::object::object;
use super::paging::{Items, Paging};
use super::places::Place;
use super::query::Query;
use super::verbs::{NOTHING, read};

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

object! {
    /// An application that is registered with CloudLink \[C, AS, PM\]; also what of it is to be made or changed.
    Application {
        application_id: String = "applicationId",
        account_id: String = "accountId",
        partner_id: String = "partnerId",
        name: String = "name",
        description: String = "description",
        active: bool = "active",
        redirect_uris: Vec<String> = "redirectUris",
    }
}

impl CloudLink {
    /// `GET /token`: who are we?
    pub async fn who_am_i(&self, timeout: Duration) -> Result<WhoAmI, Error> {
        let place = Place::Token;
        let answer = self.exchange(Method::GET, place, &[], &Query::ALL, &NOTHING, timeout).await?;
        let correlation = answer.headers.get(&CORRELATION).and_then(|id| id.to_str().ok()).map(str::to_owned);
        let claims: Value = read(place.api(), answer, false)?;
        let text = |name: &str| match &claims[name] {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let principal_id = text("principalId").or_else(|| text("userId"));
        Ok(WhoAmI { principal_id, account_id: text("accountId"), role: text("role"), claims, correlation })
    }

    /// The applications that we may see \[C, AS\].
    pub fn applications(&self, query: &Query<'_>, paging: Paging) -> Items<Application> {
        self.list(Place::Applications, &[], query, paging)
    }

    /// One application \[C, AS\].
    pub async fn application(&self, application: &str, timeout: Duration) -> Result<Application, Error> {
        self.get(Place::Application, &[application], &Query::ALL, timeout).await
    }

    /// Registers an application; needs the role `PARTNER_ADMIN` \[C, G\].
    pub async fn create_application(&self, new: &Application, timeout: Duration) -> Result<Application, Error> {
        self.send(Method::POST, Place::Applications, &[], new, timeout).await
    }

    /// Changes an application, or enables it on a customer's account: then with account, name, description, redirect
    /// URIs and `active` \[C, PM\].
    pub async fn change_application(
        &self,
        application: &str,
        change: &Application,
        timeout: Duration,
    ) -> Result<Application, Error> {
        self.send(Method::PUT, Place::Application, &[application], change, timeout).await
    }
}
