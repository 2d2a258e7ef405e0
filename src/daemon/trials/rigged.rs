//! The journal and the wire of one life: they answer nobody when the power is gone, and have the bugs that can be planted
//! there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use reqwest::Request;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::books::{Books, Entry as Noted};
use super::far::World;
use super::life::Power;
use super::planted::Bug;
use crate::cloudlink::transport::{Answer, Far, Lost};
use crate::journal::memory::Memory;
use crate::journal::{Accepted, Change, Claim, Entry, Error, Journal, Letter, Range, TimerChange};
use crate::kit::supervisor::Supervisor;

/// The journal.
pub(super) struct Rigged {
    memory: Arc<Memory>,
    power: Arc<Power>,
    bug: Option<Bug>,
    tasks: Supervisor,
    accepted: AtomicU64,
}

/// What follows an id to make it another one.
const OTHER: char = '\u{1}';

impl Rigged {
    pub(super) fn new(memory: Arc<Memory>, power: Arc<Power>, bug: Option<Bug>, tasks: Supervisor) -> Self {
        Self { memory, power, bug, tasks, accepted: AtomicU64::new(0) }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// What comes of it, if the power lasts.
    async fn powered<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            () = self.power.cancelled() => std::future::pending().await,
            done = work => done,
        }
    }

    /// The bugs of what is remembered between events.
    fn spoil_memory(&self, change: &mut Change) {
        match self.bug {
            Some(Bug::LimitNotReserved) => change.state.retain(|set| !set.key.starts_with("main/limit/")),
            Some(Bug::VarNotKept) => change.state.retain(|set| !set.key.starts_with("main/var/")),
            Some(Bug::ForNotCalledOff) => {
                let before = change.timers.len();
                change.timers.retain(|timer| matches!(timer, TimerChange::Set(_)));
                if change.timers.len() < before {
                    change.state.retain(|set| !set.key.starts_with("main/for/"));
                }
            }
            Some(Bug::FinishedTwice) => {
                let over: Vec<Entry> =
                    change.events.iter().filter(|event| event.body.contains("call.finished")).cloned().collect();
                change
                    .events
                    .extend(over.into_iter().map(|event| Entry { id: format!("{}'", event.id).into(), ..event }));
            }
            Some(Bug::TickTwice) => {
                change.state.retain(|set| !set.key.starts_with("main/schedule/"));
                let again: Vec<TimerChange> = change.timers.iter().filter_map(again).collect();
                change.timers.extend(again);
            }
            _ => {}
        }
    }

    fn handed_out(&self, mut claim: Claim) -> Claim {
        if self.has(Bug::NoDedupe) {
            claim.entry.id = claim.entry.id.split(OTHER).next().unwrap_or_default().into();
        }
        if self.has(Bug::QueueOfItsOwn) && claim.entry.lane.contains("conversation") {
            claim.entry.lane = format!("{}#{}", claim.entry.lane, claim.seq).into();
        }
        if self.has(Bug::Forgotten) {
            (claim.history, claim.recovered) = (Vec::new(), false);
        }
        claim
    }
}

impl Journal for Rigged {
    async fn accept(&self, mut entries: Vec<Entry>) -> Result<Vec<Accepted>, Error> {
        if self.has(Bug::NoDedupe) {
            for entry in &mut entries {
                let number = self.accepted.fetch_add(1, Ordering::Relaxed);
                entry.id = format!("{}{OTHER}{}-{number}", entry.id, self.power.life).into();
            }
        }
        if self.has(Bug::AcknowledgedTooEarly) {
            let (memory, count) = (Arc::clone(&self.memory), entries.len());
            self.tasks.spawn(async move { memory.accept(entries).await });
            return Ok(vec![Accepted::Known; count]);
        }
        self.powered(self.memory.accept(entries)).await
    }

    async fn claim(&self, max: usize) -> Result<Vec<Claim>, Error> {
        let claims = self.powered(self.memory.claim(max)).await?;
        let mut claims: Vec<Claim> = claims.into_iter().map(|claim| self.handed_out(claim)).collect();
        if self.has(Bug::Reversed) {
            claims.reverse();
        }
        Ok(claims)
    }

