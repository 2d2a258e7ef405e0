//! HTTP requests to the integrator's own systems.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method as HttpMethod, Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded::Serializer;

use super::address;
use super::credential::{Auth, Credentials, Ready, basic};
use super::outcome::{ErrorWord, Outcome, lost_word, not_ok};
use super::perform::{Attempt, Class};
use crate::cloudlink::Line;
use crate::cloudlink::scrub::{replaced, spellings};
use crate::cloudlink::token::{SignInError, Token};
use crate::cloudlink::transport::{Answer, BodyError, Lost, Wire};
use crate::kit::secret::Secret;
use crate::rules::request::{Body, HttpRequest, Method};

/// Headers that belong to the connection, not to a rule.
const NOT_A_RULES: [&str; 7] = ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "expect"];

/// What `http` steps are carried out with.
pub(super) struct Http {
    pub wire: Wire,
    /// For requests without a credential.
    pub other: Line,
    pub credentials: Credentials,
}

/// A request that can be sent, as often as it takes.
struct Prepared<'a> {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Bytes>,
    credential: Option<&'a Ready>,
    /// For messages: method, credential's name or host, and path.
    what: String,
}

impl Http {
    /// Sends a request once; once more with a new token if an OAuth 2 token was refused, for a 401 had no effect.
    pub(super) async fn perform(&self, request: &HttpRequest, class: Class, attempt: &Attempt<'_>) -> Outcome {
        let prepared = match self.prepare(request) {
            Ok(prepared) => prepared,
            Err(why) => return Outcome::failed(ErrorWord::Refused, why),
        };
        if class == Class::Never && attempt.look_first {
            return Outcome::unknown(format!("{} a second time: the first may have taken effect", prepared.what));
        }
        let deadline = Instant::now() + attempt.timeout;
        match self.send(&prepared, deadline).await {
            Ok((answer, token)) => self.answered(&prepared, class, &answer, token.as_deref()),
            Err(NoAnswer::SignIn(error)) => no_token(&prepared.what, &error),
            Err(NoAnswer::Lost(lost)) => no_answer(&prepared, class, &lost),
        }
    }

