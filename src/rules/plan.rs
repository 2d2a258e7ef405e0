//! Deciding: which rules act on an event, and why the others do not.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono_tz::Tz;
use serde_json::{Map, Value};

use crate::event::Event;
use crate::language::Captures;

use super::matcher::{self, Condition, Seen};
use super::opening::Opening;
use super::rule::{Gates, Rule, When};
use super::scope::Scope;
use super::verdict::{Failure, Finding, Verdict};
use super::{RuleSet, words};

/// The most verdicts that are recorded for one event.
pub(super) const RECORDED: usize = 32;

/// What is to be done with one event.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The rules that act, in file order.
    pub runs: Vec<RunPlan>,
    /// What became of the rules that the event's kind is for: all that matched, and others up to 32.
    pub verdicts: Vec<Verdict>,
}

/// One rule that acts.
#[derive(Clone, Debug)]
pub struct RunPlan {
    /// The rule.
    pub rule: Arc<Rule>,
    /// What its matchers captured.
    pub bindings: Map<String, Value>,
}

/// Rules that may not act on an event although they would match, with the reason: those over their limit.
pub type Barred = BTreeMap<Arc<str>, Failure>;

impl RuleSet {
    /// Decides what is to be done with an event, at the event's own time.
    pub fn plan(&self, event: &Event) -> Plan {
        self.plan_but(event, &Barred::new())
    }

    /// The same, as if rules that are barred did not match.
    pub fn plan_but(&self, event: &Event, barred: &Barred) -> Plan {
        let mut deciding = Deciding { barred: Some(barred), ..Deciding::new(self, event) };
        for place in self.index.candidates(&self.rules, event) {
            deciding.decide(place as usize);
        }
        let spare = RECORDED.saturating_sub(deciding.matched());
        deciding.add_others(self.index.first(event), spare);
        deciding.plan(spare)
    }

    /// Decides which of the rules act whose `for` began with this event and ended now, at the event's time. What they asked of the
    /// event held then; gates and limits are asked now.
    pub fn plan_due(&self, event: &Event, begun: &[Arc<str>], barred: &Barred) -> Plan {
        let mut deciding = Deciding { barred: Some(barred), due: true, ..Deciding::new(self, event) };
        let mut places: Vec<usize> = begun.iter().filter_map(|name| self.place(name)).collect();
        places.sort_unstable();
        for place in places {
            deciding.decide(place);
        }
        deciding.plan(RECORDED)
    }

    /// What becomes of every rule, those included that are for other kinds.
    pub fn explain(&self, event: &Event) -> Vec<Verdict> {
        self.explain_but(event, &Barred::new())
    }

    /// The same, as if rules that are barred did not match.
    pub fn explain_but(&self, event: &Event, barred: &Barred) -> Vec<Verdict> {
        let mut deciding = Deciding { barred: Some(barred), ..Deciding::new(self, event) };
        for place in 0..self.rules.len() {
            deciding.decide(place);
        }
        deciding.plan(usize::MAX).verdicts
    }
}

/// Rules are asked in any order, but those that match in file order: all candidates come first.
pub(super) struct Deciding<'a> {
    rules: &'a RuleSet,
    pub(super) event: &'a Event,
    seen: Seen<'a>,
    barred: Option<&'a Barred>,
    /// Whether rules with `for` act now; else theirs begins.
    due: bool,
    scope: OnceCell<Scope>,
    /// By the rule's place, in file order.
    findings: Vec<(usize, Finding)>,
    /// What was said of fields that do not have what a rule wants.
    told: RefCell<Vec<(Option<&'a Value>, Arc<str>)>>,
    runs: Vec<RunPlan>,
    control: Option<Arc<str>>,
    routes: BTreeMap<Arc<str>, Arc<str>>,
}

impl<'a> Deciding<'a> {
    pub(super) fn new(rules: &'a RuleSet, event: &'a Event) -> Self {
        Self {
            rules,
            event,
            seen: Seen::new(event),
            barred: None,
            due: false,
            scope: OnceCell::new(),
            findings: Vec::new(),
            told: RefCell::default(),
            runs: Vec::new(),
            control: None,
            routes: BTreeMap::new(),
        }
    }

