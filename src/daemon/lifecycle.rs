//! The daemon's life: start in order, serve, reload, stop in order.
//!
//! Start: settings, rules, journal (recovered), listeners bound, dispatcher, listeners opened, ready. Stop: not ready,
//! drain, listener closed, steps that run are finished, outcomes written. A part that dies ends the process.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::account::{Account, Parts, Read};
use super::desk::Desk;
use super::desks::Desks;
use super::faces::Shown;
use super::operator::Operator;
use super::{Error, Start, reload};
use crate::api::{Api, Faces};
use crate::dispatch::Dispatcher;
use crate::ingest::Ingest;
use crate::journal::{Embedded, Journal};
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::listener::Listener;
use crate::kit::supervisor::{Died, Supervisor};
use crate::rules::{self, World};
use crate::settings::{self, Environment, Settings};
use crate::telemetry::Metrics;

/// How long open requests may take to end when the listener closes.
const CONNECTIONS_END: Duration = Duration::from_secs(1);
/// How long steps that run may take to end after that.
const STEPS_END: Duration = Duration::from_secs(8);
/// How often systemd is told that the daemon lives, if it wants to know.
const WATCHDOG: Duration = Duration::from_secs(5);

/// A daemon that serves.
struct App {
    accounts: Arc<[Account]>,
    journal: Arc<Embedded>,
    ingest: Arc<Ingest<Embedded>>,
    shown: Arc<Shown>,
    supervisor: Supervisor,
    close: CancellationToken,
    drain: Duration,
    watcher: Option<reload::Watch>,
}

/// Runs the daemon until it is told to stop or a part of it dies.
pub async fn run(start: Start) -> Result<(), Error> {
    // The first thing of all: a signal that comes during the start is obeyed when it is over, not fatal.
    let set_up = |error: std::io::Error| Error::SetUp { what: "signals", why: error.to_string() };
    let signals = Signals::new().map_err(set_up)?;
    let clock = if start.clock_offset == 0 { Clock::system() } else { Clock::shifted(start.clock_offset * 1000) };
    let settings = settings::load(&start.config, &Environment::process()).map_err(Error::Settings)?;
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let (supervisor, deaths) = Supervisor::new();
    let app = assemble(settings, clock, supervisor).await?;
    let died = app.live(signals, deaths).await;
    match died {
        Some(Died { task, why }) => Err(Error::Died { task: task.to_string(), why }),
        None => Ok(()),
    }
}

async fn assemble(settings: Settings, clock: Clock, supervisor: Supervisor) -> Result<App, Error> {
    let chance = Chance::system();
    let metrics = Arc::new(Metrics::default());
    let parts = Parts {
        credentials: &settings.credentials,
        rules: &settings.rules,
        directory: settings.directory,
        state: &settings.journal.path,
        keep_dead: settings.journal.keep_dead,
        session: chance.uuid(),
        clock: clock.clone(),
        chance: chance.clone(),
        supervisor: supervisor.clone(),
        metrics: Arc::clone(&metrics),
    };
    // Before the rules are read, so that no change between reading and watching is missed.
    let folders: BTreeSet<PathBuf> = settings.accounts.iter().flat_map(|account| account.rules.clone()).collect();
    let watcher = settings.rules.watch.then(|| reload::Watch::new(&folders)).and_then(|watcher| {
        watcher.inspect_err(|error| tracing::warn!(%error, "the rules can't be watched; reload them with SIGHUP")).ok()
    });
    let read = settings.accounts.iter().map(|account| Read::new(account.clone(), &parts));
    let read = read.collect::<Result<Vec<Read>, Error>>()?;
    let journal = Arc::new(Embedded::open(&settings.journal, clock.clone())?);
    let admin = Listener::bind(settings.admin.listen, None).await?;
    let public = Listener::bind(settings.server.listen, settings.server.tls.as_ref()).await?;

    let accounts = read.into_iter().map(|read| Account::new(read, &parts)).collect::<Result<Vec<Account>, Error>>()?;
    for account in &accounts {
        account.start(&journal, &parts).await?;
    }
    let desks = Arc::new(desks(&accounts, &parts)?);
    let accounts: Arc<[Account]> = accounts.into();
    let dispatcher = Dispatcher::new(
        Arc::clone(&journal),
        Arc::clone(&desks),
        clock.clone(),
        chance.clone(),
        supervisor.clone(),
        Arc::clone(&metrics),
    );
    let shown = Arc::new(Shown {
        journal: Arc::clone(&journal),
        pulse: dispatcher.pulse(),
        metrics: Arc::clone(&metrics),
        accounts: Arc::clone(&accounts),
        clock,
        draining: AtomicBool::new(false),
    });
    let ingest = Arc::new(Ingest::new(&settings.server, Arc::clone(&journal), metrics, supervisor.clone()));
    let operator = Arc::new(Operator::new(Arc::clone(&journal), desks, chance));
    let api = Arc::new(Api::new(&settings.admin, Arc::clone(&shown) as Arc<dyn Faces>, operator));
    let close = CancellationToken::new();
    announce(&settings, &public, &admin);

    supervisor.vital("dispatch", dispatcher.run());
    supervisor.vital("journal", journal_lives(Arc::clone(&journal), supervisor.stop.clone()));
    let (handler, stop) = (Arc::clone(&ingest), supervisor.stop.clone());
    let listening = public.serve(
        move |request| {
            let ingest = Arc::clone(&handler);
            async move { ingest.handle(request).await }
        },
        supervisor.clone(),
        close.clone(),
    );
    supervisor.vital("public listener", async move {
        listening.await;
        // Closed in good order: its task lives on until the rest has stopped too.
        stop.cancelled().await;
    });
    let stop = supervisor.stop.clone();
    let admin = admin.serve(
        move |request| {
            let api = Arc::clone(&api);
            async move { api.handle(request).await }
        },
        supervisor.clone(),
        stop,
    );
    supervisor.vital("admin listener", admin);
    for account in accounts.iter() {
        supervisor.vital("sign-in", account.cloudlink.clone().keep_signed_in());
    }
    Ok(App { accounts, journal, ingest, shown, supervisor, close, drain: settings.server.drain, watcher })
}

