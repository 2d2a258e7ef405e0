//! What the gateway assumes of CloudLink: a list with ids. `docs/assumptions.md` says what is assumed and what is tolerated; a
//! test keeps the two equal.

/// One thing that is stated nowhere in public, and that the gateway builds on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// Its name, the same in the document.
    pub id: &'static str,
    /// The setting that overrides it, if there is one.
    pub setting: Option<&'static str>,
    /// How one learns whether it holds.
    pub by: By,
    /// The variants of the simulator in which it is otherwise.
    pub variants: &'static [&'static str],
}

/// How one learns whether an assumption holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// `switchhook doctor --live` asks.
    Doctor,
    /// It asks if `--connections` is given.
    Connections,
    /// It asks if `--subscriptions` is given.
    Subscriptions,
    /// `switchhook verify` on a captured request.
    Verify,
    /// Only real events and actions show it.
    Life,
}

impl By {
    /// As the document says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Doctor => "doctor",
            Self::Connections => "doctor --connections",
            Self::Subscriptions => "doctor --subscriptions",
            Self::Verify => "verify",
            Self::Life => "events",
        }
    }
}

const fn of(id: &'static str, setting: Option<&'static str>, by: By, variants: &'static [&'static str]) -> Assumption {
    Assumption { id, setting, by, variants }
}

/// All of them, by the sections of what is known about the wire.
pub const ALL: &[Assumption] = &[
    of("hosts", Some("cloudlink.urls"), By::Doctor, &[]),
    of("region", Some("cloudlink.cloud"), By::Doctor, &[]),
    of("routes", Some("cloudlink.paths"), By::Doctor, &["attachments-2017"]),
    of("webhook-body", None, By::Life, &["envelope", "envelope-array", "envelope-one", "no-publication-id"]),
    of("pbx-data", None, By::Life, &["pbx-data-text"]),
    of(
        "subjects",
        None,
        By::Life,
        &["media-bare", "chat-versioned", "admin-versioned", "presence-versioned", "subject-api"],
    ),
    of("chat-subjects", None, By::Life, &[]),
    of("signature-construction", None, By::Verify, &[]),
    of(
        "signature-encoding",
        None,
        By::Verify,
        &["signature-HEX", "signature-prefixed", "signature-base64", "signature-base64url"],
    ),
    of("delivery", None, By::Life, &["delivery-once", "delivery-probe"]),
    of(
        "subscription-list",
        None,
        By::Doctor,
        &[
            "subscriptions-array",
            "subscriptions-items",
            "subscriptions-refused",
            "subscriptions-missing",
            "subscription-secret",
        ],
    ),
    of(
        "subscription-answer",
        None,
        By::Subscriptions,
        &["subscription-id", "subscription-bare", "subscription-unique"],
    ),
    of("subscription-routes", Some("cloudlink.paths"), By::Subscriptions, &["subscription-no-put"]),
    of("subscription-filters", None, By::Life, &["subject-filter-start", "method-filter-pattern"]),
    of("subscription-expiry", None, By::Subscriptions, &["subscriptions-die"]),
    of("publications", Some("cloudlink.paths"), By::Life, &["publication-accepted"]),
    of("connection-answer", None, By::Connections, &["connection-nested", "connection-list", "connection-text"]),
    of("connection-host", None, By::Connections, &[]),
    of("mqtt-topic", None, By::Life, &[]),
    of("token-answer", None, By::Doctor, &["ok-200", "expires-in-text", "no-refresh-token"]),
    of("claims", None, By::Doctor, &["claims-typed"]),
    of("refresh-token", None, By::Life, &["refresh-reusable", "refresh-kept"]),
    of("portal", Some("cloudlink.urls"), By::Life, &[]),
    of("redirect-uri", Some("cloudlink.auth"), By::Life, &[]),
    of("bearer", None, By::Doctor, &[]),
    of("app-header", Some("cloudlink.app"), By::Life, &[]),
    of("correlation", None, By::Doctor, &["correlation-adopted"]),
    of("call-control", None, By::Life, &["control-done"]),
    of("hold-toggle", None, By::Life, &["hold-sets"]),
    of("dnd-toggle", None, By::Life, &["dnd-sets", "endpoint-strict", "endpoint-accepted"]),
    of("endpoint-fields", None, By::Doctor, &[]),
    of("call-end", None, By::Life, &["state-ended", "state-idle"]),
    of("call-legs", None, By::Life, &[]),
    of("call-handed-on", None, By::Life, &[]),
    of("call-silent", None, By::Life, &[]),
    of("call-user", None, By::Life, &[]),
    of("call-direction", None, By::Life, &[]),
    of("conference-tags", None, By::Life, &["conference-tags"]),
    of("message-list", None, By::Life, &["oldest-first", "tag-filter"]),
    of("message-tag", None, By::Life, &[]),
    of("message-content", None, By::Life, &["message-nested"]),
    of("message-sender", None, By::Life, &["sender-user-id", "sender-publisher", "no-own-messages"]),
    of("participant-ids", None, By::Life, &["user-id-only", "participant-ids"]),
    of("direct-conversation", None, By::Life, &["direct-reused"]),
    of("button-press", None, By::Life, &["button-title"]),
    of("presence-shape", None, By::Doctor, &["presence-flat", "presence-short", "presence-array", "presence-upper"]),
    of("presence-events", None, By::Life, &["presence-single", "presence-bare"]),
    of("admin-events", None, By::Life, &["admin-number", "admin-short", "admin-id-only"]),
    of("site-fields", Some("locale"), By::Doctor, &[]),
    of("directory-routes", Some("cloudlink.paths"), By::Life, &[]),
    of("conversation-fields", Some("cloudlink.paths"), By::Life, &[]),
    of("sender-principal", None, By::Life, &[]),
    of("availability", None, By::Life, &[]),
    of("service-delivery", Some("cloudlink.urls"), By::Life, &["delivery-guide"]),
    of(
        "pages",
        None,
        By::Doctor,
        &["count-total", "small-pages", "empty-bare", "empty-listed", "next-absolute", "next-escaped"],
    ),
    of("errors", None, By::Life, &["message-only", "error-words", "error-empty"]),
    of("rate-limits", None, By::Doctor, &[]),
];

