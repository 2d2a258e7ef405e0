//! Lines in the daemon's own log.

use serde_json::json;

use super::outcome::Outcome;
use super::perform::Attempt;
use crate::rules::request::LogLevel;

/// Writes a rule's line, under the target `switchhook::rule`.
pub(super) fn write(level: LogLevel, message: &str, attempt: &Attempt<'_>) -> Outcome {
    let (account, step) = (attempt.account, attempt.tag);
    match level {
        LogLevel::Error => tracing::error!(target: "switchhook::rule", account, step, "{message}"),
        LogLevel::Warn => tracing::warn!(target: "switchhook::rule", account, step, "{message}"),
        LogLevel::Info => tracing::info!(target: "switchhook::rule", account, step, "{message}"),
        LogLevel::Debug => tracing::debug!(target: "switchhook::rule", account, step, "{message}"),
    }
    Outcome::Done { result: json!({ "ok": true }) }
}
