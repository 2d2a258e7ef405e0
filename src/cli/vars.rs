//! `switchhook vars`: the vars of the running gateway, and setting them; `switchhook fire`: calling a hook. Both are asked of the
//! running gateway, which writes them down as it does an event's.

use std::process::ExitCode;

use chrono::{DateTime, Local};
use serde_json::{Map, Value, json};

use super::client::{Answer, Gateway};
use super::{Config, OfAccount, complain, encoded, say};

/// What to do with vars.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List them with their values
    List(ListArgs),
    /// Set one
    Set(SetArgs),
}

/// Arguments of `vars list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    account: OfAccount,
    /// Of vars that are kept for each value of a field: that value, such as a conversation's id
    #[arg(long, value_name = "VALUE")]
    per: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `vars set`.
#[derive(Debug, clap::Args)]
pub(super) struct SetArgs {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    account: OfAccount,
    /// The var
    name: String,
    /// Its value; empty text takes it away, where the var may be any text
    value: String,
    /// Until then: `08:00` (the next one), `2026-12-24 12:00`, or with an offset
    #[arg(long, value_name = "TIME", conflicts_with = "lasts")]
    until: Option<String>,
    /// For so long: `2h`, `1h30m`
    #[arg(long = "for", value_name = "DURATION")]
    lasts: Option<String>,
    /// Of a var that is kept for each value of a field: that value
    #[arg(long, value_name = "VALUE")]
    per: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `fire`.
#[derive(Debug, clap::Args)]
pub(super) struct FireArgs {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    account: OfAccount,
    /// The hook, as a rule's `on = { hook = "NAME" }` calls it
    hook: String,
    /// Its body: JSON, or @FILE
    #[arg(long, value_name = "JSON", default_value = "{}")]
    data: String,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Lists vars, or sets one. 0: done; 1: refused, or nobody answers; 2: the settings.
pub(super) fn run(command: &Command) -> ExitCode {
    match command {
        Command::List(args) => list(args),
        Command::Set(args) => set(args),
    }
}

fn list(args: &ListArgs) -> ExitCode {
    let per = args.per.as_deref().map(|per| format!("?per={}", encoded(per))).unwrap_or_default();
    let gateway = match Gateway::of(&args.config) {
        Ok(gateway) => gateway,
        Err(code) => return code,
    };
    answered(&gateway, gateway.get(&format!("{}/vars{per}", args.account.route())), |answer| {
        if args.json {
            return say(&answer.body);
        }
        let told = answer.json();
        let vars = told["vars"].as_object();
        if vars.is_none_or(Map::is_empty) {
            return say("the rules in force declare no vars");
        }
        for (name, var) in vars.into_iter().flatten() {
            say(&line(name, var, args.per.is_some()));
        }
    })
}

/// A var in a line.
fn line(name: &str, var: &Value, per_given: bool) -> String {
    let text = |key: &str| var.get(key).and_then(Value::as_str);
    if let Some(field) = text("per").filter(|_| !per_given) {
        return format!("{name}  one for each {field}: give --per VALUE");
    }
    let value = text("value").map_or("(not set)".to_owned(), |value| format!("{value:?}"));
    let since = match text("by") {
        Some(by) => {
            let until = var.get("until").map_or("it is set again".to_owned(), time);
            format!("  set {} by {by}, until {until}", time(&var["at"]))
        }
        None if text("default").is_some() => "  by default".to_owned(),
        None => String::new(),
    };
    format!("{name} = {value}{since}")
}

fn time(millis: &Value) -> String {
    let at = millis.as_i64().and_then(DateTime::from_timestamp_millis).unwrap_or_default().with_timezone(&Local);
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

fn set(args: &SetArgs) -> ExitCode {
    let gateway = match Gateway::of(&args.config) {
        Ok(gateway) => gateway,
        Err(code) => return code,
    };
    let mut body = json!({ "value": args.value, "who": "switchhook vars" });
    for (key, value) in [("until", &args.until), ("for", &args.lasts), ("per", &args.per)] {
        if let Some(value) = value {
            body[key] = json!(value);
        }
    }
    let path = format!("{}/vars/{}", args.account.route(), encoded(&args.name));
    answered(&gateway, gateway.post(&path, &body), |answer| {
        if args.json {
            return say(&answer.body);
        }
        let audit = answer.json();
        let text =
            |key: &str| audit.get(key).and_then(Value::as_str).map_or("(not set)".to_owned(), |v| format!("{v:?}"));
        let until = audit.get("until").map(|until| format!(", until {}", time(until))).unwrap_or_default();
        say(&format!("{}: {} -> {}{until}", args.name, text("from"), text("to")));
    })
}

/// Calls a hook. 0: it is stored and will be acted on; 1: refused, or nobody answers; 2: the settings, or the data.
pub(super) fn fire(args: &FireArgs) -> ExitCode {
    let data = match args.data.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).map_err(|error| format!("{file} can't be read: {error}")),
        None => Ok(args.data.clone()),
    };
    let body: Value = match data
        .and_then(|data| serde_json::from_str(&data).map_err(|error| format!("--data is no JSON: {error}")))
    {
        Ok(body) => body,
        Err(why) => {
            complain(&why);
            return ExitCode::from(2);
        }
    };
    let gateway = match Gateway::of(&args.config) {
        Ok(gateway) => gateway,
        Err(code) => return code,
    };
    let path = format!("{}/hooks/{}", args.account.route(), encoded(&args.hook));
    answered(&gateway, gateway.post(&path, &body), |answer| {
        if args.json {
            return say(&answer.body);
        }
        let seq = answer.json().get("seq").and_then(Value::as_u64).map(|seq| format!(" #{seq}")).unwrap_or_default();
        say(&format!("hook {} is called:{seq} (`switchhook events` shows what comes of it)", args.hook));
    })
}

fn answered(gateway: &Gateway, answer: std::io::Result<Answer>, tell: impl FnOnce(&Answer)) -> ExitCode {
    match answer {
        Ok(answer) if answer.status == 200 => {
            tell(&answer);
            ExitCode::SUCCESS
        }
        Ok(answer) => {
            complain(&answer.why());
            ExitCode::FAILURE
        }
        Err(error) => {
            gateway.is_not_there(&error);
            ExitCode::FAILURE
        }
    }
}