    async fn scan(&self, range: Range) -> Result<Vec<Claim>, Error> {
        let claims = self.powered(self.memory.scan(range)).await?;
        Ok(claims.into_iter().map(|claim| self.handed_out(claim)).collect())
    }

    async fn load(&self, keys: &[Arc<str>]) -> Result<Vec<Option<Arc<str>>>, Error> {
        self.powered(self.memory.load(keys)).await
    }

    fn settle(&self, mut change: Change) {
        if self.has(Bug::HalfSettled) {
            change.state.clear();
        }
        if self.has(Bug::EndsNotRecorded) {
            change.lines.retain(|line| !line.last);
        }
        self.spoil_memory(&mut change);
        if !self.power.is_cut() {
            self.memory.settle(change);
        }
    }

    async fn attempt(&self, change: Change) -> Result<(), Error> {
        if self.has(Bug::AttemptNotDurable) {
            return Ok(());
        }
        self.powered(self.memory.attempt(change)).await
    }

    fn early(&self) -> Vec<Claim> {
        if self.power.is_cut() {
            return Vec::new();
        }
        self.memory.early().into_iter().map(|claim| self.handed_out(claim)).collect()
    }

    fn refused(&self) -> Vec<u64> {
        self.memory.refused()
    }

    async fn fire(&self, now: i64) -> Result<Option<i64>, Error> {
        self.powered(self.memory.fire(now)).await
    }

    async fn letters(&self, after: u64, max: usize) -> Result<Vec<Letter>, Error> {
        self.powered(self.memory.letters(after, max)).await
    }

    async fn wake(&self) {
        self.powered(self.memory.wake()).await;
    }

    async fn flush(&self) -> Result<(), Error> {
        self.powered(self.memory.flush()).await
    }
}

/// The timer of a schedule once more, under another name.
fn again(timer: &TimerChange) -> Option<TimerChange> {
    let TimerChange::Set(timer) = timer else { return None };
    let mut twin = timer.clone();
    twin.id = format!("{}'", twin.id).into();
    twin.entry.id = format!("{}'", twin.entry.id).into();
    (!timer.id.ends_with('\'') && timer.entry.body.contains("\"tick\"")).then_some(TimerChange::Set(twin))
}

/// The wire of one life to the far side.
pub(super) struct Line {
    world: Arc<World>,
    books: Arc<Books>,
    power: Arc<Power>,
    bug: Option<Bug>,
    sent: AtomicU64,
}

impl Line {
    pub(super) fn new(world: Arc<World>, books: Arc<Books>, power: Arc<Power>, bug: Option<Bug>) -> Self {
        Self { world, books, power, bug, sent: AtomicU64::new(0) }
    }

    /// A tag that is another one each time.
    fn tag_anew(&self, request: &mut Request) {
        let body = request.body().and_then(|body| body.as_bytes()).unwrap_or_default();
        let Ok(mut body) = serde_json::from_slice::<Value>(body) else { return };
        if body["tag"].is_string() {
            let number = self.sent.fetch_add(1, Ordering::Relaxed);
            body["tag"] = json!(format!("{{\"swh\":\"{}-{number}\"}}", self.power.life));
            *request.body_mut() = Some(body.to_string().into());
        }
    }
}

impl Far for Line {
    fn exchange(&self, mut request: Request, _: Instant) -> BoxFuture<'static, Result<Answer, Lost>> {
        if self.power.is_cut() {
            return Box::pin(std::future::pending());
        }
        if self.bug == Some(Bug::UnstableTag) {
            self.tag_anew(&mut request);
        }
        let (number, answer) = self.world.take(&request, &self.power);
        let (power, books) = (Arc::clone(&self.power), Arc::clone(&self.books));
        Box::pin(async move {
            tokio::select! {
                biased;
                () = power.cancelled() => std::future::pending().await,
                answer = answer => match answer {
                    Ok(answer) => {
                        let status = answer.as_ref().map_or(0, |answer| answer.status.as_u16());
                        books.write(Noted::Answered { life: power.life, number, status });
                        answer
                    }
                    Err(_) => std::future::pending().await,
                },
            }
        })
    }
}
