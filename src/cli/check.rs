//! `switchhook check`: every mistake in settings and rules, in one run.

use std::collections::BTreeSet;
use std::process::ExitCode;

use super::{Config, colour, complain, say};
use crate::daemon;
use crate::kit::clock::Clock;
use crate::language::codes;
use crate::language::diagnostic::SHOWN;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: Config,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// Prints the findings. 0: none; 1: findings in the rules, warnings too; 2: in the settings.
pub(super) fn run(args: &Args) -> ExitCode {
    let desk = match args.config.desk() {
        Ok(desk) => desk,
        Err(code) => return code,
    };
    for warning in &desk.warnings {
        complain(&format!("warning: {warning}"));
    }
    let world = desk.world(Clock::system().now());
    let (report, count) = match daemon::compile(&desk.rules.path, &world) {
        Ok(rules) => (rules.warnings().clone(), rules.rules().len()),
        Err(report) => (report, 0),
    };
    if args.json {
        say(&report.to_json().to_string());
    } else if report.is_empty() {
        say(&format!("{}: {count} rule(s), no findings", desk.rules.path.display()));
    } else {
        say(&report.render(colour()));
        let codes: BTreeSet<&str> = report.findings().iter().take(SHOWN).map(|finding| finding.code).collect();
        let pages: Vec<String> = codes.into_iter().take(5).map(codes::page).collect();
        say(&format!("more of them: {}", pages.join(", ")));
    }
    ExitCode::from(u8::from(!report.is_empty()))
}
