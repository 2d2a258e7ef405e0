//! `switchhook journal`: the store's figures, and whether it is sound.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{Config, complain, say};
use crate::daemon::told::rfc3339;
use crate::journal::embedded::{Finding, Stat};
use crate::kit::clock::Clock;

/// What to do with the journal.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Tell how large it is, what it holds and how far back it reaches
    Stat(Args),
    /// Look for damage
    Verify(Args),
}

/// Arguments of `journal stat` and `journal verify`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: Config,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Does it. 0: done, sound; 1: findings; 2: bad settings; 3: the journal can't be read.
pub(super) fn run(command: &Command) -> ExitCode {
    let (Command::Stat(args) | Command::Verify(args)) = command;
    let reader = match args.config.reader() {
        Ok(reader) => reader,
        Err(code) => return code,
    };
    if let Command::Verify(_) = command {
        let findings = reader.verify();
        say(&if args.json { as_json(&findings) } else { told(&findings) });
        return ExitCode::from(u8::from(!findings.is_empty()));
    }
    match reader.stat() {
        Ok(stat) if args.json => say(&serde_json::to_string_pretty(&stat_as_json(&stat)).unwrap_or_default()),
        Ok(stat) => say(&figures(&stat, Clock::system().millis())),
        Err(error) => {
            complain(&format!("the journal can't be read: {error}; `switchhook journal verify` looks for damage"));
            return ExitCode::from(3);
        }
    }
    ExitCode::SUCCESS
}

/// The figures with times as all output has them.
fn stat_as_json(stat: &Stat) -> Value {
    let mut json = serde_json::to_value(stat).unwrap_or_default();
    for (part, key) in [("ids", "since"), ("open", "since"), ("timers", "next")] {
        let at = json[part][key].as_i64().map(rfc3339);
        json[part][key] = at.into();
    }
    json
}

fn as_json(findings: &[Finding]) -> String {
    serde_json::to_string_pretty(&json!({ "findings": findings })).unwrap_or_default()
}

fn told(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "the journal is sound".to_owned();
    }
    let each = findings.iter().map(|finding| format!("- {}\n  {}", finding.what, finding.remedy));
    format!("{}\n{} finding(s)", each.collect::<Vec<_>>().join("\n"), findings.len())
}

fn figures(stat: &Stat, now: i64) -> String {
    let since = |at: Option<i64>| at.map(|at| format!(", the oldest since {} ({})", rfc3339(at), age(now - at)));
    let since = |at| since(at).unwrap_or_default();
    let oldest = stat.open.oldest.map(|seq| format!(" (#{seq})")).unwrap_or_default();
    let next = stat.timers.next.map(|due| format!(", the next at {}", rfc3339(due))).unwrap_or_default();
    let clean = if stat.clean { "yes" } else { "no: a gateway runs on it, or the last one was killed" };
    [
        format!("format         {}", stat.format),
        format!("file           {} bytes, log {} bytes", stat.bytes, stat.wal_bytes),
        format!("publications   {}, the newest is #{}", stat.publications, stat.last_seq),
        format!("outcomes       {}", stat.outcomes),
        format!("ids known      {}{}", stat.ids.count, since(stat.ids.since)),
        format!("open           {}{}{oldest}", stat.open.count, since(stat.open.since)),
        format!("timers         {}{next}", stat.timers.count),
        format!("dead letters   {}", stat.dead_letters),
        format!("stopped well   {clean}"),
    ]
    .join("\n")
}

/// A time span in its largest unit.
fn age(millis: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    let found = units.into_iter().find(|(unit, _)| millis >= *unit);
    found.map_or_else(|| "now".to_owned(), |(unit, name)| format!("{}{name} ago", millis / unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::embedded::{Known, Open, Timers};

    #[test]
    fn figures_for_people() {
        let stat = Stat {
            format: 2,
            bytes: 8_192,
            wal_bytes: 0,
            publications: 12,
            outcomes: 30,
            last_seq: 40,
            done_to: 38,
            ids: Known { count: 40, since: Some(1_795_000_000_000) },
            open: Open { count: 1, oldest: Some(39), since: Some(1_795_176_400_000) },
            timers: Timers { count: 0, next: None },
            dead_letters: 3,
            clean: false,
        };
        insta::assert_snapshot!(figures(&stat, 1_795_176_460_000), @r#"
        format         2
        file           8192 bytes, log 0 bytes
        publications   12, the newest is #40
        outcomes       30
        ids known      40, the oldest since 2026-11-18T11:06:40.000Z (2d ago)
        open           1, the oldest since 2026-11-20T12:06:40.000Z (1m ago) (#39)
        timers         0
        dead letters   3
        stopped well   no: a gateway runs on it, or the last one was killed
        "#);
        let empty = Stat {
            ids: Known { count: 0, since: None },
            open: Open { count: 0, oldest: None, since: None },
            timers: Timers { count: 1, next: Some(1_795_176_400_000) },
            clean: true,
            ..stat
        };
        insta::assert_snapshot!(figures(&empty, 0), @r#"
        format         2
        file           8192 bytes, log 0 bytes
        publications   12, the newest is #40
        outcomes       30
        ids known      0
        open           0
        timers         1, the next at 2026-11-20T12:06:40.000Z
        dead letters   3
        stopped well   yes
        "#);
    }

    #[test]
    fn findings_for_people() {
        let finding = |what: &str| Finding { what: what.to_owned(), remedy: "start on a backup" };
        insta::assert_snapshot!(told(&[finding("publication 3 is no JSON"), finding("timer t can't be read")]), @r#"
        - publication 3 is no JSON
          start on a backup
        - timer t can't be read
          start on a backup
        2 finding(s)
        "#);
        insta::assert_snapshot!(told(&[]), @r#"
        the journal is sound
        "#);
    }
}
