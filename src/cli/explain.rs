//! `switchhook explain`: what the rules make of an event, without acting.

mod ask;
mod gates;
mod show;
mod told;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::Value;

use super::{Config, OfAccount, complain, say};
use crate::daemon;
use crate::daemon::rehearsal::{Question, explain};
use crate::hours::moment;
use crate::kit::clock::Clock;
use crate::settings::{Account, Desk};

pub(super) use show::step;
pub(super) use told::Teller;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["event", "call", "hook", "timer"])))]
pub(super) struct Args {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    account: OfAccount,
    /// A file with a publication, in any shape that a webhook may have; `-` reads it from stdin
    event: Option<PathBuf>,
    /// A typical inbound call that rings at this extension
    #[arg(long, value_name = "EXTENSION")]
    call: Option<String>,
    /// The caller of that call [default: withheld]
    #[arg(long, value_name = "NUMBER", requires = "call")]
    from: Option<String>,
    /// The number that was called [default: the extension]
    #[arg(long, value_name = "NUMBER", requires = "call")]
    to: Option<String>,
    /// A request to this hook
    #[arg(long, value_name = "NAME")]
    hook: Option<String>,
    /// The body of that request [default: {}]
    #[arg(long, value_name = "JSON", requires = "hook")]
    body: Option<String>,
    /// The time of this rule, which has `every` or `cron`
    #[arg(long, value_name = "RULE")]
    timer: Option<String>,
    /// When it happens: `2026-12-25 10:00` (in the zone of `[locale]`) or with an offset [default: the event's own time]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// As if a var had that value: `night=closed`; may be given several times [default: its default]
    #[arg(long = "var", value_name = "NAME=VALUE")]
    vars: Vec<String>,
    /// What the step `as NAME` returns: `contact={"body":{"name":"Anna"}}`; may be given several times [default: nothing but that it went well]
    #[arg(long = "given", value_name = "NAME=JSON")]
    given: Vec<String>,
    /// List the rules that are for other kinds, and all hours, too
    #[arg(long)]
    all: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Prints each rule with its verdict, and for those that match what would be asked for. 1: the rules don't hold together; 2:
/// what is asked makes no sense.
pub(super) fn run(args: &Args) -> ExitCode {
    let (desk, account) = match args.config.desk_of(&args.account) {
        Ok(settled) => settled,
        Err(code) => return code,
    };
    match answer(args, &desk, &account) {
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

fn answer(args: &Args, desk: &Desk, account: &Account) -> Result<String, (u8, String)> {
    let now = Clock::system().now();
    let rules =
        daemon::compile(&account.rules, &desk.world(account, now)).map_err(|report| (1, report.render(false)))?;
    let rules = Arc::new(rules);
    let usage = |why| (2, why);
    let at = args.at.as_deref().map(|text| moment::read(text, rules.zone())).transpose().map_err(usage)?;
    let given = ask::given(&args.given, &args.vars, &rules).map_err(usage)?;
    let happened = ask::happened(args, &rules).map_err(usage)?;
    let question = Question { rules: &rules, given, at, now };
    let explained = explain(&question, &happened).map_err(usage)?;
    let teller = Teller::new(&rules, desk, account, &question.given);
    let told: Vec<Value> = explained.iter().map(|explained| teller.tell(explained)).collect();
    if args.json {
        let all = if let [one] = told.as_slice() { one.clone() } else { Value::Array(told) };
        return Ok(serde_json::to_string_pretty(&all).unwrap_or_default());
    }
    Ok(told.iter().map(|told| show::for_people(told, args.all)).collect::<Vec<_>>().join("\n\n"))
}
