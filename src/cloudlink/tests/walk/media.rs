//! The Media API.

use serde_json::json;

use super::{ALL, EACH, SOON, Told, USER, all, one};
use crate::cloudlink::media::{
    CallOptions, ConferenceAction, ConferenceChange, ConferenceParticipant, Control, EndpointChange, NewConference,
    ParticipantChange,
};
use crate::cloudlink::{CloudLink, Error, Query, quoted};

const CALL: &str = "/2017-09-01/endpoints/3001/calls/48151623";
const GUID: &str = "b3f1d7c2-6a0e-4d2c-9a54-1d2e3f4a5b6c";

fn control(action: &str) -> Control<'static> {
    let destination = "4001";
    match action {
        "redirect" => Control::Redirect { destination },
        "answer" => Control::Answer,
        "end" => Control::End,
        "hold" => Control::Hold,
        "retrieve" => Control::Retrieve,
        "blindTransfer" => Control::BlindTransfer { destination },
        "consult" => Control::Consult { destination },
        "supervisedTransfer" => Control::SupervisedTransfer { other: "48151700" },
        "conference" => Control::Conference,
        "dtmf" => Control::Dtmf { digits: "12#" },
        "pauseRecording" => Control::PauseRecording,
        "resumeRecording" => Control::ResumeRecording,
        "tagRecording" => Control::TagRecording { tag: r#"{"case":7}"# },
        other => panic!("{other}: no such action"),
    }
}

pub(super) async fn call(c: &CloudLink, name: &str) -> Result<Told, Error> {
    let change = EndpointChange {
        action: Some("dnd".into()),
        user_availability: Some("dnd".into()),
        enabled: Some(true),
        ..EndpointChange::default()
    };
    let options = CallOptions {
        from: Some("3001".into()),
        originate_timeout: Some(30),
        associated_call_id: Some("our-7".into()),
        ..CallOptions::default()
    };
    let conference = NewConference {
        name: Some("Stand-up".into()),
        kind: Some("inviteOnly".into()),
        lobby_policy: Some("guestLobby".into()),
        access_code_length: Some(9),
        participants: Some(vec![json!({ "participantId": USER })]),
        ..NewConference::default()
    };
    let renamed = ConferenceChange {
        name: Some("Stand-up".into()),
        lobby_policy: Some("noLobby".into()),
        ..ConferenceChange::default()
    };
    let guest = ConferenceParticipant { participant_id: Some(USER.into()), ..ConferenceParticipant::default() };
    let muted = ParticipantChange { muted: Some(true), ..ParticipantChange::default() };
    let of_user = format!("contains(principal, {})", quoted(USER));
    let with_us = format!("{USER},me");
    let together = [("containsAllParticipants", with_us.as_str())];
    let tagged = Query { expand: "tags", other: &together, ..Query::ALL };
    let webrtc = json!({ "type": "webrtc" });
    let (route, action) = name.split_once(": ").unwrap_or((name, ""));
    match route {
        "GET endpoint" => one(c.endpoint("3001", SOON)),
        "PUT endpoint" => one(c.change_endpoint("3001", &change, SOON)),
        "GET endpoint_calls" => all(c.calls("3001", &Query::filter("state eq 'ringing'"), EACH)),
        "POST endpoint_calls" => one(c.make_call("3001", "+16135550199", &options, SOON)),
        "GET call" => one(c.call(CALL, SOON)),
        "PUT call" => one(c.control(CALL, control(action), SOON)),
        "GET call_records" => all(c.call_records(&Query::filter(&of_user), EACH)),
        "PUT call_records" => one(async { c.hide_call_records(&Query::filter(&of_user), SOON).await }),
        "GET records_of_call" => all(c.records_of_call(GUID, ALL, EACH)),
        "PUT records_of_call" => one(c.hide_records_of_call(GUID, SOON)),
        "GET calls" => all(c.all_calls(ALL, EACH)),
        "GET conferences" => all(c.conferences(&tagged, EACH)),
        "POST conferences" => one(c.create_conference(&conference, SOON)),
        "GET conference" => one(c.conference("c0ffee01", ALL, SOON)),
        "PUT conference" => one(c.change_conference("c0ffee01", &renamed, SOON)),
        "DELETE conference" => one(c.delete_conference("c0ffee01", SOON)),
        "POST conference" => one(c.control_conference("c0ffee01", ConferenceAction::StopRecord, SOON)),
        "GET conference_participants" => all(c.conference_participants("c0ffee01", ALL, EACH)),
        "POST conference_participants" => one(c.add_conference_participant("c0ffee01", &guest, SOON)),
        "GET conference_participant" => one(c.conference_participant("c0ffee01", USER, SOON)),
        "PUT conference_participant" => one(c.change_conference_participant("c0ffee01", USER, &muted, SOON)),
        "DELETE conference_participant" => one(c.remove_conference_participant("c0ffee01", USER, SOON)),
        "POST participant_connections" => one(c.connect_conference_participant("c0ffee01", USER, &webrtc, SOON)),
        "GET conference_content" => all(c.search_conferences("quarterly figures", EACH)),
        "GET conference_instance" => one(c.conference_instance("c0ffee01", "i-1", SOON)),
        "GET user_conferences" => all(c.conferences_of_user(USER, ALL, EACH)),
        "GET user_attendances" => all(c.attendances_of_user(USER, ALL, EACH)),
        "GET recordings" => all(c.recordings(&Query { top: Some(20), ..Query::ALL }, EACH)),
        "GET recording" => one(async {
            let recording = c.recording("r-1", SOON).await?;
            let url = recording.media().unwrap().url.as_ref().unwrap();
            assert_eq!(url.expose(), "https://media.example/r-1?sig=abc");
            Ok(recording)
        }),
        "PUT recording" => one(c.label_recording("r-1", "complaint", SOON)),
        "DELETE recording" => one(c.delete_recording("r-1", SOON)),
        other => panic!("{other}: nothing calls it"),
    }
    .await
}
