//! Switchhook, a gateway daemon for Mitel CloudLink: it verifies notifications, matches them against rules, and acts.
//!
//! The path of a notification, each room handing one proven type to the next:
//!
//! ```text
//! ingest ──► event ──► journal ──► dispatch ──► rules ──► actions
//! Verified   Publication  Claim      runs        Plan      Outcome ──► record ──► journal
//! ```
//! What the path asks: [`language`], [`hours`], [`tables`], [`numbers`], [`memory`] (what is remembered between events), [`cloudlink`], [`settings`],
//! [`kit`]. Its faces: [`cli`], [`daemon`] (which wires), [`api`], [`telemetry`], [`doctor`]. `docs/architecture.md` follows one call through all of them.

pub mod actions;
pub mod api;
pub mod cli;
pub mod cloudlink;
pub mod daemon;
pub mod directory;
pub mod dispatch;
pub mod doctor;
pub mod event;
pub mod hours;
pub mod ingest;
pub mod journal;
pub mod kit;
pub mod language;
pub mod memory;
pub mod numbers;
pub mod record;
pub mod rules;
pub mod settings;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod tables;
pub mod telemetry;
