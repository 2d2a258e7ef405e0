//! The Conversations API.

use serde_json::{Value, json};

use super::{ALL, EACH, SOON, Told, USER, all, one};
use crate::cloudlink::chat::{ConversationChange, MessageChange, NewConversation, Participant, Typing};
use crate::cloudlink::{CloudLink, Content, Download, Error, Query, Upload};

const CONVERSATION: &str = "4d3c9a10-8f1e-4d63-9b7a-6c5d4e3f2a1b";
const MESSAGE: &str = "a1b2c3d4-0000-4000-8000-00000000000a";
const CARD: &str = r#"{"title":"Welcome","body":"Sales or service?","buttons":[{"title":"Sales","action":"post-message","payload":"sales"}]}"#;

pub(super) async fn call(c: &CloudLink, name: &str) -> Result<Told, Error> {
    let new = NewConversation { name: Some("Front desk".into()), ..NewConversation::with([USER]) };
    let renamed = ConversationChange { name: Some("Reception".into()), ..ConversationChange::default() };
    let later = MessageChange { body: Some("We open at ten.".into()), ..MessageChange::default() };
    let guest = Participant {
        participant_id: Some(USER.into()),
        participant_type: Some("USER".into()),
        ..Participant::default()
    };
    let has_read =
        Participant { last_read_message_date: Some("2026-02-03T08:15:31Z".parse().unwrap()), ..Participant::default() };
    let tag = json!({ "value": "1" });
    let (conversation, message) = (CONVERSATION, MESSAGE);
    match name {
        "POST messages" => one(c.send_message(conversation, "We open at nine.", Content::Text, "01J9", SOON)),
        "POST messages: a card" => {
            one(c.send_message(conversation, CARD, Content::Card("Sales or service?"), "01J9", SOON))
        }
        "POST conversations" => one(c.create_conversation(&new, SOON)),
        "DELETE conversation" => one(c.delete_conversation(conversation, SOON)),
        "GET conversations" => all(c.conversations(&Query::filter("stream eq false"), EACH)),
        "GET conversation" => one(c.conversation(conversation, SOON)),
        "PUT conversation" => one(c.change_conversation(conversation, &renamed, SOON)),
        "GET messages" => all(c.messages(conversation, &Query { top: Some(20), ..Query::ALL }, EACH)),
        "GET message" => one(c.message(conversation, message, SOON)),
        "PUT message" => one(c.change_message(conversation, message, &later, SOON)),
        "DELETE message" => one(c.delete_message(conversation, message, SOON)),
        "POST reactions" => one(c.react(conversation, message, "👍", SOON)),
        "GET reactions" => all(c.reactions(conversation, message, ALL, EACH)),
        "GET reaction" => one(c.reaction(conversation, message, "re-1", SOON)),
        "DELETE reaction" => one(c.delete_reaction(conversation, message, "re-1", SOON)),
        "GET participants" => all(c.participants(conversation, ALL, EACH)),
        "POST participants" => one(c.add_participant(conversation, &guest, SOON)),
        "GET participant" => one(c.participant(conversation, USER, SOON)),
        "PUT participant" => one(c.change_participant(conversation, USER, &has_read, SOON)),
        "DELETE participant" => one(c.remove_participant(conversation, USER, SOON)),
        "POST typing" => one(c.typing(conversation, USER, Typing::Start, SOON)),
        "PUT attachment" => {
            let file = Upload::bytes("image/png", "PNG, or what passes for it");
            one(c.put_attachment(conversation, "f-1", file, SOON))
        }
        "GET attachment" => one(async { downloaded(c.attachment(conversation, "f-1", SOON).await?).await }),
        "DELETE attachment" => one(c.delete_attachment(conversation, "f-1", SOON)),
        "GET attachment_metadata" => one(c.attachment_metadata(conversation, "f-1", SOON)),
        "GET conversation_tags" => all(c.conversation_tags(conversation, ALL, EACH)),
        "GET conversation_tag" => one(c.conversation_tag(conversation, "vip", SOON)),
        "PUT conversation_tag" => one(c.set_conversation_tag(conversation, "vip", &tag, SOON)),
        "DELETE conversation_tag" => one(c.delete_conversation_tag(conversation, "vip", SOON)),
        "GET commands" => all(c.commands(ALL, EACH)),
        "GET user_conversations" => all(c.conversations_of_user("me", ALL, EACH)),
        other => panic!("{other}: nothing calls it"),
    }
    .await
}

async fn downloaded(file: Download) -> Result<Value, Error> {
    assert_eq!(file.kind.as_deref(), Some("image/png"));
    Ok(String::from_utf8(file.collect().await?).unwrap().into())
}
