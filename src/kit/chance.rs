//! Randomness, handed to whoever needs it: seeded by the system in the daemon, by a number in a test.

use std::sync::{Arc, Mutex, PoisonError};

/// A shared source of random numbers. Good for jitter and ids, never for keys.
#[derive(Clone, Debug)]
pub struct Chance(Arc<Mutex<fastrand::Rng>>);

impl Chance {
    /// Seeded by the system.
    #[expect(clippy::disallowed_methods, reason = "the one place that takes a seed from the system")]
    pub fn system() -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::new())))
    }

    /// The same numbers for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))))
    }

    /// A number in `[0, 1)`.
    pub fn fraction(&self) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).f64()
    }

    /// Sixty-four random bits.
    pub fn bits(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).u64(..)
    }

    /// A random (version 4) UUID as text.
    pub fn uuid(&self) -> String {
        uuid::Builder::from_random_bytes((u128::from(self.bits()) << 64 | u128::from(self.bits())).to_be_bytes())
            .into_uuid()
            .to_string()
    }
}
