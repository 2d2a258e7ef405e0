//! `switchhook test`: the tests that stand beside the rules, played on the daemon's own engine.

mod show;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Config, OfAccount, colour, complain, say};
use crate::daemon;
use crate::daemon::rehearsal::{Verdict, rehearse};
use crate::kit::clock::Clock;
use crate::rules::rehearsal::Test;
use crate::rules::{Rule, RuleSet};
use crate::settings::{Account, Desk};
use crate::telemetry::Metrics;

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    account: OfAccount,
    /// Only tests with this in their name or in the name of their file
    filter: Option<String>,
    /// List the rules that no test fires
    #[arg(long)]
    coverage: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// What came of all tests that were asked for.
struct Outcome<'a> {
    rules: &'a RuleSet,
    tests: Vec<(&'a Test, Verdict)>,
}

/// Plays the tests. 0: all passed; 1: one failed, or the rules have mistakes; 2: bad usage or settings.
pub(super) fn run(args: &Args) -> ExitCode {
    let desk = match args.config.desk() {
        Ok(desk) => desk,
        Err(code) => return code,
    };
    for warning in &desk.warnings {
        complain(&format!("warning: {warning}"));
    }
    let accounts: Vec<&Account> = match &args.account.account {
        None => desk.accounts.iter().collect(),
        Some(name) => match desk.account(Some(name)) {
            Ok(account) => vec![account],
            Err(why) => {
                complain(&why);
                return ExitCode::from(2);
            }
        },
    };
    let (mut count, mut failed, mut told) = (0, false, Map::new());
    for account in &accounts {
        if accounts.len() > 1 && !args.json {
            say(&format!("{}:", account.name));
        }
        let outcome = play(args, &desk, account);
        count += outcome.count;
        failed |= outcome.failed;
        if args.json && (accounts.len() == 1 || outcome.count > 0 || outcome.failed) {
            told.insert(account.name.to_string(), outcome.told);
        } else if !args.json && (outcome.count > 0 || outcome.failed || args.filter.is_none()) {
            say(outcome.told.as_str().unwrap_or_default());
        }
    }
    if let Some(filter) = args.filter.as_deref().filter(|_| count == 0 && !failed) {
        complain(&format!("no test has `{filter}` in its name or in the name of its file"));
        return ExitCode::from(2);
    }
    if args.json {
        let of_one = if accounts.len() == 1 { told.values().next().cloned() } else { None };
        say(&of_one.unwrap_or_else(|| json!({ "accounts": told })).to_string());
    }
    ExitCode::from(u8::from(failed))
}

/// What came of the tests of one account.
struct Played {
    count: usize,
    failed: bool,
    /// What there is to say: JSON, or a text.
    told: Value,
}

fn play(args: &Args, desk: &Desk, account: &Account) -> Played {
    match daemon::compile(&account.rules, &desk.world(account, Clock::system().now())) {
        Ok(rules) => {
            let rules = Arc::new(rules);
            let outcome = Outcome::of(&rules, args.filter.as_deref());
            let told = if args.json {
                show::json(&outcome, args.coverage)
            } else {
                show::text(&outcome, args.coverage, colour()).into()
            };
            Played { count: outcome.tests.len(), failed: outcome.failed() > 0, told }
        }
        Err(report) => {
            let told = if args.json { json!({ "findings": report.to_json() }) } else { report.render(colour()).into() };
            Played { count: 0, failed: true, told }
        }
    }
}

impl<'a> Outcome<'a> {
    fn of(rules: &'a Arc<RuleSet>, filter: Option<&str>) -> Self {
        let metrics = Arc::new(Metrics::default());
        let is_wanted =
            |test: &&Test| filter.is_none_or(|filter| test.name.contains(filter) || test.file.contains(filter));
        let tests = rules.tests().iter().filter(is_wanted);
        Self { rules, tests: tests.map(|test| (test, rehearse(rules, test, &metrics))).collect() }
    }

    fn failed(&self) -> usize {
        self.tests.iter().filter(|(_, verdict)| verdict.failed.is_some()).count()
    }

    /// The rules that could fire, and those of them that no test fires.
    fn coverage(&self) -> (usize, Vec<&'a Rule>) {
        let fired: BTreeSet<&str> =
            self.tests.iter().flat_map(|(_, verdict)| &verdict.fired).map(|name| &**name).collect();
        let enabled: Vec<&Rule> = self.rules.rules().iter().map(|rule| &**rule).filter(|rule| rule.enabled).collect();
        let never = enabled.iter().filter(|rule| !fired.contains(&*rule.name)).copied().collect();
        (enabled.len(), never)
    }
}
