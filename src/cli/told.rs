//! The end of a command that asks something of CloudLink: it obeys a signal, but not between a refresh token that is spent
//! and the one that takes its place on the disk.

use std::io;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::complain;

/// Does some work until it is done or a signal comes, then what must be done in any case. Another signal ends that, too.
/// The exit code after a signal is 128 and its number, as shells have it.
pub(super) async fn or_told_to_end(work: impl Future<Output = ExitCode>, last: impl Future<Output = ()>) -> ExitCode {
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => {
            complain(&format!("signals can't be heard: {error}"));
            return ExitCode::from(70);
        }
    };
    let (code, told) = tokio::select! {
        biased;
        code = work => (code, false),
        code = signals.told() => (code, true),
    };
    tokio::select! {
        biased;
        () = last => code,
        again = signals.told() => if told { code } else { again },
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The exit code for the next one.
    async fn told(&mut self) -> ExitCode {
        let kind = tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.hang_up.recv() => SignalKind::hangup(),
        };
        ExitCode::from(u8::try_from(128 + kind.as_raw_value()).unwrap_or(u8::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_must_be_done_is_done_after_the_work() {
        let (worked, done) = (AtomicBool::new(false), AtomicBool::new(false));
        let work = async {
            worked.store(true, Ordering::Relaxed);
            ExitCode::from(7)
        };
        let last = async {
            assert!(worked.load(Ordering::Relaxed));
            tokio::task::yield_now().await;
            done.store(true, Ordering::Relaxed);
        };
        assert_eq!(or_told_to_end(work, last).await, ExitCode::from(7));
        assert!(done.load(Ordering::Relaxed));
    }
}
