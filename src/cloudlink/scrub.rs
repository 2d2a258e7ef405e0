//! Taking secrets out of text that came from outside.
//!
//! A wrong path at CloudLink is answered by 403 with a message that repeats the bearer token \[C, F103\]; other services
//! echo requests too. So what is kept of an error body goes through here first.

use serde_json::Value;

/// How deep an answer is looked into for secrets.
const DEPTH: usize = 64;
/// What is never handed on: a user's SIP password \[P, SD\], tokens and secrets of clients.
const SECRETS: [&str; 7] =
    ["sippassword", "password", "access_token", "refresh_token", "clientsecret", "client_secret", "onetimepassword"];

/// What stands in the place of a secret.
const DOTS: &str = "[secret]";
/// The most that is kept of an error body.
pub const MAX_KEPT: usize = 2048;

/// The text without `secrets`, without anything that looks like a token (`eyJ…`, `Bearer …`, `Basic …`), and cut at
/// [`MAX_KEPT`] bytes.
pub fn scrub(body: &[u8], secrets: &[&str]) -> String {
    let mut text = String::from_utf8_lossy(body).into_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        if text.contains(secret) {
            text = text.replace(secret, DOTS);
        }
    }
    let mut text = without_lookalikes(&text);
    if text.len() > MAX_KEPT {
        text.truncate(text.floor_char_boundary(MAX_KEPT));
        text.push('…');
    }
    text
}

/// A secret as it is, and as a form, a URL or JSON writes it: in an echo of a request it stands in one of these.
pub fn spellings(secret: &str) -> Vec<String> {
    let percent = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let component = form.replace('+', "%20");
    let json = Value::from(secret).to_string();
    let json = json.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned();
    let mut all = vec![secret.to_owned(), form, component, percent, json];
    all.extend(all.clone().iter().map(|spelling| lower_escapes(spelling)));
    // The longest first: what is part of another must not break it up.
    all.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    all.dedup();
    all
}

/// `%2F` as `%2f`.
fn lower_escapes(text: &str) -> String {
    let mut left = 0;
    let lower = |c: char| {
        left = if c == '%' { 2 } else { i32::max(left - 1, -1) };
        if left >= 0 && c != '%' { c.to_ascii_lowercase() } else { c }
    };
    text.chars().map(lower).collect()
}

/// Takes fields that hold secrets out of an answer, however deep they lie.
pub(super) fn without_secrets(value: &mut Value) {
    without(value, &SECRETS, DEPTH);
}

/// The same for what signs webhooks: subscriptions tell it, and only the Notifications API means a secret by it.
pub(super) fn without_keys(value: &mut Value) {
    without(value, &["applicationid"], DEPTH);
}

fn without(value: &mut Value, names: &[&str], depth: usize) {
    match value {
        // Deeper than any answer goes.
        Value::Array(_) | Value::Object(_) if depth == 0 => *value = Value::Null,
        Value::Array(items) => items.iter_mut().for_each(|item| without(item, names, depth - 1)),
        Value::Object(fields) => {
            fields.retain(|name, _| !names.contains(&&*name.to_ascii_lowercase()));
            fields.values_mut().for_each(|value| without(value, names, depth - 1));
        }
        _ => {}
    }
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | '/' | '=')
}

fn without_lookalikes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_scheme = false;
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|c| !is_token_char(c)).unwrap_or(rest.len());
        if length == 0 {
            let end = first.len_utf8();
            after_scheme &= first.is_whitespace();
            out.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let word = &rest[..length];
        out.push_str(&clean_word(word, after_scheme));
        after_scheme = ["bearer", "basic"].iter().any(|scheme| {
            word.len() >= scheme.len()
                && word.get(word.len() - scheme.len()..).is_some_and(|end| end.eq_ignore_ascii_case(scheme))
        });
        rest = &rest[length..];
    }
    out
}

/// A word that follows `Bearer` or `Basic` goes if it looks like more than prose; what starts like a JWT always goes.
fn clean_word(word: &str, after_scheme: bool) -> std::borrow::Cow<'_, str> {
    if after_scheme && (word.len() >= 12 || word.chars().any(|c| c.is_ascii_digit())) {
        return DOTS.into();
    }
    match word.find("eyJ") {
        Some(start) if word.len() - start >= 8 => format!("{}{DOTS}", &word[..start]).into(),
        _ => word.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn takes_out_the_token_and_what_looks_like_one() {
        for (text, clean) in [
            ("token tok-acceptance refused", "token [secret] refused"),
            ("'Bearer eyJhbGciOi.eyJzdWIi.c2ln' invalid", "'Bearer [secret]' invalid"),
            ("Authorization=bearer  abc123", "Authorization=bearer  [secret]"),
            ("x=eyJhbGciOiJIUzI1NiJ9.e30.x", "x=[secret]"),
            ("{\"jwt\":\"eyJhbGciOiJIUzI1NiJ9.e30.abc\"}", "{\"jwt\":\"[secret]\"}"),
            ("the bearer token is missing", "the bearer token is missing"),
            ("eyJ", "eyJ"),
            ("geöffnet…", "geöffnet…"),
        ] {
            assert_eq!(scrub(text.as_bytes(), &["tok-acceptance", ""]), clean);
        }
    }

    #[test]
    fn fields_with_secrets_go_however_deep_they_lie() {
        let mut value =
            json!({ "user": [{ "SipPassword": "x", "name": "Ada", "applicationId": "k" }], "password": {} });
        without_secrets(&mut value);
        assert_eq!(value, json!({ "user": [{ "name": "Ada", "applicationId": "k" }] }));
        without_keys(&mut value);
        assert_eq!(value, json!({ "user": [{ "name": "Ada" }] }));
        let mut deep = json!({ "sipPassword": "x" });
        for _ in 0..2 * DEPTH {
            deep = json!([deep]);
        }
        without_secrets(&mut deep);
        assert!(!deep.to_string().contains("sipPassword"));
    }

    #[test]
    fn a_secret_has_many_spellings() {
        let secret = "p/ä \"ß+1";
        let spelt = spellings(secret);
        for spelling in [
            secret,
            "p%2F%C3%A4+%22%C3%9F%2B1",
            "p%2F%C3%A4%20%22%C3%9F%2B1",
            "p%2f%c3%a4+%22%c3%9f%2b1",
            "p/ä \\\"ß+1",
        ] {
            assert!(spelt.iter().any(|one| one == spelling), "{spelling}: {spelt:?}");
            let spelt: Vec<_> = spelt.iter().map(String::as_str).collect();
            assert_eq!(scrub(format!("password={spelling}&x=1").as_bytes(), &spelt), "password=[secret]&x=1");
        }
        assert_eq!(spellings("Plain1"), ["Plain1"]);
        assert_eq!(lower_escapes("A%2FB%C3C"), "A%2fB%c3C");
    }

    #[test]
    fn cuts_after_scrubbing() {
        let mut text = "a ".repeat(MAX_KEPT / 2 - 2);
        text.push_str("eyJhbGciOiJIUzI1NiJ9.e30.abcdefghijklmnopqrstuvwxyz and more");
        let kept = scrub(text.as_bytes(), &[]);
        assert!(kept.len() <= MAX_KEPT + '…'.len_utf8() && !kept.contains("eyJ"), "{kept}");
    }
}
