//! Signing in: a person by the portal, by a paste, by a password; the gateway afterwards, by the refresh token alone.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};
use switchhook::simulator::{Options, Tenant, Variant};

use super::harness::command::Said;
use super::harness::{APPLICATION, Browser, Talk, World, leaks, until};
use super::simulator::Bench;

const USER: &str = "admin@example.com";
const PASSWORD: &str = "hunter2 & söhne";
const RULES: &str = r#"
[[rule]]
name = "redirect"
on = "call.ringing"
where = { call.endpoint = "3001" }
do = [{ redirect = { to = "4001" } }]
"#;

/// A simulator, a gateway's settings that sign in there, and a person.
struct Stage {
    bench: Bench,
    world: World,
}

impl Stage {
    async fn new() -> Self {
        Self::with(&[], "authorization_code\", client_id = \"simulator", &Options::default().account_id).await
    }

    async fn with(variants: &[Variant], grant: &str, account: &str) -> Self {
        let variants = variants.iter().copied().collect();
        let options = Options { password: PASSWORD.to_owned(), variants, ..Options::default() };
        let bench = Bench::start(options).await;
        let (api, portal) = (bench.running.api_url(), bench.running.control_url().replace("/control", "/authorize"));
        let sections = format!(
            r#"
[[application]]
name = "main"
id = "{APPLICATION}"
[cloudlink]
account_id = "{account}"
urls = {{ all = "{api}", portal = "{portal}" }}
auth = {{ grant = "{grant}" }}
"#
        );
        let world = World::new(RULES).await.accounts(&sections);
        world.write_settings();
        Self { bench, world }
    }

    fn talk(&self, arguments: &[&str]) -> Talk {
        Talk::start(arguments, &self.world.path(""))
    }

