//! Recordings: of calls that were made with `record`, and of conferences. Their media are at a time-limited address that
//! asks for no token: one second of silence.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::answer::{self, Answer, BASE, Refusal, object, only, required};
use super::clock::{Clock, iso};
use super::page::Page;
use super::phones::{Leg, TOPIC};
use super::realm::Account;
use super::service::Service::Media;
use super::service::{Ask, Served, signed};
use super::shelf::Shelf;
use super::variants::Variant;
use super::world::{World, guid, plain_id};

/// How long an address of media is good for.
const GOOD_FOR: Duration = Duration::from_mins(5);
/// Addresses that are remembered.
const MOST: usize = 10_000;

/// The routes of recordings.
pub(crate) static ROUTES: &[Served] = &[
    signed(Media, "GET", "/recordings", |ask| {
        let all = ask.realm().recordings.shelf.all();
        answer::ok(Page::of(ask)?.collection(all.into_iter().map(|recording| shown(ask, recording))))
    }),
    signed(Media, "GET", "/recordings/{recordingId}", |ask| {
        answer::ok(shown(ask, ask.realm().recordings.shelf.get(ask.part("recordingId"))?))
    }),
    signed(Media, "PUT", "/recordings/{recordingId}", change),
    signed(Media, "DELETE", "/recordings/{recordingId}", |ask| {
        let gone = ask.realm().recordings.shelf.take(ask.part("recordingId"))?;
        tell(ask, "DELETE", &gone);
        answer::ok(gone)
    }),
];

/// The recordings of an account.
pub(crate) struct Recordings {
    shelf: Shelf,
    clock: Clock,
    /// Until when, by ticket.
    tickets: Mutex<HashMap<String, i64>>,
}

impl Recordings {
    /// One recording is there.
    pub(crate) fn new(account: &Account, clock: Clock) -> Self {
        let recordings = Self { shelf: Shelf::new("RecordingNotFound"), clock, tickets: Mutex::default() };
        let id = format!("{}-4ec0-4a00-8000-000000000001", account.id.get(..8).unwrap_or("00000000"));
        recordings.keep(&id, json!({ "callId": guid(), "label": "First call of the day", "durationInSeconds": 42 }));
        recordings
    }

    fn keep(&self, id: &str, mut recording: Value) {
        recording["recordingId"] = id.into();
        recording["createdOn"] = iso(self.clock.now()).into();
        recording["contentType"] = "audio/wav".into();
        recording["_links"] = json!({ "self": format!("{BASE}/recordings/{id}") });
        // When there are too many, the newest is lost.
        let _ = self.shelf.put(id, recording);
    }

    /// A recorded call is over.
    pub(crate) fn made(&self, leg: &Leg) {
        let (from, to) = (leg.answered_on.unwrap_or(leg.created_on), leg.ended_on.unwrap_or(leg.created_on));
        let seconds = (to - from).num_seconds().max(0);
        self.keep(
            &guid(),
            json!({ "callId": leg.record_id, "label": "", "durationInSeconds": seconds, "createdBy": leg.owner }),
        );
    }

    /// The recording of a conference is over.
    pub(crate) fn of_meeting(&self, conference: &str, by: &str) {
        self.keep(&guid(), json!({ "callId": conference, "label": "", "durationInSeconds": 1, "createdBy": by }));
    }

    fn ticket(&self) -> (String, Value) {
        let (ticket, until) = (plain_id(), self.clock.now() + GOOD_FOR);
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.epoch_ms();
        if tickets.len() >= MOST {
            tickets.retain(|_, until| *until > now);
        }
        if tickets.len() < MOST {
            tickets.insert(ticket.clone(), until.timestamp_millis());
        }
        (ticket, iso(until).into())
    }

    fn is_good(&self, ticket: &str) -> bool {
        let tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.get(ticket).is_some_and(|until| *until > self.clock.epoch_ms())
    }
}

fn shown(ask: &Ask, mut recording: Value) -> Value {
    if ask.query.get("$expand").is_some_and(|wanted| wanted.split(',').any(|word| word.trim() == "media")) {
        let (ticket, expiry) = ask.realm().recordings.ticket();
        let url = format!("{}/downloads/{ticket}?sig=a%2Fb%3D", ask.origin());
        recording["_embedded"] = json!({ "media": { "url": url, "expiry": expiry } });
    }
    recording
}

fn change(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &["label"])?;
    let label = required(&map, "label")?;
    let changed = ask.realm().recordings.shelf.change(ask.part("recordingId"), |recording| {
        recording["label"] = label.into();
        Ok(())
    })?;
    tell(ask, "PUT", &changed);
    answer::ok(changed)
}

fn tell(ask: &Ask, method: &str, recording: &Value) {
    let path = format!("/recordings/{}", recording["recordingId"].as_str().unwrap_or_default());
    let subject = ask.world.subject(&path, true, Variant::MediaBare);
    ask.world.publish(ask.realm(), (TOPIC, method), subject, recording.clone(), ask.by());
}

/// Where media are fetched from.
pub(crate) fn downloads() -> Router<Arc<World>> {
    Router::new().route("/downloads/{ticket}", get(download))
}

/// The media behind an address, unless it came with a token, which such an address does not want.
async fn download(
    State(world): State<Arc<World>>,
    headers: axum::http::HeaderMap,
    Path(ticket): Path<String>,
) -> Response {
    if headers.contains_key(header::AUTHORIZATION) {
        return Refusal::bad("only one auth mechanism allowed").into_response();
    }
    if !world.realms.iter().any(|realm| realm.recordings.is_good(&ticket)) {
        return Refusal::new(StatusCode::FORBIDDEN, "AccessDenied", "the address has expired").into_response();
    }
    ([(header::CONTENT_TYPE, "audio/wav")], silence()).into_response()
}

/// One second of silence: 8000 samples of 8 bits.
fn silence() -> Vec<u8> {
    const SAMPLES: u32 = 8000;
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + SAMPLES).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16_u32.to_le_bytes());
    wav.extend([1_u16, 1].iter().flat_map(|n| n.to_le_bytes()));
    wav.extend([SAMPLES, SAMPLES].iter().flat_map(|n| n.to_le_bytes()));
    wav.extend([1_u16, 8].iter().flat_map(|n| n.to_le_bytes()));
    wav.extend(b"data");
    wav.extend(SAMPLES.to_le_bytes());
    wav.resize(44 + SAMPLES as usize, 0x80);
    wav
}
