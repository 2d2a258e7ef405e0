//! Switchhook, a gateway daemon for Mitel CloudLink.
pub mod actions;
pub mod api;
pub mod cli;
pub mod cloudlink;
pub mod daemon;
pub mod dispatch;
pub mod event;
pub mod hours;
pub mod ingest;
pub mod journal;
pub mod kit;
pub mod language;
pub mod record;
pub mod rules;
pub mod settings;
pub mod telemetry;
