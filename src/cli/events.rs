//! `switchhook events`: what came, what each rule made of it, what was done, when. It reads the journal beside a running
//! daemon, or without one.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Local};
use serde_json::{Value, json};

use super::{Config, complain, say};
use crate::daemon::desk::own::{Own, Why};
use crate::daemon::told::{publication, rfc3339};
use crate::dispatch::fate;
use crate::journal::embedded::Reader;
use crate::journal::{Claim, Error, Range};
use crate::record::{self, Attempted, Decision};
use crate::rules::Failure;

/// How often the journal is looked at when following.
const LOOK: Duration = Duration::from_millis(200);
/// How many publications are read at once when following.
const PAGE: usize = 200;
/// How many open ones are watched for their end.
const WATCHED: usize = 5_000;

/// Arguments of `events`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: Config,
    /// Go on with what comes; each event is shown when it is done
    #[arg(long, short)]
    follow: bool,
    /// How many of the newest to show
    #[arg(long, short = 'n', default_value_t = 20)]
    newest: usize,
    /// Print one JSON object per event
    #[arg(long)]
    json: bool,
}

/// Prints events.
pub(super) fn run(args: &Args) -> ExitCode {
    let desk = match args.config.desk() {
        Ok(desk) => desk,
        Err(code) => return code,
    };
    let shown = Reader::open(&desk.state)
        .map_err(|error| error.to_string())
        .and_then(|reader| show(args, &reader).map_err(|error| error.to_string()));
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            complain(&format!("the journal in {} can't be read: {why}", desk.state.display()));
            ExitCode::from(3)
        }
    }
}

fn show(args: &Args, reader: &Reader) -> Result<(), Error> {
    let claims = reader.scan(Range::Newest(args.newest.max(1)))?;
    let mut last = claims.last().map_or(0, |claim| claim.seq);
    let mut open = BTreeSet::new();
    for claim in claims {
        if args.follow && !is_done(&claim) {
            open.insert(claim.seq);
        }
        print(args, &claim);
    }
    if !args.follow {
        return Ok(());
    }
    loop {
        std::thread::sleep(LOOK);
        let new = reader.scan(Range::After(last, PAGE))?;
        last = new.last().map_or(last, |claim| claim.seq);
        open.extend(new.iter().map(|claim| claim.seq));
        for seq in open.clone() {
            let claim = reader.scan(Range::One(seq))?.pop();
            if claim.as_ref().is_none_or(is_done) || open.len() > WATCHED {
                open.remove(&seq);
                if let Some(claim) = &claim {
                    print(args, claim);
                }
            }
        }
    }
}

fn is_done(claim: &Claim) -> bool {
    claim.history.iter().any(|line| line.last)
}

fn print(args: &Args, claim: &Claim) {
    if args.json { say(&as_json(claim).to_string()) } else { say(&for_people(claim)) }
}

/// An event as JSON.
pub(super) fn as_json(claim: &Claim) -> Value {
    let (decision, _) = record::past(&claim.history);
    let lines = claim.history.iter().filter(|line| !line.run.is_empty()).map(|line| {
        let record: Attempted = record::read(&line.bytes);
        json!({ "rule": &*line.run, "fate": &*line.fate, "at": rfc3339(line.at), "due": line.due.map(rfc3339), "record": record })
    });
    let lines: Vec<Value> = lines.collect();
    let mut event = json!({ "seq": claim.seq, "arrived": rfc3339(claim.arrived), "id": &*claim.entry.id, "verified_by": &*claim.entry.source,
            "lane": &*claim.entry.lane, "done": is_done(claim), "decision": decision, "outcomes": lines, "publication": publication(claim) });
    if let Some(own) = Own::of(claim) {
        let about = Own::about(claim);
        let (key, why) = match own.why {
            Why::Retry { rule, .. } => ("again", json!({ "letter": about, "rule": rule })),
            Why::Replay { rules } => ("again", json!({ "seq": about, "rules": rules })),
            Why::Due { ref rule, due } => {
                ("for", json!({ "publication": own.id(), "rule": rule, "due": rfc3339(due) }))
            }
            Why::Tick { rule, due } => ("called", json!({ "rule": rule, "due": rfc3339(due) })),
            Why::Call { due, .. } => ("call", json!({ "due": rfc3339(due) })),
            Why::Event => ("own", json!(true)),
        };
        event[key] = why;
    }
    event
}

