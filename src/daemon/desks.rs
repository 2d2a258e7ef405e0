//! The desks of all accounts as one for the dispatcher: each publication and each run goes to the desk of its account, and
//! never to another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::desk::own::account;
use super::desk::{About, Desk, Opening, Run};
use crate::dispatch::{Again, Attempt, Carried, Planning, Prepared, Unshelved, Work};
use crate::journal::{Change, Claim, Entry, Line};

/// See the module.
pub(crate) struct Desks {
    /// That of the only account, in most gateways.
    first: Arc<Desk>,
    all: HashMap<Arc<str>, Arc<Desk>>,
    /// Desks without rules for accounts that are not in the settings any more: what is left of them ends in the records.
    gone: Mutex<HashMap<Arc<str>, Arc<Desk>>>,
    make_gone: Box<dyn Fn(Arc<str>) -> Desk + Send + Sync>,
}

impl Desks {
    /// The desks of these accounts, and how one is made for an account that is gone.
    pub(super) fn new(
        first: Arc<Desk>,
        others: impl IntoIterator<Item = Arc<Desk>>,
        make_gone: impl Fn(Arc<str>) -> Desk + Send + Sync + 'static,
    ) -> Self {
        let desks = [Arc::clone(&first)].into_iter().chain(others);
        let all = desks.map(|desk| (Arc::from(desk.account()), desk)).collect();
        Self { first, all, gone: Mutex::default(), make_gone: Box::new(make_gone) }
    }

    /// The desk of an account in the settings.
    pub(super) fn known(&self, account: &str) -> Option<&Arc<Desk>> {
        self.all.get(account)
    }

    /// The only desk, or the names of the accounts if there are several.
    pub(super) fn only(&self) -> Result<&Arc<Desk>, Vec<&str>> {
        if self.all.len() == 1 { Ok(&self.first) } else { Err(self.names()) }
    }

    fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.all.keys().map(|name| &**name).collect();
        names.sort_unstable();
        names
    }

    /// Whether an account has a rule of that name in force.
    pub(super) fn any_has_rule(&self, name: &str) -> bool {
        self.all.values().any(|desk| desk.has_rule(name))
    }

    /// The desk of what an account has left in the journal.
    pub(super) fn of(&self, account: &str) -> Arc<Desk> {
        if account == self.first.account() {
            return Arc::clone(&self.first);
        }
        self.all.get(account).map_or_else(|| self.gone(account), Arc::clone)
    }

    fn gone(&self, account: &str) -> Arc<Desk> {
        let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(desk) = gone.get(account) {
            return Arc::clone(desk);
        }
        tracing::warn!(
            account,
            "the journal holds events of an account that is not in the settings: no rule is for them"
        );
        let name: Arc<str> = account.into();
        let desk = Arc::new((self.make_gone)(Arc::clone(&name)));
        gone.insert(name, Arc::clone(&desk));
        desk
    }

    fn of_claim(&self, claim: &Claim) -> Arc<Desk> {
        self.of(account(claim))
    }

    fn of_run(&self, run: &Run) -> Arc<Desk> {
        self.of(run.account())
    }
}

impl Work for Desks {
    type Opened = (Arc<Desk>, Opening);
    type Run = Run;

    fn accounts(&self) -> usize {
        self.all.len()
    }

    fn open(&self, claim: &Claim) -> (Self::Opened, Vec<Arc<str>>) {
        let desk = self.of_claim(claim);
        let (opening, keys) = desk.open(claim);
        ((desk, opening), keys)
    }

    fn plan(
        &self,
        (desk, opening): Self::Opened,
        claim: &Claim,
        values: &[Option<Arc<str>>],
    ) -> Planning<Self::Opened, Run> {
        match desk.plan(opening, claim, values) {
            Planning::Done(planned) => Planning::Done(planned),
            Planning::Needs(opening, keys) => Planning::Needs((desk, opening), keys),
            Planning::Fetch(opening) => Planning::Fetch((desk, opening)),
        }
    }

    async fn fetch(&self, (desk, opening): Self::Opened) -> Self::Opened {
        let opening = desk.fetch(opening).await;
        (desk, opening)
    }

    fn plan_again(&self, claim: &Claim, rule: &str) -> Again<Run> {
        self.of_claim(claim).plan_again(claim, rule)
    }

    fn shelve(&self, run: &Run) -> Box<str> {
        self.of_run(run).shelve(run)
    }

    fn unshelve(&self, claim: &Claim, rule: &str, shelved: &str) -> Unshelved<Run> {
        self.of_claim(claim).unshelve(claim, rule, shelved)
    }

    fn prepare(&self, run: &mut Run) -> Prepared {
        self.of_run(run).prepare(run)
    }

    async fn carry(&self, run: &mut Run, attempt: Attempt) -> Carried {
        self.of_run(run).carry(run, attempt).await
    }

    fn remember(&self, run: &mut Run, values: &[Option<Arc<str>>]) -> (Carried, Change) {
        self.of_run(run).remember(run, values)
    }

    fn keep(&self, fate: &str, controls: bool) -> Option<Duration> {
        self.first.keep(fate, controls)
    }

    fn given_up(&self, about: &str, line: &Line) -> Option<Entry> {
        self.of(&About::read(about).account).given_up(about, line)
    }

    fn epitaph(&self, run: Option<&Run>, why: &str) -> String {
        self.first.epitaph(run, why)
    }
}
