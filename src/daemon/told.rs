//! A dead letter as JSON, the same for the admin listener and for the command line.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use super::desk::own::Own;
use crate::journal::{Claim, Letter};
use crate::record::{self, Attempted};

/// A letter with what its publication tells of it.
pub(crate) fn letter(letter: &Letter, claim: Option<&Claim>) -> Value {
    let history = claim.map_or(&[][..], |claim| &claim.history);
    let (decision, _) = record::past(history);
    let ended = history.iter().rfind(|line| line.run == letter.run && line.fate == letter.fate);
    let record: Attempted = ended.map(|line| record::read(&line.bytes)).unwrap_or_default();
    let publication = claim.map(publication).unwrap_or_default();
    json!({
        "id": letter.id, "rule": &*letter.run, "fate": &*letter.fate, "why": record.why, "action": record.action,
        "at": rfc3339(letter.at), "until": rfc3339(letter.until), "seq": letter.seq,
        "kind": decision.map(|decision| decision.kind), "subject": publication.get("subject"),
        "from": publication["content"].get("from"), "to": publication["content"].get("to"),
        "request": record.request,
    })
}

/// The publication that a claim is about: what it carries, if it is one of our own.
pub(crate) fn publication(claim: &Claim) -> Value {
    let own = Own::of(claim);
    serde_json::from_str(own.as_ref().map_or(&claim.entry.body, Own::publication)).unwrap_or_default()
}

/// Milliseconds since 1970 as a time in UTC.
pub(crate) fn rfc3339(at: i64) -> String {
    DateTime::from_timestamp_millis(at).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}
