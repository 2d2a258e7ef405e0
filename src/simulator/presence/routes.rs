//! `/presentities`: seeing presence, overriding it, and telling it as a source. Every change is published.

use serde_json::{Map, Value, json};

use super::state::{CATEGORIES, Presence, Presentity, STATUSES};
use super::{TOPIC, written};
use crate::simulator::answer::{self, Answer, BASE, Refusal, object, one_of, only, required, text};
use crate::simulator::clock::iso;
use crate::simulator::page::Page;
use crate::simulator::service::Service::Presence as Service;
use crate::simulator::service::{Ask, Served, signed};
use crate::simulator::variants::Variant;

const SOURCE: &str = "/presentities/{principalId}/categories/{categoryId}/{sourceId}";

/// The routes of the Presence API.
pub(crate) static ROUTES: &[Served] = &[
    signed(Service, "GET", "/presentities", list),
    signed(Service, "GET", "/presentities/{principalId}", one),
    signed(Service, "PUT", "/presentities/{principalId}", set),
    signed(Service, "GET", "/presentities/{principalId}/categories/{categoryId}", sources),
    signed(Service, "POST", "/presentities/{principalId}/categories/{categoryId}", add_source),
    signed(Service, "GET", SOURCE, source),
    signed(Service, "PUT", SOURCE, change_source),
    signed(Service, "DELETE", SOURCE, remove_source),
];

/// The principal of the path, if there is one.
fn principal(ask: &Ask) -> Result<&str, Refusal> {
    let (realm, id) = (ask.realm(), ask.principal("principalId"));
    let known = realm.directory.user(id).is_some()
        || [&*ask.holder.principal_id, &*realm.account.principal_id].contains(&id)
        || realm.presences.knows(id);
    known.then_some(id).ok_or_else(|| Refusal::missing("PresentityNotFound", format!("no presentity {id}")))
}

fn category(ask: &Ask) -> Result<&str, Refusal> {
    let id = ask.part("categoryId");
    CATEGORIES
        .contains(&id)
        .then_some(id)
        .ok_or_else(|| Refusal::missing("CategoryNotFound", format!("no category {id}")))
}

fn aggregate(ask: &Ask, principal: &str, known: &Presentity) -> Presence {
    let now = iso(ask.world.clock.now());
    known.aggregate().unwrap_or_else(|| {
        let talking = ask.realm().phones.is_talking(principal);
        Presence::plain(if talking { "Busy" } else { "Available" }, &now)
    })
}

fn shown(ask: &Ask, principal: &str) -> Value {
    let (realm, variants) = (ask.realm(), ask.world.options.variants);
    let known = realm.presences.of(principal);
    let aggregate = aggregate(ask, principal, &known);
    let own = known.own.unwrap_or_else(|| Presence::plain("Available", &aggregate.entered_on));
    written::presentity((&realm.account.id, principal), &aggregate, &own, variants)
}

fn tell(ask: &Ask, principal: &str) -> Value {
    let (realm, variants) = (ask.realm(), ask.world.options.variants);
    let presentity = shown(ask, principal);
    let aggregate = aggregate(ask, principal, &realm.presences.of(principal));
    let content = written::notification(&presentity, &aggregate, variants);
    let subject = ask.world.subject(&format!("/presentities/{principal}"), false, Variant::PresenceVersioned);
    ask.world.publish(realm, (TOPIC, "PUT"), subject, content, ask.by());
    presentity
}

fn list(ask: &Ask) -> Answer {
    let mut page = ask.realm().directory.page_of_ids(&Page::of(ask)?.unfiltered().unordered());
    if let Some(items) = page.pointer_mut("/_embedded/items").and_then(Value::as_array_mut) {
        for item in items {
            *item = shown(ask, item.as_str().unwrap_or_default());
        }
    }
    answer::ok(page)
}

fn one(ask: &Ask) -> Answer {
    answer::ok(shown(ask, principal(ask)?))
}

