//! `switchhook dead`: what was given up. It is listed and shown from the journal, beside a running daemon or without one;
//! trying again and throwing away is asked of the running daemon.

use std::process::ExitCode;

use chrono::{DateTime, Local};
use serde_json::{Value, json};

use super::client::Gateway;
use super::{Config, complain, events, say};
use crate::daemon::told;
use crate::journal::embedded::Reader;
use crate::journal::{Claim, Error, Letter, Range};

/// How many letters are read at once.
const PAGE: usize = 200;

/// What to do with dead letters.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List them
    List(ListArgs),
    /// Show one with everything that became of its event
    Show(ShowArgs),
    /// Try some again, from the step at which they were given up
    Retry(RetryArgs),
    /// Throw some away
    Discard(ChosenArgs),
}

/// Arguments of `dead list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    config: Config,
    /// Those of this rule
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// Print one JSON object per letter
    #[arg(long)]
    json: bool,
}

/// Arguments of `dead show`.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    config: Config,
    /// Its number
    #[arg(value_parser = clap::value_parser!(u64).range(1..=i64::MAX as u64))]
    id: u64,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Which letters are meant.
#[derive(Debug, clap::Args)]
pub(super) struct ChosenArgs {
    #[command(flatten)]
    config: Config,
    /// Their numbers
    #[arg(required_unless_present = "all", conflicts_with_all = ["all", "rule"], value_name = "ID")]
    ids: Vec<u64>,
    /// All that there are
    #[arg(long)]
    all: bool,
    /// With --all: those of this rule
    #[arg(long, value_name = "NAME", requires = "all")]
    rule: Option<String>,
}

/// Arguments of `dead retry`.
#[derive(Debug, clap::Args)]
pub(super) struct RetryArgs {
    #[command(flatten)]
    chosen: ChosenArgs,
    /// Those too of which it is not known whether they were done: they may be done twice
    #[arg(long)]
    again: bool,
}

/// Does it. 0: all of it; 1: not all, or no gateway is there; 2: bad usage or settings; 3: the journal can't be read.
pub(super) fn run(command: &Command) -> ExitCode {
    match command {
        Command::List(args) => reading(&args.config, |reader| list(args, reader)),
        Command::Show(args) => reading(&args.config, |reader| show(args, reader)),
        Command::Retry(args) => asking(&args.chosen, "retry", &json!({ "again": args.again }), "is tried again"),
        Command::Discard(args) => asking(args, "discard", &json!({}), "is thrown away"),
    }
}

/// Something with the journal of these settings.
fn reading(config: &Config, read: impl FnOnce(&Reader) -> Result<ExitCode, Error>) -> ExitCode {
    let reader = match config.reader() {
        Ok(reader) => reader,
        Err(code) => return code,
    };
    read(&reader).unwrap_or_else(|error| {
        complain(&format!("the journal can't be read: {error}"));
        ExitCode::from(3)
    })
}

/// Goes through all letters, of a rule if it is named.
fn each(
    reader: &Reader,
    rule: Option<&str>,
    mut see: impl FnMut(&Letter) -> Result<(), Error>,
) -> Result<usize, Error> {
    let (mut after, mut count) = (0, 0);
    loop {
        let letters = reader.letters(after, PAGE)?;
        for letter in letters.iter().filter(|letter| rule.is_none_or(|rule| rule == &*letter.run)) {
            see(letter)?;
            count += 1;
        }
        match letters.last() {
            Some(last) => after = last.id,
            None => return Ok(count),
        }
    }
}

fn list(args: &ListArgs, reader: &Reader) -> Result<ExitCode, Error> {
    let count = each(reader, args.rule.as_deref(), |letter| {
        let told = told::letter(letter, reader.scan(Range::One(letter.seq))?.first());
        say(&if args.json { told.to_string() } else { brief(letter, &told) });
        Ok(())
    })?;
    if !args.json {
        say(&match count {
            0 => "no dead letters".to_owned(),
            _ => format!("{count} dead letter(s); `switchhook dead show|retry|discard` and their numbers, or --all"),
        });
    }
    Ok(ExitCode::SUCCESS)
}

