//! The laws of [`Journal`], which every engine runs: [`every_law`] is called once for each engine below.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::embedded::Embedded;
use super::memory::{Disk, Memory};
use super::{Accepted, Change, Claim, Entry, Journal, Letter, Line, Options, Range, StateChange, Timer, TimerChange};
use crate::kit::clock::Clock;

/// An engine under test: it can be opened, and lose its power.
trait Bench {
    type Engine: Journal;
    fn open(&mut self) -> Arc<Self::Engine>;
    /// Notes that nothing is under way.
    async fn rest(engine: &Self::Engine);
    /// Opens what was on the disk at this moment; the old engine is left to itself.
    fn crash(&mut self, engine: Arc<Self::Engine>) -> Arc<Self::Engine>;
}

struct Embeddeds(Vec<tempfile::TempDir>, Clock);
struct Memories(Disk, Clock);

impl Embeddeds {
    fn folder(&self) -> PathBuf {
        self.0.last().unwrap().path().to_owned()
    }
}

impl Bench for Embeddeds {
    type Engine = Embedded;

    fn open(&mut self) -> Arc<Embedded> {
        let options = Options {
            path: self.folder(),
            retain: Duration::from_hours(1),
            max_size: 1 << 30,
            keep_dead: super::KEEP_DEAD,
        };
        Arc::new(Embedded::open(&options, self.1.clone()).unwrap())
    }

    async fn rest(engine: &Embedded) {
        engine.rest().await.unwrap();
    }

    /// A copy of the files as they are now is what a killed process leaves.
    fn crash(&mut self, engine: Arc<Embedded>) -> Arc<Embedded> {
        let (old, new) = (self.folder(), tempfile::tempdir().unwrap());
        for name in ["journal.db", "journal.db-wal"] {
            if old.join(name).exists() {
                std::fs::copy(old.join(name), new.path().join(name)).unwrap();
            }
        }
        drop(engine);
        self.0.push(new);
        self.open()
    }
}

impl Bench for Memories {
    type Engine = Memory;

    fn open(&mut self) -> Arc<Memory> {
        Arc::new(Memory::open(self.0.clone(), self.1.clone(), Duration::from_millis(2)))
    }

    async fn rest(engine: &Memory) {
        engine.rest().await.unwrap();
    }

    fn crash(&mut self, engine: Arc<Memory>) -> Arc<Memory> {
        self.0 = engine.crash();
        self.open()
    }
}

fn entry(id: &str, lane: &str) -> Entry {
    Entry { id: id.into(), lane: lane.into(), source: "main/main".into(), body: format!("{{\"id\":\"{id}\"}}").into() }
}

fn line(seq: u64, fate: &str, last: bool) -> Line {
    Line { seq, run: "r".into(), fate: fate.into(), at: 1, due: None, last, bytes: "{}".into() }
}

fn lines(lines: Vec<Line>) -> Change {
    Change::lines(lines)
}

fn set(key: &str, bytes: &str, until: i64) -> StateChange {
    StateChange { key: key.into(), bytes: bytes.into(), until }
}

fn ids(claims: &[Claim]) -> Vec<&str> {
    claims.iter().map(|claim| &*claim.entry.id).collect()
}

async fn claim_all(engine: &impl Journal) -> Vec<Claim> {
    let mut all = Vec::new();
    loop {
        let claims = engine.claim(3).await.unwrap();
        if claims.is_empty() {
            return all;
        }
        all.extend(claims);
    }
}

async fn acknowledged_survives<B: Bench>(mut bench: B) {
    let engine = bench.open();
    let accepted = engine.accept(vec![entry("a", "1"), entry("b", "2")]).await.unwrap();
    assert_eq!(accepted, [Accepted::New(1), Accepted::New(2)]);
    let engine = bench.crash(engine);
    let claims = claim_all(&*engine).await;
    assert_eq!(ids(&claims), ["a", "b"]);
    assert_eq!(claims[0].entry, entry("a", "1"));
    assert!(claims[0].recovered);
    assert!(claim_all(&*engine).await.is_empty(), "each is handed out once");
}

