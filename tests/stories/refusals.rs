//! What is not genuine, or not well-formed, is refused with a constant answer, and nothing of it is kept.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::genuine::AFTER_HOURS;
use crate::harness::letters::{ringing, sign};
use crate::harness::{APPLICATION, Answer, Plain, World, until};

const NEXT: &str = "0c7d2a90-0000-4000-8000-000000000002";
const SOON: Duration = Duration::from_secs(5);

/// A refusal as RFC 9457 wants it, that gives nothing away.
fn is_refusal(answer: &Answer, status: u16, title: &str) {
    assert_eq!((answer.status, answer.header("content-type")), (status, "application/problem+json"), "{answer:?}");
    assert_eq!(answer.json(), json!({ "type": "about:blank", "title": title, "status": status }));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn one_flipped_bit_in_signature_or_body_is_refused() {
    let world = World::start(AFTER_HOURS).await;
    let body = ringing("3001", "1").to_string().into_bytes();
    let signature = hex::decode(sign(APPLICATION, &body)).unwrap();
    let flipped = |bytes: &[u8], bit: usize| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    };
    for bit in 0..signature.len() * 8 {
        let post = world.request("POST", "/notify").header("x-notify-signature", hex::encode(flipped(&signature, bit)));
        is_refusal(&world.ask(post.body(body.clone())).await, 401, "signature missing or wrong");
    }
    for bit in (0..body.len() * 8).step_by(97) {
        let post = world.request("POST", "/notify").header("x-notify-signature", hex::encode(&signature));
        is_refusal(&world.ask(post.body(flipped(&body, bit))).await, 401, "signature missing or wrong");
    }
    assert!(world.events().is_empty());
    assert_eq!(world.ask(world.signed(body)).await.status, 200, "unharmed it is taken");
}

#[tokio::test]
async fn while_the_id_is_being_changed_two_are_believed_each_on_its_own_path() {
    let next = format!("[[application]]\nname = \"next\"\nid = \"{NEXT}\"");
    let world = World::new(AFTER_HOURS).await.more(&next).up().await;
    let post = async |key: &str, path: &str, call: &str| {
        let body = ringing("3009", call).to_string();
        let signature = sign(key, body.as_bytes());
        world.ask(world.request("POST", path).header("x-notify-signature", signature).body(body)).await
    };
    for (key, path) in [(APPLICATION, "/notify"), (NEXT, "/notify"), (NEXT, "/notify/next")] {
        assert_eq!(post(key, path, "1").await.status, 200);
    }
    for (key, path) in
        [(APPLICATION, "/notify/next"), (NEXT, "/notify/main"), (NEXT, "/notify/nobody"), ("", "/notify")]
    {
        is_refusal(&post(key, path, "2").await, 401, "signature missing or wrong");
    }
    let by: Vec<Value> = world.events().iter().map(|event| event["verified_by"].clone()).collect();
    assert_eq!(by, ["main/main", "main/next", "main/next"]);
}

