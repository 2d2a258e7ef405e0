//! `switchhook whoami`: as whom an account signs in, and whether a call works. Tokens are never decoded: CloudLink itself
//! says who we are.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::account::{Account, Ready};
use super::login::plain;
use super::{complain, say};
use crate::cloudlink::WhoAmI;

/// How long the whole may take: perhaps another process renews just now.
const PATIENCE: Duration = Duration::from_secs(30);
/// What all hosts of CloudLink end in.
const DOMAIN: &str = ".api.mitel.io";

/// Arguments of `whoami`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    account: Account,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Asks CloudLink. 0: it answered; 1: it did not, or there is no token; 2: bad settings.
pub(super) fn run(args: &Args) -> ExitCode {
    args.account.with(async |ready| {
        let who = match ready.cloudlink.who_am_i(PATIENCE).await {
            Ok(who) => who,
            Err(error) => {
                complain(&format!("could not {error}"));
                return ExitCode::from(1);
            }
        };
        let told = tell(&ready, &who);
        if args.json {
            say(&serde_json::to_string_pretty(&told).unwrap_or_default());
        } else {
            for (name, value) in &told {
                if let Some(line) = line(name, value) {
                    say(&line);
                }
            }
        }
        ExitCode::SUCCESS
    })
}

/// What there is to say, in the order in which it is said.
fn tell(ready: &Ready, who: &WhoAmI) -> Map<String, Value> {
    let auth = &ready.options.auth;
    let claim = |name: &str| who.claims[name].as_str().map(plain);
    let now = ready.ground.clock.now();
    let until = ready.cloudlink.token_state().valid_until;
    // It was just used: what can't be read now is not worth an error.
    let stored = auth.store().and_then(|store| store.read().ok().flatten());
    let domain = claim("domain");
    let told = [
        ("account", json!(*ready.options.name)),
        ("grant", json!(auth.grant())),
        ("assumed_role", json!(auth.role().map(|role| &role.role))),
        ("principal_id", json!(who.principal_id.as_deref().map(plain))),
        ("name", json!(claim("name"))),
        ("account_id", json!(who.account_id.as_deref().map(plain))),
        ("role", json!(who.role.as_deref().map(plain))),
        ("region", json!(domain.as_deref().and_then(|domain| region(domain, who.account_id.as_deref())))),
        ("access_until", json!(until.map(|until| until.to_rfc3339()))),
        ("access_seconds", json!(until.map(|until| (until - now).num_seconds()))),
        ("signed_in", json!(stored.as_ref().map(|stored| stored.signed_in.to_rfc3339()))),
        ("refresh_token_stored", json!(stored.as_ref().map(|stored| stored.stored.to_rfc3339()))),
        ("correlation_id", json!(who.correlation.as_deref().map(plain))),
    ];
    told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// For people: what is not known is left out.
fn line(name: &str, value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let name = match name {
        "access_until" => "access token until",
        "access_seconds" => "which is, in seconds",
        "signed_in" => "logged in",
        "refresh_token_stored" => "refresh token stored",
        "correlation_id" => "a call works; its id",
        other => return Some(format!("{:<22}{text}", other.replace('_', " "))),
    };
    Some(format!("{name:<22}{text}"))
}

/// The account's cloud, from a claim such as `<accountId>.us.dev.api.mitel.io` \[P, AU\]: `us.dev`.
fn region(domain: &str, account_id: Option<&str>) -> Option<String> {
    let cloud = domain.strip_suffix(DOMAIN)?;
    let cloud = match account_id {
        Some(id) => cloud.strip_prefix(id).unwrap_or(cloud),
        None => cloud.split_once('.').map_or("", |(_, cloud)| cloud),
    };
    let cloud = cloud.trim_start_matches('.');
    (!cloud.is_empty()).then(|| cloud.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_what_stands_between() {
        for (domain, id, cloud) in [
            ("5b1f.us.dev.api.mitel.io", Some("5b1f"), Some("us.dev")),
            ("5b1f.eu.api.mitel.io", Some("5b1f"), Some("eu")),
            ("5b1f.eu.api.mitel.io", None, Some("eu")),
            ("5b1f.api.mitel.io", Some("5b1f"), None),
            ("5b1f.us.example.com", Some("5b1f"), None),
            ("", None, None),
        ] {
            assert_eq!(region(domain, id).as_deref(), cloud, "{domain}");
        }
    }
}
