//! How conferences look on the wire.

use serde_json::{Value, json};

use super::state::{Attendance, Meeting, Participant};
use crate::simulator::answer::BASE;
use crate::simulator::clock::iso;

/// The conference object; `expand` names what is embedded beyond participants and addresses. `plain_tags`: under `tags`.
pub(super) fn meeting(meeting: &Meeting, account: &str, expand: &str, plain_tags: bool) -> Value {
    let path = format!("{BASE}/conferences/{}", meeting.id);
    let addresses = json!([
        { "type": "pstn", "description": "Ottawa", "url": "tel:+16135550100", "country": "CA", "city": "Ottawa", "tollFree": false },
        { "type": "sip", "description": "SIP", "url": format!("sip:{}@conf.sim.api.mitel.io", meeting.access_code), "tollFree": true },
    ]);
    let participants: Vec<Value> = meeting.participants.iter().map(|who| participant(who, &meeting.id)).collect();
    let mut written = json!({
        "id": meeting.id, "externalId": meeting.number.to_string(), "accountId": account, "name": meeting.name,
        "accessCode": meeting.access_code, "type": meeting.kind, "lobbyPolicy": meeting.lobby,
        "state": if meeting.active { "active" } else { "inactive" },
        "createdOn": iso(meeting.created.0), "createdBy": meeting.created.1,
        "_links": { "self": path, "instance": format!("{path}/instances/{}", meeting.instance) },
        "_embedded": { "participants": collection(participants), "addresses": collection(addresses.as_array().cloned().unwrap_or_default()) },
    });
    if let Some((at, by)) = &meeting.modified {
        written["modifiedOn"] = iso(*at).into();
        written["modifiedBy"] = by.clone().into();
    }
    if let Some(expiry) = &meeting.expiry {
        written["expiryDateTime"] = expiry.clone().into();
    }
    if expand.split(',').any(|word| word.trim() == "tags") {
        // The real answer was seen to have each value as a text that holds JSON.
        let tags =
            meeting.tags.iter().map(|(key, value)| json!({ "tagId": key, "value": value.to_string() })).collect();
        written["_embedded"][if plain_tags { "tags" } else { "conferenceTags" }] = collection(tags);
    }
    written
}

fn collection(items: Vec<Value>) -> Value {
    if items.is_empty() {
        json!({ "count": 0 })
    } else {
        json!({ "count": items.len(), "_embedded": { "items": items } })
    }
}

/// The participant object.
pub(super) fn participant(who: &Participant, conference: &str) -> Value {
    let mut written = json!({
        "participantId": who.id, "state": who.state, "type": "webapi", "muted": who.muted,
        "onetimeAcceptance": who.onetime,
        "_links": { "self": format!("{BASE}/conferences/{conference}/participants/{}", who.id) },
    });
    if let Some(other) = &who.associated {
        written["associatedParticipantId"] = other.clone().into();
    }
    written
}

/// The attendance object.
pub(super) fn attendance(there: &Attendance, conference: &str, account: &str) -> Value {
    let mut written = json!({
        "id": there.id, "participantId": there.participant, "conferenceId": conference,
        "conferenceInstanceId": there.instance, "accountId": account, "joinTimeStamp": iso(there.joined),
    });
    if let Some(left) = there.left {
        written["leaveTimeStamp"] = iso(left).into();
    }
    written
}
