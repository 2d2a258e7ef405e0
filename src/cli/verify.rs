//! `switchhook verify`: why a captured request is believed, or not.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::{Config, complain, say};
use crate::ingest::Application;
use crate::ingest::diagnosis::captured::{Captured, LARGEST};
use crate::ingest::diagnosis::{Diagnosis, Setup, Verdict, diagnose};
use crate::kit::secret::Secret;
use crate::settings::{self, Environment};

/// The largest key file.
const LARGEST_KEY: u64 = 64 << 10;

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "CAPTURED is the text of a request (headers, an empty line, the body), JSON such as {\"headers\": \
                        {…}, \"body\": \"…\"} (or \"body_base64\"), a HAR file, or a curl command."
)]
pub(super) struct Args {
    #[command(flatten)]
    config: Config,
    /// The captured request; - for stdin
    #[arg(value_name = "CAPTURED", required_unless_present = "body", conflicts_with = "body")]
    captured: Option<PathBuf>,
    /// The body alone, with --header for its signature; - for stdin
    #[arg(long, value_name = "FILE", requires = "header")]
    body: Option<PathBuf>,
    /// A header in place of the captured one, as in 'x-notify-signature: …'
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// A file with one more applicationId to try
    #[arg(long, value_name = "FILE")]
    key_file: Vec<PathBuf>,
    /// A variable of the environment with one more applicationId to try
    #[arg(long, value_name = "NAME")]
    key_env: Vec<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Says what fits. 0: the gateway accepts it; 1: it does not; 2: bad usage, settings or capture.
pub(super) fn run(args: &Args) -> ExitCode {
    match look(args) {
        Ok(found) => {
            let all: Vec<Value> = found.iter().map(to_json).collect();
            match (args.json, &all[..]) {
                (true, [one]) => say(&one.to_string()),
                (true, _) => say(&Value::from(all).to_string()),
                (false, _) => say(&text(&found)),
            }
            let accepted = found.iter().all(|one| matches!(one.verdict, Verdict::Accepted { .. }));
            ExitCode::from(u8::from(!accepted))
        }
        Err(why) => {
            complain(&why);
            ExitCode::from(2)
        }
    }
}

fn look(args: &Args) -> Result<Vec<Diagnosis>, String> {
    let setup = setup(args)?;
    let mut captured = match (&args.captured, &args.body) {
        (Some(path), _) => {
            let all = Captured::read(&read(path, LARGEST as u64)?);
            all.map_err(|error| format!("{}: {error}", name(path)))?
        }
        (None, Some(path)) => vec![Captured { body: read(path, LARGEST as u64)?, ..Captured::default() }],
        (None, None) => Vec::new(),
    };
    for header in &args.header {
        let (name, value) = header
            .split_once(':')
            .map(|(name, value)| (name.trim(), value.trim()))
            .filter(|(name, _)| !name.is_empty())
            .ok_or("--header: write it as 'x-notify-signature: …'")?;
        for one in &mut captured {
            one.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            one.headers.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(captured.iter().map(|one| diagnose(one, &setup)).collect())
}

/// The gateway's setup with the further keys. Who brings a key need not have settings.
fn setup(args: &Args) -> Result<Setup, String> {
    let environment = Environment::process();
    let brings = !args.key_file.is_empty() || !args.key_env.is_empty();
    let path = args.config.path();
    let file = if path.is_dir() { path.join("switchhook.toml") } else { path.clone() };
    let mut setup = if brings && args.config.path.is_none() && !file.exists() {
        Setup { path: "/notify".to_owned(), max_body: 1 << 20, applications: Vec::new() }
    } else {
        settings::load_for_verify(&path, &environment).map_err(|problems| problems.to_string())?
    };
    let mut add = |name: String, id: &str| {
        let id = Secret::new(id);
        setup.applications.push(Application { name: name.into(), account: "main".into(), id });
    };
    for path in &args.key_file {
        let bytes = read(path, LARGEST_KEY)?;
        let text = String::from_utf8(bytes).map_err(|_| format!("{}: is no text", name(path)))?;
        let text = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
        add(name(path), text);
    }
    for variable in &args.key_env {
        let id = environment.get(variable).ok_or_else(|| format!("the environment variable {variable} is not set"))?;
        add(variable.clone(), id);
    }
    Ok(setup)
}

fn name(path: &Path) -> String {
    if path.as_os_str() == "-" { "stdin".to_owned() } else { path.display().to_string() }
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(most + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| format!("can't read {}: {error}", name(path)))?;
    if bytes.len() as u64 > most {
        return Err(format!("{} is larger than {most} bytes", name(path)));
    }
    Ok(bytes)
}

fn to_json(found: &Diagnosis) -> Value {
    let fit = found.fit.as_ref().map(|fit| {
        json!({
            "application": fit.application,
            "encoding": fit.encoding,
            "construction": fit.construction,
            "documented": fit.is_documented(),
        })
    });
    let why = match &found.verdict {
        Verdict::Refused { why, .. } => Some(why),
        _ => None,
    };
    json!({
        "accepted": matches!(found.verdict, Verdict::Accepted { .. }),
        "status": found.verdict.status(),
        "why": why,
        "header": found.header,
        "fit": fit,
        "keys": found.keys,
        "tried": found.tried,
        "cut": found.cut,
        "notes": found.notes,
        "next": found.next,
    })
}

fn text(all: &[Diagnosis]) -> String {
    let one = |(at, found): (usize, &Diagnosis)| {
        let head = if all.len() > 1 { format!("request {}: ", at + 1) } else { String::new() };
        format!("{head}{}", lines(found).join("\n"))
    };
    all.iter().enumerate().map(one).collect::<Vec<_>>().join("\n\n")
}

fn lines(found: &Diagnosis) -> Vec<String> {
    let keys = found.keys.join(", ");
    let mut lines = vec![match (&found.verdict, &found.fit) {
        (Verdict::Accepted { application, publications }, _) => {
            let what =
                if *publications == 1 { "a publication".to_owned() } else { format!("{publications} publications") };
            format!("the gateway accepts it (200): {what}, by the key of `{application}`")
        }
        (Verdict::Refused { application, status, why }, _) => {
            format!("the gateway refuses it ({status}), although the key of `{application}` fits: {why}")
        }
        (Verdict::NotBelieved, Some(fit)) => match &fit.application {
            Some(application) => {
                format!("the gateway refuses it (401), but the key of `{application}` fits in another way")
            }
            None => "the gateway refuses it (401): the signature needs no key".to_owned(),
        },
        (Verdict::NotBelieved, None) => {
            "the gateway refuses it (401), and no key fits in any way that was tried".to_owned()
        }
    }];
    if let Some(fit) = &found.fit {
        lines.push(format!("  signature: {}, {}", found.header.as_deref().unwrap_or_default(), fit.encoding));
        lines.push(format!("  made as:   {}", fit.construction));
    } else if found.tried > 0 {
        let more = if found.cut { ", and not all" } else { "" };
        lines.push(format!("  tried:     {} combinations{more}; keys: {keys}", found.tried));
    }
    lines.extend(found.notes.iter().map(|note| format!("  note:      {note}")));
    lines.extend(found.next.iter().map(|next| format!("  next:      {next}")));
    lines
}
