//! One account in the daemon: its client, its desk, its rules. Accounts share the listeners, the journal and the
//! dispatcher, and nothing else: each has connections, tokens, breakers, vars and clocks of its own.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::Error;
use super::breakers;
use super::desk::Desk;
use super::lookout;
use super::reload::{self, Reloader};
use super::source::Far;
use super::{schedules, site};
use crate::actions::{Actions, Credential, guarded_wire};
use crate::cloudlink::CloudLink;
use crate::cloudlink::transport::Wire;
use crate::directory::{self, Directory, Needs};
use crate::hours::Locale;
use crate::journal::Embedded;
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::supervisor::Supervisor;
use crate::numbers::Dialling;
use crate::rules::{Attached, RuleSet, World};
use crate::settings;
use crate::telemetry::Metrics;

/// How many calls of which nothing is heard may wait to be looked at.
const LOOKS: usize = 256;
/// How many circuit breakers may have turned that nobody was told of yet.
const TURNS: usize = 256;

/// See the module.
pub(super) struct Account {
    pub(super) name: Arc<str>,
    pub(super) cloudlink: CloudLink,
    pub(super) desk: Arc<Desk>,
    pub(super) reloader: Arc<Reloader>,
    /// What its settings leave to CloudLink's site, and the site that was known last.
    locale: Locale,
    site: Option<site::Known>,
}

/// What accounts are made with.
pub(super) struct Parts<'a> {
    pub(super) credentials: &'a [Credential],
    pub(super) rules: &'a crate::rules::Options,
    pub(super) directory: directory::Options,
    /// The state folder.
    pub(super) state: &'a Path,
    pub(super) keep_dead: std::time::Duration,
    /// The process, as CloudLink is told.
    pub(super) session: String,
    pub(super) clock: Clock,
    pub(super) chance: Chance,
    pub(super) supervisor: Supervisor,
    pub(super) metrics: Arc<Metrics>,
}

impl Parts<'_> {
    fn credentials_of(&self, account: &settings::Account) -> impl Iterator<Item = &Credential> {
        self.credentials.iter().filter(|credential| account.may_use(&credential.name))
    }
}

/// An account whose rules were read; nothing of it runs yet.
pub(super) struct Read {
    account: settings::Account,
    site: Option<site::Known>,
    world: World,
    rules: Arc<RuleSet>,
}

impl Read {
    /// Reads its rules. At the start there are none of before: what does not hold together is shown, and that is the end.
    pub(super) fn new(account: settings::Account, parts: &Parts<'_>) -> Result<Self, Error> {
        let mut site = site::remembered(parts.state, &account.name);
        let mut world = World {
            locale: site::complete(&account.locale, site.as_ref()),
            credentials: parts.credentials_of(&account).map(|credential| credential.name.clone()).collect(),
            attached: Attached::Disk,
            now: parts.clock.now(),
        };
        let mut rules = reload::compile(&account.rules, &world);
        let name = &*account.name;
        // What CloudLink said once must not keep rules from starting that hold together by what is written.
        if let Err(report) = &rules
            && world.locale != account.locale
        {
            let written = World { locale: account.locale.clone(), ..world.clone() };
            let by_what_is_written = reload::compile(&account.rules, &written);
            if by_what_is_written.is_ok() {
                tracing::warn!(
                    account = name,
                    "by the locale of CloudLink's site that was known last the rules do not hold together; only what [locale] writes counts:\n{}",
                    report.render(false)
                );
                (rules, world, site) = (by_what_is_written, written, None);
            }
        }
        let rules = rules.map_err(|report| Error::Rules(Box::new(report)))?;
        site::announce(name, &account.locale, site.as_ref());
        if !rules.warnings().is_empty() {
            tracing::warn!(
                account = name,
                "the rules are in force, with findings:\n{}",
                rules.warnings().render(false)
            );
        }
        tracing::info!(account = name, rules = rules.hash(), count = rules.rules().len(), "rules in force");
        reload::warn(name, &rules);
        Ok(Self { account, site, world, rules: Arc::new(rules) })
    }
}

