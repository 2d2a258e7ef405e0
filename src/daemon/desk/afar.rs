//! What the publication does not carry: names of people, conversations, languages. From memory where it is there; else
//! fetched before the rules decide, if one that can still match asks for it. What was told is written down with the
//! decision: the event is the same when it is read again.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::Desk;
use super::planning::{Deciding, Next, Opening, Stage};
use crate::directory::{Directory, Needs, Person, User};
use crate::dispatch::Planning;
use crate::event::{Event, Kind};
use crate::journal::Claim;
use crate::rules::{Asks, RuleSet, Step, Wanted};

/// How long fetching may take.
const WITHIN: Duration = Duration::from_secs(2);

/// What rules need of the directory.
pub(super) fn needs(rules: &RuleSet) -> Needs {
    let asks = rules.all_asks();
    let mut needs = Needs { users: asks.any_of(Asks::SENDER | Asks::USER | Asks::CALLED), ..Needs::default() };
    // Who writes may be a contact.
    needs.contacts = asks.any_of(Asks::SENDER);
    let lookups = rules.rules().iter().filter(|rule| rule.enabled).flat_map(|rule| &rule.steps);
    for what in lookups.filter_map(Step::looks_up) {
        needs = needs.or(match what {
            "group" => Needs { users: true, groups: true, ..Needs::default() },
            "contact" => Needs { contacts: true, ..Needs::default() },
            "number" => Needs { users: true, contacts: true, ..Needs::default() },
            "site" => Needs { sites: true, ..Needs::default() },
            "call" => Needs::default(),
            _ => Needs { users: true, ..Needs::default() },
        });
    }
    needs
}

/// What is to be fetched for an event.
pub(super) struct Fetch {
    sender: Option<String>,
    user: Option<String>,
    /// A conversation, and whether its participants are wanted.
    talk: Option<(String, bool)>,
    within: Duration,
}

impl Desk {
    /// An event tells the directory what changed, if it is such news.
    pub(super) fn tell_directory(&self, event: &Event) {
        let Some(directory) = &self.directory else { return };
        match event.kind {
            Kind::UserCreated | Kind::UserUpdated | Kind::UserDeleted => {
                if let Some(id) = text(event, "user", "id") {
                    let content = event.fields.get("content").unwrap_or(&Value::Null);
                    directory.heard_user(id, content, event.kind == Kind::UserDeleted);
                }
            }
            Kind::ChatConversation | Kind::ChatParticipant => {
                if let Some(conversation) = text(event, "message", "conversation") {
                    directory.forget_talk(conversation);
                }
            }
            _ => {}
        }
    }

    /// Goes on with what is known of it here, or says what is to be fetched.
    pub(super) fn ask_afar(&self, mut deciding: Box<Deciding>, claim: &Claim) -> Next {
        let Some(directory) = self.directory.as_ref().filter(|_| !deciding.has_asked) else {
            return self.decide_now(deciding, claim);
        };
        let Wanted { asks, within } = deciding.rules.asks(&deciding.event);
        if asks.is_none() {
            return self.decide_now(deciding, claim);
        }
        deciding.has_asked = true;
        let fetch = from_memory(directory, asks, &mut deciding);
        let happened = deciding.event.time.timestamp_millis().saturating_add(deciding.skew);
        let age = u64::try_from(self.clock.millis().saturating_sub(happened)).unwrap_or(0);
        let within = within.saturating_sub(Duration::from_millis(age)).min(WITHIN);
        match fetch {
            Some(fetch) if !within.is_zero() => {
                Planning::Fetch(Opening(Stage::Afar(deciding, Fetch { within, ..fetch })))
            }
            _ => self.told(deciding, claim),
        }
    }

    /// Fetches. What can't be had in time is missing.
    pub(super) async fn fetch_afar(&self, mut deciding: Box<Deciding>, fetch: Fetch) -> Opening {
        if let Some(directory) = &self.directory {
            let (sender, user, talk) = tokio::join!(
                somebody(directory, fetch.sender.as_deref(), fetch.within),
                somebody(directory, fetch.user.as_deref(), fetch.within),
                async {
                    let (conversation, participants) = fetch.talk.as_ref()?;
                    Some(directory.fetch_talk(conversation, *participants, fetch.within).await)
                },
            );
            if let Some(sender) = sender {
                tell_sender(&mut deciding.told, &Person::User(sender));
            }
            // Of somebody who changed and can't be asked for, what was known is the best that is.
            let known = fetch.user.as_deref().and_then(|id| Some(directory.user(id)?.value));
            if let Some(user) = user.or(known) {
                tell_user(&mut deciding.told, &user);
            }
            if let Some(talk) = talk {
                tell_talk(&mut deciding.told, &talk);
            }
        }
        Opening(Stage::Told(deciding))
    }

