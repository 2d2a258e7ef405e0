//! Conversations: who talks to whom and what was said. `talk` keeps them (pure), `routes` is the API. Attachments,
//! reactions, typing and commands are not here yet.

mod routes;
mod talk;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::answer::Refusal;
use super::clock::Clock;
use super::notify::Publication;
use super::world::World;
pub(crate) use routes::routes;
use talk::Talks;
pub(crate) use talk::{Opening, Words};

/// The topic of all chat events.
const TOPIC: &str = "platform-api-conversations";

/// The conversations of the account.
pub(crate) struct Chats {
    clock: Clock,
    talks: Mutex<Talks>,
}

impl Chats {
    /// Nobody talks yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, talks: Mutex::default() }
    }

    fn talks(&self) -> MutexGuard<'_, Talks> {
        self.talks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a conversation; answers its id.
    pub(crate) fn open(&self, opening: Opening) -> String {
        let id = self.talks().open(opening, self.clock.now());
        tracing::info!(target: "simulator", conversation = id, "a conversation was opened");
        id
    }

    /// Lets a participant say something and publishes it to all participants, the sender too. Answers the message.
    pub(crate) fn say(&self, world: &World, conversation: &str, sender: &str, words: Words) -> Result<Value, Refusal> {
        let account: &str = &world.options.account_id;
        let mut talks = self.talks();
        let talk = talks.get_mut(conversation)?;
        let (id, message) = talk.say(sender, words, account, self.clock.now())?;
        let subject = format!("/conversations/{conversation}/messages/{id}");
        let mut publication = Publication::new(TOPIC, "POST", subject, message.clone(), (account, sender));
        publication.audience = Some(talk.participants().map(str::to_owned).collect());
        world.notify.publish(&publication);
        tracing::info!(target: "simulator", conversation, sender, "a message was posted");
        Ok(message)
    }

    /// Makes sure that someone takes part; true if they did not before.
    pub(crate) fn join(&self, conversation: &str, participant: &str) -> Result<bool, Refusal> {
        Ok(self.talks().get_mut(conversation)?.join(participant))
    }
}