async fn known_never_acts<B: Bench>(mut bench: B) {
    let engine = bench.open();
    let (one, two) = tokio::join!(engine.accept(vec![entry("a", "1")]), engine.accept(vec![entry("a", "1")]));
    let mut both = [one.unwrap(), two.unwrap()].concat();
    both.sort_by_key(|accepted| *accepted == Accepted::Known);
    assert_eq!(both, [Accepted::New(1), Accepted::Known]);
    assert_eq!(
        engine.accept(vec![entry("b", "1"), entry("a", "1"), entry("b", "1")]).await.unwrap()[1..],
        [Accepted::Known; 2]
    );
    let engine = bench.crash(engine);
    assert_eq!(engine.accept(vec![entry("b", "1")]).await.unwrap(), [Accepted::Known]);
    assert_eq!(ids(&claim_all(&*engine).await), ["a", "b"]);
}

async fn order_holds_in_a_lane_under_concurrent_accepts<B: Bench>(mut bench: B) {
    let engine = bench.open();
    let senders = (0..8).map(|lane| {
        let engine = Arc::clone(&engine);
        async move {
            for n in 0..25 {
                engine.accept(vec![entry(&format!("{lane}-{n}"), &lane.to_string())]).await.unwrap();
            }
        }
    });
    futures_util::future::join_all(senders).await;
    let mut next: HashMap<Arc<str>, usize> = HashMap::new();
    let claims = claim_all(&*engine).await;
    assert_eq!(claims.len(), 200);
    assert!(claims.is_sorted_by_key(|claim| claim.seq));
    for claim in claims {
        let n = next.entry(Arc::clone(&claim.entry.lane)).or_default();
        assert_eq!(*claim.entry.id, format!("{}-{n}", claim.entry.lane));
        *n += 1;
    }
}

async fn done_is_not_handed_out_again<B: Bench>(mut bench: B) {
    let engine = bench.open();
    engine.accept((0..5).map(|n| entry(&n.to_string(), "1")).collect()).await.unwrap();
    claim_all(&*engine).await;
    engine.settle(lines(vec![line(2, "planned", false), line(2, "done", true), line(3, "retry", false)]));
    engine.attempt(lines(vec![line(5, "done", true)])).await.unwrap();
    let engine = bench.crash(engine);
    let claims = claim_all(&*engine).await;
    assert_eq!(ids(&claims), ["0", "2", "3"]);
    assert_eq!(claims[1].history, [line(3, "retry", false)]);
}

async fn settle_is_all_or_nothing<B: Bench>(mut bench: B) {
    let engine = bench.open();
    engine.accept(vec![entry("a", "1")]).await.unwrap();
    claim_all(&*engine).await;
    engine.settle(Change {
        lines: vec![line(1, "planned", false)],
        state: vec![set("k", "1", i64::MAX)],
        ..Change::default()
    });
    let engine = bench.crash(engine);
    let planned = !claim_all(&*engine).await[0].history.is_empty();
    let known = engine.load(&["k".into()]).await.unwrap()[0].is_some();
    assert_eq!(planned, known);
}

async fn settled_is_durable_soon<B: Bench>(mut bench: B) {
    let engine = bench.open();
    engine.accept(vec![entry("a", "1")]).await.unwrap();
    engine.settle(Change {
        lines: vec![line(1, "done", true)],
        state: vec![set("k", "1", i64::MAX)],
        ..Change::default()
    });
    tokio::time::sleep(super::RIDE * 5).await;
    let engine = bench.crash(engine);
    assert!(claim_all(&*engine).await.is_empty());
    assert_eq!(engine.load(&["k".into()]).await.unwrap()[0].as_deref(), Some("1"));
}

async fn an_attempt_is_durable_on_return<B: Bench>(mut bench: B) {
    let engine = bench.open();
    engine.accept(vec![entry("a", "1")]).await.unwrap();
    claim_all(&*engine).await;
    engine.settle(lines(vec![line(1, "planned", false)]));
    engine.attempt(lines(vec![line(1, "attempt", false)])).await.unwrap();
    let engine = bench.crash(engine);
    assert_eq!(claim_all(&*engine).await[0].history, [line(1, "planned", false), line(1, "attempt", false)]);
}

