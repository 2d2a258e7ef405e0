//! The two loads. Closed: so many connections, each sends its next call when the last was answered. Open: calls start at
//! a fixed rate, whatever became of those before.
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::calls::Calls;
use crate::wire::Connection;

/// How long a connection pauses after anything but a 200, so that refusals are not what is measured.
const AFTER_REFUSAL: Duration = Duration::from_millis(10);

/// What became of one call on the sender's side; times are nanoseconds since the round's origin.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sent {
    pub(crate) at: u64,
    pub(crate) answered: u64,
    /// 0: no answer came.
    pub(crate) status: u16,
}

impl Sent {
    pub(crate) fn accepted(&self) -> bool {
        self.status == 200
    }
}

pub(crate) struct Load<'round> {
    pub(crate) to: SocketAddr,
    pub(crate) calls: &'round Calls,
    pub(crate) origin: Instant,
    pub(crate) sent: RefCell<Vec<Sent>>,
}

impl Load<'_> {
    /// Sends calls from `range` until time is up or none is left; returns those that were sent.
    pub(crate) async fn closed(&self, range: Range<usize>, connections: usize, time: Duration) -> Range<usize> {
        let next = Cell::new(range.start);
        let end = Instant::now() + time;
        join_all((0..connections).map(|_| async {
            let mut connection = None;
            while Instant::now() < end && next.get() < range.end {
                let number = next.replace(next.get() + 1);
                if !self.send(number, &mut connection).await {
                    sleep(AFTER_REFUSAL).await;
                }
            }
        }))
        .await;
        range.start..next.get()
    }

    /// Sends all of `range`, `rate` calls a second.
    pub(crate) async fn open(&self, range: Range<usize>, rate: f64) {
        let idle = RefCell::new(Vec::new());
        let mut due = interval(Duration::from_secs_f64(1.0 / rate));
        due.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut under_way = FuturesUnordered::new();
        let mut numbers = range;
        loop {
            tokio::select! {
                biased;
                _ = due.tick(), if !numbers.is_empty() => {
                    let number = numbers.next().expect("not empty");
                    let idle = &idle;
                    under_way.push(async move {
                        let mut connection = idle.borrow_mut().pop();
                        self.send(number, &mut connection).await;
                        idle.borrow_mut().extend(connection);
                    });
                }
                Some(()) = under_way.next() => {}
                else => break,
            }
        }
    }

    /// One call, on the connection if there is one; leaves the connection if it can be used again.
    async fn send(&self, number: usize, connection: &mut Option<Connection>) -> bool {
        let mut used = match connection.take() {
            Some(connection) => connection,
            None => match Connection::open(self.to).await {
                Ok(connection) => connection,
                Err(_) => return false,
            },
        };
        let at = self.now();
        let status = match used.send(self.calls.request(number)).await {
            Ok(status) => {
                *connection = Some(used);
                status
            }
            Err(_) => 0,
        };
        let sent = Sent { at, answered: self.now(), status };
        self.sent.borrow_mut()[number] = sent;
        sent.accepted()
    }

    fn now(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }
}
