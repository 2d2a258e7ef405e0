//! What goes to the portal, and what of what comes back is believed.

use super::*;
use crate::cloudlink::store::Store;
use crate::cloudlink::testing::{self, Far, Reply, clock};
use serde_json::json;

fn login_at(url: &str) -> Login {
    let mut options = testing::options(url);
    options.auth = Auth::AuthorizationCode(Box::new(Application {
        client_id: "app".into(),
        redirect_uri: "http://127.0.0.1/callback".parse().unwrap(),
        scope: Some("openid profile".into()),
        portal: "http://127.0.0.1:1/authorize?lang=de".parse().unwrap(),
        store: Store::new(std::path::Path::new("/nowhere"), "main"),
    }));
    let redirect_uri = "http://127.0.0.1:8765/callback".parse().unwrap();
    Login::new(&options, redirect_uri, &Wire::new(), &clock(), &Chance::seeded(1)).unwrap().unwrap()
}

#[test]
fn the_address_asks_for_a_code_with_a_challenge() {
    let login = login_at("http://127.0.0.1:1");
    let address = login.address();
    assert!(address.as_str().starts_with("http://127.0.0.1:1/authorize?lang=de&client_id=app&"), "{address}");
    let query: std::collections::HashMap<_, _> = address.query_pairs().into_owned().collect();
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["redirect_uri"], "http://127.0.0.1:8765/callback");
    assert_eq!((&*query["scope"], &*query["code_challenge_method"]), ("openid profile", "S256"));
    assert_eq!(query["code_challenge"], login.verifier.challenge());
    assert_eq!(query["state"], login.state.expose());
    assert!(!address.as_str().contains(login.verifier.secret().expose()), "the verifier stays here");
}

#[test]
fn only_an_answer_to_this_login_holds_its_code() {
    let login = login_at("http://127.0.0.1:1");
    let state = login.state.expose();
    let code = |query: &str| login.code_in(query).map(|code| code.expose().to_owned());
    assert_eq!(code(&format!("code=c%2B1&state={state}")).unwrap(), "c+1");
    assert_eq!(code(&format!("state={state}&code=one&code=two")).unwrap(), "one");
    for forged in ["code=c", "code=c&state=", "code=c&state=x", &format!("code=c&state=x&state={state}")] {
        assert_eq!(code(forged), Err(BadRedirect::WrongState), "{forged}");
    }
    assert_eq!(code(&format!("state={state}")), Err(BadRedirect::NoCode));
    assert_eq!(code(&format!("state={state}&code=")), Err(BadRedirect::NoCode));
    let said = code(&format!("error=access_denied&error_description=not%20you%1b%5b2J%0a&code=c&state={state}"));
    assert_eq!(said.unwrap_err().to_string(), "the portal says access_denied: not you[2J");
}

#[test]
fn a_person_pastes_an_address_a_query_or_a_code() {
    let login = login_at("http://127.0.0.1:1");
    let state = login.state.expose();
    let code = |text: &str| login.code_pasted(text).map(|code| code.expose().to_owned());
    let query = format!("code=c1&state={state}");
    for text in [format!("http://127.0.0.1/callback?{query}"), format!(" ?{query}\n"), query, "c1".to_owned()] {
        assert_eq!(code(&text).unwrap(), "c1", "{text}");
    }
    assert_eq!(code("http://127.0.0.1/callback?code=c1&state=other"), Err(BadRedirect::WrongState));
    assert_eq!(code("code=c1"), Err(BadRedirect::WrongState), "a query without its state");
    assert_eq!(code("  "), Err(BadRedirect::NoCode));
    assert_eq!(code("a+b/c=").unwrap(), "a+b/c=", "a code may end like that");
}

#[tokio::test]
async fn a_code_is_exchanged_with_its_verifier() {
    let far =
        Far::start(|_| Reply::Json(201, json!({ "access_token": "at", "refresh_token": "rt", "expires_in": 60 })));
    let far = far.await;
    let login = login_at(&far.url);
    let granted = login.exchange(Secret::new("c&1")).await.unwrap();
    assert_eq!(granted.refresh_token.unwrap().expose(), "rt");
    let sent = &far.seen("/token")[0];
    let fields: Vec<_> = url::form_urlencoded::parse(sent.body.as_bytes()).into_owned().collect();
    let expected = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("redirect_uri", "http://127.0.0.1:8765/callback"),
        ("scope", "openid profile"),
        ("code", "c&1"),
        ("code_verifier", login.verifier.secret().expose()),
    ];
    assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn a_refusal_that_repeats_the_request_gives_nothing_away() {
    let far = Far::start(|seen| {
        let body = json!({ "name": "InvalidLoginCredentials", "message": format!("you sent {}", seen.body) });
        Reply::Json(401, body)
    })
    .await;
    let login = login_at(&far.url);
    let said = login.code_for("ada", &Secret::new("p4ss w&rd")).await.unwrap_err();
    let shown = format!("{said} {said:?}");
    assert!(shown.contains("username=ada") && shown.contains("check the user name and the password"), "{shown}");
    assert!(!shown.contains("p4ss") && !shown.contains("w%26rd"), "{shown}");
    let said = login.exchange(Secret::new("c0de/1")).await.unwrap_err();
    let shown = format!("{said} {said:?}");
    assert!(shown.contains("run `switchhook login --account main`"), "{shown}");
    assert!(!shown.contains("c0de") && !shown.contains(login.verifier.secret().expose()), "{shown}");
}

#[tokio::test]
async fn a_name_and_a_password_are_worth_a_code() {
    let far = Far::start(|_| Reply::Json(201, json!({ "code": "c1" }))).await;
    let login = login_at(&far.url);
    assert_eq!(login.code_for("ada", &Secret::new("pw")).await.unwrap().expose(), "c1");
    let sent = &far.seen("/authorize")[0];
    assert!(sent.body.contains("username=ada&account_id=10000495&redirect_uri="), "{}", sent.body);
    assert!(sent.body.contains(&format!("code_challenge={}", login.verifier.challenge())));
    assert_eq!(sent.headers["content-type"], "application/x-www-form-urlencoded");
}
