//! One run: the world of a plan, one life of the process after the other, until everything has come to its end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::books::{Books, Entry};
use super::far::World;
use super::life::{Door, Life, Power, Setting};
use super::plan::{Happening, Plan, RULES};
use super::planted::Bug;
use super::sender::{Sender, Sent};
use crate::journal::memory::Disk;
use crate::journal::{Claim, Journal as _, Range};
use crate::kit::clock::Clock;
use crate::kit::supervisor::Supervisor;
use crate::language::source::Source;
use crate::rules::{self, RuleSet};

/// How long the last life is watched when everything is over: nothing may be done again.
const REST: Duration = Duration::from_secs(30);
/// How often it is asked whether everything is over.
const ASK: Duration = Duration::from_secs(2);

/// What a run leaves behind.
#[derive(Debug, PartialEq)]
pub(super) struct Ran {
    pub(super) books: Vec<(i64, Entry)>,
    pub(super) sent: Vec<Sent>,
    pub(super) journal: Vec<Claim>,
    /// How often each leg's call had been redirected.
    pub(super) hops: Vec<u32>,
    /// Whether everything came to its end in time.
    pub(super) ended: bool,
    /// The runs that the dispatcher still counts.
    pub(super) open: u64,
    /// When the journal was read, in milliseconds since 1970.
    pub(super) read: i64,
}

/// Whatever a run of a plan brings about from outside.
struct Control {
    door: Arc<Door>,
    world: Arc<World>,
    sender: Arc<Sender>,
    books: Arc<Books>,
    stop: Notify,
    rules: AtomicUsize,
    full_until: Mutex<Option<Instant>>,
    told: AtomicBool,
}

/// Both rule sets, compiled once for all runs.
pub(super) fn rule_sets() -> &'static [Arc<RuleSet>] {
    static COMPILED: OnceLock<Vec<Arc<RuleSet>>> = OnceLock::new();
    COMPILED.get_or_init(|| RULES.iter().map(|text| compile(text)).collect())
}

pub(super) fn compile(text: &str) -> Arc<RuleSet> {
    let world = rules::World { credentials: vec!["crm".to_owned()], ..rules::World::default() };
    Arc::new(rules::compile(&[Source::new("trial.toml", text)], &world).unwrap_or_else(|report| panic!("{report}")))
}

/// Runs a plan.
pub(super) fn run(plan: &Plan, bug: Option<Bug>, rules: &[Arc<RuleSet>]) -> Ran {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(live(plan, bug, rules))
}

async fn live(plan: &Plan, bug: Option<Bug>, rules: &[Arc<RuleSet>]) -> Ran {
    let clock = Clock::tokio("2026-02-03T08:15:00Z".parse().unwrap());
    let books = Arc::new(Books::new(clock.clone()));
    let (tasks, _deaths) = Supervisor::new();
    let door = Arc::new(Door::default());
    let manner = (plan.rates.clone(), plan.skew);
    let sender = Sender::new(plan.seed, Arc::clone(&door), Arc::clone(&books), clock.clone(), tasks.clone(), manner);
    let sender = Arc::new(sender);
    let world = Arc::new(World::new(plan, Arc::clone(&sender), Arc::clone(&books), clock.clone(), tasks.clone()));
    let (stop, told) = (Notify::new(), AtomicBool::new(false));
    let (rules_now, full_until) = (AtomicUsize::new(0), Mutex::new(None));
    let control = Arc::new(Control {
        door: Arc::clone(&door),
        world: Arc::clone(&world),
        sender: Arc::clone(&sender),
        books: Arc::clone(&books),
        stop,
        rules: rules_now,
        full_until,
        told,
    });
    tasks.spawn(Arc::clone(&control).tell(plan.happenings.clone(), rules.to_vec()));
    let setting = Setting { seed: plan.seed, commit: plan.commit, bug, clock, books: Arc::clone(&books), world };

    let mut rng = Rng::with_seed(plan.seed ^ 0xd0);
    let until = Instant::now() + plan.healed;
    let mut disk = Disk::default();
    let mut number = 0;
    let (ended, open) = loop {
        let life = control.start(&setting, number, disk, rules);
        let over = tokio::select! {
            biased;
            () = life.power.cancelled() => None,
            () = control.stop.notified() => {
                door.set(None);
                life.stop().await;
                None
            }
            ended = control.over(&life, until, plan.patience) => Some(ended),
        };
        door.set(None);
        number += 1;
        if let Some(ended) = over {
            let open = life.pulse.open.load(Ordering::Relaxed);
            life.stop().await;
            books.write(Entry::Process { life: number, what: "rests" });
            disk = life.disk();
            break (ended, open);
        }
        disk = life.disk();
        books.write(Entry::Process { life: number, what: "is gone" });
        sleep(Duration::from_millis(rng.u64(500..20_000))).await;
    };
    let last = control.start(&setting, number, disk, rules);
    sleep(REST).await;
    let _ = last.memory.flush().await;
    let journal = last.memory.scan(Range::Newest(usize::MAX)).await.unwrap();
    let read = setting.clock.millis();
    // The door, the life behind it, its world and the senders hold each other: a run that left it open would stay in memory.
    door.set(None);
    Ran { books: books.take(), sent: sender.sent(), journal, hops: setting.world.hops(), ended, open, read }
}

