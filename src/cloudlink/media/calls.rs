//! Calls: to make, to control, to look at; and the records of those that are over.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::{Method, StatusCode};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::cloudlink::client::{self, Api, CloudLink};
use crate::cloudlink::error::Error;
use crate::cloudlink::object::object;
use crate::cloudlink::paging::{Items, Paging};
use crate::cloudlink::places::Place;
use crate::cloudlink::query::Query;
use crate::cloudlink::{path, verbs};

object! {
    /// A call \[C, SW\], or the record of one.
    Call {
        /// In notifications and lists a path; see [`Call::id`].
        call_id: String = "callId",
        /// `ringing`, `connected`, `held`, `completed`, …; an open set.
        state: String = "state",
        /// `newCall`, `redirected`, `transfer`, …; an open set.
        cause: String = "cause",
        /// `inbound` or `outbound`, seen from the endpoint.
        direction: String = "direction",
        site_id: String = "siteId",
        account_id: String = "accountId",
        user_id: String = "userId",
        from: String = "from",
        from_name: String = "fromName",
        /// Whether `from` is a number in the international form.
        from_is_e164: bool = "fromNumberE164",
        from_principal_id: String = "fromPrincipalId",
        to: String = "to",
        to_name: String = "toName",
        /// Whether `to` is a number in the international form.
        to_is_e164: bool = "toNumberE164",
        to_principal_id: String = "toPrincipalId",
        /// An object in real notifications, a text in the specification; see [`Call::pbx`].
        extra_pbx_data: Value = "extraPbxData",
        created_on: DateTime<Utc> = "createdOn",
        /// In records.
        end_time: DateTime<Utc> = "endTime",
        /// In records: answered and ended.
        completed: bool = "completed",
        /// In records, in seconds.
        ring_time: u64 = "ringTime",
        /// In records, in seconds.
        billing_time: u64 = "billingTime",
    }

    /// What a new call may be given besides its destination \[C, SW\].
    CallOptions {
        from: String = "from",
        from_name: String = "fromName",
        record: bool = "record",
        /// In seconds, 0 to 120: sent as a number, as the specification has it.
        originate_timeout: u64 = "originateTimeout",
        success_url: String = "successUrl",
        failure_url: String = "failureUrl",
        /// An id of our own, to track the call by.
        associated_call_id: String = "associatedCallId",
        /// `bridge`.
        execute_on_answer: String = "executeOnAnswer",
    }
}

impl Call {
    /// Whether it still rings, so that it can be redirected.
    pub fn rings(&self) -> bool {
        self.is(&["ringing"])
    }

    /// Whether two parties talk.
    pub fn talks(&self) -> bool {
        self.is(&["connected"])
    }

    /// Whether it is over: `completed` in the specification, `ended` in the guides, `idle` too.
    pub fn is_over(&self) -> bool {
        self.is(&["completed", "ended", "idle"])
    }

    /// The id that routes take: the last segment of the call's own link, else of its `callId`.
    pub fn id(&self) -> Option<&str> {
        let link = self.rest.get("_links").map(|links| &links["self"]);
        let link = link.and_then(|link| link.as_str().or_else(|| link["href"].as_str()));
        let path = link.map(|link| link.split(['?', '#']).next().unwrap_or_default());
        path.or(self.call_id.as_deref())?.rsplit('/').find(|part| !part.is_empty())
    }

    /// The PBX's own data, whichever way it came.
    pub fn pbx(&self) -> Option<Value> {
        match self.extra_pbx_data.as_ref()? {
            Value::String(text) => serde_json::from_str(text).ok(),
            data => Some(data.clone()),
        }
    }

    fn is(&self, states: &[&str]) -> bool {
        self.state.as_deref().is_some_and(|state| states.iter().any(|known| state.eq_ignore_ascii_case(known)))
    }
}

