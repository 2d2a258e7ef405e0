//! Deterministic simulation: the daemon's own path from signed bytes to settled outcomes, on a clock that jumps from one
//! event to the next, with a far side, senders and a disk that misbehave as a seed says.
//!
//! [`world::run`] lives through one [`plan::Plan`] and [`invariants::check`] judges what it left behind. A run is the same
//! whenever its seed is the same, so that a failure is had again by its number. What is real: ingest, dispatch, rules,
//! actions, the CloudLink client. What is not: the wire ([`far`]), the disk (`journal::memory`), the senders
//! ([`sender`]), time. [`planted`] bugs prove that the invariants can fail.

mod books;
mod far;
mod faults;
mod invariants;
mod life;
mod plan;
mod planted;
mod rigged;
mod sender;
mod tests;
mod watched;
mod world;
