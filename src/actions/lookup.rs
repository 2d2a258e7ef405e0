//! `lookup`: somebody or something of the directory, and who of a group is free.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::outcome::{ErrorWord, Outcome, not_ok};
use super::perform::Attempt;
use crate::directory::{Directory, Found, One, Person, Trouble, User, Why};
use crate::rules::MOST_ITEMS;
use crate::rules::catalogue::presence_status;
use crate::rules::request::Asked;

/// Of so many members of a group it is asked whether they are free.
const MOST_ASKED: usize = 60;
/// Of so many at a time.
const AT_A_TIME: usize = 16;
/// What is left of a step's time to put the answer together.
const SPARE: Duration = Duration::from_millis(20);

/// Carries a `lookup` out. It changes nothing: a repeat does no harm.
pub(super) async fn look_up(directory: &Directory, asked: &Asked, attempt: &Attempt<'_>) -> Outcome {
    let within = attempt.timeout.saturating_sub(SPARE);
    let text = |name: &str| asked.arguments.get(name).and_then(Value::as_str);
    const WHAT: [&str; 7] = ["user", "users", "group", "contact", "site", "number", "call"];
    let Some((what, name)) = WHAT.iter().find_map(|what| Some((*what, text(what)?))) else {
        return Outcome::failed(ErrorWord::Missing, "look it up: it is not said what");
    };
    let found = match what {
        "user" => user(directory, name, within).await,
        "users" => users(directory, name, within).await,
        "group" => group(directory, name, asked.arguments.get("except"), within).await,
        "contact" => directory
            .find_contact(name, within)
            .await
            .map(|found| found.map(|Found { value, stale }| result(value.view(), stale))),
        "site" => directory
            .find_site(name, within)
            .await
            .map(|found| found.map(|Found { value, stale }| result(value.view(), stale))),
        "number" => Ok(Some(number(directory, name))),
        _ => call(directory, name, within).await,
    };
    match found {
        Ok(Some(result)) => Outcome::Done { result },
        Ok(None) => Outcome::failed(ErrorWord::Missing, format!("look it up: there is no {what} {name:?}")),
        Err(trouble) => failed(&trouble),
    }
}

type Looked = Result<Option<Value>, Trouble>;

fn result(mut view: Map<String, Value>, stale: bool) -> Value {
    view.insert("ok".to_owned(), Value::Bool(true));
    if stale {
        view.insert("stale".to_owned(), Value::Bool(true));
    }
    Value::Object(view)
}

fn failed(trouble: &Trouble) -> Outcome {
    let (error, again) = match trouble.why {
        Why::Unknown => (ErrorWord::Missing, false),
        Why::Timeout => (ErrorWord::Timeout, true),
        Why::Busy | Why::Unavailable => (ErrorWord::Connection, true),
        Why::SignIn => (ErrorWord::SignIn, true),
        Why::Refused => (ErrorWord::Status, false),
        Why::Answer | Why::Cut => (ErrorWord::Answer, false),
    };
    let (why, result) = (trouble.to_string(), not_ok(error, trouble.status));
    if again {
        Outcome::Retry { after: trouble.after, error, why, unknown: false, result }
    } else {
        Outcome::Failed { error, why, result }
    }
}

async fn user(directory: &Directory, name: &str, within: Duration) -> Looked {
    let until = Instant::now() + within;
    let Some(Found { value, stale }) = directory.find_user(name, within).await? else { return Ok(None) };
    let mut view = value.view();
    // The rest is worth having without it.
    if let Some(status) = presence(directory, value.principal(), until).await.unwrap_or_default() {
        view.insert("presence".to_owned(), status.into());
    }
    Ok(Some(result(view, stale)))
}

async fn users(directory: &Directory, which: &str, within: Duration) -> Looked {
    if which != "all" {
        return Err(Trouble::new(Why::Refused, format!("look up users: \"all\" is known, {which:?} is not")));
    }
    let Found { value, stale } = directory.find_users(within).await?;
    if value.len() > MOST_ITEMS {
        let why = format!("look up users: there are {}, and a list has at most {MOST_ITEMS}", value.len());
        return Err(Trouble::new(Why::Refused, why));
    }
    let one = |user: &Arc<User>| {
        let mut view = user.view();
        if stale {
            view.insert("stale".to_owned(), Value::Bool(true));
        }
        Value::Object(view)
    };
    Ok(Some(Value::Array(value.iter().map(one).collect())))
}

