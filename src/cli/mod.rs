//! The command line: one file per subcommand. It prints and hands over; it decides nothing.

mod account;
mod api;
mod backup;
mod check;
mod client;
mod dead;
#[cfg(feature = "simulator")]
mod demo;
mod directory;
mod doctor;
mod events;
mod explain;
mod hours;
mod journal;
mod login;
mod logout;
mod replay;
mod run;
mod schema;
#[cfg(feature = "simulator")]
mod simulate;
mod status;
mod test;
mod told;
mod vars;
mod verify;
mod whoami;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::journal::embedded::Reader;
use crate::settings::{self, Environment};

/// A gateway for Mitel CloudLink: verifies its notifications, matches them against rules, and acts.
#[derive(Debug, Parser)]
#[command(name = "switchhook", version, arg_required_else_help = true, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Run(run::Args),
    /// Find the mistakes in settings and rules
    Check(check::Args),
    /// Play the tests that stand beside the rules
    Test(test::Args),
    /// Tell what the rules make of an event, without acting
    Explain(explain::Args),
    /// Look at opening hours
    #[command(subcommand)]
    Hours(hours::Command),
    /// Print a JSON Schema of rule files, for editors
    Schema,
    /// Show what came and what was done, while the gateway runs or not
    Events(events::Args),
    /// Ask a running gateway whether it is ready
    Status(status::Args),
    /// Look at what was given up, try it again, throw it away
    #[command(subcommand)]
    Dead(dead::Command),
    /// List users, contacts, groups or sites of an account
    #[command(subcommand)]
    Directory(directory::Command),
    /// Recorded events again: what the rules of now would do, or with --act, do it
    Replay(replay::Args),
    /// The vars of the running gateway: list them, set one
    #[command(subcommand)]
    Vars(vars::Command),
    /// Call a hook of the running gateway
    Fire(vars::FireArgs),
    /// Tell which key, encoding and construction fit the signature of a captured request
    Verify(verify::Args),
    /// Copy the journal, while the gateway runs or not
    Backup(backup::Args),
    /// Tell of the journal's size and soundness
    #[command(subcommand)]
    Journal(journal::Command),
    /// Check an installation, and with --live what Mitel does not document
    Doctor(doctor::Args),
    /// Ask anything of CloudLink, signed in
    Api(api::Args),
    /// Log in to CloudLink by Mitel's portal, once; the gateway lives on the refresh token afterwards
    Login(login::Args),
    /// Forget the refresh token that a login left
    Logout(logout::Args),
    /// Tell as whom the gateway signs in to CloudLink, and whether a call works
    Whoami(whoami::Args),
    /// Run a CloudLink of one's own, to try things with
    #[cfg(feature = "simulator")]
    Simulate(simulate::Args),
    /// Play five stories against the simulator: the three jobs, and a kill -9
    #[cfg(feature = "simulator")]
    Demo(demo::Args),
}

/// Where the settings are.
#[derive(Clone, Debug, clap::Args)]
struct Config {
    /// The settings: a file, or a folder with switchhook.toml [default: ./config, then /etc/switchhook]
    #[arg(long = "config", env = "SWITCHHOOK_CONFIG", value_name = "PATH")]
    path: Option<PathBuf>,
}

/// Which account is meant, where the settings have several.
#[derive(Clone, Debug, Default, clap::Args)]
struct OfAccount {
    /// The account, where the settings have several
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

impl OfAccount {
    /// Where the admin API has what is the account's.
    fn route(&self) -> String {
        self.account.as_ref().map_or_else(|| "/api/v1".to_owned(), |name| format!("/api/v1/accounts/{}", encoded(name)))
    }
}

/// A text as a part of a path or a query.
fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, &ENCODED).to_string()
}

/// All but what stands in a path or a query as it is.
const ENCODED: percent_encoding::AsciiSet =
    percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Config {
    fn path(&self) -> PathBuf {
        let usual = || {
            let here = PathBuf::from("config");
            if here.is_dir() { here } else { PathBuf::from("/etc/switchhook") }
        };
        self.path.clone().unwrap_or_else(usual)
    }

    /// The settings that work at the desk needs: no secrets. What is wrong with them is said, and the exit code given.
    fn desk(&self) -> Result<settings::Desk, ExitCode> {
        settings::load_for_desk(&self.path(), &Environment::process()).map_err(|problems| {
            complain(&problems.to_string());
            ExitCode::from(2)
        })
    }

    /// The settings for work at the desk, and the account that is meant. What is wrong is said, and the exit code given.
    fn desk_of(&self, account: &OfAccount) -> Result<(settings::Desk, settings::Account), ExitCode> {
        let desk = self.desk()?;
        match desk.account(account.account.as_deref()).cloned() {
            Ok(account) => Ok((desk, account)),
            Err(why) => {
                complain(&why);
                Err(ExitCode::from(2))
            }
        }
    }

    /// The journal of these settings, to be read. Why it can't be is said, and the exit code given.
    fn reader(&self) -> Result<Reader, ExitCode> {
        let state = self.desk()?.state;
        Reader::open(&state).map_err(|error| {
            complain(&format!("the journal in {} can't be read: {error}", state.display()));
            ExitCode::from(3)
        })
    }
}

/// Does what the command line asks for; the exit code is documented in the reference.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, the rest is bad usage.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match cli.command {
        Command::Run(args) => run::run(args),
        Command::Check(args) => check::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Hours(command) => hours::run(&command),
        Command::Schema => schema::run(),
        Command::Events(args) => events::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Dead(command) => dead::run(&command),
        Command::Directory(command) => directory::run(&command),
        Command::Replay(args) => replay::run(&args),
        Command::Vars(command) => vars::run(&command),
        Command::Fire(args) => vars::fire(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Journal(command) => journal::run(&command),
        Command::Doctor(args) => doctor::run(&args),
        Command::Api(args) => api::run(&args),
        Command::Login(args) => login::run(&args),
        Command::Logout(args) => logout::run(&args),
        Command::Whoami(args) => whoami::run(&args),
        #[cfg(feature = "simulator")]
        Command::Simulate(args) => in_runtime(simulate::run(args)),
        #[cfg(feature = "simulator")]
        Command::Demo(args) => in_runtime(demo::run(args)),
    }
}

/// Carries out an asynchronous command.
fn in_runtime(command: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => {
            let code = runtime.block_on(command);
            // Nobody waits for a thread that hangs in the file system.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            complain(&format!("the runtime can't be started: {error}"));
            ExitCode::from(70)
        }
    }
}

/// Data, to stdout. A reader that has gone away is no error.
fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Diagnostics, to stderr.
fn complain(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Whether stdout is a terminal that likes colour.
fn colour() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stdout()) && std::env::var_os("NO_COLOR").is_none()
}
