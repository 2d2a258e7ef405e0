//! Stories of the simulator's APIs, in plain HTTP: signing in, what an account has, phones, meetings, chats and presence.
//! No code of the gateway is used.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::Digest;
use switchhook::simulator::{Options, Service, Tenant, Variant, routes};

use super::simulator::{Bench, Receiver};

/// Somebody with a token.
struct Someone<'a> {
    bench: &'a Bench,
    token: String,
}

impl<'a> Someone<'a> {
    /// Signs in with these fields.
    async fn new(bench: &'a Bench, fields: Value) -> Self {
        let (status, pair) = token(bench, &fields).await;
        assert_eq!(status, 201, "{fields} {pair}");
        Self { bench, token: pair["access_token"].as_str().unwrap().to_owned() }
    }

    /// The client of an account.
    async fn client(bench: &'a Bench, name: &str) -> Self {
        Self::new(bench, json!({ "grant_type": "client_credentials", "client_id": name, "client_secret": name })).await
    }

    async fn api(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.bench.http.request(method, self.bench.running.api_url() + path).bearer_auth(&self.token);
        self.bench.send(if body.is_null() { request } else { request.json(&body) }).await
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.api(Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{path} {body}");
        body
    }
}

async fn token(bench: &Bench, fields: &Value) -> (u16, Value) {
    bench.send(bench.http.post(bench.running.api_url() + "/token").json(fields)).await
}

fn items(page: &Value) -> Vec<Value> {
    page.pointer("/_embedded/items").and_then(Value::as_array).cloned().unwrap_or_default()
}

fn account() -> String {
    Options::default().account_id
}

async fn played(variants: &[Variant]) -> Bench {
    Bench::start(Options { variants: variants.iter().copied().collect(), ..Options::default() }).await
}

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(VERIFIER))
}

#[tokio::test]
async fn a_user_signs_in_on_the_page_and_comes_back_with_a_code_that_is_good_once() {
    let bench = Bench::start(Options::default()).await;
    let back = "http://127.0.0.1:49160/callback?from=portal";
    let query = [
        ("client_id", "simulator"),
        ("response_type", "code"),
        ("redirect_uri", back),
        ("state", "a&b \"c\""),
        ("app_name", "Switchhook"),
        ("code_challenge", &challenge()),
        ("code_challenge_method", "S256"),
    ];
    let page = bench.http.get(bench.running.portal_url()).query(&query).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let html = page.text().await.unwrap();
    assert!(html.contains("<strong id=\"app-name\">Switchhook</strong>") && html.contains("name=\"code_challenge\""));
    let unredirected =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let sign_in = async |name: &str, password: &str| {
        let mut form = query.to_vec();
        let account = account();
        form.extend([("username", name), ("password", password), ("account_id", &account)]);
        unredirected.post(bench.running.portal_url()).form(&form).send().await.unwrap()
    };
    let refused = sign_in("admin@example.com", "wrong").await;
    assert_eq!(refused.status(), 401);
    assert!(refused.text().await.unwrap().contains("role=\"alert\""));
    let sent = sign_in("admin@example.com", "simulator").await;
    assert_eq!(sent.status(), StatusCode::FOUND);
    let to = url::Url::parse(sent.headers()["location"].to_str().unwrap()).unwrap();
    let given = |key: &str| to.query_pairs().find(|(name, _)| name == key).map(|(_, value)| value.into_owned());
    assert_eq!((given("from").as_deref(), given("state").as_deref()), (Some("portal"), Some("a&b \"c\"")));
    let code = given("code").unwrap();
    let exchange = |verifier: &str, code: &str| {
        json!({ "grant_type": "authorization_code", "client_id": "simulator", "code": code, "redirect_uri": back,
            "code_verifier": verifier })
    };
    let (status, pair) = token(&bench, &exchange(VERIFIER, &code)).await;
    assert_eq!(status, 201, "{pair}");
    assert!(pair["refresh_token"].is_string());
    let (status, error) = token(&bench, &exchange(VERIFIER, &code)).await;
    assert_eq!((status, &error["name"]), (401, &json!("InvalidLoginCredentials")));
    let me = Someone { bench: &bench, token: pair["access_token"].as_str().unwrap().to_owned() };
    assert_eq!(me.get("/users/me").await["email"], "admin@example.com");
    // A code whose verifier does not fit is spent all the same.
    let sent = sign_in("admin@example.com", "simulator").await;
    let to = url::Url::parse(sent.headers()["location"].to_str().unwrap()).unwrap();
    let code = to.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let (status, error) = token(&bench, &exchange(&VERIFIER.replace('d', "e"), &code)).await;
    assert_eq!((status, &error["name"]), (401, &json!("InvalidVerifier")));
    assert_eq!(token(&bench, &exchange(VERIFIER, &code)).await.0, 401);
}

