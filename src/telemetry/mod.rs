//! What operators watch: the log's set-up and the metrics. Counted here, decided elsewhere; never a secret.

pub mod log;
mod metrics;

pub use metrics::{Metrics, Refused};
