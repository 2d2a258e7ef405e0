//! What was measured of one program in one round.
use std::ops::Range;

use serde::Serialize;

use crate::load::Sent;
use crate::upstream::Book;

/// Nanoseconds, of as many events as there were, in order.
#[derive(Default)]
pub(crate) struct Latencies(Vec<u64>);

impl Latencies {
    fn new(nanos: impl Iterator<Item = u64>) -> Self {
        let mut nanos: Vec<u64> = nanos.collect();
        nanos.sort_unstable();
        Self(nanos)
    }

    /// In milliseconds; 0 of nothing.
    pub(crate) fn at(&self, part: f64) -> f64 {
        let index = (self.0.len() as f64 * part) as usize;
        self.0.get(index.min(self.0.len().saturating_sub(1))).map_or(0.0, |nanos| *nanos as f64 / 1e6)
    }
}

/// The promise that every round checks: accepted is acted on once, refused at most once.
#[derive(Default, Serialize)]
pub(crate) struct Broken {
    pub(crate) missing: usize,
    pub(crate) twice: usize,
    /// PUTs that redirect no call of ours, or redirect it elsewhere.
    pub(crate) strange: u64,
    /// The program ended by itself.
    pub(crate) died: bool,
}

impl Broken {
    pub(crate) fn add(&mut self, other: &Self) {
        self.missing += other.missing;
        self.twice += other.twice;
        self.strange += other.strange;
        self.died |= other.died;
    }

    pub(crate) fn is_none(&self) -> bool {
        self.missing == 0 && self.twice == 0 && self.strange == 0 && !self.died
    }
}

/// CPU seconds while events passed.
#[derive(Default)]
pub(crate) struct Used {
    pub(crate) subject: f64,
    /// Of this process: generator and upstream.
    pub(crate) bench: f64,
    /// Of everything on the machine.
    pub(crate) machine: f64,
    /// The time in which it was used.
    pub(crate) wall: f64,
    pub(crate) events: usize,
}

/// One closed loop.
#[derive(Default)]
pub(crate) struct Closed {
    pub(crate) accepted: usize,
    /// From the first call to the last answer.
    accepting_seconds: f64,
    /// From the first call to the last redirect.
    acting_seconds: f64,
    pub(crate) accept: Latencies,
    pub(crate) used: Used,
}

impl Closed {
    pub(crate) fn new(sent: &[Sent], book: &Book, range: Range<usize>, used: Used) -> Self {
        let rows = || range.clone().filter(|number| sent[*number].accepted());
        let begin = sent[range.clone()].iter().map(|sent| sent.at).filter(|at| *at > 0).min().unwrap_or(0);
        let seconds = |end: Option<u64>| end.map_or(0.0, |end| end.saturating_sub(begin) as f64 / 1e9);
        Self {
            accepted: rows().count(),
            accepting_seconds: seconds(rows().map(|number| sent[number].answered).max()),
            acting_seconds: seconds(rows().filter_map(|number| book.arrived(number)).max()),
            accept: Latencies::new(rows().map(|number| sent[number].answered - sent[number].at)),
            used,
        }
    }

    pub(crate) fn accepted_per_second(&self) -> f64 {
        ratio(self.accepted as f64, self.accepting_seconds)
    }

    /// Accepted and acted on are the same events, or the run has failed.
    pub(crate) fn acted_per_second(&self) -> f64 {
        ratio(self.accepted as f64, self.acting_seconds)
    }
}

/// One open loop.
#[derive(Default)]
pub(crate) struct Open {
    pub(crate) accept: Latencies,
    pub(crate) ring_to_redirect: Latencies,
    pub(crate) used: Used,
}

impl Open {
    pub(crate) fn new(sent: &[Sent], book: &Book, range: Range<usize>, used: Used) -> Self {
        let rows = || range.clone().filter(|number| sent[*number].accepted());
        let acted = |number: usize| Some(book.arrived(number)?.saturating_sub(sent[number].at));
        Self {
            accept: Latencies::new(rows().map(|number| sent[number].answered - sent[number].at)),
            ring_to_redirect: Latencies::new(rows().filter_map(acted)),
            used,
        }
    }
}

/// One round of one program.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) body_bytes: usize,
    /// From the start to the first answer.
    pub(crate) start_ms: f64,
    pub(crate) idle_mb: f64,
    pub(crate) peak_mb: f64,
    pub(crate) closed: Closed,
    pub(crate) open: Open,
    pub(crate) refused: usize,
    pub(crate) broken: Broken,
}

impl Figures {
    /// Looks at each call that was sent, once nothing more is to come.
    pub(crate) fn check(&mut self, sent: &[Sent], book: &Book, ranges: &[Range<usize>]) {
        for number in ranges.iter().cloned().flatten() {
            let (accepted, times) = (sent[number].accepted(), book.times(number));
            self.refused += usize::from(!accepted);
            self.broken.missing += usize::from(accepted && times == 0);
            self.broken.twice += usize::from(times > 1);
        }
        self.broken.strange += book.strange.load(std::sync::atomic::Ordering::Relaxed);
    }
}

/// 0 where there is nothing to divide by.
pub(crate) fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}
