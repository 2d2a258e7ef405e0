//! Files: how much is sent and taken, and with whose permission.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use serde_json::json;

use super::SOON;
use crate::cloudlink::media::Recording;
use crate::cloudlink::testing::{Far, Reply, Seen, client, token_or};
use crate::cloudlink::{Class, Error, MAX_FILE, Upload};

const PIECE: usize = 64 * 1024;

async fn takes_all() -> Far {
    Far::start(|seen: &Seen| token_or(seen, || Reply::Json(201, json!({ "attachmentId": "f" })))).await
}

/// So many pieces, and how many of them were asked for.
fn pieces(number: usize) -> (impl futures_util::Stream<Item = std::io::Result<Bytes>>, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    let pieces = stream::iter(0..number).map(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Bytes::from(vec![b'x'; PIECE]))
    });
    (pieces, taken)
}

#[tokio::test]
async fn a_file_flows_there() {
    let far = takes_all().await;
    let (five, _) = pieces(5);
    let put = client(&far.url).put_attachment("c", "a", Upload::stream("text/plain", None, five), SOON).await.unwrap();
    assert_eq!(put["attachmentId"], "f");
    let (five, _) = pieces(5);
    let known = Upload::stream("text/plain", Some(5 * PIECE as u64), five);
    client(&far.url).put_attachment("c", "a", known, SOON).await.unwrap();
    let seen = far.seen("/attachments/");
    assert!(seen.iter().all(|seen| seen.body.len() == 5 * PIECE && seen.headers["content-type"] == "text/plain"));
    assert_eq!(seen[0].headers.get("content-length"), None);
    assert_eq!(seen[1].headers["content-length"], (5 * PIECE).to_string());
}

#[tokio::test]
async fn what_is_too_large_is_not_sent() {
    let far = takes_all().await;
    let too_large = |error: &Error| matches!(error, Error::TooLarge { limit: MAX_FILE, .. });
    let (none, taken) = pieces(1000);
    let file = Upload::stream("image/png", Some(MAX_FILE + 1), none);
    let error = client(&far.url).put_attachment("c", "a", file, SOON).await.unwrap_err();
    assert!(too_large(&error) && error.class() == Class::Final && error.to_string().contains("10485760"), "{error}");
    assert_eq!((taken.load(Ordering::Relaxed), far.seen("").len()), (0, 0));
    let whole = Upload::bytes("image/png", vec![0; MAX_FILE as usize + 1]);
    let error = client(&far.url).put_user_photo("a", "u", whole, SOON).await.unwrap_err();
    assert!(too_large(&error) && far.seen("").is_empty());
    // Of an unknown length: it is cut where it is too long, and is no file at the far side.
    let (many, taken) = pieces(1000);
    let error = client(&far.url).put_attachment("c", "a", Upload::stream("a/b", None, many), SOON).await.unwrap_err();
    assert!(too_large(&error), "{error}");
    assert!(taken.load(Ordering::Relaxed) <= MAX_FILE as usize / PIECE + 1);
    let most = Upload::bytes("image/png", vec![b'x'; MAX_FILE as usize]);
    client(&far.url).put_attachment("c", "a", most, SOON).await.unwrap();
}

#[tokio::test]
async fn a_file_with_a_refused_token_is_to_be_sent_again() {
    let number = AtomicUsize::new(0);
    let far = Far::start(move |seen: &Seen| {
        if seen.path.ends_with("/token") {
            let text = format!("tok-{}", number.fetch_add(1, Ordering::SeqCst) + 1);
            return Reply::Json(201, json!({ "access_token": text, "expires_in": 3600 }));
        }
        match seen.headers["authorization"].as_str() {
            "Bearer tok-1" => Reply::Json(401, json!({ "message": "no" })),
            _ if seen.method == "GET" => Reply::Text(200, "a/b", "what was put".into()),
            _ => Reply::Json(200, json!({})),
        }
    })
    .await;
    let cloudlink = client(&far.url);
    let put = || cloudlink.put_attachment("c", "a", Upload::bytes("a/b", "x"), SOON);
    let error = put().await.unwrap_err();
    assert_eq!(error.class(), Class::Retry { after: Some(std::time::Duration::ZERO) }, "{error}");
    put().await.unwrap();
    // A download has nothing to repeat but itself.
    let got = client(&far.url).attachment("c", "a", SOON).await.unwrap();
    assert_eq!(got.collect().await.unwrap(), b"what was put");
}