    /// What was fetched has come. That took time: vars and clocks may be others now.
    pub(super) fn came(&self, mut deciding: Box<Deciding>, claim: &Claim) -> Next {
        know_told(&mut deciding.event, &deciding.told);
        self.ask_facts(deciding, claim)
    }

    /// Everything that can be known is known: vars that are kept for something of it are looked up, and the rules decide.
    pub(super) fn told(&self, mut deciding: Box<Deciding>, claim: &Claim) -> Next {
        know_told(&mut deciding.event, &deciding.told);
        if deciding.rules.has_far_vars() && !deciding.told.is_empty() {
            return self.ask_facts(deciding, claim);
        }
        self.decide_now(deciding, claim)
    }
}

/// Puts into an event what was told of it: fields that it does not have.
pub(super) fn know_told(event: &mut Event, told: &Map<String, Value>) {
    let Value::Object(fields) = &mut event.fields else { return };
    for (name, view) in told {
        let (Value::Object(view), Some(Value::Object(here))) = (view, fields.get_mut(name)) else { continue };
        for (field, value) in view {
            here.entry(field.clone()).or_insert_with(|| value.clone());
        }
    }
}

async fn somebody(directory: &Directory, id: Option<&str>, within: Duration) -> Option<Arc<User>> {
    match directory.fetch_user(id?, within).await {
        Ok(user) => user,
        Err(trouble) => {
            tracing::info!(account = &**directory.account(), %trouble, "somebody is not known");
            None
        }
    }
}

/// Tells what is in memory; what is not is to be fetched.
fn from_memory(directory: &Directory, asks: Asks, deciding: &mut Deciding) -> Option<Fetch> {
    let mut fetch = Fetch { sender: None, user: None, talk: None, within: WITHIN };
    let (event, told) = (&deciding.event, &mut deciding.told);
    if asks.any_of(Asks::CALLED)
        && text(event, "call", "user").is_none()
        && let Some(found) = text(event, "call", "endpoint").and_then(|endpoint| directory.at_extension(endpoint))
    {
        tell(told, "call", "user", found.value.id());
    }
    if asks.any_of(Asks::SENDER)
        && let Some(sender) = text(event, "message", "sender")
    {
        match directory.person(sender) {
            Some(person) => tell_sender(told, &person),
            None => fetch.sender = Some(sender.to_owned()),
        }
    }
    if asks.any_of(Asks::USER)
        && let Some(id) = text(event, "user", "id")
    {
        let came = ["name", "email"].iter().any(|field| text(event, "user", field).is_some());
        if came || event.kind == Kind::UserDeleted {
            if let Some(found) = directory.user(id) {
                tell_user(told, &found.value);
            }
        } else {
            fetch.user = Some(id.to_owned());
        }
    }
    if asks.any_of(Asks::CONVERSATION | Asks::PARTICIPANTS)
        && let Some(conversation) = text(event, "message", "conversation")
    {
        let participants = asks.any_of(Asks::PARTICIPANTS);
        match directory.talk(conversation, participants) {
            Some(talk) => tell_talk(told, &talk),
            None => fetch.talk = Some((conversation.to_owned(), participants)),
        }
    }
    let wanted = fetch.sender.is_some() || fetch.user.is_some() || fetch.talk.is_some();
    wanted.then_some(fetch)
}

fn text<'e>(event: &'e Event, view: &str, field: &str) -> Option<&'e str> {
    event.field([view, field]).and_then(Value::as_str)
}

fn tell(told: &mut Map<String, Value>, view: &str, field: &str, value: impl Into<Value>) {
    if let Value::Object(fields) = told.entry(view).or_insert_with(|| Value::Object(Map::new())) {
        fields.insert(field.to_owned(), value.into());
    }
}

fn tell_sender(told: &mut Map<String, Value>, person: &Person) {
    let fields = [("name", person.name()), ("email", person.email())];
    for (field, value) in fields.into_iter().filter_map(|(field, value)| Some((field, value?))) {
        tell(told, "message", field, value);
    }
}

fn tell_user(told: &mut Map<String, Value>, user: &User) {
    let fields = [("name", user.name()), ("email", user.email()), ("extension", user.extension())];
    for (field, value) in fields.into_iter().filter_map(|(field, value)| Some((field, value?))) {
        tell(told, "user", field, value);
    }
}

fn tell_talk(told: &mut Map<String, Value>, talk: &crate::directory::Talk) {
    for (field, value) in talk.view() {
        tell(told, "conversation", &field, value);
    }
    if let Some(language) = &talk.language {
        tell(told, "message", "language", &**language);
    }
}
