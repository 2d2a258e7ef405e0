//! What the rounds say together, and the ratios that count; `--json` prints it as it is.
use serde::Serialize;

use crate::figures::{self, Broken, Figures, Latencies, Used, ratio};
use crate::forward::Client;
use crate::machine::{file_system, sync_micros};
use crate::measure::folder;
use crate::options::Options;
use crate::subject::Subject;

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) seconds: f64,
    pub(crate) rounds: u32,
    pub(crate) connections: usize,
    pub(crate) rate: f64,
    /// By what A and B reach CloudLink.
    pub(crate) client: Client,
    pub(crate) cores: usize,
    pub(crate) file_system: String,
    /// A lone write of 4 KB, made durable.
    pub(crate) fdatasync_us: f64,
    pub(crate) programs: Vec<Program>,
    pub(crate) ratios: Vec<Ratio>,
}

#[derive(Serialize)]
pub(crate) struct Program {
    pub(crate) subject: Subject,
    pub(crate) body_bytes: usize,
    pub(crate) start_ms: f64,
    pub(crate) idle_mb: f64,
    pub(crate) peak_mb: f64,
    pub(crate) refused: usize,
    pub(crate) broken: Broken,
    pub(crate) closed: Closed,
    pub(crate) open: Open,
}

/// The round that acted on the most events a second.
#[derive(Serialize)]
pub(crate) struct Closed {
    pub(crate) events: usize,
    pub(crate) accepted_per_s: f64,
    pub(crate) acted_per_s: f64,
    pub(crate) acted_per_s_by_round: Vec<f64>,
    pub(crate) accept_ms: Parts,
    pub(crate) cpu: Cpu,
}

/// The round with the shortest p50 from ring to redirect.
#[derive(Serialize)]
pub(crate) struct Open {
    pub(crate) ring_to_redirect_ms: Parts,
    pub(crate) p50_by_round: Vec<f64>,
    pub(crate) accept_ms: Parts,
    pub(crate) cpu: Cpu,
}

#[derive(Serialize)]
pub(crate) struct Parts {
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

#[derive(Serialize)]
pub(crate) struct Cpu {
    pub(crate) us_per_event: f64,
    /// Of the load generator and the upstream, for each event.
    pub(crate) bench_us_per_event: f64,
    /// Cores that were busy, on average, while events passed: by the program, by the bench, by anything else.
    pub(crate) cores: f64,
    pub(crate) bench_cores: f64,
    pub(crate) other_cores: f64,
}

#[derive(Serialize)]
pub(crate) struct Ratio {
    pub(crate) of: &'static str,
    pub(crate) is: f64,
    pub(crate) goal: Option<String>,
    pub(crate) met: Option<bool>,
}

impl Report {
    pub(crate) fn new(options: &Options, measured: Vec<(Subject, Vec<Figures>)>) -> Self {
        let programs: Vec<Program> =
            measured.into_iter().map(|(subject, rounds)| Program::new(subject, &rounds)).collect();
        Self {
            seconds: options.seconds,
            rounds: options.rounds,
            connections: options.connections,
            rate: options.rate,
            client: options.client,
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            file_system: file_system(folder()),
            fdatasync_us: sync_micros(folder()),
            ratios: ratios(&programs),
            programs,
        }
    }

    pub(crate) fn every_call_once(&self) -> bool {
        self.programs.iter().all(|program| program.broken.is_none())
    }