#[tokio::test]
async fn nobody_is_sent_where_the_application_is_not_registered() {
    let bench = Bench::start(Options::default()).await;
    for (change, value) in [
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", "http://127.0.0.1.evil.example/"),
        ("client_id", "nobody"),
        ("response_type", "token"),
        ("code_challenge_method", "plain"),
    ] {
        let mut query = vec![
            ("client_id", "simulator"),
            ("response_type", "code"),
            ("redirect_uri", "http://localhost:1/"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
        ];
        query.retain(|(key, _)| *key != change);
        query.push((change, value));
        let page = bench.http.get(bench.running.portal_url()).query(&query).send().await.unwrap();
        assert_eq!(page.status(), 400, "{change} {value}");
        query.extend([("username", "admin@example.com"), ("password", "simulator")]);
        let sent = bench.http.post(bench.running.portal_url()).form(&query).send().await.unwrap();
        assert_eq!(sent.status(), 400, "{change} {value}");
        assert!(!sent.headers().contains_key("location"));
    }
    let form = json!({ "client_id": "simulator", "response_type": "code", "username": "admin", "password": "simulator",
        "account_id": "10000495", "redirect_uri": "https://evil.example/" });
    let (status, error) = bench.send(bench.http.post(bench.running.api_url() + "/authorize").json(&form)).await;
    assert_eq!((status, &error["name"]), (403, &json!("InvalidRedirectUri")));
}

#[tokio::test]
async fn every_grant_answers_as_documented() {
    let bench = Bench::start(Options::default()).await;
    for (fields, status, name) in [
        (
            json!({ "grant_type": "password", "username": "admin@example.com", "password": "simulator" }),
            409,
            "MultipleMatching",
        ),
        (json!({ "grant_type": "password", "username": "nobody", "password": "simulator" }), 404, "UserNotFound"),
        (
            json!({ "grant_type": "password", "username": "admin", "password": "x", "account_id": "10000495" }),
            401,
            "InvalidLoginCredentials",
        ),
        (
            json!({ "grant_type": "password", "username": "admin", "password": "simulator", "account_id": "7" }),
            404,
            "AccountNotFound",
        ),
        (
            json!({ "grant_type": "client_credentials", "client_id": "simulator", "client_secret": "simulator", "scope": "all" }),
            400,
            "InvalidScope",
        ),
        (
            json!({ "grant_type": "client_credentials", "client_id": "simulator", "client_secret": "simulator",
                "account_id": "10000777" }),
            403,
            "InvalidClient",
        ),
        (
            json!({ "grant_type": "client_credentials", "client_id": "simulator", "client_secret": "simulator",
                "name": "Guest", "role": "PARTNER_ADMIN" }),
            403,
            "ImpersonationNotAllowed",
        ),
        (json!({ "grant_type": "refresh_token" }), 400, "MissingAuthToken"),
        (
            json!({ "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": "x",
                "subject_token_type": "y" }),
            403,
            "ImpersonationNotAllowed",
        ),
    ] {
        let (got, error) = token(&bench, &fields).await;
        assert_eq!((got, error["name"].as_str()), (status, Some(name)), "{fields}");
    }
    let locked = json!({ "grant_type": "password", "username": "locked@example.com", "password": "x" });
    assert_eq!(token(&bench, &locked).await.1["error"], "401");
    let fields = json!({ "grant_type": "password", "username": "anna.brown", "password": "simulator" });
    assert_eq!(token(&bench, &fields).await.0, 404);
    let user = Someone::new(
        &bench,
        json!({ "grant_type": "password", "username": "ben.brown1@example.com", "password": "simulator", "account_id": "10000495" }),
    )
    .await;
    let claims = user.get("/token").await;
    assert_eq!((&claims["role"], &claims["extension"]), (&json!("USER"), &json!("3002")));
    assert!(claims["exp"].is_string() && claims["domain"].as_str().unwrap().starts_with(&account()));
    let guest = Someone::new(
        &bench,
        json!({ "grant_type": "client_credentials", "client_id": "simulator", "client_secret": "simulator",
            "name": "Visitor", "role": "GUEST" }),
    )
    .await;
    let claims = guest.get("/token").await;
    assert_eq!((&claims["name"], &claims["role"]), (&json!("Visitor"), &json!("GUEST")));
    let code = json!({ "accessCode": "010000495", "name": "Ada" });
    let (status, pair) = bench.send(bench.http.post(bench.running.api_url() + "/guest/token").json(&code)).await;
    assert_eq!((status, pair["token_type"].as_str()), (201, Some("bearer")));
    for (body, name) in
        [(json!({}), "AccountMissing"), (json!({ "accountId": "10000495", "guestEmail": "x" }), "EmailInvalid")]
    {
        let answer = bench.send(bench.http.post(bench.running.api_url() + "/guest/token").json(&body)).await;
        assert_eq!((answer.0, answer.1["name"].as_str()), (400, Some(name)));
    }
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_for_an_active_account() {
    let bench = Bench::start(Options::default()).await;
    let refresh = async |pair: &Value| {
        token(&bench, &json!({ "grant_type": "refresh_token", "refresh_token": pair["refresh_token"] })).await
    };
    let first = bench.fetch_token().await;
    let (status, second) = refresh(&first).await;
    assert_eq!(status, 201);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(refresh(&first).await.0, 401);
    let partner = Someone::client(&bench, "partner").await;
    let path = format!("/accounts/{}", account());
    assert_eq!(partner.api(Method::PUT, &path, json!({ "active": false })).await.0, 200);
    assert_eq!(bench.api(Method::GET, "/token", Value::Null).await.0, 401);
    assert_eq!(refresh(&second).await.1["name"], "InactiveAccount");
}

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

#[tokio::test]
async fn a_phone_is_set_and_its_history_is_kept() {
    let (bench, receiver) = (Bench::start(Options::default()).await, Receiver::start(0).await);
    bench.listen(&receiver.url, "platform-api-media").await;
    let dnd = json!({ "action": "dnd", "enabled": true, "userAvailability": "dnd" });
    for on in [true, false] {
        let (status, phone) = bench.api(Method::PUT, "/endpoints/3001", dnd.clone()).await;
        assert_eq!((status, &phone["dnd"]), (200, &json!(on)), "dnd is a toggle");
    }
    assert_eq!(bench.api(Method::PUT, "/endpoints/3001", json!({ "action": "sleep" })).await.0, 400);
    let call = json!({ "to": "3002", "record": true, "originateTimeout": "20", "associatedCallId": "mine" });
    let made = bench.api(Method::POST, "/endpoints/3001/calls", call).await.1;
    assert_eq!(made["associatedCallId"], "mine");
    let there = items(&bench.api(Method::GET, "/endpoints/3002/calls", Value::Null).await.1)[0]["callId"].clone();
    let answer = bench.api(Method::PUT, &format!("/{}", there.as_str().unwrap()), json!({ "action": "answer" })).await;
    assert_eq!(answer.0, 202);
    let path = format!("/endpoints/3001/calls/{}", made["callId"].as_str().unwrap());
    for (body, status) in [
        (json!({ "action": "dtmf", "args": "12#" }), 202),
        (json!({ "action": "dtmf" }), 400),
        (json!({ "action": "tagRecording", "args": "{\"a\":1}" }), 202),
        (json!({ "action": "tagRecording", "args": "plain" }), 400),
        (json!({ "action": "hangup" }), 400),
        (json!({ "action": "end", "why": "x" }), 400),
        (json!({ "action": "end" }), 202),
        (json!({ "action": "end" }), 404),
    ] {
        assert_eq!(bench.api(Method::PUT, &path, body.clone()).await.0, status, "{body}");
    }
    let owner = items(&bench.api(Method::GET, "/calls/records", Value::Null).await.1)[0]["principal"].clone();
    let of_owner = format!("/calls/records?$filter=contains(principal, '{}')", owner.as_str().unwrap());
    let records = items(&bench.api(Method::GET, &of_owner, Value::Null).await.1);
    assert_eq!((records.len(), &records[0]["completed"]), (1, &json!(true)));
    let guid = records[0]["callId"].as_str().unwrap();
    assert_eq!(items(&bench.api(Method::GET, &format!("/calls/{guid}/records"), Value::Null).await.1).len(), 2);
    assert_eq!(bench.api(Method::PUT, &of_owner, json!({ "hide": true })).await.1["hidden"], 1);
    // What was recorded can be fetched for a while, without a token.
    let recordings = items(&bench.api(Method::GET, "/recordings?$expand=media", Value::Null).await.1);
    let media =
        recordings.iter().find(|recording| recording["callId"] == guid).unwrap()["_embedded"]["media"]["url"].clone();
    let fetched = bench.http.get(media.as_str().unwrap()).send().await.unwrap();
    assert_eq!((fetched.status().as_u16(), &fetched.bytes().await.unwrap()[..4]), (200, &b"RIFF"[..]));
    let with_token = bench.http.get(media.as_str().unwrap()).bearer_auth(&bench.token);
    assert_eq!(bench.send(with_token).await.0, 400);
}

#[tokio::test]
async fn a_conference_is_held_and_attended() {
    let bench = Bench::start(Options::default()).await;
    assert_eq!(bench.api(Method::POST, "/conferences", json!({ "topic": "x" })).await.0, 400);
    let wish = json!({ "name": "Weekly numbers", "accessCodeLength": 6, "participants": [{ "participantId": "p-1" }] });
    let (status, made) = bench.api(Method::POST, "/conferences", wish).await;
    assert_eq!((status, made["accessCode"].as_str().unwrap().len()), (200, 6));
    assert_eq!(items(&made["_embedded"]["participants"])[0]["state"], "invited");
    let path = format!("/conferences/{}", made["id"].as_str().unwrap());
    assert_eq!(bench.api(Method::POST, &path, json!({ "action": "record" })).await.0, 409);
    let me = bench.api(Method::POST, &format!("{path}/participants"), json!({ "participantId": "me" })).await.1;
    assert_eq!(me["state"], "active");
    for (action, status) in
        [("record", 200), ("pause-record", 200), ("resume-record", 200), ("stop-record", 200), ("x", 400)]
    {
        assert_eq!(bench.api(Method::POST, &path, json!({ "action": action })).await.0, status, "{action}");
    }
    let mine = format!("{path}/participants/{}", me["participantId"].as_str().unwrap());
    assert_eq!(bench.api(Method::PUT, &mine, json!({ "muted": true })).await.1["muted"], true);
    assert_eq!(bench.api(Method::PUT, &mine, json!({ "action": "leave" })).await.1["state"], "inactive");
    assert_eq!(bench.api(Method::GET, &path, Value::Null).await.1["state"], "inactive");
    let attended = items(&bench.api(Method::GET, "/users/me/attendances", Value::Null).await.1);
    assert!(attended[0]["leaveTimeStamp"].is_string());
    let instance = attended[0]["conferenceInstanceId"].as_str().unwrap();
    assert_eq!(bench.api(Method::GET, &format!("{path}/instances/{instance}"), Value::Null).await.0, 200);
    let found = bench.api(Method::GET, "/conferences/content?$search=numbers weekly", Value::Null).await.1;
    assert_eq!(items(&found)[0]["id"], made["id"]);
    let with_both = "/conferences?containsAllParticipants=me,p-1&$top=1";
    assert_eq!(items(&bench.api(Method::GET, with_both, Value::Null).await.1)[0]["id"], made["id"]);
    let first = bench.api(Method::GET, "/conferences?$top=1", Value::Null).await.1;
    assert!(first["_links"]["next"].as_str().unwrap().contains("$skiptoken="));
    assert_eq!(bench.api(Method::DELETE, &path, Value::Null).await.0, 200);
    assert_eq!(bench.api(Method::GET, &path, Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_conversation_has_reactions_attachments_and_tags() {
    let (bench, receiver) = (Bench::start(Options::default()).await, Receiver::start(0).await);
    bench.listen(&receiver.url, "platform-api-conversations").await;
    let opening = json!({ "stream": true, "name": "Team", "languageCode": "en-US",
        "originalParticipants": [{ "type": "USER", "participantId": "guest-1" }] });
    let wrong = json!({ "languageCode": "english" });
    assert_eq!(bench.api(Method::POST, "/conversations", wrong).await.0, 400);
    let (status, made) = bench.api(Method::POST, "/conversations", opening).await;
    assert_eq!((status, items(&made["_embedded"]["participants"]).len()), (201, 2));
    let path = format!("/conversations/{}", made["conversationId"].as_str().unwrap());
    let message = bench.api(Method::POST, &format!("{path}/messages"), json!({ "body": "hi" })).await.1;
    let message = format!("{path}/messages/{}", message["messageId"].as_str().unwrap());
    let (status, reaction) =
        bench.api(Method::POST, &format!("{message}/reactions"), json!({ "reaction": "👍" })).await;
    assert_eq!((status, &reaction["reaction"]), (201, &json!("👍")));
    assert_eq!(bench.api(Method::PUT, &message, json!({ "body": "hello" })).await.1["body"], "hello");
    assert_eq!(
        bench.api(Method::POST, &format!("{path}/participants/me/typing"), json!({ "action": "START" })).await.0,
        204
    );
    assert_eq!(
        bench.api(Method::POST, &format!("{path}/participants/me/typing"), json!({ "action": "on" })).await.0,
        400
    );
    let read = json!({ "lastReadMessageDate": "2026-02-03T08:15:30.120Z", "status": "ACCEPTED" });
    assert_eq!(bench.api(Method::PUT, &format!("{path}/participants/guest-1"), read).await.0, 200);
    assert_eq!(bench.api(Method::PUT, &format!("{path}/tags/topic"), json!({ "value": "a" })).await.0, 200);
    let own = bench.api(Method::GET, "/users/me/conversations", Value::Null).await.1;
    assert_eq!(items(&own)[0]["unreadCount"], 0);
    let subjects: BTreeSet<String> =
        receiver.wait(5).await.iter().map(|publication| publication["subject"].as_str().unwrap().to_owned()).collect();
    assert!(subjects.contains(&path) && subjects.contains(&message));
    assert!(subjects.iter().any(|subject| subject.ends_with("/typing")));
    assert!(subjects.iter().any(|subject| subject.starts_with(&format!("{message}/reactions/"))));
    // Attachments are raw bytes, of at most 10 MB.
    let url = bench.running.api_url() + &format!("{path}/attachments/a-1");
    let put = async |size: usize| {
        let request = bench.http.put(&url).bearer_auth(&bench.token).header("content-type", "application/pdf");
        bench.send(request.body(vec![7; size])).await.0
    };
    assert_eq!((put(10 * 1024 * 1024 + 1).await, put(3_000_000).await, put(5).await), (413, 201, 200));
    let metadata = bench.api(Method::GET, &format!("{path}/attachments/a-1/metadata"), Value::Null).await.1;
    assert_eq!((&metadata["size"], &metadata["contentType"]), (&json!(5), &json!("application/pdf")));
    let got = bench.http.get(&url).bearer_auth(&bench.token).send().await.unwrap();
    assert_eq!(&*got.bytes().await.unwrap(), [7; 5]);
    assert_eq!(bench.api(Method::DELETE, &path, Value::Null).await.1["conversationId"], made["conversationId"]);
}

#[tokio::test]
async fn presence_is_overridden_and_told() {
    let (bench, receiver) = (Bench::start(Options::default()).await, Receiver::start(0).await);
    bench.listen(&receiver.url, "platform-api-presence").await;
    let user = items(&bench.api(Method::GET, "/presentities?$top=1", Value::Null).await.1)[0]["principalId"].clone();
    let path = format!("/presentities/{}", user.as_str().unwrap());
    let status =
        async || bench.api(Method::GET, &path, Value::Null).await.1["presences"]["aggregatePresence"]["status"].clone();
    assert_eq!(status().await, "Available");
    let source = json!({ "sourceId": "s-1", "presence": { "status": "Away" } });
    assert_eq!(bench.api(Method::POST, &format!("{path}/categories/calendar"), source).await.0, 201);
    assert_eq!(status().await, "Away");
    let change = format!("{path}/categories/calendar/s-1");
    assert_eq!(
        bench.api(Method::PUT, &change, json!({ "presence": { "status": "Busy" } })).await.0,
        400,
        "a change is flat"
    );
    assert_eq!(bench.api(Method::PUT, &change, json!({ "status": "Busy", "reason": "meeting" })).await.0, 200);
    assert_eq!(bench.api(Method::PUT, &path, json!({ "status": "DoNotDisturb" })).await.0, 200);
    assert_eq!(status().await, "DoNotDisturb");
    bench.api(Method::PUT, &path, json!({ "status": "Available" })).await;
    assert_eq!(status().await, "Busy");
    let came = receiver.wait(4).await;
    assert!(came.iter().all(|publication| publication["subject"] == path && publication["method"] == "PUT"));
    assert_eq!(bench.api(Method::PUT, &path, json!({ "status": "Asleep" })).await.0, 400);
    assert_eq!(bench.api(Method::GET, "/presentities/nobody", Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_connection_is_an_address_and_applications_are_registered_by_partners() {
    let bench = Bench::start(Options::default()).await;
    let (status, connection) = bench.api(Method::POST, "/connections", json!({ "transport": "websocket" })).await;
    assert!(status == 201 && connection["url"].as_str().unwrap().starts_with("ws://127.0.0.1:"));
    let wish = json!({ "deviceId": "swh-7f3a", "transport": "websocket", "topic": "platform-api-media", "subjectFilter": ".*" });
    assert_eq!(bench.api(Method::POST, "/subscriptions", wish).await.1["transport"], "websocket");
    assert_eq!(bench.api(Method::GET, "/applications", Value::Null).await.0, 403);
    let partner = Someone::client(&bench, "partner").await;
    let application =
        json!({ "name": "Hook", "redirectUris": ["https://hook.example/cb"], "active": true, "accountId": account() });
    assert_eq!(partner.api(Method::PUT, "/applications/hook", application).await.0, 200);
    let form = json!({ "client_id": "hook", "response_type": "code", "username": "admin", "password": "simulator",
        "account_id": account(), "redirect_uri": "https://hook.example/cb" });
    let authorize = bench.running.api_url() + "/authorize";
    let (status, code) = bench.send(bench.http.post(&authorize).json(&form)).await;
    assert!(status == 201 && code["code"].is_string(), "{code}");
    let mut elsewhere = form;
    elsewhere["account_id"] = Tenant::customer().account_id.into();
    assert_eq!(bench.send(bench.http.post(&authorize).json(&elsewhere)).await.1["name"], "InvalidClient");
    let agreements = items(&partner.get("/agreements?limit=1&offset=1").await);
    assert_eq!((agreements.len(), &agreements[0]["status"]), (1, &json!("expired")));
}

#[tokio::test]
async fn every_route_of_the_list_is_served_and_refuses_without_a_token() {
    let bench = Bench::start(Options::default()).await;
    let open =
        ["POST /token", "POST /authorize", "GET /authorize", "POST /guest/token", "PUT /users/{userId}/password"];
    for route in routes() {
        let path: Vec<&str> =
            route.template.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
        let method: Method = route.method.parse().unwrap();
        for base in [bench.running.api_url(), bench.running.service_url(route.service)] {
            let request = bench.http.request(method.clone(), base + &path.join("/"));
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            assert!(answer.headers().contains_key("x-mitel-correlation-id"));
            let title = format!("{} {}", route.method, route.template);
            let wanted: &[u16] = if open.contains(&&*title) { &[400, 404] } else { &[401] };
            assert!(wanted.contains(&status), "{title} {status}");
        }
    }
    for service in Service::ALL {
        let spec = bench.send(bench.http.get(bench.running.service_url(service) + "/_spec")).await.1;
        let paths: usize =
            spec["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
        assert_eq!(paths, routes().iter().filter(|route| route.service == service).count(), "{service}");
    }
    let alone = bench.running.service_url(Service::Conversations) + "/subscriptions";
    let (status, error) = bench.send(bench.http.get(alone).bearer_auth(&bench.token)).await;
    assert!(
        status == 403 && error["message"].as_str().unwrap().contains(&bench.token),
        "another service's route is none"
    );
}

#[tokio::test]
async fn variants_change_what_is_answered() {
    let bench =
        played(&[Variant::SubscriptionsItems, Variant::SubscriptionId, Variant::Ok200, Variant::ControlDone]).await;
    let wish = json!({ "applicationId": "a", "deviceId": "http://127.0.0.1:1/", "transport": "webhook",
        "topic": "platform-api-media", "subjectFilter": ".*" });
    let (status, made) = bench.api(Method::POST, "/subscriptions", wish).await;
    assert!(status == 200 && made.get("subscriptionId").is_none());
    assert_eq!(bench.api(Method::GET, "/subscriptions", Value::Null).await.1["items"][0]["id"], made["id"]);
    let call = bench.ring("3001").await;
    let answer = bench.api(Method::PUT, &format!("/endpoints/3001/calls/{call}"), json!({ "action": "answer" })).await;
    assert_eq!(answer.0, 200);
}

#[tokio::test]
async fn variants_change_what_is_delivered() {
    let plain = |body: &Value| body["subject"].clone();
    for (variants, shape) in [
        (vec![Variant::Envelope], (|body: &Value| body["publications"][0]["subject"].clone()) as fn(&Value) -> Value),
        (vec![Variant::EnvelopeArray], |body| body[0]["subject"].clone()),
        (vec![Variant::EnvelopeOne, Variant::NoPublicationId], |body| body["publication"]["subject"].clone()),
        (vec![Variant::SubjectApi], |body| body["subject"].as_str().unwrap().strip_prefix("/api").unwrap().into()),
        (vec![Variant::MediaBare], |body| format!("/2017-09-01{}", body["subject"].as_str().unwrap()).into()),
        (vec![Variant::PbxDataText], |body| {
            let data = body["content"]["extraPbxData"].as_str().unwrap();
            assert!(serde_json::from_str::<Value>(data).unwrap()["callTrackingID"].is_string());
            body["subject"].clone()
        }),
        (vec![], plain),
    ] {
        let (bench, receiver) = (played(&variants).await, Receiver::start(0).await);
        bench.listen(&receiver.url, "platform-api-media").await;
        let call = bench.ring("3001").await;
        let came = receiver.wait(1).await;
        assert_eq!(shape(&came[0]), format!("/2017-09-01/endpoints/3001/calls/{call}"), "{variants:?}");
    }
}

#[tokio::test]
async fn a_pressed_button_comes_as_a_message() {
    for (variant, said) in [(None, "sales"), (Some(Variant::ButtonTitle), "Sales")] {
        let bench = played(&variant.into_iter().collect::<Vec<_>>()).await;
        let path = bench.conversation().await;
        let card = json!({ "title": "Welcome", "buttons": [{ "title": "Sales", "action": "post-message", "payload": "sales" }] });
        let message = json!({ "contentType": "application/vnd.mitel.action-card", "body": card.to_string() });
        let message = bench.api(Method::POST, &path, message).await.1["messageId"].clone();
        let press = json!({ "conversation": path.split('/').nth(2), "sender": "guest-1", "message": message });
        assert_eq!(bench.control(Method::POST, "/presses", press).await.0, 201);
        let newest = bench.api(Method::GET, &format!("{path}?$top=1"), Value::Null).await.1;
        assert_eq!(items(&newest)[0]["body"], said);
    }
}
