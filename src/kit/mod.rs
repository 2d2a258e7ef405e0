//! Domain-free parts: the clock, randomness, back-off, secrets, the door through which tasks are started.
//!
//! Nothing of Switchhook's own is imported here, and nothing here knows what a call or a publication is. The other
//! rooms read time, randomness and the environment only through this one, so that a test or a simulation can hand
//! them others.

pub mod backoff;
pub mod chance;
pub mod clock;
pub mod listener;
pub mod secret;
pub mod supervisor;