async fn state_is_seen_at_once_and_forgotten_in_time<B: Bench>(mut bench: B) {
    let engine = bench.open();
    let keys: Vec<Arc<str>> = vec!["k".into(), "old".into(), "none".into()];
    engine.settle(Change {
        lines: Vec::new(),
        state: vec![set("k", "1", i64::MAX), set("old", "1", 5)],
        ..Change::default()
    });
    assert_eq!(engine.load(&keys).await.unwrap(), [Some("1".into()), None, None]);
    engine.settle(Change { lines: Vec::new(), state: vec![set("k", "2", i64::MAX)], ..Change::default() });
    assert_eq!(engine.load(&keys).await.unwrap(), [Some("2".into()), None, None]);
    engine.flush().await.unwrap();
    assert_eq!(engine.load(&keys).await.unwrap(), [Some("2".into()), None, None]);
    let engine = bench.crash(engine);
    assert_eq!(engine.load(&keys).await.unwrap(), [Some("2".into()), None, None]);
}

async fn everything_happens_with_every_hint_suppressed<B: Bench>(mut bench: B) {
    let engine = bench.open();
    for n in 0..10 {
        engine.accept(vec![entry(&n.to_string(), "1")]).await.unwrap();
    }
    assert_eq!(claim_all(&*engine).await.len(), 10);
}

async fn a_hint_comes_after_an_accept<B: Bench>(mut bench: B) {
    let engine = bench.open();
    engine.accept(vec![entry("a", "1")]).await.unwrap();
    assert!(!engine.claim(1).await.unwrap()[0].recovered);
    tokio::time::timeout(Duration::from_secs(5), engine.wake()).await.unwrap();
}

async fn what_was_is_read_back<B: Bench>(mut bench: B) {
    let engine = bench.open();
    engine.accept((0..5).map(|n| entry(&n.to_string(), "1")).collect()).await.unwrap();
    engine.attempt(lines(vec![line(2, "done", true)])).await.unwrap();
    let scan = async |range| engine.scan(range).await.unwrap();
    assert_eq!(ids(&scan(Range::Newest(2)).await), ["3", "4"]);
    assert_eq!(ids(&scan(Range::Newest(99)).await), ["0", "1", "2", "3", "4"]);
    assert_eq!(ids(&scan(Range::After(1, 2)).await), ["1", "2"]);
    assert_eq!(scan(Range::One(2)).await[0].history, [line(2, "done", true)]);
    assert!(scan(Range::One(99)).await.is_empty());
}

fn timer(id: &str, due: i64) -> Timer {
    Timer { id: id.into(), due, entry: entry(&format!("timer:{id}@{due}"), "t") }
}

fn timers(changes: Vec<TimerChange>) -> Change {
    Change { timers: changes, ..Change::default() }
}

async fn a_timer_fires_once<B: Bench>(mut bench: B) {
    let engine = bench.open();
    let set = [timer("b", 20), timer("a", 10), timer("off", 5), timer("a", 15), timer("late", 99)];
    engine.settle(timers(set.into_iter().map(TimerChange::Set).collect()));
    engine.attempt(timers(vec![TimerChange::Clear("off".into())])).await.unwrap();
    assert_eq!(engine.fire(9).await.unwrap(), Some(15));
    let engine = bench.crash(engine);
    assert_eq!(engine.fire(20).await.unwrap(), Some(99));
    assert_eq!(engine.fire(20).await.unwrap(), Some(99));
    let engine = bench.crash(engine);
    assert_eq!(engine.fire(20).await.unwrap(), Some(99));
    assert_eq!(ids(&claim_all(&*engine).await), ["timer:a@15", "timer:b@20"]);
    engine.attempt(timers(vec![TimerChange::Set(timer("a", 15)), TimerChange::Clear("late".into())])).await.unwrap();
    assert_eq!(engine.fire(30).await.unwrap(), None);
    assert!(claim_all(&*engine).await.is_empty(), "set again for the same time it is the same firing");
}

