//! The dispatcher over the in-memory journal, on a clock that stands still until it is advanced: stories of order,
//! deadlines, crashes. The far side is a table of moods.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value, json};

use super::{Again, Attempt, Carried, Dispatcher, NewRun, Planned, Planning, Prepared, Unshelved, Work, fate};
use crate::journal::memory::{Disk, Memory};
use crate::journal::{Change, Claim, Entry, Journal, Line, Range, Timer, TimerChange};
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::supervisor::Supervisor;

/// Every publication is carried out by the rule "act", in one step; its body tells how. What is done is written down.
#[derive(Default)]
struct Far {
    done: Mutex<Vec<String>>,
    planned: Mutex<Vec<String>>,
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
    /// How long is fetched before planning, in milliseconds, once it is asked for.
    type Opened = Option<u64>;
    type Run = Value;

    fn open(&self, _: &Claim) -> (Option<u64>, Vec<Arc<str>>) {
        (None, Vec::new())
    }

    async fn fetch(&self, opened: Option<u64>) -> Option<u64> {
        let millis = opened.unwrap();
        assert_ne!(millis, 13, "planted");
        tokio::time::sleep(Duration::from_millis(millis)).await;
        opened
    }

    fn plan(&self, opened: Option<u64>, claim: &Claim, _: &[Option<Arc<str>>]) -> Planning<Option<u64>, Value> {
        let run = Self::run(claim);
        if let (None, Some(millis)) = (opened, run["fetch"].as_u64()) {
            return Planning::Fetch(Some(millis));
        }
        self.far.planned.lock().unwrap().push(claim.entry.id.to_string());
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
        // As a desk does that sees in the history that it was done.
        let over = claim.history.iter().any(|line| ["done", fate::FAILED].contains(&&*line.fate));
        let runs = if over { Vec::new() } else { vec![new] };
        let mut with = Change::default();
        if let Some(seconds) = run["timer"].as_i64() {
            let due = claim.arrived + seconds * 1000;
            let (lane, source) = (Arc::clone(&claim.entry.lane), Arc::clone(&claim.entry.source));
            let entry = Entry { id: format!("timer@{due}").into(), lane, source, body: "{}".into() };
            with.timers.push(TimerChange::Set(Timer { id: "timer".into(), due, entry }));
        }
        let supersedes = run["moves"] == true;
        let about = run["about"].as_str().map(|about| Arc::new(about.to_owned()));
        Planning::Done(Planned { record: Some("{}".into()), with, left_alone: None, supersedes, about, runs })
    }

    fn shelve(&self, _: &Value) -> Box<str> {
        "".into()
    }

    fn unshelve(&self, claim: &Claim, _: &str, _: &str) -> Unshelved<Value> {
        Unshelved::Run(Self::run(claim))
    }

    fn plan_again(&self, claim: &Claim, _: &str) -> Again<Value> {
        match self.plan(None, claim, &[]) {
            Planning::Done(Planned { mut runs, about, .. }) => match runs.pop() {
                Some(run) => Again::Run(run, about),
                None => Again::Unwanted(about),
            },
            Planning::Needs(..) | Planning::Fetch(_) => Again::NotYet,
        }
    }

    fn remember(&self, _: &mut Self::Run, _: &[Option<Arc<str>>]) -> (Carried, Change) {
        unreachable!("no step asks for it")
    }

    fn keep(&self, fate: &str, _: bool) -> Option<Duration> {
        (fate == fate::FAILED).then_some(Duration::from_hours(1))
    }

    fn given_up(&self, about: &str, line: &Line) -> Option<Entry> {
        let id = format!("{about}:{}:{}", line.seq, line.fate).into();
        Some(Entry { id, lane: "told".into(), source: "s".into(), body: "{}".into() })
    }

    fn prepare(&self, run: &mut Value) -> Prepared {
        if run["never"] == true { Prepared::DurableFirst("{}".into()) } else { Prepared::Go { early: true } }
    }

