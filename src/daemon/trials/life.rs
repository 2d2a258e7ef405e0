//! One life of the process: the daemon's own rooms, put together as `lifecycle` does, on a wire and a journal that end
//! when the power goes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use super::books::{Books, Entry};
use super::far::World;
use super::planted::Bug;
use super::rigged::{Line, Rigged};
use super::sender::KEY;
use super::watched::Watched;
use crate::actions::{Actions, Credential, CredentialAuth};
use crate::cloudlink::transport::Wire;
use crate::cloudlink::{AppHeader, Auth, CloudLink, Options, Paths, Urls};
use crate::daemon::desk::Desk;
use crate::daemon::schedules;
use crate::dispatch::{Dispatcher, Pulse};
use crate::ingest::{self, Application, Ingest};
use crate::journal::Journal as _;
use crate::journal::KEEP_DEAD;
use crate::journal::memory::{Disk, Memory};
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::secret::Secret;
use crate::kit::supervisor::Supervisor;
use crate::rules::RuleSet;

/// How long the daemon gives its steps when it stops, as `lifecycle` does.
const STOP: Duration = Duration::from_secs(9);

/// The power of one life. What is cut stays cut.
#[derive(Debug)]
pub(super) struct Power {
    pub(super) life: u32,
    cut: CancellationToken,
    committed: AtomicBool,
}

impl Power {
    pub(super) fn new(life: u32) -> Arc<Self> {
        Arc::new(Self { life, cut: CancellationToken::new(), committed: AtomicBool::new(false) })
    }

    /// Takes it away. `committed`: the commit that was under way reached the disk.
    pub(super) fn cut(&self, committed: bool) {
        if !self.is_cut() {
            self.committed.store(committed, Ordering::Relaxed);
            self.cut.cancel();
        }
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut.is_cancelled()
    }

    pub(super) fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        self.cut.cancelled()
    }
}

/// See the module.
pub(super) struct Life {
    pub(super) ingest: Ingest<Rigged>,
    pub(super) power: Arc<Power>,
    pub(super) memory: Arc<Memory>,
    pub(super) pulse: Arc<Pulse>,
    desk: Arc<Desk>,
    supervisor: Supervisor,
}

/// Where senders find the process, while it listens.
#[derive(Default)]
pub(super) struct Door(Mutex<Option<Arc<Life>>>);

impl Door {
    pub(super) fn open(&self) -> Option<Arc<Life>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set(&self, life: Option<Arc<Life>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = life;
    }
}

/// What every life has in common.
pub(super) struct Setting {
    pub(super) seed: u64,
    pub(super) commit: Duration,
    pub(super) bug: Option<Bug>,
    pub(super) clock: Clock,
    pub(super) books: Arc<Books>,
    pub(super) world: Arc<World>,
}

impl Life {
    pub(super) fn start(setting: &Setting, power: Arc<Power>, disk: Disk, rules: Arc<RuleSet>) -> Arc<Self> {
        let Setting { seed, commit, bug, clock, books, world } = setting;
        let chance = Chance::seeded(seed.wrapping_mul(31).wrapping_add(u64::from(power.life)));
        let (supervisor, _) = Supervisor::new();
        let memory = Arc::new(Memory::open(disk, clock.clone(), *commit));
        let journal = Arc::new(Rigged::new(Arc::clone(&memory), Arc::clone(&power), *bug, supervisor.clone()));
        let far = Arc::new(Line::new(Arc::clone(world), Arc::clone(books), Arc::clone(&power), *bug));
        let cloudlink = CloudLink::new(
            options(),
            "session",
            Wire::to(Arc::clone(&far) as Arc<_>),
            clock.clone(),
            chance.clone(),
            supervisor.clone(),
        );
        let crm = Credential {
            name: "crm".to_owned(),
            base: Secret::new("http://crm.sim/api"),
            auth: CredentialAuth::Bearer(Secret::new("crm-secret")),
        };
        let accounts = HashMap::from([("main".into(), cloudlink.clone())]);
        let actions =
            Actions::new(accounts, vec![crm], Wire::to(far), clock.clone(), chance.clone(), supervisor.clone());
        let metrics = Arc::default();
        let desk = Arc::new(Desk::new(
            "main".into(),
            rules,
            actions.unwrap(),
            clock.clone(),
            Arc::clone(&metrics),
            false,
            KEEP_DEAD,
        ));
        let watched = Watched {
            desk: Arc::clone(&desk),
            books: Arc::clone(books),
            clock: clock.clone(),
            life: power.life,
            bug: *bug,
        };
        let dispatcher = Dispatcher::new(
            Arc::clone(&journal),
            Arc::new(watched),
            clock.clone(),
            chance,
            supervisor.clone(),
            Arc::clone(&metrics),
        );
        let pulse = dispatcher.pulse();
        let (set_for, in_force, at) = (Arc::clone(&journal), desk.rules_in_force(), clock.clone());
        supervisor.vital("dispatch", async move {
            // A disk that is full takes no clocks: those of the life before go on.
            let _ = schedules::set(&*set_for, &in_force, "main", &at).await;
            dispatcher.run().await;
        });
        supervisor.vital("sign-in", cloudlink.keep_signed_in());
        let ingest = Ingest::new(&listener(), journal, metrics, supervisor.clone());
        books.write(Entry::Process { life: power.life, what: "starts" });
        Arc::new(Self { ingest, power, memory, pulse, desk, supervisor })
    }

    pub(super) fn reload(&self, rules: Arc<RuleSet>) {
        self.desk.put_in_force(rules);
    }

    /// Stops in order, as `lifecycle` does; the power may go all the same.
    pub(super) async fn stop(&self) {
        let stopping = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            self.supervisor.stop.cancel();
            let _ = tokio::time::timeout(STOP, self.supervisor.drained()).await;
            let _ = self.memory.flush().await;
        };
        tokio::select! {
            biased;
            () = self.power.cancelled() => {}
            () = stopping => {}
        }
    }

    /// What its disk holds when it is over, by whichever way. Its tasks end.
    pub(super) fn disk(&self) -> Disk {
        self.power.cut(false);
        self.supervisor.stop.cancel();
        if self.power.committed.load(Ordering::Relaxed) { self.memory.crash_committed() } else { self.memory.crash() }
    }
}

fn options() -> Options {
    let url = |host: &str| format!("http://{host}.sim/2017-09-01").parse().unwrap();
    let urls = Urls {
        authentication: url("auth"),
        notifications: url("notify"),
        media: url("media"),
        chat: url("chat"),
        admin: url("admin"),
        presence: url("presence"),
        service_delivery: None,
    };
    let auth = Auth::ClientCredentials { client_id: "cid".into(), client_secret: Secret::new("a client's secret") };
    let (paths, app) = (Paths::default(), AppHeader::default());
    Options { name: "main".into(), account_id: "10000495".into(), urls, auth, paths, app }
}

fn listener() -> ingest::Options {
    let application = Application { name: "main".into(), account: "main".into(), id: Secret::new(KEY) };
    ingest::Options {
        listen: ([127, 0, 0, 1], 0).into(),
        path: "/notify".to_owned(),
        max_body: 1 << 20,
        drain: Duration::ZERO,
        tls: None,
        applications: vec![application],
    }
}