/// What is known of a number: nothing known is an answer too.
fn number(directory: &Directory, number: &str) -> Value {
    let (mut view, stale) = match directory.at_number(number) {
        Some(Found { value: Person::User(user), stale }) => (with(user.view(), "kind", "user"), stale),
        Some(Found { value: Person::Contact(contact), stale }) => (with(contact.view(), "kind", "contact"), stale),
        None => (Map::new(), false),
    };
    let outside = directory.e164(number);
    view.insert("outside".to_owned(), Value::Bool(outside.is_some()));
    let number = outside.map_or_else(|| number.to_owned(), |number| number.to_string());
    result(with(view, "number", &number), stale)
}

fn with(mut view: Map<String, Value>, name: &str, value: &str) -> Map<String, Value> {
    view.insert(name.to_owned(), value.into());
    view
}

/// How a call is now.
async fn call(directory: &Directory, path: &str, within: Duration) -> Looked {
    let object = match directory.ask(One::Call(path.to_owned()), within).await {
        Err(trouble) if trouble.why == Why::Unknown => return Ok(None),
        object => object?,
    };
    let mut view = Map::new();
    let names = [
        ("state", "state"),
        ("cause", "cause"),
        ("direction", "direction"),
        ("from", "from"),
        ("from_name", "fromName"),
        ("to", "to"),
        ("to_name", "toName"),
        ("site", "siteId"),
    ];
    for (name, wire) in names {
        if let Some(text) = object.get(wire).and_then(Value::as_str).filter(|text| !text.is_empty()) {
            view.insert(name.to_owned(), text.into());
        }
    }
    Ok(Some(result(with(view, "link", path), false)))
}

async fn group(directory: &Directory, name: &str, except: Option<&Value>, within: Duration) -> Looked {
    let until = Instant::now() + within;
    let Some(Found { value: group, stale }) = directory.find_group(name, within).await? else { return Ok(None) };
    let ids: Vec<String> = group.members().iter().map(ToString::to_string).collect();
    let asked = ids.into_iter().enumerate().map(|(place, id)| async move {
        let user = member(directory, &id, until).await;
        let free = match &user {
            Some(user) if place < MOST_ASKED => is_free(directory, user, until).await,
            _ => Ok(Free::default()),
        };
        (id, user, free)
    });
    let members: Vec<_> = futures_util::stream::iter(asked).buffered(AT_A_TIME).collect().await;
    // Of nobody it could be told: that is no answer.
    let told = members.iter().any(|(_, _, free)| free.as_ref().is_ok_and(|free| free.presence.is_some()));
    if let Some((_, _, Err(trouble))) = members.iter().find(|(_, _, free)| free.is_err()).filter(|_| !told) {
        return Err(trouble.clone());
    }
    let (mut all, mut available) = (Vec::new(), Vec::new());
    for (id, user, free) in members {
        let free = free.unwrap_or_default();
        let mut view = Map::from_iter([("id".to_owned(), Value::from(id))]);
        let user = user.as_ref();
        let fields =
            [("name", user.and_then(|user| user.name())), ("extension", user.and_then(|user| user.extension()))];
        let fields = fields.into_iter().chain([("presence", free.presence.as_deref())]);
        view.extend(fields.filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?)))));
        if free.is_free && may_take(view.get("extension"), except) {
            available.push(Value::Object(view.clone()));
        }
        all.push(Value::Object(view));
    }
    let mut view = with(Map::new(), "id", group.id());
    if let Some(name) = group.name() {
        view.insert("name".to_owned(), name.into());
    }
    view.insert("members".to_owned(), Value::Array(all));
    view.insert("available".to_owned(), Value::Array(available));
    Ok(Some(result(view, stale)))
}

/// Whether a call may go to somebody: not where it was already, and not to somebody without a phone.
fn may_take(extension: Option<&Value>, except: Option<&Value>) -> bool {
    let Some(Value::Array(path)) = except else { return true };
    extension.is_some_and(|extension| !path.contains(extension))
}

async fn member(directory: &Directory, id: &str, until: Instant) -> Option<Arc<User>> {
    if let Some(found) = directory.user(id) {
        return Some(found.value);
    }
    directory.fetch_user(id, until.saturating_duration_since(Instant::now())).await.ok().flatten()
}