    async fn carry(&self, run: &mut Value, asked: Attempt) -> Carried {
        let id = run["id"].as_str().unwrap().to_owned();
        let attempt = {
            let mut attempts = self.far.attempts.lock().unwrap();
            *attempts.entry(id.clone()).and_modify(|n| *n += 1).or_default()
        };
        tokio::time::sleep(Duration::from_millis(run["takes"].as_u64().unwrap_or(1))).await;
        assert_ne!(run["panics"], true, "planted");
        if u64::from(attempt) < run["fails"].as_u64().unwrap_or(0) {
            let unsure = u64::from(attempt) < run["doubts"].as_u64().unwrap_or(0);
            return Carried::Wait { after: None, unsure, record: "{}".into() };
        }
        if run["gives_up"] == true {
            let fate = if asked.doubtful { fate::UNKNOWN } else { fate::FAILED };
            return Carried::Ended { fate, record: "{}".into() };
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
async fn what_is_fetched_for_holds_up_its_lane_and_no_other() {
    let world = World::new();
    world.post("a1", "a", json!({ "fetch": 2000 })).await;
    world.post("a2", "a", json!({})).await;
    world.post("a3", "a", json!({ "fetch": 500 })).await;
    world.post("b1", "b", json!({})).await;
    world.pass(1).await;
    assert_eq!(world.done(), ["b1"]);
    world.post("a4", "a", json!({})).await;
    world.post("c1", "c", json!({ "fetch": 100 })).await;
    world.pass(1).await;
    world.pass(1).await;
    assert_eq!(world.done(), ["b1", "c1", "a1", "a2", "a3", "a4"]);
    assert_eq!(world.fates().await, ["done"; 6]);
}

#[tokio::test(start_paused = true)]
async fn what_is_fetched_for_is_planned_after_a_crash() {
    let mut world = World::new();
    world.post("a1", "a", json!({ "fetch": 2000, "deadline": 60 })).await;
    world.post("a2", "a", json!({ "deadline": 60 })).await;
    world.pass(1).await;
    world = world.crash();
    world.pass(1).await;
    assert_eq!(world.done(), Vec::<String>::new());
    world.pass(3).await;
    assert_eq!(world.done(), ["a1", "a2"]);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_panics_ends_its_event_alone() {
    let world = World::new();
    world.post("a1", "a", json!({ "fetch": 13 })).await;
    world.post("a2", "a", json!({})).await;
    world.pass(1).await;
    assert_eq!(world.done(), ["a2"]);
    assert_eq!(world.fates().await, [fate::PLANNED, "done"]);
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

/// Whoever gives up is told whether one of the attempts before may have been done, and so is the deadline.
#[tokio::test(start_paused = true)]
async fn a_doubt_stays_until_the_end() {
    let world = World::new();
    world.post("a1", "a", json!({ "fails": 2, "doubts": 1, "gives_up": true })).await;
    world.post("b1", "b", json!({ "fails": 2, "gives_up": true })).await;
    world.post("c1", "c", json!({ "fails": 999, "doubts": 1, "deadline": 3 })).await;
    world.pass(30).await;
    assert_eq!(world.fates().await, [fate::UNKNOWN, fate::FAILED, fate::UNKNOWN]);
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

#[tokio::test(start_paused = true)]
async fn what_is_begun_early_and_not_stored_is_not_done_again_when_it_comes_again() {
    let world = World::new();
    let entry = || Entry { id: "a1".into(), lane: "a".into(), source: "s".into(), body: "{}".into() };
    world.pass(1).await;
    world.journal.set_full(true);
    world.journal.accept(vec![entry()]).await.unwrap_err();
    world.pass(1).await;
    assert_eq!(world.done(), ["a1"], "it was begun while it was being committed");
    assert!(world.journal.scan(Range::Newest(9)).await.unwrap().is_empty());
    world.journal.set_full(false);
    world.post("a1", "a", json!({})).await;
    world.pass(1).await;
    assert_eq!(world.done(), ["a1"]);
    assert_eq!(world.fates().await, [fate::PLANNED]);
    let history = world.journal.scan(Range::Newest(1)).await.unwrap().remove(0).history;
    assert_eq!(history.iter().map(|line| &*line.fate).collect::<Vec<_>>(), ["done", fate::PLANNED]);
}

/// What comes later in the lane would not know of it: a second ringing would be redirected as the first one was.
#[tokio::test(start_paused = true)]
async fn a_lane_is_held_until_what_was_done_early_in_it_is_claimed() {
    for takes in [1, 2500] {
        let world = World::new();
        let entry = |id: &str, lane: &str, how: Value| Entry {
            id: id.into(),
            lane: lane.into(),
            source: "s".into(),
            body: how.to_string().into(),
        };
        world.pass(1).await;
        world.journal.set_full(true);
        world.journal.accept(vec![entry("a1", "a", json!({ "takes": takes }))]).await.unwrap_err();
        world.pass(1).await;
        // Each is committed in front of what was settled before.
        let there_is_room = async { world.journal.set_full(false) };
        let (stored, ()) = tokio::join!(world.journal.accept(vec![entry("a2", "a", json!({}))]), there_is_room);
        stored.unwrap();
        world.post("b1", "b", json!({})).await;
        world.post("a3", "a", json!({})).await;
        world.pass(3).await;
        world.journal.flush().await.unwrap();
        world.pass(1).await;
        let stored = world.journal.scan(Range::Newest(9)).await.unwrap();
        let place = |id: &str| stored.iter().position(|claim| &*claim.entry.id == id).unwrap();
        assert!(place("a2") < place("a1"), "{takes}");
        let of_lane = |ids: &Mutex<Vec<String>>| -> Vec<String> {
            ids.lock().unwrap().iter().filter(|id| id.starts_with('a')).cloned().collect()
        };
        assert_eq!(of_lane(&world.far.planned), ["a1", "a1", "a2", "a3"], "{takes}");
        assert_eq!(of_lane(&world.far.done), ["a1", "a2", "a3"], "{takes}");
        assert!(world.done().contains(&"b1".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_copies_at_once_one_is_done() {
    let world = World::new();
    let entry = || Entry { id: "a1".into(), lane: "a".into(), source: "s".into(), body: "{}".into() };
    let (one, two) = tokio::join!(world.journal.accept(vec![entry()]), world.journal.accept(vec![entry()]));
    assert!(one.is_ok() && two.is_ok());
    world.pass(1).await;
    assert_eq!(world.done(), ["a1"]);
}

#[tokio::test(start_paused = true)]
async fn what_must_not_be_done_twice_is_not_begun_early() {
    let world = World::new();
    let entry = || Entry { id: "a1".into(), lane: "a".into(), source: "s".into(), body: r#"{"never":true}"#.into() };
    world.pass(1).await;
    world.journal.set_full(true);
    world.journal.accept(vec![entry()]).await.unwrap_err();
    world.pass(1).await;
    assert!(world.done().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_timer_comes_when_it_is_due_once_also_after_a_crash() {
    let world = World::new();
    world.post("a1", "a", json!({ "timer": 60 })).await;
    world.pass(30).await;
    let world = world.crash();
    assert_eq!(world.done(), ["a1"]);
    world.pass(31).await;
    let timer = world.done().pop().unwrap();
    assert!(timer.starts_with("timer@"), "{timer}");
    world.pass(600).await;
    let world = world.crash();
    world.pass(600).await;
    assert_eq!(world.done().len(), 2);
    assert_eq!(world.fates().await, ["done", "done"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_is_kept_as_a_letter() {
    let world = World::new();
    world.post("a1", "a", json!({ "panics": true })).await;
    world.pass(1).await;
    world.journal.flush().await.unwrap();
    let letters = world.journal.letters(0, 9).await.unwrap();
    assert_eq!((letters.len(), letters[0].seq, &*letters[0].fate), (1, 1, fate::FAILED));
}

/// The ids of what was stored, in order.
async fn ids(journal: &Memory) -> Vec<String> {
    let stored = journal.scan(Range::Newest(99)).await.unwrap();
    stored.iter().map(|claim| claim.entry.id.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_tells_of_a_letter_is_there_with_it_and_not_without_it() {
    let world = World::new();
    world.post("a1", "a", json!({ "panics": true, "about": "told" })).await;
    world.post("a2", "a", json!({ "panics": true })).await;
    world.post("a3", "a", json!({ "about": "told" })).await;
    world.pass(1).await;
    assert_eq!(world.done(), ["a3", "told:1:failed"], "what is told is carried out like all others");
    world.journal.flush().await.unwrap();
    assert_eq!(ids(&world.journal).await, ["a1", "a2", "a3", "told:1:failed"]);
    assert_eq!(world.journal.letters(0, 9).await.unwrap().len(), 2);
}

/// The power may go at any moment: there are as many letters as are told of, and in the end both.
#[tokio::test(start_paused = true)]
async fn a_crash_loses_neither_a_letter_nor_what_tells_of_it() {
    for after in 0..40 {
        let mut world = World::new();
        world.post("a1", "a", json!({ "panics": true, "about": "told" })).await;
        tokio::time::sleep(Duration::from_millis(after)).await;
        world = world.crash();
        let letters = world.journal.letters(0, 9).await.unwrap().len();
        let told = ids(&world.journal).await.iter().filter(|id| id.starts_with("told")).count();
        assert_eq!(letters, told, "{after}");
        world.pass(5).await;
        world.journal.flush().await.unwrap();
        let told = ids(&world.journal).await.iter().filter(|id| id.starts_with("told")).count();
        assert_eq!((world.journal.letters(0, 9).await.unwrap().len(), told), (1, 1), "{after}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_before_it_was_stored_is_told_when_it_is() {
    let world = World::new();
    let how = json!({ "gives_up": true, "about": "told" });
    let entry = Entry { id: "a1".into(), lane: "a".into(), source: "s".into(), body: how.to_string().into() };
    world.pass(1).await;
    world.journal.set_full(true);
    world.journal.accept(vec![entry]).await.unwrap_err();
    world.pass(1).await;
    let attempts = || world.far.attempts.lock().unwrap().clone();
    let once = HashMap::from([("a1".to_owned(), 0)]);
    assert_eq!(attempts(), once, "it was begun while it was being committed");
    world.journal.set_full(false);
    world.post("a1", "a", how).await;
    world.pass(2).await;
    world.journal.flush().await.unwrap();
    let stored = ids(&world.journal).await;
    assert_eq!(attempts().get("a1"), once.get("a1"), "and not again");
    assert_eq!(stored.iter().filter(|id| id.starts_with("told")).count(), 1, "{stored:?}");
    assert_eq!(world.journal.letters(0, 9).await.unwrap().len(), 1);
}
