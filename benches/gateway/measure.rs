//! One round of one program: start it, warm it up, both loops, and the check that nothing is missing or twice.
use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::calls::Calls;
use crate::figures::{Closed, Figures, Open, Used};
use crate::load::{Load, Sent};
use crate::machine::{busy_seconds, cpu_seconds, memory_mb};
use crate::options::Options;
use crate::subject::{Running, Subject, said};
use crate::upstream::{Book, Upstream};

/// Where the programs keep what they keep: below the target folder, which is on a disk where /tmp may not be.
pub(crate) fn folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// Calls that are sent before anything is measured.
const WARM_UP: usize = 1000;
/// Calls that are signed for each second of the closed loop; who is faster is stopped by the end of them.
const PER_SECOND: f64 = 60_000.0;
/// 1.2 KB of memory each.
const AT_MOST: f64 = 300_000.0;
/// How long nothing may happen before what is missing counts as missing.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait for a redirect that should not come.
const SETTLE: Duration = Duration::from_millis(300);

struct Round<'round> {
    load: Load<'round>,
    book: &'round Book,
    running: Running,
}

pub(crate) fn round(subject: Subject, options: &Options) -> Figures {
    let closed = (options.seconds * PER_SECOND).min(AT_MOST) as usize;
    let open = (options.seconds * options.rate) as usize;
    let calls = Calls::sign(WARM_UP + closed + open);
    let (warm, closed) = (0..WARM_UP, WARM_UP..WARM_UP + closed);
    let open = closed.end..closed.end + open;

    let origin = Instant::now();
    let book = Arc::new(Book::new(origin, open.end));
    let upstream = Upstream::start(Arc::clone(&book));
    let mut folder = tempfile::Builder::new().prefix("gateway-").tempdir_in(folder()).expect("a folder below target");
    let running = Running::start(subject, options, folder.path(), upstream.address);
    std::thread::sleep(SETTLE);
    let mut figures = Figures {
        body_bytes: calls.body_length,
        start_ms: running.start.as_secs_f64() * 1e3,
        idle_mb: memory_mb(running.process(), "VmRSS"),
        ..Figures::default()
    };

    let sent = RefCell::new(vec![Sent::default(); open.end]);
    let load = Load { to: running.address, calls: &calls, origin, sent };
    let mut round = Round { load, book: &book, running };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(round.play(&mut figures, options, warm, closed, open));

    figures.peak_mb = memory_mb(round.running.process(), "VmHWM");
    figures.broken.died = !round.running.lives();
    if !figures.broken.is_none() {
        eprintln!("kept for a look: {}; it said:\n{}", folder.path().display(), said(folder.path()));
        folder.disable_cleanup(true);
    }
    figures
}

impl Round<'_> {
    async fn play(
        &mut self,
        figures: &mut Figures,
        options: &Options,
        warm: Range<usize>,
        closed: Range<usize>,
        open: Range<usize>,
    ) {
        let warm = self.load.closed(warm, options.connections, PATIENCE).await;
        self.all_acted(warm.clone()).await;
        sleep(SETTLE).await;

        let before = self.used();
        let time = Duration::from_secs_f64(options.seconds);
        let closed = self.load.closed(closed, options.connections, time).await;
        self.all_acted(closed.clone()).await;
        let closed_used = self.used_since(&before, &closed);
        sleep(SETTLE).await;

        let before = self.used();
        self.load.open(open.clone(), options.rate).await;
        self.all_acted(open.clone()).await;
        let open_used = self.used_since(&before, &open);
        sleep(SETTLE).await;

        let sent = self.load.sent.borrow();
        figures.closed = Closed::new(&sent, self.book, closed.clone(), closed_used);
        figures.open = Open::new(&sent, self.book, open.clone(), open_used);
        figures.check(&sent, self.book, &[warm, closed, open]);
    }

    /// Until every call that was accepted is redirected, or nothing happens any more.
    async fn all_acted(&mut self, mut range: Range<usize>) {
        let mut last = Instant::now();
        while last.elapsed() < PATIENCE && self.running.lives() {
            let done =
                |number: &usize| !self.load.sent.borrow()[*number].accepted() || self.book.arrived(*number).is_some();
            let passed = range.clone().take_while(done).count();
            if passed > 0 {
                last = Instant::now();
            }
            range.start += passed;
            if range.is_empty() {
                return;
            }
            sleep(Duration::from_millis(2)).await;
        }
    }

    fn used(&self) -> Used {
        Used {
            subject: cpu_seconds(self.running.process()),
            bench: cpu_seconds(std::process::id()),
            machine: busy_seconds(),
            wall: self.load.origin.elapsed().as_secs_f64(),
            events: 0,
        }
    }

    fn used_since(&self, before: &Used, range: &Range<usize>) -> Used {
        let now = self.used();
        let sent = self.load.sent.borrow();
        Used {
            subject: now.subject - before.subject,
            bench: now.bench - before.bench,
            machine: now.machine - before.machine,
            wall: now.wall - before.wall,
            events: sent[range.clone()].iter().filter(|sent| sent.accepted()).count(),
        }
    }
}
