//! The calls of the whole account: those that are, and the history of those that were, which has a GUID for each.

use serde_json::{Value, json};

use super::{CallState, Leg};
use crate::simulator::answer::{self, Answer, Refusal, flag, object, only};
use crate::simulator::page::Page;
use crate::simulator::service::Ask;

pub(super) fn live(ask: &Ask) -> Answer {
    let phones = &ask.realm().phones;
    let legs = phones.all().into_iter().filter(|leg| leg.state != CallState::Completed);
    let calls = legs.map(|leg| {
        let mut call = leg.object(&phones.site, phones.variants);
        call["callId"] = leg.long_id().into();
        call
    });
    answer::ok(Page::of(ask)?.collection(calls))
}

fn over(ask: &Ask) -> impl Iterator<Item = Leg> {
    ask.realm()
        .phones
        .all()
        .into_iter()
        .filter(|leg| leg.state == CallState::Completed)
        .rev()
        .collect::<Vec<_>>()
        .into_iter()
}

fn record(ask: &Ask, leg: &Leg) -> Value {
    let phones = &ask.realm().phones;
    leg.record(&phones.site, &phones.account_id, phones.variants)
}

/// Newest first.
pub(super) fn records(ask: &Ask) -> Answer {
    answer::ok(Page::of(ask)?.collection(over(ask).map(|leg| record(ask, &leg))))
}

/// The history of one call, by its GUID.
pub(super) fn of_call(ask: &Ask) -> Answer {
    let id = ask.part("callId");
    let legs: Vec<Leg> = over(ask).filter(|leg| leg.record_id == id).collect();
    if legs.is_empty() {
        return Err(no_such(id));
    }
    answer::ok(Page::of(ask)?.collection(legs.iter().map(|leg| record(ask, leg))))
}

fn no_such(id: &str) -> Refusal {
    Refusal::missing("CallNotFound", format!("no records of a call {id}"))
}

fn wants_to_hide(ask: &Ask) -> Result<(), Refusal> {
    let map = object(&ask.body)?;
    only(&map, &["hide"])?;
    if flag(&map, "hide")? == Some(true) { Ok(()) } else { Err(Refusal::bad("hide should be true")) }
}

/// Hides all records that the filter lets through.
pub(super) fn hide(ask: &Ask) -> Answer {
    wants_to_hide(ask)?;
    let page = Page::of(ask)?;
    let hidden = ask.realm().phones.switch().hide(|leg| page.passes(&record(ask, leg)));
    answer::ok(json!({ "hidden": hidden }))
}

/// Hides the records of one call.
pub(super) fn hide_call(ask: &Ask) -> Answer {
    wants_to_hide(ask)?;
    let id = ask.part("callId");
    match ask.realm().phones.switch().hide(|leg| leg.record_id == id) {
        0 => Err(no_such(id)),
        hidden => answer::ok(json!({ "hidden": hidden })),
    }
}
