//! How an answer is shown: JSON indented for people and as it came for programs, bytes as bytes, refusals with what Mitel's
//! support asks for.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use futures_util::StreamExt;
use reqwest::StatusCode;
use serde_json::Value;

use super::{Args, Asked, complain};
use crate::cloudlink::{CloudLink, Error, Exchange, Paging, hide_secrets};

/// Said when something was left out.
const LEFT_OUT: &str =
    "note: passwords, tokens, keys or client secrets in the answer are left out; --show-secrets shows them";

/// A success.
pub(super) fn answer(args: &Args, answer: &Exchange) -> ExitCode {
    if args.include {
        head(answer);
    }
    if answer.status == StatusCode::ACCEPTED {
        complain("note: 202, accepted: whether it is done shows later");
    }
    if let Some(path) = &args.output {
        return match write(path, &answer.body) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&format!("can't write {}: {error}", path.display()));
                ExitCode::from(1)
            }
        };
    }
    let terminal = std::io::stdout().is_terminal();
    match answer.json() {
        Some(mut value) => {
            let hidden = !args.show_secrets && hide_secrets(args.api, &mut value);
            if hidden {
                complain(LEFT_OUT);
            }
            if terminal && !args.json {
                print(format!("{value:#}\n").as_bytes());
            } else if hidden {
                print(format!("{value}\n").as_bytes());
            } else {
                // As it came: numbers and escapes keep their form.
                print(&answer.body);
                print(if answer.body.ends_with(b"\n") { b"" } else { b"\n" });
            }
        }
        None if terminal && std::str::from_utf8(&answer.body).is_err() => {
            let kind = answer.header("content-type").unwrap_or("of no told type");
            complain(&format!("{} bytes, {kind}: write them to a file by --output FILE", answer.body.len()));
            return ExitCode::from(1);
        }
        None => print(&answer.body),
    }
    ExitCode::SUCCESS
}

/// To a file that, if it is new, is nobody's but ours: what is in it may be a secret.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?.write_all(bytes)
}

fn head(answer: &Exchange) {
    let mut head = format!("{}\n", answer.status);
    for (name, value) in &answer.headers {
        let _ = writeln!(head, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    print(format!("{head}\n").as_bytes());
}

/// A reader that has gone away is no error.
fn print(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// A refusal: its body to stdout, all else to stderr.
pub(super) fn failure(error: &Error) -> ExitCode {
    told(error);
    if let Error::Answered(answered) = error
        && !answered.body.is_empty()
    {
        let body = serde_json::from_str::<Value>(&answered.body);
        let pretty = body.ok().filter(|_| std::io::stdout().is_terminal()).map(|body| format!("{body:#}"));
        print(format!("{}\n", pretty.as_deref().unwrap_or(&answered.body)).as_bytes());
    }
    ExitCode::from(1)
}

/// What there is to say of a failure besides the answer's body.
fn told(error: &Error) {
    let Error::Answered(answered) = error else {
        complain(&format!("could not {error}"));
        return;
    };
    let status = answered.status;
    let reason = status.canonical_reason().unwrap_or_default();
    complain(&format!("{} API: {} {reason}", answered.api, status.as_u16()));
    if answered.no_route {
        complain("CloudLink says by this that it has no such route: look at the path and the method");
    }
    if let Some(place) = &answered.moved_to {
        complain(&format!("it redirects to {place}, which is not followed: set [cloudlink] cloud or urls"));
    }
    if let Some(wait) = answered.retry_after {
        complain(&format!("try again in {} s", wait.as_secs().max(1)));
    }
    let own = || format!("{} (ours: the answer had none)", answered.sent_correlation);
    complain(&format!("correlation id: {}", answered.correlation.clone().unwrap_or_else(own)));
}

/// All items of a collection. What came before a failure is printed, and the list is closed.
pub(super) async fn pages(args: &Args, cloudlink: &CloudLink, asked: Asked) -> ExitCode {
    let pretty = !args.json && !args.jsonl && std::io::stdout().is_terminal();
    let mut list = List { lines: args.jsonl, pretty, number: 0 };
    let mut pages =
        cloudlink.pages(args.api, &asked.path, Paging::each(args.timeout()).with_secrets(args.show_secrets));
    let mut failed = None;
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => page.items.iter().for_each(|item| list.item(item)),
            Err(error) => failed = Some(error),
        }
    }
    list.end();
    match failed {
        None => ExitCode::SUCCESS,
        Some(error) => {
            complain(&format!("the list is not whole: {} item(s) came before this", list.number));
            told(&error);
            if let Error::Answered(answered) = &error {
                // To stdout went a list, which must stay one.
                complain(&answered.body);
            }
            ExitCode::from(1)
        }
    }
}

/// A list that is printed item by item.
struct List {
    lines: bool,
    pretty: bool,
    number: usize,
}

impl List {
    fn item(&mut self, item: &Value) {
        let text = if self.pretty { indented(item) } else { item.to_string() };
        let before = match (self.lines, self.number, self.pretty) {
            (true, _, _) => "",
            (false, 0, true) => "[\n",
            (false, 0, false) => "[",
            (false, _, true) => ",\n",
            (false, _, false) => ",",
        };
        self.number += 1;
        print(format!("{before}{text}{}", if self.lines { "\n" } else { "" }).as_bytes());
    }

    fn end(&self) {
        let end: &[u8] = match (self.lines, self.number, self.pretty) {
            (true, _, _) => b"",
            (false, 0, _) => b"[]\n",
            (false, _, true) => b"\n]\n",
            (false, _, false) => b"]\n",
        };
        print(end);
    }
}

fn indented(item: &Value) -> String {
    format!("{item:#}").lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_written_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer");
        for text in ["a longer one", "short"] {
            super::write(&path, text.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
