//! The rules in force, and putting others in force: whole or not at all.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use notify::{RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::desk::Desk;
use super::schedules;
use crate::journal::Journal;
use crate::kit::clock::Clock;
use crate::language::diagnostic::Report;
use crate::language::source;
use crate::rules::{self, RuleSet, World};
use crate::telemetry::Metrics;

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

/// See the module.
pub(super) struct Reloader {
    path: PathBuf,
    world: World,
    clock: Clock,
    metrics: Arc<Metrics>,
    in_force: Mutex<InForce>,
}

/// Reads and compiles the rules of a path; on success with what is allowed but probably not meant.
pub(crate) fn compile(path: &Path, world: &World) -> Result<RuleSet, Report> {
    let (sources, mut report) = source::read(path);
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
pub(super) fn warn(rules: &RuleSet) {
    if rules.rules().is_empty() {
        tracing::warn!("there are no rules: publications are kept, nothing is done");
    }
    for rule in rules.rules().iter().filter(|rule| rule.enabled) {
        let actions = rule.not_carried_out();
        if !actions.is_empty() {
            tracing::warn!(
                rule = &*rule.name,
                actions = actions.join(", "),
                "this version can't carry out these actions yet: their steps fail with the error \"unsupported\""
            );
        }
    }
}

impl Reloader {
    pub(super) fn new(path: PathBuf, world: World, clock: Clock, metrics: Arc<Metrics>, first: &RuleSet) -> Self {
        let in_force = InForce { hash: first.hash().to_owned(), since: clock.now(), trouble: None };
        Self { path, world, clock, metrics, in_force: Mutex::new(in_force) }
    }

    pub(super) fn in_force(&self) -> InForce {
        self.lock().clone()
    }

    /// Puts the rules on disk in force, or says why they are not.
    pub(super) async fn reload(&self, desk: &Desk, journal: &impl Journal) {
        let (path, world) = (self.path.clone(), self.world.clone());
        let compiled = tokio::task::spawn_blocking(move || compile(&path, &world)).await;
        let mut changed = false;
        let trouble = match compiled {
            Ok(Ok(rules)) => {
                if !rules.warnings().is_empty() {
                    tracing::warn!("the rules are in force, with findings:\n{}", rules.warnings().render(false));
                }
                let mut in_force = self.lock();
                if in_force.hash == rules.hash() {
                    tracing::info!(rules = rules.hash(), "the rules on disk are those in force");
                } else {
                    tracing::info!(
                        rules = rules.hash(),
                        count = rules.rules().len(),
                        before = in_force.hash,
                        "other rules are in force"
                    );
                    warn(&rules);
                    *in_force = InForce { hash: rules.hash().to_owned(), since: self.clock.now(), trouble: None };
                    desk.put_in_force(Arc::new(rules));
                    changed = true;
                }
                None
            }
            Ok(Err(report)) => {
                tracing::error!(
                    "the rules on disk do not hold together; those of before stay in force:\n{}",
                    report.render(false)
                );
                let first = report.findings().first().map(|finding| finding.message.clone()).unwrap_or_default();
                Some(format!("{} finding(s), the first: {first}; `switchhook check` shows them", report.len()))
            }
            Err(error) => Some(format!("reading them failed: {error}")),
        };
        if changed
            && let Err(error) = schedules::set(journal, &desk.rules_in_force(), desk.account(), &self.clock).await
        {
            tracing::error!(%error, "the clocks of `every` and `cron` could not be set; reload the rules again");
        }
        if (changed || trouble.is_some())
            && let Some(entry) = desk.reloaded(trouble.as_deref(), &self.clock)
            && let Err(error) = journal.accept(vec![entry]).await
        {
            tracing::warn!(%error, "that the rules were reloaded could not be told to rules");
        }
        self.metrics.reload_failed(trouble.is_some());
        self.lock().trouble = trouble;
    }

    fn lock(&self) -> MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A watcher of the rules, and what it has told and nobody has answered yet. It watches as long as it lives.
pub(super) struct Watch {
    _watcher: notify::RecommendedWatcher,
    changes: mpsc::Receiver<()>,
    /// The first and the last change that was not answered.
    changed: Option<(Instant, Instant)>,
}

impl Watch {
    /// Watches a folder with everything below it, or a file.
    pub(super) fn new(path: &Path) -> notify::Result<Self> {
        let (changed, changes) = mpsc::channel(1);
        // Of a single file the folder is watched, since editors replace files rather than write them; `..data` is how
        // Kubernetes replaces a whole folder.
        let (folder, only) =
            if path.is_dir() { (path, None) } else { (path.parent().unwrap_or(path), path.file_name()) };
        let only = only.map(std::ffi::OsStr::to_owned);
        let is_ours = move |path: &PathBuf| {
            only.as_ref().is_none_or(|only| path.file_name().is_some_and(|name| name == only || name == "..data"))
        };
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(&is_ours)) {
                // A full queue means that a change is known already.
                let _ = changed.try_send(());
            }
        })?;
        let mode = if path.is_dir() { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
        watcher.watch(folder, mode)?;
        Ok(Self { _watcher: watcher, changes, changed: None })
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

/// The next change, when it is over; never, without a watcher.
pub(super) async fn changed(watch: Option<&mut Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}
