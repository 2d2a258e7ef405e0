//! `[[account]]`, or `[cloudlink]`, the shorthand for one: where an account is, how to sign in, whose notifications are
//! its, which rules are for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cloudlink::MAIN;
use super::section::{Mode, Section};
use super::{application, cloudlink, locale, notify, rules};
use crate::hours::Locale;
use crate::ingest::Application;

/// One account, with what is its own.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its name; `main` for the shorthand `[cloudlink]`.
    pub name: Arc<str>,
    /// Where it is and how to sign in; what work at the desk does without may be missing.
    pub cloudlink: Option<crate::cloudlink::Options>,
    /// Its folders or files of rules; hours, tables, calendars and vars of later ones overrule those of the same name.
    pub rules: Vec<PathBuf>,
    /// What its hours and numbers fall back on.
    pub locale: Locale,
    /// How its notifications come.
    pub notify: notify::Notify,
    /// The names of its applications.
    pub applications: Vec<Arc<str>>,
    /// The names of the credentials that its rules may use; none: all, which only a single account has.
    pub credentials: Option<Vec<String>>,
}

impl Account {
    /// Whether its rules may use a credential.
    pub fn may_use(&self, credential: &str) -> bool {
        self.credentials.as_ref().is_none_or(|names| names.iter().any(|name| name == credential))
    }
}

/// Reads the accounts, and tells each application whose it is.
pub(super) fn settle(
    root: &mut Section<'_>,
    applications: &mut [Application],
    rules: &rules::Rules,
    state: &Path,
) -> Vec<Account> {
    let (locale, notify) = (locale::settle(root), notify::settle(root));
    let common = Common { rules, locale, notify, state };
    if root.has("account") { several(root, applications, &common) } else { vec![single(root, applications, common)] }
}

fn several(root: &mut Section<'_>, applications: &mut [Application], common: &Common<'_>) -> Vec<Account> {
    if root.has("cloudlink") {
        let remedy = "move it into an [[account]] of its own: [cloudlink] is the shorthand for a single account";
        root.problem("cloudlink", "stands beside [[account]]", remedy);
        root.table("cloudlink", Section::forget_the_rest);
    }
    let (mut names, mut wanted) = (BTreeSet::new(), Vec::new());
    let accounts = root.tables("account", |account| {
        let name = application::name(account, &mut names);
        wanted.push(account.texts("applications"));
        one(account, name.into(), common)
    });
    let mut accounts = accounts.unwrap_or_default();
    if accounts.len() > 1 {
        // What one customer's CRM is opened with is nothing for another's rules.
        for account in &mut accounts {
            account.credentials.get_or_insert_default();
        }
    }
    give(root, &mut accounts, wanted, applications);
    accounts
}

/// The account of `[cloudlink]`: everything is its.
fn single(root: &mut Section<'_>, applications: &[Application], common: Common<'_>) -> Account {
    if !root.has("cloudlink") && matches!(root.context.mode, Mode::Run | Mode::Account) {
        root.missing("cloudlink", "write [cloudlink] with account_id and auth: redirects and replies go there");
    }
    let cloudlink = root.table("cloudlink", |section| cloudlink::settle(section, MAIN.into(), common.state)).flatten();
    // It is known, though it is not there.
    root.tables("account", Section::forget_the_rest);
    Account {
        name: MAIN.into(),
        cloudlink,
        rules: vec![common.rules.path.clone()],
        locale: common.locale,
        notify: common.notify,
        credentials: None,
        applications: applications.iter().map(|application| Arc::clone(&application.name)).collect(),
    }
}

/// Names of credentials that there are not.
pub(super) fn check_credentials(root: &Section<'_>, accounts: &[Account], known: &[&str]) {
    for (index, account) in accounts.iter().enumerate() {
        for name in account.credentials.iter().flatten().filter(|name| !known.contains(&name.as_str())) {
            let (message, remedy) = (format!("there is no [[credential]] `{name}`"), super::guess::remedy(name, known));
            root.problem_at("account", index, "credentials", message, remedy);
        }
    }
}

/// What an account has if it says nothing of its own.
struct Common<'a> {
    rules: &'a rules::Rules,
    locale: Locale,
    notify: notify::Notify,
    /// The state folder.
    state: &'a Path,
}

fn one(account: &mut Section<'_>, name: Arc<str>, common: &Common<'_>) -> Account {
    let has_locale = account.has("locale");
    let own_locale = locale::settle(account);
    let has_notify = account.has("notify");
    let own_notify = notify::settle(account);
    let rules = account.paths("rules").filter(|rules| !rules.is_empty());
    Account {
        cloudlink: cloudlink::settle(account, Arc::clone(&name), common.state),
        rules: rules.unwrap_or_else(|| vec![common.rules.path.clone()]),
        locale: if has_locale { own_locale } else { common.locale.clone() },
        notify: if has_notify { own_notify } else { common.notify.clone() },
        applications: Vec::new(),
        credentials: account.texts("credentials"),
        name,
    }
}

/// An application's notifications are those of one account.
fn give(
    root: &Section<'_>,
    accounts: &mut [Account],
    wanted: Vec<Option<Vec<String>>>,
    applications: &mut [Application],
) {
    let mut owners: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
    let alone = accounts.len() == 1;
    for (index, (account, wanted)) in accounts.iter_mut().zip(wanted).enumerate() {
        let place =
            |problem: String, remedy: String| root.problem_at("account", index, "applications", problem, remedy);
        let wanted = wanted.unwrap_or_else(|| {
            if !alone && root.context.mode == Mode::Run && !applications.is_empty() {
                place(
                    "is missing".to_owned(),
                    "name the [[application]] whose notifications are this account's".to_owned(),
                );
            }
            if alone {
                applications.iter().map(|application| application.name.to_string()).collect()
            } else {
                Vec::new()
            }
        });
        for name in wanted {
            let Some(application) = applications.iter_mut().find(|application| *application.name == *name) else {
                let known: Vec<&str> = applications.iter().map(|application| &*application.name).collect();
                place(format!("there is no [[application]] `{name}`"), super::guess::remedy(&name, &known));
                continue;
            };
            if let Some(other) = owners.insert(Arc::clone(&application.name), Arc::clone(&account.name)) {
                let remedy = "an application's notifications are those of one account".to_owned();
                place(format!("`{name}` is the account `{other}`'s already"), remedy);
            }
            application.account = Arc::clone(&account.name);
            account.applications.push(Arc::clone(&application.name));
        }
    }
    for (index, application) in applications.iter().enumerate() {
        if !owners.contains_key(&application.name) && !accounts.is_empty() {
            let remedy = "name it in the `applications` of one [[account]]".to_owned();
            root.problem_at("application", index, "name", format!("`{}` is of no account", application.name), remedy);
        }
    }
}

/// The account that is meant: by its name, or the only one. Otherwise what to say.
pub(crate) fn choose<'a, T>(
    accounts: &'a [T],
    name: Option<&str>,
    name_of: impl Fn(&T) -> &str,
) -> Result<&'a T, String> {
    let names: Vec<&str> = accounts.iter().map(&name_of).collect();
    match (name, accounts) {
        (None, [only]) => Ok(only),
        (None, _) => Err(format!("there are several accounts: say --account with one of {}", names.join(", "))),
        (Some(name), _) => accounts
            .iter()
            .find(|account| name_of(account) == name)
            .ok_or_else(|| format!("there is no account `{name}`: {}", super::guess::remedy(name, &names))),
    }
}
