//! `/conferences`: making, changing and ending them, searching them, and what a user had to do with them.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::state::{MOST, Meeting, no_such};
use super::{people, tell, written};
use crate::simulator::answer::{self, Answer, Refusal, object, one_of, only, required, text};
use crate::simulator::page::Page;
use crate::simulator::service::Service::Media;
use crate::simulator::service::{Ask, Served, signed};
use crate::simulator::variants::Variant;
use crate::simulator::world::guid;

const LOBBIES: [&str; 4] = ["pstnLobby", "guestLobby", "nonOwnerLobby", "noLobby"];

pub(super) static ROUTES: &[Served] = &[
    signed(Media, "GET", "/conferences", list),
    signed(Media, "POST", "/conferences", make),
    signed(Media, "GET", "/conferences/content", search),
    signed(Media, "GET", "/conferences/{conferenceId}", one),
    signed(Media, "PUT", "/conferences/{conferenceId}", change),
    signed(Media, "DELETE", "/conferences/{conferenceId}", remove),
    signed(Media, "POST", "/conferences/{conferenceId}", act),
    signed(Media, "GET", "/conferences/{conferenceId}/instances/{instanceId}", instance),
    signed(Media, "GET", "/conferences/{conferenceId}/participants", people::list),
    signed(Media, "POST", "/conferences/{conferenceId}/participants", people::add),
    signed(Media, "GET", "/conferences/{conferenceId}/participants/{participantId}", people::one),
    signed(Media, "PUT", "/conferences/{conferenceId}/participants/{participantId}", people::change),
    signed(Media, "DELETE", "/conferences/{conferenceId}/participants/{participantId}", people::remove),
    signed(Media, "POST", "/conferences/{conferenceId}/participants/{participantId}/connections", people::connect),
    signed(Media, "GET", "/users/{userId}/conferences", of_user),
    signed(Media, "GET", "/users/{userId}/attendances", attendances),
];

/// A conference as this request wants to see it.
pub(super) fn shown(ask: &Ask, meeting: &Meeting) -> Value {
    let expand = ask.query.get("$expand").map_or("", String::as_str);
    written::meeting(meeting, &ask.realm().account.id, expand, ask.plays(Variant::ConferenceTags))
}

fn page(ask: &Ask, wanted: impl Fn(&Meeting) -> bool) -> Answer {
    let meetings = ask.realm().meetings.all();
    let with_all: Vec<&str> = ask
        .query
        .get("containsAllParticipants")
        .map(|list| list.split(',').map(|id| if id == "me" { ask.by() } else { id }).collect())
        .unwrap_or_default();
    let fits = |meeting: &&Meeting| {
        let is_in = |id: &&str| meeting.participants.iter().any(|who| who.id == **id) || meeting.created.1 == **id;
        wanted(meeting) && with_all.iter().all(is_in)
    };
    let items = meetings.values().filter(fits).map(|meeting| shown(ask, meeting));
    answer::ok(Page::of(ask)?.by_token().collection(items))
}

fn list(ask: &Ask) -> Answer {
    page(ask, |_| true)
}

/// `$search=words`: all of them in the name.
fn search(ask: &Ask) -> Answer {
    let words = ask.query.get("$search").ok_or_else(|| Refusal::bad("$search is missing"))?.to_lowercase();
    page(ask, |meeting| words.split_whitespace().all(|word| meeting.name.to_lowercase().contains(word)))
}

fn of_user(ask: &Ask) -> Answer {
    let user = ask.principal("userId");
    page(ask, |meeting| meeting.created.1 == user || meeting.participants.iter().any(|who| who.id == user))
}

fn make(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    let known = ["id", "name", "type", "lobbyPolicy", "accessCodeLength", "expiryDateTime", "participants"];
    only(&map, &known)?;
    let digits = match map.get("accessCodeLength") {
        None => 9,
        Some(value) => value
            .as_u64()
            .filter(|digits| (1..=99).contains(digits))
            .ok_or_else(|| Refusal::bad("accessCodeLength should be integer from 1 to 99"))?,
    };
    let (realm, id) = (ask.realm(), text(&map, "id")?.unwrap_or_else(guid));
    let mut meeting = realm.meetings.meeting(&id, ask.by(), usize::try_from(digits).unwrap_or(9));
    if let Some(kind) = one_of(&map, "type", &["everyoneAllowed", "inviteOnly"])? {
        meeting.kind = kind;
    }
    merge(&mut meeting, &map)?;
    meeting.expiry = text(&map, "expiryDateTime")?;
    for participant in map.get("participants").and_then(Value::as_array).into_iter().flatten() {
        let wrong = || Refusal::bad("participants should be array of {participantId}");
        meeting.invite(participant["participantId"].as_str().ok_or_else(wrong)?)?;
    }
    let shown = shown(ask, &meeting);
    let mut all = realm.meetings.all();
    if all.contains_key(&id) {
        return Err(Refusal::new(StatusCode::CONFLICT, "ConferenceExists", "the id is taken"));
    }
    if all.len() >= MOST.0 {
        return Err(Refusal::bad("there are too many conferences"));
    }
    all.insert(id.clone(), meeting);
    drop(all);
    tell(&ask.world, realm, "POST", &format!("/conferences/{id}"), shown.clone(), ask.by());
    answer::ok(shown)
}

