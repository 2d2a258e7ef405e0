//! Wall-clock time, handed to whoever needs it.
//!
//! Deadlines on the running process use `tokio::time`, which a test can pause; this clock answers only "what time is
//! it for people and for CloudLink".

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};

/// A source of wall-clock time: the system's, or one that a test sets.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Shifted(i64),
    Manual(Arc<AtomicI64>),
    Tokio { origin: tokio::time::Instant, start: i64 },
}

impl Clock {
    /// The machine's own clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// The machine's own clock, so many milliseconds ahead: for demonstrations.
    pub fn shifted(by: i64) -> Self {
        Self(Source::Shifted(by))
    }

    /// A clock that stands still until [`Clock::set`] moves it.
    pub fn manual(at: DateTime<Utc>) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(at.timestamp_millis()))))
    }

    /// A clock that starts at `at` and runs with tokio's time, which a test or a simulation may pause and advance.
    pub fn tokio(at: DateTime<Utc>) -> Self {
        Self(Source::Tokio { origin: tokio::time::Instant::now(), start: at.timestamp_millis() })
    }

    /// Moves a manual clock; others go their own way.
    pub fn set(&self, at: DateTime<Utc>) {
        if let Source::Manual(now) = &self.0 {
            now.store(at.timestamp_millis(), Ordering::SeqCst);
        }
    }

    /// Milliseconds since 1970-01-01T00:00Z.
    pub fn millis(&self) -> i64 {
        match &self.0 {
            Source::System => system_millis(),
            Source::Shifted(by) => system_millis() + by,
            Source::Manual(now) => now.load(Ordering::SeqCst),
            Source::Tokio { origin, start } => start + origin.elapsed().as_millis() as i64,
        }
    }

    /// The same as a date and time.
    pub fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.millis()).unwrap_or_default()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
fn system_millis() -> i64 {
    Utc::now().timestamp_millis()
}
