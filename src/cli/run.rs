//! `switchhook run`: the daemon.

use std::process::ExitCode;

use super::{Config, complain, in_runtime};
use crate::daemon::{self, Start};
use crate::telemetry::log;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: Config,
    /// What to log, as in `info,switchhook::dispatch=debug`
    #[arg(long, env = "SWITCHHOOK_LOG", value_name = "FILTER")]
    log: Option<String>,
    /// How to log
    #[arg(long, env = "SWITCHHOOK_LOG_FORMAT", value_enum, default_value_t)]
    log_format: log::Format,
    /// Let the daemon's clock be so many seconds ahead: for demonstrations and tests
    #[arg(long, hide = true, default_value_t = 0, allow_negative_numbers = true, value_name = "SECONDS")]
    clock_offset: i64,
}

/// Runs the daemon.
pub(super) fn run(args: Args) -> ExitCode {
    log::start(args.log_format, args.log.as_deref());
    // A second provider can't be there: nothing else installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let start = Start { config: args.config.path(), clock_offset: args.clock_offset };
    in_runtime(async {
        match daemon::run(start).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&error.to_string());
                error.exit_code()
            }
        }
    })
}