impl Control {
    fn start(&self, setting: &Setting, number: u32, disk: Disk, rules: &[Arc<RuleSet>]) -> Arc<Life> {
        let rules = Arc::clone(&rules[self.rules.load(Ordering::Relaxed) % rules.len()]);
        let life = Life::start(setting, Power::new(number), disk, rules);
        life.memory.set_full(self.full().is_some_and(|until| Instant::now() < until));
        self.door.set(Some(Arc::clone(&life)));
        life
    }

    fn full(&self) -> Option<Instant> {
        *self.full_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes everything happen in its time.
    async fn tell(self: Arc<Self>, happenings: Vec<(Duration, Happening)>, rules: Vec<Arc<RuleSet>>) {
        let began = Instant::now();
        for (at, happening) in happenings {
            tokio::time::sleep_until(began + at).await;
            let life = self.door.open();
            match happening {
                Happening::Ring(endpoint) => self.world.ring(endpoint),
                Happening::Talk(conversation) => self.world.talk(&format!("c{conversation}")),
                Happening::Presence(who, status) => self.world.presence(who, status),
                Happening::Forged => self.world.forge(),
                Happening::Revoke => self.world.revoke(),
                Happening::Outage(host, time) => self.world.outage(host, time),
                Happening::Crash { committed } => life.into_iter().for_each(|life| life.power.cut(committed)),
                Happening::Stop => life.into_iter().for_each(|_| self.stop.notify_one()),
                Happening::Full(time) => {
                    let until = Instant::now() + time;
                    *self.full_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
                    if let Some(life) = life {
                        life.memory.set_full(true);
                    }
                }
                Happening::Reload(which) => {
                    self.rules.store(which, Ordering::Relaxed);
                    if let Some(life) = life {
                        life.reload(Arc::clone(&rules[which % rules.len()]));
                    }
                }
            }
        }
        self.told.store(true, Ordering::Relaxed);
    }

    /// Returns when everything has come to its end, or patience is over: whether it has.
    async fn over(&self, life: &Life, healed: Instant, patience: Duration) -> bool {
        let mut quiet = 0;
        loop {
            sleep(ASK).await;
            if self.full().is_some_and(|until| Instant::now() >= until) {
                *self.full_until.lock().unwrap_or_else(PoisonError::into_inner) = None;
                life.memory.set_full(false);
                self.books.write(Entry::Process { life: life.power.life, what: "has room again" });
            }
            let told = self.told.load(Ordering::Relaxed) && Instant::now() >= healed;
            let idle = told && self.full().is_none() && self.sender.is_idle() && self.world.is_idle();
            quiet = if idle && life.pulse.open.load(Ordering::Relaxed) == 0 { quiet + 1 } else { 0 };
            if quiet > 2 {
                return true;
            }
            if Instant::now() > healed + patience {
                return false;
            }
        }
    }
}
