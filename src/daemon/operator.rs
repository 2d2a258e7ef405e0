//! What an operator asks of the running gateway: to try letters again, to throw them away, to replay events. Each becomes
//! one change of the journal; the dispatcher does the rest.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::desk::own::{Own, Unfit, account};
use super::desk::{Desk, NoVar};
use super::desks::Desks;
use super::told;
use crate::api::{Done, Operations, Refusal, Replay, SetVar};
use crate::journal::{Accepted, Change, Claim, Embedded, Entry, Error, Journal, Letter, Range};
use crate::kit::chance::Chance;
use crate::language::suggest;

/// The most events that are replayed with one request.
const MOST: usize = 10_000;
/// How many letters are told at once.
const PAGE: usize = 100;
/// How many entries, and bytes of them, go into one commit.
const COMMIT: usize = 256;
const COMMIT_BYTES: usize = 4 << 20;
/// How many of those that are not replayed are named.
const NAMED: usize = 20;

/// No letter and no publication has a larger number.
const NUMBERS: u64 = i64::MAX as u64;

/// See the module.
pub(super) struct Operator {
    journal: Arc<Embedded>,
    desks: Arc<Desks>,
    chance: Chance,
    /// One after the other, so that a letter is not thrown away while it is being tried again.
    turn: Mutex<()>,
}

impl Operator {
    pub(super) fn new(journal: Arc<Embedded>, desks: Arc<Desks>, chance: Chance) -> Self {
        Self { journal, desks, chance, turn: Mutex::default() }
    }

    async fn tell_letters(&self, after: u64) -> Done {
        let letters = self.journal.letters(after.min(NUMBERS), PAGE).await.map_err(unavailable)?;
        let more = letters.len() == PAGE;
        let mut told = Vec::with_capacity(letters.len());
        for letter in letters {
            let claim = self.claim(letter.seq).await?;
            told.push(told::letter(&letter, claim.as_ref()));
        }
        Ok(json!({ "letters": told, "more": more }))
    }

    async fn try_again(&self, id: u64, again: bool) -> Done {
        let _turn = self.turn.lock().await;
        let letter = self.letter(id).await?;
        let claim = self.claim(letter.seq).await?;
        let claim = claim.ok_or_else(|| Refusal::Conflict("its publication is gone: discard it".to_owned()))?;
        let unfit = |unfit: Unfit| Refusal::Conflict(unfit.to_string());
        let entry = self.desks.of(account(&claim)).retry(&letter, &claim, again).map_err(unfit)?;
        let retry = json!({ "letter": id, "rule": &*letter.run, "publication": &*entry.id });
        self.write(Change { discard: vec![id], events: vec![entry], ..Change::default() }).await?;
        tracing::info!(letter = id, rule = &*letter.run, "a dead letter is tried again");
        Ok(retry)
    }

    async fn throw_away(&self, id: u64) -> Done {
        let _turn = self.turn.lock().await;
        let letter = self.letter(id).await?;
        self.write(Change { discard: vec![id], ..Change::default() }).await?;
        tracing::info!(letter = id, rule = &*letter.run, "a dead letter is thrown away");
        Ok(json!({ "letter": id, "rule": &*letter.run }))
    }

    async fn play_again(&self, replay: Replay) -> Done {
        let Replay { mut seqs, rules } = replay;
        if let Some(unknown) = rules.iter().find(|name| !self.desks.any_has_rule(name)) {
            return Err(Refusal::Invalid(format!("no rule `{unknown}` is in force")));
        }
        if seqs.len() > MOST {
            return Err(Refusal::Invalid(format!("{} events at once; the most are {MOST}", seqs.len())));
        }
        // In the order in which they came.
        seqs.sort_unstable();
        seqs.dedup();
        let name = self.chance.uuid();
        let (mut entries, mut bytes, mut replayed, mut left_out) = (Vec::new(), 0, 0, Vec::new());
        for seq in &seqs {
            match self.replayed(*seq, &rules, &name).await? {
                Ok(entry) => {
                    bytes += entry.body.len();
                    entries.push(entry);
                }
                Err(why) => left_out.push(json!({ "seq": seq, "why": why })),
            }
            if entries.len() >= COMMIT || bytes >= COMMIT_BYTES || Some(seq) == seqs.last() {
                let count = entries.len();
                let events = std::mem::take(&mut entries);
                bytes = 0;
                self.write(Change { events, ..Change::default() }).await.map_err(|refusal| match refusal {
                    Refusal::Unavailable(why) if replayed > 0 => {
                        Refusal::Unavailable(format!("{why}; {replayed} were replayed before that"))
                    }
                    other => other,
                })?;
                replayed += count;
            }
        }
        tracing::info!(replayed, rules = rules.join(", "), "recorded events are replayed");
        let count = left_out.len();
        left_out.truncate(NAMED);
        Ok(json!({ "replayed": replayed, "left_out": count, "why": left_out }))
    }

    /// The entry that replays a publication, or why there is none.
    async fn replayed(&self, seq: u64, rules: &[String], name: &str) -> Result<Result<Entry, String>, Refusal> {
        let Some(claim) = self.claim(seq).await? else { return Ok(Err("there is no such publication".to_owned())) };
        if Own::of(&claim).is_some_and(|own| own.came_again()) {
            return Ok(Err("it came again itself: replay what it is about".to_owned()));
        }
        Ok(Own::replay(&claim, rules.to_vec(), name).map_err(|unfit| unfit.to_string()))
    }

