//! `switchhook explain`: what the rules make of an event, without acting.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{Config, complain, say};
use crate::daemon;
use crate::event::{Event, Opened, publication};
use crate::hours::moment;
use crate::kit::clock::Clock;
use crate::numbers::Numbers;
use crate::rules::{Finding, RuleSet, Scope};
use crate::settings::Desk;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: Config,
    /// A file with a publication, in any shape that a webhook may have
    #[arg(required_unless_present = "call", conflicts_with = "call")]
    event: Option<PathBuf>,
    /// A typical inbound call that rings at this extension
    #[arg(long, value_name = "EXTENSION", requires = "from")]
    call: Option<String>,
    /// The caller of that call
    #[arg(long, value_name = "NUMBER")]
    from: Option<String>,
    /// When it happens: `2026-12-25 10:00` (in the zone of `[locale]`) or with an offset [default: the event's own time]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Prints each rule with its verdict, and for those that match what would be asked for.
pub(super) fn run(args: &Args) -> ExitCode {
    let desk = match args.config.desk() {
        Ok(desk) => desk,
        Err(code) => return code,
    };
    match explain(args, desk) {
        Ok(text) => {
            say(&text);
            ExitCode::SUCCESS
        }
        Err((code, text)) => {
            complain(&text);
            ExitCode::from(code)
        }
    }
}

fn explain(args: &Args, desk: Desk) -> Result<String, (u8, String)> {
    let world = desk.world(Clock::system().now());
    let rules = daemon::compile(&desk.rules.path, &world).map_err(|report| (1, report.render(false)))?;
    let at = args.at.as_deref().map(|text| moment::read(text, rules.zone())).transpose().map_err(|why| (2, why))?;
    let documents = documents(args, at)?;
    let events = documents.into_iter().map(|document| event(&document, at, rules.numbers()));
    let told: Vec<Value> = events.map(|event| tell(&rules, &event)).collect();
    if args.json {
        let all = if let [one] = told.as_slice() { one.clone() } else { Value::Array(told) };
        return Ok(serde_json::to_string_pretty(&all).unwrap_or_default());
    }
    Ok(told.iter().map(for_people).collect::<Vec<_>>().join("\n\n"))
}

fn documents(args: &Args, at: Option<DateTime<Utc>>) -> Result<Vec<publication::Publication>, (u8, String)> {
    let bytes = match (&args.event, &args.call) {
        (Some(path), _) => {
            std::fs::read(path).map_err(|error| (2, format!("can't read {}: {error}", path.display())))?
        }
        (None, Some(extension)) => typical_call(extension, args.from.as_deref().unwrap_or_default(), at).into_bytes(),
        (None, None) => return Err((2, "name a file with an event, or --call and --from".to_owned())),
    };
    publication::decode(&bytes).map_err(|error| (2, format!("can't use the event: {error}")))
}

fn typical_call(extension: &str, from: &str, at: Option<DateTime<Utc>>) -> String {
    let path = format!("/2017-09-01/endpoints/{extension}/calls/1");
    let at = at.unwrap_or_else(|| Clock::system().now());
    json!({
        "publicationId": "explained", "topic": "platform-api-media", "method": "PUT", "subject": path,
        "content": { "state": "ringing", "cause": "newCall", "direction": "inbound", "endpointId": extension, "from": from,
                     "to": extension, "timestamp": at.timestamp_millis(), "_links": { "self": path } },
    })
    .to_string()
}

fn event(document: &publication::Publication, at: Option<DateTime<Utc>>, numbers: &Numbers) -> Event {
    let arrived = at.unwrap_or_else(|| Clock::system().now()).timestamp_millis();
    let opened = Opened::new(1, &"main".into(), &document.id, &Arc::clone(&document.lane), arrived, &document.body);
    let mut event = opened.resolve(None, numbers).event;
    event.time = at.unwrap_or(event.time);
    event
}

/// Everything about one event, as JSON; the human text is made of it.
fn tell(rules: &RuleSet, event: &Event) -> Value {
    let plan = rules.plan(event);
    let verdicts: Vec<Value> = rules.explain(event).iter().map(|verdict| match &verdict.finding {
        Finding::Waits => json!({ "rule": &*verdict.rule, "verdict": "waits" }),
        Finding::Matched => json!({ "rule": verdict.rule, "verdict": "matched" }),
        Finding::Superseded { by } => json!({ "rule": verdict.rule, "verdict": "superseded", "by": by }),
        Finding::Failed(failure) => {
            json!({ "rule": verdict.rule, "verdict": "failed", "condition": failure.path, "wanted": failure.wanted, "got": failure.got })
        }
    }).collect();
    let acts: Vec<Value> = plan
        .runs
        .iter()
        .flat_map(|run| {
            let scope = Scope::new(rules, event, &run.bindings, &Map::new(), event.time);
            run.rule.steps.iter().map(move |step| {
                let asked = match step.render(&scope) {
                    _ if step.is_for_each() => json!({ "for_each": "its items are known when it runs" }),
                    Ok(Some(request)) => serde_json::to_value(request).unwrap_or_default(),
                    Ok(None) => json!({ "skipped": "its condition does not hold" }),
                    Err(error) => json!({ "failed": error.to_string() }),
                };
                json!({ "rule": run.rule.name, "step": step.action(), "asks": asked })
            })
        })
        .collect();
    let views = event
        .kind
        .views()
        .iter()
        .map(|(name, _)| ((*name).to_owned(), event.fields.get(*name).cloned().unwrap_or_default()));
    let views: Map<String, Value> = views.collect();
    json!({ "event": event.fields.get("event"), "kind": event.kind.as_str(), "time": event.time.to_rfc3339(), "views": views,
            "rules": verdicts, "acts": acts, "rule_set": rules.hash() })
}

fn for_people(told: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut lines = vec![format!("{} at {}", text(&told["kind"]), text(&told["time"]))];
    for (name, view) in told["views"].as_object().into_iter().flatten() {
        let fields = view.as_object().into_iter().flatten();
        lines.extend(fields.map(|(key, value)| format!("  {name}.{key} = {}", text(value))));
    }
    lines.push(String::new());
    for verdict in told["rules"].as_array().into_iter().flatten() {
        let rule = text(&verdict["rule"]);
        lines.push(match verdict["verdict"].as_str() {
            Some("matched") => format!("+ {rule}: matches"),
            Some("waits") => format!("+ {rule}: begins to wait, acts when its `for` is over"),
            Some("superseded") => format!("- {rule}: matches, but {} acts in its place", text(&verdict["by"])),
            _ => format!(
                "- {rule}: {} wants {}, has {}",
                text(&verdict["condition"]),
                text(&verdict["wanted"]),
                text(&verdict["got"])
            ),
        });
    }
    let acts = told["acts"].as_array().into_iter().flatten();
    let acts: Vec<String> = acts.map(|act| format!("  {}: {}", text(&act["rule"]), act["asks"])).collect();
    lines.push(String::new());
    lines.push(if acts.is_empty() { "nothing would be done".to_owned() } else { "would be done:".to_owned() });
    lines.extend(acts);
    lines.join("\n")
}
