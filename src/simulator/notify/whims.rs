//! Whims of the courier: which deliveries come twice and which are held back until later ones have passed. The courier
//! asks for each parcel; only the control API sets.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// Whims that may be set at a time.
const MOST: usize = 100;

/// What is done to deliveries whose subject contains a text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Whim {
    /// Part of the subject; an empty text fits every delivery.
    pub(crate) subject_contains: String,
    /// This share, 0 to 1, comes once more after it was taken: the same bytes, the same publicationId.
    pub(crate) duplicates: f64,
    /// This share, 0 to 1, is held back and overtaken.
    pub(crate) reorder: f64,
    /// By so many deliveries.
    pub(crate) behind: u64,
    /// But no longer than so many milliseconds.
    pub(crate) hold_ms: u64,
    /// With the same seed the same of the deliveries that fit are hit.
    pub(crate) seed: u64,
}

impl Default for Whim {
    fn default() -> Self {
        Self { subject_contains: String::new(), duplicates: 0.0, reorder: 0.0, behind: 1, hold_ms: 1000, seed: 0 }
    }
}

impl Whim {
    /// Why it makes no sense, if so.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let share = |share: f64| (0.0..=1.0).contains(&share);
        if !share(self.duplicates) || !share(self.reorder) {
            return Some("duplicates and reorder should be shares, 0 to 1");
        }
        (self.behind == 0).then_some("behind should be at least 1")
    }
}

/// What is to be done to one parcel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Fate {
    /// Sent again after it was taken.
    pub(super) twice: bool,
    /// Held back until so many others were taken, for at most so many milliseconds.
    pub(super) held: Option<(u64, u64)>,
}

/// All whims that are set; the first that fits a delivery decides alone.
#[derive(Default)]
pub(super) struct Whims {
    set: Mutex<Vec<(Whim, fastrand::Rng)>>,
}

impl Whims {
    fn set(&self) -> MutexGuard<'_, Vec<(Whim, fastrand::Rng)>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one; false if there are too many.
    pub(super) fn add(&self, whim: Whim) -> bool {
        let mut set = self.set();
        let room = set.len() < MOST;
        if room {
            let dice = fastrand::Rng::with_seed(whim.seed);
            set.push((whim, dice));
        }
        room
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Whim> {
        self.set().iter().map(|(whim, _)| whim.clone()).collect()
    }

    /// None any more.
    pub(super) fn clear(&self) {
        self.set().clear();
    }

    /// What is to be done to a parcel with this subject. Draws twice, whatever comes of it.
    pub(super) fn draw(&self, subject: &str) -> Fate {
        let mut set = self.set();
        let Some((whim, dice)) = set.iter_mut().find(|(whim, _)| subject.contains(&whim.subject_contains)) else {
            return Fate::default();
        };
        let (twice, held) = (dice.f64() < whim.duplicates, dice.f64() < whim.reorder);
        Fate { twice, held: held.then_some((whim.behind, whim.hold_ms)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_and_other_subjects_are_left_alone() {
        let run = |seed| {
            let whims = Whims::default();
            let whim =
                Whim { subject_contains: "/calls/".to_owned(), duplicates: 0.3, reorder: 0.3, seed, ..Whim::default() };
            whims.add(whim);
            assert_eq!(whims.draw("/conversations/1"), Fate::default());
            (0..100).map(|_| whims.draw("/calls/1")).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert!(run(1).iter().any(|fate| fate.twice) && run(1).iter().any(|fate| fate.held == Some((1, 1000))));
        assert_ne!(run(1), run(2));
    }
}
