//! Asking for a token (wire reference, 5.1): one request, its answer, and what a refusal says without the secrets that
//! were sent. Which request an account needs is `signer`'s matter.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Request};
use serde_json::{Map, Value};
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::Serializer;

use super::client::{CORRELATION, LONGEST_ID};
use super::line::Line;
use super::scrub::{scrub, spellings};
use super::token::{Fresh, SignInError, UNSAID_LIFE};
use super::transport::{Answer, Lost};
use crate::kit::secret::Secret;

/// How long a token request may take. It is not one of the calls that wait for it: those have time-outs of their own.
pub const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);

/// What to do about a refusal, by status and `name`.
pub type Advice = Arc<dyn Fn(u16, &str) -> Option<Cow<'static, str>> + Send + Sync>;

/// A request for a token, ready to be sent: RFC 6749 as CloudLink and most others take it.
pub struct Grant {
    /// Who hands out the token, for messages.
    pub service: Arc<str>,
    /// Where it is asked for.
    pub url: Url,
    /// How the fields are written.
    pub form: Form,
    /// The fields that may be seen, `grant_type` among them.
    pub fields: Vec<(&'static str, String)>,
    /// The fields that may not.
    pub secrets: Vec<(&'static str, Secret)>,
    /// Headers to add. What is sensitive among them must not come back either.
    pub headers: HeaderMap,
    /// What to do about a refusal.
    pub advice: Advice,
}

/// How the fields of a request are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `application/x-www-form-urlencoded`, as OAuth wants it.
    Encoded,
    /// One JSON object.
    Json,
}

/// What was granted.
pub struct Granted {
    /// The access token.
    pub fresh: Fresh,
    /// The refresh token, if there is one.
    pub refresh_token: Option<Secret>,
}

impl Grant {
    /// Asks once. CloudLink answers 201, others 200 \[C, AS\].
    pub async fn fetch(&self, line: &Line) -> Result<Granted, SignInError> {
        let answer = self.ask(line).await?;
        let Some(text) = text(&answer, "access_token") else {
            return Err(self.unavailable("the answer holds no access_token".to_owned(), None));
        };
        Ok(Granted { fresh: Fresh { text, life: life(&answer) }, refresh_token: self::text(&answer, "refresh_token") })
    }

    /// Asks once for a code: CloudLink's `POST /authorize` \[C, AS\].
    pub async fn fetch_code(&self, line: &Line) -> Result<Secret, SignInError> {
        let answer = self.ask(line).await?;
        text(&answer, "code").ok_or_else(|| self.unavailable("the answer holds no code".to_owned(), None))
    }

    async fn ask(&self, line: &Line) -> Result<Value, SignInError> {
        let answer = line.send(self.request(), Instant::now() + TOKEN_TIMEOUT).await.map_err(|lost| match lost {
            Lost::Setup(why) => self.refused(why, "then start again".into()),
            Lost::Forbidden(why) => self.refused(why, "check the address".into()),
            lost => self.unavailable(format!("could not {lost}"), lost.held_for()),
        })?;
        if !answer.status.is_success() {
            return Err(self.why_not(&answer, line));
        }
        let body = answer.body.map_err(|error| self.unavailable(format!("could not {error}"), None))?;
        serde_json::from_slice(&body).map_err(|_| self.unavailable("the answer is not JSON".to_owned(), None))
    }

    fn request(&self) -> Request {
        let open = self.fields.iter().map(|(name, value)| (*name, value.as_str()));
        let all = open.chain(self.secrets.iter().map(|(name, value)| (*name, value.expose())));
        let (kind, body) = match self.form {
            Form::Encoded => {
                ("application/x-www-form-urlencoded", Serializer::new(String::new()).extend_pairs(all).finish())
            }
            Form::Json => {
                let object: Map<String, Value> = all.map(|(name, value)| (name.to_owned(), value.into())).collect();
                ("application/json", Value::from(object).to_string())
            }
        };
        let mut request = Request::new(Method::POST, self.url.clone());
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        *request.body_mut() = Some(body.into());
        request
    }

    fn why_not(&self, answer: &Answer, line: &Line) -> SignInError {
        let status = answer.status.as_u16();
        let body = self.without_secrets(answer.body.as_deref().unwrap_or_default());
        let name = error_name(&body).unwrap_or_default();
        let mut why =
            if body.is_empty() { format!("it answered {status}") } else { format!("it answered {status}: {body}") };
        if let Some(id) = answer.headers.get(&CORRELATION).and_then(|id| id.to_str().ok()) {
            let id = self.without_secrets(id.as_bytes());
            why = format!("{why} (correlation id {})", id.chars().take(LONGEST_ID).collect::<String>());
        }
        match status {
            // A conditional check that failed is a race inside CloudLink, not a setting.
            409 if name == "ConditionalCheckFailedException" => self.unavailable(why, None),
            400 | 401 | 403 | 404 | 409 | 422 => {
                let advice = (self.advice)(status, &name);
                self.refused(why, advice.unwrap_or("check the token request's settings".into()))
            }
            _ => self.unavailable(why, line.retry_after(&self.url, answer)),
        }
    }

    /// A body that may repeat the request, without what was secret in that.
    fn without_secrets(&self, body: &[u8]) -> String {
        let sensitive = self.headers.values().filter(|value| value.is_sensitive());
        let sensitive = sensitive.filter_map(|value| value.to_str().ok()?.split(' ').next_back());
        let sent = self.secrets.iter().map(|(_, secret)| secret.expose()).chain(sensitive);
        let mut spelt: Vec<String> = sent.flat_map(spellings).collect();
        spelt.sort_unstable_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        scrub(body, &spelt.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn refused(&self, why: String, advice: Cow<'static, str>) -> SignInError {
        SignInError::Refused { service: self.service.clone(), why, advice }
    }

    fn unavailable(&self, why: String, after: Option<Duration>) -> SignInError {
        SignInError::Unavailable { service: self.service.clone(), why, after }
    }
}

/// Names of fields and the address; never what is secret.
impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = |name: &(&'static str, Secret)| name.0;
        let secrets: Vec<_> = self.secrets.iter().map(names).collect();
        f.debug_struct("Grant").field("url", &self.url.as_str()).field("secrets", &secrets).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Granted(…, for {} s)", self.fresh.life.as_secs())
    }
}

fn text(answer: &Value, name: &str) -> Option<Secret> {
    answer[name].as_str().filter(|text| !text.is_empty()).map(Secret::new)
}

/// `expires_in`, as a number or a text.
fn life(answer: &Value) -> Duration {
    let life = match &answer["expires_in"] {
        Value::Number(seconds) => seconds.as_f64(),
        Value::String(seconds) => seconds.trim().parse().ok(),
        _ => None,
    };
    let life = life.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).filter(|life| !life.is_zero());
    // A year at most: what is added to a point in time must not overflow it.
    life.unwrap_or(UNSAID_LIFE).min(Duration::from_hours(365 * 24))
}

/// The error's `name`, else its `error` (wire reference, 11.2).
pub(super) fn error_name(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    body["name"].as_str().or_else(|| body["error"].as_str()).map(str::to_owned)
}