/// How somebody is.
#[derive(Default)]
struct Free {
    presence: Option<String>,
    is_free: bool,
}

/// Present, and the phone neither busy nor set to be left alone. Who has no phone can't be on it.
async fn is_free(directory: &Directory, user: &User, until: Instant) -> Result<Free, Trouble> {
    let phone = async {
        match user.extension() {
            Some(extension) => is_phone_free(directory, extension, until).await,
            None => Ok(true),
        }
    };
    let (presence, phone) = tokio::join!(presence(directory, user.principal(), until), phone);
    let presence = presence?;
    let is_there = presence.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("available"));
    Ok(Free { presence, is_free: is_there && phone? })
}

async fn is_phone_free(directory: &Directory, extension: &str, until: Instant) -> Result<bool, Trouble> {
    let left = until.saturating_duration_since(Instant::now());
    let phone = match directory.ask(One::Endpoint(extension.to_owned()), left).await {
        // A phone that CloudLink does not see.
        Err(trouble) if trouble.why == Why::Unknown => return Ok(true),
        phone => phone?,
    };
    let text = |name: &str| phone.get(name).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let busy = matches!(text("state").as_str(), "ringing" | "connected" | "held" | "outofservice");
    let away = matches!(text("userAvailability").as_str(), "busy" | "dnd");
    Ok(!busy && !away && phone.get("dnd") != Some(&Value::Bool(true)))
}

/// The aggregate status; the names in the answer are assumed (wire reference, 8 \[A\]).
async fn presence(directory: &Directory, principal: &str, until: Instant) -> Result<Option<String>, Trouble> {
    let left = until.saturating_duration_since(Instant::now());
    let presentity = match directory.ask(One::Presence(principal.to_owned()), left).await {
        Err(trouble) if trouble.why == Why::Unknown => return Ok(Some("Unknown".to_owned())),
        presentity => presentity?,
    };
    Ok(status(&presentity))
}

fn status(presentity: &Value) -> Option<String> {
    let presences = presentity.get("presences").unwrap_or(presentity);
    let aggregate = match presences {
        Value::Array(items) => items.iter().find(|item| {
            let named = |key: &str| {
                item.get(key).and_then(Value::as_str).is_some_and(|name| name.to_lowercase().contains("aggregate"))
            };
            named("type") || named("name")
        }),
        _ => ["aggregatePresence", "aggregate", "presence"].iter().find_map(|name| presences.get(name)),
    };
    let aggregate = aggregate.unwrap_or(presences);
    let presence = aggregate.get("presence").filter(|inner| inner.is_object()).unwrap_or(aggregate);
    let status = ["status", "Status"].iter().find_map(|key| presence.get(key)?.as_str())?;
    (!status.is_empty()).then(|| presence_status(status).to_owned())
}

/// Of an account whose directory is not there.
pub(super) fn without_directory() -> Outcome {
    let why = "look it up: this account has no directory".to_owned();
    Outcome::Failed { error: ErrorWord::Refused, why, result: json!({ "ok": false, "error": "refused" }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_aggregate_is_found_in_every_shape() {
        for presentity in [
            json!({ "presences": { "aggregatePresence": { "status": "Busy" }, "principalPresence": { "status": "Away" } } }),
            json!({ "aggregatePresence": { "status": "Busy" }, "status": "Away" }),
            json!({ "presences": [{ "type": "principal", "status": "Away" }, { "type": "aggregate", "status": "Busy" }] }),
            json!({ "presence": { "status": "Busy" } }),
            json!({ "status": "Busy" }),
            json!({ "presences": { "aggregatePresence": { "Status": "BUSY" } } }),
            json!({ "presences": [{ "name": "Aggregate", "presence": { "status": "busy" } }] }),
        ] {
            assert_eq!(status(&presentity).as_deref(), Some("Busy"), "{presentity}");
        }
        assert_eq!(status(&json!({})), None);
        assert_eq!(status(&json!({ "status": "" })), None);
    }

    #[test]
    fn a_call_does_not_go_where_it_was() {
        let path = json!(["3100", "2001"]);
        assert!(may_take(Some(&json!("2002")), Some(&path)));
        assert!(!may_take(Some(&json!("2001")), Some(&path)));
        assert!(!may_take(None, Some(&path)), "a call needs a phone");
        assert!(may_take(None, None), "a chat does not");
    }
}
