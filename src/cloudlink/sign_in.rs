//! Asking CloudLink for a token (wire reference, 5.1).

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Request};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::Serializer;

use super::line::Line;
use super::scrub::scrub;
use super::token::{Fresh, SignInError, UNSAID_LIFE};
use super::transport::{Answer, Lost};
use crate::kit::secret::Secret;

/// How long a token request may take. It is not one of the calls that wait for it: those have time-outs of their own.
pub const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);

/// A client credentials grant, ready to be sent: RFC 6749, 4.4, as CloudLink and most others take it.
pub struct Grant {
    /// Who hands out the token, for messages.
    pub service: Arc<str>,
    /// Where it is asked for.
    pub url: Url,
    /// The form's fields besides `grant_type`; `client_secret` among them.
    pub fields: Vec<(&'static str, Secret)>,
    /// Headers to add.
    pub headers: HeaderMap,
    /// What to do about a refusal, by status and `name`.
    pub advice: fn(u16, &str) -> Option<&'static str>,
}

impl Grant {
    /// Asks once. CloudLink answers 201, others 200 \[C, AS\].
    pub async fn fetch(&self, line: &Line) -> Result<Fresh, SignInError> {
        let answer = line.send(self.request(), Instant::now() + TOKEN_TIMEOUT).await.map_err(|lost| match lost {
            Lost::Setup(why) => self.refused(why, "then start again"),
            Lost::Forbidden(why) => self.refused(why, "check the address"),
            lost => self.unavailable(format!("could not {lost}"), lost.held_for()),
        })?;
        if answer.status.is_success() { self.read(answer) } else { Err(self.why_not(&answer, line)) }
    }

    fn request(&self) -> Request {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        for (name, value) in &self.fields {
            form.append_pair(name, value.expose());
        }
        let mut request = Request::new(Method::POST, self.url.clone());
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        *request.body_mut() = Some(form.finish().into());
        request
    }

    fn read(&self, answer: Answer) -> Result<Fresh, SignInError> {
        let body = answer.body.map_err(|error| self.unavailable(format!("could not {error}"), None))?;
        let answer: Value =
            serde_json::from_slice(&body).map_err(|_| self.unavailable("the answer is not JSON".to_owned(), None))?;
        let Some(text) = answer["access_token"].as_str().filter(|text| !text.is_empty()) else {
            return Err(self.unavailable("the answer holds no access_token".to_owned(), None));
        };
        let life = match &answer["expires_in"] {
            Value::Number(seconds) => seconds.as_f64(),
            Value::String(seconds) => seconds.trim().parse().ok(),
            _ => None,
        };
        let life = life.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).filter(|life| !life.is_zero());
        // A year at most: what is added to a point in time must not overflow it.
        let life = life.unwrap_or(UNSAID_LIFE).min(Duration::from_hours(365 * 24));
        Ok(Fresh { text: Secret::new(text), life })
    }

    fn why_not(&self, answer: &Answer, line: &Line) -> SignInError {
        let status = answer.status.as_u16();
        // An echo of the form has the secret in its encoding.
        let encoded: String = url::form_urlencoded::byte_serialize(self.secret().as_bytes()).collect();
        let body = scrub(answer.body.as_deref().unwrap_or_default(), &[self.secret(), &encoded]);
        let name = error_name(&body).unwrap_or_default();
        let why =
            if body.is_empty() { format!("it answered {status}") } else { format!("it answered {status}: {body}") };
        match status {
            // A conditional check that failed is a race inside CloudLink, not a setting.
            409 if name == "ConditionalCheckFailedException" => self.unavailable(why, None),
            400 | 401 | 403 | 404 | 409 | 422 => {
                let advice = (self.advice)(status, &name);
                self.refused(why, advice.unwrap_or("check the token request's settings"))
            }
            _ => self.unavailable(why, line.retry_after(&self.url, answer)),
        }
    }

    fn secret(&self) -> &str {
        self.fields.iter().find(|field| field.0 == "client_secret").map_or("", |field| field.1.expose())
    }

    fn refused(&self, why: String, advice: &'static str) -> SignInError {
        SignInError::Refused { service: self.service.clone(), why, advice }
    }

    fn unavailable(&self, why: String, after: Option<Duration>) -> SignInError {
        SignInError::Unavailable { service: self.service.clone(), why, after }
    }
}

/// The error's `name`, else its `error` (wire reference, 11.2).
pub(super) fn error_name(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    body["name"].as_str().or_else(|| body["error"].as_str()).map(str::to_owned)
}

/// What to do about the refusals of CloudLink's `POST /token` \[C, AS\].
pub(super) fn advice(status: u16, name: &str) -> Option<&'static str> {
    Some(match (status, name) {
        (_, "ClientSecretMismatch") => "check auth.client_secret in [cloudlink]",
        (_, "InvalidClient" | "ClientNotFound") => "check auth.client_id in [cloudlink]",
        (_, "ClientNotActive") => "activate the client in CloudLink's account console",
        (_, "AccountNotFound") => "check account_id in [cloudlink]",
        (_, "MultipleMatching") => "say which account is meant: set account_id in [cloudlink]",
        (_, "InactiveAccount" | "UserNotActive") => "the account or user is not active: ask its administrator",
        (_, "InvalidLoginCredentials") => "check auth.client_id and auth.client_secret in [cloudlink]",
        (_, "UnregisteredRoute") | (404, _) => {
            "check the base URL of the authentication API: cloud and urls in [cloudlink]"
        }
        // These come without a name; `error` says which.
        (422, "401") => "the account is locked: ask its administrator",
        (422, "451" | "452") => "the password must be changed in CloudLink first",
        (400, _) => "check account_id and auth in [cloudlink]",
        (401 | 403, _) => "check auth in [cloudlink] and that the client may sign in to this account",
        _ => return None,
    })
}
