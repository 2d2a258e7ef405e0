//! Hours as rules see them: a schedule, and a var that may overrule it.

use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use crate::event::Event;
use crate::hours::Hours;
use crate::language::{Finding, Report, Source, suggest};

use super::vars::Vars;

/// Hours of a name: a schedule, and the var that overrules it while it is "open" or "closed".
#[derive(Clone, Debug)]
pub struct Opening {
    pub(super) schedule: Hours,
    pub(super) overridden_by: Option<Arc<str>>,
}

impl Opening {
    /// The schedule.
    pub fn schedule(&self) -> &Hours {
        &self.schedule
    }

    /// The var that may overrule it.
    pub fn overridden_by(&self) -> Option<&str> {
        self.overridden_by.as_deref()
    }

    /// What a value of that var decides: open, closed, or nothing.
    pub fn decided(&self, value: Option<&Value>) -> Option<bool> {
        match value.filter(|_| self.overridden_by.is_some()).and_then(Value::as_str) {
            Some("open") => Some(true),
            Some("closed") => Some(false),
            _ => None,
        }
    }

    /// The same, of the vars that hold for an event.
    pub(super) fn decided_for(&self, event: &Event) -> Option<bool> {
        self.decided(event.field(["vars", self.overridden_by()?]))
    }

    /// Whether they are open at that moment, given what the var decides.
    pub fn is_open(&self, at: DateTime<Utc>, decided: Option<bool>) -> bool {
        decided.unwrap_or_else(|| self.schedule.is_open(at))
    }

    /// The next moment at which they open. When an override ends nobody knows: it is the schedule's.
    pub fn next_open(&self, at: DateTime<Utc>) -> Option<DateTime<Tz>> {
        self.schedule.next_open(at)
    }

    /// The next moment at which they open or close. What is held open closes when the schedule next does, what is held
    /// closed opens when the schedule next does: an override is taken to be for the day at hand.
    pub fn next_change(&self, at: DateTime<Utc>, decided: Option<bool>) -> Option<DateTime<Tz>> {
        match decided {
            None => self.schedule.next_change(at),
            Some(true) => self.schedule.next_close(at),
            Some(false) => self.schedule.next_open(at),
        }
    }
}

/// Where a var is named that overrules hours. Vars are known only when all files are read.
#[derive(Clone, Debug)]
pub(super) struct Override {
    pub(super) var: Arc<str>,
    pub(super) source: Source,
    pub(super) span: Range<usize>,
}

/// Finds vars that do not exist, and vars that can never be "open" or "closed".
pub(super) fn check(overrides: &[Override], vars: &Vars, report: &mut Report) {
    for Override { var, source, span } in overrides {
        let Some(declared) = vars.get(var) else {
            let help = suggest::did_you_mean(var, vars.keys().map(|name| &**name))
                .unwrap_or_else(|| format!("write it as [vars.{var}]"));
            let message = format!("no var is called `{var}`");
            report.push(Finding::error("unknown-var", source, span.clone(), message).help(help));
            continue;
        };
        if let Some(per) = &declared.per {
            let message = format!("`{var}` is kept for each `{per}`, but hours are the same for everybody");
            let help = format!("only events with `{per}` would see it; let hours be overruled by a var without `per`");
            report.push(Finding::warning("override-per", source, span.clone(), message).help(help));
        }
        // Without a list it can be anything.
        let listed = |word: &str| declared.values.is_empty() || declared.values.iter().any(|value| &**value == word);
        let lacking: Vec<&str> = ["open", "closed"].into_iter().filter(|word| !listed(word)).collect();
        if !lacking.is_empty() {
            let message = format!("`{var}` can never be {}: its values do not list it", suggest::list(&lacking));
            let help = format!("write `values = [\"auto\", \"open\", \"closed\"]` in [vars.{var}]");
            report.push(Finding::warning("override-values", source, span.clone(), message).help(help));
        }
    }
}
