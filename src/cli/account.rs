//! From `--config` and `--account` to the client of an account: what every command that asks CloudLink itself stands on
//! (`login`, `whoami`, `api`, `directory`, `doctor --live`). No gateway has to run, and no rules have to be there.

use std::process::ExitCode;

use super::{Config, complain, in_runtime};
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
    /// The account, by its name in the settings; with one account it may be left out
    #[arg(long = "account", value_name = "NAME")]
    name: Option<String>,
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
    /// Does some work with the account, in a runtime that ends with it. What is wrong with the settings, or a name that
    /// they don't have, is said, and the exit code is 2.
    pub(super) fn with(&self, work: impl AsyncFnOnce(Ready) -> ExitCode) -> ExitCode {
        if let Some(filter) = &self.log {
            log::start(log::Format::Text, Some(filter));
        }
        let options = match self.settings().and_then(|accounts| self.pick(accounts)) {
            Ok(options) => options,
            Err(why) => {
                complain(&why);
                return ExitCode::from(2);
            }
        };
        in_runtime(async {
            let (supervisor, _deaths) = Supervisor::new();
            let ground = Ground { wire: Wire::new(), clock: Clock::system(), chance: Chance::system(), supervisor };
            work(Ready { cloudlink: ground.client(&options), options, ground }).await
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

    fn pick(&self, Accounts { accounts, .. }: Accounts) -> Result<Options, String> {
        let names = accounts.iter().map(|account| &*account.name).collect::<Vec<_>>().join(", ");
        let several = accounts.len() > 1;
        let meant = |account: &Options| self.name.as_ref().is_none_or(|name| *account.name == **name);
        let found = accounts.into_iter().find(meant);
        match (found, &self.name) {
            (Some(_), None) if several => Err(format!("say which account is meant: --account NAME, one of {names}")),
            (Some(options), _) => Ok(options),
            (None, _) if names.is_empty() => {
                Err("the settings name no account: write [cloudlink] with account_id and auth".to_owned())
            }
            (None, name) => {
                let name = name.as_deref().unwrap_or_default();
                Err(format!("there is no account `{name}`; there are: {names}"))
            }
        }
    }
}

impl Ground {
    /// The client of an account. Nothing is sent yet.
    pub(super) fn client(&self, options: &Options) -> CloudLink {
        let Self { wire, clock, chance, supervisor } = self.clone();
        CloudLink::new(options.clone(), &chance.uuid(), wire, clock, chance, supervisor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(named: &str, names: &[&str]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let settings = "[cloudlink]\naccount_id = \"1\"\n\
                        auth = { grant = \"client_credentials\", client_id = \"c\", client_secret = \"s\" }\n";
        let file = folder.path().join("switchhook.toml");
        std::fs::write(&file, settings).unwrap();
        let mut accounts = settings::load_for_account(&file, &Environment::default()).unwrap();
        let one = accounts.accounts.remove(0);
        accounts.accounts = names.iter().map(|name| Options { name: (*name).into(), ..one.clone() }).collect();
        let name = (!named.is_empty()).then(|| named.to_owned());
        let account = Account { config: Config { path: Some(file) }, name, log: None };
        account.pick(accounts).map(|options| options.name.to_string())
    }

    #[test]
    fn one_of_one_needs_no_name_one_of_several_does() {
        assert_eq!(picked("", &["main"]).unwrap(), "main");
        assert_eq!(picked("acme", &["main", "acme"]).unwrap(), "acme");
        assert_eq!(
            picked("", &["main", "acme"]).unwrap_err(),
            "say which account is meant: --account NAME, one of main, acme"
        );
        assert_eq!(picked("amce", &["main", "acme"]).unwrap_err(), "there is no account `amce`; there are: main, acme");
        assert!(picked("main", &[]).unwrap_err().contains("name no account"));
    }
}