    /// The desk of the account that is meant: by its name, or the only one.
    fn desk(&self, account: Option<&str>) -> Result<&Arc<Desk>, Refusal> {
        match account {
            Some(account) => {
                let unknown = || Refusal::Gone(format!("there is no account `{account}`"));
                self.desks.known(account).ok_or_else(unknown)
            }
            None => self.desks.only().map_err(|names| {
                let names = names.join(", ");
                Refusal::Invalid(format!(
                    "there are several accounts ({names}): say which one (--account NAME, /api/v1/accounts/NAME/…)"
                ))
            }),
        }
    }

    async fn tell_vars(&self, account: Option<&str>, per: Option<&str>) -> Done {
        let desk = self.desk(account)?;
        let wanted = desk.vars(per);
        let keys: Vec<Arc<str>> = wanted.iter().filter_map(|(_, key)| key.clone()).collect();
        let mut values = self.journal.load(&keys).await.map_err(unavailable)?.into_iter();
        let mut told = Map::new();
        for (name, key) in wanted {
            let stored = key.and_then(|_| values.next().flatten());
            told.insert(name.to_string(), desk.tell_var(&name, per, stored.as_deref()));
        }
        Ok(json!({ "vars": told }))
    }

    async fn change_var(&self, account: Option<&str>, name: &str, set: SetVar) -> Done {
        let desk = self.desk(account)?;
        let _turn = self.turn.lock().await;
        let invalid = |why: String| Refusal::Invalid(why);
        let key = desk.var_key(name, set.per.as_deref()).map_err(|why| match why {
            NoVar::Unknown(why) => Refusal::Gone(why),
            NoVar::Unfit(why) => Refusal::Invalid(why),
        })?;
        let stored = self.journal.load(&[key]).await.map_err(unavailable)?.pop().flatten();
        let (change, audit) = desk.set_var(name, &set, stored.as_deref()).map_err(invalid)?;
        self.write(change).await?;
        Ok(json!(audit))
    }

    async fn call_hook(&self, account: Option<&str>, name: &str, body: Value, query: Map<String, Value>) -> Done {
        let desk = self.desk(account)?;
        let known = desk.hooks();
        if !known.iter().any(|hook| hook == name) && !desk.listens_to_all_hooks() {
            let near = suggest::did_you_mean(name, known.iter().map(String::as_str).collect::<Vec<_>>());
            let near = near.map(|near| format!("; {near}")).unwrap_or_default();
            return Err(Refusal::Gone(format!("no rule is for a hook `{name}`{near}")));
        }
        let entry = desk.hook(name, body, query, &self.chance.uuid());
        let entry = entry.ok_or_else(|| Refusal::Invalid("its body is nested too deep".to_owned()))?;
        let id = Arc::clone(&entry.id);
        let accepted = self.journal.accept(vec![entry]).await.map_err(unavailable)?;
        let seq = accepted.into_iter().find_map(|accepted| match accepted {
            Accepted::New(seq) => Some(seq),
            Accepted::Known => None,
        });
        Ok(json!({ "hook": name, "publication": &*id, "seq": seq }))
    }

    async fn letter(&self, id: u64) -> Result<Letter, Refusal> {
        let gone = || Refusal::Gone(format!("there is no dead letter {id} (any more)"));
        let before = id.checked_sub(1).filter(|before| *before < NUMBERS).ok_or_else(gone)?;
        let letters = self.journal.letters(before, 1).await.map_err(unavailable)?;
        letters.into_iter().find(|letter| letter.id == id).ok_or_else(gone)
    }

    async fn claim(&self, seq: u64) -> Result<Option<Claim>, Refusal> {
        if seq > NUMBERS {
            return Ok(None);
        }
        let mut claims = self.journal.scan(Range::One(seq)).await.map_err(unavailable)?;
        Ok(claims.pop())
    }

    async fn write(&self, change: Change) -> Result<(), Refusal> {
        if change.is_empty() {
            return Ok(());
        }
        self.journal.attempt(change).await.map_err(unavailable)
    }
}

fn unavailable(error: Error) -> Refusal {
    Refusal::Unavailable(error.to_string())
}

impl Operations for Operator {
    fn letters(&self, after: u64) -> BoxFuture<'_, Done> {
        self.tell_letters(after).boxed()
    }

    fn retry(&self, letter: u64, again: bool) -> BoxFuture<'_, Done> {
        self.try_again(letter, again).boxed()
    }

    fn discard(&self, letter: u64) -> BoxFuture<'_, Done> {
        self.throw_away(letter).boxed()
    }

    fn replay(&self, replay: Replay) -> BoxFuture<'_, Done> {
        self.play_again(replay).boxed()
    }

    fn vars(&self, account: Option<String>, per: Option<String>) -> BoxFuture<'_, Done> {
        async move { self.tell_vars(account.as_deref(), per.as_deref()).await }.boxed()
    }

    fn set_var(&self, account: Option<String>, name: String, set: SetVar) -> BoxFuture<'_, Done> {
        async move { self.change_var(account.as_deref(), &name, set).await }.boxed()
    }

    fn fire(
        &self,
        account: Option<String>,
        hook: String,
        body: Value,
        query: Map<String, Value>,
    ) -> BoxFuture<'_, Done> {
        async move { self.call_hook(account.as_deref(), &hook, body, query).await }.boxed()
    }
}