/// The one of an id.
pub fn named(id: &str) -> Option<&'static Assumption> {
    ALL.iter().find(|assumption| assumption.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    /// The rows of the document by id: setting, how it is learnt, variants.
    fn document() -> BTreeMap<String, [String; 3]> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/assumptions.md");
        let text = std::fs::read_to_string(path).unwrap();
        let mut rows = BTreeMap::new();
        for line in text.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [id, _, _, setting, by, variants, _] = cells[..] else { panic!("seven cells are wanted: {line}") };
            let row = [setting, by, variants].map(|cell| cell.replace('`', ""));
            assert!(rows.insert(id.trim_matches('`').to_owned(), row).is_none(), "{id} is there twice");
        }
        rows
    }

    #[test]
    fn the_document_lists_the_same() {
        let mut rows = document();
        for assumption in ALL {
            let row = rows.remove(assumption.id).unwrap_or_else(|| panic!("{} is not in the document", assumption.id));
            let [setting, by, variants] = row;
            assert_eq!(setting, assumption.setting.unwrap_or("-"), "{}: the setting", assumption.id);
            assert_eq!(by, assumption.by.words(), "{}: how it is learnt", assumption.id);
            let wanted = if assumption.variants.is_empty() { "-".to_owned() } else { assumption.variants.join(", ") };
            assert_eq!(variants, wanted, "{}: the variants", assumption.id);
        }
        assert!(rows.is_empty(), "the document lists what the code does not: {:?}", rows.keys());
    }

    #[test]
    fn ids_are_plain_and_unique() {
        for (at, assumption) in ALL.iter().enumerate() {
            assert!(assumption.id.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", assumption.id);
            assert!(ALL[..at].iter().all(|other| other.id != assumption.id), "{}", assumption.id);
        }
        assert_eq!(named("bearer").map(|found| found.by), Some(By::Doctor));
    }
}
