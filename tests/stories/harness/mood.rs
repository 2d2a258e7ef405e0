//! Moods of the far side: for which requests, how often, and what it does then.

use std::time::Duration;

use super::far::Far;

/// What a mood does to a request.
#[derive(Clone, Debug)]
pub(super) enum Then {
    /// Answers with a status and perhaps `Retry-After`.
    Answers(u16, Option<String>),
    /// Does not answer until [`Far::let_go`].
    Hangs,
}

/// For requests with this method to a path that contains `part`.
#[derive(Clone, Debug)]
pub(super) struct Mood {
    pub(super) method: String,
    pub(super) part: String,
    pub(super) times: usize,
    /// Whether what was asked for is done all the same.
    pub(super) done: bool,
    pub(super) then: Then,
}

/// A mood that is being described; it begins with its last word.
pub(crate) struct When<'a> {
    far: &'a Far,
    mood: Mood,
}

impl Far {
    /// A mood for requests with this method (empty: any) to a path that contains `part`, until [`Far::calm`].
    pub(crate) fn when(&self, method: &str, part: &str) -> When<'_> {
        let (method, part) = (method.to_owned(), part.to_owned());
        When { far: self, mood: Mood { method, part, times: usize::MAX, done: false, then: Then::Hangs } }
    }
}

impl When<'_> {
    /// Only so many times.
    pub(crate) fn times(mut self, times: usize) -> Self {
        self.mood.times = times;
        self
    }

    /// What is asked for is done; only the answer is not as it should be.
    pub(crate) fn though_done(mut self) -> Self {
        self.mood.done = true;
        self
    }

    /// Answers with this status.
    pub(crate) fn answers(mut self, status: u16) {
        self.mood.then = Then::Answers(status, None);
        self.far.feel(self.mood);
    }

    /// Answers with this status and asks to wait.
    pub(crate) fn answers_wait(mut self, status: u16, wait: Duration) {
        self.mood.then = Then::Answers(status, Some(wait.as_secs().to_string()));
        self.far.feel(self.mood);
    }

    /// Does not answer until [`Far::let_go`].
    pub(crate) fn hangs(self) {
        self.far.feel(self.mood);
    }
}
