//! The simulator's one reading of the wall clock, and how times are written on the wire.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// What time it is in one simulated world: the machine's time, moved by a fixed offset.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    offset: TimeDelta,
}

impl Clock {
    /// The machine's clock, put forward by so many seconds (back, if negative). What no calendar holds is no offset.
    pub(crate) fn ahead_by(seconds: i64) -> Self {
        Self { offset: TimeDelta::try_seconds(seconds).unwrap_or_default() }
    }

    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "the simulator's door to the wall clock; it shares none with us")]
    pub(crate) fn now(self) -> DateTime<Utc> {
        let here = Utc::now();
        here.checked_add_signed(self.offset).unwrap_or(here)
    }

    /// The time now in milliseconds since 1970.
    pub(crate) fn epoch_ms(self) -> i64 {
        self.now().timestamp_millis()
    }
}

/// A time as CloudLink writes it: ISO 8601, UTC, milliseconds.
pub(crate) fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
