//! The rules in force, and putting others in force: whole or not at all.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use notify::{RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::work::Desk;
use crate::kit::clock::Clock;
use crate::language::diagnostic::Report;
use crate::language::source;
use crate::rules::{self, RuleSet, World};
use crate::telemetry::Metrics;

/// Editors write a file in several steps: wait until it was left alone for so long.
const SETTLED: Duration = Duration::from_millis(300);

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

impl Reloader {
    pub(super) fn new(path: PathBuf, world: World, clock: Clock, metrics: Arc<Metrics>, first: &RuleSet) -> Self {
        let in_force = InForce { hash: first.hash().to_owned(), since: clock.now(), trouble: None };
        Self { path, world, clock, metrics, in_force: Mutex::new(in_force) }
    }

    pub(super) fn in_force(&self) -> InForce {
        self.lock().clone()
    }

    /// Puts the rules on disk in force, or says why they are not.
    pub(super) async fn reload(&self, desk: &Desk) {
        let (path, world) = (self.path.clone(), self.world.clone());
        let compiled = tokio::task::spawn_blocking(move || compile(&path, &world)).await;
        let trouble = match compiled {
            Ok(Ok(rules)) => {
                if !rules.warnings().is_empty() {
                    tracing::warn!("the rules are in force, with findings:\n{}", rules.warnings().render(false));
                }
                let mut in_force = self.lock();
                if in_force.hash == rules.hash() {
                    tracing::info!(rules = rules.hash(), "the rules on disk are those in force");
                } else {
                    tracing::info!(rules = rules.hash(), before = in_force.hash, "other rules are in force");
                    *in_force = InForce { hash: rules.hash().to_owned(), since: self.clock.now(), trouble: None };
                    desk.put_in_force(Arc::new(rules));
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
        self.metrics.reload_failed(trouble.is_some());
        self.lock().trouble = trouble;
    }

    fn lock(&self) -> MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A watcher, and what it tells: each message means that something changed. It watches as long as it lives.
pub(super) type Watch = (notify::RecommendedWatcher, mpsc::Receiver<()>);

/// Watches the rules' path and everything below it.
pub(super) fn watch(path: &Path) -> notify::Result<Watch> {
    let (changed, changes) = mpsc::channel(1);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let relevant = event.is_ok_and(|event| !event.kind.is_access());
        if relevant {
            // A full queue means that a change is known already.
            let _ = changed.try_send(());
        }
    })?;
    // Of a single file the folder is watched: editors replace files rather than write them.
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    watcher.watch(folder, RecursiveMode::Recursive)?;
    Ok((watcher, changes))
}

/// The next change, when it is over; never, without a watcher.
pub(super) async fn changed(changes: Option<&mut mpsc::Receiver<()>>) {
    let Some(changes) = changes else { return std::future::pending().await };
    if changes.recv().await.is_none() {
        return std::future::pending().await;
    }
    while let Ok(Some(())) = tokio::time::timeout(SETTLED, changes.recv()).await {}
}
