//! The client against a far side that behaves, and misbehaves.

mod exchanges;
mod files;
mod options;
mod walk;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::dns::{Name, Resolve, Resolving};
use serde_json::json;

use super::testing::{Far, Reply, Seen, client, line, nowhere, token_or};
use super::transport::{ForbiddenName, Lost, MAX_ANSWER, Wire};
use super::{Class, CloudLink, Content, Error, HostPolicy};

const CALL: &str = "/2017-09-01/endpoints/3001/calls/48151623";
const SOON: Duration = Duration::from_secs(5);

fn ok(seen: &Seen) -> Reply {
    token_or(seen, || Reply::Json(200, json!({ "state": "ringing", "direction": "inbound" })))
}

#[tokio::test]
async fn a_redirect_on_the_wire() {
    let far = Far::start(ok).await;
    client(&far.url).redirect(CALL, "4001", SOON).await.unwrap();
    let token = &far.seen("/token")[0];
    assert_eq!(
        token.body,
        "grant_type=client_credentials&client_id=cid&account_id=10000495&client_secret=s3cret+%26+more"
    );
    assert_eq!(token.headers["content-type"], "application/x-www-form-urlencoded");
    assert!(!token.headers.contains_key("authorization"));
    let put = &far.seen("/calls/")[0];
    assert_eq!((put.method.as_str(), put.path.as_str()), ("PUT", CALL));
    assert_eq!(put.body, r#"{"action":"redirect","destination":"4001"}"#);
    assert_eq!(put.headers["authorization"], "Bearer tok-1");
    assert_eq!(put.headers["content-type"], "application/json");
    assert_eq!(put.headers["accept"], "application/json");
    assert_eq!(put.headers["x-mitel-correlation-id"].len(), 36);
    let app = &put.headers["x-mitel-app"];
    assert!(app.starts_with("app=switchhook/") && app.contains(";platform=linux/"), "{app}");
    assert!(app.ends_with(";session=session-1;"), "{app}");
}

#[tokio::test]
async fn a_hundred_callers_make_one_token_request() {
    let far = Far::start(|seen: &Seen| {
        if seen.path.ends_with("/token") {
            let token = json!({ "access_token": "tok-1", "expires_in": "3600" });
            Reply::After(Duration::from_millis(50), Box::new(Reply::Json(200, token)))
        } else {
            Reply::Json(202, json!({}))
        }
    })
    .await;
    let cloudlink = client(&far.url);
    let done = join_all((0..100).map(|_| cloudlink.redirect(CALL, "4001", SOON))).await;
    assert!(done.iter().all(|done| done.as_ref().is_ok_and(|status| status.as_u16() == 202)));
    assert_eq!((far.seen("/token").len(), far.seen("/calls/").len()), (1, 100));
    let state = cloudlink.token_state();
    assert!(state.valid_until.is_some() && state.last_error.is_none() && state.renewals == 1);
}

#[tokio::test]
async fn a_failed_renewal_is_shared_and_not_repeated_at_once() {
    let far = Far::start(|_: &Seen| {
        Reply::Json(401, json!({ "name": "ClientSecretMismatch", "message": "not s3cret & more, s3cret+%26+more" }))
    })
    .await;
    let cloudlink = client(&far.url);
    let done = join_all((0..100).map(|_| cloudlink.redirect(CALL, "4001", SOON))).await;
    let error =
        done.into_iter().map(Result::unwrap_err).inspect(|e| assert_eq!(e.class(), Class::Final)).last().unwrap();
    let text = error.to_string();
    assert!(text.contains("ClientSecretMismatch") && text.contains("auth.client_secret"), "{text}");
    assert!(!format!("{text}{error:?}{cloudlink:?}").contains("s3cret"), "{text}");
    assert!(cloudlink.redirect(CALL, "4001", SOON).await.is_err());
    assert_eq!((far.seen("/token").len(), far.seen("/calls/").len()), (1, 0));
    assert!(cloudlink.token_state().last_error.unwrap().contains("ClientSecretMismatch"));
}

#[tokio::test]
async fn a_token_service_that_is_down_may_come_back() {
    let broken = Arc::new(AtomicUsize::new(1));
    let far = Far::start({
        let broken = broken.clone();
        move |seen: &Seen| match broken.load(Ordering::SeqCst) {
            0 => ok(seen),
            _ => Reply::With(503, "retry-after", "0".into(), json!({})),
        }
    })
    .await;
    let cloudlink = client(&far.url);
    let error = cloudlink.redirect(CALL, "4001", SOON).await.unwrap_err();
    assert!(matches!(error.class(), Class::Retry { .. }), "{error}");
    let error = cloudlink.redirect(CALL, "4001", SOON).await.unwrap_err();
    assert!(matches!(error.class(), Class::Retry { after: Some(_) }), "in the pause: {error}");
    broken.store(0, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(300)).await;
    cloudlink.redirect(CALL, "4001", SOON).await.unwrap();
    assert_eq!(far.seen("/token").len(), 2);
}

/// Numbers its tokens; refuses all before number `good`.
async fn renewing(good: usize) -> Far {
    let number = AtomicUsize::new(0);
    Far::start(move |seen: &Seen| {
        if seen.path.ends_with("/token") {
            let text = format!("tok-{}", number.fetch_add(1, Ordering::SeqCst) + 1);
            return Reply::Json(201, json!({ "access_token": text, "expires_in": 3600 }));
        }
        if (1..good).any(|old| seen.headers["authorization"] == format!("Bearer tok-{old}")) {
            Reply::Json(401, json!({ "name": "Unauthorized", "message": "no valid token" }))
        } else {
            Reply::Json(200, json!({}))
        }
    })
    .await
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_call_repeated_once() {
    let far = renewing(2).await;
    let cloudlink = client(&far.url);
    let done = join_all((0..20).map(|_| cloudlink.redirect(CALL, "4001", SOON))).await;
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    assert_eq!(far.seen("/token").len(), 2);

    let far = renewing(50).await;
    let cloudlink = client(&far.url);
    let error = cloudlink.redirect(CALL, "4001", SOON).await.unwrap_err();
    assert_eq!((error.class(), far.seen("/calls/").len(), far.seen("/token").len()), (Class::Final, 2, 2));
    let error = cloudlink.redirect(CALL, "4001", SOON).await.unwrap_err();
    assert!(matches!(error.class(), Class::Retry { after: Some(_) }), "{error:?}");
    assert_eq!(
        (far.seen("/calls/").len(), far.seen("/token").len()),
        (3, 2),
        "a 401 for ever is no stream of renewals"
    );
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_while_the_old_one_serves() {
    let far = Far::start(|seen: &Seen| {
        if seen.path.ends_with("/token") {
            Reply::Json(201, json!({ "access_token": "tok-1", "expires_in": 1 }))
        } else {
            Reply::Json(200, json!({}))
        }
    })
    .await;
    let cloudlink = client(&far.url);
    cloudlink.redirect(CALL, "4001", SOON).await.unwrap();
    tokio::time::sleep(Duration::from_millis(820)).await;
    cloudlink.redirect(CALL, "4001", SOON).await.unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(far.seen("/token").len(), 2, "fetched behind the second call");
}

#[tokio::test]
async fn a_kept_token_is_renewed_without_any_call() {
    let far = Far::start(|_: &Seen| Reply::Json(201, json!({ "access_token": "tok-1", "expires_in": 0.2 }))).await;
    let cloudlink = client(&far.url);
    let _ = tokio::time::timeout(Duration::from_millis(600), cloudlink.clone().keep_signed_in()).await;
    let requests = far.seen("/token").len();
    assert!((2..=4).contains(&requests), "{requests} requests in 600 ms");
}

#[tokio::test]
async fn failures_have_their_class() {
    let far = Far::start(|seen: &Seen| {
        token_or(seen, || match seen.path.rsplit('/').next().unwrap() {
            "moved" => Reply::Json(404, json!({ "name": "CallNotFound" })),
            "busy" => Reply::With(429, "retry-after", "3".into(), json!({ "message": "slow down" })),
            "date" => Reply::With(503, "retry-after", "2026-02-03T08:15:20Z".into(), json!({})),
            "pbx" => Reply::Json(504, json!({})),
            "hang" => Reply::HangUp,
            "slow" => Reply::After(SOON, Box::new(Reply::Json(200, json!({})))),
            _ => Reply::Text(
                403,
                "text/plain",
                format!(
                    "Invalid key=value pair (missing equal-sign) in Authorization header: '{}'.",
                    seen.headers["authorization"]
                ),
            ),
        })
    })
    .await;
    let redirect_by = async |cloudlink: &CloudLink, call: &str| {
        let call = format!("/endpoints/3001/calls/{call}");
        cloudlink.redirect(&call, "4001", Duration::from_millis(300)).await.unwrap_err()
    };
    for (call, asked) in [("busy", 3), ("date", 20)] {
        let class = redirect_by(&client(&far.url), call).await.class();
        let Class::Retry { after: Some(after) } = class else { panic!("{class:?}") };
        let asked = Duration::from_secs(asked);
        assert!(after >= asked && after < asked + asked / 4, "a little longer at most: {after:?}");
    }
    let (cloudlink, tokens) = (client(&far.url), far.seen("/token").len());
    let redirect = async |call: &str| redirect_by(&cloudlink, call).await;
    assert_eq!(redirect("moved").await.class(), Class::Moved);
    for unknown in ["pbx", "hang", "slow"] {
        assert_eq!(redirect(unknown).await.class(), Class::Unknown, "{unknown}");
    }
    let error = redirect("route").await;
    let Error::Answered(answered) = &error else { panic!("{error}") };
    assert!(answered.no_route && error.class() == Class::Final && far.seen("/token").len() == tokens + 1);
    assert!(error.to_string().contains("no such route") && !format!("{error:?}{error}").contains("tok-1"), "{error:?}");
    assert_eq!(answered.correlation.as_deref(), Some("answered-correlation"));
    assert!(matches!(redirect("../x").await, Error::Address { .. }));
}

#[tokio::test]
async fn nothing_listens() {
    let error = client(&nowhere().await).who_am_i(SOON).await.unwrap_err();
    assert_eq!(error.class(), Class::Retry { after: None }, "{error}");
}

#[tokio::test]
async fn an_answer_is_bounded() {
    let far =
        Far::start(|seen: &Seen| token_or(seen, || Reply::Text(200, "text/plain", "x".repeat(MAX_ANSWER + 1)))).await;
    let error = client(&far.url).call(CALL, SOON).await.unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
    client(&far.url).redirect(CALL, "4001", SOON).await.unwrap();
}

#[tokio::test]
async fn reading_a_call_and_oneself() {
    let far = Far::start(|seen: &Seen| {
        token_or(seen, || {
            if seen.path.ends_with("/token") {
                Reply::Json(200, json!({ "principalId": "gateway", "accountId": "a", "role": "ACCOUNT_ADMIN" }))
            } else {
                Reply::Json(200, json!({ "state": "ringing", "direction": "inbound" }))
            }
        })
    })
    .await;
    let cloudlink = client(&far.url);
    let call = cloudlink.call(CALL, SOON).await.unwrap();
    assert!(call.rings() && call.direction.as_deref() == Some("inbound"));
    assert_eq!(cloudlink.who_am_i(SOON).await.unwrap().principal_id.as_deref(), Some("gateway"));
}

#[tokio::test]
async fn a_message_on_the_wire_and_found_again() {
    let far = Far::start(|seen: &Seen| {
        let message = |tag: &str, at: &str| json!({ "messageId": tag, "tag": super::message_tag(tag), "createdOn": at });
        token_or(seen, || match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", _) => Reply::Json(201, json!({ "messageId": "m" })),
            (_, "/2017-09-01/conversations/c%2F1/messages") => Reply::Json(200, json!({
                "count": 1, "_links": { "next": "/2017-09-01/conversations/c%2F1/messages?$skip=1 0" },
                "_embedded": { "items": [message("late", "2026-02-03T08:15:30.120Z")] },
            })),
            (_, path) if path.contains("$skip=1%200") => Reply::Json(200, json!({
                "_links": { "next": { "href": "/2017-09-01/conversations/c%2F1/messages" } },
                "items": [message("early", "2026-02-03T08:15:29Z"), { "messageId": "other", "tag": "x", "createdOn": null }],
            })),
            (_, path) if path.contains("bare") => Reply::Json(200, json!([message("x", "")])),
            _ => Reply::Json(200, json!({ "count": 0, "_links": {} })),
        })
    })
    .await;
    let cloudlink = client(&far.url);
    assert_eq!(
        cloudlink.send_message("c/1", "We open at \"nine\".", Content::Text, "ab12", SOON).await.unwrap()["messageId"],
        "m"
    );
    let post = &far.seen("/messages")[0];
    assert_eq!(post.path, "/2017-09-01/conversations/c%2F1/messages");
    assert_eq!(post.body, r#"{"body":"We open at \"nine\".","contentType":"text/plain","tag":"{\"swh\":\"ab12\"}"}"#);
    let recent = cloudlink.recent_messages("c/1", SOON).await.unwrap();
    let ids: Vec<_> = recent.messages.iter().map(|message| message.id.as_deref().unwrap()).collect();
    assert_eq!(ids, ["other", "early", "late"]);
    assert!(!recent.complete, "a link that leads in a circle is not followed");
    assert!(recent.messages[2].is_tagged("late") && !recent.messages[0].is_tagged("x"));
    assert_eq!(cloudlink.recent_messages("bare", SOON).await.unwrap().messages.len(), 1);
    let empty = cloudlink.recent_messages("empty", SOON).await.unwrap();
    assert!(empty.messages.is_empty() && empty.complete);
    assert!(matches!(cloudlink.send_message("..", "x", Content::Text, "t", SOON).await, Err(Error::Address { .. })));
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_was_never_sent() {
    // Accepts, and never answers the TLS greeting.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let request = reqwest::Request::new(reqwest::Method::POST, url);
    let lost = line(&Wire::new()).send(request, tokio::time::Instant::now() + SOON).await.unwrap_err();
    // A machine without CA certificates cannot even begin, and says what to install.
    assert!(
        matches!(&lost, Lost::NotConnected(why) if why == "no connection within 3 s")
            || matches!(&lost, Lost::Setup(why) if why.contains("ca-certificates")),
        "{lost}"
    );
}

#[tokio::test]
async fn a_host_has_so_many_places() {
    let far =
        Far::start(|_: &Seen| Reply::After(Duration::from_millis(300), Box::new(Reply::Json(200, json!({}))))).await;
    let line = line(&Wire::new());
    let send = |within| {
        let request = reqwest::Request::new(reqwest::Method::GET, far.url.parse().unwrap());
        line.send(request, tokio::time::Instant::now() + within)
    };
    let (busy, late) =
        tokio::join!(join_all((0..HostPolicy::STEPS.places).map(|_| send(SOON))), send(Duration::from_millis(100)));
    assert!(busy.iter().all(Result::is_ok));
    assert_eq!(late.unwrap_err(), Lost::NotSentInTime);
    assert!(send(SOON).await.is_ok());
}

#[tokio::test]
async fn a_host_that_hangs_takes_no_connection_from_another() {
    let hangs = Far::start(|_: &Seen| Reply::After(SOON, Box::new(Reply::HangUp))).await;
    let well = Far::start(|_: &Seen| Reply::Json(200, json!({}))).await;
    let line = line(&Wire::new());
    let send = |far: &Far| {
        let request = reqwest::Request::new(reqwest::Method::GET, far.url.parse().unwrap());
        line.send(request, tokio::time::Instant::now() + SOON)
    };
    let all_hang = async {
        while hangs.seen("").len() < HostPolicy::STEPS.places {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        join_all((0..HostPolicy::STEPS.places).map(|_| send(&well))).await
    };
    tokio::select! {
        _ = join_all((0..2 * HostPolicy::STEPS.places).map(|_| send(&hangs))) => panic!("it does not hang"),
        answers = all_hang => assert!(answers.iter().all(Result::is_ok)),
    }
}

#[tokio::test]
async fn a_forbidden_name_is_told_from_one_that_is_unknown() {
    struct Never;
    impl Resolve for Never {
        fn resolve(&self, _: Name) -> Resolving {
            Box::pin(async { Err(ForbiddenName("the name leads elsewhere".into()).into()) })
        }
    }
    let request = reqwest::Request::new(reqwest::Method::GET, "http://crm.example/".parse().unwrap());
    let line = line(&Wire::guarded(Arc::new(Never)));
    let lost = line.send(request, tokio::time::Instant::now() + SOON).await.unwrap_err();
    assert_eq!(lost, Lost::Forbidden("the name leads elsewhere".into()));
}

#[tokio::test]
async fn a_token_does_not_come_back_in_another_spelling() {
    let far = Far::start(|seen: &Seen| {
        if seen.path.ends_with("/token") {
            return Reply::Json(201, json!({ "access_token": "tok/one+two", "expires_in": 3600 }));
        }
        Reply::Text(403, "text/plain", "no: access_token=tok%2Fone%2Btwo and tok/one+two".into())
    })
    .await;
    let Err(Error::Answered(answered)) = client(&far.url).redirect(CALL, "4001", SOON).await else { panic!() };
    assert_eq!(answered.body, "no: access_token=[secret] and [secret]");
}