#[tokio::test]
async fn what_comes_is_bounded() {
    let far = Far::start(|seen: &Seen| {
        token_or(seen, || match seen.path.as_str() {
            path if path.ends_with("large") => Reply::Text(200, "a/b", "x".repeat(MAX_FILE as usize + 1)),
            path if path.ends_with("most") => Reply::Text(200, "a/b", "x".repeat(MAX_FILE as usize)),
            _ => Reply::Json(404, json!({ "name": "NotFound" })),
        })
    })
    .await;
    let cloudlink = client(&far.url);
    let error = cloudlink.attachment("c", "large", SOON).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }) && error.to_string().contains("receive from"), "{error}");
    let most = cloudlink.attachment("c", "most", SOON).await.unwrap();
    assert_eq!((most.length, most.kind.as_deref()), (Some(MAX_FILE), Some("a/b")));
    assert_eq!(most.collect().await.unwrap().len(), MAX_FILE as usize);
    let error = cloudlink.attachment("c", "none", SOON).await.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(404));
}

#[tokio::test]
async fn our_token_goes_to_the_api_and_nowhere_else() {
    let (api, other) = (takes_all().await, takes_all().await);
    let cloudlink = client(&api.url);
    let media = format!("{}/sound?sig=s3cret", other.url);
    let recording: Recording = serde_json::from_value(json!({ "_embedded": { "media": { "url": media } } })).unwrap();
    assert!(!format!("{recording:?}").contains("s3cret"));
    cloudlink.recording_media(&recording, SOON).await.unwrap().collect().await.unwrap();
    assert!(!other.seen("/sound")[0].headers.contains_key("authorization"));
    cloudlink.photo(&format!("{}/photo", other.url), SOON).await.unwrap();
    assert!(!other.seen("/photo")[0].headers.contains_key("authorization"));
    cloudlink.photo(&format!("{}/photo", api.url), SOON).await.unwrap();
    cloudlink.photo("/2017-09-01/photo", SOON).await.unwrap();
    assert!(api.seen("/photo").iter().all(|seen| seen.headers["authorization"] == "Bearer tok-1"));
    let error = cloudlink.recording_media(&Recording::default(), SOON).await.unwrap_err();
    assert!(error.to_string().contains("expand media"), "{error}");
    let ftp: Recording =
        serde_json::from_value(json!({ "_embedded": { "media": { "url": "ftp://x.example/s3cret" } } })).unwrap();
    let error = cloudlink.recording_media(&ftp, SOON).await.unwrap_err();
    assert!(matches!(error, Error::Address { .. }) && !error.to_string().contains("s3cret"));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_says_what_to_set() {
    let other = takes_all().await;
    let there = format!("{}/2017-09-01/users?token=s3cret", other.url);
    let far =
        Far::start(move |seen: &Seen| token_or(seen, || Reply::With(307, "location", there.clone(), json!({})))).await;
    let error = client(&far.url).user_anywhere("u", SOON).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&other.url) && text.contains("urls.admin") && !text.contains("s3cret"), "{text}");
    assert!(error.class() == Class::Final && other.seen("").is_empty());
}

#[tokio::test]
async fn a_file_that_breaks_on_our_side_says_nothing_about_the_host() {
    let far = takes_all().await;
    let cloudlink = client(&far.url);
    for turn in 0..12 {
        let broken = stream::iter([Ok(Bytes::from_static(b"x")), Err(std::io::Error::other("broken"))]);
        let broken = Upload::stream("a/b", None, broken);
        assert!(cloudlink.put_attachment("c", "a", broken, SOON).await.is_err(), "{turn}");
    }
    assert!(cloudlink.hosts().iter().all(|host| !host.breaker_open), "{:?}", cloudlink.hosts());
    cloudlink.put_attachment("c", "a", Upload::bytes("a/b", "x"), SOON).await.unwrap();
}
