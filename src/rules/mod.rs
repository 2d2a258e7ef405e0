//! Rules: from text to a plan. Pure: a rule set, an event and its time go in, what to do comes out.
//!
//! A [`RuleSet`] can only be made by [`compile`], which finds all mistakes of all files in one run. Planning reads no
//! clock, no file and no network, and `run`, `test` and `explain` all call the one function [`RuleSet::plan`]. Nothing
//! here knows CloudLink's routes or how a request is carried out.

mod arguments;
mod asked;
mod calendars;
pub mod catalogue;
mod clocks;
mod conditions;
mod context;
mod cross;
pub mod duration;
mod exclusive;
mod far;
mod fields;
mod gates;
mod http;
mod implies;
mod index;
mod language_form;
mod layers;
mod limit;
mod matcher;
mod never;
mod opening;
mod plan;
mod read;
pub mod rehearsal;
pub mod request;
mod rule;
pub mod schema;
mod scope;
mod set;
mod shadow;
mod step;
mod steps;
mod surprises;
mod tables;
mod target;
#[cfg(test)]
mod tests;
pub mod time;
mod trigger;
mod vars;
mod verdict;
mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sha2::{Digest, Sha256};

use crate::event::Kind;
use crate::hours::Locale;
use crate::language::{Engine, Report, Source};
use crate::memory::schedule::Schedule;
use crate::numbers::Numbers;
use crate::tables::Table;

pub use crate::language::Attached;
use read::Draft;

pub use far::{Asks, Wanted};
pub use language_form::language_form;
pub use limit::RuleLimit;
pub use opening::Opening;
pub use plan::{Barred, Plan, RunPlan};
pub use rule::Rule;
pub use scope::Scope;
pub use step::{MOST_ITEMS, OnError, RenderError, Retry, Step};
pub use trigger::is_hook_name;
pub use vars::Vars;
pub use verdict::{Failure, Finding, Verdict};

/// The settled `[rules]`.
#[derive(Clone, Debug)]
pub struct Options {
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
    /// The same without the locale.
    texts: String,
    rules: Vec<Arc<Rule>>,
    /// The place of each rule by its name.
    index: index::Index,
    /// The place of each rule, by name.
    places: HashMap<Arc<str>, usize>,
    /// The families of kinds for which there are rules with `for`.
    clocks: BTreeSet<&'static str>,
    /// Whether something asks for what is known of whole calls.
    calls: Calls,
    /// The rules that ask for what publications do not carry.
    far: far::Far,
    hours: Arc<context::HoursByName>,
    vars: Arc<Vars>,
    tables: Arc<BTreeMap<Arc<str>, Arc<Table>>>,
    numbers: Numbers,
    zone: Tz,
    warnings: Report,
    attached: Vec<Arc<str>>,
    tests: Arc<[rehearsal::Test]>,
}

impl RuleSet {
    /// The first 16 hex digits of SHA-256 over the names and texts of the files, zone and country of the locale.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The same over the names and texts alone: whether two sets were read from the same files, by whatever locale.
    pub fn texts(&self) -> &str {
        &self.texts
    }

    /// The rules in file order, those that are not enabled included.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// The rule of that name.
    pub fn rule(&self, name: &str) -> Option<&Arc<Rule>> {
        self.place(name).map(|place| &self.rules[place])
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// The rules that the clock calls, with when.
    pub fn schedules(&self) -> impl Iterator<Item = (&Arc<Rule>, &Schedule)> {
        let enabled = self.rules.iter().filter(|rule| rule.enabled);
        enabled.filter_map(|rule| Some((rule, rule.trigger.schedule.as_ref()?)))
    }

    /// The hooks that rules are for, by name.
    pub fn hooks(&self) -> BTreeSet<&str> {
        self.rules.iter().filter_map(|rule| rule.trigger.hook.as_deref()).collect()
    }

    /// Whether a rule is for every hook.
    pub fn listens_to_all_hooks(&self) -> bool {
        let mut for_hooks = self.rules.iter().filter(|rule| rule.enabled && rule.trigger.kinds.contains(&Kind::Hook));
        for_hooks.any(|rule| rule.trigger.hook.is_none())
    }

    /// Whether a rule is for such events.
    pub fn listens(&self, kind: Kind) -> bool {
        self.index.listens(kind)
    }

    /// What the rules ask of whole calls: how much has to be remembered of each.
    pub fn calls(&self) -> Calls {
        self.calls
    }

    /// The vars that are declared.
    pub fn vars(&self) -> &Vars {
        &self.vars
    }

    /// What `check` reports although the rules can be used.
    pub fn warnings(&self) -> &Report {
        &self.warnings
    }

    /// The paths of the files that rule files name, tables and calendars: a change of one is a change of the rules.
    pub fn attached(&self) -> &[Arc<str>] {
        &self.attached
    }

    /// The hours by name.
    pub fn hours(&self) -> impl Iterator<Item = (&str, &Opening)> {
        self.hours.iter().filter_map(|(name, hours)| Some((&**name, hours.as_deref()?)))
    }

    /// How numbers are read, by `[locale]`: for the views of events as for tables.
    pub fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// The tests that stand beside the rules.
    pub fn tests(&self) -> &[rehearsal::Test] {
        &self.tests
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
            hash: hash(&[], &[], &Locale::default()),
            texts: hash(&[], &[], &Locale::default()),
            rules: Vec::new(),
            index: index::Index::default(),
            places: HashMap::new(),
            clocks: BTreeSet::new(),
            calls: Calls::default(),
            far: far::Far::default(),
            hours: Arc::default(),
            vars: Arc::default(),
            tables: Arc::default(),
            numbers: Numbers::default(),
            zone: Tz::UTC,
            warnings: Report::default(),
            attached: Vec::new(),
            tests: Arc::default(),
        }
    }
}

