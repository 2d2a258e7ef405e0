//! What the admin listener shows: readiness and the figures that are read just before they are shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::api::{AccountReadiness, Faces, Readiness};
use crate::dispatch::{OPEN, PARKED, Pulse};
use crate::journal::Embedded;
use crate::kit::clock::Clock;
use crate::telemetry::Metrics;

use super::account::Account;

/// A dispatcher that did not come around for so long hangs.
const HANGS: i64 = 10_000;

/// After so many failures in a row it is told that the directory can't be read.
const LASTING: u32 = 3;

/// See the module.
pub(super) struct Shown {
    pub(super) journal: Arc<Embedded>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) accounts: Arc<[Account]>,
    pub(super) clock: Clock,
    pub(super) draining: AtomicBool,
}

impl Shown {
    /// Whether the dispatcher came around lately: what systemd's watchdog is told. A full disk is no reason to be
    /// started anew; a task that hangs is.
    pub(super) fn comes_around(&self) -> bool {
        self.clock.millis() - self.pulse.beat.load(Ordering::Relaxed) <= HANGS
    }
}

impl Faces for Shown {
    fn readiness(&self) -> Readiness {
        let (mut ready, mut reasons) = (true, Vec::new());
        let mut not_ready = |reason: &str| {
            ready = false;
            reasons.push(reason.to_owned());
        };
        if self.draining.load(Ordering::Relaxed) {
            not_ready("the gateway is stopping");
        }
        if self.journal.figures().failing.load(Ordering::Relaxed) {
            not_ready("the journal can't be written: senders are told to come again");
        }
        if self.journal.figures().full.load(Ordering::Relaxed) {
            not_ready("the journal has reached max_size: senders are told to come again");
        }
        if !self.comes_around() {
            not_ready("the dispatcher does not come around");
        }
        let parked = self.pulse.parked.load(Ordering::Relaxed);
        if parked > 0 {
            reasons.push(format!("{parked} runs wait in the journal until there is room for them"));
        }
        if self.pulse.open.load(Ordering::Relaxed) >= OPEN as u64 || parked >= PARKED as u64 {
            reasons.push("too many runs are open: what comes waits in the journal".to_owned());
        }
        let several = self.accounts.len() > 1;
        let mut accounts = Vec::new();
        for account in self.accounts.iter() {
            let of = if several { format!("{}: ", account.name) } else { String::new() };
            let rules = account.reloader.in_force();
            reasons.extend(rules.trouble.map(|why| format!("{of}the rules on disk are not in force: {why}")));
            let token = account.cloudlink.token_state();
            reasons.extend(token.last_error.map(|why| format!("{of}no token from CloudLink: {why}")));
            for state in account.desk.directory().iter().flat_map(|directory| directory.state()) {
                let name = state.name;
                // What fails for a moment is read anew soon.
                let trouble = state.trouble.filter(|_| state.failures >= LASTING);
                reasons.extend(trouble.map(|why| format!("{of}the directory's {name} could not be read: {why}")));
            }
            let (name, since) = (account.name.to_string(), rules.since.to_rfc3339());
            accounts.push(AccountReadiness { name, rules: rules.hash, rules_since: since });
        }
        let first = accounts.first().cloned().unwrap_or_default();
        let (rules, rules_since, version) = (first.rules, first.rules_since, env!("CARGO_PKG_VERSION"));
        Readiness { ready, reasons, rules, rules_since, accounts, version }
    }

    fn metrics(&self) -> String {
        let (figures, gauges, now) = (self.journal.figures(), self.metrics.gauges(), self.clock.millis());
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let load = |value: &std::sync::atomic::AtomicU64| signed(value.load(Ordering::Relaxed));
        let planned = load(&self.pulse.planned).max(load(&figures.done_to));
        gauges.journal_backlog.set((load(&figures.committed) - planned).max(0));
        gauges.journal_bytes.set(load(&figures.bytes));
        gauges.journal_failing.set(figures.failing.load(Ordering::Relaxed).into());
        gauges.dead_letters_kept.set(load(&figures.letters));
        gauges.runs_parked.set(load(&self.pulse.parked));
        gauges.runs.set(load(&self.pulse.open));
        gauges.running.set(load(&self.pulse.running));
        let since = |at: i64| if at == 0 { 0 } else { now - at };
        gauges.dedupe_window_seconds.set(since(figures.oldest_seen.load(Ordering::Relaxed)) / 1000);
        gauges.oldest_run_ms.set(since(self.pulse.oldest_arrived.load(Ordering::Relaxed)));
        for account in self.accounts.iter() {
            let until = account.cloudlink.token_state().valid_until;
            let left = until.map_or(-1, |until| (until.timestamp_millis() - now) / 1000);
            self.metrics.token(&account.name, left);
            for host in account.cloudlink.hosts().into_iter().chain(account.desk.hosts()) {
                self.metrics.host(&account.name, &host.host, host.breaker_open, host.paused, &host.held);
            }
            for state in account.desk.directory().iter().flat_map(|directory| directory.state()) {
                self.metrics.directory(&account.name, state.name, state.count, state.age, state.stale);
            }
        }
        self.metrics.render()
    }
}
