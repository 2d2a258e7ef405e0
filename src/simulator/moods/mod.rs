//! Moods: what the service does wrong on purpose, to which requests, how often and for how long. The gate asks; only the
//! control API sets. What a spoilt answer looks like is in `spoil`; what happens to deliveries is not decided here.

mod spoil;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(crate) use spoil::{Broken, Spoil};

/// Moods that may be set at a time.
const MOST: usize = 1000;

/// How requests whose path contains a text are treated.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mood {
    /// Part of the path; an empty text fits every request.
    pub(crate) path_contains: String,
    /// Only this method.
    pub(crate) method: Option<String>,
    /// Answered with this status.
    pub(crate) status: Option<u16>,
    /// Held back for so long.
    pub(crate) delay_ms: u64,
    /// The connection is closed without an answer.
    pub(crate) drop: bool,
    /// The connection is reset (RST) without an answer.
    pub(crate) reset: bool,
    /// The answer is not what it says it is.
    pub(crate) spoil: Option<Spoil>,
    /// Sent as `retry-after`, together with `status`.
    pub(crate) retry_after: Option<String>,
    /// The request is carried out first; everything else comes after. Otherwise what is not only delayed is not carried
    /// out at all.
    pub(crate) after: bool,
    /// Only this share of the requests that fit, 0 to 1, drawn by `seed`; all if absent.
    pub(crate) share: Option<f64>,
    /// With the same seed the same of the requests that fit are hit: the third, the eleventh, …
    pub(crate) seed: u64,
    /// For so many requests; for ever if absent.
    pub(crate) times: Option<u32>,
    /// For so long on the simulator's clock; for ever if absent.
    pub(crate) for_ms: Option<u32>,
}

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
        if [self.drop, self.reset, self.status.is_some() || self.spoil.is_some()].iter().filter(|on| **on).count() > 1 {
            return Some("drop, reset and an answer (status, spoil) exclude each other");
        }
        if self.share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Some("share should be 0 to 1");
        }
        (self.times == Some(0)).then_some("times should be at least 1")
    }

    /// What it does, as the books write it: `after 500`, `reset`, `delay 200 ms`.
    pub(crate) fn title(&self) -> String {
        let mut words = vec![];
        words.extend(self.after.then(|| "after".to_owned()));
        words.extend((self.delay_ms > 0).then(|| format!("delay {} ms", self.delay_ms)));
        words.extend(self.drop.then(|| "drop".to_owned()));
        words.extend(self.reset.then(|| "reset".to_owned()));
        words.extend(self.status.map(|status| status.to_string()));
        words.extend(self.spoil.map(|spoil| spoil.word().to_owned()));
        words.join(" ")
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
            if !self.replaces() {
                worked = Some(work.await);
            }
        }
        self.answer(worked).await
    }

    /// Whether it has something to say in the place of the answer.
    fn replaces(&self) -> bool {
        self.drop || self.reset || self.status.is_some() || self.spoil.is_some()
    }

    async fn answer(&self, worked: Option<Response>) -> Response {
        if self.drop || self.reset {
            let mut response = StatusCode::BAD_GATEWAY.into_response();
            response.extensions_mut().insert(if self.reset { Broken::Reset } else { Broken::Closed });
            return response;
        }
        let response = match (self.status, worked) {
            (None, Some(worked)) => worked,
            (status, _) => self.planted(status.unwrap_or(200)),
        };
        match self.spoil {
            Some(spoil) => spoil.over(response).await,
            None => response,
        }
    }

    fn planted(&self, status: u16) -> Response {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::Json(json!({ "name": "Planted", "message": "the simulator is in a mood" }));
        let mut response = (status, body).into_response();
        if let Some(value) = self.retry_after.as_ref().and_then(|text| HeaderValue::from_str(text).ok()) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }
}

/// A mood that is set: what it has left, and its dice.
struct Held {
    mood: Mood,
    /// In milliseconds since 1970.
    until: Option<i64>,
    dice: fastrand::Rng,
}

/// All moods that are set; the first that fits a request, and whose dice hit it, rules it.
#[derive(Default)]
pub(crate) struct Moods {
    set: Mutex<Vec<Held>>,
}