    fn prepare(&self, request: &HttpRequest) -> Result<Prepared<'_>, String> {
        let (credential, mut url, what) = self.target(request)?;
        let mut headers = headers(request).map_err(|why| format!("{what}: {why}"))?;
        take_user(&mut url, &mut headers);
        if let Some(Ready { auth: Auth::Header(name, value), .. }) = credential {
            headers.insert(name, value.clone());
        }
        let body = body(request, &mut headers).map_err(|error| format!("{what}: {error}"))?;
        Ok(Prepared { method: request.method, url, headers, body, credential, what })
    }

    /// Whose credential, which URL, and what to call it in messages.
    fn target(&self, request: &HttpRequest) -> Result<(Option<&Ready>, Url, String), String> {
        let verb = verb(request.method);
        let Some(name) = &request.credential else {
            let url = address::absolute(&request.url).map_err(|why| format!("{verb} the URL: {why}"))?;
            let what = format!("{verb} {}{}", url.host_str().unwrap_or_default(), url.path());
            return Ok((None, url, what));
        };
        let ready = self.credentials.get(name);
        let ready = ready.ok_or_else(|| format!("{verb} {name}: there is no such [[credential]] in the settings"))?;
        let url = address::below(&ready.base, &request.url).map_err(|why| format!("{verb} {name}: {why}"))?;
        // The base may be a secret: only what the rule added to it is told.
        let path = url.path().strip_prefix(ready.base.path().trim_end_matches('/')).unwrap_or_default();
        let what = format!("{verb} {name} {path}").trim_end().to_owned();
        Ok((Some(ready), url, what))
    }

    async fn send(&self, prepared: &Prepared<'_>, deadline: Instant) -> Result<(Answer, Option<Arc<Token>>), NoAnswer> {
        let line = self.line(prepared);
        let Some(Ready { auth: Auth::OAuth2(tokens), .. }) = prepared.credential else {
            return Ok((line.send(prepared.request(None), deadline).await?, None));
        };
        let token = tokens.get(deadline).await?;
        let answer = line.send(prepared.request(Some(&token)), deadline).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            tokens.worked();
            return Ok((answer, Some(token)));
        }
        match tokens.replace(&token, deadline).await {
            Ok(token) => {
                let token = token?;
                Ok((line.send(prepared.request(Some(&token)), deadline).await?, Some(token)))
            }
            Err(_) => Ok((answer, Some(token))),
        }
    }

    fn line<'a>(&'a self, prepared: &Prepared<'a>) -> &'a Line {
        prepared.credential.map_or(&self.other, |credential| &credential.line)
    }

    fn answered(&self, prepared: &Prepared<'_>, class: Class, answer: &Answer, token: Option<&Token>) -> Outcome {
        let status = answer.status;
        let secrets = prepared.credential.map_or(&[][..], |credential| &credential.secrets);
        let body = answer.body.as_ref().map(|body| read(body, &answer.headers, secrets, token));
        if status.is_success() {
            return match body {
                Ok(body) => Outcome::Done { result: json!({ "ok": true, "status": status.as_u16(), "body": body }) },
                Err(error) => half_answered(prepared, status, *error),
            };
        }
        // No body: what a failed step would have returned is missing, so that `contact.body.name or call.from` never
        // takes a name out of an error page.
        let result = not_ok(ErrorWord::Status, Some(status.as_u16()));
        let mut why = format!("{}: it answered {}", prepared.what, status.as_u16());
        if status.is_redirection() {
            why.push_str(", and redirects are not followed");
        }
        let error = ErrorWord::Status;
        let retried = match class {
            // Two clear refusals: the request was not looked at.
            Class::Never => matches!(status.as_u16(), 429 | 503),
            Class::Repeat | Class::Check => matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504),
        };
        // These say nothing about what was done before it went wrong; a GET does nothing.
        let unknown = prepared.method != Method::Get && matches!(status.as_u16(), 500 | 502 | 504);
        if retried {
            let after = self.line(prepared).retry_after(&prepared.url, answer);
            Outcome::Retry { after, error, why, unknown, result }
        } else if unknown {
            Outcome::OutcomeUnknown { why, result }
        } else {
            Outcome::Failed { error, why, result }
        }
    }
}

/// Why there is no answer to speak of.
enum NoAnswer {
    SignIn(SignInError),
    Lost(Lost),
}

impl From<SignInError> for NoAnswer {
    fn from(error: SignInError) -> Self {
        Self::SignIn(error)
    }
}

impl From<Lost> for NoAnswer {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

impl Prepared<'_> {
    fn request(&self, token: Option<&Token>) -> Request {
        let mut request = Request::new(method(self.method), self.url.clone());
        *request.headers_mut() = self.headers.clone();
        if let Some(token) = token {
            request.headers_mut().insert(AUTHORIZATION, token.header.clone());
        }
        *request.body_mut() = self.body.clone().map(Into::into);
        request
    }
}

fn no_token(what: &str, error: &SignInError) -> Outcome {
    let (why, result) = (format!("{what}: could not {error}"), not_ok(ErrorWord::SignIn, None));
    match error {
        SignInError::Refused { .. } => Outcome::Failed { error: ErrorWord::SignIn, why, result },
        SignInError::Unavailable { after, .. } => {
            Outcome::Retry { after: *after, error: ErrorWord::SignIn, why, unknown: false, result }
        }
    }
}

fn no_answer(prepared: &Prepared<'_>, class: Class, lost: &Lost) -> Outcome {
    let (error, why) = (lost_word(lost), format!("{}: could not {lost}", prepared.what));
    let unknown = prepared.method != Method::Get && lost.may_be_done();
    let result = not_ok(error, None);
    match lost {
        Lost::Forbidden(_) | Lost::Setup(_) => Outcome::Failed { error, why, result },
        _ if unknown && class == Class::Never => Outcome::OutcomeUnknown { why, result },
        _ => Outcome::Retry { after: lost.held_for(), error, why, unknown, result },
    }
}

