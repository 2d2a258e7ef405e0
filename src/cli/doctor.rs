//! `switchhook doctor`: what can be checked of an installation, and with --live what an account tells of Mitel's CloudLink.

mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use super::account::{Account, Ready};
use super::client::Gateway;
use super::{colour, complain, say};
use crate::cloudlink::transport;
use crate::daemon;
use crate::doctor::live::{Found, Wishes};
use crate::doctor::{Grade, Line, files, live, machine};
use crate::journal::embedded::Reader;
use crate::kit::clock::Clock;
use crate::language::diagnostic::Report;
use crate::settings::{self, Desk, Environment, Settings};

/// The address that a subscription is made to when the settings name none: nobody is there, and nothing is sent.
const NOBODY: &str = "https://switchhook-doctor.invalid/";

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    account: Account,
    /// Ask CloudLink too, by reading alone: who we are, the region, what services publish, the form of lists
    #[arg(long)]
    live: bool,
    /// With --live: ask for the address of a websocket too, which nobody uses then
    #[arg(long, requires = "live")]
    connections: bool,
    /// With --live: make a subscription that fits nothing and ends by itself, and delete it
    #[arg(long, requires = "live")]
    subscriptions: bool,
    /// With --live: keep what services publish about themselves in this folder
    #[arg(long, value_name = "DIR", requires = "live")]
    save: Option<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Checks. 0: nothing failed; 1: something did; 2: bad usage.
pub(super) fn run(args: &Args) -> ExitCode {
    let (mut lines, settings) = here(args);
    let mut learnt = None;
    if args.live {
        let wishes =
            Wishes { connections: args.connections, subscribe: args.subscriptions.then(|| address(settings.as_ref())) };
        let found = std::cell::RefCell::new(Found::default());
        let code = args.account.with(async |Ready { cloudlink, options, ground }| {
            *found.borrow_mut() = live::visit(&cloudlink, &options, &ground.clock, &wishes).await;
            ExitCode::SUCCESS
        });
        let mut found = found.into_inner();
        if code != ExitCode::SUCCESS {
            return code;
        }
        lines.append(&mut found.lines);
        if let Some(folder) = &args.save {
            lines.push(save(folder, &found));
        }
        learnt = Some(found.learnt);
    }
    let failed = lines.iter().any(|line| line.grade == Grade::Fail);
    if args.json {
        say(&show::json(&lines, learnt.as_deref()).to_string());
    } else {
        say(&show::text(&lines, learnt.as_deref(), colour()));
    }
    ExitCode::from(u8::from(failed))
}

/// What this machine tells.
fn here(args: &Args) -> (Vec<Line>, Option<Settings>) {
    let (config, environment) = (args.account.config(), Environment::process());
    let mut lines = vec![Line::ok("version", format!("switchhook {}", env!("CARGO_PKG_VERSION")))];
    let path = config.path();
    let settings = match settings::load(&path, &environment) {
        Ok(settings) => {
            lines.push(Line::ok("settings", format!("{} holds together", settings.file.display())));
            let todo = "see docs/operations.md";
            lines.extend(settings.warnings.iter().map(|warning| Line::warn("settings", warning.to_string(), todo)));
            Some(settings)
        }
        Err(problems) => {
            let todo = "mend it: the gateway does not start";
            lines.extend(problems.iter().map(|problem| Line::fail("settings", problem.to_string(), todo)));
            None
        }
    };
    let file = if path.is_dir() { path.join("switchhook.toml") } else { path.clone() };
    lines.extend(files::look(&file));
    let clock = Clock::system();
    if let Ok(desk) = settings::load_for_desk(&path, &environment) {
        lines.extend(desk.accounts.iter().map(|account| rules(&desk, account, &clock)));
        let zones: Vec<&str> =
            desk.accounts.iter().filter_map(|account| account.locale.timezone).map(chrono_tz::Tz::name).collect();
        lines.push(machine::time_zones(&zones));
        lines.push(machine::journal(journal(&desk)));
    }
    if let Some(settings) = &settings {
        lines.extend(machine::state(&settings.journal.path, settings.journal.max_size));
        let running = Gateway::at(settings.admin.listen).get("/readyz").is_ok_and(|answer| !answer.json().is_null());
        lines.push(machine::port("public port", settings.server.listen, "[server] listen", running));
        lines.push(machine::port("admin port", settings.admin.listen, "[admin] listen", running));
        lines.push(certificates(settings));
    }
    lines.push(machine::clock(clock.now(), machine::synchronised()));
    lines.extend(machine::open_files(&std::fs::read_to_string("/proc/self/limits").unwrap_or_default()));
    lines.extend(machine::systemd(std::path::Path::new("/")));
    (lines, settings)
}

fn rules(desk: &Desk, account: &settings::Account, clock: &Clock) -> Line {
    const TODO: &str = "`switchhook check` tells which and where";
    let of = if desk.accounts.len() > 1 { format!("{}: ", account.name) } else { String::new() };
    let number = |report: &Report| report.findings().len();
    match daemon::compile(&account.rules, &desk.world(account, clock.now())) {
        Ok(rules) if rules.warnings().is_empty() => {
            Line::ok("rules", format!("{of}{}, no findings", rules.rules().len()))
        }
        Ok(rules) => {
            Line::warn("rules", format!("{of}{}, {} finding(s)", rules.rules().len(), number(rules.warnings())), TODO)
        }
        Err(report) => {
            Line::fail("rules", format!("{of}they do not hold together: {} finding(s)", number(&report)), TODO)
        }
    }
}

fn journal(desk: &Desk) -> Option<Result<(), String>> {
    // A store that is not there is none that is broken; a login alone leaves other things in the folder.
    let is_store = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with("journal");
    let is_there = std::fs::read_dir(&desk.state).is_ok_and(|entries| entries.flatten().any(is_store));
    is_there.then(|| Reader::open(&desk.state).map(drop).map_err(|error| error.to_string()))
}

/// Whether https works, if anything needs it.
fn certificates(settings: &Settings) -> Line {
    let accounts = settings.accounts.iter().filter_map(|account| account.cloudlink.as_ref());
    let mut urls = accounts.map(|account| &account.urls.authentication);
    let credential = |credential: &crate::actions::Credential| credential.base.expose().starts_with("https:");
    if !urls.any(|url| url.scheme() == "https") && !settings.credentials.iter().any(credential) {
        return Line::ok("certificates", "nothing needs https");
    }
    match transport::https() {
        Ok(()) => Line::ok("certificates", "this machine's CA certificates can be read"),
        Err(lost) => Line::fail("certificates", format!("could not {lost}"), "install the package ca-certificates"),
    }
}

/// Where a subscription would send to.
fn address(settings: Option<&Settings>) -> String {
    let public = settings.and_then(|settings| Some((settings.public_url.as_ref()?, &settings.server.path)));
    public.map_or_else(|| NOBODY.to_owned(), |(url, path)| format!("{}{path}", url.as_str().trim_end_matches('/')))
}

/// Keeps specifications: `admin.json`.
fn save(folder: &std::path::Path, found: &Found) -> Line {
    let write = || {
        std::fs::create_dir_all(folder)?;
        found.specs.iter().try_for_each(|(name, bytes)| std::fs::write(folder.join(format!("{name}.json")), bytes))
    };
    match write() {
        Ok(()) => Line::ok("_spec", format!("{} kept in {}", found.specs.len(), folder.display())),
        Err(error) => {
            complain(&format!("can't write to {}: {error}", folder.display()));
            Line::fail("_spec", format!("can't be kept: {error}"), "name a folder that can be written by --save")
        }
    }
}
