//! `switchhook replay`: recorded events once more. By default it tells what the rules on disk would make of them and does
//! nothing; with `--act` it asks the running daemon.

use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, Local};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::client::Gateway;
use super::explain::{self, Teller};
use super::{Config, OfAccount, complain, events, say};
use crate::daemon;
use crate::daemon::desk::own::{Own, account};
use crate::daemon::rehearsal::Replayer;
use crate::daemon::told::rfc3339;
use crate::event::{Event, Kind, Opened};
use crate::hours::moment;
use crate::journal::embedded::Reader;
use crate::journal::{Claim, Error, Range};
use crate::kit::clock::Clock;
use crate::numbers::Numbers;
use crate::record::{self, Attempted};
use crate::rules::RuleSet;
use crate::rules::rehearsal::Given;
use crate::settings::units;
use crate::telemetry::Metrics;

/// The most events at once.
const MOST: usize = 10_000;
/// How many positions are looked up at once.
const PAGE: usize = 500;
/// How many are sent to the daemon with one request: well below its largest body.
const SENT: usize = 1_000;

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    account: OfAccount,
    /// Events that arrived since: `2h` (ago), `2026-11-24T10:00` (in the zone of `[locale]`) or with an offset
    #[arg(long, value_name = "TIME")]
    since: String,
    /// And until [default: now]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// For this rule; may be given several times [default: all rules]
    #[arg(long = "rule", value_name = "NAME")]
    rules: Vec<String>,
    /// Events of this kind, such as call.ringing [default: all kinds]
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Act: the running gateway handles them again
    #[arg(long)]
    act: bool,
    /// Print as JSON, one object per event
    #[arg(long)]
    json: bool,
}

/// What was looked at.
#[derive(Default)]
struct Tally {
    events: usize,
    runs: usize,
    /// The positions of those for which a rule matches.
    matched: Vec<u64>,
    /// When the first one arrived that was too many.
    beyond: Option<i64>,
}

/// Prints what would be done, or has it done. 0: done; 1: findings in the rules, or no gateway does it; 2: bad usage or
/// settings; 3: the journal can't be read.
pub(super) fn run(args: &Args) -> ExitCode {
    match replay(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, why)) => {
            // What was said already is not said again.
            if !why.is_empty() {
                complain(&why);
            }
            code
        }
    }
}

type Failed = (ExitCode, String);

fn failed(code: u8, why: impl Into<String>) -> Failed {
    (ExitCode::from(code), why.into())
}

fn replay(args: &Args) -> Result<(), Failed> {
    let quietly = |code| (code, String::new());
    let (desk, account) = args.config.desk_of(&args.account).map_err(quietly)?;
    let gateway = if args.act { Some(Gateway::of(&args.config).map_err(quietly)?) } else { None };
    let at = Clock::system().now();
    let rules = daemon::compile(&account.rules, &desk.world(&account, at));
    let rules = rules.map_err(|report| failed(1, report.render(false)))?;
    let rules = Arc::new(rules);
    if let Some(unknown) = args.rules.iter().find(|name| rules.rule(name).is_none()) {
        return Err(failed(2, format!("there is no rule `{unknown}` in the account `{}`", account.name)));
    }
    let kind = args.kind.as_deref().map(str::parse::<Kind>).transpose();
    let kind = kind.map_err(|_| failed(2, format!("`{}` is no kind", args.kind.as_deref().unwrap_or_default())))?;
    let now = at.timestamp_millis();
    let since = time(&args.since, rules.zone(), now).map_err(|why| failed(2, format!("--since: {why}")))?;
    let until = args.until.as_deref().map_or(Ok(now), |until| time(until, rules.zone(), now));
    let until = until.map_err(|why| failed(2, format!("--until: {why}")))?;
    if let Some(gateway) = &gateway {
        same_rules(gateway, &account.name, &rules)?;
    }
    let reader = args.config.reader().map_err(quietly)?;
    let (nothing, metrics) = (Given::default(), Arc::new(Metrics::default()));
    let mut replayer = Replayer::new(&rules, &nothing, at, &metrics);
    let teller = Teller::new(&rules, &desk, &account, &nothing);
    let tally = look(args, &reader, &teller, &mut replayer, kind, [since, until])
        .map_err(|error| failed(3, format!("the journal can't be read: {error}")))?;
    if let Some(at) = tally.beyond {
        complain(&format!(
            "more than {MOST} events at once: those from {} on are left out; go on with --since there",
            rfc3339(at)
        ));
    }
    let counts =
        format!("{} event(s), {} with rules that match, {} run(s)", tally.events, tally.matched.len(), tally.runs);
    match gateway {
        Some(gateway) => act(args, &gateway, &tally, &counts),
        None if args.json => Ok(()),
        None => {
            say(&format!("{counts}; nothing was done: --act asks the running gateway to"));
            Ok(())
        }
    }
}

