//! Conversations: who talks to whom and what was said. `talk` keeps them (pure), `content` is what a message is, `tell`
//! publishes; `routes`, `messages`, `people` and `attachments` are the API. Whoever is not a participant may read (the client
//! is an administrator) but not write.

mod attachments;
mod content;
mod messages;
mod people;
mod routes;
mod talk;
mod tell;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::answer::Refusal;
use super::clock::Clock;
use super::realm::Realm;
use super::service::Served;
use super::variants::{Variant, Variants};
use super::world::World;
use attachments::Attachments;
pub(crate) use content::Words;
pub(crate) use talk::Opening;
use talk::Talks;

/// The topic of all chat events.
pub(crate) const TOPIC: &str = "platform-api-conversations";

/// The routes of the Conversations API.
pub(crate) static ROUTES: &[Served] = routes::ROUTES;

/// The conversations of an account.
pub(crate) struct Chats {
    clock: Clock,
    talks: Mutex<Talks>,
    attachments: Attachments,
    variants: Variants,
}

impl Chats {
    /// Nobody talks yet.
    pub(crate) fn new(clock: Clock, variants: Variants) -> Self {
        Self { clock, talks: Mutex::default(), attachments: Attachments::default(), variants }
    }

    fn talks(&self) -> MutexGuard<'_, Talks> {
        self.talks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a conversation; answers its id, and whether it is new.
    pub(crate) fn open(&self, opening: Opening) -> (String, bool) {
        let mut talks = self.talks();
        if self.variants.has(Variant::DirectReused)
            && let Some(id) = talks.like(&opening)
        {
            return (id, false);
        }
        let id = talks.open(opening, self.clock.now());
        tracing::info!(target: "simulator", conversation = id, "a conversation was opened");
        (id, true)
    }

    /// Lets a participant say something and publishes it to all participants, the sender too. Answers the message.
    pub(crate) fn say(
        &self,
        world: &World,
        realm: &Realm,
        conversation: &str,
        sender: &str,
        words: Words,
    ) -> Result<Value, Refusal> {
        let mut talks = self.talks();
        let talk = talks.get_mut(conversation)?;
        let (id, message) = talk.say(sender, words, &realm.account.id, self.clock.now())?;
        let told = tell::Told { conversation, sender, talk };
        told.message(world, realm, "POST", &id, &message);
        tracing::info!(target: "simulator", conversation, sender, "a message was posted");
        Ok(message)
    }

    /// Makes sure that someone takes part; true if they did not before.
    pub(crate) fn join(&self, conversation: &str, participant: &str) -> Result<bool, Refusal> {
        self.talks().get_mut(conversation)?.join(participant)
    }

    /// What somebody says who presses a button of an action card.
    pub(crate) fn pressed(&self, conversation: &str, message: &str, button: usize) -> Result<String, Refusal> {
        let talks = self.talks();
        let found = talks.get(conversation)?.message(message)?;
        let card = found["body"].as_str().and_then(|body| serde_json::from_str::<Value>(body).ok()).unwrap_or_default();
        let button = &card["buttons"][button];
        let said = if self.variants.has(Variant::ButtonTitle) { &button["title"] } else { &button["payload"] };
        let said = said.as_str().or_else(|| button["title"].as_str()).map(str::to_owned);
        said.ok_or_else(|| Refusal::bad("the message is no action card with such a button"))
    }
}
