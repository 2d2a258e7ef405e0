//! `switchhook whoami`: as whom an account signs in, and whether a call works. Tokens are never decoded: CloudLink itself
//! says who we are.

use std::process::ExitCode;
use std::time::Duration;

use super::account::{Account, Ready};
use super::{complain, say};

/// How long the whole may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Arguments of `whoami`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    account: Account,
}

/// Asks CloudLink. 0: it answered; 1: it did not, or there is no token; 2: bad settings.
pub(super) fn run(args: &Args) -> ExitCode {
    args.account.with(async |Ready { cloudlink, options, ground }| match cloudlink.who_am_i(PATIENCE).await {
        Ok(who) => {
            let left = cloudlink.token_state().valid_until.map(|until| until - ground.clock.now());
            let left = left.map_or_else(|| "-".to_owned(), |left| format!("{} s", left.num_seconds()));
            say(&format!("name       {}", options.name));
            say(&format!("good for   {left}"));
            say(&format!("principal  {}", who.principal_id.as_deref().unwrap_or("-")));
            say(&format!("account    {}", who.account_id.as_deref().unwrap_or("-")));
            say(&format!("role       {}", who.role.as_deref().unwrap_or("-")));
            say(&format!("answered   correlation id {}", who.correlation.as_deref().unwrap_or("-")));
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&format!("could not {error}"));
            ExitCode::from(1)
        }
    })
}
