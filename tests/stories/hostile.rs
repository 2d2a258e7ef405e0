//! Hostile input costs the daemon little, and good events get through all the while.

use std::time::Duration;

use futures_util::future::join_all;

use crate::genuine::AFTER_HOURS;
use crate::harness::letters::{ringing, sign};
use crate::harness::{APPLICATION, Daemon, Plain, World};

const MOST_MB: u64 = 100;
const SOON: Duration = Duration::from_secs(10);

/// A good event gets through, and not slowly.
async fn good(world: &World, call: &str) {
    world.deliver(&ringing("3001", call)).await;
    world.far.wait_acts(&format!("/calls/{call}"), 1).await;
}

#[tokio::test]
async fn its_memory_stays_below_100_mb_and_good_events_get_through() {
    let mut world = World::start(AFTER_HOURS).await;
    let mut half_open = Vec::new();
    for _ in 0..200 {
        let mut plain = Plain::to(world.address()).await;
        plain.send("POST /notify HTTP/1.1\r\nhost: x\r\ncontent-length: 500000\r\nx-notify-signature: ").await;
        half_open.push(plain);
    }
    good(&world, "1").await;

    // 10,000 bad signatures over 20 connections; before the last hundred something good.
    let request = bad_signature();
    join_all((0..20).map(async |_| {
        let mut plain = Plain::to(world.address()).await;
        for _ in 0..500 {
            plain.send(&request).await;
            let reply = plain.reply(SOON).await;
            assert_eq!(reply.status, 401, "{reply:?}");
        }
    }))
    .await;
    good(&world, "2").await;

    // Bodies of 100 MB in chunks: with a signature that looks right, with one that can't be, with none.
    let good_looking = format!("x-notify-signature: {}\r\n", "0".repeat(64));
    let bodies = [&*good_looking, "x-notify-signature: nonsense\r\n", ""].repeat(3);
    let sent = join_all(bodies.into_iter().map(async |header| endless(&world, header).await));
    let (statuses, ()) = tokio::join!(sent, good(&world, "3"));
    for status in statuses {
        assert!(matches!(status, 0 | 401 | 413), "{status}");
    }
    good(&world, "4").await;

    // Bodies of the largest size, all at once: what there is no room for is told to come again.
    let large = vec![b' '; 1 << 20];
    let posts = (0..64).map(async |_| world.ask(world.signed(large.clone())).await.status);
    let statuses = join_all(posts).await;
    assert!(statuses.iter().all(|status| matches!(status, 400 | 503)), "{statuses:?}");
    good(&world, "5").await;

    assert_eq!(world.far.acts("").len(), 5);
    within_bounds(world.daemon());
    drop(half_open);
}

#[tokio::test]
async fn nesting_without_end_is_refused_or_taken_but_harms_nobody() {
    let mut world = World::start(AFTER_HOURS).await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"publications\":[", "]}"), ("{\"publication\":", "}")] {
        let (deep, end) = (open.repeat(50_000), close.repeat(50_000));
        for body in [format!("{deep}1{end}"), deep.clone()] {
            let answer = world.ask(world.signed(body)).await;
            assert_eq!(answer.status, 400, "{open}");
        }
        let inside = ringing("3001", "9").to_string().replace("\"newCall\"", &format!("{deep}1{end}"));
        let answer = world.ask(world.signed(inside)).await;
        assert!(matches!(answer.status, 200 | 400), "{open}: {answer:?}");
    }
    good(&world, "1").await;
    let many = format!("[{}]", vec!["{}"; 300_000].join(","));
    assert_eq!(world.ask(world.signed(many)).await.status, 413);
    let wide =
        format!("{{\"content\":{{{}}}}}", (0..50_000).map(|n| format!("\"k{n}\":0")).collect::<Vec<_>>().join(","));
    assert_eq!(world.ask(world.signed(wide)).await.status, 200);
    good(&world, "2").await;
    within_bounds(world.daemon());
}

fn bad_signature() -> String {
    let body = ringing("3001", "666").to_string();
    let signature = sign("another key than ours", body.as_bytes());
    format!(
        "POST /notify HTTP/1.1\r\nhost: x\r\nx-notify-signature: {signature}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends 100 MB in chunks, or as much as is taken; the status.
async fn endless(world: &World, header: &str) -> u16 {
    let mut plain = Plain::to(world.address()).await;
    plain.send(format!("POST /notify HTTP/1.1\r\nhost: x\r\n{header}transfer-encoding: chunked\r\n\r\n")).await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let sending = async {
        for _ in 0..1600 {
            if !plain.send(&chunk).await {
                break;
            }
        }
    };
    tokio::time::timeout(SOON, sending).await.ok();
    plain.reply(SOON).await.status
}

fn within_bounds(daemon: &Daemon) {
    let peak = daemon.peak_memory();
    assert!(peak < MOST_MB, "its memory rose to {peak} MB");
}

#[tokio::test]
async fn a_genuine_signature_does_not_fit_another_body() {
    let world = World::start(AFTER_HOURS).await;
    let body = ringing("3001", "1").to_string();
    let post = world.request("POST", "/notify").header("x-notify-signature", sign(APPLICATION, body.as_bytes()));
    assert_eq!(world.ask(post.body(format!("{body} "))).await.status, 401);
    // Nor is a signature under an empty key, or one that any key would give.
    for signature in [sign("", body.as_bytes()), String::new(), "0".repeat(64), "=".repeat(44), "A".repeat(43)] {
        let post = world.request("POST", "/notify").header("x-notify-signature", signature);
        assert_eq!(world.ask(post.body(body.clone())).await.status, 401);
    }
    assert!(world.events().is_empty());
}
