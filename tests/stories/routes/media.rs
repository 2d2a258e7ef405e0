//! The Media API: calls and their history, conferences, recordings.

use reqwest::Method;
use serde_json::{Value, json};
use switchhook::cloudlink::media::{
    CallOptions, ConferenceAction, ConferenceChange, ConferenceParticipant, Control, EndpointChange, NewConference,
    ParticipantChange,
};
use switchhook::cloudlink::{Call, Query};

use super::stage::{EACH, SOON, Stage};
use super::{all, have};

const ALL: &Query<'static> = &Query::ALL;

/// A call's own path.
fn path(call: &Call) -> String {
    call.rest["_links"]["self"].as_str().unwrap().to_owned()
}

/// A phone rings: the call's path.
async fn rings(stage: &Stage, phone: &str) -> String {
    format!("/2017-09-01/endpoints/{phone}/calls/{}", stage.bench.ring(phone).await)
}

/// The one call that rings at a phone.
async fn ringing_at(stage: &Stage, phone: &str) -> Call {
    all(stage.own.calls(phone, &Query::filter("state eq 'ringing'"), EACH)).await.remove(0)
}

/// A call is answered, held, talked about, joined, transferred; others are redirected, passed on and made.
pub(super) async fn calls(stage: &Stage) {
    let c = &stage.own;
    let control = async |call: &str, control: Control<'_>| c.control(call, control, SOON).await.unwrap();
    let first = rings(stage, "3001").await;
    assert!(c.call(&first, SOON).await.unwrap().rings());
    assert_eq!(path(&ringing_at(stage, "3001").await), first);
    assert_eq!(c.endpoint("3001", SOON).await.unwrap().state.as_deref(), Some("ringing"));
    let tag = Control::TagRecording { tag: r#"{"case":7}"# };
    let steps = [Control::Answer, Control::PauseRecording, Control::ResumeRecording, tag];
    for step in steps {
        control(&first, step).await;
    }
    control(&first, Control::Dtmf { digits: "12#" }).await;
    control(&first, Control::Hold).await;
    assert_eq!(c.call(&first, SOON).await.unwrap().state.as_deref(), Some("held"));
    control(&first, Control::Retrieve).await;
    control(&first, Control::Consult { destination: "3002" }).await;
    let consulted = ringing_at(stage, "3002").await;
    control(&path(&consulted), Control::Answer).await;
    let consulting = ringing_or_connected(stage, "3001", &first).await;
    control(&first, Control::Conference).await;
    assert!(c.call(&first, SOON).await.unwrap().talks());
    control(&first, Control::SupervisedTransfer { other: consulting.id().unwrap() }).await;
    control(&path(&consulted), Control::End).await;

    let second = rings(stage, "3003").await;
    control(&second, Control::Redirect { destination: "3004" }).await;
    let third = path(&ringing_at(stage, "3004").await);
    control(&third, Control::Answer).await;
    control(&third, Control::BlindTransfer { destination: "3005" }).await;
    assert!(all(c.all_calls(ALL, EACH)).await.iter().any(Call::rings));
    control(&path(&ringing_at(stage, "3005").await), Control::End).await;
    a_call_is_made_and_recorded(stage).await;
    assert!(all(c.calls("3001", ALL, EACH)).await.is_empty());
    let quiet = EndpointChange {
        action: Some("dnd".into()),
        user_availability: Some("dnd".into()),
        enabled: Some(true),
        ..EndpointChange::default()
    };
    c.change_endpoint("3001", &quiet, SOON).await.unwrap();
    assert_eq!(c.endpoint("3001", SOON).await.unwrap().dnd, Some(true));
}

/// The other call of a phone.
async fn ringing_or_connected(stage: &Stage, phone: &str, not: &str) -> Call {
    all(stage.own.calls(phone, ALL, EACH)).await.into_iter().find(|call| path(call) != not).unwrap()
}

async fn a_call_is_made_and_recorded(stage: &Stage) {
    let c = &stage.own;
    let options = CallOptions {
        from: Some("3001".into()),
        record: Some(true),
        originate_timeout: Some(30),
        associated_call_id: Some("our-7".into()),
        ..CallOptions::default()
    };
    let made = c.make_call("3001", "3006", &options, SOON).await.unwrap();
    c.control(&path(&ringing_at(stage, "3006").await), Control::Answer, SOON).await.unwrap();
    assert!(c.call(&path(&made), SOON).await.unwrap().talks());
    c.control(&path(&made), Control::End, SOON).await.unwrap();
}

/// What was, until it is hidden.
pub(super) async fn history(stage: &Stage) {
    let c = &stage.own;
    let records = all(c.call_records(ALL, EACH)).await;
    let answered = records.iter().find(|record| record.completed == Some(true)).unwrap();
    let id = have(answered.call_id.as_deref());
    assert!(all(c.records_of_call(id, ALL, EACH)).await.contains(answered));
    c.hide_records_of_call(id, SOON).await.unwrap();
    c.hide_call_records(&Query::filter("cause eq 'redirected'"), SOON).await.unwrap();
    let left = all(c.call_records(ALL, EACH)).await;
    assert!(left.iter().all(|left| left.call_id != answered.call_id && left.cause.as_deref() != Some("redirected")));
}

/// A meeting is planned, held, recorded, searched for and deleted.
pub(super) async fn conferences(stage: &Stage) {
    let (c, user) = (&stage.own, stage.user.as_str());
    let new = NewConference {
        name: Some("Quarterly numbers".into()),
        kind: Some("inviteOnly".into()),
        lobby_policy: Some("guestLobby".into()),
        access_code_length: Some(6),
        participants: Some(vec![json!({ "participantId": user })]),
        ..NewConference::default()
    };
    let made = c.create_conference(&new, SOON).await.unwrap();
    let id = have(made.id.as_deref());
    let change = ConferenceChange { name: Some("Quarterly figures".into()), ..ConferenceChange::default() };
    c.change_conference(id, &change, SOON).await.unwrap();
    assert_eq!(all(c.conference_participants(id, ALL, EACH)).await.len(), 1);
    let us = ConferenceParticipant { participant_id: Some("me".into()), ..ConferenceParticipant::default() };
    let us = c.add_conference_participant(id, &us, SOON).await.unwrap();
    assert_eq!(us.state.as_deref(), Some("active"));
    for action in [
        ConferenceAction::Record,
        ConferenceAction::PauseRecord,
        ConferenceAction::ResumeRecord,
        ConferenceAction::StopRecord,
    ] {
        c.control_conference(id, action, SOON).await.unwrap();
    }
    let secret = c.connect_conference_participant(id, user, &json!({ "type": "webrtc" }), SOON).await.unwrap();
    assert!(secret.expose().contains("token"));
    let muted = ParticipantChange { muted: Some(true), ..ParticipantChange::default() };
    assert_eq!(c.change_conference_participant(id, user, &muted, SOON).await.unwrap().muted, Some(true));
    assert_eq!(c.conference_participant(id, user, SOON).await.unwrap().muted, Some(true));
    c.control_conference(id, ConferenceAction::End, SOON).await.unwrap();
    conferences_are_found(stage, id, have(us.participant_id.as_deref())).await;
    c.remove_conference_participant(id, user, SOON).await.unwrap();
    c.delete_conference(id, SOON).await.unwrap();
}

async fn conferences_are_found(stage: &Stage, id: &str, me: &str) {
    let (c, user) = (&stage.own, stage.user.as_str());
    let together = format!("{user},{me}");
    let other = [("containsAllParticipants", together.as_str())];
    let with_both = Query { expand: "tags", other: &other, ..Query::ALL };
    assert_eq!(all(c.conferences(&with_both, EACH)).await.len(), 1);
    assert_eq!(c.conference(id, ALL, SOON).await.unwrap().state.as_deref(), Some("inactive"));
    assert_eq!(all(c.search_conferences("figures quarterly", EACH)).await.len(), 1);
    assert_eq!(all(c.conferences_of_user(user, ALL, EACH)).await.len(), 1);
    let attended = all(c.attendances_of_user(me, ALL, EACH)).await.remove(0);
    assert!(attended.left.is_some());
    let then = c.conference_instance(id, have(attended.conference_instance_id.as_deref()), SOON).await.unwrap();
    assert_eq!(then.id, attended.conference_instance_id);
}

/// The recorded call is heard, labelled and deleted.
pub(super) async fn recordings(stage: &Stage) {
    let c = &stage.own;
    // That of the first day, of the call, and of the conference.
    let all_of_them = all(c.recordings(&Query { top: Some(2), ..Query::ALL }, EACH)).await;
    assert_eq!(all_of_them.len(), 3);
    let id = have(all_of_them[1].recording_id.as_deref());
    let recording = c.recording(id, SOON).await.unwrap();
    let sound = c.recording_media(&recording, SOON).await.unwrap().collect().await.unwrap();
    assert!(sound.starts_with(b"RIFF"));
    assert_eq!(c.label_recording(id, "complaint", SOON).await.unwrap().label.as_deref(), Some("complaint"));
    c.delete_recording(id, SOON).await.unwrap();
    let calls = stage.bench.control(Method::GET, "/calls", Value::Null).await.1;
    assert!(calls["calls"].as_array().unwrap().iter().all(|call| call["state"] == "completed"), "{calls:#}");
}
