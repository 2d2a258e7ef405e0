//! How runs end: the line, the dead letter of what was given up and what tells of it, and with the last run that the publication
//! is done.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Work, fate};
use crate::journal::{Change, Letter, Line};
use crate::kit::clock::Clock;
use crate::telemetry::Metrics;

/// What an operator should hear of.
const TROUBLE: [&str; 4] = [fate::FAILED, fate::EXPIRED, fate::UNKNOWN, fate::ABANDONED];
/// How often a rule's trouble is logged at most, if nothing is kept of it.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// A run that is over.
#[derive(Clone, Copy)]
pub(super) struct Over<'a> {
    pub(super) rule: &'a Arc<str>,
    pub(super) seq: u64,
    pub(super) controls: bool,
    /// What there is to say of its publication.
    pub(super) about: Option<&'a Arc<String>>,
}

/// See the module.
pub(super) struct Ends {
    /// The publications with open runs.
    open: HashMap<u64, OpenRuns>,
    /// When each rule's trouble was last logged.
    told: HashMap<Arc<str>, Instant>,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// A publication with open runs.
struct OpenRuns {
    count: u32,
    arrived: i64,
}

impl Ends {
    pub(super) fn new(clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self { open: HashMap::new(), told: HashMap::new(), clock, metrics }
    }

    /// A publication has so many runs.
    pub(super) fn opened(&mut self, seq: u64, arrived: i64, count: u32) {
        if count > 0 {
            self.open.insert(seq, OpenRuns { count, arrived });
        }
    }

    /// When a publication with open runs arrived, in milliseconds since 1970.
    pub(super) fn arrived(&self, seq: u64) -> Option<i64> {
        self.open.get(&seq).map(|open| open.arrived)
    }

    /// A run is over without a trace. Whether it was the last of its publication.
    pub(super) fn forget(&mut self, seq: u64) -> bool {
        let Some(open) = self.open.get_mut(&seq) else { return true };
        open.count -= 1;
        let last = open.count == 0;
        if last {
            self.open.remove(&seq);
        }
        last
    }

    /// A run is over: what is to be written.
    pub(super) fn end(&mut self, work: &impl Work, over: &Over<'_>, end: (&'static str, String)) -> Change {
        let (Over { rule, seq, controls, about }, (fate, record)) = (*over, end);
        let (last, at) = (self.forget(seq), self.clock.millis());
        self.metrics.ended(fate);
        let line = Line { seq, run: Arc::clone(rule), fate: fate.into(), at, due: None, last, bytes: record };
        let kept = self.letter_of(work, &line, controls, about);
        if kept.is_none() && TROUBLE.contains(&fate) {
            self.tell(rule, fate, &line.bytes);
        }
        Change { lines: vec![line], ..kept.unwrap_or_default() }
    }

    /// The letter of a run that ended while its publication was not stored, if there is one.
    pub(super) fn letter(&self, work: &impl Work, line: &Line, about: Option<&Arc<String>>) -> Change {
        self.letter_of(work, line, false, about).unwrap_or_default()
    }

    /// The letter of what was given up: told to the log and counted; and what tells rules of it, which must not be there
    /// without the letter, nor the letter without it.
    fn letter_of(&self, work: &impl Work, line: &Line, controls: bool, about: Option<&Arc<String>>) -> Option<Change> {
        let keep = work.keep(&line.fate, controls)?;
        self.metrics.dead_letter();
        let (rule, how, why) = (&*line.run, &*line.fate, why(&line.bytes));
        tracing::warn!(rule, publication = line.seq, how, why, "given up; see `switchhook dead list`");
        let until = line.at.saturating_add(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX));
        let (run, fate) = (Arc::clone(&line.run), Arc::clone(&line.fate));
        let letter = Letter { id: 0, seq: line.seq, run, fate, at: line.at, until };
        let told = about.and_then(|about| work.given_up(about, line));
        Some(Change { letters: vec![letter], events: Vec::from_iter(told), ..Change::default() })
    }

    /// Logs a rule's trouble, now and then: the journal has all of it.
    pub(super) fn tell(&mut self, rule: &Arc<str>, how: &str, record: &str) {
        let now = Instant::now();
        if self.told.get(rule).is_some_and(|last| now < *last + TELL_EVERY) {
            return;
        }
        self.told.insert(Arc::clone(rule), now);
        let why = why(record);
        tracing::warn!(rule = &**rule, how, why, "a rule could not act; `switchhook events` has each case");
    }
}

/// Why, in a record.
fn why(record: &str) -> String {
    let record: serde_json::Value = serde_json::from_str(record).unwrap_or_default();
    record.get("why").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}
