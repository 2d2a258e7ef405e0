//! The rules that are measured, and the events that they are asked about.

use std::fmt::Write as _;

use serde_json::json;
use switchhook::event::{Event, Kind};
use switchhook::language::Source;

/// So many rules, spread over so many files.
pub(crate) fn sources(count: usize, files: usize) -> Vec<Source> {
    let each = count.div_ceil(files.max(1)).max(1);
    let texts = (0..count).step_by(each).map(|first| {
        let mut text = String::new();
        (first..count.min(first + each)).for_each(|at| rule(&mut text, at));
        text
    });
    texts.enumerate().map(|(at, text)| Source::new(format!("rules-{at:03}.toml"), text)).collect()
}

/// One rule, by its place.
fn rule(text: &mut String, at: usize) {
    let _ = write!(text, "[[rule]]\nname  = \"rule {at}\"\non    = \"call.ringing\"\n");
    let _ = match at % 20 {
        9 => write!(
            text,
            "where = {{ call.from = {{ prefix = \"{}\" }} }}\ndo    = [{{ log = {{ message = \"{{{{ call.from }}}} rang at {{{{ call.endpoint }}}}\" }} }}]\n",
            area(at)
        ),
        19 => write!(
            text,
            "where = {{ call.from = {{ regex = '^\\{}(?<line>\\d{{2,4}})$' }} }}\ndo    = [{{ log = {{ message = \"line {{{{ line }}}}\" }} }}]\n",
            area(at)
        ),
        _ => {
            let when = if at % 100 == 50 { "when  = \"call.outside and not call.from_name\"\n" } else { "" };
            write!(
                text,
                "where = {{ call.endpoint = \"{}\" }}\n{when}do    = [{{ redirect = {{ to = \"9{}\" }} }}]\n",
                extension(at),
                extension(at)
            )
        }
    };
    text.push('\n');
}

/// An extension of its own for each rule.
fn extension(at: usize) -> String {
    (200_000 + at).to_string()
}

/// The beginning of a number of its own for each rule.
fn area(at: usize) -> String {
    format!("+49{:06}", 300_000 + at)
}

/// Ringing calls; every other is from outside. With `hit` each rings where a rule waits for it, and every tenth comes from a
/// number that a rule is for.
pub(crate) fn events(rules: usize, hit: bool) -> Vec<Event> {
    (0..1000)
        .map(|at| {
            let place = at * 7919 % rules.max(1);
            let endpoint = if hit { extension(place) } else { format!("7{at:05}") };
            let from = if hit && at % 10 == 0 {
                format!("{}123", area(place / 10 * 10 + 9))
            } else {
                format!("+1613555{:04}", at % 10_000)
            };
            ringing(at, &endpoint, &from)
        })
        .collect()
}

fn ringing(at: usize, endpoint: &str, from: &str) -> Event {
    let time = "2026-12-07T15:00:00Z".parse().unwrap_or_default();
    let id = format!("2f6a0000-0000-4000-8000-{at:012}");
    let link = format!("/2017-09-01/calls/{endpoint}/{id}");
    let fields = json!({
        "call": {
            "id": id, "endpoint": endpoint, "from": from, "from_raw": from, "to": endpoint, "state": "ringing",
            "direction": "inbound", "cause": "newCall", "outside": at.is_multiple_of(2), "tracking_id": format!("t-{at}"), "link": link,
        },
        "event": {
            "id": id, "kind": "call.ringing", "time": "2026-12-07T15:00:00Z", "topic": "calls", "method": "PUT", "subject": link,
        },
        "account": { "id": "a-1", "name": "main" },
        "content": { "state": "ringing", "callId": id, "from": from, "to": endpoint, "siteId": "s-1" },
    });
    Event {
        seq: at as u64,
        id: id.as_str().into(),
        account: "main".into(),
        kind: Kind::CallRinging,
        time,
        arrived: time,
        lane: format!("main/call/{endpoint}/{id}").into(),
        topic: "calls".to_owned(),
        method: "PUT".to_owned(),
        subject: link,
        fields,
    }
}
