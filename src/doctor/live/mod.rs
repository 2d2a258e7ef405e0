//! A visit to a live account: only reads, unless more is wished for. Each probe stands for itself: one that fails is a line, and
//! the next goes on.

mod lists;
mod specs;
mod tries;
mod who;

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;

use super::{Held, Learnt, Line};
use crate::cloudlink::{Api, CloudLink, Error, Exchange, Options, Raw};
use crate::kit::clock::Clock;

/// How long each answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The largest answer: what a service publishes of itself.
const LARGEST: usize = 16 << 20;

/// What may be done besides reading.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Ask for the address of a websocket, which nobody uses then.
    pub connections: bool,
    /// Make a subscription to this address that ends by itself, look at it, and delete it.
    pub subscribe: Option<String>,
}

/// What a visit came to.
#[derive(Debug, Default)]
pub struct Found {
    /// What was checked.
    pub lines: Vec<Line>,
    /// What was learnt of assumptions; at most one of each.
    pub learnt: Vec<Learnt>,
    /// The specifications that services published, by the name of the service.
    pub specs: Vec<(String, Bytes)>,
}

/// A visit under way.
struct Visit<'a> {
    cloudlink: &'a CloudLink,
    options: &'a Options,
    clock: &'a Clock,
    found: Found,
    /// Headers of rate limits that came with any answer.
    limits: BTreeSet<String>,
    /// The assumed routes that specifications have, and those that they do not have.
    there: Vec<String>,
    missing: Vec<String>,
    /// CloudLink's id of the account, and our own.
    account: String,
    me: Option<String>,
    extension: Option<String>,
}

/// Visits an account.
pub async fn visit(cloudlink: &CloudLink, options: &Options, clock: &Clock, wishes: &Wishes) -> Found {
    let mut visit = Visit {
        cloudlink,
        options,
        clock,
        found: Found::default(),
        limits: BTreeSet::new(),
        there: Vec::new(),
        missing: Vec::new(),
        account: options.account_id.clone(),
        me: None,
        extension: None,
    };
    if visit.signs_in().await {
        visit.specifications().await;
        visit.subscription_list().await;
        visit.users().await;
        visit.sites().await;
        visit.presence().await;
        visit.endpoint().await;
        if wishes.connections {
            visit.connection().await;
        }
        if let Some(address) = &wishes.subscribe {
            visit.subscription(address).await;
        }
        visit.rate_limits();
    }
    visit.found
}

impl Visit<'_> {
    /// Reads something.
    async fn get(&mut self, api: Api, path: &str) -> Result<Exchange, Error> {
        self.ask(Method::GET, api, path, None).await
    }

    async fn ask(&mut self, method: Method, api: Api, path: &str, body: Option<Bytes>) -> Result<Exchange, Error> {
        let answer =
            self.cloudlink.raw(Raw { method, api, path, body, kind: None, timeout: PATIENCE, limit: LARGEST }).await?;
        let names = answer.headers.keys().map(reqwest::header::HeaderName::as_str);
        let limits =
            names.filter(|name| name.contains("ratelimit") || name.contains("rate-limit") || *name == "retry-after");
        self.limits.extend(limits.map(str::to_owned));
        Ok(answer)
    }

    fn ok(&mut self, check: &'static str, says: impl Into<String>) {
        self.found.lines.push(Line::ok(check, says));
    }

    fn warn(&mut self, check: &'static str, says: impl Into<String>, todo: impl Into<String>) {
        self.found.lines.push(Line::warn(check, says, todo));
    }

    fn learn(&mut self, id: &'static str, held: Held, saw: impl Into<String>) {
        self.found.learnt.push(Learnt { id, held, saw: saw.into() });
    }

    fn rate_limits(&mut self) {
        if self.limits.is_empty() {
            self.learn("rate-limits", Held::Yes, "no answer had a header about rate limits");
        } else {
            let names = self.limits.iter().cloned().collect::<Vec<_>>().join(", ");
            self.learn(
                "rate-limits",
                Held::Tolerated,
                format!("answers have {names}; the gateway heeds retry-after alone"),
            );
        }
    }
}

/// A failure in one line, without the body.
fn short(error: &Error) -> String {
    match error {
        Error::Answered(answered) => {
            let route = if answered.no_route { ", which here means that there is no such route" } else { "" };
            let id = answered.correlation.as_deref().unwrap_or(&answered.sent_correlation);
            format!("it answered {}{route} (correlation id {id})", answered.status.as_u16())
        }
        other => format!("could not {other}"),
    }
}
