//! The command line; its hidden part is how the bench starts its own forwarders as processes.
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

use crate::forward::Client;
use crate::subject::Subject;

#[derive(Parser)]
#[command(about = "Switchhook next to a bare forwarder: accept throughput, acted/s, ring-to-redirect")]
pub(crate) struct Options {
    /// Seconds of each of the two loops, per program and round
    #[arg(long, default_value_t = 2.0)]
    pub(crate) seconds: f64,
    /// Connections of the closed loop
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: usize,
    /// Events per second of the open loop
    #[arg(long, default_value_t = 500.0)]
    pub(crate) rate: f64,
    /// How often each program is measured, in turns; its best round counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Only these, e.g. --only A --only C
    #[arg(long, value_enum, ignore_case = true)]
    only: Vec<Subject>,
    /// By what A and B reach CloudLink
    #[arg(long, value_enum, default_value = "hyper")]
    pub(crate) client: Client,
    /// Print the figures as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Another switchhook than the one built with this bench
    #[arg(long, default_value = env!("CARGO_BIN_EXE_switchhook"))]
    pub(crate) binary: PathBuf,
    /// A state folder that C starts on, copied for each round (say, with five million ids in it)
    #[arg(long)]
    pub(crate) state: Option<PathBuf>,

    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
    /// Be one of the bare forwarders
    #[arg(long, hide = true)]
    pub(crate) serve: Option<Subject>,
    #[arg(long, hide = true, default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    #[arg(long, hide = true, default_value = "127.0.0.1:0")]
    pub(crate) upstream: SocketAddr,
    #[arg(long, hide = true, default_value = "kept")]
    pub(crate) log: PathBuf,
}

impl Options {
    pub(crate) fn subjects(&self) -> impl Iterator<Item = Subject> {
        Subject::ALL.into_iter().filter(|subject| self.only.is_empty() || self.only.contains(subject))
    }
}
