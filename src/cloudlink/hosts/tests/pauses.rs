//! Pauses that a host asks for.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use futures_util::future::join_all;
use proptest::prelude::*;
use tokio::time::{Instant, advance, sleep};

use super::*;

#[tokio::test(start_paused = true)]
async fn one_that_is_told_to_wait_makes_all_wait_in_whatever_form_it_is_told() {
    for (wait, seconds) in
        [("7", 7), ("Tue, 03 Feb 2026 08:15:07 GMT", 7), ("2026-02-03T08:15:07Z", 7), ("soon", 1), ("-5", 1)]
    {
        let first = AtomicBool::new(true);
        let stage = Stage::new(move |_| {
            if first.swap(false, Ordering::Relaxed) { Then::Wait(429, wait.to_owned()) } else { Then::Status(200) }
        });
        let line = line(&stage);
        assert_eq!(ask(&line, MEDIA, MINUTE).await, Ok(429));
        for other in ["https://media.example/calls/2", "https://media.example/calls/2?x=1"] {
            let sent = ask(&line, other, MINUTE).await;
            let (hold, after) = held(&sent).unwrap();
            assert!(hold == Hold::Paused && after >= Duration::from_secs(seconds), "{wait}: {sent:?}");
            assert!(after < Duration::from_secs(seconds) * 5 / 4, "{wait}: {sent:?}");
        }
        assert_eq!(ask(&line, "https://chat.example/", MINUTE).await, Ok(200), "another host is not meant");
        assert_eq!(stage.asked("media").len(), 1);
        advance(Duration::from_secs(seconds)).await;
        assert_eq!(ask(&line, MEDIA, MINUTE).await, Ok(200), "{wait}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_never_in_the_past_nor_for_ever_nor_shortened() {
    for (status, wait, longest) in
        [(429, "1970-01-01T00:00:00Z", 0), (429, "0", 0), (429, "1e99", 3600), (503, "9999-12-31T00:00:00Z", 3600)]
    {
        let stage = Stage::new(move |_| Then::Wait(status, wait.to_owned()));
        let line = line(&stage);
        assert_eq!(ask(&line, MEDIA, MINUTE).await, Ok(status));
        assert_eq!(line_state(&line).paused.as_secs(), longest, "{wait}");
        assert_eq!(held(&ask(&line, MEDIA, MINUTE).await).is_some(), longest > 0);
    }
    let ill = line(&Stage::new(|_| Then::Status(503)));
    assert_eq!(ask(&ill, MEDIA, MINUTE).await, Ok(503));
    assert_eq!(line_state(&ill).paused, Duration::ZERO, "a 503 that names no time asks for nothing");

    let waits = Mutex::new(vec!["3", "20"]);
    let wait = move || waits.lock().unwrap().pop().unwrap().to_owned();
    let line = line(&Stage::new(move |_| Then::LateWait(Duration::from_millis(5), 429, wait())));
    join_all([ask(&line, MEDIA, MINUTE), ask(&line, MEDIA, MINUTE)]).await;
    assert_eq!(line_state(&line).paused, Duration::from_secs(20), "the longer one counts");
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_they_do_not_come_all_at_once() {
    let began = Instant::now();
    let stage = Stage::new(move |_| {
        if began.elapsed() < Duration::from_secs(10) {
            return Then::LateWait(Duration::from_millis(50), 429, "10".to_owned());
        }
        Then::Status(200)
    });
    let line = line(&stage);
    let late = async {
        sleep(Duration::from_secs(1)).await;
        join_all((0..50).map(|_| persist(&line, MEDIA))).await.into_iter().map(|ms| ms + 1000).collect::<Vec<_>>()
    };
    let (took, late) = tokio::join!(join_all((0..50).map(|_| persist(&line, MEDIA))), late);
    let mut took = [took, late].concat();
    took.sort_unstable();
    assert!(took[0] >= 10_050 && took[99] <= 11_100, "{took:?}");
    assert!(took[99] - took[0] > 500, "{took:?}");
    let most = took.iter().map(|at| took.iter().filter(|other| (**other).abs_diff(*at) < 20).count()).max();
    assert!(most < Some(20), "{took:?}");
    assert_eq!(stage.asked("").len(), 150, "who came in the pause asked once");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the far side does, nothing is sent in a pause, nobody is told to stay away for nothing or without end,
    /// and as soon as it is well everybody is served.
    #[test]
    fn nothing_is_sent_in_a_pause_and_all_are_served_in_the_end(
        answers in prop::collection::vec(prop_oneof![
            Just((200, None)), Just((500, None)), Just((503, None)),
            (1_u64..20).prop_map(|wait| (429, Some(wait))), (1_u64..20).prop_map(|wait| (503, Some(wait))),
        ], 0..40),
        callers in 1_usize..40,
        seed: u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let broken = runtime.block_on(async {
            let began = Instant::now();
            let (left, until) = (Mutex::new(answers), Mutex::new(Duration::ZERO));
            let broken = Arc::new(AtomicBool::new(false));
            let found = Arc::clone(&broken);
            let stage = Stage::new(move |_| {
                let (now, mut until) = (began.elapsed(), until.lock().unwrap());
                found.fetch_or(now < *until, Ordering::Relaxed);
                let (status, wait) = left.lock().unwrap().pop().unwrap_or((200, None));
                let Some(wait) = wait else { return Then::Status(status) };
                *until = (*until).max(now + Duration::from_secs(wait));
                Then::Wait(status, wait.to_string())
            });
            let line = Line::new(
                &Wire::to(Arc::clone(&stage) as _), Whose::Other, HostPolicy::STEPS, &clock(), &Chance::seeded(seed),
            );
            let served = join_all((0..callers).map(|_| persist(&line, MEDIA)));
            // Forty pauses and openings at most.
            let in_time = tokio::time::timeout(Duration::from_mins(40), served).await.is_ok();
            (broken.load(Ordering::Relaxed), in_time)
        });
        prop_assert_eq!(broken, (false, true));
    }
}
