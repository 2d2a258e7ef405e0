//! Histories of the model's store, replayed against the real journals.
//!
//! A walk through the model is projected on what a journal sees: accept, claim, settle, attempt, crash, stop. What the
//! journal hands out after each restart must be what the model's disk holds. Walks that need a commit to fail in a real
//! file, or to be caught in the middle, are left to the crash tests of the file itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use switchhook::journal::memory::{Disk, Memory};
use switchhook::journal::{Accepted, Change, Claim, Embedded, Entry, Journal, Line, Options, StateChange};
use switchhook::kit::chance::Chance;
use switchhook::kit::clock::Clock;

use stateright::Model;

use super::engine::Action;
use super::guard::{Class, Design, Scenario};
use super::state::{MOST, Record, Row, State, Store};

/// What the walks are taken in. No step overlaps its commit: that is not a matter of the trait.
const WORLD: Scenario = Scenario {
    class: Class::Check,
    lanes: &[0, 0, 1],
    copies: 2,
    failures: 0,
    crashes: 2,
    stops: 1,
    mishaps: 2,
    deadlines: false,
    supersedes: true,
};
/// The longest walk, in steps.
const STEPS: usize = 60;

/// A journal that can be stopped, lose its power, and be opened again.
trait Bench {
    type Engine: Journal;
    /// Whether nothing is written but by the commits that the walk asks for.
    const EXACT: bool;
    fn open(&mut self) -> Self::Engine;
    /// What is on the disk at this moment is what the next opening finds.
    fn crash(&mut self, engine: Self::Engine);
    fn stop(&mut self, engine: Self::Engine);
}

struct Memories(Disk);

impl Bench for Memories {
    type Engine = Memory;
    const EXACT: bool = true;

    fn open(&mut self) -> Memory {
        Memory::open(self.0.clone(), Clock::system(), Duration::from_millis(1))
    }

    fn crash(&mut self, engine: Memory) {
        self.0 = engine.crash();
    }

    fn stop(&mut self, engine: Memory) {
        self.crash(engine);
    }
}

/// The folders of one walk: after a crash the next opening gets a copy.
struct Files(Vec<tempfile::TempDir>);

impl Files {
    fn folder(&self) -> PathBuf {
        self.0.last().unwrap().path().to_owned()
    }
}

impl Bench for Files {
    type Engine = Embedded;
    // What is settled is written after a moment also if nobody asks.
    const EXACT: bool = false;

    fn open(&mut self) -> Embedded {
        let options = Options {
            path: self.folder(),
            retain: Duration::from_hours(1),
            max_size: 1 << 30,
            keep_dead: Duration::from_hours(1),
        };
        Embedded::open(&options, Clock::system()).unwrap()
    }

    fn crash(&mut self, engine: Embedded) {
        let (old, new) = (self.folder(), tempfile::tempdir().unwrap());
        for name in ["journal.db", "journal.db-wal"] {
            if old.join(name).exists() {
                std::fs::copy(old.join(name), new.path().join(name)).unwrap();
            }
        }
        drop(engine);
        self.0.push(new);
    }

    fn stop(&mut self, engine: Embedded) {
        drop(engine);
    }
}

/// A walk as far as it has come.
struct Walk<B: Bench> {
    bench: B,
    engine: B::Engine,
    seqs: [u64; MOST],
    /// Attempts that are handed over with the next commit.
    attempts: Vec<Change>,
    restarts: usize,
}

impl<B: Bench> Walk<B> {
    fn new(mut bench: B) -> Self {
        let engine = bench.open();
        Self { bench, engine, seqs: [0; MOST], attempts: Vec::new(), restarts: 0 }
    }

