//! The failure policy towards far sides: so many at once, so many a second, a pause that all keep when one of them is
//! told to wait, and a circuit breaker.
//!
//! Each far side has places of its own, so that one that hangs takes nothing from another. (Connections are pooled by
//! host in the HTTP clients, without a bound that hosts share.) A far side is scheme, host and port of what a URL names,
//! and who it is to us: two APIs behind one address are two of them. Nothing is sent from here and nothing is repeated.

pub(super) mod breaker;
mod host;
mod rate;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use url::Url;

pub use breaker::{BreakerPolicy, LONGEST_HOLD};
pub(super) use host::Host;
pub use rate::Rate;
pub(super) use turn::is_untold;
pub use turn::{Turn, Turned, untold};

use self::turn::Teller;
use super::client::Api;
use super::transport::is_this_machine;
use crate::kit::chance::Chance;

/// How many far sides are remembered before those at rest are forgotten: rules may make up any number of addresses.
const MANY: usize = 256;
/// How many are remembered at most, apart from those in use.
const TOO_MANY: usize = 4 * MANY;

/// Whose far side it is: the name that figures go by, from a bounded set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Whose {
    /// An API of CloudLink.
    CloudLink(Api),
    /// A `[[credential]]`; its base may be a secret, and is not told.
    Credential(Arc<str>),
    /// An address that a rule names.
    Other,
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CloudLink(api) => write!(f, "cloudlink/{}", api.name()),
            Self::Credential(name) => write!(f, "credential/{name}"),
            Self::Other => f.write_str("other"),
        }
    }
}

/// What a far side may be asked for, and when it is left alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostPolicy {
    /// How many requests may be under way at once.
    pub places: usize,
    /// How many a second; no limit without one.
    pub rate: Option<Rate>,
    /// When it is left alone.
    pub breaker: BreakerPolicy,
}

const BREAKER: BreakerPolicy = BreakerPolicy {
    in_a_row: 10,
    last: 50,
    within: Duration::from_secs(30),
    least: 20,
    share: 0.5,
    open: Duration::from_secs(1),
    longest_open: Duration::from_secs(30),
};

impl HostPolicy {
    /// For `http` steps: how fast they may go is between the integrator and the far side.
    pub const STEPS: Self = Self { places: 128, rate: None, breaker: BREAKER };
    /// For CloudLink. Mitel publishes no numbers, but locks accounts that misbehave; this is more than calls and chats
    /// of a large site need.
    pub const CLOUDLINK: Self = Self { rate: Some(Rate { per_second: 50.0, burst: 100.0 }), ..Self::STEPS };

    /// The policy towards a CloudLink at this address. One on this machine is a simulator's or a test's, and nobody's
    /// to be spared.
    pub fn of_cloudlink(base: &Url) -> Self {
        if is_this_machine(base) { Self::STEPS } else { Self::CLOUDLINK }
    }
}

/// Why a request was not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The host asked for a pause.
    Paused,
    /// The circuit breaker is open.
    Ill,
    /// Too many a second.
    Rate,
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Paused => "the host asked for a pause",
            Self::Ill => "the host does not answer well lately",
            Self::Rate => "the host is not to be asked so often",
        })
    }
}

/// What there is to say about the far sides of one name, for metrics and pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostState {
    /// Whose, in the form `cloudlink/media`, `credential/NAME` or `other`.
    pub host: String,
    /// Whether the circuit breaker of one of them is open.
    pub breaker_open: bool,
    /// What is left of the longest pause that one of them asked for; zero without one.
    pub paused: Duration,
    /// How many requests were not let through since the start, by why: `paused`, `breaker`, `rate`, and `full` for those
    /// whose time was over before a place was free.
    pub held: [(&'static str, u64); 4],
}

/// How many requests were not let through.
#[derive(Debug, Default)]
struct Tally {
    paused: AtomicU64,
    ill: AtomicU64,
    rate: AtomicU64,
    full: AtomicU64,
}

/// Every far side that was talked to lately.
#[derive(Default)]
pub(super) struct Hosts {
    named: Mutex<HashMap<Whose, Named>>,
    teller: Teller,
}

/// The far sides of one name, by scheme, host and port.
#[derive(Default)]
struct Named {
    tally: Arc<Tally>,
    hosts: HashMap<String, Arc<Host>>,
}

impl Hosts {
    /// The far side of a URL; the policy and the source of chance are those of who came first.
    pub(super) fn host(&self, whose: &Whose, url: &Url, policy: &HostPolicy, chance: &Chance) -> Arc<Host> {
        // Scheme, host and port, as one slice of the URL.
        let origin = &url[..url::Position::BeforePath];
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = named.get(whose).and_then(|named| named.hosts.get(origin)) {
            return Arc::clone(host);
        }
        let Named { tally, hosts } = match named.entry(whose.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Named::default()),
        };
        make_room(hosts);
        let name = match whose {
            Whose::Credential(name) => format!("credential {name}"),
            Whose::CloudLink(_) | Whose::Other => without_user(url),
        };
        let host =
            Arc::new(Host::new(name, whose.clone(), policy, Arc::clone(tally), self.teller.clone(), chance.clone()));
        hosts.insert(origin.to_owned(), Arc::clone(&host));
        host
    }

    /// Who wants to hear of circuit breakers from now on.
    pub(super) fn tell_turns(&self, turns: mpsc::Sender<Turned>) {
        self.teller.to(turns);
    }

    #[cfg(test)]
    fn number(&self) -> usize {
        self.named.lock().unwrap_or_else(PoisonError::into_inner).values().map(|named| named.hosts.len()).sum()
    }

    pub(super) fn states(&self) -> Vec<HostState> {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let mut states: Vec<HostState> = named.iter().map(|(whose, named)| named.state(whose)).collect();
        states.sort_by(|a, b| a.host.cmp(&b.host));
        states
    }
}

impl Named {
    fn state(&self, whose: &Whose) -> HostState {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Tally { paused, ill, rate, full } = &*self.tally;
        HostState {
            host: whose.to_string(),
            breaker_open: self.hosts.values().any(|host| host.is_open()),
            paused: self.hosts.values().filter_map(|host| host.pause_left()).max().unwrap_or_default(),
            held: [("paused", read(paused)), ("breaker", read(ill)), ("rate", read(rate)), ("full", read(full))],
        }
    }
}

/// Forgets what is at rest, and what is not if there is no end to it; never what is in use.
fn make_room(hosts: &mut HashMap<String, Arc<Host>>) {
    if hosts.len() >= MANY {
        hosts.retain(|_, host| Arc::strong_count(host) > 1 || !host.is_at_rest());
    }
    if hosts.len() >= TOO_MANY {
        hosts.retain(|_, host| Arc::strong_count(host) > 1);
    }
}

/// Scheme, host and port.
fn without_user(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}
