//! Tokens on lines.

use futures_util::future::join_all;
use tokio::time::{Instant, advance};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_hundred_with_a_revoked_token_make_one_renewal_and_lose_one_attempt_at_most() {
    let renewals = AtomicU64::new(0);
    let stage = Stage::new(move |request| {
        if request.url().path().ends_with("/token") {
            return Then::Token(format!("tok-{}", renewals.fetch_add(1, Ordering::Relaxed)));
        }
        match request.headers()["authorization"].to_str().unwrap() {
            "Bearer tok-0" if request.url().path().ends_with("/revoked") => Then::Late(Duration::from_millis(5), 401),
            _ => Then::Late(Duration::from_millis(5), 200),
        }
    });
    let clock = Clock::tokio("2026-02-03T08:15:00Z".parse().unwrap());
    let cloudlink = client_on("http://localhost", Wire::to(Arc::clone(&stage) as _), &clock);
    cloudlink.redirect("/endpoints/1/calls/first", "4001", MINUTE).await.unwrap();
    let sent = join_all((0..100).map(|_| cloudlink.redirect("/endpoints/1/calls/revoked", "4001", MINUTE))).await;
    assert!(sent.iter().all(Result::is_ok));
    assert_eq!((stage.asked("/token").len(), stage.asked("/revoked").len()), (2, 200));
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_is_ill_holds_nothing_up_while_the_token_is_good() {
    let began = Instant::now();
    let stage = Stage::new(move |request| match request.url().path() {
        "/2017-09-01/token" if began.elapsed() < Duration::from_secs(1) => Then::Token("tok".into()),
        "/2017-09-01/token" => Then::Status(500),
        _ => Then::Status(200),
    });
    let clock = Clock::tokio("2026-02-03T08:15:00Z".parse().unwrap());
    let cloudlink = client_on("https://cloud.example", Wire::to(Arc::clone(&stage) as _), &clock);
    let redirect = async || cloudlink.redirect("/endpoints/1/calls/1", "4001", MINUTE).await;
    redirect().await.unwrap();
    // Into the last fifth of the token's life, in which it is renewed in the background.
    advance(Duration::from_mins(50)).await;
    for _ in 0..300 {
        redirect().await.unwrap();
        advance(Duration::from_secs(1)).await;
    }
    let open: Vec<_> = cloudlink.hosts().into_iter().map(|state| (state.host, state.breaker_open)).collect();
    assert_eq!(open, [("cloudlink/authentication".to_owned(), true), ("cloudlink/media".to_owned(), false)]);
    assert!(stage.asked("/token").len() < 40, "{:?}", stage.asked("/token").len());
    advance(Duration::from_mins(10)).await;
    let error = redirect().await.unwrap_err();
    assert!(matches!(error.class(), Class::Retry { .. }), "{error}");
}
