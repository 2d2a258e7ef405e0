//! Rules: from text to a plan. Pure: a rule set, an event and its time go in, what to do comes out.
//!
//! A [`RuleSet`] can only be made by [`compile`], which finds all mistakes of all files in one run. Planning reads no
//! clock, no file and no network, and `run`, `test` and `explain` all call the one function [`RuleSet::plan`]. Nothing
//! here knows CloudLink's routes or how a request is carried out.

mod conditions;
mod context;
mod cross;
mod duration;
mod exclusive;
mod fields;
mod gates;
mod http;
mod index;
mod matcher;
mod plan;
mod read;
pub mod request;
mod rule;
mod scope;
mod step;
mod steps;
mod surprises;
#[cfg(test)]
mod tests;
mod trigger;
mod verdict;
mod words;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sha2::{Digest, Sha256};

use crate::hours::Locale;
use crate::language::{Engine, Report, Source};

pub use crate::language::Attached;
use read::Draft;

pub use plan::{Plan, RunPlan};
pub use rule::Rule;
pub use scope::Scope;
pub use step::{OnError, RenderError, Step};
pub use verdict::{Failure, Finding, Verdict};

/// The settled `[rules]`.
#[derive(Clone, Debug)]
pub struct Options {
    /// A folder (every `*.toml` below it, in path order) or one file.
    pub path: PathBuf,
    /// Reload when a file changes.
    pub watch: bool,
    /// Plan and record, never act.
    pub dry_run: bool,
}

/// What rules may refer to that stands elsewhere.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The settled `[locale]`.
    pub locale: Locale,
    /// The names of all `[[credential]]`.
    pub credentials: Vec<String>,
    /// The files that rule files name.
    pub attached: Attached,
    /// From when on hours are looked at that may never open.
    pub now: DateTime<Utc>,
}

/// All rules of an account, compiled. Immutable; to be shared in an `Arc` and swapped whole.
#[derive(Clone, Debug)]
pub struct RuleSet {
    hash: String,
    rules: Vec<Arc<Rule>>,
    /// The place of each rule by its name.
    names: HashMap<Arc<str>, usize>,
    index: index::Index,
    hours: Arc<context::HoursByName>,
    zone: Tz,
    warnings: Report,
    attached: Vec<Arc<str>>,
}

impl RuleSet {
    /// The first 16 hex digits of SHA-256 over the names and texts of the files.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The rules in file order, those that are not enabled included.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// The rule of that name.
    pub fn rule(&self, name: &str) -> Option<&Arc<Rule>> {
        self.rules.get(*self.names.get(name)?)
    }

    /// What `check` reports although the rules can be used.
    pub fn warnings(&self) -> &Report {
        &self.warnings
    }

    /// The paths of the files that rule files name, tables and calendars: a change of one is a change of the rules.
    pub fn attached(&self) -> &[Arc<str>] {
        &self.attached
    }

    /// The time zone that `now` and `date` speak.
    pub fn zone(&self) -> Tz {
        self.zone
    }
}

impl Default for RuleSet {
    /// No rules at all.
    fn default() -> Self {
        Self {
            hash: hash(&[], &[]),
            rules: Vec::new(),
            names: HashMap::new(),
            index: index::Index::default(),
            hours: Arc::default(),
            zone: Tz::UTC,
            warnings: Report::default(),
            attached: Vec::new(),
        }
    }
}

/// Compiles all files together. A warning alone does not fail; with an error the report holds the warnings too.
pub fn compile(sources: &[Source], world: &World) -> Result<RuleSet, Report> {
    let zone = world.locale.timezone.unwrap_or(Tz::UTC);
    let mut report = Report::default();
    let mut engine = Engine::new(zone);
    let mut attached = Vec::new();
    let (drafts, hours) = read::files(sources, world, &mut engine, &mut report, &mut attached);
    cross::check(&drafts, &mut report);
    if report.has_errors() {
        return Err(report);
    }
    engine.finish();
    let mut shared = matcher::Shared::default();
    let rules = drafts.into_iter().map(|Draft { mut rule, .. }| {
        rule.conditions.share(&mut shared);
        Arc::new(rule)
    });
    let rules: Vec<Arc<Rule>> = rules.collect();
    let names = rules.iter().enumerate().map(|(place, rule)| (rule.name.clone(), place)).collect();
    let index = index::Index::of(&rules, plan::RECORDED);
    let hash = hash(sources, &attached);
    let attached = attached.into_iter().map(|source| source.name).collect();
    Ok(RuleSet { hash, rules, names, index, hours: Arc::new(hours), zone, warnings: report, attached })
}

/// Names and texts, each with its length so that none can pass for another.
fn hash(sources: &[Source], attached: &[Source]) -> String {
    let mut digest = Sha256::new();
    for part in sources.iter().chain(attached).flat_map(|source| [&source.name, &source.text]) {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    short_hash(digest)
}

fn short_hash(digest: Sha256) -> String {
    let mut hash = hex::encode(digest.finalize());
    hash.truncate(16);
    hash
}
