//! `switchhook test`: the tests that stand beside the rules, played on the daemon's own engine.

mod show;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;

use super::{Config, colour, complain, say};
use crate::daemon;
use crate::daemon::rehearsal::{Verdict, rehearse};
use crate::kit::clock::Clock;
use crate::rules::rehearsal::Test;
use crate::rules::{Rule, RuleSet};
use crate::telemetry::Metrics;

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: Config,
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
    let rules = match daemon::compile(&desk.rules.path, &desk.world(Clock::system().now())) {
        Ok(rules) => Arc::new(rules),
        Err(report) if args.json => {
            say(&json!({ "findings": report.to_json() }).to_string());
            return ExitCode::FAILURE;
        }
        Err(report) => {
            say(&report.render(colour()));
            return ExitCode::FAILURE;
        }
    };
    let outcome = Outcome::of(&rules, args.filter.as_deref());
    if let Some(filter) = args.filter.as_deref().filter(|_| outcome.tests.is_empty()) {
        complain(&format!("no test has `{filter}` in its name or in the name of its file"));
        return ExitCode::from(2);
    }
    if args.json {
        say(&show::json(&outcome, args.coverage).to_string());
    } else {
        say(&show::text(&outcome, args.coverage, colour()));
    }
    ExitCode::from(u8::from(outcome.failed() > 0))
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
