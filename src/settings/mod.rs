//! Settings: one file, variables of the environment over it, secrets from where they lie; into types that need no
//! further check.
//!
//! ```text
//! switchhook.toml ─┐                  ┌ one file per section ┐
//!                  ├► layers ► section ┤ server, cloudlink, … ├► Settings, or every problem at once
//! SWITCHHOOK__…  ──┘                  └──────────────────────┘
//! ```
//! `layers` lays the variables over the file and remembers where each key stands; `section` hands out typed values by
//! key, so that what nobody asked for is an unknown key; the files named like sections know what is allowed. A value
//! that is wrong is reported and counts as its default until the end, where any problem refuses all of it.
//! Nobody but [`Environment::process`] reads the process's environment, and a secret is never part of a message.

mod account;
mod admin;
mod application;
mod auth;
mod cloudlink;
mod credential;
mod directory;
mod environment;
mod guess;
mod journal;
mod layers;
mod locale;
mod notify;
mod problem;
mod rules;
mod secret;
mod section;
mod server;
pub mod units;
mod values;

use std::path::{Path, PathBuf};

use url::Url;

pub use account::Account;
pub use environment::Environment;
pub use notify::{Notify, Transport};
pub use problem::{Problem, Problems, Source};

use layers::Layers;
use section::{Context, Mode};

/// What the daemon runs with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The file that they come from; what is relative in it is relative to its folder.
    pub file: PathBuf,
    /// `[server]` and `[[application]]`.
    pub server: crate::ingest::Options,
    /// Something in front of the public listener speaks TLS.
    pub behind_proxy: bool,
    /// What subscriptions tell CloudLink, without a trailing slash.
    pub public_url: Option<Url>,
    /// `[admin]`.
    pub admin: crate::api::Options,
    /// `[[account]]`, or the one of `[cloudlink]`, called `main`; at least one.
    pub accounts: Vec<Account>,
    /// `[journal]`.
    pub journal: crate::journal::Options,
    /// `[rules]`.
    pub rules: crate::rules::Options,
    /// `[directory]`.
    pub directory: crate::directory::Options,
    /// `[[credential]]`.
    pub credentials: Vec<crate::actions::Credential>,
    /// What is allowed, and probably not meant.
    pub warnings: Vec<Problem>,
}

/// What work on rules needs: everything that is no secret.
#[derive(Clone, Debug)]
pub struct Desk {
    /// The file that they come from.
    pub file: PathBuf,
    /// The accounts; at least one.
    pub accounts: Vec<Account>,
    /// `[rules]`.
    pub rules: crate::rules::Options,
    /// The names of `[[credential]]`.
    pub credentials: Vec<String>,
    /// The state folder of `[journal]`.
    pub state: PathBuf,
    /// Where `[admin]` listens.
    pub admin: std::net::SocketAddr,
    /// How many secrets stand in variables and in files, and were not looked at.
    pub unread_secrets: usize,
    /// What is allowed, and probably not meant.
    pub warnings: Vec<Problem>,
}

impl Desk {
    /// The account that is meant: by its name, or the only one. Otherwise what to say.
    pub fn account(&self, name: Option<&str>) -> Result<&Account, String> {
        account::choose(&self.accounts, name, |account| &account.name)
    }

    /// What the rules of an account may refer to.
    pub fn world(&self, account: &Account, now: chrono::DateTime<chrono::Utc>) -> crate::rules::World {
        crate::rules::World {
            locale: account.locale.clone(),
            credentials: self.credentials.iter().filter(|name| account.may_use(name)).cloned().collect(),
            attached: crate::rules::Attached::Disk,
            now,
        }
    }
}

/// The accounts of the settings, with their secrets.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// In the order of the file; at least one.
    pub accounts: Vec<Account>,
    /// The state folder of `[journal]`.
    pub state: PathBuf,
    /// What is allowed, and probably not meant.
    pub warnings: Vec<Problem>,
}

impl Accounts {
    /// The account that is meant: by its name, or the only one. Otherwise what to say.
    pub fn account(&self, name: Option<&str>) -> Result<&Account, String> {
        account::choose(&self.accounts, name, |account| &account.name)
    }
}

/// Reads what `run` needs from a file, or from `switchhook.toml` in a folder.
pub fn load(path: &Path, environment: &Environment) -> Result<Settings, Problems> {
    read(path, environment, Mode::Run)
}

/// The same for `check`, `test` and the like, which need neither secrets nor an account.
pub fn load_for_desk(path: &Path, environment: &Environment) -> Result<Desk, Problems> {
    let (settings, unread_secrets) = read_all(path, environment, Mode::Desk)?;
    Ok(Desk {
        file: settings.file,
        accounts: settings.accounts,
        rules: settings.rules,
        credentials: settings.credentials.into_iter().map(|credential| credential.name).collect(),
        state: settings.journal.path,
        admin: settings.admin.listen,
        unread_secrets,
        warnings: settings.warnings,
    })
}

/// What asking a running gateway needs: where `[admin]` listens, and its token if it has one.
pub fn load_for_admin(path: &Path, environment: &Environment) -> Result<crate::api::Options, Problems> {
    read(path, environment, Mode::Admin).map(|settings| settings.admin)
}

/// What looking into a captured request needs: the keys of signatures, and the bounds of the public listener.
pub fn load_for_verify(path: &Path, environment: &Environment) -> Result<crate::ingest::diagnosis::Setup, Problems> {
    let server = read(path, environment, Mode::Verify)?.server;
    Ok(crate::ingest::diagnosis::Setup {
        path: server.path,
        max_body: server.max_body,
        applications: server.applications,
    })
}

/// What a command needs that asks CloudLink itself: the accounts with their secrets, and no other. Neither
/// `[[application]]` nor rules have to be there.
pub fn load_for_account(path: &Path, environment: &Environment) -> Result<Accounts, Problems> {
    let settings = read(path, environment, Mode::Account)?;
    Ok(Accounts { accounts: settings.accounts, state: settings.journal.path, warnings: settings.warnings })
}

fn read(path: &Path, environment: &Environment, mode: Mode) -> Result<Settings, Problems> {
    read_all(path, environment, mode).map(|(settings, _)| settings)
}

/// The settings, and how many secrets were left where they are.
fn read_all(path: &Path, environment: &Environment, mode: Mode) -> Result<(Settings, usize), Problems> {
    let file = if path.is_dir() { path.join("switchhook.toml") } else { path.to_owned() };
    let layers = Layers::read(&file, environment)?;
    let context = Context::new(&layers, environment, mode);
    let settings = context.root(|root| {
        let mut applications = application::settle(root);
        let rules = rules::settle(root);
        let journal = journal::settle(root);
        let accounts = account::settle(root, &mut applications, &rules, &journal.path);
        let server = server::settle(root, applications);
        let credentials = credential::settle(root);
        let known: Vec<&str> = credentials.iter().map(|credential| credential.name.as_str()).collect();
        account::check_credentials(root, &accounts, &known);
        Settings {
            admin: admin::settle(root, &server),
            behind_proxy: server.behind_proxy,
            public_url: server.public_url,
            server: server.options,
            accounts,
            journal,
            rules: rules.options,
            credentials,
            directory: directory::settle(root),
            warnings: Vec::new(),
            file: file.clone(),
        }
    });
    let unread = context.unread.get();
    let warnings = context.finish()?;
    Ok((Settings { warnings, ..settings }, unread))
}

#[cfg(test)]
mod tests;
