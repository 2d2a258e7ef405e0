//! A daemon with its settings, rules and far side.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::command::{self, Said};
use super::daemon::{self, Answer, Daemon, Follower, PROGRAM};
use super::letters::sign;
use super::{Far, until};

/// The id with which CloudLink signs.
pub(crate) const APPLICATION: &str = "9f1c2b3a-0000-4000-8000-000000000001";
/// The secret of the far side's one client.
pub(crate) const CLIENT_SECRET: &str = "s3cret-of-the-stories";

/// See the module. Its parts end with it.
pub(crate) struct World {
    pub(crate) far: Far,
    daemon: Option<Daemon>,
    folder: tempfile::TempDir,
    rules: String,
    host: &'static str,
    ports: [u16; 2],
    server: String,
    admin: String,
    more: String,
    accounts: Option<String>,
    state: PathBuf,
    environment: Vec<(String, String)>,
    ahead: Duration,
}

/// A free port that no outgoing connection takes, and no other story.
pub(crate) fn port() -> u16 {
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicU16::new(fastrand::u16(..)));
    loop {
        let port = 20_000 + next.fetch_add(1, Ordering::Relaxed) % 12_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl World {
    /// A world that is not started yet. In the rules FAR stands for the address of the far side.
    pub(crate) async fn new(rules: &str) -> Self {
        let (far, folder) = (Far::start().await, tempfile::tempdir().unwrap());
        let environment =
            [("CLOUDLINK_SECRET", CLIENT_SECRET), ("PATH", "/usr/bin:/bin")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let world = Self {
            rules: rules.replace("FAR", &far.url()),
            far,
            daemon: None,
            state: folder.path().join("state"),
            folder,
            host: "127.0.0.1",
            ports: [port(), port()],
            server: String::new(),
            admin: String::new(),
            more: String::new(),
            accounts: None,
            environment: environment.into(),
            ahead: Duration::ZERO,
        };
        std::fs::create_dir(world.path("rules")).unwrap();
        world.write_rules(&world.rules);
        world.write_settings();
        world
    }

    /// A world that runs.
    pub(crate) async fn start(rules: &str) -> Self {
        Self::new(rules).await.up().await
    }

    /// Listens at this address instead of 127.0.0.1.
    pub(crate) fn host(mut self, host: &'static str) -> Self {
        self.host = host;
        self
    }

    /// More lines in `[server]`.
    pub(crate) fn server(mut self, lines: &str) -> Self {
        lines.clone_into(&mut self.server);
        self
    }

    /// More sections.
    pub(crate) fn more(mut self, sections: &str) -> Self {
        self.more = sections.replace("FAR", &self.far.url());
        self
    }

    /// These `[[application]]` and `[[account]]` instead of the one application and `[cloudlink]`.
    pub(crate) fn accounts(mut self, sections: &str) -> Self {
        self.accounts = Some(sections.replace("FAR", &self.far.url()));
        self
    }

    /// More lines in `[admin]`.
    pub(crate) fn admin_lines(mut self, lines: &str) -> Self {
        lines.clone_into(&mut self.admin);
        self
    }

    /// Another state folder.
    pub(crate) fn state(mut self, state: &Path) -> Self {
        state.clone_into(&mut self.state);
        self
    }

    /// A variable of the daemon's environment.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The next daemon's clock is so far ahead: as if the time had passed.
    pub(crate) fn let_pass(&mut self, time: Duration) {
        self.ahead += time;
    }

    /// A file or folder below the settings' folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The state folder.
    pub(crate) fn state_folder(&self) -> &Path {
        &self.state
    }

    /// Writes other rules.
    pub(crate) fn write_rules(&self, rules: &str) {
        std::fs::write(self.path("rules/all.toml"), rules.replace("FAR", &self.far.url())).unwrap();
    }

    pub(crate) fn write_settings(&self) {
        let Self { host, ports: [public, admin], server, admin: lines, more, .. } = self;
        let (far, state) = (self.far.url(), self.state.display());
        let account = format!(
            r#"
[[application]]
name = "main"
id   = "{APPLICATION}"
[cloudlink]
account_id = "10000495"
urls = {{ all = "{far}/2017-09-01" }}
auth = {{ grant = "client_credentials", client_id = "stories", client_secret = {{ env = "CLOUDLINK_SECRET" }} }}
"#
        );
        let account = self.accounts.as_ref().unwrap_or(&account);
        let text = format!(
            r#"
[server]
listen = "{host}:{public}"
{server}
[admin]
listen = "127.0.0.1:{admin}"
{lines}
{account}
[journal]
path = "{state}"
{more}
"#
        );
        std::fs::write(self.path("switchhook.toml"), text).unwrap();
    }

    /// Starts it and waits until it listens.
    pub(crate) async fn up(mut self) -> Self {
        self.restart().await;
        self
    }

    /// The same by reference: after a stop or a kill.
    pub(crate) async fn restart(&mut self) {
        self.daemon = Some(self.spawn());
        let url = self.url("/notify");
        let ended = until("the daemon listens", async || {
            let daemon = self.daemon.as_mut().unwrap();
            if let Some(code) = daemon.ended() {
                return Some(Some(code));
            }
            let answer = daemon::answer(daemon.request("GET", &url)).await;
            answer.is_ok_and(|answer| answer.status == 200).then_some(None)
        })
        .await;
        if let Some(code) = ended {
            assert!(code == 3 && self.log().contains("port taken"), "it ended with {code}");
            self.ports = [port(), port()];
            Box::pin(self.restart()).await;
        }
    }

    /// A process with these settings, not waited for.
    pub(crate) fn spawn(&self) -> Daemon {
        self.write_settings();
        Daemon::spawn(self.folder.path(), &self.environment, &self.path("log"), self.ahead)
    }

    /// The daemon that runs.
    pub(crate) fn daemon(&mut self) -> &mut Daemon {
        self.daemon.as_mut().unwrap()
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self) {
        self.daemon().kill().await;
    }

    /// SIGTERM; the exit code and how long it took.
    pub(crate) async fn stop(&mut self) -> (i32, Duration) {
        self.daemon().signal("TERM");
        self.daemon().end().await
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Waits until it has logged this.
    pub(crate) async fn wait_log(&self, words: &str) {
        until(words, async || self.log().contains(words).then_some(())).await;
    }

    /// Where the public listener is.
    pub(crate) fn address(&self) -> SocketAddr {
        format!("{}:{}", self.host, self.ports[0]).parse().unwrap()
    }

    /// A URL of the public listener.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// A request to the public listener.
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.daemon.as_ref().unwrap().request(method, &self.url(path))
    }

    /// The answer to a request.
    pub(crate) async fn ask(&self, request: reqwest::RequestBuilder) -> Answer {
        daemon::answer(request).await.unwrap()
    }

    /// A genuine post of these bytes.
    pub(crate) fn signed(&self, body: impl Into<Vec<u8>>) -> reqwest::RequestBuilder {
        let body = body.into();
        self.request("POST", "/notify").header("x-notify-signature", sign(APPLICATION, &body)).body(body)
    }

    /// Delivers a publication, or several as an array; the answer must be 200 and empty.
    pub(crate) async fn deliver(&self, publication: &Value) {
        let answer = self.ask(self.signed(publication.to_string())).await;
        assert_eq!((answer.status, &*answer.body), (200, ""));
    }

    /// Tries to deliver a publication; the status, none if the connection broke.
    pub(crate) async fn try_deliver(&self, publication: &Value) -> Option<u16> {
        daemon::answer(self.signed(publication.to_string())).await.ok().map(|answer| answer.status)
    }

    /// A sender that outlives the daemon.
    pub(crate) fn sender(&self) -> Sender {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
        Sender { http, url: self.url("/notify") }
    }

    /// Asks the admin listener.
    pub(crate) async fn admin(&self, path: &str) -> Answer {
        let url = format!("http://127.0.0.1:{}{path}", self.ports[1]);
        self.ask(self.daemon.as_ref().unwrap().request("GET", &url)).await
    }

    /// A POST to the admin listener.
    pub(crate) fn operation(&self, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://127.0.0.1:{}{path}", self.ports[1]);
        self.daemon.as_ref().unwrap().request("POST", &url)
    }

    /// Asks the admin listener for something to be done, as a program does.
    pub(crate) async fn operate(&self, path: &str, body: Value) -> Answer {
        self.ask(self.operation(path).json(&body)).await
    }

    /// The same with a token.
    pub(crate) async fn admin_with(&self, path: &str, token: &str) -> Answer {
        let url = format!("http://127.0.0.1:{}{path}", self.ports[1]);
        self.ask(self.daemon.as_ref().unwrap().request("GET", &url).bearer_auth(token)).await
    }

    /// Runs a subcommand on these settings.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Said {
        let config = self.folder.path().display().to_string();
        command::run(PROGRAM, &[arguments, &["--config", &config]].concat()).unwrap()
    }

    /// The same in this environment and no other.
    pub(crate) fn cli_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Said {
        let mut command = std::process::Command::new(PROGRAM);
        command.args(arguments).arg("--config").arg(self.folder.path()).env_clear().envs(environment.iter().copied());
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Where the admin listener is.
    pub(crate) fn admin_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[1])
    }

    /// What `events --json` shows, oldest first.
    pub(crate) fn events(&self) -> Vec<Value> {
        let said = self.cli(&["events", "--json", "-n", "10000"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// `events --follow`, until it is dropped.
    pub(crate) fn follow(&self) -> Follower {
        Follower::start(self.folder.path())
    }

    /// Waits until `events` shows how the one outcome that a rule had last became this fate; that outcome.
    pub(crate) async fn wait_fate(&self, rule: &str, fate: &str) -> Value {
        until(&format!("{rule} is {fate}"), async || {
            let mut outcomes =
                self.events().into_iter().flat_map(|event| event["outcomes"].as_array().cloned().unwrap());
            outcomes.rfind(|outcome| outcome["rule"] == rule && outcome["fate"] == fate)
        })
        .await
    }

    /// Waits until everything that came is done.
    pub(crate) async fn wait_idle(&self) {
        until("all is done", async || self.events().iter().all(|event| event["done"] == true).then_some(())).await;
    }
}

/// Whoever sends although the daemon comes and goes: it does as a sender that delivers until it hears 200.
#[derive(Clone)]
pub(crate) struct Sender {
    http: reqwest::Client,
    url: String,
}

impl Sender {
    pub(crate) async fn until_taken(&self, publication: &Value) {
        let body = publication.to_string();
        let signature = sign(APPLICATION, body.as_bytes());
        until("a publication is taken", async || {
            let post = self.http.post(&self.url).header("x-notify-signature", &signature).body(body.clone());
            let status = post.send().await.ok()?.status().as_u16();
            (status == 200).then_some(())
        })
        .await;
    }
}

impl Drop for World {
    #[expect(clippy::print_stderr, reason = "who reads of a failed story wants the daemon's log")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            eprintln!("--- the daemon's log ---\n{}", log.get(log.len().saturating_sub(4000)..).unwrap_or(&log));
        }
    }
}
