//! What is remembered between events: whole calls, vars, limits, clocks that run, schedules, our own acts, bots' turns.
//!
//! The dispatcher loads the values of keys ([`Journal::load`](crate::journal::Journal::load)), this room computes, and its
//! changes ([`StateChange`](crate::journal::StateChange)) are committed with the decision, all or nothing. The edge of a
//! single leg, presentity or phone is not kept here: that is [`Opened::resolve`](crate::event::Opened::resolve).
//!
//! The laws of the room:
//!
//! - *Pure.* No disk, no network, no clock, no chance. Time comes in as milliseconds since 1970: `now` is the gateway's
//!   clock and measures how long is waited; `time` is the event's own and measures what happened.
//! - *Every key begins with the account,* and no two things share one (`key`).
//! - *Stored text is never trusted.* Unknown or broken text is "nothing known", never a panic, and what was written reads
//!   back as it was.
//! - *Everything is bounded:* each file says how large its value can become. Texts are cut at [`spans::TEXT`] bytes.
//! - *When in doubt, count.* A limit, a hop or a turn is never counted too little.
//! - *An id that fires is never made twice:* it holds the due time, and the value that was stored with it decides whether
//!   a firing is still wanted.
//!
//! Not asked for by the engine yet is [`acts`] but for legs, which [`call`] knows of: what sets presences and phones comes later.
//!
//! All spans of time are in [`spans`].

pub mod acts;
pub mod call;
pub mod clocks;
mod key;
pub mod limits;
pub mod schedule;
pub mod skew;
pub mod spans;
mod stored;
pub mod talk;
mod timer;
pub mod vars;

pub use stored::Stored;
pub use timer::Timer;
