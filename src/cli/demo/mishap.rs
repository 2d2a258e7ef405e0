//! Why a story did not end as it was told.

use std::fmt::Display;

/// Either the world went another way, or a part of the demo itself did not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum Mishap {
    /// Something else happened.
    #[error("expected  {expected}\nseen      {seen}")]
    Otherwise {
        /// What the story tells.
        expected: String,
        /// What was there instead.
        seen: String,
    },
    /// A process did not start, or does not answer.
    #[error("{what}\n{why}")]
    Broken {
        /// Which part, and what it should have done.
        what: String,
        /// What it said.
        why: String,
    },
}

impl Mishap {
    /// The world went another way.
    pub(super) fn otherwise(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::Otherwise { expected: expected.into(), seen: seen.into() }
    }

    /// A part failed; for `map_err`.
    pub(super) fn broken<E: Display>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |why| Self::Broken { what, why: why.to_string() }
    }
}
