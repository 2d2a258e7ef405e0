//! The real program as a process, killed when it is dropped.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::{PATIENCE, command};

/// The program that the stories are about.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_switchhook");

/// A running daemon.
pub(crate) struct Daemon {
    child: Child,
    http: reqwest::Client,
}

/// What an HTTP request was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

impl Daemon {
    /// A process with this environment and no other; its log goes to a file.
    pub(crate) fn spawn(config: &Path, environment: &[(String, String)], log: &Path, ahead: Duration) -> Self {
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut command = Command::new(PROGRAM);
        command.arg("run").arg("--config").arg(config).env_clear().envs(environment.iter().cloned());
        command.arg("--clock-offset").arg(ahead.as_secs().to_string());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).kill_on_drop(true);
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        Self { child: command.spawn().unwrap(), http }
    }

    /// Its exit code, if it has ended.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.try_wait().unwrap().map(|status| status.code().unwrap_or(-1))
    }

    /// Waits until it ends by itself: the exit code, and how long it took.
    pub(crate) async fn end(&mut self) -> (i32, Duration) {
        let began = Instant::now();
        let ended = tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await;
        (ended.unwrap().unwrap().code().unwrap_or(-1), began.elapsed())
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// A signal by name. The shell's own `kill` is everywhere.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap();
        let said = command::run("sh", &["-c", &format!("kill -{name} {pid}")]).unwrap();
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    /// The most memory that it ever had, in MB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }

    /// A request with its own client.
    pub(crate) fn request(&self, method: &str, url: &str) -> reqwest::RequestBuilder {
        self.http.request(method.parse().unwrap(), url)
    }
}

/// Sends a request and reads the answer.
pub(crate) async fn answer(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer { status, headers, body: response.text().await? })
}

/// `events --follow`, killed when it is dropped.
pub(crate) struct Follower {
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Follower {
    pub(super) fn start(config: &Path) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["events", "--follow", "--json", "--config"]).arg(config);
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        Self { lines: BufReader::new(child.stdout.take().unwrap()).lines(), _child: child }
    }

    /// The next line.
    pub(crate) async fn line(&mut self) -> String {
        tokio::time::timeout(PATIENCE, self.lines.next_line()).await.unwrap().unwrap().unwrap()
    }
}
