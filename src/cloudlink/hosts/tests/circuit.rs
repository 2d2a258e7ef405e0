//! The circuit breaker, as callers meet it.

use futures_util::future::join_all;
use tokio::time::{Instant, advance};

use super::*;

/// Ten failures open it; the answers after that are those of `then`.
async fn opened(then: fn(u64) -> Then) -> (Arc<Stage>, Line) {
    let began = Instant::now();
    let stage = Stage::new(move |_| match began.elapsed().as_millis() {
        0 => Then::Lost(Lost::NotConnected("refused".into())),
        ms => then(ms as u64),
    });
    let line = line(&stage);
    for _ in 0..10 {
        assert!(held(&ask(&line, MEDIA, MINUTE).await).is_none());
    }
    let sent = ask(&line, MEDIA, MINUTE).await;
    let (hold, after) = held(&sent).unwrap();
    assert!(hold == Hold::Ill && after <= Duration::from_secs(2), "{sent:?}");
    assert_eq!(stage.asked("").len(), 10);
    assert!(line_state(&line).breaker_open);
    (stage, line)
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_ill_is_probed_by_one_and_all_follow_when_it_is_well() {
    let (stage, line) = opened(|_| Then::Late(Duration::from_millis(30), 200)).await;
    advance(Duration::from_secs(1)).await;
    let (probe, others) =
        tokio::join!(ask(&line, MEDIA, MINUTE), async { join_all((0..20).map(|_| ask(&line, MEDIA, MINUTE))).await });
    assert_eq!(probe, Ok(200));
    assert!(others.iter().all(|sent| matches!(held(sent), Some((Hold::Ill, after)) if after < Duration::from_secs(2))));
    assert_eq!(stage.asked("").len(), 11);
    assert!(!line_state(&line).breaker_open);
    assert!(join_all((0..20).map(|_| ask(&line, MEDIA, MINUTE))).await.iter().all(Result::is_ok));
    assert_eq!(line_state(&line).held, [("paused", 0), ("breaker", 21), ("rate", 0), ("full", 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_leaves_it_alone_for_longer_and_nobody_waits_more_than_five_seconds_for_it() {
    let (stage, line) = opened(|ms| if ms < 60_000 { Then::Status(502) } else { Then::Status(200) }).await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(59) {
        if let Some((hold, after)) = held(&ask(&line, MEDIA, MINUTE).await) {
            assert!(hold == Hold::Ill && after <= LONGEST_HOLD, "{after:?}");
        }
        advance(Duration::from_millis(100)).await;
    }
    let probes = &stage.asked("")[10..];
    assert!((4..=8).contains(&probes.len()), "1, 2, 4, 8, 16 and 30 s, each between half and whole: {probes:?}");
    assert!(probes.last().unwrap() - probes[probes.len() - 2] >= 8_000, "{probes:?}");
    advance(Duration::from_secs(31)).await;
    assert_eq!(ask(&line, MEDIA, MINUTE).await, Ok(200));
    assert_eq!(ask(&line, MEDIA, MINUTE).await, Ok(200));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_given_up_lets_the_next_one_go() {
    let (stage, line) = opened(|_| Then::Late(MINUTE, 200)).await;
    advance(Duration::from_secs(1)).await;
    let given_up = tokio::time::timeout(Duration::from_secs(1), ask(&line, MEDIA, MINUTE)).await;
    assert!(given_up.is_err());
    assert_eq!(ask(&line, MEDIA, 2 * MINUTE).await, Ok(200));
    assert_eq!(stage.asked("").len(), 12);
}

#[tokio::test(start_paused = true)]
async fn what_says_that_a_host_is_ill_and_what_does_not() {
    let lost = |make: fn() -> Lost| move || Then::Lost(make());
    type Make = Box<dyn Fn() -> Then + Send + Sync>;
    let cases: [(&str, Make, Duration, bool); 14] = [
        ("200", Box::new(|| Then::Status(200)), MINUTE, false),
        ("302", Box::new(|| Then::Status(302)), MINUTE, false),
        ("401", Box::new(|| Then::Status(401)), MINUTE, false),
        ("404", Box::new(|| Then::Status(404)), MINUTE, false),
        ("500", Box::new(|| Then::Status(500)), MINUTE, true),
        ("501", Box::new(|| Then::Status(501)), MINUTE, false),
        ("503", Box::new(|| Then::Status(503)), MINUTE, true),
        ("504", Box::new(|| Then::Status(504)), MINUTE, true),
        ("no connection", Box::new(lost(|| Lost::NotConnected("x".into()))), MINUTE, true),
        ("broken", Box::new(lost(|| Lost::Broken("x".into()))), MINUTE, true),
        ("forbidden", Box::new(lost(|| Lost::Forbidden("x".into()))), MINUTE, false),
        ("set up", Box::new(lost(|| Lost::Setup("x".into()))), MINUTE, false),
        ("hangs", Box::new(|| Then::Late(MINUTE, 200)), Duration::from_secs(1), true),
        ("an impatient rule", Box::new(|| Then::Late(MINUTE, 200)), Duration::from_millis(300), false),
    ];
    for (name, make, within, ill) in cases {
        let stage = Stage::new(move |_| make());
        let line = line(&stage);
        join_all((0..60).map(|_| ask(&line, MEDIA, within))).await;
        assert_eq!(line_state(&line).breaker_open, ill, "{name}");
    }
}
