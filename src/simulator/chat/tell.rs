//! Publishing what happens in a conversation, to its participants only.

use serde_json::{Value, json};

use super::TOPIC;
use super::talk::Talk;
use crate::simulator::notify::Publication;
use crate::simulator::realm::Realm;
use crate::simulator::variants::{Variant, Variants};
use crate::simulator::world::World;

/// A conversation in which someone did something.
pub(super) struct Told<'a> {
    pub(super) conversation: &'a str,
    pub(super) sender: &'a str,
    pub(super) talk: &'a Talk,
}

impl Told<'_> {
    /// Publishes that what is at `below` the conversation changed.
    pub(super) fn change(&self, world: &World, realm: &Realm, method: &str, below: &str, content: Value) {
        self.publish(world, realm, method, below, content, false);
    }

    /// Publishes a message.
    pub(super) fn message(&self, world: &World, realm: &Realm, method: &str, id: &str, message: &Value) {
        let variants = world.options.variants;
        let content = content(message, variants);
        self.publish(world, realm, method, &format!("/messages/{id}"), content, variants.has(Variant::NoOwnMessages));
    }

    fn publish(&self, world: &World, realm: &Realm, method: &str, below: &str, content: Value, not_to_sender: bool) {
        let path = format!("/conversations/{}{below}", self.conversation);
        let subject = world.subject(&path, false, Variant::ChatVersioned);
        let whose = (&*realm.account.id, self.sender);
        let mut publication = Publication::new(TOPIC, method, subject, content, whose);
        let audience = self.talk.participants().filter(|who| !not_to_sender || *who != self.sender);
        publication.audience = Some(audience.map(str::to_owned).collect());
        world.notify.bury(&world.tokens);
        world.notify.publish(&publication);
    }
}

/// A message as a notification has it.
fn content(message: &Value, variants: Variants) -> Value {
    let mut content = message.clone();
    if variants.has(Variant::SenderUserId) || variants.has(Variant::SenderPublisher) {
        let sender = content.as_object_mut().and_then(|content| content.shift_remove("createdBy"));
        if variants.has(Variant::SenderUserId) {
            content["userId"] = sender.unwrap_or_default();
        }
    }
    if variants.has(Variant::MessageNested) {
        return json!({
            "conversationId": message["conversationId"], "messageId": message["messageId"], "body": content,
        });
    }
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sender_and_the_text_are_where_the_variant_says() {
        let message = json!({ "messageId": "m", "conversationId": "c", "body": "hi", "createdBy": "me" });
        let of = |variants: &[Variant]| content(&message, variants.iter().copied().collect());
        assert_eq!(of(&[]), message);
        assert_eq!(of(&[Variant::SenderUserId])["userId"], "me");
        assert!(of(&[Variant::SenderPublisher]).get("createdBy").is_none());
        let nested = of(&[Variant::MessageNested, Variant::SenderUserId]);
        assert_eq!((&nested["body"]["body"], &nested["body"]["userId"]), (&json!("hi"), &json!("me")));
    }
}
