//! The participants of a conference.

use serde_json::{Value, json};

use super::state::{Meeting, Participant};
use super::{tell, written};
use crate::simulator::answer::{self, Answer, Refusal, flag, object, one_of, only, required, text};
use crate::simulator::page::Page;
use crate::simulator::service::Ask;
use crate::simulator::world::plain_id;

pub(super) fn list(ask: &Ask) -> Answer {
    let page = Page::of(ask)?;
    let shown = ask.realm().meetings.with(ask.part("conferenceId"), |meeting| {
        Ok(page.collection(meeting.participants.iter().map(|who| written::participant(who, &meeting.id))))
    })?;
    answer::ok(shown)
}

fn with(ask: &Ask, act: impl FnOnce(&mut Meeting) -> Result<Participant, Refusal>) -> Result<Value, Refusal> {
    ask.realm().meetings.with(ask.part("conferenceId"), |meeting| {
        let who = act(meeting)?;
        Ok(written::participant(&who, &meeting.id))
    })
}

fn told(ask: &Ask, method: &str, shown: Value) -> Answer {
    let id = shown["participantId"].as_str().unwrap_or_default();
    let path = format!("/conferences/{}/participants/{id}", ask.part("conferenceId"));
    tell(&ask.world, ask.realm(), method, &path, shown.clone(), ask.by());
    answer::ok(shown)
}

/// Adds somebody; whoever adds themselves is in.
pub(super) fn add(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &["participantId", "state", "type", "onetimeAcceptance"])?;
    one_of(&map, "type", &["webapi", "pstn"])?;
    let id = required(&map, "participantId")?;
    let id = if id == "me" { ask.by().to_owned() } else { id };
    let active = text(&map, "state")?.is_some_and(|state| state == "active") || id == ask.by();
    let onetime = flag(&map, "onetimeAcceptance")?.unwrap_or(false);
    let shown = with(ask, |meeting| {
        meeting.invite(&id)?;
        let who = meeting.participant(&id)?;
        let enters = active && who.state != "active";
        (who.onetime, who.state) = (onetime, if active { "active" } else { who.state });
        let who = who.clone();
        if enters {
            meeting.enter(&id, ask.world.clock.now());
        }
        Ok(who)
    })?;
    told(ask, "POST", shown)
}

pub(super) fn one(ask: &Ask) -> Answer {
    answer::ok(with(ask, |meeting| meeting.participant(ask.principal("participantId")).cloned())?)
}

pub(super) fn change(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &["muted", "action", "associatedParticipantId", "onetimeAcceptance", "state"])?;
    let leaves = one_of(&map, "action", &["leave"])?.is_some();
    let states = ["invited", "accepted", "rejected", "active", "inactive"];
    let wanted = one_of(&map, "state", &states)?;
    let wanted = wanted.and_then(|state| states.into_iter().find(|known| *known == state));
    let (muted, onetime) = (flag(&map, "muted")?, flag(&map, "onetimeAcceptance")?);
    let associated = text(&map, "associatedParticipantId")?;
    let (id, now) = (ask.principal("participantId"), ask.world.clock.now());
    let shown = with(ask, |meeting| {
        let who = meeting.participant(id)?;
        let before = who.state;
        who.muted = muted.unwrap_or(who.muted);
        who.onetime = onetime.unwrap_or(who.onetime);
        who.associated = associated.or(who.associated.take());
        who.state = if leaves { "inactive" } else { wanted.unwrap_or(before) };
        let who = who.clone();
        match (before == "active", who.state == "active") {
            (false, true) => meeting.enter(id, now),
            (true, false) => meeting.leave(id, now),
            _ => {}
        }
        Ok(who)
    })?;
    told(ask, "PUT", shown)
}

pub(super) fn remove(ask: &Ask) -> Answer {
    let (id, now) = (ask.principal("participantId"), ask.world.clock.now());
    let shown = with(ask, |meeting| {
        let who = meeting.participant(id)?.clone();
        meeting.participants.retain(|other| other.id != id);
        meeting.leave(id, now);
        Ok(who)
    })?;
    told(ask, "DELETE", shown)
}

/// What a client would reach the media with; there is no media here.
pub(super) fn connect(ask: &Ask) -> Answer {
    with(ask, |meeting| meeting.participant(ask.principal("participantId")).cloned())?;
    answer::ok(json!({
        "token": format!("sim-media-{}", plain_id()), "url": "wss://media.sim.api.mitel.io/none", "expiresIn": 300,
    }))
}
