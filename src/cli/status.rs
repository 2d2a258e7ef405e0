//! `switchhook status`: asks a running gateway whether it is ready; also the container's health check.

use std::process::ExitCode;

use super::client::Gateway;
use super::{Config, complain, say};

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: Config,
}

/// Prints what `/readyz` says. 0: ready; 1: not ready or not there; 2: bad settings.
pub(super) fn run(args: &Args) -> ExitCode {
    let desk = match args.config.desk() {
        Ok(desk) => desk,
        Err(code) => return code,
    };
    // No token: the probe asks for none, and a health check may not have it.
    match Gateway::at(desk.admin).get("/readyz") {
        Ok(answer) => {
            say(&answer.body);
            ExitCode::from(u8::from(answer.status != 200))
        }
        Err(error) => {
            complain(&format!("no gateway answers on {}: {error}", desk.admin));
            ExitCode::from(1)
        }
    }
}