/// The desks of these accounts as one. An account that is not among them any more has no rules and no hands.
fn desks(accounts: &[Account], parts: &Parts<'_>) -> Result<Desks, Error> {
    let mut desks = accounts.iter().map(|account| Arc::clone(&account.desk));
    let first = desks.next().ok_or(Error::SetUp { what: "[cloudlink]", why: "there is no account".into() })?;
    let no_rules = rules::compile(&[], &World::default()).map_err(|report| Error::Rules(Box::new(report)))?;
    let (no_rules, metrics, clock, keep_dead) =
        (Arc::new(no_rules), Arc::clone(&parts.metrics), parts.clock.clone(), parts.keep_dead);
    Ok(Desks::new(first, desks, move |account| {
        Desk::of_nobody(account, Arc::clone(&no_rules), clock.clone(), Arc::clone(&metrics), keep_dead)
    }))
}

fn announce(settings: &Settings, public: &Listener, admin: &Listener) {
    let address =
        |listener: &Listener| listener.address().map_or_else(|_| "?".to_owned(), |address| address.to_string());
    let scheme = if settings.server.tls.is_some() { "https" } else { "http" };
    tracing::info!(
        public = format!("{scheme}://{}{}", address(public), settings.server.path),
        admin = format!("http://{}", address(admin)),
        version = env!("CARGO_PKG_VERSION"),
        "listening"
    );
}

/// Ends when the journal's writer does, which it does only by a bug.
async fn journal_lives(journal: Arc<Embedded>, stop: CancellationToken) {
    while !journal.writer_ended() {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
            () = stop.cancelled() => return,
        }
    }
}

impl App {
    /// Serves until a signal or a death, then stops. A death is returned.
    async fn live(mut self, signals: Signals, mut deaths: mpsc::Receiver<Died>) -> Option<Died> {
        let Signals { mut stop, mut reload } = signals;
        let mut watcher = self.watcher.take();
        tell(&[NotifyState::Ready]);
        let mut watchdog = tokio::time::interval(WATCHDOG);
        let died = loop {
            if let Some(watcher) = &mut watcher {
                let attached: Vec<_> = self.accounts.iter().flat_map(|account| account.reloader.attached()).collect();
                watcher.follow(&attached);
            }
            tokio::select! {
                () = stop.told() => break None,
                Some(died) = deaths.recv() => break Some(died),
                Some(()) = reload.recv() => if self.reload_or(&mut stop).await { break None },
                () = reload::changed(watcher.as_mut()) => if self.reload_or(&mut stop).await { break None },
                _ = watchdog.tick() => if self.shown.comes_around() { tell(&[NotifyState::Watchdog]) },
            }
        };
        let at_once = async {
            stop.told().await;
            tracing::warn!("told to stop again: stopping at once");
        };
        tokio::select! {
            () = self.stop(died.is_some()) => {}
            () = at_once => {}
        }
        died
    }

    /// Reloads; a signal to stop is obeyed meanwhile. Whether there was one.
    async fn reload_or(&self, stop: &mut StopSignals) -> bool {
        tokio::select! {
            () = self.reload() => false,
            () = stop.told() => true,
        }
    }

    async fn reload(&self) {
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            tell(&[NotifyState::Reloading, now]);
        }
        for account in self.accounts.iter() {
            account.reloader.reload(&account.desk, &*self.journal).await;
        }
        let troubled = self.accounts.iter().any(|account| account.reloader.in_force().trouble.is_some());
        self.shown.metrics.reload_failed(troubled);
        tell(&[NotifyState::Ready]);
    }

    /// In order: not ready, drain, listener, steps, journal.
    async fn stop(&self, died: bool) {
        tracing::info!("stopping");
        tell(&[NotifyState::Stopping]);
        self.shown.draining.store(true, Ordering::Relaxed);
        self.ingest.drain();
        if !died {
            tokio::time::sleep(self.drain).await;
        }
        self.close.cancel();
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.supervisor.stop.cancel();
        let ended = tokio::time::timeout(CONNECTIONS_END + STEPS_END, self.supervisor.drained()).await;
        let sure = self.shown.pulse.sure.load(Ordering::Relaxed);
        let written = if ended.is_ok() && !died && sure {
            self.journal.rest().await
        } else {
            if ended.is_err() {
                tracing::warn!("some steps did not end in time; what they did is looked up at the next start");
            }
            self.journal.flush().await
        };
        if let Err(error) = written {
            tracing::error!(%error, "the last outcomes could not be written; what they tell may be done again");
        }
        tracing::info!("stopped");
    }
}

struct Signals {
    stop: StopSignals,
    reload: Signal,
}

struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        let stop =
            StopSignals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? };
        Ok(Self { stop, reload: signal(SignalKind::hangup())? })
    }
}

impl StopSignals {
    async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Tells systemd, where there is one.
fn tell(state: &[NotifyState]) {
    let _ = sd_notify::notify(state);
}
