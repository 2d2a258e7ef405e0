//! Programs that are run to their end.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// What a program said.
#[derive(Debug)]
pub(crate) struct Said {
    /// The exit code; none after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Both streams.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

/// Runs a program with something on its standard input; none if it is not there.
pub(crate) fn run_with(program: impl AsRef<OsStr>, arguments: &[&str], input: &[u8]) -> Option<Said> {
    use std::io::Write;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Some(Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) })
}

/// Runs a program; none if it is not there.
pub(crate) fn run(program: impl AsRef<OsStr>, arguments: &[&str]) -> Option<Said> {
    run_with(program, arguments, b"")
}
