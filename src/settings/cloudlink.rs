//! `[cloudlink]`, or the same keys of an `[[account]]`: the account, where its APIs are, how to sign in.

use std::path::Path;
use std::sync::Arc;

use url::Url;

use super::section::Section;
use super::{auth, guess};
use crate::cloudlink::{AppHeader, Options, Paths, Place, Urls};

/// The name of the one account.
pub(super) const MAIN: &str = "main";
/// The version of the APIs.
const VERSION: &str = "2017-09-01";
/// Clouds that have a name.
const CLOUDS: [&str; 4] = ["global", "us", "eu", "ap"];
/// The domain that all of them are in.
const DOMAIN: &str = "api.mitel.io";
/// The page where people log in \[C, G\].
const PORTAL: &str = "https://auth.mitel.io/authorize";

/// Reads the account of a section: `[cloudlink]`, or one `[[account]]`. Its refresh token is in the state folder.
pub(super) fn settle(cloudlink: &mut Section<'_>, name: Arc<str>, state: &Path) -> Option<Options> {
    let suffix = suffix(cloudlink);
    let account_id = cloudlink.needed_text("account_id", "the id or number of the account");
    if !cloudlink.has("auth") {
        cloudlink.missing("auth", "{ grant = \"client_credentials\", client_id, client_secret }");
    }
    let (urls, portal) = cloudlink.table_or_empty("urls", |urls| (self::urls(urls, &suffix), portal(urls)));
    let of = auth::Of { account: &name, state, portal };
    let auth = cloudlink.table("auth", |auth| auth::settle(auth, of)).flatten();
    let paths = cloudlink.table_or_empty("paths", paths);
    let app = cloudlink.word("app", &AppHeader::ALL.map(|(name, _)| name), AppHeader::named).unwrap_or_default();
    Some(Options { name, account_id, urls: urls?, auth: auth?, paths, app })
}

/// What follows the name of a service in its host.
fn suffix(cloudlink: &mut Section<'_>) -> String {
    let default = DOMAIN.to_owned();
    let Some(cloud) = cloudlink.text("cloud") else { return default };
    let part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match cloud.as_str() {
        "global" => default,
        "us" | "eu" | "ap" => format!("{cloud}.{DOMAIN}"),
        suffix if suffix.contains('.') && suffix.split('.').all(part) => cloud,
        _ => {
            let remedy = format!(
                "{}, or what follows `media.` in the host, such as us.{DOMAIN}",
                guess::remedy(&cloud, &CLOUDS)
            );
            cloudlink.problem("cloud", format!("`{cloud}` is no cloud"), remedy);
            default
        }
    }
}

/// Where assumed routes lie. One that Mitel confirms is known, and refused with the reason.
fn paths(paths: &mut Section<'_>) -> Paths {
    let mut moved = Vec::new();
    for name in Place::ALL.iter().map(|place| place.name()) {
        if !paths.has(name) && !Paths::names().any(|assumed| assumed == name) {
            continue;
        }
        let Some(template) = paths.text(name) else { continue };
        match Paths::new([(name, template.as_str())]) {
            Ok(_) => moved.push((name, template)),
            Err(wrong) => wrong.into_iter().for_each(|wrong| paths.wrong(name, wrong.why)),
        }
    }
    Paths::new(moved.iter().map(|(name, template)| (*name, template.as_str()))).unwrap_or_default()
}

/// One address for all, one for each API, else the pattern.
fn urls(urls: &mut Section<'_>, suffix: &str) -> Option<Urls> {
    let all = versioned(urls, "all");
    // No host is known that it could be at.
    let service_delivery = versioned(urls, "service_delivery").or_else(|| all.clone());
    let mut of = |key: &'static str, host: &str| {
        let pattern = || Url::parse(&format!("https://{host}.{suffix}/{VERSION}")).ok();
        versioned(urls, key).or_else(|| all.clone()).or_else(pattern)
    };
    let (authentication, notifications) =
        (of("authentication", "authentication"), of("notifications", "notifications"));
    let (media, admin, presence) = (of("media", "media"), of("admin", "admin"), of("presence", "presence"));
    // The guides call the API conversations, its host is chat.
    let chat = of("chat", "chat");
    let chat = versioned(urls, "conversations").or(chat);
    Some(Urls {
        authentication: authentication?,
        notifications: notifications?,
        media: media?,
        chat: chat?,
        admin: admin?,
        presence: presence?,
        service_delivery,
    })
}

/// The page of Mitel's portal.
fn portal(urls: &mut Section<'_>) -> Option<Url> {
    if urls.has("portal") { urls.private_url("portal") } else { Url::parse(PORTAL).ok() }
}

fn versioned(urls: &mut Section<'_>, key: &'static str) -> Option<Url> {
    let url = urls.private_url(key)?;
    let wrong = match &url {
        url if url.path() == "/" => "has no version",
        url if url.query().is_some() => "must have no part after ?",
        url if !url.username().is_empty() || url.password().is_some() => "must name no user",
        _ => return Some(url),
    };
    urls.problem(key, wrong, format!("such as https://media.{DOMAIN}/{VERSION}"));
    None
}
