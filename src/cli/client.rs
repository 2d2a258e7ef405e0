//! A client for the admin listener of the gateway that these settings describe. It speaks plain HTTP over one socket:
//! the listener does, and its answers are small.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Map, Value};

use super::{Config, OfAccount, complain};
use crate::kit::secret::Secret;
use crate::settings::{self, Environment};

/// How long to wait for a connection, and for a probe's answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long what is asked for may take.
const WORK: Duration = Duration::from_mins(1);
/// The largest answer.
const MOST: u64 = 4 << 20;

/// A gateway that may be running.
pub(super) struct Gateway {
    pub(super) address: SocketAddr,
    token: Option<Secret>,
}

/// What it says.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// What a refusal says.
    pub(super) fn why(&self) -> String {
        let problem = self.json();
        let text = |key: &str| problem.get(key).and_then(Value::as_str).map(str::to_owned);
        let why = text("detail").or_else(|| text("title"));
        why.unwrap_or_else(|| format!("it answers {}: is that a switchhook?", self.status))
    }
}

impl Gateway {
    /// The one whose listener is there, for what needs no token.
    pub(super) fn at(address: SocketAddr) -> Self {
        Self { address, token: None }
    }

    /// The one of these settings, with its token. What is wrong with them is said, and the exit code given.
    pub(super) fn of(config: &Config) -> Result<Self, ExitCode> {
        match settings::load_for_admin(&config.path(), &Environment::process()) {
            Ok(admin) => Ok(Self { address: admin.listen, token: admin.token }),
            Err(problems) => {
                complain(&problems.to_string());
                Err(ExitCode::from(2))
            }
        }
    }

    /// The vars of the one that is running by these settings, by name; none if nobody answers. Nothing is said.
    pub(super) fn vars(config: &Config, account: &OfAccount) -> Map<String, Value> {
        let Ok(admin) = settings::load_for_admin(&config.path(), &Environment::process()) else { return Map::new() };
        let answer = Self { address: admin.listen, token: admin.token }.get(&format!("{}/vars", account.route()));
        match answer.ok().filter(|answer| answer.status == 200).map(|answer| answer.json()) {
            Some(Value::Object(mut told)) => match told.remove("vars") {
                Some(Value::Object(vars)) => vars,
                _ => Map::new(),
            },
            _ => Map::new(),
        }
    }

    /// Reads something.
    pub(super) fn get(&self, path: &str) -> std::io::Result<Answer> {
        self.ask("GET", path, "", PATIENCE)
    }

    /// Asks for something to be done.
    pub(super) fn post(&self, path: &str, body: &Value) -> std::io::Result<Answer> {
        self.ask("POST", path, &body.to_string(), WORK)
    }

    /// Says that nobody answers, and what to do about it.
    pub(super) fn is_not_there(&self, error: &std::io::Error) {
        complain(&format!(
            "no gateway answers on {} ([admin] listen): {error}. Only a running gateway can do this: start it \
             (`switchhook run`) and ask again.",
            self.address
        ));
    }

    fn ask(&self, method: &str, path: &str, body: &str, patience: Duration) -> std::io::Result<Answer> {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            let v4 = address.is_ipv4();
            address.set_ip(if v4 { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V6(Ipv6Addr::LOCALHOST) });
        }
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(patience))?;
        let token = self.token.as_ref().map(|token| format!("authorization: Bearer {}\r\n", token.expose()));
        let token = token.unwrap_or_default();
        let about = if method == "POST" {
            format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len())
        } else {
            String::new()
        };
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{token}{about}\r\n{body}")?;
        let mut answer = Vec::new();
        stream.take(MOST).read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| std::io::Error::other("what answers there does not speak HTTP"))?;
        Ok(Answer { status, body: body.trim_end().to_owned() })
    }
}
