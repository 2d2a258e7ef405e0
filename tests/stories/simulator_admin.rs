//! Stories of the simulator's accounts, in plain HTTP: what each has, and that none sees another's. No code of the gateway is used.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use switchhook::simulator::{Options, Tenant};

use super::simulator::{Bench, Receiver};
use super::simulator_signin::{Someone, account, items};

#[tokio::test]
async fn no_account_sees_another_unless_it_is_the_partner_s() {
    let bench = Bench::start(Options::default()).await;
    let (own, other, partner) = (
        Someone::client(&bench, "simulator").await,
        Someone::client(&bench, "customer").await,
        Someone::client(&bench, "partner").await,
    );
    let call = bench.ring("3001").await;
    let conversation = bench.conversation().await;
    let wish = json!({ "applicationId": "a", "deviceId": "http://127.0.0.1:1/", "transport": "webhook",
        "topic": "platform-api-media", "subjectFilter": ".*" });
    let subscription = own.api(Method::POST, "/subscriptions", wish).await.1;
    let meeting = own.api(Method::POST, "/conferences", json!({ "name": "x" })).await.1;
    let recording = items(&own.get("/recordings").await)[0]["recordingId"].clone();
    let user = items(&own.get(&format!("/accounts/{}/users", account())).await)[0]["userId"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let paths = [
        format!("/endpoints/3001/calls/{call}"),
        conversation,
        format!("/subscriptions/{}", text(&subscription["subscriptionId"])),
        format!("/conferences/{}", text(&meeting["id"])),
        format!("/recordings/{}", text(&recording)),
        format!("/users/{}", text(&user)),
        format!("/presentities/{}", text(&user)),
        format!("/accounts/{}", account()),
        format!("/accounts/{}/users/{}", account(), text(&user)),
        "/accounts/10000495/contacts".to_owned(),
        "/agreements/A-10000495-1".to_owned(),
    ];
    for path in &paths {
        assert_eq!(own.api(Method::GET, path, Value::Null).await.0, 200, "{path}");
        let (status, body) = other.api(Method::GET, path, Value::Null).await;
        assert!(matches!(status, 403 | 404), "{path} {status} {body}");
    }
    assert_eq!(items(&other.get("/subscriptions").await), [] as [Value; 0]);
    assert_eq!(items(&other.get("/conversations").await), [] as [Value; 0]);
    assert_eq!(items(&other.get("/accounts").await).len(), 1);
    assert_eq!(items(&partner.get("/accounts").await).len(), 3);
    let by_name = partner.get("/accounts?$filter=substringof('rental', name)").await;
    assert_eq!(items(&by_name)[0]["accountNumber"], Tenant::customer().account_number);
    assert_eq!(items(&partner.get(&format!("/accounts/{}/users?$top=2", account())).await).len(), 2);
    // Acting in a customer's account.
    let role = json!({ "role": "ACCOUNT_ADMIN", "accountId": account() });
    assert_eq!(other.api(Method::POST, "/assume-role/token", role.clone()).await.0, 403);
    let (status, pair) = partner.api(Method::POST, "/assume-role/token", role).await;
    assert_eq!(status, 201);
    let acting = Someone { bench: &bench, token: text(&pair["access_token"]) };
    assert_eq!(acting.get(&paths[0]).await["callId"], call);
    assert_eq!(acting.api(Method::GET, "/accounts/10000777", Value::Null).await.0, 403);
}

#[tokio::test]
async fn publications_stay_within_their_account() {
    let (bench, receiver) = (Bench::start(Options::default()).await, Receiver::start(0).await);
    let (other, own) = (Someone::client(&bench, "customer").await, Someone::client(&bench, "simulator").await);
    let wish = json!({ "applicationId": "a", "deviceId": receiver.url, "transport": "webhook",
        "topic": "platform-api-media", "subjectFilter": ".*" });
    assert_eq!(other.api(Method::POST, "/subscriptions", wish).await.0, 201);
    bench.ring("3001").await;
    own.api(Method::POST, "/endpoints/3001/calls", json!({ "to": "3002" })).await;
    other.api(Method::POST, "/endpoints/3007/calls", json!({ "to": "+16135550199" })).await;
    let came = receiver.wait(1).await;
    assert_eq!((came.len(), &came[0]["content"]["endpointId"]), (1, &json!("3007")));
    assert_eq!(came[0]["publisher"]["accountId"], Tenant::customer().account_id);
}

#[tokio::test]
async fn users_are_made_changed_patched_and_removed_and_it_is_told() {
    let (bench, receiver) = (Bench::start(Options::default()).await, Receiver::start(0).await);
    bench.listen(&receiver.url, "platform-api-admin").await;
    let users = format!("/accounts/{}/users", account());
    let new = json!({ "name": "Nina New", "email": "nina@example.com", "extension": "3900" });
    let (status, made) = bench.api(Method::POST, &users, new.clone()).await;
    assert_eq!((status, made["sipPassword"].is_string()), (201, true));
    assert_eq!(bench.api(Method::POST, &users, new).await.0, 409);
    let (status, error) = bench.api(Method::POST, &users, json!({ "name": "x", "shoeSize": 43 })).await;
    assert_eq!((status, error["message"].as_str().unwrap().contains("additional properties")), (400, true));
    let one = format!("{users}/{}", made["userId"].as_str().unwrap());
    assert_eq!(bench.api(Method::PUT, &one, json!({ "displayName": "Nina" })).await.1["displayName"], "Nina");
    let operations = json!({ "operations": [
        { "op": "put", "id": made["userId"], "body": { "mobile": "+16135550777" } },
        { "op": "delete", "id": "nobody" },
        { "op": "post", "body": { "name": "Otto", "email": "otto@example.com" } },
    ] });
    let (status, done) = bench.api(Method::PATCH, &users, operations).await;
    let statuses: Vec<u64> =
        done["operations"].as_array().unwrap().iter().map(|o| o["statusCode"].as_u64().unwrap()).collect();
    assert_eq!((status, statuses), (200, vec![200, 404, 201]));
    assert_eq!(bench.api(Method::DELETE, &one, Value::Null).await.0, 204);
    assert_eq!(bench.api(Method::GET, &one, Value::Null).await.0, 404);
    let came = receiver.wait(5).await;
    let mut methods: Vec<&str> = came.iter().map(|publication| publication["method"].as_str().unwrap()).collect();
    methods.sort_unstable();
    assert_eq!(methods, ["DELETE", "POST", "POST", "PUT", "PUT"]);
    let of_nina = came.iter().filter(|publication| publication["subject"] == one);
    assert_eq!(of_nina.count(), 4);
}

#[tokio::test]
async fn many_users_are_paged_over_links_with_raw_quotes_and_spaces() {
    let bench = Bench::start(Options { users: 2500, ..Options::default() }).await;
    let origin = bench.running.api_url().replace("/2017-09-01", "");
    let mut next =
        Some("/2017-09-01/accounts/10000495/users?$filter=role eq 'USER' and extension ne '3005'&$top=1000".to_owned());
    let (mut ids, mut pages) = (BTreeSet::new(), 0);
    while let Some(path) = next {
        assert!(pages == 0 || path.contains("role eq 'USER' and"), "{path}");
        let url = url::Url::parse(&(origin.clone() + &path)).unwrap();
        let (status, page) = bench.send(bench.http.get(url).bearer_auth(&bench.token)).await;
        assert_eq!(status, 200, "{page}");
        ids.extend(items(&page).into_iter().map(|user| user["userId"].as_str().unwrap().to_owned()));
        next = page["_links"]["next"].as_str().map(str::to_owned);
        pages += 1;
    }
    assert_eq!((ids.len(), pages), (2498, 3));
}

#[tokio::test]
async fn groups_contacts_sites_clients_and_tags_are_kept() {
    let bench = Bench::start(Options::default()).await;
    let base = format!("/accounts/{}", account());
    let sites = bench.api(Method::GET, &format!("{base}/sites"), Value::Null).await.1;
    let zones: Vec<Value> = items(&sites).iter().map(|site| site["timeZone"].clone()).collect();
    assert_eq!(zones, ["America/Toronto", "Europe/Berlin"]);
    let group = items(&bench.api(Method::GET, &format!("{base}/groups"), Value::Null).await.1)[0]["groupId"].clone();
    let members = format!("{base}/groups/{}/members", group.as_str().unwrap());
    let before = items(&bench.api(Method::GET, &members, Value::Null).await.1);
    let contact =
        bench.api(Method::POST, &format!("{base}/contacts"), json!({ "name": "Carl", "contactType": "ON_SITE" })).await;
    assert_eq!(contact.0, 201);
    let wrong = json!({ "name": "Carl", "contactType": "FRIEND" });
    assert_eq!(bench.api(Method::POST, &format!("{base}/contacts"), wrong).await.0, 400);
    let joined = bench.api(Method::POST, &members, json!({ "memberId": contact.1["contactId"] })).await;
    assert_eq!((joined.0, &joined.1["type"]), (201, &json!("CONTACT")));
    assert_eq!(items(&bench.api(Method::GET, &members, Value::Null).await.1).len(), before.len() + 1);
    // A new client can sign in; its secret is shown once.
    let (status, client) =
        bench.api(Method::POST, &format!("{base}/clients"), json!({ "name": "bot", "role": "USER" })).await;
    assert_eq!(status, 201);
    let list = bench.api(Method::GET, &format!("{base}/clients"), Value::Null).await.1;
    assert!(!list.to_string().contains("clientSecret"));
    let fields = json!({ "grant_type": "client_credentials", "client_id": client["clientId"], "client_secret": client["clientSecret"] });
    let bot = Someone::new(&bench, fields).await;
    assert_eq!(bot.api(Method::POST, &format!("{base}/groups"), json!({ "name": "x" })).await.0, 403);
    // Tags come along when they are asked for.
    let user = before[0]["userId"].as_str().unwrap().to_owned();
    let tag = format!("{base}/users/{user}/tags/desk");
    assert_eq!(bench.api(Method::PUT, &tag, json!({ "floor": 3 })).await.0, 200);
    let expanded = bench.api(Method::GET, &format!("{base}/users/{user}?$expand=tags"), Value::Null).await.1;
    assert_eq!(items(&expanded["_embedded"]["tags"])[0]["value"]["floor"], 3);
    assert_eq!(bench.api(Method::DELETE, &tag, Value::Null).await.0, 204);
    // Mails.
    let forgot = json!({ "email": "admin@example.com", "action": "forgot", "accountId": account() });
    let url = bench.running.api_url() + "/users/admin@example.com/password";
    assert_eq!(bench.send(bench.http.put(url).json(&forgot)).await.0, 200);
    let nobody = bench.running.api_url() + "/users/nobody@example.com/password";
    assert_eq!(bench.send(bench.http.put(nobody).json(&forgot)).await.0, 404);
    assert_eq!(bench.control(Method::GET, "/mails", Value::Null).await.1["mails"].as_array().unwrap().len(), 1);
    // Photos are bytes.
    let photo = bench.running.api_url() + &format!("{base}/users/{user}/photo");
    let put = bench.http.put(&photo).bearer_auth(&bench.token).header("content-type", "image/png").body(vec![1, 2, 3]);
    assert_eq!(bench.send(put).await.0, 204);
    let got = bench.http.get(&photo).bearer_auth(&bench.token).send().await.unwrap();
    assert_eq!(got.headers()["content-type"], "image/png");
    assert_eq!(&*got.bytes().await.unwrap(), [1, 2, 3]);
}