/// A letter in two lines or three.
fn brief(letter: &Letter, told: &Value) -> String {
    let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
    let at = DateTime::from_timestamp_millis(letter.at).unwrap_or_default().with_timezone(&Local);
    let (action, why) = (text("action"), text("why"));
    let action = if action.is_empty() { action } else { format!(" ({action})") };
    let why = if why.is_empty() { why } else { format!(": {why}") };
    let mut lines =
        vec![format!("{}  {}  {}{action} {}{why}", letter.id, at.format("%Y-%m-%d %H:%M:%S"), letter.run, letter.fate)];
    let subject = told["subject"].as_str().unwrap_or("its publication is gone");
    lines.push(format!("    {}  {subject}  #{}", text("kind"), letter.seq));
    if let (Some(from), Some(to)) = (told["from"].as_str(), told["to"].as_str()) {
        lines.push(format!("    {} calls {to}", if from.is_empty() { "withheld" } else { from }));
    }
    lines.join("\n")
}

fn show(args: &ShowArgs, reader: &Reader) -> Result<ExitCode, Error> {
    let letters = reader.letters(args.id.saturating_sub(1), 1)?;
    let Some(letter) = letters.into_iter().find(|letter| letter.id == args.id) else {
        complain(&format!("there is no dead letter {}; `switchhook dead list` shows those that are kept", args.id));
        return Ok(ExitCode::from(1));
    };
    let claim = reader.scan(Range::One(letter.seq))?.pop();
    let mut told = told::letter(&letter, claim.as_ref());
    if args.json {
        told["event"] = claim.as_ref().map(events::as_json).unwrap_or_default();
        say(&serde_json::to_string_pretty(&told).unwrap_or_default());
    } else {
        say(&whole(&letter, &told, claim.as_ref()));
    }
    Ok(ExitCode::SUCCESS)
}

fn whole(letter: &Letter, told: &Value, claim: Option<&Claim>) -> String {
    let mut lines = vec![brief(letter, told), String::new()];
    if !told["request"].is_null() {
        lines.push(format!("it asked for: {}", told["request"]));
    }
    let until = DateTime::from_timestamp_millis(letter.until).unwrap_or_default().with_timezone(&Local);
    lines.push(format!("it is kept until {}", until.format("%Y-%m-%d %H:%M")));
    if &*letter.fate == "unknown" {
        lines.push("it may have been done: look there first; `dead retry` wants --again".to_owned());
    }
    if let Some(claim) = claim {
        lines.extend([String::new(), events::for_people(claim)]);
    }
    lines.join("\n")
}

/// Asks the gateway for something with each letter that is meant.
fn asking(args: &ChosenArgs, what: &str, body: &Value, told: &str) -> ExitCode {
    let gateway = match Gateway::of(&args.config) {
        Ok(gateway) => gateway,
        Err(code) => return code,
    };
    let ids = if args.all {
        let reader = match args.config.reader() {
            Ok(reader) => reader,
            Err(code) => return code,
        };
        let mut ids = Vec::new();
        let read = each(&reader, args.rule.as_deref(), |letter| {
            ids.push(letter.id);
            Ok(())
        });
        if let Err(error) = read {
            complain(&format!("the journal can't be read: {error}"));
            return ExitCode::from(3);
        }
        ids
    } else {
        args.ids.clone()
    };
    if ids.is_empty() {
        say("no dead letters");
    }
    let mut refused = false;
    for id in ids {
        match gateway.post(&format!("/api/v1/dead/{id}/{what}"), body) {
            Ok(answer) if answer.status == 200 => {
                say(&format!("{id}: {} {told}", answer.json()["rule"].as_str().unwrap_or_default()));
            }
            Ok(answer) => {
                refused = true;
                complain(&format!("{id}: {}", answer.why()));
            }
            Err(error) => {
                gateway.is_not_there(&error);
                return ExitCode::from(1);
            }
        }
    }
    ExitCode::from(u8::from(refused))
}