    fn decide(&mut self, place: usize) {
        let rule = &self.rules.rules[place];
        let finding = match self.ask(rule) {
            Err(failure) => Finding::Failed(failure),
            Ok(_) if rule.wait.is_some() && !self.due => Finding::Waits,
            Ok(bindings) => {
                if let Some(by) = self.before(rule) {
                    Finding::Superseded { by }
                } else {
                    self.take(rule);
                    self.runs.push(RunPlan { rule: rule.clone(), bindings });
                    Finding::Matched
                }
            }
        };
        self.findings.push((place, finding));
    }

    /// Adds rules that were no candidates, as far as they are recorded: they can't match.
    fn add_others(&mut self, places: impl Iterator<Item = usize>, spare: usize) {
        let asked = self.findings.len();
        for place in places.take(spare) {
            if self.findings[..asked].binary_search_by_key(&place, |(place, _)| *place).is_ok() {
                continue;
            }
            let asked = self.ask(&self.rules.rules[place]);
            debug_assert!(asked.is_err(), "the index missed `{}`", self.rules.rules[place].name);
            self.findings.extend(asked.err().map(|failure| (place, Finding::Failed(failure))));
        }
        self.findings.sort_by_key(|(place, _)| *place);
    }

    /// The rule that acts in the place of this one.
    fn before(&self, rule: &Rule) -> Option<Arc<str>> {
        let of_route = rule.route.as_ref().and_then(|route| self.routes.get(route));
        of_route.or(self.control.as_ref().filter(|_| rule.controls_call())).cloned()
    }

    /// A rule that only shows what it would do takes nothing from those that act.
    fn take(&mut self, rule: &Rule) {
        if rule.dry_run {
            return;
        }
        if let Some(route) = &rule.route {
            self.routes.insert(route.clone(), rule.name.clone());
        }
        if rule.controls_call() {
            self.control = Some(rule.name.clone());
        }
    }

    /// Whether the rule may act, or the first condition that does not hold.
    pub(super) fn ask(&self, rule: &'a Rule) -> Result<Map<String, Value>, Failure> {
        let event = self.event;
        if !rule.enabled {
            return Err(Failure::new("enabled", "true", "false"));
        }
        let (matched, bindings) = self.matches(rule);
        if !self.due {
            matched?;
        }
        if rule.wait.is_some() && !self.due {
            return Ok(bindings);
        }
        if let Some(failure) = rule.gates.failing(event, self.rules.zone) {
            return Err(failure);
        }
        self.barred.and_then(|barred| barred.get(&rule.name)).cloned().map_or(Ok(bindings), Err)
    }

    /// Whether the event is what the rule is for, and what was bound.
    fn matches(&self, rule: &'a Rule) -> (Result<(), Failure>, Map<String, Value>) {
        let mut captures = Captures::new();
        let mut failure = rule.trigger.failing(&rule.name, self.event, &mut captures);
        if failure.is_none() && self.is_own() && !rule.conditions.wants_own() {
            let wanted = "false (rules meet their own acts only with `where = { event.own = true }`)";
            failure = Some(Failure::new("event.own", wanted, "true"));
        }
        let failure = failure.or_else(|| self.conditions_failing(rule, &mut captures));
        let bindings = matcher::bindings(captures);
        let failure = failure.or_else(|| self.when(rule, &bindings));
        (failure.map_or(Ok(()), Err), bindings)
    }

    /// Whether `where` and `when` hold.
    pub(super) fn conditions(&self, rule: &'a Rule) -> Result<(), Failure> {
        let mut captures = Captures::new();
        let failure = self.conditions_failing(rule, &mut captures);
        failure.or_else(|| self.when(rule, &matcher::bindings(captures))).map_or(Ok(()), Err)
    }

    fn conditions_failing(&self, rule: &'a Rule, captures: &mut Captures) -> Option<Failure> {
        rule.conditions.failing(&self.seen, captures).map(|condition| self.explain(condition))
    }

    /// Whether the event shows what a step of ours did.
    pub(super) fn is_own(&self) -> bool {
        self.event.field(["event", "own"]) == Some(&Value::Bool(true))
    }

    fn when(&self, rule: &Rule, bindings: &Map<String, Value>) -> Option<Failure> {
        let when = rule.when.as_ref()?;
        let got = match when.condition.holds(&self.scope(bindings).values) {
            Ok(true) => return None,
            Ok(false) => self.read(when),
            Err(error) => format!("an error: {error}"),
        };
        Some(Failure::new("when", &*when.shown, got))
    }

