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
    /// Answers as it should, after a while.
    Dawdles(Duration),
    /// Resets the connection without an answer.
    Resets,
    /// Answers 200 with what is no JSON, though it says so.
    Garbles,
    /// Begins an answer of 200 and resets the connection in its middle.
    BreaksOff,
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
    /// Only one of so many requests that fit, drawn by the dice.
    pub(super) one_in: usize,
    pub(super) dice: fastrand::Rng,
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
        let dice = fastrand::Rng::with_seed(0);
        let mood = Mood { method, part, times: usize::MAX, done: false, then: Then::Hangs, one_in: 1, dice };
        When { far: self, mood }
    }
}

impl When<'_> {
    /// Only so many times.
    pub(crate) fn times(mut self, times: usize) -> Self {
        self.mood.times = times;
        self
    }

    /// Only one of so many, the same ones for the same seed.
    pub(crate) fn one_in(mut self, number: usize, seed: u64) -> Self {
        self.mood.one_in = number;
        self.mood.dice = fastrand::Rng::with_seed(seed);
        self
    }

    /// What is asked for is done; only the answer is not as it should be.
    pub(crate) fn though_done(mut self) -> Self {
        self.mood.done = true;
        self
    }

    /// Answers with this status.
    pub(crate) fn answers(self, status: u16) {
        self.then(Then::Answers(status, None));
    }

    /// Answers with this status and asks to wait.
    pub(crate) fn answers_wait(self, status: u16, wait: Duration) {
        self.then(Then::Answers(status, Some(wait.as_secs().to_string())));
    }

    /// Does not answer until [`Far::let_go`].
    pub(crate) fn hangs(self) {
        self.then(Then::Hangs);
    }

    /// Answers as it should, after a while.
    pub(crate) fn dawdles(self, by: Duration) {
        self.then(Then::Dawdles(by));
    }

    /// Resets the connection without an answer.
    pub(crate) fn resets(self) {
        self.then(Then::Resets);
    }

    /// Answers 200 with what is no JSON, though it says so.
    pub(crate) fn garbles(self) {
        self.then(Then::Garbles);
    }

    /// Begins an answer of 200 and resets the connection in its middle.
    pub(crate) fn breaks_off(self) {
        self.then(Then::BreaksOff);
    }

    fn then(mut self, then: Then) {
        self.mood.then = then;
        self.far.feel(self.mood);
    }
}
