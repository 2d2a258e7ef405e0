//! What every story needs: a daemon of its own in a folder of its own ([`World`]), a CloudLink with state and moods
//! ([`Far`]), and what CloudLink would send ([`letters`]). It signs by itself, so that it can catch the daemon's mistakes.

mod browser;
pub(crate) mod command;
mod daemon;
mod far;
pub(crate) mod leaks;
pub(crate) mod letters;
mod mood;
mod plain;
mod talk;
mod world;

use std::time::{Duration, Instant};

pub(crate) use browser::Browser;
pub(crate) use daemon::{Answer, Daemon, PROGRAM};
pub(crate) use far::{Far, Seen};
pub(crate) use plain::Plain;
pub(crate) use talk::Talk;
pub(crate) use world::{APPLICATION, CLIENT_SECRET, World, port};

/// How long a story waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// Waits until there is something, or fails with the words.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