/// The far side said yes, but the rest of its answer did not come. What a GET was for is missing then; anything else is
/// done.
fn half_answered(prepared: &Prepared<'_>, status: StatusCode, lacks: BodyError) -> Outcome {
    if prepared.method != Method::Get {
        return Outcome::Done { result: json!({ "ok": true, "status": status.as_u16(), "body": null }) };
    }
    let why = format!("{}: could not {lacks}", prepared.what);
    let error = match lacks {
        BodyError::TooLarge { .. } => ErrorWord::Answer,
        BodyError::TimedOut => ErrorWord::Timeout,
        BodyError::Broken => ErrorWord::Connection,
    };
    let result = not_ok(error, Some(status.as_u16()));
    match lacks {
        BodyError::TooLarge { .. } => Outcome::Failed { error, why, result },
        BodyError::TimedOut | BodyError::Broken => Outcome::Retry { after: None, error, why, unknown: false, result },
    }
}

/// JSON if it is declared or looks like an object or a list, else text: a bare `0049…` is a number only to JSON's eyes.
fn read(body: &[u8], headers: &HeaderMap, secrets: &[Secret], token: Option<&Token>) -> Value {
    let spelt = token.map(|token| spellings(token.text.expose())).unwrap_or_default();
    let secrets: Vec<&str> = secrets.iter().map(Secret::expose).chain(spelt.iter().map(String::as_str)).collect();
    let text = replaced(String::from_utf8_lossy(body).into_owned(), &secrets);
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_json = kind.to_ascii_lowercase().contains("json") || text.trim_start().starts_with(['{', '[']);
    match serde_json::from_str(&text) {
        Ok(value) if is_json => value,
        _ if text.trim().is_empty() => Value::Null,
        _ => Value::String(text),
    }
}

fn headers(request: &HttpRequest) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::with_capacity(request.headers.len() + 2);
    for (name, value) in &request.headers {
        let header = HeaderName::try_from(name).map_err(|_| format!("{name:?} is no header name"))?;
        if NOT_A_RULES.contains(&header.as_str()) || header.as_str().starts_with("proxy-") {
            return Err(format!("the header {header} is not a rule's to set"));
        }
        let value =
            HeaderValue::from_str(value).map_err(|_| format!("the value of the header {header} is not valid"))?;
        headers.append(header, value);
    }
    Ok(headers)
}

fn body(request: &HttpRequest, headers: &mut HeaderMap) -> Result<Option<Bytes>, serde_json::Error> {
    let (kind, bytes) = match &request.body {
        None => return Ok(None),
        Some(Body::Json(value)) => ("application/json", serde_json::to_vec(value)?),
        Some(Body::Form(fields)) => {
            let form = Serializer::new(String::new()).extend_pairs(fields).finish();
            ("application/x-www-form-urlencoded", form.into_bytes())
        }
        Some(Body::Text(text)) => ("text/plain; charset=utf-8", text.clone().into_bytes()),
    };
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
    Ok(Some(bytes.into()))
}

/// User and password in a URL go into a header; a header that the rule wrote wins.
fn take_user(url: &mut Url, headers: &mut HeaderMap) {
    if url.username().is_empty() && url.password().is_none() {
        return;
    }
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let value = format!("Basic {}", basic(&decode(url.username()), &decode(url.password().unwrap_or_default())));
    if let Ok(mut value) = HeaderValue::try_from(value) {
        value.set_sensitive(true);
        headers.entry(AUTHORIZATION).or_insert(value);
    }
    // Neither can fail: the URL has a host.
    let _ = (url.set_username(""), url.set_password(None));
}

pub(super) fn method(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::GET,
        Method::Post => HttpMethod::POST,
        Method::Put => HttpMethod::PUT,
        Method::Patch => HttpMethod::PATCH,
        Method::Delete => HttpMethod::DELETE,
    }
}

fn verb(method: Method) -> &'static str {
    match method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Put => "put",
        Method::Patch => "patch",
        Method::Delete => "delete",
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http")
    }
}
