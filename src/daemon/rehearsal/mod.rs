//! Rehearsals: `[[test]]` blocks played by the daemon's own desk, on a clock of their own, with stubbed answers.
//!
//! What happens in a test becomes a publication as CloudLink sends it (`typical`) and goes the way of every other: opened,
//! planned in the light of what is remembered (`store`), rendered. Only the last thing is left out: nothing is carried
//! out (`player`). What the rules asked for is then held against what the test expects (`compare`), or told for one event
//! with all that was decided (`explain`).

mod compare;
mod explain;
mod player;
mod store;
#[cfg(test)]
mod tests;
mod typical;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::event::Event;
use crate::record::{Attempted, Decision};
use crate::rules::RuleSet;
use crate::rules::rehearsal::Test;
use crate::telemetry::Metrics;

pub(crate) use compare::{Difference, as_rules_write};
pub(crate) use explain::{Explained, Happened, Question, Replayer, explain};
use player::Player;

/// What became of a test.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// The first step that did not go as expected.
    pub(crate) failed: Option<FailedStep>,
    /// The rules that fired.
    pub(crate) fired: BTreeSet<Arc<str>>,
}

/// A step that did not go as expected.
#[derive(Debug)]
pub(crate) struct FailedStep {
    /// Which one, counted from 1.
    pub(crate) number: usize,
    /// The line it begins in.
    pub(crate) line: usize,
    /// When it was.
    pub(crate) at: DateTime<Utc>,
    /// What was expected beside what was done; none if that was not the trouble.
    pub(crate) differences: Vec<Difference>,
    /// What was done in it.
    pub(crate) played: Played,
}

/// What happened in a step.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// What was planned, in order.
    pub(crate) heard: Vec<Heard>,
    /// What rules asked for, in order.
    pub(crate) acts: Vec<Act>,
    /// What keeps the step from being played as it is written.
    pub(crate) trouble: Vec<String>,
}

/// A publication that was planned.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// What was decided about it.
    pub(crate) decision: Decision,
    /// What it was planned as, if that is kept.
    pub(crate) event: Option<Event>,
    /// What became of each step, with its rule, in order.
    pub(crate) attempts: Vec<(Arc<str>, Attempted)>,
    /// What became of steps that were not carried out.
    pub(crate) notes: Vec<String>,
}

/// Something that a rule asked for.
#[derive(Debug)]
pub(crate) struct Act {
    /// The rule.
    pub(crate) rule: Arc<str>,
    /// What was asked for, in the language's words.
    pub(crate) asked: Value,
}

/// Plays a test.
pub(crate) fn rehearse(rules: &Arc<RuleSet>, test: &Test, metrics: &Arc<Metrics>) -> Verdict {
    let mut player =
        Player::new(rules, &test.given, test.steps.first().map(|step| step.at).unwrap_or_default(), metrics);
    let desk = player.desk();
    let mut failed = None;
    for (place, step) in test.steps.iter().enumerate() {
        let played = player.play(&desk, step);
        let differences = step.expect.as_ref().map(|expected| compare::compare(expected, &played.acts));
        let differences = differences.filter(|found| found.iter().any(Difference::is_one)).unwrap_or_default();
        if !differences.is_empty() || !played.trouble.is_empty() {
            failed = Some(FailedStep { number: place + 1, line: step.line, at: step.at, differences, played });
            break;
        }
    }
    Verdict { failed, fired: player.fired() }
}
