//! The simulator's one reading of the wall clock, and how times are written on the wire.

use chrono::{DateTime, SecondsFormat, Utc};

/// The time now.
#[expect(clippy::disallowed_methods, reason = "this is the simulator's door to the wall clock; it shares none with us")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// The time now in milliseconds since 1970.
pub(crate) fn epoch_ms() -> i64 {
    now().timestamp_millis()
}

/// A time as CloudLink writes it: ISO 8601, UTC, milliseconds.
pub(crate) fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
