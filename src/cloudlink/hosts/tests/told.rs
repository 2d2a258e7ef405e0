//! Who wants to hear of circuit breakers.

use std::sync::atomic::AtomicU16;

use tokio::time::advance;

use super::*;

const CRM: &str = "http://crm.example:8080/contacts";

/// A far side with this status, and who hears of its breaker.
fn stage(room: usize) -> (Arc<AtomicU16>, Line, mpsc::Receiver<Turned>) {
    let status = Arc::new(AtomicU16::new(500));
    let now = Arc::clone(&status);
    let stage = Stage::new(move |_| Then::Status(now.load(Ordering::Relaxed)));
    let line = line(&stage);
    let (turns, turned) = mpsc::channel(room);
    line.wire().tell_turns(turns);
    (status, line, turned)
}

async fn times(line: &Line, number: usize) {
    for _ in 0..number {
        let _ = ask(line, CRM, MINUTE).await;
    }
}

fn all(turned: &mut mpsc::Receiver<Turned>) -> Vec<&'static str> {
    let opened = |turned: Turned| if matches!(turned.turn, Turn::Opened { .. }) { "open" } else { "closed" };
    std::iter::from_fn(|| turned.try_recv().ok().map(opened)).collect()
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_twice_however_often_it_is_tried() {
    let (status, line, mut turned) = stage(9);
    times(&line, 9).await;
    assert_eq!(all(&mut turned), [""; 0]);
    times(&line, 1).await;
    let first = turned.try_recv().unwrap();
    assert_eq!((&*first.host, &*first.whose), ("http://crm.example:8080", "other"));
    let Turn::Opened { failures, why, period } = first.turn else { panic!("{first:?}") };
    assert_eq!((failures, &*why), (10, "10 requests in a row failed"));
    assert!(period >= Duration::from_millis(500) && period <= Duration::from_secs(1), "{period:?}");
    for _ in 0..300 {
        advance(Duration::from_secs(1)).await;
        times(&line, 3).await;
    }
    assert_eq!(all(&mut turned), [""; 0], "probes that fail are no news");
    status.store(200, Ordering::Relaxed);
    advance(MINUTE).await;
    times(&line, 3).await;
    let last = turned.try_recv().unwrap();
    assert!(matches!(last.turn, Turn::Closed { after } if after >= Duration::from_mins(6)), "{last:?}");
    assert_eq!(all(&mut turned), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn many_of_some_that_fail_are_told_in_numbers() {
    let (status, line, mut turned) = stage(9);
    for nth in 0..40 {
        status.store(if nth % 2 == 0 { 200 } else { 500 }, Ordering::Relaxed);
        times(&line, 1).await;
    }
    let Turn::Opened { failures, why, .. } = turned.try_recv().unwrap().turn else { panic!() };
    assert_eq!((failures, &*why), (10, "10 of the last 20 requests failed"));
}

#[tokio::test(start_paused = true)]
async fn what_only_untold_requests_bring_about_is_not_told() {
    let (status, line, mut turned) = stage(9);
    untold(true, times(&line, 30)).await;
    assert!(line_state(&line).breaker_open, "they count like all others");
    status.store(200, Ordering::Relaxed);
    advance(MINUTE).await;
    untold(true, times(&line, 3)).await;
    assert!(!line_state(&line).breaker_open);
    assert_eq!(all(&mut turned), [""; 0], "nor that it closed again");
    // One that failed among them, and it is told; one that failed long before does not count.
    status.store(500, Ordering::Relaxed);
    times(&line, 1).await;
    untold(true, times(&line, 9)).await;
    assert_eq!(all(&mut turned), ["open"]);
}

#[tokio::test(start_paused = true)]
async fn it_is_told_when_others_are_held() {
    let (status, line, mut turned) = stage(9);
    untold(true, times(&line, 10)).await;
    assert_eq!(all(&mut turned), [""; 0]);
    assert!(held(&ask(&line, CRM, MINUTE).await).is_some());
    times(&line, 5).await;
    assert_eq!(all(&mut turned), ["open"]);
    status.store(200, Ordering::Relaxed);
    advance(MINUTE).await;
    untold(true, times(&line, 1)).await;
    assert_eq!(all(&mut turned), ["closed"], "what was told open is told closed, whoever found out");
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_over_is_not_what_it_opened_for() {
    let (status, line, mut turned) = stage(9);
    times(&line, 3).await;
    advance(MINUTE).await;
    status.store(200, Ordering::Relaxed);
    times(&line, 1).await;
    status.store(500, Ordering::Relaxed);
    untold(true, times(&line, 10)).await;
    assert!(line_state(&line).breaker_open);
    assert_eq!(all(&mut turned), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_who_does_not_listen() {
    let (_, line, mut turned) = stage(1);
    for host in 0..20 {
        for _ in 0..10 {
            let _ = ask(&line, &format!("http://crm-{host}.example/"), MINUTE).await;
        }
    }
    assert!(line.wire().hosts().iter().all(|host| host.breaker_open));
    assert_eq!(all(&mut turned), ["open"]);
    drop(turned);
    for _ in 0..10 {
        assert!(held(&ask(&line, "http://last.example/", MINUTE).await).is_none());
    }
}