impl Account {
    /// Makes an account with its client; nothing is sent yet.
    pub(super) fn new(read: Read, parts: &Parts<'_>) -> Result<Self, Error> {
        let Read { account, site, world, rules } = read;
        let name = Arc::clone(&account.name);
        let options = account
            .cloudlink
            .clone()
            .ok_or(Error::SetUp { what: "[cloudlink]", why: format!("`{name}` is not settled") })?;
        let Parts { clock, chance, supervisor, metrics, .. } = parts;
        let cloudlink = CloudLink::new(
            options.clone(),
            &parts.session,
            Wire::new(),
            clock.clone(),
            chance.clone(),
            supervisor.clone(),
        );
        let directory = Directory::new(
            Arc::clone(&name),
            parts.directory,
            Needs { sites: site::is_wanted(&account.locale), ..Needs::default() },
            Arc::new(Far::new(cloudlink.clone(), &options)),
            rules.numbers().clone(),
            clock.clone(),
        );
        let actions = Actions::new(
            HashMap::from([(Arc::clone(&name), cloudlink.clone())]),
            parts.credentials_of(&account).cloned().collect(),
            guarded_wire(),
            clock.clone(),
            chance.clone(),
            supervisor.clone(),
        )
        .map_err(|error| Error::SetUp { what: "[[credential]]", why: error.to_string() })?
        .with_dialling(&name, dialling(&world.locale))
        .with_directory(&name, directory.clone());
        let reloader = Arc::new(Reloader::new(&name, account.rules, world, clock.clone(), &rules));
        let (dry_run, keep_dead) = (parts.rules.dry_run, parts.keep_dead);
        let (clock, metrics) = (clock.clone(), Arc::clone(metrics));
        let desk = Desk::new(Arc::clone(&name), rules, actions, clock, metrics, dry_run, keep_dead);
        let desk = Arc::new(desk.with_directory(directory));
        Ok(Self { name, cloudlink, desk, reloader, locale: account.locale, site })
    }

    /// Sets the clocks of its rules, and begins to look after its calls and its token.
    pub(super) async fn start(&self, journal: &Arc<Embedded>, parts: &Parts<'_>) -> Result<(), Error> {
        let rules = self.desk.rules_in_force();
        // Not now, but before the first call: it takes some milliseconds.
        let numbers = rules.numbers().clone();
        tokio::task::spawn_blocking(move || numbers.warm());
        schedules::set(&**journal, &rules, &self.name, &parts.clock)
            .await
            .map_err(|error| Error::SetUp { what: "the clocks of rules", why: error.to_string() })?;
        let (looks, asked) = mpsc::channel(LOOKS);
        let _ = self.desk.looks.set(looks);
        let supervisor = &parts.supervisor;
        let looking = lookout::look_after(asked, self.cloudlink.clone(), Arc::clone(journal));
        let stop = supervisor.stop.clone();
        supervisor.spawn(async move { stop.run_until_cancelled(looking).await });
        let (turns, turned) = mpsc::channel(TURNS);
        self.cloudlink.tell_turns(turns.clone());
        self.desk.tell_turns(&turns);
        let telling = breakers::tell(turned, Arc::clone(&self.desk), Arc::clone(journal));
        let stop = supervisor.stop.clone();
        supervisor.spawn(async move { stop.run_until_cancelled(telling).await });
        self.start_directory(journal, parts);
        // Whatever the rules are: those of the next reload may answer messages, and must know whose are our own.
        let (learn, stop) = (self.cloudlink.clone().learn_who_we_are(), supervisor.stop.clone());
        supervisor.spawn(async move { stop.run_until_cancelled(learn).await });
        Ok(())
    }
}

impl Account {
    /// Begins to read the directory, and to follow the site if the settings leave something to it.
    fn start_directory(&self, journal: &Arc<Embedded>, parts: &Parts<'_>) {
        let Some(directory) = self.desk.directory().cloned() else { return };
        let (keeping, stop) = (directory.clone().keep(), parts.supervisor.stop.clone());
        parts.supervisor.spawn(async move { stop.run_until_cancelled(keeping).await });
        if !site::is_wanted(&self.locale) {
            return;
        }
        let follow = site::Follow {
            written: self.locale.clone(),
            state: parts.state.to_owned(),
            known: self.site.clone(),
            refused: None,
            desk: Arc::clone(&self.desk),
            reloader: Arc::clone(&self.reloader),
            journal: Arc::clone(journal),
            directory,
        };
        let stop = parts.supervisor.stop.clone();
        parts.supervisor.spawn(async move { stop.run_until_cancelled(follow.run()).await });
    }
}

/// What a phone of the site dials.
pub(crate) fn dialling(locale: &Locale) -> Dialling {
    let dial = locale.dial.as_ref();
    dial.map_or_else(Dialling::default, |dial| {
        Dialling::of(locale.country.as_deref(), &dial.outside, &dial.national, &dial.international)
    })
}
