//! The one door through which tasks are started.
//!
//! Every task has a name and a policy. When a task that is meant to live as long as the process ends by itself,
//! whether by return or by panic, the supervisor says so once and the process ends with an error: a daemon with a dead
//! part must not look alive.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts tasks and hears of their end.
#[derive(Clone, Debug)]
pub struct Supervisor {
    tracker: TaskTracker,
    /// Cancelled when the process is asked to end: finish what runs, take nothing new.
    pub stop: CancellationToken,
    died: mpsc::Sender<Died>,
}

/// A task that should have lived has ended.
#[derive(Debug)]
pub struct Died {
    /// The task's name.
    pub task: Arc<str>,
    /// How it ended.
    pub why: String,
}

impl Supervisor {
    /// A supervisor and the place where it reports deaths.
    pub fn new() -> (Self, mpsc::Receiver<Died>) {
        let (died, deaths) = mpsc::channel(16);
        (Self { tracker: TaskTracker::new(), stop: CancellationToken::new(), died }, deaths)
    }

    /// Starts a task that lives as long as the process: it may end only after [`Supervisor::stop`] is cancelled.
    pub fn vital(&self, name: &str, task: impl Future<Output = ()> + Send + 'static) {
        let (name, died, stop): (Arc<str>, _, _) = (name.into(), self.died.clone(), self.stop.clone());
        let run = self.spawn(task);
        self.spawn(async move {
            let why = match run.await {
                Ok(()) if stop.is_cancelled() => return,
                Ok(()) => "it ended by itself".to_owned(),
                Err(error) => error.to_string(),
            };
            // A full queue means that other deaths were reported: one is enough to end the process.
            let _ = died.try_send(Died { task: name, why });
        });
    }

    /// Starts a piece of work that ends when it is done; its panic is its caller's to see through the handle.
    #[expect(clippy::disallowed_methods, reason = "the one place that starts tasks")]
    pub fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.tracker.spawn(task)
    }

    /// Waits until every task has ended. Call it after cancelling `stop`.
    pub async fn drained(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tells_of_a_panic_and_of_an_early_end() {
        let (supervisor, mut deaths) = Supervisor::new();
        supervisor.vital("panics", async { panic!("planted") });
        assert_eq!(&*deaths.recv().await.unwrap().task, "panics");
        supervisor.vital("returns", async {});
        assert_eq!(&*deaths.recv().await.unwrap().task, "returns");
    }

    #[tokio::test]
    async fn is_quiet_after_stop() {
        let (supervisor, mut deaths) = Supervisor::new();
        let stop = supervisor.stop.clone();
        supervisor.vital("obeys", async move { stop.cancelled().await });
        supervisor.stop.cancel();
        supervisor.drained().await;
        assert!(deaths.try_recv().is_err());
    }
}
