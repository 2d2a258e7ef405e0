//! The room from outside: rule text in, findings, plans and requests out.

mod actions;
mod apart;
mod far;
mod findings;
mod guide;
mod hours;
mod manual;
mod planning;
mod planted;
mod rehearsal;
mod rendering;
mod schema;
mod sense;
mod tables;
mod totality;
mod twin;

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::event::{Event, Kind};
use crate::hours::Locale;

/// A world with a time zone, a country, the credential `crm` and a table.
pub(super) fn world() -> World {
    let locale = Locale { timezone: Some(Tz::America__Toronto), country: Some("CA".to_owned()), dial: None };
    World {
        locale,
        credentials: vec!["crm".to_owned()],
        attached: Attached::Given(Arc::new(
            [Source::new("extensions.csv", "extension,night\n3001,4001\n")]
                .map(|file| (file.name.to_string(), file))
                .into(),
        )),
        now: "2026-12-07T15:00:00Z".parse().unwrap(),
    }
}

pub(super) fn try_compile(text: &str) -> Result<RuleSet, Report> {
    compile(&[Source::new("all.toml", text)], &world())
}

pub(super) fn rules(text: &str) -> RuleSet {
    try_compile(text).unwrap_or_else(|report| panic!("{report}"))
}

/// Everything that is found, errors and warnings.
pub(super) fn found(text: &str) -> Report {
    match try_compile(text) {
        Ok(rules) => rules.warnings().clone(),
        Err(report) => report,
    }
}

pub(super) fn event(kind: Kind, fields: Value) -> Event {
    Event {
        seq: 1,
        id: "p-1".into(),
        account: "main".into(),
        kind,
        time: "2026-12-07T15:00:00Z".parse().unwrap(),
        arrived: "2026-12-07T15:00:01Z".parse().unwrap(),
        lane: "call/1".into(),
        topic: "calls".to_owned(),
        method: "PUT".to_owned(),
        subject: "/calls/7".to_owned(),
        fields,
    }
}

/// A call from outside that rings at 3001.
pub(super) fn ringing() -> Event {
    event(
        Kind::CallRinging,
        json!({
            "call": {
                "id": "7", "endpoint": "3001", "from": "+16135550142", "direction": "inbound", "outside": true,
                "state": "ringing", "link": "/2017-09-01/calls/7"
            },
            "event": { "id": "p-1", "kind": "call.ringing", "time": "2026-12-07T15:00:00Z", "method": "PUT" },
            "account": { "id": "1", "name": "main" },
            "content": { "state": "ringing", "hops": 2, "note": null, "extraPbxData": { "id": "x" } },
        }),
    )
}

/// A message "hello" in the conversation c-1.
pub(super) fn message() -> Event {
    event(
        Kind::ChatMessage,
        json!({ "message": { "conversation": "c-1", "id": "m-1", "body": "hello", "sender": "u-1" }, "content": {} }),
    )
}

pub(super) fn names(plan: &Plan) -> Vec<String> {
    plan.runs.iter().map(|run| run.rule.name.to_string()).collect()
}

#[test]
fn a_rule_set_can_be_shared() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<RuleSet>();
    shared::<Scope>();
    let empty = Arc::new(RuleSet::default());
    assert!(empty.rules().is_empty() && empty.plan(&ringing()).runs.is_empty());
    assert_eq!(empty.hash().len(), 16);
}
