//! The simulator's background tasks: one door to start them, one way to end them all.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long the end waits for tasks that were told to stop.
const PATIENCE: Duration = Duration::from_secs(5);

/// All tasks of one simulator; they end together.
#[derive(Clone, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Runs `work` until it is done or the simulator stops.
    #[expect(clippy::disallowed_methods, reason = "this is the simulator's door to tasks; it shares none with us")]
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Tells all tasks to stop without waiting for them.
    pub(crate) fn cancel(&self) {
        self.stop.cancel();
    }

    /// Stops all tasks and waits for their end.
    pub(crate) async fn finish(&self) {
        self.cancel();
        self.tracker.close();
        if tokio::time::timeout(PATIENCE, self.tracker.wait()).await.is_err() {
            tracing::warn!(target: "simulator", "some tasks did not stop in time");
        }
    }
}
