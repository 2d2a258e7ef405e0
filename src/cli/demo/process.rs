//! The processes that the demo starts, the ports they get and the folder they write to. Each ends with the value that
//! stands for it, also when the demo is interrupted or panics.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tokio::process::{Child, Command};

use crate::kit::chance::Chance;

/// A running child; it is killed when this is dropped.
pub(super) struct Process(Child);

impl Process {
    /// Starts this very program with these arguments. Of the environment it gets `env` and nothing else, so that neither
    /// a proxy nor a setting of the person who runs the demo changes the story. What it says is added to `log`.
    pub(super) fn start(args: &[String], env: &[(&str, String)], log: &Path) -> io::Result<Self> {
        let out = File::options().create(true).append(true).open(log)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(args).env_clear().envs(env.iter().map(|(key, value)| (key, value)));
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).kill_on_drop(true);
        Ok(Self(command.spawn()?))
    }

    /// Its number, while it lives.
    pub(super) fn id(&self) -> u32 {
        self.0.id().unwrap_or_default()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }

    /// Ends it with SIGKILL and waits until it is gone.
    pub(super) async fn kill(&mut self) -> io::Result<()> {
        self.0.kill().await
    }
}

/// A loopback port that is free now, below those that the kernel gives to outgoing connections, so that none of these
/// takes it while the gateway is down. Another program still may: then the child says so and another port is tried.
pub(super) fn free_address(chance: &Chance) -> io::Result<SocketAddr> {
    let mut last = None;
    for _ in 0..100 {
        let port = 20_000 + (chance.fraction() * 12_000.0) as u16;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        match TcpListener::bind(address) {
            Ok(_) => return Ok(address),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::other("no port was tried")))
}

/// A new folder among the temporary ones, for this user only; it goes when this is dropped, unless it is kept.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) keep: bool,
}

impl Folder {
    /// Makes it.
    pub(super) fn make(chance: &Chance, keep: bool) -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("switchhook-demo-{:08x}", chance.bits() as u32));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path, keep })
    }

    /// The last lines of a file in it.
    pub(super) fn tail(&self, name: &str, lines: usize) -> Vec<String> {
        let bytes = fs::read(self.path.join(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].iter().map(|line| (*line).to_owned()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_unless_it_is_kept() {
        let chance = Chance::system();
        let folder = Folder::make(&chance, false).unwrap();
        fs::write(folder.path.join("log"), "one\ntwo\nthree\n").unwrap();
        assert_eq!(folder.tail("log", 2), ["two", "three"]);
        assert!(folder.tail("none", 2).is_empty());
        let path = folder.path.clone();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_free_address_is_below_the_ephemeral_ports() {
        let address = free_address(&Chance::system()).unwrap();
        assert!((20_000..32_000).contains(&address.port()));
    }
}
