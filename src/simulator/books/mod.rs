//! The books: every API request that came, what was done for it, and every delivery that was tried, for whoever drives
//! the simulator. Bounded; secrets of token requests are struck out. Nothing reads the books to decide anything.

mod effects;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;

pub(crate) use effects::Effect;
use effects::Effects;

/// Entries each book keeps; older ones fall out.
const KEPT: usize = 20_000;
/// Bytes of a body that an entry keeps.
const BODY_KEPT: usize = 16 * 1024;
/// Properties whose values are struck out.
const SECRETS: [&str; 11] = [
    "client_secret",
    "clientSecret",
    "refresh_token",
    "access_token",
    "token",
    "password",
    "code",
    "code_verifier",
    "subject_token",
    "id_token_hint",
    "sipPassword",
];

/// An API request as it came.
#[derive(Clone, Serialize)]
pub(crate) struct Request {
    /// Counts up from 1; never reused.
    pub(crate) n: u64,
    /// When it came, in milliseconds since 1970.
    pub(crate) time: i64,
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    /// JSON where it was JSON or a form, else text; null if empty; of a large one the beginning, as text.
    pub(crate) body: Value,
    /// What it was answered with; null while unanswered or if the connection was dropped.
    pub(crate) status: Option<u16>,
    /// The mood under which it came, if any.
    pub(crate) mood: Option<String>,
    /// Whether what it asked for was done, whatever became of the answer.
    pub(crate) carried_out: bool,
    /// `x-mitel-correlation-id` of the answer.
    pub(crate) correlation_id: String,
    /// The one that the caller sent.
    pub(crate) sent_correlation_id: Option<String>,
    pub(crate) x_mitel_app: Option<String>,
}

/// One attempt to deliver a publication.
#[derive(Clone, Serialize)]
pub(crate) struct Delivery {
    /// Counts up from 1; never reused.
    pub(crate) n: u64,
    /// When the attempt began, in milliseconds since 1970.
    pub(crate) time: i64,
    pub(crate) took_ms: u64,
    pub(crate) publication_id: String,
    pub(crate) subscription_id: String,
    pub(crate) subject: String,
    pub(crate) url: String,
    /// Counts from 1; 0 if it was dropped before any attempt.
    pub(crate) attempt: u32,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<String>,
    /// `duplicate` or `held back` if that was done to it on purpose.
    pub(crate) mood: Option<&'static str>,
}

/// All books.
#[derive(Default)]
pub(crate) struct Books {
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    last: u64,
    requests: VecDeque<Request>,
    deliveries: VecDeque<Delivery>,
    effects: Effects,
}

impl Books {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down a request that came; answers its number.
    pub(crate) fn came(&self, mut request: Request) -> u64 {
        let mut pages = self.pages();
        pages.last += 1;
        request.n = pages.last;
        keep(&mut pages.requests, request);
        pages.last
    }

    /// Writes down how the request with this number was answered.
    pub(crate) fn answered(&self, n: u64, status: u16) {
        if let Some(request) = self.pages().requests.iter_mut().rev().find(|request| request.n == n) {
            request.status = Some(status);
        }
    }

    /// Writes down that what the request with this number asked for was done.
    pub(crate) fn carried_out(&self, n: u64, time: i64) {
        let mut pages = self.pages();
        let Pages { requests, effects, .. } = &mut *pages;
        if let Some(request) = requests.iter_mut().rev().find(|request| request.n == n) {
            request.carried_out = true;
            if let Some(key) = effects::key(&request.method, &request.path, &request.body) {
                effects.done(key, time);
            }
        }
    }

    /// The effects whose key contains `part`, and how many did not fit.
    pub(crate) fn effects(&self, part: &str) -> (Vec<Effect>, u64) {
        let pages = self.pages();
        (pages.effects.containing(part), pages.effects.forgotten)
    }

    /// Writes down a delivery attempt.
    pub(crate) fn tried(&self, mut delivery: Delivery) {
        let mut pages = self.pages();
        pages.last += 1;
        delivery.n = pages.last;
        keep(&mut pages.deliveries, delivery);
    }

    /// The requests that `wanted` likes, oldest first.
    pub(crate) fn requests(&self, wanted: impl Fn(&Request) -> bool) -> Vec<Request> {
        self.pages().requests.iter().filter(|request| wanted(request)).cloned().collect()
    }

    /// The deliveries that `wanted` likes, oldest first.
    pub(crate) fn deliveries(&self, wanted: impl Fn(&Delivery) -> bool) -> Vec<Delivery> {
        self.pages().deliveries.iter().filter(|delivery| wanted(delivery)).cloned().collect()
    }

    /// Empties all books; numbers go on.
    pub(crate) fn clear(&self) {
        let mut pages = self.pages();
        pages.requests.clear();
        pages.deliveries.clear();
        pages.effects = Effects::default();
    }
}

fn keep<T>(book: &mut VecDeque<T>, entry: T) {
    if book.len() >= KEPT {
        book.pop_front();
    }
    book.push_back(entry);
}

/// A body as the books keep it.
pub(crate) fn written(content_type: &str, body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    if content_type.starts_with("application/x-www-form-urlencoded") {
        let pairs = url::form_urlencoded::parse(body);
        return struck(pairs.map(|(key, value)| (key.into_owned(), Value::from(value.into_owned()))).collect());
    }
    let value = match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => struck(map),
        Ok(value) => value,
        Err(_) => String::from_utf8_lossy(body).into(),
    };
    if body.len() > BODY_KEPT { shortened(&value) } else { value }
}

/// The beginning of a large body, as text.
fn shortened(value: &Value) -> Value {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text[..text.floor_char_boundary(BODY_KEPT)].into()
}

fn struck(mut map: serde_json::Map<String, Value>) -> Value {
    for secret in SECRETS {
        if let Some(value) = map.get_mut(secret) {
            *value = "***".into();
        }
    }
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_struck_out_of_forms_and_json() {
        let form = written("application/x-www-form-urlencoded", b"client_id=me&client_secret=hush");
        assert_eq!(form, serde_json::json!({ "client_id": "me", "client_secret": "***" }));
        let object = written("application/json", br#"{"refresh_token":"hush"}"#);
        assert_eq!(object, serde_json::json!({ "refresh_token": "***" }));
    }
}
