//! `[notify]`: how notifications come.

use super::section::Section;

/// The settled `[notify]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// How notifications come.
    pub transport: Transport,
}

/// How notifications come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// CloudLink posts them to the public listener. Without `server.public_url`, subscriptions are made elsewhere.
    Webhook,
    /// Subscriptions are made elsewhere.
    None,
}

pub(super) fn settle(root: &mut Section<'_>) -> Notify {
    root.table_or_empty("notify", |notify| {
        let transport = notify.word("transport", &["webhook", "websocket", "none"], |word| match word {
            "webhook" => Some(Ok(Transport::Webhook)),
            "none" => Some(Ok(Transport::None)),
            "websocket" => Some(Err(())),
            _ => None,
        });
        if transport == Some(Err(())) {
            notify.problem("transport", "`websocket` is not supported by this version yet", "use webhook");
        }
        if notify.any_text("canary").is_some_and(|canary| canary != "off") {
            notify.problem("canary", "a canary is not supported by this version yet", "write \"off\", or leave it out");
        }
        Notify { transport: transport.and_then(Result::ok).unwrap_or(Transport::Webhook) }
    })
}
