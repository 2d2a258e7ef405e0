//! Signing in, applications, notifications, presence, agreements and products.

use serde_json::{Map, json};
use switchhook::cloudlink::auth::{self, Guest, Role};
use switchhook::cloudlink::login::Login;
use switchhook::cloudlink::notifications::{NewPublication, Subscription};
use switchhook::cloudlink::presence::Presence;
use switchhook::cloudlink::store::Store;
use switchhook::cloudlink::transport::Wire;
use switchhook::cloudlink::{Application, Auth, Query};
use switchhook::kit::chance::Chance;
use switchhook::kit::clock::Clock;
use switchhook::kit::secret::Secret;
use switchhook::simulator::Tenant;

use super::stage::{EACH, SOON, Stage, client, credentials};
use super::{all, have};

const ALL: &Query<'static> = &Query::ALL;

/// Every way in, and who one is then.
pub(super) async fn signing_in(stage: &Stage) {
    let state = tempfile::tempdir().unwrap();
    let store = Store::new(state.path(), "main");
    let application = auth::Application {
        client_id: "simulator".to_owned(),
        redirect_uri: "http://127.0.0.1/callback".parse().unwrap(),
        scope: Some("openid profile".to_owned()),
        portal: stage.bench.running.portal_url().parse().unwrap(),
        store: store.clone(),
    };
    let options = stage.options(&stage.account, Auth::AuthorizationCode(Box::new(application.clone())));
    let (wire, redirect_uri) = (Wire::new(), application.redirect_uri);
    let login = Login::new(&options, redirect_uri, &wire, &Clock::system(), &Chance::system()).unwrap().unwrap();
    let code = login.code_for("admin@example.com", &Secret::new("simulator")).await.unwrap();
    let first = login.exchange(code).await.unwrap().refresh_token.unwrap();

    let role =
        Role { role: "ACCOUNT_ADMIN".to_owned(), account_id: Some(Tenant::customer().account_id), policy_id: None };
    let guest =
        Guest { name: Some("Gil Guest".to_owned()), email: Some("gil@visitor.example".to_owned()), ..Guest::default() };
    let (own, partner) = (stage.account.clone(), Tenant::partner().account_id);
    let password = Secret::new("simulator");
    for (account, way, of, named) in [
        (&own, Auth::RefreshToken { first, store }, &own, "ACCOUNT_ADMIN"),
        (&own, Auth::Password { username: "admin@example.com".to_owned(), password }, &own, "ACCOUNT_ADMIN"),
        (&own, credentials("simulator"), &own, "ACCOUNT_ADMIN"),
        (&own, Auth::Guest(guest), &own, "GUEST"),
        (
            &partner,
            Auth::Assumed { by: Box::new(credentials("partner")), role },
            &Tenant::customer().account_id,
            "ACCOUNT_ADMIN",
        ),
    ] {
        let who = client(stage.options(account, way)).who_am_i(SOON).await.unwrap();
        assert_eq!((who.account_id.as_ref(), who.role.as_deref()), (Some(of), Some(named)));
    }
}

/// A partner registers an application and enables it at a customer's.
pub(super) async fn applications(stage: &Stage) {
    let c = &stage.partner;
    let application = Application {
        name: Some("Front desk".into()),
        description: Some("Redirects calls after hours".into()),
        active: Some(true),
        redirect_uris: Some(vec!["https://gw.example/callback".into()]),
        ..Application::default()
    };
    let made = c.create_application(&application, SOON).await.unwrap();
    let id = have(made.application_id.as_deref());
    let on = Application { account_id: Some(stage.account.clone()), ..application };
    c.change_application(id, &on, SOON).await.unwrap();
    assert_eq!(c.application(id, SOON).await.unwrap().redirect_uris, made.redirect_uris);
    assert!(all(c.applications(ALL, EACH)).await.iter().any(|one| one.application_id == made.application_id));
}

/// A webhook, a websocket, and something of our own to publish.
pub(super) async fn notifications(stage: &Stage) {
    let c = &stage.own;
    let wish = Subscription {
        application_id: Some(Secret::new("9f1c2b3a-0000-4000-8000-000000000001")),
        device_id: Some("http://127.0.0.1:9/notify/main".into()),
        transport: Some("webhook".into()),
        topic: Some("App-Switchhook".into()),
        subject_filter: Some("^/cards/9999/".into()),
        method_filter: Some("POST".into()),
        publication_filter: Some("$.publications[?(@.content.state == 'ringing')]".into()),
        expires: Some("2999-01-01T00:00:00Z".parse().unwrap()),
        ..Subscription::default()
    };
    let made = c.subscribe(&wish, SOON).await.unwrap();
    let id = have(made.subscription_id.as_deref());
    let longer = Subscription { expires: Some("2999-01-02T00:00:00Z".parse().unwrap()), ..wish };
    assert_eq!(c.change_subscription(id, &longer, SOON).await.unwrap().expires, longer.expires);
    assert_eq!(c.subscription(id, SOON).await.unwrap().expires, longer.expires);
    assert_eq!(all(c.subscriptions(ALL, EACH)).await.len(), 1);
    c.unsubscribe(id, SOON).await.unwrap();
    // The second time there is nothing, which is just as well.
    c.unsubscribe(id, SOON).await.unwrap();
    assert!(c.connect(Map::new(), SOON).await.unwrap().url.expose().starts_with("ws://"));
    let publication = NewPublication {
        topic: Some("App-Switchhook".into()),
        method: Some("POST".into()),
        subject: Some("/cards/3001".into()),
        content: Some(json!({ "title": "VIP" })),
        principal_filter: Some(vec![stage.user.clone()]),
        ..NewPublication::default()
    };
    assert!(c.publish(&publication, SOON).await.unwrap().publication_id.is_some());
}

/// Somebody is overridden, and a calendar says where they are.
pub(super) async fn presence(stage: &Stage) {
    let (c, user) = (&stage.own, stage.user.as_str());
    let says = |status: &str| Presence {
        status: Some(status.into()),
        reason: Some("as the calendar says".into()),
        ..Presence::default()
    };
    let status = async || c.presentity(user, SOON).await.unwrap().aggregate().unwrap().status.unwrap();
    assert!(all(c.presentities(ALL, EACH)).await.iter().any(|one| one.principal_id.as_deref() == Some(user)));
    c.create_presence_source(user, "calendar", "s-1", &says("Away"), SOON).await.unwrap();
    c.set_presence_source(user, "calendar", "s-1", &says("Busy"), SOON).await.unwrap();
    c.presence_category(user, "calendar", SOON).await.unwrap();
    c.presence_source(user, "calendar", "s-1", SOON).await.unwrap();
    assert_eq!(status().await, "Busy");
    c.set_presence(user, &says("DoNotDisturb"), SOON).await.unwrap();
    assert_eq!(status().await, "DoNotDisturb");
    c.set_presence(user, &says("Available"), SOON).await.unwrap();
    c.delete_presence_source(user, "calendar", "s-1", SOON).await.unwrap();
    assert_eq!(status().await, "Available");
}

/// What the account has bought.
pub(super) async fn service_delivery(stage: &Stage) {
    let c = &stage.own;
    let agreements = all(c.agreements(&Query { other: &[("offset", "0"), ("limit", "50")], ..Query::ALL }, EACH)).await;
    let id = agreements[0].id().unwrap();
    assert_eq!(c.agreement(&id, SOON).await.unwrap().status().as_deref(), Some("active"));
    let products = all(c.products(ALL, EACH)).await;
    assert_eq!(c.product(&products[2].id().unwrap(), SOON).await.unwrap(), products[2]);
}
