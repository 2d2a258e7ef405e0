//! The metrics, in one registry that is handed around; no globals.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, EncodeMetric};
use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Refused {
    Signature,
    TooLarge,
    NotJson,
    Encoding,
    Timeout,
    Unavailable,
    NotFound,
    Method,
    Broken,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabel {
    reason: Refused,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FateLabel {
    fate: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HostLabel {
    account: String,
    host: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DirectoryLabel {
    account: String,
    collection: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AccountLabel {
    account: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HeldLabel {
    account: String,
    host: String,
    why: &'static str,
}

/// See the module.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    accepted: Counter,
    known: Counter,
    refused: Family<RefusedLabel, Counter>,
    outcomes: Family<FateLabel, Counter>,
    attempts_again: Counter,
    dead_letters: Counter,
    loops_stopped: Counter,
    reaction: Histogram,
    accept: Histogram,
    reload_failed: Gauge,
    breaker_open: Family<HostLabel, Gauge>,
    paused: Family<HostLabel, Gauge>,
    held: Family<HeldLabel, Counter>,
    directory_entries: Family<DirectoryLabel, Gauge>,
    directory_age: Family<DirectoryLabel, Gauge>,
    directory_stale: Family<DirectoryLabel, Gauge>,
    token_seconds: Family<AccountLabel, Gauge<i64, AtomicI64>>,
    gauges: Gauges,
}

/// Figures that are read from elsewhere just before they are shown.
#[derive(Debug, Default)]
pub struct Gauges {
    /// Publications that are stored and not yet handed to a lane.
    pub journal_backlog: Gauge,
    /// Dead letters that are kept.
    pub dead_letters_kept: Gauge,
    /// Runs of which only the number is kept until there is room.
    pub runs_parked: Gauge,
    /// Age of the oldest run that is waiting or running, in milliseconds.
    pub oldest_run_ms: Gauge,
    /// Runs that wait or run.
    pub runs: Gauge,
    /// Runs that are being carried out now.
    pub running: Gauge,
    /// Bytes in use in the store.
    pub journal_bytes: Gauge,
    /// How far back dedupe reaches, in seconds.
    pub dedupe_window_seconds: Gauge,
    /// 1 while the journal can't commit.
    pub journal_failing: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("switchhook");
        let metrics = Self {
            accepted: counter(&mut registry, "publications_accepted", "Publications that are on disk"),
            known: counter(&mut registry, "publications_known", "Publications that were known already"),
            refused: family(&mut registry, "requests_refused", "Requests to the public listener that were refused"),
            outcomes: family(&mut registry, "runs", "Runs of rules that ended, by how"),
            attempts_again: counter(&mut registry, "attempts_again", "Attempts that failed and are made again"),
            loops_stopped: counter(
                &mut registry,
                "loops_stopped",
                "Calls and conversations left alone, for more is a loop",
            ),
            dead_letters: counter(&mut registry, "dead_letters", "Runs that were given up and became dead letters"),
            reaction: histogram(
                &mut registry,
                "reaction_seconds",
                "From the arrival to the end of a rule's first step",
            ),
            accept: histogram(&mut registry, "accept_seconds", "From the request's head to the answer"),
            reload_failed: gauge(
                &mut registry,
                "rules_reload_failed",
                "1 when the rules on disk are not those in force",
            ),
            breaker_open: family(&mut registry, "host_breaker_open", "1 while a far side is left alone: it is ill"),
            paused: family(
                &mut registry,
                "host_paused",
                "Seconds of the pause that a far side asked for that are left",
            ),
            held: family(&mut registry, "requests_held", "Requests that were not let through to a far side, by why"),
            directory_entries: family(&mut registry, "directory_entries", "What is in memory of CloudLink's directory"),
            directory_age: family(&mut registry, "directory_age_seconds", "How long ago it was read; -1 if it was not"),
            directory_stale: family(&mut registry, "directory_stale", "1 while it is older than it may be"),
            token_seconds: family(
                &mut registry,
                "token_seconds",
                "Seconds until an account's CloudLink token ends; -1 without one",
            ),
            gauges: Gauges::default(),
            registry: Registry::default(),
        };
        for (name, help, gauge) in [
            ("dead_letters_kept", "Dead letters that are kept", &metrics.gauges.dead_letters_kept),
            ("runs_parked", "Runs of which only the number is kept until there is room", &metrics.gauges.runs_parked),
            ("journal_backlog", "Publications that are stored and not yet in a lane", &metrics.gauges.journal_backlog),
            ("oldest_run_milliseconds", "Age of the oldest run that waits or runs", &metrics.gauges.oldest_run_ms),
            ("runs_open", "Runs that wait or run", &metrics.gauges.runs),
            ("runs_running", "Runs that are being carried out", &metrics.gauges.running),
            ("journal_bytes", "Bytes in use in the store", &metrics.gauges.journal_bytes),
            ("dedupe_window_seconds", "How far back repeats are recognised", &metrics.gauges.dedupe_window_seconds),
            ("journal_failing", "1 while the store can't be written", &metrics.gauges.journal_failing),
        ] {
            registry.register(name, help, gauge.clone());
        }
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// Publications were stored, or were known.
    pub fn accepted(&self, new: u64, known: u64) {
        self.accepted.inc_by(new);
        self.known.inc_by(known);
    }

    /// A request was refused.
    pub fn refused(&self, reason: Refused) {
        self.refused.get_or_create(&RefusedLabel { reason }).inc();
    }

    /// A request was answered after so many seconds.
    pub fn answered(&self, seconds: f64) {
        self.accept.observe(seconds);
    }

    /// A run ended.
    pub fn ended(&self, fate: &'static str) {
        self.outcomes.get_or_create(&FateLabel { fate }).inc();
    }

    /// Something was given up and is kept for somebody to look at.
    pub fn dead_letter(&self) {
        self.dead_letters.inc();
    }

    /// A call or a conversation was left alone, because more would be a loop.
    pub fn loop_stopped(&self) {
        self.loops_stopped.inc();
    }

    /// An attempt failed and is made again.
    pub fn again(&self) {
        self.attempts_again.inc();
    }

    /// The first step of a rule ended so many seconds after its event.
    pub fn reacted(&self, seconds: f64) {
        self.reaction.observe(seconds);
    }

    /// Whether the last reload of the rules failed.
    pub fn reload_failed(&self, failed: bool) {
        self.reload_failed.set(failed.into());
    }

    /// How the far sides of one name are, just before it is shown. `host` is from a bounded set and no secret; `held`
    /// counts from the start.
    pub fn host(&self, account: &str, host: &str, breaker_open: bool, paused: Duration, held: &[(&'static str, u64)]) {
        let label = HostLabel { account: account.to_owned(), host: host.to_owned() };
        self.breaker_open.get_or_create(&label).set(breaker_open.into());
        // What has begun counts: 0 says that there is no pause.
        self.paused.get_or_create(&label).set(paused.as_millis().div_ceil(1000) as i64);
        for (why, count) in held {
            let held = self.held.get_or_create(&HeldLabel { account: account.to_owned(), host: host.to_owned(), why });
            held.inner().store(*count, Ordering::Relaxed);
        }
    }

    /// How a collection of an account's directory is, just before it is shown. `age` in milliseconds.
    pub fn directory(&self, account: &str, collection: &'static str, count: usize, age: Option<i64>, stale: bool) {
        let label = DirectoryLabel { account: account.to_owned(), collection };
        self.directory_entries.get_or_create(&label).set(count as i64);
        self.directory_age.get_or_create(&label).set(age.map_or(-1, |age| age / 1000));
        self.directory_stale.get_or_create(&label).set(stale.into());
    }

    /// How many seconds an account's token is still good for.
    pub fn token(&self, account: &str, seconds: i64) {
        self.token_seconds.get_or_create(&AccountLabel { account: account.to_owned() }).set(seconds);
    }

    /// The figures that are set just before they are shown.
    pub fn gauges(&self) -> &Gauges {
        &self.gauges
    }

    /// Everything in the text format of Prometheus (OpenMetrics).
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing into a String can't fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

fn family<L, M>(registry: &mut Registry, name: &str, help: &str) -> Family<L, M>
where
    L: Clone + Eq + std::hash::Hash + EncodeLabelSet + std::fmt::Debug + Send + Sync + 'static,
    M: EncodeMetric + TypedMetric + Default + std::fmt::Debug + Send + Sync + 'static,
{
    let family = Family::default();
    registry.register(name, help, family.clone());
    family
}

fn histogram(registry: &mut Registry, name: &str, help: &str) -> Histogram {
    let histogram =
        Histogram::new([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]);
    registry.register(name, help, histogram.clone());
    histogram
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_shown_as_they_are() {
        let metrics = Metrics::default();
        metrics.host("main", "cloudlink/media", true, Duration::from_millis(1200), &[("breaker", 7), ("rate", 0)]);
        metrics.host("main", "cloudlink/media", false, Duration::ZERO, &[("breaker", 9), ("rate", 0)]);
        metrics.host("main", "credential/crm", true, Duration::from_millis(1200), &[]);
        let text = metrics.render();
        for line in [
            "switchhook_host_breaker_open{account=\"main\",host=\"cloudlink/media\"} 0\n",
            "switchhook_host_breaker_open{account=\"main\",host=\"credential/crm\"} 1\n",
            "switchhook_host_paused{account=\"main\",host=\"cloudlink/media\"} 0\n",
            "switchhook_host_paused{account=\"main\",host=\"credential/crm\"} 2\n",
            "switchhook_requests_held_total{account=\"main\",host=\"cloudlink/media\",why=\"breaker\"} 9\n",
            "switchhook_requests_held_total{account=\"main\",host=\"cloudlink/media\",why=\"rate\"} 0\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
