//! The dispatcher over the in-memory journal, on a clock that stands still until it is advanced: stories of order,
//! deadlines, crashes. The far side is a table of moods.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value, json};

use super::{Again, Attempt, Carried, Dispatcher, NewRun, Planned, Planning, Prepared, Unshelved, Work, fate};
use crate::journal::memory::{Disk, Memory};
use crate::journal::{Change, Claim, Entry, Journal, Range};
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::supervisor::Supervisor;

/// Every publication is carried out by the rule "act", in one step; its body tells how. What is done is written down.
#[derive(Default)]
struct Far {
    done: Mutex<Vec<String>>,
    attempts: Mutex<HashMap<String, u32>>,
}

struct Fake {
    far: Arc<Far>,
}

impl Fake {
    fn run(claim: &Claim) -> Value {
        let mut run: Value = serde_json::from_str(&claim.entry.body).unwrap();
        run["id"] = json!(&*claim.entry.id);
        run
    }
}

impl Work for Fake {
    type Opened = ();
    type Run = Value;

    fn open(&self, _: &Claim) -> ((), Vec<Arc<str>>) {
        ((), Vec::new())
    }

    fn plan(&self, (): (), claim: &Claim, _: &[Option<Arc<str>>]) -> Planning<(), Value> {
        let run = Self::run(claim);
        let allowance = Duration::from_secs(run["deadline"].as_u64().unwrap_or(20));
        let new = NewRun {
            rule: "act".into(),
            deadline: claim.arrived + allowance.as_millis() as i64,
            allowance,
            controls: true,
            unsure: claim.recovered,
            doubtful: false,
            number: 0,
            due: None,
            run: Ok(run.clone()),
        };
        Planning::Done(Planned {
            record: Some("{}".into()),
            with: Change::default(),
            durable_first: false,
            supersedes: run["moves"] == true,
            runs: vec![new],
        })
    }

    fn shelve(&self, _: &Value) -> Box<str> {
        "".into()
    }

    fn unshelve(&self, claim: &Claim, _: &str, _: &str) -> Unshelved<Value> {
        Unshelved::Run(Self::run(claim))
    }

    fn plan_again(&self, claim: &Claim, _: &str) -> Again<Value> {
        match self.plan((), claim, &[]) {
            Planning::Done(mut planned) => planned.runs.pop().map_or(Again::Unwanted, Again::Run),
            Planning::Needs(..) => Again::NotYet,
        }
    }

    fn keep(&self, fate: &str, _: bool) -> Option<Duration> {
        (fate == fate::FAILED).then_some(Duration::from_hours(1))
    }

    fn prepare(&self, run: &mut Value) -> Prepared {
        if run["never"] == true { Prepared::DurableFirst("{}".into()) } else { Prepared::Go { early: true } }
    }

    async fn carry(&self, run: &mut Value, _: Attempt) -> Carried {
        let id = run["id"].as_str().unwrap().to_owned();
        let attempt = {
            let mut attempts = self.far.attempts.lock().unwrap();
            *attempts.entry(id.clone()).and_modify(|n| *n += 1).or_default()
        };
        tokio::time::sleep(Duration::from_millis(run["takes"].as_u64().unwrap_or(1))).await;
        assert_ne!(run["panics"], true, "planted");
        if u64::from(attempt) < run["fails"].as_u64().unwrap_or(0) {
            return Carried::Wait { after: None, unsure: false, record: "{}".into() };
        }
        self.far.done.lock().unwrap().push(id);
        Carried::Ended { fate: "done", record: "{}".into() }
    }

    fn epitaph(&self, _: Option<&Value>, why: &str) -> String {
        json!({ "why": why }).to_string()
    }
}

struct World {
    journal: Arc<Memory>,
    far: Arc<Far>,
    supervisor: Supervisor,
    clock: Clock,
}

impl World {
    fn start(disk: Disk, far: Arc<Far>, clock: Clock) -> Self {
        let journal = Arc::new(Memory::open(disk, clock.clone(), Duration::from_millis(1)));
        let (supervisor, _) = Supervisor::new();
        let work = Arc::new(Fake { far: Arc::clone(&far) });
        let dispatcher = Dispatcher::new(
            Arc::clone(&journal),
            work,
            clock.clone(),
            Chance::seeded(1),
            supervisor.clone(),
            Arc::default(),
        );
        supervisor.vital("dispatch", dispatcher.run());
        Self { journal, far, supervisor, clock }
    }

