//! What is remembered between events: pure, typed, over the journal's state.

pub mod skew;
