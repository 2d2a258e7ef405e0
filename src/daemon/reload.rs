//! The rules in force, and putting others in force: whole or not at all.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use notify::{RecursiveMode, Watcher};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::desk::Desk;
use super::schedules;
use crate::hours::Locale;
use crate::journal::Journal;
use crate::kit::clock::Clock;
use crate::language::diagnostic::Report;
use crate::language::source;
use crate::rules::{self, RuleSet, World};

/// Editors write a file in several steps: wait until it was left alone for so long.
const SETTLED: Duration = Duration::from_millis(300);
/// But no longer than this.
const LONGEST: Duration = Duration::from_secs(2);

/// Which rules are in force, since when, and why others on disk are not.
#[derive(Clone, Debug)]
pub(super) struct InForce {
    pub(super) hash: String,
    pub(super) since: DateTime<Utc>,
    pub(super) trouble: Option<String>,
}

/// See the module. There is one for each account.
pub(super) struct Reloader {
    account: Arc<str>,
    paths: Vec<PathBuf>,
    world: Mutex<World>,
    /// One reload at a time.
    turn: tokio::sync::Mutex<()>,
    clock: Clock,
    in_force: Mutex<InForce>,
    /// The files that rule files name, as far as they are known.
    attached: Mutex<Vec<Arc<str>>>,
    /// Told after each reload.
    reloaded: Notify,
}

/// Why the rules in force are not read by another locale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stays {
    /// Other files are on disk: whether they are meant is for a reload to say.
    Other,
    /// They do not hold together by it.
    Broken(String),
}

/// Reads and compiles the rules of an account's folders; on success with what is allowed but probably not meant.
pub(crate) fn compile(paths: &[PathBuf], world: &World) -> Result<RuleSet, Report> {
    let (sources, mut report) = source::read(paths);
    match rules::compile(&sources, world) {
        Ok(rules) if !report.has_errors() => Ok(rules),
        Ok(_) => Err(report),
        Err(findings) => {
            report.merge(findings);
            Err(report)
        }
    }
}

/// No rules may be meant, and more often are a folder that was not filled. And a rule may hold together and ask for
/// what this version can't do.
pub(super) fn warn(account: &str, rules: &RuleSet) {
    if rules.rules().is_empty() {
        tracing::warn!(account, "there are no rules: publications are kept, nothing is done");
    }
    for rule in rules.rules().iter().filter(|rule| rule.enabled) {
        let actions = rule.not_carried_out();
        if !actions.is_empty() {
            tracing::warn!(
                account,
                rule = &*rule.name,
                actions = actions.join(", "),
                "this version can't carry out these actions yet: their steps fail with the error \"unsupported\""
            );
        }
    }
}

impl Reloader {
    pub(super) fn new(account: &Arc<str>, paths: Vec<PathBuf>, world: World, clock: Clock, first: &RuleSet) -> Self {
        let in_force = InForce { hash: first.hash().to_owned(), since: clock.now(), trouble: None };
        let attached = Mutex::new(first.attached().to_vec());
        let (account, world, turn) = (Arc::clone(account), Mutex::new(world), tokio::sync::Mutex::default());
        let (in_force, reloaded) = (Mutex::new(in_force), Notify::new());
        Self { account, paths, world, turn, clock, in_force, attached, reloaded }
    }

    /// Reads the rules in force by another locale, and puts them in force together with what `along` does; or nothing at
    /// all. Files that are not those in force stay for the next reload, which is by the locale of before.
    pub(super) async fn relocate(
        &self,
        locale: Locale,
        desk: &Desk,
        journal: &impl Journal,
        along: impl FnOnce(),
    ) -> Result<(), Stays> {
        let (account, _turn) = (&*self.account, self.turn.lock().await);
        let before = self.world.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let world = World { now: self.clock.now(), locale: locale.clone(), ..before };
        let paths = self.paths.clone();
        let compiled = tokio::task::spawn_blocking(move || compile(&paths, &world)).await;
        let rules = match compiled {
            Ok(Ok(rules)) if rules.texts() == desk.rules_in_force().texts() => rules,
            Ok(Ok(_)) => return Err(Stays::Other),
            Ok(Err(report)) => return Err(Stays::Broken(report.render(false))),
            Err(error) => return Err(Stays::Broken(error.to_string())),
        };
        self.world.lock().unwrap_or_else(PoisonError::into_inner).locale = locale;
        along();
        let changed = {
            let mut in_force = self.lock();
            let changed = in_force.hash != rules.hash();
            if changed {
                tracing::info!(
                    account,
                    rules = rules.hash(),
                    before = in_force.hash,
                    "other rules are in force: the same files by another locale"
                );
                rules.hash().clone_into(&mut in_force.hash);
                in_force.since = self.clock.now();
                desk.put_in_force(Arc::new(rules));
            }
            changed
        };
        if changed {
            self.announce(None, desk, journal).await;
        }
        Ok(())
    }

