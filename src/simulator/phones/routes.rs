//! `/endpoints`: phones, their calls, making and controlling calls. Control answers 202 with an empty body; success shows
//! in the notification.

use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use super::desk::Wanted;
use super::leg::Direction;
use super::switch::Dial;
use super::{CallState, TOPIC, Words, history};
use crate::simulator::answer::{self, Answer, BASE, Refusal, flag, object, only, required, text};
use crate::simulator::page::Page;
use crate::simulator::service::Service::Media;
use crate::simulator::service::{Ask, Served, signed};
use crate::simulator::variants::Variant;

const CALL: [&str; 10] = [
    "to",
    "from",
    "fromName",
    "record",
    "originateTimeout",
    "timeoutMs",
    "successUrl",
    "failureUrl",
    "associatedCallId",
    "executeOnAnswer",
];

/// The routes of phones and calls.
pub(crate) static ROUTES: &[Served] = &[
    signed(Media, "GET", "/endpoints/{endpointId}", |ask| answer::ok(endpoint(ask))),
    signed(Media, "PUT", "/endpoints/{endpointId}", set),
    signed(Media, "GET", "/endpoints/{endpointId}/calls", list),
    signed(Media, "POST", "/endpoints/{endpointId}/calls", make),
    signed(Media, "GET", "/endpoints/{endpointId}/calls/{callId}", one),
    signed(Media, "PUT", "/endpoints/{endpointId}/calls/{callId}", control),
    signed(Media, "GET", "/calls", history::live),
    signed(Media, "GET", "/calls/records", history::records),
    signed(Media, "PUT", "/calls/records", history::hide),
    signed(Media, "GET", "/calls/{callId}/records", history::of_call),
    signed(Media, "PUT", "/calls/{callId}/records", history::hide_call),
];

fn endpoint(ask: &Ask) -> Value {
    let (phones, id) = (&ask.realm().phones, ask.part("endpointId"));
    let calls = phones.at(id);
    let state = calls.first().map_or("idle", |leg| leg.state.written(phones.variants));
    let talking = calls.iter().any(|leg| leg.state != CallState::Ringing);
    let links = json!({ "self": format!("{BASE}/endpoints/{id}"), "calls": format!("{BASE}/endpoints/{id}/calls") });
    phones.desks.of(id).object(id, state, talking, links)
}

fn set(ask: &Ask) -> Answer {
    let (phones, id) = (&ask.realm().phones, ask.part("endpointId"));
    let wanted = Wanted::read(&object(&ask.body)?, ask.plays(Variant::EndpointStrict))?;
    phones.desks.change(id, wanted, ask.plays(Variant::DndSets))?;
    let phone = endpoint(ask);
    let subject = ask.world.subject(&format!("/endpoints/{id}"), true, Variant::MediaBare);
    ask.world.publish(ask.realm(), (TOPIC, "PUT"), subject, phone.clone(), ask.by());
    if ask.plays(Variant::EndpointAccepted) { answer::accepted() } else { answer::ok(phone) }
}

fn list(ask: &Ask) -> Answer {
    let phones = &ask.realm().phones;
    let items = phones.at(ask.part("endpointId")).into_iter().map(|leg| {
        let mut call = leg.object(&phones.site, phones.variants);
        call["callId"] = leg.long_id().into();
        call
    });
    answer::ok(Page::of(ask)?.always_listed().collection(items))
}

fn make(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &CALL)?;
    timeout(&map)?;
    if text(&map, "executeOnAnswer")?.is_some_and(|word| word != "bridge") {
        return Err(Refusal::bad("executeOnAnswer should be equal to one of the allowed values: bridge"));
    }
    let dial = Dial {
        record: flag(&map, "record")?.unwrap_or(false),
        associated_id: text(&map, "associatedCallId")?,
        ..Dial::plain(ask.part("endpointId").to_owned(), Direction::Outbound, required(&map, "to")?)
    };
    let phones = &ask.realm().phones;
    answer::ok(phones.dial(&ask.world, ask.realm(), dial)?.object(&phones.site, phones.variants))
}

/// `originateTimeout` is a number, as the schema says, or a text, as the guide writes it.
fn timeout(map: &Map<String, Value>) -> Result<(), Refusal> {
    let number = match map.get("originateTimeout") {
        None => return Ok(()),
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_f64(),
    };
    match number {
        Some(seconds) if (0.0..=120.0).contains(&seconds) => Ok(()),
        _ => Err(Refusal::bad("originateTimeout should be number from 0 to 120")),
    }
}

fn one(ask: &Ask) -> Answer {
    let phones = &ask.realm().phones;
    answer::ok(phones.one(ask.part("endpointId"), ask.part("callId"))?.object(&phones.site, phones.variants))
}

fn control(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &["action", "destination", "args", "callId", "timeoutMs"])?;
    let (phones, endpoint, call) = (&ask.realm().phones, ask.part("endpointId"), ask.part("callId"));
    phones.one(endpoint, call)?;
    let words =
        Words { destination: text(&map, "destination")?, args: text(&map, "args")?, other_call: text(&map, "callId")? };
    let action = phones.action(&required(&map, "action")?, words)?;
    phones.control(&ask.world, ask.realm(), Some(endpoint), call, &action)?;
    if ask.plays(Variant::ControlDone) { Ok(StatusCode::OK.into_response()) } else { answer::accepted() }
}