fn merge(meeting: &mut Meeting, map: &Map<String, Value>) -> Result<(), Refusal> {
    if let Some(name) = text(map, "name")? {
        meeting.name = name;
    }
    if let Some(lobby) = one_of(map, "lobbyPolicy", &LOBBIES)? {
        meeting.lobby = lobby;
    }
    Ok(())
}

fn one(ask: &Ask) -> Answer {
    let shown = ask.realm().meetings.with(ask.part("conferenceId"), |meeting| Ok(shown(ask, meeting)))?;
    answer::ok(shown)
}

/// Changes one, and says so.
fn changed(ask: &Ask, change: impl FnOnce(&mut Meeting) -> Result<(), Refusal>) -> Answer {
    let (realm, id) = (ask.realm(), ask.part("conferenceId"));
    let shown = realm.meetings.with(id, |meeting| {
        change(meeting)?;
        meeting.modified = Some((ask.world.clock.now(), ask.by().to_owned()));
        Ok(shown(ask, meeting))
    })?;
    tell(&ask.world, realm, "PUT", &format!("/conferences/{id}"), shown.clone(), ask.by());
    answer::ok(shown)
}

fn change(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &["name", "lobbyPolicy"])?;
    changed(ask, |meeting| merge(meeting, &map))
}

fn remove(ask: &Ask) -> Answer {
    let (realm, id) = (ask.realm(), ask.part("conferenceId"));
    let gone = realm.meetings.all().remove(id).ok_or_else(|| no_such(id))?;
    let shown = shown(ask, &gone);
    tell(&ask.world, realm, "DELETE", &format!("/conferences/{id}"), shown.clone(), ask.by());
    answer::ok(shown)
}

/// Ends it, or controls its recording.
fn act(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &["action"])?;
    let action = required(&map, "action")?;
    let realm = ask.realm();
    let mut made = false;
    let answer = changed(ask, |meeting| {
        let conflict = |why: &str| Refusal::new(StatusCode::CONFLICT, "InvalidState", why);
        match (&*action, meeting.recording) {
            ("end", _) => {
                made = meeting.recording.is_some();
                let now = ask.world.clock.now();
                let there: Vec<String> = meeting.participants.iter().map(|who| who.id.clone()).collect();
                for who in &mut meeting.participants {
                    who.state = if who.state == "active" { "inactive" } else { who.state };
                }
                for id in &there {
                    meeting.leave(id, now);
                }
                (meeting.active, meeting.recording) = (false, None);
            }
            ("record", None) if meeting.active => meeting.recording = Some(true),
            ("stop-record", Some(_)) => (meeting.recording, made) = (None, true),
            ("pause-record", Some(true)) => meeting.recording = Some(false),
            ("resume-record", Some(false)) => meeting.recording = Some(true),
            ("record" | "stop-record" | "pause-record" | "resume-record", _) => {
                return Err(conflict("the conference, or its recording, is not in a state for that"));
            }
            (other, _) => {
                return Err(Refusal::bad(format!("action should be equal to one of the allowed values, not {other}")));
            }
        }
        Ok(())
    })?;
    if made {
        realm.recordings.of_meeting(ask.part("conferenceId"), ask.by());
    }
    Ok(answer)
}

fn instance(ask: &Ask) -> Answer {
    let (account, id) = (&ask.realm().account.id, ask.part("instanceId"));
    let found = ask.realm().meetings.with(ask.part("conferenceId"), |meeting| {
        let there: Vec<Value> = meeting
            .attendances
            .iter()
            .filter(|there| there.instance == id)
            .map(|there| written::attendance(there, &meeting.id, account))
            .collect();
        if there.is_empty() && meeting.instance != id {
            return Err(Refusal::missing("InstanceNotFound", format!("no instance {id}")));
        }
        let state = if meeting.active && meeting.instance == id { "active" } else { "inactive" };
        // The conference as it was then, with who was there.
        let mut instance = shown(ask, meeting);
        instance["id"] = id.into();
        instance["conferenceId"] = meeting.id.clone().into();
        instance["state"] = state.into();
        instance["_embedded"]["attendances"] = json!({ "count": there.len(), "_embedded": { "items": there } });
        Ok(instance)
    })?;
    answer::ok(found)
}

fn attendances(ask: &Ask) -> Answer {
    let (user, account) = (ask.principal("userId"), &ask.realm().account.id);
    let meetings = ask.realm().meetings.all();
    let there = meetings.values().flat_map(|meeting| {
        let own = meeting.attendances.iter().filter(|there| there.participant == user);
        own.map(|there| written::attendance(there, &meeting.id, account))
    });
    answer::ok(Page::of(ask)?.collection(there))
}
