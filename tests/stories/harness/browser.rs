//! A real browser without a screen: Chromium, driven by its own driver over the W3C's WebDriver protocol.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::until;
use super::world::port;

/// The name under which the protocol hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// See the module. It ends when it is dropped.
pub(crate) struct Browser {
    http: reqwest::Client,
    session: String,
    _profile: tempfile::TempDir,
    _driver: Child,
}

impl Browser {
    /// A new one, that knows nothing.
    pub(crate) async fn start() -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap();
        let (port, profile) = (port(), tempfile::tempdir().unwrap());
        let mut driver = Command::new("chromedriver");
        driver.arg(format!("--port={port}")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let driver = driver.kill_on_drop(true).spawn();
        let driver = driver.unwrap_or_else(|error| {
            panic!("chromedriver can't be started ({error}): `make test` installs it, with Debian's chromium-driver")
        });
        let base = format!("http://127.0.0.1:{port}");
        until("the driver listens", async || http.get(format!("{base}/status")).send().await.ok()).await;
        let folder = format!("--user-data-dir={}", profile.path().display());
        // Without a sandbox it runs as root too, where tests often do; it sees nothing but this test's own pages.
        let arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", &folder];
        let wish = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": arguments } } } });
        let answer = http.post(format!("{base}/session")).json(&wish).send().await.unwrap();
        let made: Value = answer.json().await.unwrap();
        let id = made["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no browser: {made}"));
        Self { session: format!("{base}/session/{id}"), http, _profile: profile, _driver: driver }
    }

    /// Opens an address.
    pub(crate) async fn open(&self, address: &str) {
        self.post("/url", json!({ "url": address })).await;
    }

    /// Types into a field.
    pub(crate) async fn fill(&self, field: &str, text: &str) {
        let element = self.find(field).await;
        self.post(&format!("/element/{element}/value"), json!({ "text": text })).await;
    }

    /// Clicks.
    pub(crate) async fn click(&self, what: &str) {
        let element = self.find(what).await;
        self.post(&format!("/element/{element}/click"), json!({})).await;
    }

    /// The text of the page, once it holds these words.
    pub(crate) async fn wait_text(&self, words: &str) -> String {
        until(&format!("the page says {words}"), async || {
            let text = self.text().await?;
            text.contains(words).then_some(text)
        })
        .await
    }

    async fn text(&self) -> Option<String> {
        let found = self.http.post(format!("{}/element", self.session));
        let found = found.json(&json!({ "using": "css selector", "value": "body" })).send().await.ok()?;
        let found: Value = found.json().await.ok()?;
        let element = found["value"][ELEMENT].as_str()?;
        let text = self.http.get(format!("{}/element/{element}/text", self.session)).send().await.ok()?;
        text.json::<Value>().await.ok()?["value"].as_str().map(str::to_owned)
    }

    async fn find(&self, selector: &str) -> String {
        let found = self.post("/element", json!({ "using": "css selector", "value": selector })).await;
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("{selector}: {found}")).to_owned()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.session)).json(&body).send().await.unwrap();
        let mut answer: Value = answer.json().await.unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].take()
    }

    /// Closes it in good order, so that no process of it is left.
    pub(crate) async fn close(self) {
        self.http.delete(&self.session).send().await.unwrap();
    }
}
