//! What settings change on the wire.

use futures_util::StreamExt as _;
use serde_json::json;

use super::SOON;
use crate::cloudlink::testing::{Far, Reply, Seen, client_with, token_or};
use crate::cloudlink::{Api, AppHeader, Class, Error, Options, Paging, Paths, Query};

async fn far() -> Far {
    Far::start(|seen: &Seen| token_or(seen, || Reply::Json(200, json!({ "items": [{ "id": 1 }] })))).await
}

#[tokio::test]
async fn an_assumed_route_can_be_moved() {
    let far = far().await;
    let paths = Paths::new([("attachment", "/files/{attachment}/in/{conversation}"), ("sites", "/sites")]).unwrap();
    let cloudlink = client_with(&far.url, |options| Options { paths, ..options });
    cloudlink.attachment("c", "a b", SOON).await.unwrap();
    assert_eq!(far.seen("/files/")[0].path, "/2017-09-01/files/a%20b/in/c");
    let sites: Vec<_> = cloudlink.sites("acc", &Query::ALL, Paging::each(SOON)).collect().await;
    assert_eq!(sites[0].as_ref().unwrap().site_id.as_deref(), Some("1"));
    assert_eq!(far.seen("/sites")[0].path, "/2017-09-01/sites");
    let error = cloudlink.delete_attachment("..", "a", SOON).await.unwrap_err();
    assert!(error.to_string().contains("attachment") && matches!(error, Error::Address { .. }), "{error}");
}

#[tokio::test]
async fn service_delivery_has_no_address_unless_one_is_set() {
    let far = far().await;
    let mut unset = None;
    let cloudlink = client_with(&far.url, |mut options| {
        unset = options.urls.service_delivery.take();
        options
    });
    let error = cloudlink.agreement("1", SOON).await.unwrap_err();
    assert!(error.class() == Class::Final && error.to_string().contains("set urls.service_delivery"), "{error}");
    let pages: Vec<_> = cloudlink.pages(Api::ServiceDelivery, "/products", Paging::each(SOON)).collect().await;
    assert!(pages.len() == 1 && pages[0].is_err() && far.seen("").is_empty());
    assert!(unset.is_some());
}

#[tokio::test]
async fn the_application_is_named_as_the_setting_says() {
    let far = far().await;
    for (app, end) in [(AppHeader::SessionId, ";session-id=session-1"), (AppHeader::Bare, ";session=session-1;")] {
        client_with(&far.url, |options| Options { app, ..options }).user_anywhere("u", SOON).await.unwrap();
        assert!(far.seen("/users").last().unwrap().headers["x-mitel-app"].ends_with(end));
    }
    client_with(&far.url, |options| Options { app: AppHeader::Off, ..options }).user_anywhere("u", SOON).await.unwrap();
    assert!(!far.seen("/users").last().unwrap().headers.contains_key("x-mitel-app"));
}

#[tokio::test]
async fn keys_and_passwords_are_in_no_general_answer() {
    let far = Far::start(|seen: &Seen| {
        token_or(seen, || Reply::Json(200, json!({ "items": [{ "applicationId": "k", "sipPassword": "p", "id": 1 }] })))
    })
    .await;
    let cloudlink = client_with(&far.url, |options| options);
    for (api, seen) in [(Api::Notifications, false), (Api::Authentication, true)] {
        let (_, all) = cloudlink.ask_all(api, "/things", SOON).await.unwrap();
        let (_, one) = cloudlink.ask(reqwest::Method::GET, api, "/things", None, SOON).await.unwrap();
        for answer in [all, one] {
            let text = answer.to_string();
            assert!(text.contains("applicationId") == seen && !text.contains("sipPassword"), "{text}");
        }
    }
    let typed: Vec<_> = cloudlink.subscriptions(&Query::ALL, Paging::each(SOON)).collect().await;
    assert!(typed[0].as_ref().unwrap().application_id.is_some());
}