/// Why a publication of our own comes again.
fn again(own: &Own, claim: &Claim) -> Option<String> {
    let number = Own::about(claim).map(|number| number.to_string()).unwrap_or_default();
    Some(match &own.why {
        Why::Retry { rule, .. } => format!("    again: dead letter {number}, {rule}"),
        Why::Replay { rules } if rules.is_empty() => format!("    again: replay of #{number}"),
        Why::Replay { rules } => format!("    again: replay of #{number} for {}", rules.join(", ")),
        Why::Due { rule, .. } => format!("    the `for` of the rule {rule} is over"),
        Why::Tick { rule, due } => {
            format!("    the schedule of the rule {rule}, for {}", local(*due, "%Y-%m-%d %H:%M:%S"))
        }
        // What becomes of the call is noted.
        Why::Call { .. } | Why::Event => return None,
    })
}

/// An event in a few lines.
pub(super) fn for_people(claim: &Claim) -> String {
    let (publication, own) = (publication(claim), Own::of(claim));
    let (decision, _) = record::past(&claim.history);
    let kind = decision.as_ref().map_or("not yet planned", |decision| decision.kind.as_str());
    let subject = publication.get("subject").and_then(Value::as_str).unwrap_or("no subject");
    let mut lines = vec![format!(
        "{}  {kind}  {subject}  #{} by {}",
        local(claim.arrived, "%Y-%m-%d %H:%M:%S%.3f"),
        claim.seq,
        claim.entry.source
    )];
    lines.extend(gist(&publication).map(|gist| format!("    {gist}")));
    lines.extend(own.iter().filter_map(|own| again(own, claim)));
    lines.extend(decision.iter().flat_map(|decision| verdicts(decision, own.as_ref().is_some_and(Own::came_again))));
    lines.extend(claim.history.iter().filter(|line| !line.run.is_empty()).map(|line| {
        let record: Attempted = record::read(&line.bytes);
        outcome(&line.run, &line.fate, line.at - claim.arrived, line.due.map(|due| due - line.at), &record)
    }));
    if !is_done(claim) {
        lines.push("    … not done yet".to_owned());
    }
    lines.join("\n")
}

/// Who calls whom, or what is written.
pub(super) fn gist(publication: &Value) -> Option<String> {
    let content = publication.get("content")?;
    let text = |key: &str| content.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(body) = text("body") {
        return Some(format!("\"{}\"", body.chars().take(60).collect::<String>().escape_debug()));
    }
    let (from, to) = (text("from").unwrap_or("withheld"), text("to")?);
    Some(format!("{from} calls {to}"))
}

/// A time in milliseconds since 1970, as the clock of this machine shows it.
fn local(millis: i64, pattern: &str) -> String {
    DateTime::from_timestamp_millis(millis).unwrap_or_default().with_timezone(&Local).format(pattern).to_string()
}

/// That something comes again is told with what comes again.
fn verdicts(decision: &Decision, came_again: bool) -> Vec<String> {
    let note = decision.note.iter().filter(|_| !came_again).map(|note| format!("    {note}"));
    let failed = decision.verdicts.iter().filter_map(|verdict| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (rule, finding) = (text(&verdict["rule"]), &verdict["finding"]);
        if let Some(failure) = finding.get("failed") {
            let (path, wanted, got) = (text(&failure["path"]), text(&failure["wanted"]), text(&failure["got"]));
            return Some(format!("    - {rule}: {}", Failure::in_words(&path, &wanted, &got)));
        }
        finding.get("superseded").map(|by| format!("    - {rule}: {} acts in its place", text(&by["by"])))
    });
    note.chain(failed).collect()
}

fn outcome(rule: &str, fate: &str, after: i64, due: Option<i64>, record: &Attempted) -> String {
    let what = record.request.as_ref().map_or_else(|| record.action.clone(), brief);
    let why = record.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    let again = due.map(|due| format!(", again in {due} ms")).unwrap_or_default();
    let fate = match fate {
        fate::STEP => "done",
        fate::RETRY => "failed for now",
        fate::ATTEMPT => "begun",
        other => other,
    };
    format!("    + {rule}: {what} {fate}{why}{again} (+{after} ms, took {} ms)", record.took_ms).replace(":  ", ": ")
}

/// What a step asks for, in a few words.
pub(super) fn brief(request: &crate::rules::request::Request) -> String {
    use crate::rules::request::Request;
    match request {
        Request::Redirect { to, .. } => format!("redirect to {to}"),
        Request::Reply { text, .. } => format!("reply \"{}\"", text.chars().take(60).collect::<String>()),
        Request::Http(http) => format!("http {} {}", format!("{:?}", http.method).to_lowercase(), http.url),
        Request::Log { message, .. } => format!("log \"{}\"", message.chars().take(60).collect::<String>()),
        other => {
            let arguments = Value::Object(other.arguments()).to_string();
            format!("{} {}", other.action(), arguments.chars().take(100).collect::<String>())
        }
    }
}
