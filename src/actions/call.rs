//! Call control.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::outcome::Outcome;
use super::perform::Attempt;
use crate::cloudlink::{Class, CloudLink};

/// How long a look at a call may take: it must not eat up the time in which the call can still be redirected.
const LOOK: Duration = Duration::from_secs(1);

/// Redirects a ringing call. After an attempt that may have taken effect the call is read first; it is redirected again
/// while it still rings, or when the look itself fails.
pub(super) async fn redirect(cloudlink: &CloudLink, call: &str, to: &str, attempt: &Attempt<'_>) -> Outcome {
    let deadline = Instant::now() + attempt.timeout;
    if attempt.look_first {
        match cloudlink.call(call, LOOK.min(attempt.timeout / 2)).await {
            Ok(seen) if seen.rings() => {}
            Ok(seen) => {
                let why = format!(
                    "redirect the call once more: it no longer rings there, it is {:?}",
                    seen.state.unwrap_or_default()
                );
                return Outcome::moved(why, None);
            }
            Err(error) if error.class() == Class::Moved => return Outcome::from_cloudlink(&error),
            Err(error) => tracing::debug!(account = attempt.account, %error, "no look at the call before the repeat"),
        }
    }
    let left = deadline.saturating_duration_since(Instant::now());
    match cloudlink.redirect(call, to, left).await {
        Ok(status) => Outcome::Done { result: json!({ "ok": true, "status": status.as_u16() }) },
        Err(error) => Outcome::of_a_change(&error),
    }
}
