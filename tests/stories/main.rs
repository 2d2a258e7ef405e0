//! Stories told through the front door: the binary is started, requests are sent, the world is looked at. One binary,
//! one module a subject.

#![expect(clippy::unwrap_used, reason = "in a story a surprise is a failure")]

mod edges;
mod simulator;
