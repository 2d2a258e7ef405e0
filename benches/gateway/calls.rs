//! Ringing calls as CloudLink would post them: each its own publication and call, signed, ready to be written to a socket.
use std::io::Write as _;
use std::ops::Range;

use chrono::{DateTime, SecondsFormat, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The applicationId, which is the key of the signature.
pub(crate) const APPLICATION: &str = "9f1c2b3a-0000-4000-8000-000000000001";
/// Where notifications are posted.
pub(crate) const PATH: &str = "/notify";
/// The phone that rings, and the one to which its calls are redirected.
pub(crate) const RINGS: &str = "3001";
pub(crate) const REDIRECTED_TO: &str = "4001";

/// Call ids have eight digits; the first of a round is this one.
const FIRST_ID: usize = 10_000_000;

/// Requests one after the other in one piece of memory, so that sending one costs no allocation.
pub(crate) struct Calls {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    pub(crate) body_length: usize,
}

impl Calls {
    pub(crate) fn sign(count: usize) -> Self {
        assert!(count < 90_000_000, "call ids have eight digits");
        let mut calls = Self { bytes: Vec::with_capacity(count * 1160), ends: vec![0], body_length: 0 };
        let now = now();
        let created = now.to_rfc3339_opts(SecondsFormat::Millis, true);
        let key = Hmac::<Sha256>::new_from_slice(APPLICATION.as_bytes()).expect("a key of any length");
        let mut body = String::new();
        for number in 0..count {
            body.clear();
            write_body(&mut body, number, &created, now.timestamp_millis());
            let mut mac = key.clone();
            mac.update(body.as_bytes());
            let signature = hex::encode(mac.finalize().into_bytes());
            write!(
                calls.bytes,
                "POST {PATH} HTTP/1.1\r\nhost: switchhook.bench\r\ncontent-type: application/json\r\n\
                 x-notify-signature: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
            .expect("memory takes it");
            calls.ends.push(calls.bytes.len());
        }
        calls.body_length = body.len();
        calls
    }

    pub(crate) fn request(&self, number: usize) -> &[u8] {
        let range: Range<usize> = self.ends[number]..self.ends[number + 1];
        &self.bytes[range]
    }
}

/// The number of the call that a path of its own names, `/2017-09-01/endpoints/3001/calls/10000007`.
pub(crate) fn number_in(path: &str) -> Option<usize> {
    let (before, id) = path.rsplit_once('/')?;
    if id.len() != 8 || !before.ends_with("/endpoints/3001/calls") {
        return None;
    }
    id.parse::<usize>().ok()?.checked_sub(FIRST_ID)
}

/// The real payload's shape and size (929 bytes); a line break here is none there.
fn write_body(out: &mut String, number: usize, created: &str, millis: i64) {
    let id = FIRST_ID + number;
    let text = format!(
        r#"{{"publicationId":"7a7c0f5e-0b1a-4a53-9c1e-{number:012x}","topic":"platform-api-media","method":"PUT",
"subject":"/2017-09-01/endpoints/{RINGS}/calls/{id}",
"content":{{"callId":"endpoints/{RINGS}/calls/{id}","endpointId":"{RINGS}","state":"ringing","cause":"newCall",
"direction":"inbound","from":"+16135550142","fromName":"","to":"{RINGS}","toName":"","createdOn":"{created}",
"timestamp":{millis},"eventId":"0d0f5b7e-3f1e-4e0a-8a55-{number:012x}","eventType":"CallStateNotification",
"isCtiEvent":true,"extraPbxData":{{"alertingDevice":"{RINGS}","calledDevice":"{RINGS}",
"eventType":"deliveredEvent","callTrackingID":"{millis}#{id}"}},
"_links":{{"self":"/2017-09-01/endpoints/{RINGS}/calls/{id}"}}}},
"publisher":{{"accountId":"10000495","principalId":"e3a0"}},
"subscription":{{"subscriptionId":"0f1e2d3c4b5a69788796a5b4c3d2e1f0"}},
"notification":{{"createdOn":"{created}","correlationId":"c6d2b-{number:012x}"}}}}"#
    );
    out.extend(text.lines());
}

#[expect(
    clippy::disallowed_methods,
    reason = "notifications carry the time of the day, and the bench has no clock handed in"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}
