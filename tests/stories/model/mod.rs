//! The model of the engine: admission, commit, act, settle, crash, redelivery, checked in every interleaving.
//!
//! Read it as the specification, in this order: [`guard`] names the rules of the design, [`state`] what the world
//! consists of, [`engine`] what can happen (the store, crash, stop), [`turns`] what a publication goes through,
//! [`laws`] what must hold, [`checks`] that it holds, and that each rule is needed: without it a law is broken.
//! [`replay`] runs histories of the model's store against the real journals.
//!
//! What is left out: take-over by another gateway (there is only the embedded engine), runs of several steps, several
//! rules on one publication, timers, limits, and retention. A request that was given up takes effect before anything
//! else happens to its publication, or never: what a far side does minutes later no gateway can know.
//!
//! The model knows nothing of the code and the code nothing of the model. Who changes the engine changes both.

mod checks;
mod engine;
mod guard;
mod laws;
mod replay;
mod state;
mod turns;