    /// Returns after the next reload, or at once after one that nobody waited for.
    pub(super) async fn reloaded(&self) {
        self.reloaded.notified().await;
    }

    pub(super) fn in_force(&self) -> InForce {
        self.lock().clone()
    }

    /// The files that rule files name: a change of one is a change of the rules.
    pub(super) fn attached(&self) -> Vec<Arc<str>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn know(&self, files: impl Iterator<Item = Arc<str>>, keep: bool) {
        let mut attached = self.attached.lock().unwrap_or_else(PoisonError::into_inner);
        if !keep {
            attached.clear();
        }
        for file in files {
            if !attached.contains(&file) {
                attached.push(file);
            }
        }
    }

    /// Puts the rules on disk in force, or says why they are not.
    pub(super) async fn reload(&self, desk: &Desk, journal: &impl Journal) {
        let (account, _turn) = (&*self.account, self.turn.lock().await);
        let world = self.world.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (paths, world) = (self.paths.clone(), World { now: self.clock.now(), ..world });
        let compiled = tokio::task::spawn_blocking(move || compile(&paths, &world)).await;
        let mut changed = false;
        let trouble = match compiled {
            Ok(Ok(rules)) => {
                self.know(rules.attached().iter().cloned(), false);
                if !rules.warnings().is_empty() {
                    tracing::warn!(
                        account,
                        "the rules are in force, with findings:\n{}",
                        rules.warnings().render(false)
                    );
                }
                let mut in_force = self.lock();
                if in_force.hash == rules.hash() {
                    tracing::info!(account, rules = rules.hash(), "the rules on disk are those in force");
                } else {
                    tracing::info!(
                        account,
                        rules = rules.hash(),
                        count = rules.rules().len(),
                        before = in_force.hash,
                        "other rules are in force"
                    );
                    warn(account, &rules);
                    *in_force = InForce { hash: rules.hash().to_owned(), since: self.clock.now(), trouble: None };
                    desk.put_in_force(Arc::new(rules));
                    changed = true;
                }
                None
            }
            Ok(Err(report)) => {
                // Where something is wrong, somebody is going to mend it.
                self.know(report.findings().iter().map(|finding| Arc::clone(&finding.source.name)), true);
                tracing::error!(
                    account,
                    "the rules on disk do not hold together; those of before stay in force:\n{}",
                    report.render(false)
                );
                let first = report.findings().first().map(|finding| finding.message.clone()).unwrap_or_default();
                Some(format!("{} finding(s), the first: {first}; `switchhook check` shows them", report.len()))
            }
            Err(error) => Some(format!("reading them failed: {error}")),
        };
        if changed || trouble.is_some() {
            self.announce(trouble.as_deref(), desk, journal).await;
        }
        self.lock().trouble = trouble;
        self.reloaded.notify_one();
    }

    /// Sets the clocks of rules that are in force anew, and tells rules of a reload and its trouble.
    async fn announce(&self, trouble: Option<&str>, desk: &Desk, journal: &impl Journal) {
        let account = &*self.account;
        if trouble.is_none()
            && let Err(error) = schedules::set(journal, &desk.rules_in_force(), desk.account(), &self.clock).await
        {
            tracing::error!(account, %error, "the clocks of `every` and `cron` could not be set; reload the rules again");
        }
        if let Some(entry) = desk.reloaded(trouble, &self.clock)
            && let Err(error) = journal.accept(vec![entry]).await
        {
            tracing::warn!(account, %error, "that the rules were reloaded could not be told to rules");
        }
    }

