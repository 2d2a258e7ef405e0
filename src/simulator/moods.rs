//! Moods: what the service does wrong on purpose, and to which requests. The gate asks; only the control API sets.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Moods that may be set at a time.
const MOST: usize = 1000;

/// How requests whose path contains a text are treated.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mood {
    /// Part of the path; an empty text fits every request.
    pub(crate) path_contains: String,
    /// Only this method.
    #[serde(default)]
    pub(crate) method: Option<String>,
    /// Answered with this status.
    #[serde(default)]
    pub(crate) status: Option<u16>,
    /// Held back for so long.
    #[serde(default)]
    pub(crate) delay_ms: u64,
    /// The connection is closed without an answer.
    #[serde(default)]
    pub(crate) drop: bool,
    /// Sent as `retry-after`, together with `status`.
    #[serde(default)]
    pub(crate) retry_after: Option<String>,
    /// The request is carried out first; delay, status or drop come after. Otherwise it is not carried out at all.
    #[serde(default)]
    pub(crate) after: bool,
    /// For so many requests; for ever if absent.
    #[serde(default)]
    pub(crate) times: Option<u32>,
}

/// Marks an answer that must not be sent: the server closes the connection instead.
#[derive(Clone)]
pub(crate) struct Dropped;

impl Mood {
    fn fits(&self, method: &str, path: &str) -> bool {
        path.contains(&self.path_contains) && self.method.as_ref().is_none_or(|m| m.eq_ignore_ascii_case(method))
    }

    /// Why this mood makes no sense, if so.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        if self.status.is_some_and(|status| !(200..=599).contains(&status)) {
            return Some("status should be 200 to 599");
        }
        if self.retry_after.as_ref().is_some_and(|text| HeaderValue::from_str(text).is_err()) {
            return Some("retry_after should be a header value");
        }
        (self.times == Some(0)).then_some("times should be at least 1")
    }

    /// `work` under this mood.
    pub(crate) async fn over(self, work: impl Future<Output = Response>) -> Response {
        let pause = Duration::from_millis(self.delay_ms);
        let mut worked = None;
        if self.after {
            worked = Some(work.await);
            tokio::time::sleep(pause).await;
        } else {
            tokio::time::sleep(pause).await;
            if self.planted().is_none() {
                worked = Some(work.await);
            }
        }
        self.planted().or(worked).unwrap_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
    }

    fn planted(&self) -> Option<Response> {
        if self.drop {
            let mut response = StatusCode::BAD_GATEWAY.into_response();
            response.extensions_mut().insert(Dropped);
            return Some(response);
        }
        let status = StatusCode::from_u16(self.status?).ok()?;
        let body = axum::Json(json!({ "name": "Planted", "message": "the simulator is in a mood" }));
        let mut response = (status, body).into_response();
        if let Some(value) = self.retry_after.as_ref().and_then(|text| HeaderValue::from_str(text).ok()) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        Some(response)
    }
}

/// All moods that are set, oldest first; the first that fits a request rules it.
#[derive(Default)]
pub(crate) struct Moods {
    set: Mutex<Vec<Mood>>,
}

impl Moods {
    fn set(&self) -> MutexGuard<'_, Vec<Mood>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a mood; false if there are too many.
    pub(crate) fn add(&self, mood: Mood) -> bool {
        let mut set = self.set();
        let room = set.len() < MOST;
        if room {
            set.push(mood);
        }
        room
    }

    /// All moods with the times that they have left.
    pub(crate) fn all(&self) -> Vec<Mood> {
        self.set().clone()
    }

    /// Back to normal.
    pub(crate) fn clear(&self) {
        self.set().clear();
    }

    /// The mood for this request, used up once.
    pub(crate) fn take(&self, method: &str, path: &str) -> Option<Mood> {
        let mut set = self.set();
        let at = set.iter().position(|mood| mood.fits(method, path))?;
        let mood = set[at].clone();
        match set[at].times {
            Some(1) => drop(set.remove(at)),
            Some(left) => set[at].times = Some(left - 1),
            None => {}
        }
        Some(mood)
    }
}