/// Overrides what sources say, until it is set back to Available.
fn set(ask: &Ask) -> Answer {
    let principal = principal(ask)?;
    if principal != ask.by() && !ask.holder.is_admin() {
        return Err(Refusal::forbidden("this is somebody else's presence"));
    }
    let map = object(&ask.body)?;
    only(&map, &["status", "reason", "extended"])?;
    let presence = read(ask, &map)?;
    ask.realm().presences.change(principal, |known| {
        known.own = (presence.status != "Available").then_some(presence);
        Ok(())
    })?;
    answer::ok(tell(ask, principal))
}

fn read(ask: &Ask, map: &Map<String, Value>) -> Result<Presence, Refusal> {
    let status = one_of(map, "status", &STATUSES)?;
    Ok(Presence {
        status: status.ok_or_else(|| Refusal::bad("should have required property 'status'"))?,
        reason: text(map, "reason")?,
        entered_on: iso(ask.world.clock.now()),
        extended: map.get("extended").cloned(),
    })
}

fn source_object(ask: &Ask, category: &str, source: &str, presence: &Presence) -> Value {
    let path = format!("{BASE}/presentities/{}/categories/{category}/{source}", ask.principal("principalId"));
    json!({
        "sourceId": source, "categoryId": category,
        "presence": written::presence(presence, ask.world.options.variants), "_links": { "self": path },
    })
}

fn sources(ask: &Ask) -> Answer {
    let (principal, category) = (principal(ask)?, category(ask)?);
    let known = ask.realm().presences.of(principal);
    let here = known.sources.iter().filter(|((within, _), _)| within == category);
    let items = here.map(|((_, source), presence)| source_object(ask, category, source, presence));
    answer::ok(Page::of(ask)?.collection(items))
}

/// The presence of a new source is nested; that of a change is flat.
fn add_source(ask: &Ask) -> Answer {
    let (principal, category) = (principal(ask)?, category(ask)?);
    let map = object(&ask.body)?;
    only(&map, &["sourceId", "presence"])?;
    let source = required(&map, "sourceId")?;
    let nested = map.get("presence").and_then(Value::as_object);
    let nested = nested.ok_or_else(|| Refusal::bad("should have required property 'presence'"))?;
    only(nested, &["status", "reason", "enteredOn", "extended"])?;
    let presence = read(ask, nested)?;
    ask.realm().presences.change(principal, |known| {
        known.sources.insert((category.to_owned(), source.clone()), presence.clone());
        Ok(())
    })?;
    tell(ask, principal);
    answer::created(source_object(ask, category, &source, &presence))
}

fn key(ask: &Ask) -> Result<(String, String), Refusal> {
    Ok((category(ask)?.to_owned(), ask.part("sourceId").to_owned()))
}

fn no_such(source: &str) -> Refusal {
    Refusal::missing("SourceNotFound", format!("no source {source}"))
}

fn source(ask: &Ask) -> Answer {
    let (principal, key) = (principal(ask)?, key(ask)?);
    let known = ask.realm().presences.of(principal);
    let presence = known.sources.get(&key).ok_or_else(|| no_such(&key.1))?;
    answer::ok(source_object(ask, &key.0, &key.1, presence))
}

fn change_source(ask: &Ask) -> Answer {
    let (principal, key) = (principal(ask)?, key(ask)?);
    let map = object(&ask.body)?;
    only(&map, &["status", "reason", "enteredOn", "extended"])?;
    let presence = read(ask, &map)?;
    ask.realm().presences.change(principal, |known| {
        *known.sources.get_mut(&key).ok_or_else(|| no_such(&key.1))? = presence.clone();
        Ok(())
    })?;
    tell(ask, principal);
    answer::ok(source_object(ask, &key.0, &key.1, &presence))
}

fn remove_source(ask: &Ask) -> Answer {
    let (principal, key) = (principal(ask)?, key(ask)?);
    ask.realm()
        .presences
        .change(principal, |known| known.sources.remove(&key).map(drop).ok_or_else(|| no_such(&key.1)))?;
    tell(ask, principal);
    answer::nothing()
}
