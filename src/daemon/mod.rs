//! Assembling the rooms into a running daemon, its life from start to stop, reload.
//!
//! Nothing is decided here about publications: [`desk`] hands each room's result to the next.

mod account;
mod breakers;
pub(crate) mod desk;
mod desks;
mod faces;
mod lifecycle;
mod lookout;
mod operator;
pub(crate) mod rehearsal;
mod reload;
pub(crate) mod schedules;
mod site;
mod source;
pub(crate) mod told;
#[cfg(test)]
mod trials;

use std::path::PathBuf;
use std::process::ExitCode;

pub(crate) use account::dialling;
pub use lifecycle::run;
pub(crate) use reload::compile;
pub(crate) use source::Far;

use crate::journal::embedded::OpenError;
use crate::kit::listener::ListenError;
use crate::language::diagnostic::Report;
use crate::settings::Problems;

/// How `run` is asked for.
#[derive(Clone, Debug)]
pub struct Start {
    /// A settings file or the folder with `switchhook.toml`.
    pub config: PathBuf,
    /// How many seconds the daemon's clock is ahead of the machine's: for demonstrations.
    pub clock_offset: i64,
}

/// Why the daemon ended with an error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings don't hold together.
    #[error("{0}")]
    Settings(Problems),
    /// The rules don't hold together.
    #[error("the rules do not hold together:\n{}", .0.render(false))]
    Rules(Box<Report>),
    /// The journal can't be opened.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// A listener can't be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A part of the daemon can't be made.
    #[error("{what} can't be set up: {why}")]
    SetUp {
        /// The part.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A part that must live has died.
    #[error("the task `{task}` died: {why}; the process ends so that it is started anew")]
    Died {
        /// Its name.
        task: String,
        /// How it ended.
        why: String,
    },
}

impl Error {
    /// The exit code, as documented.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Rules(_) => 1,
            Self::Settings(_) => 2,
            Self::Journal(_) | Self::Listen(_) | Self::SetUp { .. } => 3,
            Self::Died { .. } => 70,
        })
    }
}
