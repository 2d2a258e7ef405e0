//! How steps with items, and attempts that did not work, go on.

use serde_json::json;

use super::*;
use crate::event::Kind;
use crate::journal::Line;
use crate::language::Source;
use crate::record::{self, Past};
use crate::rules::request::Format;
use crate::rules::{World, compile};

fn begin(steps: &str, past: Past) -> Run {
    let text = format!("[[rule]]\nname = \"r\"\non = \"call.ended\"\ndo = [{steps}]\n");
    let rules = Arc::new(compile(&[Source::new("all.toml", text)], &World::default()).unwrap());
    let event = Event {
        seq: 1,
        id: "p-1".into(),
        account: "main".into(),
        kind: Kind::CallEnded,
        time: "2026-12-07T15:00:00Z".parse().unwrap(),
        arrived: "2026-12-07T15:00:00Z".parse().unwrap(),
        lane: "call/1".into(),
        topic: String::new(),
        method: String::new(),
        subject: String::new(),
        fields: json!({ "call": { "from": "+1" }, "content": { "list": ["a", "b", "c"], "none": [] } }),
    };
    let Past { step, request, results, each, .. } = past;
    let progress = Progress { step, request, results, each, ..Progress::default() };
    let rule = Arc::clone(&rules.rules()[0]);
    Run { rules, rule, event: Arc::new(event), progress, scope: None, told: false }
}

fn ready(run: &mut Run) -> Option<String> {
    match run.render(&Clock::system()).unwrap() {
        Ready::Go(request) => {
            run.progress.request = Some(*request.clone());
            request.arguments()["message"].as_str().map(str::to_owned)
        }
        Ready::LeftOut => Some("left out".to_owned()),
        Ready::NoItem => None,
    }
}

fn done(run: &mut Run, n: u64) -> Carried {
    run.settle(Outcome::Done { result: json!({ "ok": true, "n": n }) }, 0, false, Duration::ZERO)
}

fn again(run: &mut Run, number: u32) -> Carried {
    let (error, why) = (ErrorWord::Status, "x".to_owned());
    let outcome = Outcome::Retry { after: None, error, why, unknown: false, result: json!({ "ok": false }) };
    run.settle(outcome, number, false, Duration::ZERO)
}

fn line(carried: Carried) -> Line {
    let (fate, bytes) = match carried {
        Carried::Next { record } => ("step", record),
        Carried::Ended { fate, record } => (fate, record),
        Carried::Wait { record, .. } => ("retry", record),
    };
    Line { seq: 1, run: "r".into(), fate: fate.into(), at: 0, due: None, last: false, bytes }
}

fn past(lines: &[Line]) -> Past {
    record::past(lines).1.remove("r").unwrap()
}

const ITEMS: &str = r#"{ each = "content.list", log = { message = "{{ item }}" }, as = "all" }, { log = { message = "{{ all | map(attribute='of') | join }} {{ all[2].ok }}" } }"#;

#[test]
fn after_a_crash_no_item_that_is_done_is_done_again() {
    // Crashed after so many items, and perhaps in an attempt at the next.
    for (items, tried) in [(0, true), (1, false), (1, true), (2, false), (2, true)] {
        let mut run = begin(ITEMS, Past::default());
        let mut lines = Vec::new();
        for n in 0..items {
            ready(&mut run).unwrap();
            lines.push(line(done(&mut run, n)));
        }
        if tried {
            ready(&mut run).unwrap();
            lines.push(line(again(&mut run, 0)));
        }
        let mut run = begin(ITEMS, past(&lines));
        let mut seen = Vec::new();
        while run.progress.step == 0 {
            match &run.progress.request {
                Some(request) => seen.push(request.arguments()["message"].as_str().unwrap().to_owned()),
                None => seen.push(ready(&mut run).unwrap()),
            }
            lines.push(line(done(&mut run, 7)));
        }
        let rest: Vec<&str> = ["a", "b", "c"].into_iter().skip(items as usize).collect();
        assert_eq!(seen, rest, "{items} {tried}");
        assert_eq!(ready(&mut run).unwrap(), "abc true");
        // The lines of both lives tell the same.
        let mut run = begin(ITEMS, past(&lines));
        assert_eq!(ready(&mut run).unwrap(), "abc true");
        assert_eq!(run.progress.results["all"][0]["n"], if items > 0 { 0 } else { 7 });
    }
}

#[test]
fn a_shelved_run_finds_its_items_again() {
    let mut run = begin(ITEMS, Past::default());
    ready(&mut run);
    let shelved: Shelved = record::read(&run.shelve());
    let mut progress = shelved.progress;
    assert_eq!(progress.each.as_ref().map(|each| each.items.len()), Some(3), "nothing of it is in the journal");
    assert!(Run::find_items(&mut progress, None));
    let first = line(done(&mut run, 0));
    ready(&mut run);
    let shelved: Shelved = record::read(&run.shelve());
    let mut progress = shelved.progress;
    assert!(progress.each.as_ref().unwrap().items.is_empty());
    assert!(!Run::find_items(&mut progress, None), "the line is not there yet");
    assert!(Run::find_items(&mut progress, past(&[first]).each));
    assert_eq!(progress.each.unwrap().item(), Some(&json!("b")));
}

