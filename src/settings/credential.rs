//! `[[credential]]`: where steps may go, and what they carry.

use std::collections::BTreeSet;

use super::application::name;
use super::secret::Found;
use super::section::Section;
use super::values::{base_url, is_loopback};
use crate::actions::{Credential, CredentialAuth};

/// What may be carried; one of them.
const KINDS: [&str; 5] = ["bearer", "basic", "header", "oauth2", "hmac"];
/// What a base may begin with.
const SCHEMES: [&str; 4] = ["https", "http", "postgres", "postgresql"];

pub(super) fn settle(root: &mut Section<'_>) -> Vec<Credential> {
    let mut names = BTreeSet::new();
    let credentials = root.tables("credential", |credential| {
        let name = name(credential, &mut names);
        let meant: Vec<&str> = KINDS.into_iter().filter(|kind| credential.has(kind)).collect();
        let base = base(credential, !meant.is_empty());
        if let [_, second, ..] = meant[..] {
            credential.problem(second, "a credential carries one thing", format!("there is {} too", meant[0]));
        }
        let auth = auth(credential).unwrap_or(CredentialAuth::None);
        Some(Credential { name, base: base?.into_secret(), auth })
    });
    credentials.unwrap_or_default().into_iter().flatten().collect()
}

fn base(credential: &mut Section<'_>, carries: bool) -> Option<Found> {
    let base = credential.needed_secret("base")?;
    match base.text().map(|base| base_url(base, &SCHEMES)) {
        Some(Err(message)) => {
            credential.wrong("base", message);
            return None;
        }
        Some(Ok(url)) if url.scheme() == "http" && carries && !is_loopback(&url) => {
            credential.warn("base", "what the credential carries is sent unencrypted to an http address");
        }
        _ => {}
    }
    Some(base)
}

fn auth(credential: &mut Section<'_>) -> Option<CredentialAuth> {
    if credential.take("hmac").is_some() {
        credential.wrong("hmac", "is not supported by this version yet");
    }
    let bearer = credential.has("bearer").then(|| sendable(credential, "bearer")).flatten();
    let basic = credential.table("basic", |basic| {
        let user = basic.needed_text("user", "the user's name");
        if user.contains(':') {
            basic.wrong("user", "must not contain a colon");
        }
        Some(CredentialAuth::Basic { user, password: basic.needed_secret("password")?.into_secret() })
    });
    let header = credential.table("header", |header| {
        let name = header.needed_text("name", "the header's name");
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)) {
            header.wrong("name", format!("`{name}` cannot be the name of a header"));
        }
        Some(CredentialAuth::Header { name, value: sendable(header, "value")?.into_secret() })
    });
    let oauth2 = credential.table("oauth2", oauth2);
    // Ask for all, so that all are known.
    credential.take("bearer");
    let bearer = bearer.map(|token| CredentialAuth::Bearer(token.into_secret()));
    bearer.or(basic.flatten()).or(header.flatten()).or(oauth2.flatten())
}

fn oauth2(oauth2: &mut Section<'_>) -> Option<CredentialAuth> {
    if !oauth2.has("token_url") {
        oauth2.missing("token_url", "where tokens are asked for");
    }
    let token_url = oauth2.private_url("token_url");
    let client_id = oauth2.needed_text("client_id", "the client's id");
    let client_secret = oauth2.needed_secret("client_secret").map(Found::into_secret);
    let scope = oauth2.text("scope");
    Some(CredentialAuth::OAuth2 { token_url: token_url?, client_id, client_secret: client_secret?, scope })
}

/// A secret that has to be there, and that fits into a header.
fn sendable(section: &mut Section<'_>, key: &'static str) -> Option<Found> {
    let found = section.needed_secret(key)?;
    if found.text().is_some_and(|text| !text.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))) {
        section.wrong(key, "contains a line break or another character that a header cannot carry");
        return None;
    }
    Some(found)
}