    /// Does what the model did. `false` when the journal was allowed to hold more than the model's disk, and does.
    async fn follow(mut self, before: &State, action: Action, after: &State, design: &Design) -> (Self, bool) {
        let waits = design.ids().any(|id| !before.of[id].queued.is_empty());
        let mut same = true;
        match action {
            // The journal would take the occasion and write what waits.
            Action::Send(id) if before.of[id].disk.publication && !waits => {
                let known = self.engine.accept(vec![entry(id, design)]).await.unwrap();
                assert_eq!(known, [Accepted::Known], "what is durable is known");
            }
            Action::Commit => self.commit(before, after, design).await,
            Action::Crash { .. } | Action::Restart { .. } => {
                let engine = self.engine;
                match action {
                    Action::Crash { .. } => self.bench.crash(engine),
                    _ => self.bench.stop(engine),
                }
                self.engine = self.bench.open();
                self.attempts.clear();
                self.restarts += 1;
                same = self.compare(before, design).await;
            }
            _ => {}
        }
        if action != Action::Begin {
            let fresh = matches!(action, Action::Crash { .. } | Action::Restart { .. });
            design.ids().for_each(|id| self.hand_over(before, after, id, fresh));
        }
        (self, same)
    }

    /// What waits for this commit is accepted in one request, its copies in the same one; it is claimed in sequence.
    async fn commit(&mut self, before: &State, after: &State, design: &Design) {
        let new: Vec<usize> = before.line.iter().copied().filter(|id| before.of[*id].batch.publication).collect();
        if new.is_empty() {
            self.engine.flush().await.unwrap();
        } else {
            let copies = new.iter().flat_map(|id| [*id, *id]).map(|id| entry(id, design)).collect();
            let accepted = self.engine.accept(copies).await.unwrap();
            for (id, both) in new.iter().zip(accepted.chunks(2)) {
                let [Accepted::New(seq), Accepted::Known] = both else { panic!("{both:?}") };
                self.seqs[*id] = *seq;
            }
            let claims = claim_all(&self.engine).await;
            assert_eq!(ids(&claims), new, "what is durable is handed out, in sequence");
            assert!(claims.iter().all(|claim| !claim.recovered && claim.history.is_empty()));
        }
        for change in std::mem::take(&mut self.attempts) {
            self.engine.attempt(change).await.unwrap();
        }
        assert!(design.ids().all(|id| after.of[id].batch.is_empty()));
    }

    /// What the model's process has put in the writer's queue by this step, given to the journal as one change.
    fn hand_over(&mut self, before: &State, after: &State, id: usize, fresh: bool) {
        let was = if fresh { Record::default() } else { before.of[id].queued };
        let is = after.of[id].queued;
        let line = |run: &str, fate: &str, last| {
            let (run, fate, bytes) = (run.into(), fate.into(), "{}".to_owned());
            Line { seq: self.seqs[id], run, fate, at: 1, due: None, last, bytes }
        };
        let mut change = Change::default();
        if is.decision && !was.decision {
            change.lines.push(line("", "planned", false));
        }
        if is.state && !was.state {
            change.state.push(StateChange { key: key(id), bytes: "1".into(), until: i64::MAX });
        }
        if is.doubt && !was.doubt {
            change.lines.push(line("r", "doubt", false));
        }
        match is.attempt.filter(|_| is.attempt != was.attempt) {
            Some(Row::Open) => change.lines.push(line("r", "attempt", false)),
            Some(Row::Closed) => change.lines.push(line("r", "retry", false)),
            None => {}
        }
        if let Some(outcome) = is.outcome.filter(|_| was.outcome.is_none()) {
            change.lines.push(line("r", &format!("{:?}", outcome.fate), true));
        }
        if is.attempt == Some(Row::Open) && was.attempt != is.attempt {
            self.attempts.push(change);
        } else {
            self.engine.settle(change);
        }
    }

