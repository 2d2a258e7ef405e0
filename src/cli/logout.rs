//! `switchhook logout`: forgets the refresh token that a login left. A running gateway signs out by itself.

use std::process::ExitCode;

use super::account::Account;
use super::{complain, say};

/// Arguments of `logout`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    account: Account,
}

/// Removes it. 0: nothing is stored any more; 1: it could not be removed; 2: bad settings, or an account that stores
/// nothing.
pub(super) fn run(args: &Args) -> ExitCode {
    args.account.with(async |ready| {
        let name = &ready.options.name;
        let Some(store) = ready.options.auth.store() else {
            complain(&format!("account {name} signs in by {}, which stores nothing", ready.options.auth.grant()));
            return ExitCode::from(2);
        };
        let removed = match store.lock().await {
            Ok(Some(lock)) => lock.remove(),
            Ok(None) => {
                complain("another process keeps the stored sign-in locked; try again");
                return ExitCode::from(1);
            }
            Err(error) => Err(error),
        };
        match removed {
            Ok(true) => say(&format!(
                "the refresh token of account {name} is removed; CloudLink is not told, and would take it until it ends"
            )),
            Ok(false) => say(&format!("nothing was stored for account {name}")),
            Err(error) => {
                complain(&format!("could not {error}"));
                return ExitCode::from(1);
            }
        }
        ExitCode::SUCCESS
    })
}
