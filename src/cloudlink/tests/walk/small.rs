//! The APIs that have few routes.

use serde_json::{Map, json};

use super::{ACCOUNT, ALL, EACH, SOON, Told, USER, all, one};
use crate::cloudlink::notifications::{NewPublication, Subscription};
use crate::cloudlink::presence::Presence;
use crate::cloudlink::{Application, CloudLink, Error, Query};
use crate::kit::secret::Secret;

const APPLICATION: &str = "6f0d3d7e-1c55-4c39-8a8b-0a6a3c0d9e77";
const SUBSCRIPTION: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const SOURCE: &str = "1f6e3c52-9f9a-4a55-8b1b-0d2f6f6c7a01";

pub(super) async fn call(c: &CloudLink, name: &str) -> Result<Told, Error> {
    let application = Application {
        account_id: Some(ACCOUNT.into()),
        name: Some("Front desk".into()),
        description: Some("Redirects calls after hours".into()),
        active: Some(true),
        redirect_uris: Some(vec!["https://gw.example/callback".into()]),
        ..Application::default()
    };
    let subscription = Subscription {
        application_id: Some(Secret::new("9f1c2b3a-0000-4000-8000-000000000001")),
        device_id: Some("https://gw.example/notify/main".into()),
        transport: Some("webhook".into()),
        topic: Some("platform-api-media".into()),
        subject_filter: Some("^/2017-09-01/endpoints/3001/calls/".into()),
        publication_filter: Some("$.publications[?(@.content.state == 'ringing')]".into()),
        expires: Some("2026-03-01T00:00:00Z".parse().unwrap()),
        ..Subscription::default()
    };
    let longer = Subscription { expires: Some("2026-03-02T00:00:00Z".parse().unwrap()), ..Subscription::default() };
    let publication = NewPublication {
        topic: Some("App-Switchhook".into()),
        method: Some("POST".into()),
        subject: Some("/cards/3001".into()),
        content: Some(json!({ "title": "VIP" })),
        principal_filter: Some(vec![USER.into()]),
        ..NewPublication::default()
    };
    let presence = |status: &str, reason: Option<&str>| Presence {
        status: Some(status.into()),
        reason: reason.map(str::to_owned),
        ..Presence::default()
    };
    let (busy, free) = (presence("Busy", Some("in a meeting")), presence("Available", None));
    let gone = presence("Offline", Some("gone home"));
    let agreements = Query { other: &[("offset", "0"), ("limit", "50")], ..Query::ALL };
    match name {
        "POST token" | "GET token" => one(async { Ok(c.who_am_i(SOON).await?.claims) }),
        "GET applications" => all(c.applications(&Query { top: Some(50), ..Query::ALL }, EACH)),
        "POST applications" => one(c.create_application(&application, SOON)),
        "GET application" => one(c.application(APPLICATION, SOON)),
        "PUT application" => one(c.change_application(APPLICATION, &application, SOON)),

        "POST subscriptions" => one(c.subscribe(&subscription, SOON)),
        "GET subscriptions" => all(c.subscriptions(ALL, EACH)),
        "GET subscription" => one(c.subscription(SUBSCRIPTION, SOON)),
        "PUT subscription" => one(c.change_subscription(SUBSCRIPTION, &longer, SOON)),
        "DELETE subscription" => one(async { c.unsubscribe(SUBSCRIPTION, SOON).await }),
        "POST connections" => one(c.connect(Map::new(), SOON)),
        "POST publications" => one(c.publish(&publication, SOON)),

        "GET presentities" => all(c.presentities(ALL, EACH)),
        "GET presentity" => one(async {
            let seen = c.presentity(USER, SOON).await?;
            assert_eq!(seen.aggregate().unwrap().status.as_deref(), Some("Busy"));
            assert_eq!(seen.own().unwrap().status.as_deref(), Some("Available"));
            Ok(seen)
        }),
        "PUT presentity" => one(c.set_presence(USER, &busy, SOON)),
        "GET presence_category" => one(c.presence_category(USER, "apps", SOON)),
        "POST presence_category" => one(c.create_presence_source(USER, "apps", SOURCE, &free, SOON)),
        "PUT presence_source" => one(c.set_presence_source(USER, "apps", SOURCE, &gone, SOON)),
        "GET presence_source" => one(c.presence_source(USER, "apps", SOURCE, SOON)),
        "DELETE presence_source" => one(c.delete_presence_source(USER, "apps", SOURCE, SOON)),

        "GET agreements" => all(c.agreements(&agreements, EACH)),
        "GET agreement" => one(c.agreement("agr-1", SOON)),
        "GET products" => all(c.products(ALL, EACH)),
        "GET product" => one(c.product("prd-1", SOON)),
        other => panic!("{other}: nothing calls it"),
    }
    .await
}
