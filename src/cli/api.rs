//! `switchhook api`: any route of CloudLink, signed in.

mod fields;
mod show;

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::Value;

use super::account::{Account, Ready};
use super::complain;
use crate::cloudlink::{Api, CloudLink, Raw, with_query};
use crate::language::suggest;

/// The largest body that is sent: CloudLink takes 10 MB.
const LARGEST: u64 = 10 << 20;
/// Arguments of `api`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  switchhook api media GET /endpoints/2001
  switchhook api media PUT /endpoints/2001/calls/77 --field action=redirect --raw-field destination=4001
  switchhook api admin '/accounts/{account}/users' --query '$top=100' --paginate --jsonl
{account} in PATH is the account that we sign in to, {me} our own principal.")]
pub(super) struct Args {
    #[command(flatten)]
    account: Account,
    /// authentication, notifications, media, conversations (or chat), admin, presence, service-delivery
    #[arg(value_name = "API", value_parser = named)]
    api: Api,
    /// The method (GET if left out, POST if there is something to send), and the path below the API's version
    #[arg(value_name = "[METHOD] PATH", num_args = 1..=2, required = true)]
    route: Vec<String>,
    /// The body, in JSON; @FILE reads it from a file, - from stdin
    #[arg(long, value_name = "JSON", conflicts_with_all = ["field", "raw_field"])]
    data: Option<String>,
    /// The media type of what --data gives if it is no JSON, as in image/png: it is sent as it is
    #[arg(long, value_name = "TYPE", requires = "data")]
    content_type: Option<String>,
    /// A field of the body (of the query, for GET): true, false, null and numbers are that, @FILE is a file's text, all else is
    /// text. `a.b=1` and `a[b]=1` nest, `a[]=1` adds to a list
    #[arg(short = 'F', long, value_name = "KEY=VALUE")]
    field: Vec<String>,
    /// The same, and the value is text whatever it looks like: for extensions and ids
    #[arg(short = 'f', long, value_name = "KEY=VALUE")]
    raw_field: Vec<String>,
    /// A part of the query, as in '$top=10'
    #[arg(short, long, value_name = "KEY=VALUE")]
    query: Vec<String>,
    /// Follow the pages of a collection, and print all items as one list
    #[arg(long, conflicts_with_all = ["data", "include", "output"])]
    paginate: bool,
    /// With --paginate: each item in a line of its own
    #[arg(long, requires = "paginate")]
    jsonl: bool,
    /// Print JSON compact on a terminal, too; elsewhere it always is
    #[arg(long)]
    json: bool,
    /// Print the status and the headers before the body
    #[arg(short, long)]
    include: bool,
    /// Write the body to a file, as it came
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print tokens, passwords, client secrets and keys of subscriptions, which are left out otherwise
    #[arg(long)]
    show_secrets: bool,
    /// How many seconds the answer, or each page, may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
}

/// What is to be asked.
struct Asked {
    method: Method,
    /// With its query.
    path: String,
    body: Option<Bytes>,
    kind: Option<HeaderValue>,
}

fn named(text: &str) -> Result<Api, String> {
    let name = text.to_ascii_lowercase().replace('-', "_");
    Api::named(&name).ok_or_else(|| {
        let names = Api::ALL.map(Api::name).into_iter().chain(["conversations"]);
        suggest::did_you_mean(&name, names).unwrap_or_default()
    })
}

/// Asks CloudLink. 0: it said yes; 1: it said no, or nothing; 2: bad usage or settings.
pub(super) fn run(args: &Args) -> ExitCode {
    let asked = match asked(args) {
        Ok(asked) => asked,
        Err(why) => {
            complain(&why);
            return ExitCode::from(2);
        }
    };
    args.account.with(async |Ready { cloudlink, options, .. }| {
        let asked = match filled_in(asked, &cloudlink, &options.account_id, args.timeout()).await {
            Ok(asked) => asked,
            Err(error) => return show::failure(&error),
        };
        if args.paginate { show::pages(args, &cloudlink, asked).await } else { once(args, &cloudlink, asked).await }
    })
}