/// Compiles all files together. A warning alone does not fail; with an error the report holds the warnings too.
pub fn compile(sources: &[Source], world: &World) -> Result<RuleSet, Report> {
    let zone = world.locale.timezone.unwrap_or(Tz::UTC);
    let mut report = Report::default();
    let mut engine = Engine::new(zone);
    let mut attached = Vec::new();
    let numbers = Numbers::of(world.locale.country.as_deref());
    let (drafts, read::Named { hours, tables, vars }, tests) =
        read::files(sources, world, &numbers, &mut engine, &mut report, &mut attached);
    cross::check(&drafts, &tables, &mut report);
    if report.has_errors() {
        return Err(report);
    }
    engine.finish();
    let mut shared = matcher::Shared::default();
    // Not collected: that would keep the room of the drafts.
    let mut rules: Vec<Arc<Rule>> = Vec::with_capacity(drafts.len());
    for Draft { mut rule, .. } in drafts {
        rule.conditions.share(&mut shared);
        rules.push(Arc::new(rule));
    }
    let index = index::Index::of(&rules, plan::RECORDED);
    let places = rules.iter().enumerate().map(|(place, rule)| (Arc::clone(&rule.name), place)).collect();
    let waiting = rules.iter().filter(|rule| rule.enabled && rule.wait.is_some());
    let clocks = waiting.flat_map(|rule| rule.trigger.kinds.iter().map(|kind| kind.family())).collect();
    let calls = Calls::of(&rules, sources);
    let far = far::Far::of(&rules, &vars);
    let texts = hash(sources, &attached, &Locale::default());
    let hash = hash(sources, &attached, &world.locale);
    let attached = attached.into_iter().map(|source| source.name).collect();
    let tables = tables.into_iter().filter_map(|(name, sheet)| Some((name, sheet?.table))).collect();
    let (hours, tables, vars) = (Arc::new(hours), Arc::new(tables), Arc::new(vars));
    Ok(RuleSet {
        hash,
        texts,
        rules,
        index,
        places,
        clocks,
        calls,
        far,
        hours,
        tables,
        vars,
        numbers,
        zone,
        warnings: report,
        attached,
        tests: tests.into(),
    })
}

/// What rules ask of whole calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// A rule is for `call.finished`: each call is to be remembered with what its legs showed.
    pub finished: bool,
    /// Something may read `call.hops`, `path`, `answered`, `ring_seconds` or `talk_seconds`: each call is to be remembered.
    pub facts: bool,
}

impl Calls {
    fn of(rules: &[Arc<Rule>], sources: &[Source]) -> Self {
        const WORDS: [&str; 6] = ["hops", "call.path", "path =", "path=", "answered", "_seconds"];
        let finished = rules.iter().any(|rule| rule.enabled && rule.trigger.kinds.contains(&Kind::CallFinished));
        // Where such a word stands, in `where` or in a template, is not asked: one too many costs some room.
        let words = sources.iter().any(|source| WORDS.iter().any(|word| source.text.contains(word)));
        // Who is free of a group is nobody at whom the call was already.
        let groups = rules.iter().any(|rule| rule.enabled && rule.steps.iter().any(Step::looks_up_group));
        let facts = words || groups;
        Self { finished, facts }
    }
}

/// Names and texts, each with its length so that none can pass for another, and by what zone and country they are read.
fn hash(sources: &[Source], attached: &[Source], locale: &Locale) -> String {
    let mut digest = Sha256::new();
    let texts = sources.iter().chain(attached).flat_map(|source| [&*source.name, &*source.text]);
    let zone = locale.timezone.map_or("", |zone| zone.name());
    for part in texts.chain([zone, locale.country.as_deref().unwrap_or_default()]) {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    short_hash(digest)
}

fn short_hash(digest: Sha256) -> String {
    let digest = digest.finalize();
    hex::encode(&digest[..8])
}
