//! From a request to its outcome.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;

use super::credential::{BadCredential, Credentials};
use super::http::Http;
use super::outcome::{ErrorWord, Outcome};
use super::{Credential, any, call, chat, log, lookup};
use crate::cloudlink::transport::Wire;
use crate::cloudlink::{CloudLink, HostPolicy, HostState, Line, Turned, Whose};
use crate::directory::Directory;
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;
use crate::kit::supervisor::Supervisor;
use crate::numbers::Dialling;
use crate::rules::catalogue::{Repeats, Spec};
use crate::rules::request::{HttpRequest, Method, Request};

/// What a repeat of a request would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// No harm.
    Repeat,
    /// Harm, but whether it is done already can be seen.
    Check,
    /// Harm.
    Never,
}

/// The class of a request.
pub fn class(request: &Request) -> Class {
    match request {
        Request::Http(http) => http_class(http),
        // Nothing is sent that would have to be kept from being sent twice.
        _ => Spec::of(request.action()).filter(|spec| spec.carried_out).map_or(Class::Repeat, |spec| {
            match spec.repeats {
                Repeats::Harmless => Class::Repeat,
                Repeats::Checked => Class::Check,
                Repeats::Never => Class::Never,
                Repeats::ByMethod => by_method(method(request)),
            }
        }),
    }
}

fn method(request: &Request) -> Method {
    match request {
        Request::CloudLink(request) => request.method,
        _ => Method::Post,
    }
}

fn by_method(method: Method) -> Class {
    match method {
        Method::Get | Method::Put | Method::Delete => Class::Repeat,
        Method::Post | Method::Patch => Class::Never,
    }
}

fn http_class(request: &HttpRequest) -> Class {
    let is_key =
        |(name, value): &(String, String)| name.eq_ignore_ascii_case("idempotency-key") && !value.trim().is_empty();
    if request.headers.iter().any(is_key) { Class::Repeat } else { by_method(request.method) }
}

/// One attempt at a request.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// Whose event it is.
    pub account: &'a str,
    /// The step's stable id: the same after any crash.
    pub tag: &'a str,
    /// An earlier attempt may have taken effect (a crash, or an unknown outcome): look before doing it again.
    pub look_first: bool,
    /// How long this attempt may take.
    pub timeout: Duration,
}

/// What requests are carried out with.
#[derive(Debug)]
pub struct Actions {
    accounts: HashMap<Arc<str>, CloudLink>,
    /// What phones of the accounts' sites dial.
    dialling: HashMap<Arc<str>, ArcSwap<Dialling>>,
    directories: HashMap<Arc<str>, Directory>,
    http: Http,
}

impl Actions {
    /// Ready to act. `wire` is for `http` steps: [`guarded_wire`](super::guarded_wire), kept across reloads for its
    /// connections.
    pub fn new(
        accounts: HashMap<Arc<str>, CloudLink>,
        credentials: Vec<Credential>,
        wire: Wire,
        clock: Clock,
        chance: Chance,
        supervisor: Supervisor,
    ) -> Result<Self, BadCredential> {
        let credentials = Credentials::new(credentials, &wire, &clock, &chance, &supervisor)?;
        let other = Line::new(&wire, Whose::Other, HostPolicy::STEPS, &clock, &chance);
        Ok(Self {
            accounts,
            dialling: HashMap::new(),
            directories: HashMap::new(),
            http: Http { wire, other, credentials },
        })
    }

    /// The same, with what a phone of an account's site dials before a number.
    pub fn with_dialling(mut self, account: &str, dialling: Dialling) -> Self {
        self.dialling.insert(account.into(), ArcSwap::from_pointee(dialling));
        self
    }

    /// The same, with the directory of an account.
    pub fn with_directory(mut self, account: &str, directory: Directory) -> Self {
        self.directories.insert(account.into(), directory);
        self
    }

    /// A phone of an account's site dials otherwise from now on.
    pub fn set_dialling(&self, account: &str, dialling: Dialling) {
        if let Some(known) = self.dialling.get(account) {
            known.store(Arc::new(dialling));
        }
    }

    /// What there is to say about the hosts of `http` steps, for metrics and pages.
    pub fn hosts(&self) -> Vec<HostState> {
        self.http.wire.hosts()
    }

    /// Says from now on when the circuit breaker of a host of `http` steps opens or closes.
    pub fn tell_turns(&self, turns: mpsc::Sender<Turned>) {
        self.http.wire.tell_turns(turns);
    }

    /// The principal that an account signs in as, once it is known.
    pub fn principal(&self, account: &str) -> Option<Arc<str>> {
        self.accounts.get(account)?.principal()
    }

    /// CloudLink's id of an account, once it is known.
    pub fn account_id(&self, account: &str) -> Option<Arc<str>> {
        self.accounts.get(account)?.account_id()
    }

    /// Makes one attempt.
    pub async fn perform(&self, request: &Request, attempt: &Attempt<'_>) -> Outcome {
        match request {
            Request::Redirect { call, to } => match self.account(attempt) {
                Ok(cloudlink) => call::redirect(cloudlink, call, &self.dialled(to, attempt), attempt).await,
                Err(outcome) => outcome,
            },
            Request::Reply { conversation, text, format } => match self.account(attempt) {
                Ok(cloudlink) => chat::reply(cloudlink, conversation, text, *format, attempt).await,
                Err(outcome) => outcome,
            },
            Request::Http(request) => self.http.perform(request, http_class(request), attempt).await,
            Request::Log { level, message } => log::write(*level, message, attempt),
            Request::CloudLink(asked) => match self.account(attempt) {
                Ok(cloudlink) => any::ask(cloudlink, asked, class(request), attempt).await,
                Err(outcome) => outcome,
            },
            Request::Asked(asked) if asked.action == "lookup" => match self.directories.get(attempt.account) {
                Some(directory) => lookup::look_up(directory, asked, attempt).await,
                None => lookup::without_directory(),
            },
            Request::Set(_) | Request::Asked(_) => not_carried_out(request.action()),
        }
    }

    /// A destination as it is sent: a request holds it as the rule wrote it, and what a phone dials is added here.
    fn dialled<'a>(&self, to: &'a str, attempt: &Attempt<'_>) -> Cow<'a, str> {
        match self.dialling.get(attempt.account) {
            Some(dialling) => Cow::Owned(dialling.load().dial(to).into_owned()),
            None => Cow::Borrowed(to),
        }
    }

    fn account(&self, attempt: &Attempt<'_>) -> Result<&CloudLink, Outcome> {
        self.accounts.get(attempt.account).ok_or_else(|| {
            Outcome::failed(ErrorWord::Refused, format!("find the account {:?} in the settings", attempt.account))
        })
    }
}

/// Fails before anything is sent.
fn not_carried_out(action: &str) -> Outcome {
    Outcome::failed(ErrorWord::Unsupported, format!("carry it out: this version can't carry out `{action}` yet"))
}