/// A time, or how long ago it was, in milliseconds since 1970.
fn time(text: &str, zone: Tz, now: i64) -> Result<i64, String> {
    if let Ok(ago) = units::duration(text) {
        return Ok(now.saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)));
    }
    let at = moment::read(text, zone).map_err(|why| format!("{why}, or how long ago: 2h"))?;
    Ok(at.timestamp_millis())
}

/// What was shown must be what is done.
fn same_rules(gateway: &Gateway, account: &str, rules: &RuleSet) -> Result<(), Failed> {
    let answer = gateway.get("/readyz").map_err(|error| {
        gateway.is_not_there(&error);
        failed(1, String::new())
    })?;
    let told = answer.json();
    let mut accounts = told["accounts"].as_array().into_iter().flatten();
    let in_force = accounts.find(|told| told["name"] == account).and_then(|told| told["rules"].as_str());
    if in_force == Some(rules.hash()) {
        return Ok(());
    }
    Err(failed(
        1,
        "the gateway has other rules in force than those on disk: let it reload them (SIGHUP; `switchhook status` shows \
         what is in force), then replay",
    ))
}

/// Goes through the events of a time.
fn look(
    args: &Args,
    reader: &Reader,
    teller: &Teller<'_>,
    replayer: &mut Replayer<'_>,
    kind: Option<Kind>,
    between: [i64; 2],
) -> Result<Tally, Error> {
    let (mut tally, mut behind) = (Tally::default(), 0);
    loop {
        let page = reader.arrived(behind, between, PAGE)?;
        let Some(last) = page.last() else { return Ok(tally) };
        behind = *last;
        for seq in page {
            let Some(claim) = reader.scan(Range::One(seq))?.pop() else { continue };
            if account(&claim) != teller.account() {
                continue;
            }
            let Some(event) = event(&claim, kind, teller.numbers()) else { continue };
            if tally.events == MOST {
                tally.beyond = Some(claim.arrived);
                return Ok(tally);
            }
            tally.events += 1;
            let attempts = replayer.replay(&claim, &args.rules);
            let runs = steps(teller, &attempts);
            tally.runs += runs.len();
            if !runs.is_empty() {
                tally.matched.push(seq);
            }
            if !args.act {
                tell(args, &claim, &event, &runs);
            }
        }
    }
}

/// The event as it was decided on then; none for what was not, for our own, and for other kinds.
fn event(claim: &Claim, wanted: Option<Kind>, numbers: &Numbers) -> Option<Event> {
    if Own::is(claim) {
        return None;
    }
    let decision = record::past(&claim.history).0?;
    let kind = decision.kind.parse::<Kind>().ok()?;
    if wanted.is_some_and(|wanted| wanted != kind) {
        return None;
    }
    let entry = &claim.entry;
    let opened =
        Opened::new(claim.seq, &account(claim).into(), &entry.id, &Arc::clone(&entry.lane), claim.arrived, &entry.body);
    Some(opened.resolve_as(kind, decision.was.as_deref(), numbers))
}

/// One rule's steps, in order.
struct Steps<'a> {
    rule: &'a Arc<str>,
    acts: Vec<Value>,
}