/// What is to be done with a call \[C, SW; redirect: C, G, T\]. The examples and Mitel's sample say `destination` where
/// the specification's text says `args`, which is left out unless it is all there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are what the action names")]
pub enum Control<'a> {
    /// Only while it rings.
    Redirect { destination: &'a str },
    /// Picks it up.
    Answer,
    /// Hangs up.
    End,
    /// A toggle: look first whether it is connected.
    Hold,
    /// Takes it from hold.
    Retrieve,
    /// Transfers it without asking.
    BlindTransfer { destination: &'a str },
    /// Calls somebody while it is held.
    Consult { destination: &'a str },
    /// Joins it to the other call and leaves; the guide's examples have its id in `callId`, the specification in `args`.
    SupervisedTransfer { other: &'a str },
    /// Joins the consultation call and the held one.
    Conference,
    /// Dials digits.
    Dtmf { digits: &'a str },
    /// Stops recording for a while.
    PauseRecording,
    /// Goes on recording.
    ResumeRecording,
    /// Labels the recording; JSON in a text.
    TagRecording { tag: &'a str },
}

/// In this order and no more: unknown fields are refused in many bodies \[C\].
#[derive(Serialize)]
struct Body<'a> {
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<&'a str>,
    #[serde(rename = "callId", skip_serializing_if = "Option::is_none")]
    call: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<&'a str>,
}

impl Serialize for Control<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let plain = |action| Body { action, destination: None, call: None, args: None };
        match *self {
            Self::Redirect { destination } => Body { destination: Some(destination), ..plain("redirect") },
            Self::Answer => plain("answer"),
            Self::End => plain("end"),
            Self::Hold => plain("hold"),
            Self::Retrieve => plain("retrieve"),
            Self::BlindTransfer { destination } => Body { destination: Some(destination), ..plain("blindTransfer") },
            Self::Consult { destination } => Body { destination: Some(destination), ..plain("consult") },
            Self::SupervisedTransfer { other } => {
                Body { call: Some(other), args: Some(other), ..plain("supervisedTransfer") }
            }
            Self::Conference => plain("conference"),
            Self::Dtmf { digits } => Body { args: Some(digits), ..plain("dtmf") },
            Self::PauseRecording => plain("pauseRecording"),
            Self::ResumeRecording => plain("resumeRecording"),
            Self::TagRecording { tag } => Body { args: Some(tag), ..plain("tagRecording") },
        }
        .serialize(to)
    }
}

impl CloudLink {
    /// Redirects a ringing call: [`Control::Redirect`]. `call` is its own path as CloudLink sent it, with or without the
    /// version. The action is in the guide and the tutorial, not in the specification \[C, G, T\]. Success (200, or 202:
    /// accepted) is only proven by the notification that follows.
    pub async fn redirect(&self, call: &str, to: &str, timeout: Duration) -> Result<StatusCode, Error> {
        self.control(call, Control::Redirect { destination: to }, timeout).await
    }

    /// Does something with a call, which is addressed by its own path. 200 and 202 alike prove nothing: the notification
    /// that follows does. What a 504 or a broken connection left behind is not known: look before repeating.
    pub async fn control(&self, call: &str, control: Control<'_>, timeout: Duration) -> Result<StatusCode, Error> {
        let url = self.call_url(call)?;
        let body = serde_json::to_vec(&control).map_err(|error| Error::unreadable(Api::Media, error))?;
        let (method, body) = (Method::PUT, Some(Bytes::from(body)));
        let what = if matches!(control, Control::Redirect { .. }) { "redirect" } else { "control a call" };
        let call = client::Call { api: Api::Media, method, url, body, timeout, what };
        Ok(self.call_api(call).await?.status)
    }

    /// Reads a call by its own path.
    pub async fn call(&self, call: &str, timeout: Duration) -> Result<Call, Error> {
        let url = self.call_url(call)?;
        let call = client::Call { api: Api::Media, method: Method::GET, url, body: None, timeout, what: "read a call" };
        verbs::read(Api::Media, self.call_api(call).await?, false)
    }

    /// The active calls of a phone \[C, SW\].
    pub fn calls(&self, endpoint: &str, query: &Query<'_>, paging: Paging) -> Items<Call> {
        self.list(Place::EndpointCalls, &[endpoint], query, paging)
    }

    /// Calls from a phone \[C, SW\].
    pub async fn make_call(
        &self,
        endpoint: &str,
        to: &str,
        options: &CallOptions,
        timeout: Duration,
    ) -> Result<Call, Error> {
        let mut body = Map::from_iter([("to".to_owned(), to.into())]);
        if let Ok(Value::Object(options)) = serde_json::to_value(options) {
            body.extend(options);
        }
        self.send(Method::POST, Place::EndpointCalls, &[endpoint], &body, timeout).await
    }

    /// All calls that we may see; not in the specification \[P\].
    pub fn all_calls(&self, query: &Query<'_>, paging: Paging) -> Items<Call> {
        self.list(Place::Calls, &[], query, paging)
    }

    /// The history; of one person by the filter `contains(principal, '…')` \[C, SW\].
    pub fn call_records(&self, query: &Query<'_>, paging: Paging) -> Items<Call> {
        self.list(Place::CallRecords, &[], query, paging)
    }

    /// Hides what the filter lets through from the history \[C, SW\].
    pub async fn hide_call_records(&self, query: &Query<'_>, timeout: Duration) -> Result<(), Error> {
        let hide = json!({ "hide": true });
        self.exchange(Method::PUT, Place::CallRecords, &[], query, &hide, timeout).await.map(drop)
    }

    /// The history of one call, whose id is a GUID here \[C, F103\].
    pub fn records_of_call(&self, call: &str, query: &Query<'_>, paging: Paging) -> Items<Call> {
        self.list(Place::RecordsOfCall, &[call], query, paging)
    }

    /// Hides one call from the history.
    pub async fn hide_records_of_call(&self, call: &str, timeout: Duration) -> Result<(), Error> {
        self.change(Method::PUT, Place::RecordsOfCall, &[call], &json!({ "hide": true }), timeout).await
    }

    fn call_url(&self, call: &str) -> Result<url::Url, Error> {
        path::call(self.base(Api::Media)?, call).map_err(|why| Error::Address { what: "the call", why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_written_as_the_service_takes_them() {
        for (control, body) in [
            (Control::Redirect { destination: "4001" }, r#"{"action":"redirect","destination":"4001"}"#),
            (Control::Answer, r#"{"action":"answer"}"#),
            (Control::End, r#"{"action":"end"}"#),
            (Control::Hold, r#"{"action":"hold"}"#),
            (Control::Retrieve, r#"{"action":"retrieve"}"#),
            (Control::BlindTransfer { destination: "+1" }, r#"{"action":"blindTransfer","destination":"+1"}"#),
            (Control::Consult { destination: "7" }, r#"{"action":"consult","destination":"7"}"#),
            (Control::SupervisedTransfer { other: "9" }, r#"{"action":"supervisedTransfer","callId":"9","args":"9"}"#),
            (Control::Conference, r#"{"action":"conference"}"#),
            (Control::Dtmf { digits: "1#" }, r#"{"action":"dtmf","args":"1#"}"#),
            (Control::PauseRecording, r#"{"action":"pauseRecording"}"#),
            (Control::ResumeRecording, r#"{"action":"resumeRecording"}"#),
            (Control::TagRecording { tag: "{\"a\":1}" }, r#"{"action":"tagRecording","args":"{\"a\":1}"}"#),
        ] {
            assert_eq!(serde_json::to_string(&control).unwrap(), body);
        }
    }

    #[test]
    fn a_calls_id_and_state() {
        let read = |value: Value| serde_json::from_value::<Call>(value).unwrap();
        let call =
            read(json!({ "callId": "endpoints/1/calls/2", "_links": { "self": "/2017-09-01/endpoints/1/calls/3?a" } }));
        assert_eq!(call.id(), Some("3"));
        let call = read(
            json!({ "callId": "endpoints/1/calls/2", "state": "ENDED", "_links": {}, "extraPbxData": "{\"a\":1}" }),
        );
        assert!(call.id() == Some("2") && call.is_over() && !call.rings() && call.pbx() == Some(json!({ "a": 1 })));
        assert_eq!(read(json!({ "callId": 7 })).id(), Some("7"));
    }
}