    /// Logs in as a browser would that fills in the portal's form; what the page says in the end, and where it is.
    async fn browse(&self, address: &str) -> (u16, String, String) {
        let back = self.sent_back(address, &[]).await;
        let answer = self.bench.http.get(&back).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap(), back)
    }

    /// Where the portal sends a person who fills in its form.
    async fn sent_back(&self, address: &str, more: &[(&str, &str)]) -> String {
        let page = self.bench.http.get(address).send().await.unwrap();
        assert_eq!(page.status(), 200, "{}", page.text().await.unwrap());
        let address: reqwest::Url = address.parse().unwrap();
        let mut form: HashMap<String, String> = address.query_pairs().into_owned().collect();
        let account = Options::default().account_id;
        let typed = [("username", USER), ("password", PASSWORD), ("account_id", &*account)];
        form.extend(typed.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let post = address.join("/authorize").unwrap();
        let stays = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let answer = stays.post(post).form(&form).send().await.unwrap();
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    /// `login` without a browser, and a person who does as it says.
    async fn log_in(&self) -> Said {
        let mut login = self.talk(&["login", "--no-open"]);
        let address = login.line("http").await;
        let (status, page, _) = self.browse(&address).await;
        assert!(status == 200 && page.contains("You are signed in; you can close this window."), "{status} {page}");
        login.end().await
    }

    fn store(&self) -> PathBuf {
        self.world.path("state/sign-in/main.json")
    }

    /// Not waited for by the thread: it is the simulator's too.
    async fn whoami(&self) -> Said {
        self.talk(&["whoami", "--json"]).end().await
    }

    /// Nothing of what was handed out stands where anybody looks, but for the one file.
    fn assert_no_leak(&self, said: &[&Said]) {
        let secrets = [&leaks::GIVEN[..], &[PASSWORD]].concat();
        for said in said {
            assert_eq!(leaks::found_in(said.all().as_bytes(), &secrets), Vec::<String>::new(), "{said:?}");
        }
        let found = leaks::found_below(&self.world.path(""), &secrets, &["sign-in/main.json"]);
        assert_eq!(found, Vec::<PathBuf>::new());
    }
}

#[tokio::test]
async fn a_person_logs_in_once_and_the_gateway_lives_on_it() {
    let mut stage = Stage::new().await;
    let before = stage.whoami().await;
    assert_eq!(before.code, Some(1));
    assert!(before.err.contains("nobody has logged in; run `switchhook login --account main`"), "{before:?}");
    // The gateway is there, and says what it lacks.
    stage.world.restart().await;
    until("it is said", async || {
        let ready = stage.world.admin("/readyz").await.body;
        ready.contains("run `switchhook login --account main`").then_some(())
    })
    .await;
    let login = stage.log_in().await;
    assert_eq!(login.code, Some(0), "{login:?}");
    assert!(login.out.contains("signed in as ") && login.out.contains("ACCOUNT_ADMIN"), "{login:?}");
    let mode = std::fs::metadata(stage.store()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    // It takes the login over without a restart, and acts.
    until("the gateway is signed in", async || {
        let ready = stage.world.admin("/readyz").await.body;
        (!ready.contains("no token")).then_some(())
    })
    .await;
    stage.bench.listen(&stage.world.url("/notify"), "platform-api-media").await;
    stage.bench.ring("3001").await;
    stage.world.wait_fate("redirect", "done").await;
    // Revoked, a token costs one more try and no action.
    stage.bench.control(Method::POST, "/tokens/revoke", json!({ "last": true })).await;
    stage.bench.ring("3001").await;
    until("both are redirected", async || {
        let events = stage.world.events();
        let outcomes = events.iter().flat_map(|event| event["outcomes"].as_array().cloned().unwrap());
        let done = outcomes.filter(|outcome| outcome["fate"] == "done").count();
        (done == 2).then_some(())
    })
    .await;
    stage.assert_no_leak(&[&before, &login]);
    for (name, bytes) in leaks::of_process(stage.world.daemon().pid()) {
        assert_eq!(leaks::found_in(&bytes, &leaks::GIVEN), Vec::<String>::new(), "/proc/…/{name}");
    }
    stage.world.stop().await;
}

#[tokio::test]
async fn whoami_tells_whose_token_it_is_and_logout_forgets_it() {
    let stage = Stage::new().await;
    let login = stage.log_in().await;
    let told = stage.whoami().await;
    assert_eq!(told.code, Some(0), "{told:?}");
    let who: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((&who["account"], &who["grant"]), (&json!("main"), &json!("authorization_code")));
    assert_eq!(who["account_id"], json!(Options::default().account_id));
    assert_eq!((&who["role"], &who["region"]), (&json!("ACCOUNT_ADMIN"), &json!("sim")));
    let seconds = who["access_seconds"].as_i64().unwrap();
    assert!((3000..=3600).contains(&seconds), "{seconds}");
    for name in ["principal_id", "access_until", "signed_in", "refresh_token_stored", "correlation_id"] {
        assert!(who[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {who}");
    }
    let people = stage.talk(&["whoami"]).end().await;
    assert!(people.code == Some(0) && people.out.contains("grant                 authorization_code"), "{people:?}");
    let logout = stage.world.cli(&["logout"]);
    assert!(logout.code == Some(0) && !stage.store().exists(), "{logout:?}");
    let after = stage.whoami().await;
    assert!(after.code == Some(1) && after.err.contains("nobody has logged in"), "{after:?}");
    assert_eq!(stage.world.cli(&["logout"]).code, Some(0), "there is nothing left to forget");
    stage.assert_no_leak(&[&login, &told, &people, &logout, &after]);
}

#[tokio::test]
async fn many_commands_beside_a_gateway_share_one_chain_of_tokens() {
    let mut stage = Stage::new().await;
    stage.log_in().await;
    stage.world.restart().await;
    let talks: Vec<_> = (0..6).map(|_| stage.talk(&["whoami", "--json"])).collect();
    for talk in talks {
        let said = talk.end().await;
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    // The gateway, whose own refresh token is long spent, goes on with theirs.
    stage.bench.control(Method::POST, "/tokens/revoke", json!({ "last": true })).await;
    stage.bench.listen(&stage.world.url("/notify"), "platform-api-media").await;
    stage.bench.ring("3001").await;
    stage.world.wait_fate("redirect", "done").await;
    stage.world.stop().await;
}

#[tokio::test]
async fn what_is_pasted_is_as_good_and_what_is_forged_is_not() {
    let stage = Stage::new().await;
    let mut login = stage.talk(&["login", "--manual"]);
    let address = login.line("http").await;
    let back = stage.sent_back(&address, &[]).await;
    login.say(&back).await;
    let said = login.end().await;
    assert!(said.code == Some(0) && said.out.contains("signed in as "), "{said:?}");
    assert_eq!(stage.whoami().await.code, Some(0));
    let mut forged = stage.talk(&["login", "--manual"]);
    forged.line("http").await;
    forged.say(&back).await;
    let said = forged.end().await;
    assert!(said.code == Some(1) && said.err.contains("carries another state"), "{said:?}");
    let mut alone = stage.talk(&["login", "--manual"]);
    let address = alone.line("http").await;
    let back: reqwest::Url = stage.sent_back(&address, &[]).await.parse().unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    alone.say(&code).await;
    let said = alone.end().await;
    assert_eq!(said.code, Some(0), "{said:?}");
    stage.assert_no_leak(&[&said]);
}

#[tokio::test]
async fn a_redirect_that_is_not_ours_ends_nothing_and_one_that_says_no_ends_the_login() {
    let stage = Stage::new().await;
    let mut login = stage.talk(&["login", "--no-open"]);
    let address: reqwest::Url = login.line("http").await.parse().unwrap();
    let back = address.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
    let elsewhere = stage.bench.http.get(reqwest::Url::parse(&back).unwrap().join("/favicon.ico").unwrap());
    assert_eq!(elsewhere.send().await.unwrap().status(), 404);
    let forged = stage.bench.http.get(format!("{back}?code=sim-code-x&state=x")).send().await.unwrap();
    assert_eq!(forged.status(), 400);
    let page = forged.text().await.unwrap();
    assert!(page.contains("You are not signed in"), "{page}");
    let back = stage.sent_back(address.as_str(), &[("cancel", "1")]).await;
    let said_no = format!("{back}&error_description=The%20person%20said%20%1b%5bno");
    assert_eq!(stage.bench.http.get(&said_no).send().await.unwrap().status(), 400);
    let said = login.end().await;
    assert!(said.err.contains("the portal says access_denied: The person said [no"), "{said:?}");
    let login = stage.talk(&["login", "--no-open", "--timeout", "300ms"]);
    let said = login.end().await;
    assert!(said.code == Some(1) && said.err.contains("nobody has logged in within the time"), "{said:?}");
    assert!(!stage.store().exists());
    stage.assert_no_leak(&[&said]);
}

#[tokio::test]
async fn a_name_and_a_password_do_without_the_portal() {
    let stage = Stage::new().await;
    let mut login = stage.talk(&["login", "--username", USER]);
    login.say("wrong-password-1").await;
    let wrong = login.end().await;
    assert!(wrong.code == Some(1) && wrong.err.contains("check the user name and the password"), "{wrong:?}");
    assert!(!wrong.all().contains("wrong-password-1"), "{wrong:?}");
    let mut login = stage.talk(&["login", "--username", USER]);
    login.say(PASSWORD).await;
    let said = login.end().await;
    assert!(said.code == Some(0) && said.out.contains("signed in as "), "{said:?}");
    assert_eq!(stage.whoami().await.code, Some(0));
    stage.assert_no_leak(&[&wrong, &said]);
}

#[tokio::test]
async fn a_login_to_another_account_is_not_kept() {
    let stage = Stage::with(&[], "authorization_code\", client_id = \"simulator", &Tenant::customer().account_id).await;
    let mut login = stage.talk(&["login", "--no-open"]);
    let address = login.line("http").await;
    let (status, page, _) = stage.browse(&address).await;
    assert!(status == 400 && page.contains("You are not signed in"), "{page}");
    let said = login.end().await;
    assert!(said.code == Some(1) && said.err.contains("nothing was stored"), "{said:?}");
    assert!(!stage.store().exists());
}

#[tokio::test]
async fn the_other_ways_work_against_every_answer_that_may_come() {
    let account = Options::default().account_id;
    let password = format!("password\", username = \"{USER}\", password = \"{PASSWORD}");
    let role = format!("assume_role = {{ role = \"ACCOUNT_ADMIN\", account_id = \"{account}\" }}");
    // The settings write the last quote.
    let assumed = format!("client_credentials\", {role}, client_id = \"partner\", client_secret = \"partner");
    for (grant, account, expected) in [
        (password.as_str(), account.as_str(), "ACCOUNT_ADMIN"),
        ("guest\", name = \"Ada", account.as_str(), "GUEST"),
        (assumed.as_str(), Tenant::partner().account_id.as_str(), "ACCOUNT_ADMIN"),
    ] {
        for variants in [&[][..], &[Variant::Ok200, Variant::ExpiresInText], &[Variant::NoRefreshToken]] {
            let stage = Stage::with(variants, grant, account).await;
            let told = stage.whoami().await;
            assert_eq!(told.code, Some(0), "{grant} {told:?}");
            let who: Value = serde_json::from_str(&told.out).unwrap();
            assert_eq!(who["role"], expected, "{who}");
            assert_eq!(told.err.contains("for development only"), grant.starts_with("password"), "{told:?}");
        }
    }
}

#[tokio::test]
async fn a_login_lives_under_every_fate_of_its_refresh_token() {
    for variants in [&[][..], &[Variant::RefreshReusable], &[Variant::RefreshKept], &[Variant::Ok200]] {
        let grant = "authorization_code\", client_id = \"simulator";
        let stage = Stage::with(variants, grant, &Options::default().account_id).await;
        assert_eq!(stage.log_in().await.code, Some(0));
        for _ in 0..3 {
            let told = stage.whoami().await;
            assert_eq!(told.code, Some(0), "{variants:?} {told:?}");
        }
    }
}

#[tokio::test]
async fn a_command_that_ends_early_stores_what_it_asked_for() {
    let stage = Stage::new().await;
    assert_eq!(stage.log_in().await.code, Some(0));
    // The refresh token is spent at once, and what takes its place comes late.
    let slow = json!({ "path_contains": "/token", "method": "POST", "delay_ms": 5000, "after": true, "times": 1 });
    assert_eq!(stage.bench.control(Method::POST, "/moods", slow.clone()).await.0, 200);
    let said = stage.talk(&["api", "authentication", "GET", "/token", "--timeout", "1"]).end().await;
    assert!(said.code == Some(1) && said.err.contains("no token came within the time-out"), "{said:?}");
    assert_eq!(stage.whoami().await.code, Some(0), "the sign-in is not lost");
    assert_eq!(stage.bench.control(Method::POST, "/moods", slow).await.0, 200);
    let before = std::fs::read_to_string(stage.store()).unwrap();
    let told = stage.talk(&["whoami"]);
    until("the token is asked for", async || {
        let moods = stage.bench.control(Method::GET, "/moods", Value::Null).await.1;
        (!moods.to_string().contains("5000")).then_some(())
    })
    .await;
    assert_eq!(std::fs::read_to_string(stage.store()).unwrap(), before);
    told.signal("INT");
    let said = told.end().await;
    assert!(said.code == Some(130), "{said:?}");
    assert_eq!(stage.whoami().await.code, Some(0), "nor by a signal");
}

#[tokio::test]
async fn a_real_browser_fills_in_the_portals_form() {
    let stage = Stage::new().await;
    let mut login = stage.talk(&["login", "--no-open"]);
    let address = login.line("http").await;
    let browser = Browser::start().await;
    browser.open(&address).await;
    browser.wait_text("to continue to Switchhook").await;
    browser.fill("#username", USER).await;
    browser.fill("#password", "not this one").await;
    browser.fill("#account_id", &Options::default().account_id).await;
    browser.click("#sign-in").await;
    browser.wait_text("The user name or the password is wrong.").await;
    browser.fill("#password", PASSWORD).await;
    browser.click("#sign-in").await;
    browser.wait_text("You are signed in; you can close this window.").await;
    let said = login.end().await;
    assert!(said.code == Some(0) && said.out.contains("signed in as "), "{said:?}");
    assert_eq!(stage.whoami().await.code, Some(0));
    browser.close().await;
    stage.assert_no_leak(&[&said]);
}