    fn lock(&self) -> MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A watcher of the rules, and what it has told and nobody has answered yet. It watches as long as it lives.
pub(super) struct Watch {
    watcher: notify::RecommendedWatcher,
    changes: mpsc::Receiver<()>,
    /// Folders that are watched, by their real path, and whether everything below is.
    folders: Vec<(PathBuf, bool)>,
    /// The files that rule files name, and the names of those that are looked for.
    followed: Vec<Arc<str>>,
    names: Arc<Mutex<BTreeSet<OsString>>>,
    /// The first and the last change that was not answered.
    changed: Option<(Instant, Instant)>,
}

/// A folder that is watched, and the one file in it that is meant, if it is one.
struct Watched<'a> {
    folder: &'a Path,
    only: Option<&'a OsStr>,
}

impl<'a> Watched<'a> {
    fn of(path: &'a Path) -> Self {
        if path.is_dir() {
            return Self { folder: path, only: None };
        }
        Self { folder: path.parent().unwrap_or(path), only: path.file_name() }
    }
}

impl Watch {
    /// Watches folders with everything below them, and files.
    pub(super) fn new(paths: &BTreeSet<PathBuf>) -> notify::Result<Self> {
        let (changed, changes) = mpsc::channel(1);
        // Of a single file the folder is watched, since editors replace files rather than write them; `..data` is how
        // Kubernetes replaces a whole folder.
        let watched = paths.iter().map(|path| Watched::of(path)).collect::<Vec<_>>();
        // As the watcher tells it.
        let here = std::env::current_dir().unwrap_or_default();
        let below: Vec<PathBuf> =
            watched.iter().filter(|watched| watched.only.is_none()).map(|watched| here.join(watched.folder)).collect();
        let only: BTreeSet<OsString> = watched.iter().filter_map(|watched| watched.only.map(OsStr::to_owned)).collect();
        let names: Arc<Mutex<BTreeSet<OsString>>> = Arc::default();
        let followed = Arc::clone(&names);
        let is_ours = move |path: &PathBuf| {
            let known = |name: &OsStr| followed.lock().unwrap_or_else(PoisonError::into_inner).contains(name);
            let named = |name: &OsStr| only.contains(name) || name == "..data" || known(name);
            below.iter().any(|below| path.starts_with(below)) || path.file_name().is_some_and(named)
        };
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(&is_ours)) {
                // A full queue means that a change is known already.
                let _ = changed.try_send(());
            }
        })?;
        let mut folders = Vec::new();
        for Watched { folder, only } in &watched {
            let mode = if only.is_none() { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            watcher.watch(folder, mode)?;
            folders.push((real(folder), only.is_none()));
        }
        Ok(Self { watcher, changes, folders, followed: Vec::new(), names, changed: None })
    }

    /// Watches these files too, wherever they are.
    pub(super) fn follow(&mut self, files: &[Arc<str>]) {
        if self.followed == files {
            return;
        }
        self.followed = files.to_vec();
        let paths = || files.iter().map(|file| Path::new(&**file));
        let names = paths().filter_map(Path::file_name).map(OsStr::to_owned).collect();
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = names;
        for path in paths() {
            let folder = real(path.parent().unwrap_or(path));
            if self.folders.iter().any(|(known, below)| folder == *known || *below && folder.starts_with(known)) {
                continue;
            }
            match self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    // It may have changed after it was read and before it was watched.
                    let now = Instant::now();
                    self.changed = Some((self.changed.map_or(now, |(first, _)| first), now));
                }
                Err(error) => {
                    tracing::warn!(%error, folder = %folder.display(), "a folder with tables or calendars can't be watched; reload with SIGHUP");
                }
            }
            self.folders.push((folder, false));
        }
    }

    /// Returns when something changed and was then left alone for a moment. What it knows it keeps when it is dropped
    /// half-way and asked again.
    async fn changed(&mut self) {
        loop {
            let until = self.changed.map(|(first, last)| (last + SETTLED).min(first + LONGEST));
            let settled = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(()) = self.changes.recv() => {
                    let now = Instant::now();
                    self.changed = Some((self.changed.map_or(now, |(first, _)| first), now));
                }
                () = settled => {
                    self.changed = None;
                    return;
                }
            }
        }
    }
}

/// A folder without links and `..`; as it is given when it is not there.
fn real(folder: &Path) -> PathBuf {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

/// The next change, when it is over; never, without a watcher.
pub(super) async fn changed(watch: Option<&mut Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}
