//! The Conversations API: one conversation from its beginning to its end.

use serde_json::json;
use switchhook::cloudlink::chat::{ConversationChange, MessageChange, NewConversation, Participant, Typing};
use switchhook::cloudlink::{Content, Query, Upload};

use super::stage::{EACH, SOON, Stage};
use super::{all, have};

const ALL: &Query<'static> = &Query::ALL;
const CARD: &str = r#"{"title":"Welcome","body":"Sales or service?","buttons":[{"title":"Sales","action":"post-message","payload":"sales"}]}"#;

/// The conversation that all of this is about: the only one.
async fn ours(stage: &Stage) -> String {
    let all = all(stage.own.conversations(&Query::filter("stream eq true"), EACH)).await;
    assert_eq!(all.len(), 1);
    have(all[0].conversation_id.as_deref()).to_owned()
}

/// A stream is opened and renamed; somebody comes, reads and goes.
pub(super) async fn conversations(stage: &Stage) {
    let (c, user) = (&stage.own, stage.user.as_str());
    let new = NewConversation {
        stream: Some(true),
        name: Some("Front desk".into()),
        language_code: Some("en-US".into()),
        visibility: Some("PRIVATE".into()),
        hidden: Some(false),
        ..NewConversation::with([user])
    };
    let made = c.create_conversation(&new, SOON).await.unwrap();
    let id = have(made.conversation_id.as_deref());
    assert_eq!(ours(stage).await, id);
    let renamed = ConversationChange { name: Some("Reception".into()), ..ConversationChange::default() };
    c.change_conversation(id, &renamed, SOON).await.unwrap();
    assert_eq!(c.conversation(id, SOON).await.unwrap().name.as_deref(), Some("Reception"));
    let guest = Participant {
        participant_id: Some("guest-1".into()),
        participant_type: Some("USER".into()),
        ..Participant::default()
    };
    assert_eq!(c.add_participant(id, &guest, SOON).await.unwrap().id(), Some("guest-1"));
    let has_read =
        Participant { last_read_message_date: Some("2026-02-03T08:15:31Z".parse().unwrap()), ..Participant::default() };
    c.change_participant(id, user, &has_read, SOON).await.unwrap();
    assert_eq!(c.participant(id, user, SOON).await.unwrap().last_read_message_date, has_read.last_read_message_date);
    assert_eq!(all(c.participants(id, ALL, EACH)).await.len(), 3);
    c.typing(id, "me", Typing::Start, SOON).await.unwrap();
    c.typing(id, "me", Typing::Stop, SOON).await.unwrap();
    c.remove_participant(id, "guest-1", SOON).await.unwrap();
    assert_eq!(all(c.conversations_of_user("me", ALL, EACH)).await.len(), 1);
    assert_eq!(all(c.commands(ALL, EACH)).await.len(), 4);
}

/// Something is said, shown, corrected, liked and taken back.
pub(super) async fn messages(stage: &Stage) {
    let (c, id) = (&stage.own, ours(stage).await);
    let id = id.as_str();
    let said = c.send_message(id, "We open at nine.", Content::Text, "01J9", SOON).await.unwrap();
    c.send_message(id, CARD, Content::Card("Sales or service?"), "01JA", SOON).await.unwrap();
    c.send_message(id, "<b>We open at nine.</b>", Content::Html("We open at nine."), "01JB", SOON).await.unwrap();
    let message = said["messageId"].as_str().unwrap();
    let later = MessageChange { body: Some("We open at ten.".into()), ..MessageChange::default() };
    c.change_message(id, message, &later, SOON).await.unwrap();
    let read = c.message(id, message, SOON).await.unwrap();
    assert!(read.is_tagged("01J9") && read.raw["body"] == "We open at ten.");
    assert_eq!(all(c.messages(id, &Query { top: Some(2), ..Query::ALL }, EACH)).await.len(), 3);
    let recent = c.recent_messages(id, SOON).await.unwrap();
    assert!(recent.complete && recent.messages.len() == 3);

    let liked = c.react(id, message, "👍", SOON).await.unwrap();
    let reaction = have(liked.reaction_id.as_deref());
    assert_eq!(c.reaction(id, message, reaction, SOON).await.unwrap(), liked);
    assert_eq!(all(c.reactions(id, message, ALL, EACH)).await, std::slice::from_ref(&liked));
    c.delete_reaction(id, message, reaction, SOON).await.unwrap();
    assert!(all(c.reactions(id, message, ALL, EACH)).await.is_empty());
    c.delete_message(id, message, SOON).await.unwrap();
}

/// A file is put there and fetched; the conversation is tagged.
pub(super) async fn attachments_and_tags(stage: &Stage) {
    let (c, id) = (&stage.own, ours(stage).await);
    let id = id.as_str();
    let bytes = vec![7_u8; 300_000];
    c.put_attachment(id, "f-1", Upload::bytes("image/png", bytes.clone()), SOON).await.unwrap();
    let file = c.attachment(id, "f-1", SOON).await.unwrap();
    assert_eq!(file.kind.as_deref(), Some("image/png"));
    assert_eq!(file.collect().await.unwrap(), bytes);
    let known = c.attachment_metadata(id, "f-1", SOON).await.unwrap();
    assert_eq!((&known["size"], &known["contentType"]), (&json!(300_000), &json!("image/png")));
    c.delete_attachment(id, "f-1", SOON).await.unwrap();

    c.set_conversation_tag(id, "vip", &json!({ "value": "1" }), SOON).await.unwrap();
    assert_eq!(c.conversation_tag(id, "vip", SOON).await.unwrap()["value"], "1");
    assert_eq!(all(c.conversation_tags(id, ALL, EACH)).await.len(), 1);
    c.delete_conversation_tag(id, "vip", SOON).await.unwrap();
}

/// The conversation is closed.
pub(super) async fn the_end(stage: &Stage) {
    let id = ours(stage).await;
    let closed = stage.own.delete_conversation(&id, SOON).await.unwrap();
    assert_eq!(closed.conversation_id.as_deref(), Some(id.as_str()));
    assert!(all(stage.own.conversations(ALL, EACH)).await.is_empty());
}