impl Args {
    fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

async fn once(args: &Args, cloudlink: &CloudLink, asked: Asked) -> ExitCode {
    let Asked { method, path, body, kind } = asked;
    let raw = Raw { method, api: args.api, path: &path, body, kind, timeout: args.timeout(), limit: LARGEST as usize };
    match cloudlink.raw(raw).await {
        Ok(answer) => show::answer(args, &answer),
        Err(error) => show::failure(&error),
    }
}

/// What the command line asks for.
fn asked(args: &Args) -> Result<Asked, String> {
    let sends = args.data.is_some() || !args.field.is_empty() || !args.raw_field.is_empty();
    let (method, path) = match &args.route[..] {
        [method, path] => {
            let method = method.to_ascii_uppercase();
            let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str());
            let method = Method::from_bytes(method.as_bytes()).ok().filter(|_| known);
            (method.ok_or("METHOD is GET, HEAD, POST, PUT, PATCH or DELETE, and comes before PATH")?, path)
        }
        [path] => (if sends && !args.paginate { Method::POST } else { Method::GET }, path),
        _ => return Err("expected [METHOD] PATH".to_owned()),
    };
    if args.paginate && method != Method::GET {
        return Err("--paginate is for GET".to_owned());
    }
    let mut query = fields::pairs("--query", &args.query)?;
    let in_query = matches!(method, Method::GET | Method::HEAD);
    let body = match &args.data {
        Some(_) if in_query => {
            return Err(format!("a {method} has no body: --data is for POST, PUT, PATCH and DELETE"));
        }
        Some(data) => Some(self::data(data, args.content_type.is_none())?),
        None if in_query => {
            query.extend(fields::as_query(&args.field, &args.raw_field, read)?);
            None
        }
        None if sends => Some(fields::as_body(&args.field, &args.raw_field, read)?.to_string().into()),
        None => None,
    };
    let kind = args.content_type.as_deref().map(HeaderValue::from_str).transpose();
    let kind = kind.map_err(|_| "--content-type: write it as image/png".to_owned())?;
    Ok(Asked { method, path: with_query(path, &query), body, kind })
}

/// The body that --data names, kept as it was written; proven to be JSON if it has to be.
fn data(data: &str, json: bool) -> Result<Bytes, String> {
    let bytes = match data.strip_prefix('@') {
        Some(path) => read(path)?,
        None if data == "-" => read("-")?,
        None => data.as_bytes().to_vec(),
    };
    if json {
        serde_json::from_slice::<serde::de::IgnoredAny>(&bytes)
            .map_err(|error| format!("what --data gives is no JSON: {error}; other things need --content-type"))?;
    }
    Ok(bytes.into())
}

/// A file, or stdin for `-`.
fn read(path: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = if path == "-" {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    let name = if path == "-" { "stdin" } else { path };
    read.map_err(|error| format!("can't read {name}: {error}"))?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("{name} is larger than {} MiB", LARGEST >> 20));
    }
    Ok(bytes)
}

/// The path with `{account}` and `{me}` filled in; CloudLink is asked who we are if they are there.
async fn filled_in(
    asked: Asked,
    cloudlink: &CloudLink,
    account_id: &str,
    timeout: Duration,
) -> Result<Asked, crate::cloudlink::Error> {
    if !asked.path.contains("{account}") && !asked.path.contains("{me}") {
        return Ok(asked);
    }
    let who = cloudlink.who_am_i(timeout).await?;
    let account = who.account_id.unwrap_or_else(|| account_id.to_owned());
    let me = who.principal_id.unwrap_or_else(|| "me".to_owned());
    Ok(Asked { path: asked.path.replace("{account}", &account).replace("{me}", &me), ..asked })
}

/// A value as text, for a query.
fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
