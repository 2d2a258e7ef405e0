//! Chat messages.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::outcome::Outcome;
use super::perform::Attempt;
use crate::cloudlink::{CloudLink, Error};

/// Posts a text, labelled with the attempt's tag. After an attempt that may have taken effect the conversation's
/// messages are searched for that tag first; without a look nothing is sent.
pub(super) async fn reply(cloudlink: &CloudLink, conversation: &str, text: &str, attempt: &Attempt<'_>) -> Outcome {
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
    match cloudlink.send_message(conversation, text, attempt.tag, left).await {
        Ok(message) => done(message),
        Err(error) => Outcome::of_a_change(&error),
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