#[test]
fn an_item_that_fails_ends_the_run_or_not() {
    let mut run = begin(ITEMS, Past::default());
    ready(&mut run);
    let failed =
        |run: &mut Run| run.failed("status", "x", json!({ "ok": false, "error": "status" }), 0, Duration::ZERO);
    assert!(matches!(failed(&mut run), Carried::Ended { fate: fate::FAILED, .. }));
    let mut run = begin(&ITEMS.replace("as =", "on_error = \"continue\", as ="), Past::default());
    ready(&mut run);
    assert!(matches!(failed(&mut run), Carried::Next { .. }));
    assert_eq!(ready(&mut run).unwrap(), "b");
    let mut run = begin(&ITEMS.replace("content.list", "content.none"), Past::default());
    assert_eq!(ready(&mut run), None);
    let nothing = line(run.without_items());
    assert_eq!(past(&[nothing]).results["all"], json!([]));
    assert_eq!(ready(&mut run).unwrap(), " ");
}

#[test]
fn each_item_has_a_tag_of_its_own() {
    let mut run = begin(ITEMS, Past::default());
    let mut tags = std::collections::BTreeSet::new();
    for n in 0..3 {
        ready(&mut run);
        tags.insert(run.tag());
        done(&mut run, n);
    }
    tags.insert(run.tag());
    assert_eq!(tags.len(), 4);
}

#[test]
fn a_step_is_tried_again_as_often_as_it_says() {
    let waits = |beside: &str| {
        let mut run = begin(&format!("{{ log = {{ message = \"x\" }}{beside} }}, {{ end = {{}} }}"), Past::default());
        ready(&mut run);
        (0..5).take_while(|number| matches!(again(&mut run, *number), Carried::Wait { .. })).count()
    };
    assert_eq!(waits(""), 5);
    assert_eq!(waits(", retry = false"), 0);
    assert_eq!(waits(", retry = { max = 3 }"), 3);
    assert_eq!(waits(", on_error = \"continue\""), 0);
    assert_eq!(waits(", on_error = \"continue\", retry = { max = 2 }"), 2);
    let mut run = begin("{ log = { message = \"x\" }, retry = { max = 1, wait = \"2s\" } }", Past::default());
    ready(&mut run);
    let Carried::Wait { after, .. } = again(&mut run, 0) else { panic!() };
    assert_eq!(after, Some(Duration::from_secs(2)));
}

/// When no attempt is left, what may have been done is not called failed: neither if the last attempt leaves it open, nor if
/// one before it did.
#[test]
fn what_may_have_been_done_ends_as_unknown() {
    let end = |beside: &str, unknown: bool, doubtful: bool| {
        let mut run = begin(&format!("{{ log = {{ message = \"x\" }}, {beside} }}"), Past::default());
        ready(&mut run);
        let (error, why) = (ErrorWord::Timeout, "put x: could not wait".to_owned());
        let outcome = Outcome::Retry { after: None, error, why, unknown, result: json!({ "ok": false }) };
        let Carried::Ended { fate, record } = run.settle(outcome, 1, doubtful, Duration::ZERO) else { panic!() };
        let record: Attempted = record::read(&record);
        (fate, record.error.unwrap(), record.why.unwrap(), record.unsure)
    };
    let failed = (fate::FAILED, "timeout".to_owned(), "put x: could not wait".to_owned(), false);
    let why = "put x: could not wait; whether it was done is not known".to_owned();
    let unknown = (fate::UNKNOWN, "timeout".to_owned(), why, true);
    for beside in ["retry = { max = 1 }", "on_error = \"continue\""] {
        assert_eq!(end(beside, false, false), failed);
        assert_eq!(end(beside, true, false), unknown);
        assert_eq!(end(beside, false, true), unknown);
    }
}

/// A no after an attempt of which nothing is known may come because that one was done. What is looked for before it is
/// done again was not.
#[test]
fn a_refusal_after_a_doubt_is_no_failure() {
    let end = |request: Request, doubtful: bool| {
        let mut run = begin("{ log = { message = \"x\" } }", Past::default());
        run.progress.request = Some(request);
        let (error, why) = (ErrorWord::Status, "put x: 409".to_owned());
        let outcome = Outcome::Failed { error, why, result: json!({ "ok": false }) };
        let Carried::Ended { fate, .. } = run.settle(outcome, 1, doubtful, Duration::ZERO) else { panic!() };
        fate
    };
    let redirect = || Request::Redirect { call: "/endpoints/3001/calls/7".into(), to: "4001".into() };
    assert_eq!(end(redirect(), false), fate::FAILED);
    assert_eq!(end(redirect(), true), fate::UNKNOWN);
    let reply = Request::Reply { conversation: "c".into(), text: "x".into(), format: Format::Text };
    assert_eq!(end(reply, true), fate::FAILED);
}