    pub(crate) fn print_json(&self) {
        println!("{}", serde_json::to_string_pretty(self).expect("plain figures"));
    }
}

impl Program {
    fn new(subject: Subject, rounds: &[Figures]) -> Self {
        let mut starts: Vec<f64> = rounds.iter().map(|round| round.start_ms).collect();
        starts.sort_unstable_by(f64::total_cmp);
        let mut broken = Broken::default();
        for round in rounds {
            broken.add(&round.broken);
        }
        Self {
            subject,
            body_bytes: rounds[0].body_bytes,
            start_ms: starts[starts.len() / 2],
            idle_mb: rounds.iter().map(|round| round.idle_mb).fold(0.0, f64::max),
            peak_mb: rounds.iter().map(|round| round.peak_mb).fold(0.0, f64::max),
            refused: rounds.iter().map(|round| round.refused).sum(),
            broken,
            closed: Closed::new(rounds),
            open: Open::new(rounds),
        }
    }
}

impl Closed {
    fn new(rounds: &[Figures]) -> Self {
        let rate = |round: &Figures| round.closed.acted_per_second();
        let best = rounds.iter().max_by(|a, b| rate(a).total_cmp(&rate(b))).expect("at least one round");
        let best: &figures::Closed = &best.closed;
        Self {
            events: best.accepted,
            accepted_per_s: best.accepted_per_second(),
            acted_per_s: best.acted_per_second(),
            acted_per_s_by_round: rounds.iter().map(rate).collect(),
            accept_ms: Parts::new(&best.accept),
            cpu: Cpu::new(&best.used),
        }
    }
}

impl Open {
    fn new(rounds: &[Figures]) -> Self {
        let p50 = |round: &Figures| round.open.ring_to_redirect.at(0.5);
        let best = rounds.iter().min_by(|a, b| p50(a).total_cmp(&p50(b))).expect("at least one round");
        let best: &figures::Open = &best.open;
        Self {
            ring_to_redirect_ms: Parts::new(&best.ring_to_redirect),
            p50_by_round: rounds.iter().map(p50).collect(),
            accept_ms: Parts::new(&best.accept),
            cpu: Cpu::new(&best.used),
        }
    }
}

impl Parts {
    fn new(latencies: &Latencies) -> Self {
        Self { p50: latencies.at(0.5), p90: latencies.at(0.9), p99: latencies.at(0.99), max: latencies.at(1.0) }
    }
}

impl Cpu {
    fn new(used: &Used) -> Self {
        let events = used.events as f64;
        Self {
            us_per_event: ratio(used.subject * 1e6, events),
            bench_us_per_event: ratio(used.bench * 1e6, events),
            cores: ratio(used.subject, used.wall),
            bench_cores: ratio(used.bench, used.wall),
            other_cores: ratio((used.machine - used.subject - used.bench).max(0.0), used.wall),
        }
    }
}

/// Switchhook against the others, as far as they ran.
fn ratios(programs: &[Program]) -> Vec<Ratio> {
    let find = |subject| programs.iter().find(|program| program.subject == subject);
    let Some(gateway) = find(Subject::Switchhook) else { return Vec::new() };
    let plain = |of, is| Ratio { of, is, goal: None, met: None };
    let least = |of, is, goal: f64| Ratio { of, is, goal: Some(format!("goal >= {goal}")), met: Some(is >= goal) };
    let most = |of, is, goal: f64| Ratio { of, is, goal: Some(format!("goal <= {goal}")), met: Some(is <= goal) };
    let ring = &gateway.open.ring_to_redirect_ms;
    let mut ratios = Vec::new();
    if let Some(durable) = find(Subject::Durable) {
        let base = &durable.open.ring_to_redirect_ms;
        ratios.push(least("C/A acted/s", ratio(gateway.closed.acted_per_s, durable.closed.acted_per_s), 0.5));
        let accepted = ratio(gateway.closed.accepted_per_s, durable.closed.accepted_per_s);
        ratios.push(plain("C/A accepted/s", accepted));
        ratios.push(plain("C/A ring to redirect p50", ratio(ring.p50, base.p50)));
        ratios.push(most("C/A ring to redirect p99", ratio(ring.p99, base.p99), 2.0));
    }
    if let Some(keepless) = find(Subject::Keepless) {
        ratios.push(most("C/B ring to redirect p50", ratio(ring.p50, keepless.open.ring_to_redirect_ms.p50), 1.5));
    }
    ratios
}
