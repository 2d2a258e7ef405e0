//! The programs that are measured, each started as a process of its own.
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde::Serialize;

use crate::calls::{APPLICATION, PATH, REDIRECTED_TO, RINGS};
use crate::options::Options;

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Serialize)]
pub(crate) enum Subject {
    /// The bare forwarder that keeps before it answers
    #[value(name = "A")]
    #[serde(rename = "A")]
    Durable,
    /// The bare forwarder that keeps nothing
    #[value(name = "B")]
    #[serde(rename = "B")]
    Keepless,
    /// The gateway
    #[value(name = "C")]
    #[serde(rename = "C")]
    Switchhook,
}

impl Subject {
    pub(crate) const ALL: [Self; 3] = [Self::Durable, Self::Keepless, Self::Switchhook];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Durable => "A bare durable",
            Self::Keepless => "B keeps nothing",
            Self::Switchhook => "C Switchhook",
        }
    }
}

const START: Duration = Duration::from_secs(20);

/// A program that listens; killed when dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From its start to its first answer.
    pub(crate) start: Duration,
}

impl Running {
    /// Starts it in `folder`, with `upstream` for its CloudLink. Its output goes to the file `log` there.
    pub(crate) fn start(subject: Subject, options: &Options, folder: &Path, upstream: SocketAddr) -> Self {
        let address = free_address();
        let mut command = match subject {
            Subject::Durable | Subject::Keepless => bare(subject, options, folder, address, upstream),
            Subject::Switchhook => switchhook(options, folder, address, upstream),
        };
        let log = File::create(folder.join("log")).expect("the bench's folder can be written");
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a file of ours")).stderr(log);
        let begin = Instant::now();
        let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
        let mut running = Self { child, address, start: Duration::ZERO };
        while !answers(address) {
            let over = begin.elapsed() > START || !running.lives();
            assert!(!over, "{} does not answer on {address}; it said:\n{}", subject.name(), said(folder));
            std::thread::sleep(Duration::from_millis(1));
        }
        running.start = begin.elapsed();
        running
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The end of what a program wrote.
pub(crate) fn said(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join("log")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

fn bare(subject: Subject, options: &Options, folder: &Path, address: SocketAddr, upstream: SocketAddr) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("we run"));
    let (letter, client) = (subject.to_possible_value(), options.client.to_possible_value());
    command.arg("--serve").arg(letter.expect("none is skipped").get_name());
    command.arg("--client").arg(client.expect("none is skipped").get_name());
    command.arg("--log").arg(folder.join("kept"));
    command.arg("--listen").arg(address.to_string()).arg("--upstream").arg(upstream.to_string());
    command
}

fn switchhook(options: &Options, folder: &Path, address: SocketAddr, upstream: SocketAddr) -> Command {
    let admin = free_address();
    let settings = format!(
        r#"[server]
listen = "{address}"
path   = "{PATH}"
[admin]
listen = "{admin}"
[[application]]
name = "main"
id   = "{APPLICATION}"
[cloudlink]
account_id = "10000495"
urls = {{ all = "http://{upstream}/2017-09-01" }}
auth = {{ grant = "client_credentials", client_id = "bench", client_secret = "s3cret-bench" }}
[journal]
path = "state"
[rules]
path = "rules"
"#
    );
    // Open one minute in four years: closed whenever the bench runs, yet no hours that never open.
    let rules = format!(
        r#"[hours.leap]
open = "Feb 29 03:00-03:01"
timezone = "America/Toronto"
[[rule]]
name = "redirect when closed"
on = "call.ringing"
where = {{ "call.endpoint" = "{RINGS}", "call.direction" = "inbound" }}
while_closed = "leap"
deadline = "10m"
do = [{{ redirect = {{ to = "{REDIRECTED_TO}" }} }}]
"#
    );
    let write =
        |name: &str, text: String| fs::write(folder.join(name), text).expect("the bench's folder can be written");
    fs::create_dir(folder.join("rules")).expect("the bench's folder can be written");
    write("switchhook.toml", settings);
    write("rules/all.toml", rules);
    if let Some(state) = &options.state {
        copy(state, &folder.join("state")).unwrap_or_else(|error| panic!("{}: {error}", state.display()));
    }
    let mut command = Command::new(&options.binary);
    command.arg("run").arg("--config").arg(folder);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SWITCHHOOK")) {
        command.env_remove(name);
    }
    command
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// A loopback port below those that the kernel gives to outgoing connections.
fn free_address() -> SocketAddr {
    loop {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(20_000..32_000)));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

fn answers(address: SocketAddr) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        write!(stream, "GET {PATH} HTTP/1.1\r\nhost: switchhook.bench\r\nconnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        io::Result::Ok(head.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