    /// After a restart everything that the model's disk holds and that is not over is handed out again, in sequence, with
    /// its lines; and what was remembered is. Whether the journal holds exactly that and nothing of what was only asked
    /// for.
    async fn compare(&self, before: &State, design: &Design) -> bool {
        let claims = claim_all(&self.engine).await;
        let mut exact = true;
        let mut open = Vec::new();
        for id in before.line.iter().copied().filter(|id| before.of[*id].disk.publication) {
            let claim = claims.iter().find(|claim| claim.seq == self.seqs[id]);
            let least = before.of[id].disk;
            let mut most = least;
            most.add(before.of[id].queued);
            let remembered = self.engine.load(&[key(id)]).await.unwrap()[0].is_some();
            let Some(claim) = claim else {
                assert!(most.outcome.is_some(), "a publication that is not over is not handed out");
                exact &= least.outcome.is_some();
                continue;
            };
            open.push(id);
            assert!(claim.recovered && claim.entry == entry(id, design));
            let found = Record { state: remembered, ..read(&claim.history) };
            assert!(least.outcome.is_none(), "what is over is handed out again");
            // Each is as durable as was promised, and nothing is there that was never asked for.
            assert!(least.decision <= found.decision && found.decision <= most.decision);
            assert!(least.doubt <= found.doubt && found.doubt <= most.doubt);
            assert!(found.attempt == least.attempt || found.attempt == most.attempt, "{found:?} of {least:?}");
            assert_eq!(found.decision, found.state, "a decision and its state are one");
            exact &= found == Record { outcome: None, ..least };
        }
        assert_eq!(ids(&claims), open, "in sequence");
        assert!(exact || !B::EXACT, "the journal holds what the model's disk holds: {before:?}");
        exact
    }
}

fn entry(id: usize, design: &Design) -> Entry {
    let lane = design.scenario.lanes[id].to_string();
    Entry { id: id.to_string().into(), lane: lane.into(), source: "a/b".into(), body: "{}".into() }
}

fn key(id: usize) -> Arc<str> {
    format!("state of {id}").into()
}

fn ids(claims: &[Claim]) -> Vec<usize> {
    claims.iter().map(|claim| claim.entry.id.parse().unwrap()).collect()
}

async fn claim_all(engine: &impl Journal) -> Vec<Claim> {
    let mut all = Vec::new();
    loop {
        let claims = engine.claim(1).await.unwrap();
        if claims.is_empty() {
            return all;
        }
        all.extend(claims);
    }
}

/// What lines tell.
fn read(lines: &[Line]) -> Record {
    let mut record = Record { publication: true, ..Record::default() };
    for line in lines {
        match &*line.fate {
            "planned" => record.decision = true,
            "doubt" => record.doubt = true,
            "attempt" => record.attempt = Some(Row::Open),
            "retry" => record.attempt = Some(Row::Closed),
            other => panic!("{other} of a publication that is not over"),
        }
    }
    record
}

/// Takes random walks; how many restarts were compared.
async fn walk<B: Bench>(seeds: std::ops::Range<u64>, bench: impl Fn() -> B) -> usize {
    let mut restarts = 0;
    for seed in seeds {
        let class = if seed % 2 == 0 { Class::Check } else { Class::Never };
        let design = Design { scenario: Scenario { class, ..WORLD }, without: None };
        let chance = Chance::seeded(seed);
        let (mut walk, mut state) = (Walk::new(bench()), State::default());
        for _ in 0..STEPS {
            let mut steps = design.next_steps(&state);
            // A commit is not interrupted.
            steps.retain(|(action, _)| state.store == Store::Idle || *action == Action::Commit);
            if steps.is_empty() {
                break;
            }
            let (action, next) = steps.swap_remove((chance.fraction() * steps.len() as f64) as usize);
            let same;
            (walk, same) = walk.follow(&state, action, &next, &design).await;
            if !same {
                break;
            }
            state = next;
        }
        restarts += walk.restarts;
    }
    restarts
}

#[tokio::test(start_paused = true)]
async fn the_journal_in_memory_holds_what_the_model_holds() {
    let restarts = walk(0..400, || Memories(Disk::default())).await;
    println!("{restarts} restarts");
    assert!(restarts > 400);
}

#[tokio::test]
async fn the_embedded_journal_holds_what_the_model_holds() {
    let restarts = walk(0..40, || Files(vec![tempfile::tempdir().unwrap()])).await;
    println!("{restarts} restarts");
    assert!(restarts > 40);
}
