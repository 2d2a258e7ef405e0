//! Chat messages.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::outcome::Outcome;
use super::perform::Attempt;
use crate::cloudlink::{CloudLink, Content, Error};
use crate::rules::request::Format;

/// Posts a text, labelled with the attempt's tag. After an attempt that may have taken effect the conversation's
/// messages are searched for that tag first; without a look nothing is sent.
pub(super) async fn reply(
    cloudlink: &CloudLink,
    conversation: &str,
    text: &str,
    format: Format,
    attempt: &Attempt<'_>,
) -> Outcome {
    let deadline = Instant::now() + attempt.timeout;
    if attempt.look_first {
        match cloudlink.recent_messages(conversation, attempt.timeout / 2).await {
            Ok(recent) => {
                let complete = recent.complete;
                if let Some(message) = recent.messages.into_iter().rfind(|message| message.is_tagged(attempt.tag)) {
                    return done(message.raw);
                }
                if !complete {
                    tracing::warn!(
                        account = attempt.account,
                        conversation,
                        "the message is repeated without a look at all of the conversation"
                    );
                }
            }
            Err(error) => return no_look(&error),
        }
    }
    let left = deadline.saturating_duration_since(Instant::now());
    let fallback = fallback(text, format);
    let content = match format {
        Format::Text => Content::Text,
        Format::Html => Content::Html(&fallback),
        Format::Card => Content::Card(&fallback),
    };
    match cloudlink.send_message(conversation, text, content, attempt.tag, left).await {
        Ok(message) => done(message),
        Err(error) => Outcome::of_a_change(&error),
    }
}

/// What a client shows that can't show the message itself: of HTML its text, of a card its body or title.
fn fallback(text: &str, format: Format) -> String {
    match format {
        Format::Text => String::new(),
        Format::Html => {
            let mut inside = false;
            let shown = text.chars().filter(|c| {
                let tag = inside || *c == '<';
                inside = tag && *c != '>';
                !tag
            });
            let shown: String = shown.collect();
            ["&lt;<", "&gt;>", "&quot;\"", "&#x27;'", "&#x2f;/", "&amp;&"].iter().fold(shown, |shown, pair| {
                let (entity, plain) = pair.split_at(pair.len() - 1);
                shown.replace(entity, plain)
            })
        }
        Format::Card => {
            let card: Value = serde_json::from_str(text).unwrap_or_default();
            let part = |name: &str| card[name].as_str().map(str::to_owned);
            part("body").or_else(|| part("title")).unwrap_or_default()
        }
    }
}

fn done(message: Value) -> Outcome {
    Outcome::Done { result: json!({ "ok": true, "body": message }) }
}

/// A message is not sent a second time unseen: another look later, or a human if there will never be one.
fn no_look(error: &Error) -> Outcome {
    match Outcome::from_cloudlink(error) {
        Outcome::Retry { after, error, why, result, .. } => Outcome::Retry { after, error, why, unknown: true, result },
        _ => Outcome::unknown(format!("find out whether the message was sent: could not {error}")),
    }
}
