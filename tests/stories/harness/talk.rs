//! A command that is talked to while it runs.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::command::{self, Said};
use super::{PATIENCE, PROGRAM};

/// See the module. It is killed when it is dropped.
pub(crate) struct Talk {
    child: Child,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    heard: String,
}

impl Talk {
    /// The program with these arguments, on the settings in a folder, and with no environment.
    pub(crate) fn start(arguments: &[&str], config: &Path) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).arg("--config").arg(config).env_clear().env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        Self { child, input, lines: BufReader::new(output).lines(), heard: String::new() }
    }

    /// The next line that begins so.
    pub(crate) async fn line(&mut self, beginning: &str) -> String {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.lines.next_line()).await.unwrap().unwrap();
            let line = next.unwrap_or_else(|| panic!("no line begins with {beginning}: {}", self.heard));
            self.heard = format!("{}{line}\n", self.heard);
            if line.starts_with(beginning) {
                return line;
            }
        }
    }

    /// Types a line.
    pub(crate) async fn say(&mut self, line: &str) {
        self.input.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// A signal by name. The shell's own `kill` is everywhere.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap();
        let said = command::run("sh", &["-c", &format!("kill -{name} {pid}")]).unwrap();
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    /// Waits for its end; all that it said.
    pub(crate) async fn end(mut self) -> Said {
        drop(self.input.take());
        let ended = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.heard = format!("{}{line}\n", self.heard);
            }
            let mut err = String::new();
            self.child.stderr.take().unwrap().read_to_string(&mut err).await.unwrap();
            (self.child.wait().await.unwrap().code(), err)
        };
        let (code, err) = tokio::time::timeout(Duration::from_secs(30), ended).await.unwrap();
        Said { code, out: self.heard, err }
    }
}
