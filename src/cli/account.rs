//! From `--config` and `--account` to the client of an account: what every command that asks CloudLink itself stands on
//! (`login`, `whoami`, `api`, `directory`, `doctor --live`). No gateway has to run, and no rules have to be there.

use std::process::ExitCode;

use super::{Config, OfAccount, complain, in_runtime, told};
use crate::cloudlink::transport::Wire;
use crate::cloudlink::{CloudLink, Options};
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::supervisor::Supervisor;
use crate::settings::{self, Accounts, Environment};
use crate::telemetry::log;

/// Which account.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Account {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    which: OfAccount,
    /// What to log, as in `info,switchhook::cloudlink=debug` [default: nothing]
    #[arg(long, env = "SWITCHHOOK_LOG", value_name = "FILTER")]
    log: Option<String>,
}

/// An account, ready to be used.
pub(super) struct Ready {
    /// Its client. It signs in with the first call.
    pub(super) cloudlink: CloudLink,
    /// What the settings say of it.
    pub(super) options: Options,
    /// What the client stands on, for those who need more than the client.
    pub(super) ground: Ground,
}

/// What a client stands on.
#[derive(Clone)]
pub(super) struct Ground {
    /// Its connections.
    pub(super) wire: Wire,
    /// What time it is.
    pub(super) clock: Clock,
    /// Jitter and ids.
    pub(super) chance: Chance,
    /// Starts its tasks.
    pub(super) supervisor: Supervisor,
}

impl Account {
    /// Where the settings are.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Does some work with the account, in a runtime that ends with it. What is wrong with the settings, or a name that
    /// they don't have, is said, and the exit code is 2.
    pub(super) fn with(&self, work: impl AsyncFnOnce(Ready) -> ExitCode) -> ExitCode {
        if let Some(filter) = &self.log {
            log::start(log::Format::Text, Some(filter));
        }
        let options = match self.settings().and_then(|accounts| self.pick(&accounts)) {
            Ok(options) => options,
            Err(why) => {
                complain(&why);
                return ExitCode::from(2);
            }
        };
        in_runtime(async {
            let (supervisor, _deaths) = Supervisor::new();
            let ground = Ground { wire: Wire::new(), clock: Clock::system(), chance: Chance::system(), supervisor };
            let cloudlink = ground.client(&options);
            let signed_in = cloudlink.clone();
            told::or_told_to_end(work(Ready { cloudlink, options, ground }), signed_in.at_rest()).await
        })
    }

    fn settings(&self) -> Result<Accounts, String> {
        let accounts = settings::load_for_account(&self.config.path(), &Environment::process())
            .map_err(|problems| problems.to_string())?;
        for warning in &accounts.warnings {
            complain(&format!("warning: {warning}"));
        }
        Ok(accounts)
    }

    fn pick(&self, accounts: &Accounts) -> Result<Options, String> {
        let account = accounts.account(self.which.account.as_deref())?;
        account.cloudlink.clone().ok_or_else(|| format!("the settings do not say where account `{}` is", account.name))
    }
}

impl Ground {
    /// The client of an account. Nothing is sent yet.
    pub(super) fn client(&self, options: &Options) -> CloudLink {
        let Self { wire, clock, chance, supervisor } = self.clone();
        CloudLink::new(options.clone(), &chance.uuid(), wire, clock, chance, supervisor)
    }
}
