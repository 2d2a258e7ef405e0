//! What a person types, or a program writes to standard input.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::kit::secret::Secret;

/// The longest line: an address with a code in it.
const LONGEST: u64 = 16 * 1024;

/// One line, without its end.
pub(super) async fn line() -> io::Result<String> {
    let read = || {
        let mut line = String::new();
        io::stdin().lock().take(LONGEST).read_line(&mut line)?;
        if !line.ends_with('\n') && line.len() as u64 == LONGEST {
            return Err(io::Error::other("the line is too long"));
        }
        let text = line.strip_suffix('\n').unwrap_or(&line);
        let length = text.strip_suffix('\r').unwrap_or(text).len();
        line.truncate(length);
        if line.is_empty() { Err(io::Error::other("there was nothing")) } else { Ok(line) }
    };
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// A password: from the terminal without showing it, else a line of standard input.
pub(super) async fn password(user: &str) -> io::Result<Secret> {
    if !io::stdin().is_terminal() {
        return line().await.map(Secret::new);
    }
    let _ = write!(io::stderr(), "password of {user}: ");
    let quiet = Quiet::new()?;
    let password = tokio::select! {
        line = line() => line.map(Secret::new),
        // Ended by the person: the terminal must show again what is typed.
        _ = tokio::signal::ctrl_c() => Err(io::Error::from(io::ErrorKind::Interrupted)),
    };
    drop(quiet);
    let _ = writeln!(io::stderr());
    password
}

/// A terminal that does not show what is typed, until it is dropped.
struct Quiet(Termios);

impl Quiet {
    fn new() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
