//! What a seed decides: what happens in the world and when, how often the far side misbehaves, when the power goes.

use std::time::Duration;

use fastrand::Rng;

use super::far::Host;

/// The rules that are in force, and the same with two of them written otherwise, for reloads.
pub(super) const RULES: [&str; 2] = [include_str!("rules.toml"), include_str!("reloaded.toml")];

/// Something that happens at a time of its own.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Happening {
    /// A call rings at an endpoint.
    Ring(&'static str),
    /// Somebody writes into a conversation.
    Talk(u32),
    /// Somebody's presence changes.
    Presence(u32, &'static str),
    /// A notification with a wrong signature comes.
    Forged,
    /// The power goes, while a commit is under way; it may or may not have reached the disk. It comes back after a while.
    Crash { committed: bool },
    /// The daemon is told to stop and started again.
    Stop,
    /// The disk is full for so long.
    Full(Duration),
    /// CloudLink's token is revoked.
    Revoke,
    /// A host answers nobody for so long.
    Outage(Host, Duration),
    /// Other rules are put in force.
    Reload(usize),
}

/// When the power goes, seen from the far side's n-th request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trip {
    pub(super) request: usize,
    /// At its arrival, before it is carried out; else so long after its answer.
    pub(super) after: Option<Duration>,
    pub(super) committed: bool,
}

/// How often of a thousand requests the far side does this.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rates {
    /// Any of the faults, chosen evenly.
    pub(super) faults: u32,
    /// An answer that takes between one second and twelve.
    pub(super) slow: u32,
    /// A delivery that is made again although it was acknowledged.
    pub(super) duplicates: u32,
    /// A 200 of ours that does not reach the sender.
    pub(super) unheard: u32,
    /// A publication whose sender gives up after the first refusal.
    pub(super) given_up: u32,
}

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) happenings: Vec<(Duration, Happening)>,
    pub(super) trips: Vec<Trip>,
    pub(super) rates: Rates,
    /// How long a commit takes.
    pub(super) commit: Duration,
    /// How far the PBX's clock is ahead, in milliseconds.
    pub(super) skew: i64,
    /// From when on nothing breaks any more.
    pub(super) healed: Duration,
    /// How long after that everything must have come to its end.
    pub(super) patience: Duration,
}

impl Plan {
    /// A plan in which nothing happens and nothing breaks.
    pub(super) fn calm(seed: u64) -> Self {
        Self {
            seed,
            happenings: Vec::new(),
            trips: Vec::new(),
            rates: Rates::default(),
            commit: Duration::from_millis(2),
            skew: 0,
            healed: Duration::from_mins(3),
            patience: Duration::from_mins(30),
        }
    }

    /// What the seed says.
    pub(super) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut plan = Self::calm(seed);
        let span = [2_000, 20_000, 90_000][rng.usize(..3)];
        let weights = [rng.u32(0..4), rng.u32(0..4), rng.u32(0..3)];
        // A long life now and then, for what takes long to come about; most are short, so that there are more of them.
        let most = if seed.is_multiple_of(4) { 24 } else { 11 };
        for _ in 0..rng.usize(4..most) {
            let event = event(&mut rng, weights);
            plan.happenings.push((millis(&mut rng, span), event));
        }
        if rng.u32(..3) > 0 {
            plan.rates.faults = [50, 150, 400][rng.usize(..3)];
        }
        plan.rates.slow = [0, 0, 50][rng.usize(..3)];
        plan.rates.duplicates = [0, 100, 300][rng.usize(..3)];
        plan.rates.unheard = [0, 50][rng.usize(..2)];
        plan.rates.given_up = [0, 0, 300][rng.usize(..3)];
        plan.commit = Duration::from_millis(rng.u64(1..25));
        plan.skew = if rng.u32(..8) == 0 { rng.i64(-15_000..5_000) } else { 0 };
        for _ in 0..rng.usize(..3) {
            let trouble = trouble(&mut rng);
            plan.happenings.push((millis(&mut rng, span + 5_000), trouble));
        }
        for _ in 0..[0, 0, 1, 2][rng.usize(..4)] {
            let after = (rng.u32(..3) > 0).then(|| Duration::from_millis(rng.u64(..40)));
            plan.trips.push(Trip { request: rng.usize(..40), after, committed: rng.bool() });
        }
        plan.happenings.sort_by_key(|(at, _)| *at);
        let ends = plan.happenings.iter().map(|(at, happening)| match happening {
            Happening::Full(time) | Happening::Outage(_, time) => *at + *time,
            _ => *at + Duration::from_secs(40),
        });
        plan.healed = ends.max().unwrap_or_default();
        plan
    }
}

fn millis(rng: &mut Rng, most: u64) -> Duration {
    Duration::from_millis(rng.u64(..most))
}

fn event(rng: &mut Rng, [calls, chats, presences]: [u32; 3]) -> Happening {
    let all = calls + chats + presences + 1;
    let drawn = rng.u32(..all);
    if drawn < calls {
        Happening::Ring(["3001", "3001", "3002", "2001"][rng.usize(..4)])
    } else if drawn < calls + chats {
        Happening::Talk(rng.u32(..3))
    } else if drawn < calls + chats + presences {
        Happening::Presence(rng.u32(..2), ["Available", "Busy", "Away"][rng.usize(..3)])
    } else if rng.u32(..4) == 0 {
        Happening::Forged
    } else {
        Happening::Talk(rng.u32(..2))
    }
}

fn trouble(rng: &mut Rng) -> Happening {
    match rng.u32(..10) {
        0..=2 => Happening::Crash { committed: rng.bool() },
        3 | 4 => Happening::Stop,
        5 => Happening::Full(millis(rng, 20_000)),
        6 => Happening::Revoke,
        7 | 8 => {
            Happening::Outage([Host::Media, Host::Chat, Host::Crm, Host::Auth][rng.usize(..4)], millis(rng, 80_000))
        }
        _ => Happening::Reload(rng.usize(..2)),
    }
}
