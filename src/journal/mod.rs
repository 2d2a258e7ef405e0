//! placeholder

use std::path::PathBuf;
use std::time::Duration;

/// The settled `[journal]`.
#[derive(Clone, Debug)]
pub struct Options {
    /// The state folder.
    pub path: PathBuf,
    /// How long publications and outcomes are kept.
    pub retain: Duration,
    /// The largest size of the store in bytes.
    pub max_size: u64,
}