impl Moods {
    /// Those that are not over, whatever has become of a holder of the lock.
    fn set(&self, now: i64) -> MutexGuard<'_, Vec<Held>> {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        set.retain(|held| held.until.is_none_or(|until| now < until));
        set
    }

    /// Adds a mood behind the others, or before them; false if there are too many. `now` in milliseconds since 1970.
    pub(crate) fn add(&self, mood: Mood, first: bool, now: i64) -> bool {
        let mut set = self.set(now);
        let room = set.len() < MOST;
        if room {
            let at = if first { 0 } else { set.len() };
            let until = mood.for_ms.map(|ms| now.saturating_add(i64::from(ms)));
            set.insert(at, Held { until, dice: fastrand::Rng::with_seed(mood.seed), mood });
        }
        room
    }

    /// All moods with the times and the milliseconds that they have left.
    pub(crate) fn all(&self, now: i64) -> Vec<Mood> {
        let left = |held: &Held| held.until.map(|until| u32::try_from(until - now).unwrap_or(u32::MAX));
        self.set(now).iter().map(|held| Mood { for_ms: left(held), ..held.mood.clone() }).collect()
    }

    /// Back to normal.
    pub(crate) fn clear(&self) {
        self.set.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The mood for this request, used up once. Each mood that fits draws, until one hits.
    pub(crate) fn take(&self, method: &str, path: &str, now: i64) -> Option<Mood> {
        let mut set = self.set(now);
        let hits = |held: &mut Held| {
            held.mood.fits(method, path) && held.mood.share.is_none_or(|share| held.dice.f64() < share)
        };
        let at = set.iter_mut().position(hits)?;
        let mood = set[at].mood.clone();
        match set[at].mood.times {
            Some(1) => drop(set.remove(at)),
            Some(left) => set[at].mood.times = Some(left - 1),
            None => {}
        }
        Some(mood)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(seed: u64) -> Vec<usize> {
        let moods = Moods::default();
        moods.add(Mood { share: Some(0.05), drop: true, seed, ..Mood::default() }, false, 0);
        (0..2000).filter(|_| moods.take("GET", "/x", 0).is_some()).collect()
    }

    #[test]
    fn a_share_hits_about_so_many_and_the_same_ones_again() {
        let first = hits(7);
        assert!((60..=140).contains(&first.len()), "{}", first.len());
        assert_eq!(first, hits(7));
        assert_ne!(first, hits(8));
    }

    #[test]
    fn what_one_share_misses_the_next_mood_may_take() {
        let moods = Moods::default();
        moods.add(Mood { share: Some(0.0), drop: true, ..Mood::default() }, false, 0);
        moods.add(Mood { status: Some(500), ..Mood::default() }, false, 0);
        assert_eq!(moods.take("GET", "/x", 0).unwrap().title(), "500");
    }

    #[test]
    fn a_mood_ends_by_itself_and_an_outage_goes_first() {
        let moods = Moods::default();
        moods.add(Mood { status: Some(500), ..Mood::default() }, false, 1000);
        moods.add(Mood { reset: true, for_ms: Some(500), ..Mood::default() }, true, 1000);
        assert_eq!(moods.take("GET", "/x", 1499).unwrap().title(), "reset");
        assert_eq!(moods.all(1400)[0].for_ms, Some(100));
        assert_eq!(moods.take("GET", "/x", 1500).unwrap().title(), "500");
    }

    #[test]
    fn what_excludes_each_other_is_refused() {
        for mood in [
            Mood { drop: true, reset: true, ..Mood::default() },
            Mood { drop: true, status: Some(500), ..Mood::default() },
            Mood { share: Some(1.5), ..Mood::default() },
            Mood { share: Some(f64::NAN), ..Mood::default() },
            Mood { times: Some(0), ..Mood::default() },
        ] {
            assert!(mood.fault().is_some(), "{mood:?}");
        }
        assert_eq!(Mood { status: Some(200), spoil: Some(Spoil::NotJson), ..Mood::default() }.fault(), None);
    }
}