    fn new() -> Self {
        Self::start(Disk::default(), Arc::default(), Clock::tokio(DateTime::UNIX_EPOCH))
    }

    /// Power cut and restart: the tasks of before go on as ghosts, but nobody reads their journal again.
    fn crash(self) -> Self {
        self.supervisor.stop.cancel();
        Self::start(self.journal.crash(), self.far, self.clock)
    }

    async fn post(&self, id: &str, lane: &str, how: Value) {
        let entry = Entry { id: id.into(), lane: lane.into(), source: "s".into(), body: how.to_string().into() };
        self.journal.accept(vec![entry]).await.unwrap();
    }

    async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    fn done(&self) -> Vec<String> {
        self.far.done.lock().unwrap().clone()
    }

    async fn fates(&self) -> Vec<String> {
        self.journal.flush().await.unwrap();
        let claims = self.journal.scan(Range::Newest(1000)).await.unwrap();
        claims
            .iter()
            .map(|claim| {
                claim.history.last().map_or("open", |line| if line.last { &line.fate } else { "open" }).to_owned()
            })
            .collect()
    }
}

#[tokio::test(start_paused = true)]
async fn one_key_in_order_while_the_first_is_tried_again_and_others_pass() {
    let world = World::new();
    world.post("a1", "a", json!({ "fails": 3 })).await;
    world.post("a2", "a", json!({})).await;
    world.post("b1", "b", json!({})).await;
    world.pass(10).await;
    assert_eq!(world.done(), ["b1", "a1", "a2"]);
    assert_eq!(world.fates().await, ["done", "done", "done"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_starts_after_its_deadline_and_the_next_has_its_turn() {
    let world = World::new();
    world.post("a1", "a", json!({ "fails": 999, "deadline": 3 })).await;
    world.post("a2", "a", json!({ "deadline": 60 })).await;
    world.pass(30).await;
    assert_eq!(world.done(), ["a2"]);
    assert_eq!(world.fates().await, [fate::EXPIRED, "done"]);
}

#[tokio::test(start_paused = true)]
async fn a_later_state_of_the_call_supersedes_what_waits() {
    let world = World::new();
    world.post("a1", "a", json!({ "fails": 999 })).await;
    world.pass(1).await;
    world.post("a2", "a", json!({ "moves": true })).await;
    world.pass(2).await;
    assert_eq!(world.fates().await, [fate::SUPERSEDED, "done"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_what_was_accepted_is_done() {
    let world = World::new();
    world.post("a1", "a", json!({ "fails": 1, "deadline": 60 })).await;
    world.post("a2", "a", json!({ "deadline": 60 })).await;
    let world = world.crash();
    world.pass(30).await;
    let done = world.done();
    assert!(done.contains(&"a1".to_owned()) && done.last().unwrap() == "a2", "{done:?}");
    assert_eq!(world.fates().await, ["done", "done"]);
    let before = world.done().len();
    let world = world.crash();
    world.pass(5).await;
    assert_eq!(world.done().len(), before, "what is recorded as done is not done again");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_run_is_recorded_and_stops_nobody_else() {
    let world = World::new();
    world.post("a1", "a", json!({ "panics": true })).await;
    world.post("a2", "a", json!({})).await;
    world.pass(1).await;
    assert_eq!(world.done(), ["a2"]);
    assert_eq!(world.fates().await, [fate::FAILED, "done"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_finishes_what_runs_and_leaves_what_waits() {
    let world = World::new();
    world.post("a1", "a", json!({ "takes": 2000 })).await;
    world.post("b1", "b", json!({ "fails": 999 })).await;
    world.pass(1).await;
    world.supervisor.stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), world.supervisor.drained()).await.unwrap();
    assert_eq!(world.done(), ["a1"]);
    assert_eq!(world.fates().await, ["done", "open"]);
}

#[tokio::test(start_paused = true)]
async fn with_a_full_disk_what_must_not_be_done_twice_waits() {
    let world = World::new();
    world.post("a1", "a", json!({ "never": true, "takes": 1 })).await;
    world.journal.set_full(true);
    world.pass(3).await;
    assert!(world.done().is_empty());
    world.journal.set_full(false);
    world.pass(3).await;
    assert_eq!(world.done(), ["a1"]);
}
