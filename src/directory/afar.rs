//! Single objects that are not in memory, asked for within the time that whoever asks gives; and for how long it is
//! remembered that an answer did not come.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::keep::Change;
use super::source::{List, One, Trouble, Why};
use super::{Directory, Talk, User, all, lock, talk};

/// How long it is remembered that somebody could not be found.
const UNKNOWN: i64 = 5 * 60 * 1000;
/// How long it is remembered that nobody answered who somebody is.
const FAILED: i64 = 30 * 1000;
/// How many of them are remembered.
const MOST_UNKNOWN: usize = 4096;

impl Directory {
    /// A user, from CloudLink; then it is in memory too, if users are. `None`: nobody is known there. Who was not found
    /// a moment ago is not asked for again, and a failure is remembered for a moment, so that a far side that is ill is
    /// not waited for with each event.
    pub async fn fetch_user(&self, id: &str, timeout: Duration) -> Result<Option<Arc<User>>, Trouble> {
        let now = self.0.clock.millis();
        if let Some((until, Some(trouble))) = lock(&self.0.unknown).get(id)
            && now < *until
        {
            return Err(trouble.clone());
        }
        let asked = self.ask_user(id, timeout).await;
        if let Err(trouble) = &asked
            && trouble.why != Why::Busy
        {
            self.not_found(id, self.0.clock.millis().saturating_add(FAILED), Some(trouble.clone()));
        }
        asked
    }

    /// The same; failures are not remembered.
    pub(super) async fn ask_user(&self, id: &str, timeout: Duration) -> Result<Option<Arc<User>>, Trouble> {
        let now = self.0.clock.millis();
        if lock(&self.0.unknown).get(id).is_some_and(|(until, trouble)| trouble.is_none() && now < *until) {
            return Ok(None);
        }
        let asked_at = lock(&self.0.heard).now();
        let asked = self.ask(One::User(id.to_owned()), timeout).await;
        // What a notification told meanwhile is newer.
        let counts = !lock(&self.0.heard).since(id, asked_at);
        match asked {
            Ok(object) => {
                let user = User::read(&object, &self.0.numbers.load()).map(Arc::new);
                if let Some(user) = user.as_ref().filter(|_| counts) {
                    lock(&self.0.unknown).remove(id);
                    self.change(Change::Put(Arc::clone(user)));
                }
                Ok(user)
            }
            Err(trouble) if trouble.why == Why::Unknown => {
                if counts {
                    self.not_found(id, now.saturating_add(UNKNOWN), None);
                    self.change(Change::Gone(id.into()));
                }
                Ok(None)
            }
            Err(trouble) => Err(trouble),
        }
    }

    fn not_found(&self, id: &str, until: i64, trouble: Option<Trouble>) {
        let (mut unknown, now) = (lock(&self.0.unknown), self.0.clock.millis());
        if unknown.len() >= MOST_UNKNOWN {
            unknown.retain(|_, (until, _)| now < *until);
        }
        if unknown.len() < MOST_UNKNOWN {
            unknown.insert(id.into(), (until, trouble));
        }
    }

    /// One object, within the time and the number of those that are asked for at a time.
    pub async fn ask(&self, what: One, timeout: Duration) -> Result<Value, Trouble> {
        let Ok(_permit) = self.0.asking.try_acquire() else {
            return Err(Trouble::new(Why::Busy, "too much is being asked for at a time"));
        };
        let asked = tokio::time::timeout(timeout, self.0.source.one(what, timeout)).await;
        asked.unwrap_or_else(|_| Err(Trouble::new(Why::Timeout, "no answer in time")))
    }

    /// What is known of a conversation, if it is fresh.
    pub fn talk(&self, conversation: &str, participants: bool) -> Option<Arc<Talk>> {
        lock(&self.0.talks).get(conversation, participants, self.0.clock.millis())
    }

    /// A conversation from CloudLink, with its participants if they are wanted. A failure is remembered for a moment, as
    /// a conversation of which nothing is known, so that a far side that is ill is not waited for with each message.
    pub async fn fetch_talk(&self, conversation: &str, participants: bool, timeout: Duration) -> Arc<Talk> {
        let until = tokio::time::Instant::now() + timeout;
        let found = self.ask(One::Conversation(conversation.to_owned()), timeout).await;
        let found = match found {
            Ok(object) => {
                let mut talk = Talk::read(&object);
                if participants && talk.participants.is_none() {
                    let left = until.saturating_duration_since(tokio::time::Instant::now());
                    talk.participants = self.participants(conversation, left).await;
                }
                Ok(talk)
            }
            Err(trouble) => Err(trouble),
        };
        let now = self.0.clock.millis();
        let mut talks = lock(&self.0.talks);
        match found {
            Ok(talk) => talks.put(conversation, talk, now),
            Err(trouble) => {
                tracing::info!(account = %self.0.account, conversation, %trouble, "nothing is known of a conversation");
                talks.failed(conversation, now)
            }
        }
    }

    async fn participants(&self, conversation: &str, timeout: Duration) -> Option<Box<[Box<str>]>> {
        let mut ids = Vec::new();
        let list = List::Participants(conversation.to_owned());
        let read = all(&*self.0.source, &list, timeout, |item| {
            if ids.len() < talk::MOST_PARTICIPANTS {
                ids.extend(talk::participant(&item));
            }
        });
        match read.await {
            Ok(_) => Some(ids.into()),
            Err(trouble) => {
                tracing::info!(account = %self.0.account, conversation, %trouble, "the participants are not known");
                None
            }
        }
    }

    /// A conversation changed: what was known of it is forgotten.
    pub fn forget_talk(&self, conversation: &str) {
        lock(&self.0.talks).forget(conversation);
    }
}
