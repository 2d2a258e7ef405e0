//! `switchhook check`: every mistake in settings and rules, in one run.

use std::collections::BTreeSet;
use std::process::ExitCode;

use super::{Config, colour, complain, say};
use crate::daemon;
use crate::kit::clock::Clock;
use crate::language::codes;
use crate::language::diagnostic::{Report, SHOWN};

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: Config,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// What a person is to know of secrets that stand elsewhere: rules need none, so that nothing was said of these.
fn not_looked_at(secrets: usize) -> Option<String> {
    let (what, them) = match secrets {
        0 => return None,
        1 => ("1 secret in a variable or a file was".to_owned(), "it"),
        count => (format!("{count} secrets in variables and files were"), "them"),
    };
    Some(format!("{what} not looked at: `switchhook doctor` looks at {them}"))
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
    let (mut report, mut counts) = (Report::default(), Vec::new());
    for account in &desk.accounts {
        let (findings, count) = match daemon::compile(&account.rules, &desk.world(account, Clock::system().now())) {
            Ok(rules) => (rules.warnings().clone(), rules.rules().len()),
            Err(report) => (report, 0),
        };
        let paths: Vec<String> = account.rules.iter().map(|path| path.display().to_string()).collect();
        let of = if desk.accounts.len() > 1 { format!("{}: ", account.name) } else { String::new() };
        counts.push(format!("{of}{}: {count} rule(s), no findings", paths.join(", ")));
        // Accounts share folders, and what is wrong there is wrong once.
        report.merge_new(findings);
    }
    if args.json {
        say(&report.to_json().to_string());
    } else if report.is_empty() {
        say(&counts.join("\n"));
    } else {
        say(&report.render(colour()));
        let codes: BTreeSet<&str> = report.findings().iter().take(SHOWN).map(|finding| finding.code).collect();
        let pages: Vec<String> = codes.into_iter().take(5).map(codes::page).collect();
        say(&format!("more of them: {}", pages.join(", ")));
    }
    if let Some(told) = not_looked_at(desk.unread_secrets).filter(|_| !args.json) {
        say(&told);
    }
    ExitCode::from(u8::from(!report.is_empty()))
}