async fn own_events_come_with_their_change_and_once<B: Bench>(mut bench: B) {
    let engine = bench.open();
    engine.accept(vec![entry("a", "1")]).await.unwrap();
    let own = Change { lines: vec![line(1, "done", true)], events: vec![entry("own", "1")], ..Change::default() };
    engine.settle(own.clone());
    engine.attempt(own).await.unwrap();
    let engine = bench.crash(engine);
    assert_eq!(ids(&claim_all(&*engine).await), ["own"]);
    assert!(matches!(engine.accept(vec![entry("c", "1")]).await.unwrap()[..], [Accepted::New(_)]));
    assert_eq!(ids(&claim_all(&*engine).await), ["c"], "positions still grow");
}

async fn letters_are_kept_until_they_are_discarded<B: Bench>(mut bench: B) {
    let engine = bench.open();
    engine.accept(vec![entry("a", "1")]).await.unwrap();
    let letter = |run: &str| Letter { id: 0, seq: 1, run: run.into(), fate: "failed".into(), at: 1, until: i64::MAX };
    let kept = Change { letters: vec![letter("r"), letter("s")], ..Change::default() };
    engine.attempt(kept).await.unwrap();
    let engine = bench.crash(engine);
    let letters = engine.letters(0, 9).await.unwrap();
    assert_eq!(letters, [Letter { id: 1, ..letter("r") }, Letter { id: 2, ..letter("s") }]);
    engine.attempt(Change { discard: vec![1], ..Change::default() }).await.unwrap();
    assert_eq!(engine.letters(0, 9).await.unwrap(), letters[1..]);
    assert!(engine.letters(2, 9).await.unwrap().is_empty());
    engine.attempt(Change { letters: vec![letter("t")], discard: vec![2], ..Change::default() }).await.unwrap();
    assert_eq!(engine.letters(0, 9).await.unwrap()[0].id, 3, "no number comes twice");
}

async fn after_a_good_stop_nothing_is_unsure<B: Bench>(mut bench: B) {
    let engine = bench.open();
    engine.accept(vec![entry("a", "1")]).await.unwrap();
    B::rest(&engine).await;
    let engine = bench.crash(engine);
    assert!(!claim_all(&*engine).await[0].recovered);
    let engine = bench.crash(engine);
    assert!(claim_all(&*engine).await[0].recovered, "a good stop counts for one start");
}

async fn early_ones_are_claimed_or_refused<B: Bench>(mut bench: B) {
    let engine = bench.open();
    let (accepted, ()) = tokio::join!(engine.accept(vec![entry("a", "1")]), async {
        engine.wake().await;
        let early = engine.early();
        assert_eq!((ids(&early), early[0].recovered), (vec!["a"], false));
        assert!(engine.early().is_empty(), "each is offered once");
    });
    assert_eq!(accepted.unwrap(), [Accepted::New(1)]);
    assert_eq!(claim_all(&*engine).await[0].seq, 1);
    let twice = tokio::join!(engine.accept(vec![entry("b", "1")]), engine.accept(vec![entry("b", "1")]));
    assert!(twice.0.is_ok() && twice.1.is_ok());
    let known = engine.accept(vec![entry("a", "1")]).await.unwrap();
    assert_eq!((known.as_slice(), engine.early().len()), (&[Accepted::Known][..], 1), "a copy and a repeat are not");
    assert!(engine.refused().is_empty());
}

macro_rules! every_law {
    ($engine:ident, $bench:expr) => {
        mod $engine {
            use super::*;
            every_law!(@ $bench, acknowledged_survives, known_never_acts, order_holds_in_a_lane_under_concurrent_accepts,
                done_is_not_handed_out_again, settle_is_all_or_nothing, settled_is_durable_soon,
                an_attempt_is_durable_on_return, state_is_seen_at_once_and_forgotten_in_time,
                everything_happens_with_every_hint_suppressed, a_hint_comes_after_an_accept, what_was_is_read_back,
                a_timer_fires_once, own_events_come_with_their_change_and_once, letters_are_kept_until_they_are_discarded,
                after_a_good_stop_nothing_is_unsure, early_ones_are_claimed_or_refused);
        }
    };
    (@ $bench:expr, $($law:ident),*) => {
        $(#[tokio::test] async fn $law() { super::$law($bench).await; })*
    };
}

every_law!(embedded, Embeddeds(vec![tempfile::tempdir().unwrap()], Clock::system()));
every_law!(memory, Memories(Disk::default(), Clock::system()));
