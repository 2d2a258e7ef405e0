//! What is shipped beside the program: the example, the systemd unit.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::UnixDatagram;

use crate::harness::{PATIENCE, PROGRAM, World, command};

const RULES: &str = "[[rule]]\nname = \"a\"\non = \"call.ringing\"\ndo = [{ log = { message = \"hello\" } }]\n";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_example_is_clean() {
    let config = root().join("config");
    let said = command::run(PROGRAM, &["check", "--config", config.to_str().unwrap()]).unwrap();
    assert_eq!((said.code, &*said.err), (Some(0), ""), "{said:?}");
    assert!(said.out.contains("no findings"), "{said:?}");
    let secrets = "4 secrets in variables and files were not looked at: `switchhook doctor` looks at them";
    assert_eq!(said.out.lines().last(), Some(secrets), "{said:?}");
    let json = command::run(PROGRAM, &["check", "--json", "--config", config.to_str().unwrap()]).unwrap();
    assert_eq!(json.out.trim(), r#"{"findings":[],"total":0}"#, "{json:?}");
}

fn unit() -> String {
    std::fs::read_to_string(root().join("deploy/switchhook.service")).unwrap()
}

#[test]
fn the_unit_says_what_the_daemon_needs() {
    let unit = unit();
    for line in [
        "Type=notify",
        "ExecStart=/usr/bin/switchhook run --config /etc/switchhook",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "RestartPreventExitStatus=2",
        "DynamicUser=yes",
        "StateDirectory=switchhook",
        "Environment=SWITCHHOOK__JOURNAL__PATH=/var/lib/switchhook",
    ] {
        assert!(unit.lines().any(|found| found == line), "{line} is missing");
    }
    assert!(unit.lines().any(|line| line.starts_with("LoadCredential=")));
}

#[test]
fn systemd_accepts_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("switchhook.service");
    std::fs::write(&file, unit().replace("/usr/bin/switchhook", PROGRAM)).unwrap();
    let Some(said) = command::run("systemd-analyze", &["verify", "--man=no", file.to_str().unwrap()]) else {
        println!("skipped: there is no systemd-analyze here");
        return;
    };
    let ours: Vec<&str> = said.err.lines().filter(|line| line.contains("switchhook")).collect();
    assert_eq!((said.code, &ours[..]), (Some(0), &[][..]), "{said:?}");
}

struct Systemd {
    socket: UnixDatagram,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Systemd {
    fn listen() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        Self { socket: UnixDatagram::bind(&path).unwrap(), path, _folder: folder }
    }

    /// The next message that begins so, and all that came before it.
    async fn hear(&self, wanted: &str) -> Vec<String> {
        let mut heard = Vec::new();
        let listen = async {
            loop {
                let mut bytes = [0; 4096];
                let length = self.socket.recv(&mut bytes).await.unwrap();
                heard.push(String::from_utf8(bytes[..length].to_vec()).unwrap());
                if heard.last().unwrap().lines().any(|line| line == wanted) {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, listen).await.unwrap_or_else(|_| panic!("{wanted} did not come"));
        heard
    }
}

#[tokio::test]
async fn systemd_hears_of_the_daemons_life() {
    let systemd = Systemd::listen();
    let world = World::new(RULES).await.variable("NOTIFY_SOCKET", systemd.path.to_str().unwrap());
    let mut world = world.up().await;
    assert_eq!(systemd.hear("READY=1").await, ["READY=1\n"]);
    systemd.hear("WATCHDOG=1").await;
    world.daemon().signal("HUP");
    let reloading = systemd.hear("RELOADING=1").await;
    assert!(reloading.last().unwrap().contains("MONOTONIC_USEC="), "{reloading:?}");
    systemd.hear("READY=1").await;
    world.daemon().signal("TERM");
    systemd.hear("STOPPING=1").await;
    let (code, took) = world.daemon().end().await;
    assert!(code == 0 && took < Duration::from_secs(5));
}

/// As the unit sets it: the state elsewhere, secrets in files that systemd shows to the daemon alone.
#[tokio::test]
async fn it_runs_as_the_unit_sets_it_up() {
    let folder = tempfile::tempdir().unwrap();
    let (state, credentials) = (folder.path().join("state"), folder.path().join("credentials"));
    std::fs::create_dir(&credentials).unwrap();
    std::fs::write(credentials.join("next"), "0c7d2a90-0000-4000-8000-00000000000b\n").unwrap();
    let next = format!("[[application]]\nname = \"next\"\nid = {{ file = \"{}/next\" }}", credentials.display());
    let world = World::new(RULES).await.more(&next).variable("SWITCHHOOK__JOURNAL__PATH", state.to_str().unwrap());
    let mut world = world.up().await;
    assert!(state.is_dir() && !world.state_folder().exists());
    assert_eq!(world.stop().await.0, 0);
}
