//! Places, the rate limit, and which far sides are one.

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::*;

#[tokio::test(start_paused = true)]
async fn so_many_a_second_and_all_of_them_in_the_end() {
    let stage = Stage::new(|_| Then::Status(200));
    let policy = HostPolicy { rate: Some(Rate { per_second: 50.0, burst: 100.0 }), ..HostPolicy::STEPS };
    let line = line_as(&stage, Whose::CloudLink(Api::Media), policy, &clock());
    let took = join_all((0..400).map(|_| persist(&line, MEDIA))).await;
    let asked = stage.asked("");
    assert_eq!(asked.len(), 400);
    for second in asked.windows(151) {
        assert!(second[150] - second[0] >= 1000, "more than burst and rate in a second");
    }
    assert!(took.iter().all(|ms| *ms < 12_000), "six seconds would do: {:?}", took.iter().max());
    assert!(line_state(&line).held[2].1 < 2000, "they do not fight for it: {:?}", line_state(&line).held);
}

#[tokio::test(start_paused = true)]
async fn a_place_is_waited_for_in_order_and_no_longer_than_the_deadline() {
    let stage = Stage::new(|_| Then::Late(Duration::from_secs(2), 200));
    let policy = HostPolicy { places: 2, ..HostPolicy::STEPS };
    let line = line_as(&stage, Whose::Other, policy, &clock());
    let urls: Vec<String> = (0..8).map(|nth| format!("https://media.example/{nth}")).collect();
    let late = async {
        sleep(Duration::from_millis(10)).await;
        let began = Instant::now();
        (ask(&line, "https://media.example/late", Duration::from_secs(1)).await, began.elapsed())
    };
    let other = async {
        sleep(Duration::from_millis(20)).await;
        ask(&line, "https://crm.example/", Duration::from_secs(3)).await
    };
    let (all, late, other) = tokio::join!(join_all(urls.iter().map(|url| ask(&line, url, MINUTE))), late, other);
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(late, (Err(Lost::NotSentInTime), Duration::from_secs(1)));
    assert_eq!(other, Ok(200), "the places of another host are its own");
    let order: Vec<String> = stage.asked.lock().unwrap().iter().map(|(_, url)| url.clone()).collect();
    assert_eq!(order.iter().filter(|url| url.contains("media")).cloned().collect::<Vec<_>>(), urls);
    assert_eq!(stage.asked("media"), [0, 0, 2000, 2000, 4000, 4000, 6000, 6000]);
    assert_eq!(line_state(&line).held[3], ("full", 1));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_place_hears_at_once_when_there_is_no_sense_in_it() {
    let stage = Stage::new(|_| Then::LateWait(Duration::from_secs(3), 429, "30".into()));
    let policy = HostPolicy { places: 2, ..HostPolicy::STEPS };
    let line = line_as(&stage, Whose::Other, policy, &clock());
    let began = Instant::now();
    let sent = join_all((0..50).map(|_| ask(&line, MEDIA, MINUTE))).await;
    assert_eq!(began.elapsed(), Duration::from_secs(3));
    assert_eq!((sent[0].clone(), sent[1].clone()), (Ok(429), Ok(429)));
    assert!(sent[2..].iter().all(|sent| matches!(held(sent), Some((Hold::Paused, _)))), "{sent:?}");
    assert_eq!(stage.asked("").len(), 2);

    // The same when the circuit breaks.
    let policy =
        HostPolicy { places: 1, breaker: BreakerPolicy { in_a_row: 1, ..HostPolicy::STEPS.breaker }, ..policy };
    let stage = Stage::new(|_| Then::Late(Duration::from_secs(3), 500));
    let line = line_as(&stage, Whose::Other, policy, &clock());
    let began = Instant::now();
    let sent = join_all((0..50).map(|_| ask(&line, MEDIA, MINUTE))).await;
    assert_eq!(began.elapsed(), Duration::from_secs(3));
    assert_eq!((sent[0].clone(), sent[1..].iter().filter_map(held).count()), (Ok(500), 49));
    assert_eq!(stage.asked("").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_apis_behind_one_address_and_two_credentials_are_far_sides_of_their_own() {
    let stage = Stage::new(|request| match request.url().path() {
        "/ill" => Then::Status(500),
        _ => Then::Status(200),
    });
    let wire = Wire::to(Arc::clone(&stage) as _);
    let line = |whose| Line::new(&wire, whose, HostPolicy::STEPS, &clock(), &Chance::seeded(1));
    let [media, chat] = [Api::Media, Api::Chat].map(|api| line(Whose::CloudLink(api)));
    let crm = line(Whose::Credential("crm".into()));
    for _ in 0..10 {
        let _ = ask(&media, "https://one.example/ill", MINUTE).await;
    }
    assert!(held(&ask(&media, "https://one.example/", MINUTE).await).is_some());
    assert_eq!(ask(&chat, "https://one.example/", MINUTE).await, Ok(200));
    assert_eq!(ask(&crm, "https://one.example/", MINUTE).await, Ok(200));
    let states: Vec<_> = wire.hosts().into_iter().map(|state| (state.host, state.breaker_open)).collect();
    let wanted = [("cloudlink/chat", false), ("cloudlink/media", true), ("credential/crm", false)];
    assert_eq!(states, wanted.map(|(host, open)| (host.to_owned(), open)));
}

#[tokio::test(start_paused = true)]
async fn addresses_that_rules_make_up_are_forgotten() {
    let stage = Stage::new(|request| match request.url().path() {
        "/ill" => Then::Status(500),
        _ => Then::Status(200),
    });
    let line = line(&stage);
    for _ in 0..10 {
        let _ = ask(&line, "https://crm.example/ill", MINUTE).await;
    }
    for nth in 0..2 * MANY {
        assert_eq!(ask(&line, &format!("https://h{nth}.example/"), MINUTE).await, Ok(200));
    }
    assert!(line.wire().hosts_kept().number() <= MANY + 1);
    assert!(line_state(&line).breaker_open, "what is known of one that is ill is kept");
    for nth in 0..2 * TOO_MANY {
        assert_eq!(ask(&line, &format!("https://i{nth}.example/ill"), MINUTE).await, Ok(500));
    }
    assert!(line.wire().hosts_kept().number() <= TOO_MANY);
}

#[test]
fn only_a_cloudlink_elsewhere_is_spared() {
    let rate = |base: &str| HostPolicy::of_cloudlink(&base.parse().unwrap()).rate;
    for here in ["http://127.0.0.1:9000/2017-09-01", "http://localhost/", "https://[::1]/"] {
        assert_eq!(rate(here), None, "{here}");
    }
    assert_eq!(rate("https://media.api.mitel.io/2017-09-01"), HostPolicy::CLOUDLINK.rate);
}
