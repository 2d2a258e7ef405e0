//! Every route three ways: the client has a function for it, the simulator serves it, and what the simulator answers has
//! the shape of the exchanges that are recorded of it.
//!
//! `stage` is a simulator with the typed client before it and an ear between them; `admin`, `media`, `chat` and `small` are
//! the script that calls everything once; `shape` holds what was heard against the recordings.

mod admin;
mod chat;
mod media;
mod shape;
mod small;
mod stage;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::Value;
use switchhook::cloudlink::{Items, ROUTES};
use switchhook::simulator::{self, Variant};

use stage::Stage;

/// What the simulator serves and no function of the client calls, and why.
const WITHOUT_FUNCTION: &[(&str, &[&str], &str)] = &[
    ("authentication /authorize", &["GET"], "the portal's page, for browsers"),
    ("admin /accounts/{}/tags", &["GET"], "tags come with `$expand=tags`"),
    ("admin /accounts/{}/users/{}/tags", &["GET"], "tags come with `$expand=tags`"),
    ("admin /accounts/{}/users/{}/photo", &["GET", "DELETE"], "a photo is received by its `photoUrl`"),
    ("admin /accounts/{}/groups/{}/photo", &["GET", "DELETE"], "a photo is received by its `photoUrl`"),
    ("admin /accounts/{}/contacts/{}/photo", &["GET", "DELETE"], "a photo is received by its `photoUrl`"),
    ("admin /accounts/{}/groups/{}/members/{}", &["PUT"], "the other guess at how a member is added"),
    ("admin /accounts/{}/sites", &["POST"], "sites are only read: they come from the PBX"),
    ("admin /accounts/{}/sites/{}", &["PUT", "DELETE"], "sites are only read: they come from the PBX"),
    ("admin /accounts/{}/entities", &["POST"], "entities are only read: nobody says what is in one"),
    ("admin /accounts/{}/entities/{}", &["PUT", "DELETE"], "entities are only read: nobody says what is in one"),
    ("chat /conversations/{}/attachments/{}/metadata", &["PUT"], "metadata are only read"),
    ("chat /conversations/{}/attachments/{}/content", &["GET", "PUT"], "the paths of 2017, which settings can name"),
];

/// The worlds in which everything is called: the plain one, and two in which what Mitel does not say is otherwise.
const WORLDS: [&[Variant]; 3] = [
    &[],
    &[
        Variant::Ok200,
        Variant::ControlDone,
        Variant::SubscriptionsArray,
        Variant::EndpointAccepted,
        Variant::DeliveryGuide,
        Variant::ConnectionNested,
    ],
    &[
        Variant::Ok200,
        Variant::SubscriptionBare,
        Variant::SubscriptionId,
        Variant::SmallPages,
        Variant::NextAbsolute,
        Variant::CountTotal,
    ],
];

/// A path with the names of what varies left out: `/users/{}/tags/{}`.
fn plain(template: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() };
    template.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// The client's routes: `chat GET /conversations`.
fn of_client() -> BTreeSet<String> {
    let title = |api: &str, method: &str, template: &str| format!("{api} {method} {}", plain(template));
    ROUTES.iter().map(|route| title(route.place.api().name(), route.method, route.place.template())).collect()
}

/// A route of the simulator, written like one of the client.
fn title(route: &simulator::Route) -> String {
    format!("{} {} {}", route.service.host().replace('-', "_"), route.method, plain(route.template))
}

#[test]
fn the_client_and_the_simulator_have_the_same_routes() {
    let (client, served) = (of_client(), simulator::routes().iter().map(title).collect::<BTreeSet<_>>());
    let without_function: BTreeSet<String> = WITHOUT_FUNCTION
        .iter()
        .flat_map(|(place, methods, _)| {
            let (api, path) = place.split_once(' ').unwrap();
            methods.iter().map(move |method| format!("{api} {method} {path}"))
        })
        .collect();
    let missing: Vec<_> = client.difference(&served).collect();
    assert!(missing.is_empty(), "the simulator lacks {missing:#?}");
    let more: BTreeSet<String> = served.difference(&client).cloned().collect();
    assert_eq!(more, without_function, "what only the simulator has, and what is known of that");
}

/// All items of a list; an error fails the test.
async fn all<T>(mut items: Items<T>) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(item) = items.next().await {
        all.push(item.unwrap());
    }
    all
}

/// A field that the simulator always fills in.
fn have(text: Option<&str>) -> &str {
    text.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_is_called_with_success_and_answers_as_recorded() {
    let mut heard = Vec::new();
    for world in WORLDS {
        let stage = Stage::start(world).await;
        call_everything(&stage).await;
        let called = in_the_books(&stage).await;
        let missing: Vec<String> = of_client().difference(&called).cloned().collect();
        assert!(missing.is_empty(), "never answered with success under {world:?}: {missing:#?}");
        heard.push(stage.heard());
    }
    shape::compare(&heard);
}

async fn call_everything(stage: &Stage) {
    small::signing_in(stage).await;
    small::applications(stage).await;
    small::notifications(stage).await;
    small::presence(stage).await;
    small::service_delivery(stage).await;
    admin::accounts(stage).await;
    admin::users(stage).await;
    admin::groups(stage).await;
    admin::contacts(stage).await;
    admin::what_else_an_account_has(stage).await;
    admin::policies(stage).await;
    media::calls(stage).await;
    media::history(stage).await;
    media::conferences(stage).await;
    media::recordings(stage).await;
    chat::conversations(stage).await;
    chat::messages(stage).await;
    chat::attachments_and_tags(stage).await;
    chat::the_end(stage).await;
}

/// The routes that the simulator's books say were answered with success.
async fn in_the_books(stage: &Stage) -> BTreeSet<String> {
    let books = stage.bench.control(Method::GET, "/books/requests", Value::Null).await.1;
    let mut called = BTreeMap::new();
    for entry in books["requests"].as_array().unwrap() {
        let (method, path) = (entry["method"].as_str().unwrap(), entry["path"].as_str().unwrap());
        let well = entry["status"].as_u64().is_some_and(|status| (200..300).contains(&status));
        let title = stage::title(method, path).unwrap_or_else(|| panic!("{method} {path} is no route"));
        *called.entry(title).or_insert(false) |= well;
    }
    called.into_iter().filter(|(_, well)| *well).map(|(title, _)| title).collect()
}