    /// What an expression that does not hold has read.
    fn read(&self, when: &When) -> String {
        let mut paths: Vec<&str> = when.condition.names().iter().map(|name| name.path.as_str()).collect();
        paths.sort_unstable();
        paths.dedup();
        let of_event = paths.into_iter().filter(|path| !path.starts_with("hours.") && *path != "now").take(8);
        let values: Vec<String> =
            of_event.map(|path| format!("{path} = {}", words::value(self.event.field(path.split('.'))))).collect();
        if values.is_empty() { "false".to_owned() } else { values.join(", ") }
    }

    fn scope(&self, bindings: &Map<String, Value>) -> Scope {
        let none = Map::new();
        let base = self.scope.get_or_init(|| Scope::new(self.rules, self.event, &none, &none, self.event.time));
        let mut scope = base.clone();
        for (name, value) in bindings {
            scope.add_result(name, value);
        }
        scope
    }

    fn explain(&self, condition: &'a Condition) -> Failure {
        match condition {
            Condition::Field(field) => {
                Failure::new(field.path.clone(), field.shown(), self.told(self.seen.value(field)))
            }
            other => {
                let mut paths = BTreeSet::new();
                fields(other, &mut paths, &self.seen);
                let got: Vec<String> = paths.into_iter().take(8).collect();
                Failure::new("where", other.to_string(), got.join(", "))
            }
        }
    }

    /// A value in words. Many rules ask one field, so it is put into words once.
    fn told(&self, value: Option<&'a Value>) -> Arc<str> {
        let same = |other: Option<&Value>| match (value, other) {
            (Some(one), Some(other)) => std::ptr::eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        let mut told = self.told.borrow_mut();
        if let Some((_, text)) = told.iter().find(|(other, _)| same(*other)) {
            return text.clone();
        }
        let text: Arc<str> = words::value(value).into();
        told.push((value, text.clone()));
        text
    }

    fn matched(&self) -> usize {
        self.findings.iter().filter(|(_, finding)| !matches!(finding, Finding::Failed(_))).count()
    }

    /// All that matched, and so many others.
    fn plan(self, mut spare: usize) -> Plan {
        let mut verdicts = Vec::with_capacity(self.findings.len());
        for (place, finding) in self.findings {
            if matches!(finding, Finding::Failed(_)) {
                if spare == 0 {
                    continue;
                }
                spare -= 1;
            } else if verdicts.len() >= RECORDED && spare != usize::MAX && spare == 0 {
                continue;
            }
            verdicts.push(Verdict { rule: self.rules.rules[place].name.clone(), finding });
        }
        Plan { runs: self.runs, verdicts }
    }
}

/// All fields of a combination with what the event has there.
fn fields<'e>(condition: &'e Condition, into: &mut BTreeSet<String>, seen: &Seen<'e>) {
    match condition {
        Condition::Field(field) => {
            into.insert(format!("{} = {}", field.path, words::value(seen.value(field))));
        }
        Condition::Any(groups) | Condition::All(groups) => {
            groups.iter().flat_map(|group| &group.0).for_each(|condition| fields(condition, into, seen));
        }
        Condition::Not(group) => group.0.iter().for_each(|condition| fields(condition, into, seen)),
    }
}

impl Gates {
    /// The gate that keeps the rule from acting at the event's time.
    fn failing(&self, event: &Event, zone: Tz) -> Option<Failure> {
        if self.open.is_empty() && self.closed.is_empty() {
            return None;
        }
        let (at, shown) = (event.time, event.time.with_timezone(&zone).format("%a %Y-%m-%d %H:%M %Z"));
        let names =
            |gates: &[(Arc<str>, _)]| gates.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>().join(" or ");
        let decided = |hours: &Opening| hours.decided_for(event);
        if !self.open.is_empty() && !self.open.iter().any(|(_, hours)| hours.is_open(at, decided(hours))) {
            let by = self.open.iter().find_map(|(_, hours)| decided(hours).and(hours.overridden_by()));
            let by = by.map_or_else(String::new, |var| format!(", by vars.{var}"));
            return Some(Failure::new(
                "while_open",
                format!("{} open", names(&self.open)),
                format!("closed at {shown}{by}"),
            ));
        }
        let open = self.closed.iter().find(|(_, hours)| hours.is_open(at, decided(hours)));
        open.map(|(name, hours)| {
            let wanted = format!("{} closed", names(&self.closed).replace(" or ", " and "));
            let by =
                decided(hours).and(hours.overridden_by()).map_or_else(String::new, |var| format!(", by vars.{var}"));
            Failure::new("while_closed", wanted, format!("{name} open at {shown}{by}"))
        })
    }
}