impl Steps<'_> {
    /// What the first step asks for, or what becomes of it.
    fn first(&self) -> Value {
        let Some(first) = self.acts.first() else { return Value::Null };
        if !first["asks"].is_null() {
            return first["asks"].clone();
        }
        let of = |key: &str| first[key].as_str().map(|why| json!({ key: why }));
        of("failed").or_else(|| of("skipped")).unwrap_or_default()
    }
}

/// The steps of all rules that match, as they would go.
fn steps<'a>(teller: &Teller<'_>, attempts: &'a [(Arc<str>, Attempted)]) -> Vec<Steps<'a>> {
    let mut found: Vec<Steps<'a>> = Vec::new();
    for (rule, attempt) in attempts {
        let act = teller.act(rule, attempt);
        match found.last_mut().filter(|last| last.rule == rule) {
            Some(last) => last.acts.push(act),
            None => found.push(Steps { rule, acts: vec![act] }),
        }
    }
    found
}

fn tell(args: &Args, claim: &Claim, event: &Event, runs: &[Steps<'_>]) {
    if args.json {
        let run = |run: &Steps<'_>| json!({ "rule": run.rule, "asks": run.first(), "acts": run.acts });
        let runs: Vec<Value> = runs.iter().map(run).collect();
        let arrived = rfc3339(claim.arrived);
        let told = json!({ "seq": claim.seq, "arrived": arrived, "kind": event.kind.as_str(), "subject": event.subject, "runs": runs });
        return say(&told.to_string());
    }
    // Those that nobody wants would hide the others.
    if runs.is_empty() {
        return;
    }
    let arrived = DateTime::from_timestamp_millis(claim.arrived).unwrap_or_default().with_timezone(&Local);
    let mut lines = vec![format!(
        "{}  {}  {}  #{}",
        arrived.format("%Y-%m-%d %H:%M:%S%.3f"),
        event.kind.as_str(),
        event.subject,
        claim.seq
    )];
    lines.extend(
        events::gist(&serde_json::from_str(&claim.entry.body).unwrap_or_default()).map(|gist| format!("    {gist}")),
    );
    for run in runs {
        let then = then(claim, run.rule).map(|then| format!(" (then: {then})")).unwrap_or_default();
        lines.push(format!("    + {}{then}", run.rule));
        lines.extend(run.acts.iter().map(|act| format!("      {}", explain::step(act))));
    }
    say(&lines.join("\n"));
}

/// How a rule's run on the event ended when it came.
fn then(claim: &Claim, rule: &str) -> Option<String> {
    let line = claim.history.iter().rfind(|line| &*line.run == rule)?;
    let why = record::read::<Attempted>(&line.bytes).why;
    Some(why.map_or_else(|| line.fate.to_string(), |why| format!("{}: {why}", line.fate)))
}

fn act(args: &Args, gateway: &Gateway, tally: &Tally, counts: &str) -> Result<(), Failed> {
    let (mut replayed, mut left_out) = (0, 0);
    for seqs in tally.matched.chunks(SENT) {
        let body = json!({ "seqs": seqs, "rules": args.rules });
        let so_far = if replayed > 0 { format!(" ({replayed} were replayed before that)") } else { String::new() };
        let answer = gateway.post("/api/v1/replay", &body).map_err(|error| {
            gateway.is_not_there(&error);
            failed(1, so_far.clone())
        })?;
        if answer.status != 200 {
            return Err(failed(1, format!("the gateway refuses: {}{so_far}", answer.why())));
        }
        let answer = answer.json();
        replayed += answer["replayed"].as_u64().unwrap_or(0);
        left_out += answer["left_out"].as_u64().unwrap_or(0);
    }
    if args.json {
        say(&json!({ "events": tally.events, "replayed": replayed, "left_out": left_out }).to_string());
    } else {
        let left_out = if left_out > 0 { format!(", {left_out} left out") } else { String::new() };
        say(&format!("{counts}; {replayed} replayed{left_out}; `switchhook events` shows what becomes of them"));
    }
    Ok(())
}