#[tokio::test]
async fn an_encoded_body_is_verified_as_sent_and_decoded_within_bounds() {
    let world = World::start(AFTER_HOURS).await;
    let plain = ringing("3001", "1").to_string().into_bytes();
    let packed = gzip(&plain);

    let answer = world.ask(world.signed(packed.clone()).header("content-encoding", "gzip")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(world.far.wait_acts("/calls/1", 1).await.len(), 1);

    let signed_before = world.request("POST", "/notify").header("x-notify-signature", sign(APPLICATION, &plain));
    let answer = world.ask(signed_before.header("content-encoding", "gzip").body(packed.clone())).await;
    is_refusal(&answer, 401, "signature missing or wrong");

    let bomb = gzip(&vec![b' '; 60 << 20]);
    let answer = world.ask(world.signed(gzip(&bomb)).header("content-encoding", "gzip")).await;
    is_refusal(&answer, 400, "not a publication");
    let answer = world.ask(world.signed(bomb).header("content-encoding", "gzip")).await;
    is_refusal(&answer, 413, "body too large");

    for encoding in ["br", "gzip, gzip", "zstd"] {
        let answer = world.ask(world.signed(packed.clone()).header("content-encoding", encoding)).await;
        is_refusal(&answer, 415, "content encoding not supported");
    }
    let answer = world.ask(world.signed(packed[..packed.len() / 2].to_vec()).header("content-encoding", "gzip")).await;
    is_refusal(&answer, 400, "not a publication");
    let answer = world.ask(world.signed(plain).header("content-encoding", "gzip")).await;
    is_refusal(&answer, 400, "not a publication");
    assert_eq!(world.events().len(), 1);
}

#[tokio::test]
async fn what_is_signed_but_no_publication_is_400() {
    let world = World::start(AFTER_HOURS).await;
    for body in ["", "not json", "null", "12", "\"text\"", "{", "[1]", "{} {}", "\u{feff}{}", "[null]"] {
        let answer = world.ask(world.signed(body)).await;
        assert_eq!(answer.status, 400, "{body:?}");
        is_refusal(&answer, 400, "not a publication");
    }
    is_refusal(&world.ask(world.signed(b"{\"topic\":\"\xff\"}".to_vec())).await, 400, "not a publication");
    assert!(world.events().is_empty());
}

#[tokio::test]
async fn reads_have_no_effect_and_other_methods_and_paths_are_refused() {
    let world = World::start(AFTER_HOURS).await;
    for (method, path) in [("GET", "/notify"), ("HEAD", "/notify"), ("GET", "/notify/main"), ("GET", "/healthz")] {
        let answer = world.ask(world.request(method, path)).await;
        assert_eq!((answer.status, &*answer.body), (200, ""), "{method} {path}");
    }
    for (method, path) in [("DELETE", "/notify"), ("PUT", "/notify"), ("OPTIONS", "/notify"), ("POST", "/healthz")] {
        let answer = world.ask(world.request(method, path)).await;
        is_refusal(&answer, 405, "method not allowed here");
        assert!(answer.header("allow").contains("GET"), "{method} {path}");
    }
    for path in ["/", "/notification", "/metrics", "/readyz", "/api/v1", "/notify/../healthz/x"] {
        is_refusal(&world.ask(world.request("GET", path)).await, 404, "nothing here");
    }
    assert!(world.events().is_empty());
}

#[tokio::test]
async fn it_listens_on_ipv6_too() {
    let world = World::new(AFTER_HOURS).await.host("[::1]").up().await;
    world.deliver(&ringing("3001", "1")).await;
    world.far.wait_acts("/calls/1", 1).await;
}

#[tokio::test]
async fn a_length_that_lies_gets_nothing_stored() {
    let world = World::start(AFTER_HOURS).await;
    let body = ringing("3001", "1").to_string();
    let signature = sign(APPLICATION, body.as_bytes());
    let head = |length: &str| {
        format!("POST /notify HTTP/1.1\r\nhost: x\r\nx-notify-signature: {signature}\r\n{length}\r\n\r\n{body}")
    };
    let long = head(&format!("content-length: {}", body.len() + 1));
    let short = head(&format!("content-length: {}", body.len() - 1));
    let two = head(&format!("content-length: {}\r\ncontent-length: {}", body.len(), body.len() - 1));
    let negative = head("content-length: -1");
    let huge = head("content-length: 99999999999999999999999");
    let no_chunks = head("transfer-encoding: chunked");
    for (what, request, wanted) in [
        ("longer than what comes", long, 400),
        ("shorter", short, 401),
        ("two", two, 400),
        ("negative", negative, 400),
        ("beyond all numbers", huge, 400),
        ("said to be in chunks", no_chunks, 400),
    ] {
        let mut plain = Plain::to(world.address()).await;
        plain.send(request).await;
        plain.finish().await;
        let reply = plain.rest(SOON).await.unwrap_or_else(|| panic!("{what}: it hangs"));
        assert!(reply.status == wanted || reply.text.is_empty(), "{what}: {reply:?}");
    }
    assert!(world.events().is_empty());
}

#[tokio::test]
async fn a_head_is_bounded() {
    let world = World::start(AFTER_HOURS).await;
    let long = format!("GET /notify HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "y".repeat(200_000));
    let many = format!("GET /notify HTTP/1.1\r\nhost: x\r\n{}\r\n", "x-many: y\r\n".repeat(500));
    let far_away = format!("GET /notify/{} HTTP/1.1\r\nhost: x\r\n\r\n", "z".repeat(100_000));
    for request in [long, many, far_away] {
        let mut plain = Plain::to(world.address()).await;
        plain.send(request).await;
        let reply = plain.rest(SOON).await.unwrap();
        assert!(matches!(reply.status, 0 | 400 | 414 | 431), "{reply:?}");
    }
    assert_eq!(world.ask(world.request("GET", "/notify")).await.status, 200);
}

/// The one story that waits for time-outs: all of them side by side.
#[tokio::test]
async fn who_is_slow_or_idle_is_sent_away() {
    let world = World::start(AFTER_HOURS).await;
    let began = Instant::now();
    let patience = Duration::from_secs(20);
    let connection = async |sent: &str| {
        let mut plain = Plain::to(world.address()).await;
        plain.send(sent).await;
        plain
    };
    let signature = format!("x-notify-signature: {}", sign(APPLICATION, b""));
    let (mut silent, mut slow_head, mut idle, mut slow_body) = (
        connection("").await,
        connection("POST /notify HTTP/1.1\r\nhost: x\r\nx-slow: ").await,
        connection("GET /notify HTTP/1.1\r\nhost: x\r\n\r\n").await,
        connection(&format!("POST /notify HTTP/1.1\r\nhost: x\r\n{signature}\r\ncontent-length: 9\r\n\r\n{{")).await,
    );
    let drip = async {
        // A byte now and then does not help.
        while slow_head.send("y").await && began.elapsed() < patience {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        began.elapsed()
    };
    let (silent, dripped, idle, slow_body) =
        tokio::join!(silent.rest(patience), drip, idle.rest(patience), slow_body.rest(patience));
    assert!(silent.is_some(), "a connection that says nothing stays open");
    assert!(dripped < patience, "a head may take for ever");
    assert_eq!(idle.map(|reply| reply.status), Some(200), "an idle connection stays open");
    assert_eq!(slow_body.map(|reply| reply.status), Some(408));
    until("the figures tell of it", async || {
        world.admin("/metrics").await.body.contains(r#"requests_refused_total{reason="Timeout"} 1"#).then_some(())
    })
    .await;
}
