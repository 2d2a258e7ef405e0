//! Stories of the simulator's ways to sign in, in plain HTTP: grants, the page for a browser, guests, applications. No code of
//! the gateway is used.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::Digest;
use switchhook::simulator::{Options, Tenant, Variant};

use super::simulator::Bench;

/// Somebody with a token.
pub(crate) struct Someone<'a> {
    pub(crate) bench: &'a Bench,
    pub(crate) token: String,
}

impl<'a> Someone<'a> {
    /// Signs in with these fields.
    pub(crate) async fn new(bench: &'a Bench, fields: Value) -> Self {
        let (status, pair) = token(bench, &fields).await;
        assert_eq!(status, 201, "{fields} {pair}");
        Self { bench, token: pair["access_token"].as_str().unwrap().to_owned() }
    }

    /// The client of an account.
    pub(crate) async fn client(bench: &'a Bench, name: &str) -> Self {
        Self::new(bench, json!({ "grant_type": "client_credentials", "client_id": name, "client_secret": name })).await
    }

    pub(crate) async fn api(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let request = self.bench.http.request(method, self.bench.running.api_url() + path).bearer_auth(&self.token);
        self.bench.send(if body.is_null() { request } else { request.json(&body) }).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.api(Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{path} {body}");
        body
    }
}

pub(crate) async fn token(bench: &Bench, fields: &Value) -> (u16, Value) {
    bench.send(bench.http.post(bench.running.api_url() + "/token").json(fields)).await
}

pub(crate) fn items(page: &Value) -> Vec<Value> {
    page.pointer("/_embedded/items").and_then(Value::as_array).cloned().unwrap_or_default()
}

pub(crate) fn account() -> String {
    Options::default().account_id
}

pub(crate) async fn played(variants: &[Variant]) -> Bench {
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
