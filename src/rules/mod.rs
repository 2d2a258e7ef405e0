//! Rules: matching, gates, plan. Pure, no I/O.

use std::path::PathBuf;

/// The settled `[rules]`.
#[derive(Clone, Debug)]
pub struct Options {
    /// A folder (every `*.toml` below it, in path order) or one file.
    pub path: PathBuf,
    /// Reload when a file changes.
    pub watch: bool,
    /// Plan and record, never act.
    pub dry_run: bool,
}

pub mod request;
