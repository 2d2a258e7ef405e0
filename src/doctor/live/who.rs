//! Signing in, who we are, where the account lives, what time it is there, and the headers of one answer.

use chrono::DateTime;
use reqwest::header::HeaderName;
use serde_json::Value;

use super::{Visit, short};
use crate::cloudlink::{Api, Exchange};
use crate::doctor::{Held, Line, shape};

const CORRELATION: &str = "x-mitel-correlation-id";
/// By how many seconds a clock may be wrong before it is said.
const SKEW: i64 = 3;

impl Visit<'_> {
    /// Whether it can go on.
    pub(super) async fn signs_in(&mut self) -> bool {
        let answer = match self.get(Api::Authentication, "/token").await {
            Ok(answer) => answer,
            Err(error) => {
                let todo = "look at [cloudlink] account_id and auth; `switchhook whoami` shows the same";
                self.found.lines.push(Line::fail("sign in", short(&error), todo));
                return false;
            }
        };
        let claims = answer.json().unwrap_or_default();
        let text = |name: &str| claims[name].as_str().map(str::to_owned);
        self.me = text("principalId").or_else(|| text("userId"));
        self.extension = text("extension").filter(|extension| !extension.is_empty());
        if let Some(account) = text("accountId") {
            self.account = account;
        }
        let (me, role) =
            (self.me.clone().unwrap_or_else(|| "-".to_owned()), text("role").unwrap_or_else(|| "-".to_owned()));
        self.ok("sign in", format!("as {me}, role {role}, in account {}", self.account));
        self.learn("token-answer", Held::Yes, "there is a token, and it is taken");
        self.learn("bearer", Held::Yes, "`Authorization: Bearer …` is accepted");
        self.claims(&claims);
        self.region(&claims);
        self.correlation(&answer);
        self.time(&answer);
        true
    }

    fn claims(&mut self, claims: &Value) {
        let names = shape::keys(claims);
        if self.me.is_some() && !claims["accountId"].is_null() {
            self.learn("claims", Held::Yes, format!("GET /token tells {names}"));
            return;
        }
        self.learn("claims", Held::No, format!("GET /token lacks principalId or accountId; it tells {names}"));
        let todo = "own messages are known by their tag alone: let no rule match what it says itself";
        self.warn("who am I", "CloudLink does not say who we are", todo);
    }

    /// The `domain` claim ends in the account's cloud (1 \[P\]).
    fn region(&mut self, claims: &Value) {
        let host = self.options.urls.authentication.host_str().unwrap_or_default().to_owned();
        let Some(cloud) = claims["domain"].as_str().and_then(shape::cloud) else {
            self.learn("region", Held::Unclear, "GET /token has no domain that names a cloud");
            return;
        };
        let ours = host.split_once('.').map_or("", |(_, rest)| rest);
        if ours == cloud {
            self.learn("region", Held::Yes, format!("the account lives in {cloud}, where it is asked"));
        } else {
            self.learn("region", Held::Tolerated, format!("the account lives in {cloud}, and {host} answers for it"));
            let todo = format!("[cloudlink] cloud = \"{cloud}\" would ask there directly");
            self.found
                .lines
                .push(Line { todo: Some(todo), ..Line::ok("region", format!("the account lives in {cloud}")) });
        }
    }

    /// Whether the id that was sent comes back (5.5 \[A\]).
    fn correlation(&mut self, answer: &Exchange) {
        match answer.header(CORRELATION) {
            Some(id) if id == answer.sent_correlation => {
                self.learn("correlation", Held::Tolerated, "the correlation id that is sent is adopted");
            }
            Some(_) => self.learn("correlation", Held::Yes, "answers have a correlation id of their own"),
            None => {
                self.learn("correlation", Held::Tolerated, format!("the answer has no {CORRELATION}; ours is logged"));
            }
        }
    }

    /// The machine's clock against that of CloudLink. The date is read when the answer is here, so that it may be a
    /// little old, never young.
    fn time(&mut self, answer: &Exchange) {
        let date = answer.headers.get(HeaderName::from_static("date")).and_then(|date| date.to_str().ok());
        let Some(there) = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok()) else {
            self.ok("clock", "CloudLink's answers have no date to compare with");
            return;
        };
        let ahead = (self.clock.millis() - there.timestamp_millis()).div_euclid(1000);
        if ahead.abs() <= SKEW {
            self.ok("clock", "agrees with CloudLink's");
        } else {
            let (by, way) = (ahead.abs(), if ahead > 0 { "ahead of" } else { "behind" });
            let todo = "let NTP set the clock: deadlines of calls and the times of hours depend on it";
            self.warn("clock", format!("is {by} s {way} CloudLink's"), todo);
        }
    }
}
