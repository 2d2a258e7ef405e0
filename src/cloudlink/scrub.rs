//! Taking secrets out of text that came from outside.
//!
//! A wrong path at CloudLink is answered by 403 with a message that repeats the bearer token \[C, F103\]; other services
//! echo requests too. So what is kept of an error body goes through here first.

use std::fmt::Write as _;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderValue};
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

/// The text without `secrets`, without anything that looks like a token (`eyJ…`, `Bearer …`), without the values of fields
/// that hold secrets, and cut at [`MAX_KEPT`] bytes.
pub fn scrub(body: &[u8], secrets: &[&str]) -> String {
    let text = replaced(String::from_utf8_lossy(body).into_owned(), secrets);
    let mut text = without_lookalikes(&without_named(&text));
    if text.len() > MAX_KEPT {
        text.truncate(text.floor_char_boundary(MAX_KEPT));
        text.push('…');
    }
    text
}

/// The text without `secrets`, of any length.
pub fn replaced(mut text: String, secrets: &[&str]) -> String {
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        if text.contains(secret) {
            text = text.replace(secret, DOTS);
        }
    }
    text
}

/// The same for the body of any answer, as it is written nearly always.
pub(super) fn clean_body(body: Bytes, secrets: &[&str]) -> Bytes {
    match std::str::from_utf8(&body) {
        Ok(text) if secrets.iter().any(|secret| !secret.is_empty() && text.contains(secret)) => {
            replaced(text.to_owned(), secrets).into()
        }
        _ => body,
    }
}

/// The same for a header: one that repeats a secret is dots.
pub(super) fn clean_headers(headers: &mut HeaderMap, secrets: &[&str]) {
    for value in headers.values_mut() {
        let text = String::from_utf8_lossy(value.as_bytes());
        if secrets.iter().any(|secret| !secret.is_empty() && text.contains(secret)) {
            *value = HeaderValue::from_static(DOTS);
        }
    }
}

/// A secret as it is, and as a form, a URL, JSON or HTML writes it: in an echo of a request it stands in one of these.
pub fn spellings(secret: &str) -> Vec<String> {
    let percent = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let component = form.replace('+', "%20");
    let json = Value::from(secret).to_string();
    let json = json.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned();
    let mut all = vec![secret.to_owned(), form, component, percent];
    all.extend(json_spellings(&json));
    all.extend(html_spellings(secret));
    all.extend(all.clone().iter().map(|spelling| lower_escapes(spelling)));
    // The longest first: what is part of another must not break it up.
    all.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    all.dedup();
    all
}

/// JSON as it must be written; with `\/`; and with what some escape besides: `<`, `>`, `&`, `'` and all that is not ASCII.
fn json_spellings(json: &str) -> Vec<String> {
    let escaped = |careful: bool, upper: bool| {
        let mut text = String::with_capacity(json.len());
        let mut units = [0; 2];
        for c in json.chars() {
            if c.is_ascii() && !(careful && matches!(c, '<' | '>' | '&' | '\'' | '+' | '=')) {
                text.push(c);
                continue;
            }
            for unit in c.encode_utf16(&mut units) {
                let _ = if upper { write!(text, "\\u{unit:04X}") } else { write!(text, "\\u{unit:04x}") };
            }
        }
        text
    };
    let some = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let all =
        [(false, false), (false, true), (true, false), (true, true)].map(|(careful, upper)| escaped(careful, upper));
    let mut all: Vec<String> = all.into_iter().chain([json.to_owned(), some]).collect();
    all.extend(all.clone().iter().map(|spelling| spelling.replace('/', "\\/")));
    // JSON within a text of JSON.
    all.push(json.replace('\\', "\\\\").replace('"', "\\\""));
    all
}

/// What of a body in JSON that is sent is secret by the name of its field: a refusal may repeat it.
pub(super) fn secrets_of(body: &[u8]) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>, depth: usize) {
        match value {
            Value::Array(items) if depth > 0 => items.iter().for_each(|item| collect(item, found, depth - 1)),
            Value::Object(fields) if depth > 0 => {
                for (name, value) in fields {
                    let small = name.to_ascii_lowercase();
                    match value.as_str() {
                        // What is shorter stands everywhere.
                        Some(text) if text.len() >= 4 && NAMED.iter().any(|end| small.ends_with(end)) => {
                            found.push(text.to_owned());
                        }
                        _ => collect(value, found, depth - 1),
                    }
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    let small = String::from_utf8_lossy(body).to_ascii_lowercase();
    if NAMED.iter().any(|name| small.contains(name))
        && let Ok(value) = serde_json::from_slice(body)
    {
        collect(&value, &mut found, DEPTH);
    }
    found
}

/// HTML with names or numbers for what has a meaning there.
fn html_spellings(secret: &str) -> [String; 3] {
    let escaped = |quote: &str, apostrophe: &str| {
        let text = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        text.replace('"', quote).replace('\'', apostrophe)
    };
    let plus = escaped("&#34;", "&#39;").replace('+', "&#43;");
    [escaped("&quot;", "&#x27;"), escaped("&#34;", "&#39;"), plus]
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

/// How the names of fields end whose values are no one's to see.
const NAMED: [&str; 6] =
    ["password", "access_token", "refresh_token", "clientsecret", "client_secret", "applicationid"];

/// Text without the values that stand after the name of a field that holds a secret: `"sipPassword": "x"` in JSON, also in
/// JSON that breaks off or stands in a text, and `client_secret=x` in a form.
fn without_named(text: &str) -> String {
    let small = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(end) = next_name(&small, at) {
        let (begin, length) = value_after(&text[end..]);
        out.push_str(&text[at..end + begin]);
        if length > 0 {
            out.push_str(DOTS);
        }
        at = end + begin + length;
    }
    out + &text[at..]
}

/// Where the next name ends.
fn next_name(small: &str, from: usize) -> Option<usize> {
    NAMED.iter().filter_map(|name| small[from..].find(name).map(|at| from + at + name.len())).min()
}

/// Where a value begins after a name, and its length; zero if there is none.
fn value_after(rest: &str) -> (usize, usize) {
    let name_end = rest.len() - rest.trim_start_matches(['"', '\'', '\\', ' ']).len();
    let Some(sign) = rest[name_end..].chars().next().filter(|c| matches!(c, ':' | '=')) else { return (0, 0) };
    let value = rest[name_end + 1..].trim_start_matches([' ', '\n', '\t']);
    let spaces = rest.len() - name_end - 1 - value.len();
    let inner = value.trim_start_matches('\\');
    let begin = rest.len() - inner.len();
    let Some(quote) = inner.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        // `password: it is wrong` is prose.
        let is_value = inner.len() == value.len() && (sign == '=' || spaces == 0);
        let ends = |c: char| {
            c.is_whitespace() || matches!(c, '&' | ',' | ';' | '}' | ']' | ')' | '<' | '>' | '"' | '\'' | '{' | '[')
        };
        let length = inner.find(ends).unwrap_or(inner.len());
        return if is_value { (begin, length) } else { (0, 0) };
    };
    let escaped = inner.len() < value.len();
    let mut before = ' ';
    let ends = |c: char| {
        let over = if escaped { c == '\\' || c == quote } else { c == quote && before != '\\' };
        before = if before == '\\' { ' ' } else { c };
        over
    };
    (begin + 1, inner[1..].find(ends).unwrap_or(inner.len() - 1))
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
        for spelling in ["a\\/b&lt;", "a\\/b<", "a/b\\u003c", "a/b\\u003C", "a/b&lt;", "a%2Fb%3C", "a%2fb%3c"] {
            let spelt = spellings("a/b<");
            let clean = replaced(spelling.to_owned(), &spelt.iter().map(String::as_str).collect::<Vec<_>>());
            assert!(clean == DOTS || spelling.contains("&lt;") && spelling.contains('\\'), "{spelling}: {clean}");
        }
        assert_eq!(spellings("Plain1"), ["Plain1"]);
        assert_eq!(lower_escapes("A%2FB%C3C"), "A%2fB%c3C");
    }

    #[test]
    fn what_stands_after_the_name_of_a_secret_goes() {
        for (text, clean) in [
            (r#"{"sipPassword":"x y","name":"Ada"}"#, r#"{"sipPassword":"[secret]","name":"Ada"}"#),
            (r#"{"password" : "a\"b", "n": 1}"#, r#"{"password" : "[secret]", "n": 1}"#),
            (r#"{"sent":"{\"clientSecret\":\"x\",\"n\":1}"}"#, r#"{"sent":"{\"clientSecret\":\"[secret]\",\"n\":1}"}"#),
            (r#"{"applicationId":"9f1c"#, r#"{"applicationId":"[secret]"#),
            ("grant_type=x&client_secret=a%2Fb&y=1", "grant_type=x&client_secret=[secret]&y=1"),
            ("the password is wrong", "the password is wrong"),
            ("InvalidPassword: it is wrong", "InvalidPassword: it is wrong"),
            (r#"{"password":{"min":8}}"#, r#"{"password":{"min":8}}"#),
            ("password", "password"),
            ("password=", "password="),
            ("pässword=ä; Password='ü'", "pässword=ä; Password='[secret]'"),
        ] {
            assert_eq!(without_named(text), clean);
        }
    }

    #[test]
    fn what_was_sent_under_the_name_of_a_secret_is_known() {
        let body = br#"{"name":"Ada","SipPassword":"hunter2","list":[{"applicationId":"9f1c","password":{"client_secret":"deep"}}],"pin":"1"}"#;
        assert_eq!(secrets_of(body), ["hunter2", "9f1c", "deep"]);
        for none in [&b"password"[..], b"", b"{\"password\":12}", b"{\"password\":\"x\"}"] {
            assert!(secrets_of(none).is_empty());
        }
    }

    #[test]
    fn a_header_that_repeats_a_secret_is_dots() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-a", "plain"), ("x-b", "Bearer tok-1"), ("x-b", "fine")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        clean_headers(&mut headers, &["", "tok-1"]);
        let left: Vec<&str> = headers.values().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(left, ["plain", DOTS, "fine"]);
    }

    #[test]
    fn cuts_after_scrubbing() {
        let mut text = "a ".repeat(MAX_KEPT / 2 - 2);
        text.push_str("eyJhbGciOiJIUzI1NiJ9.e30.abcdefghijklmnopqrstuvwxyz and more");
        let kept = scrub(text.as_bytes(), &[]);
        assert!(kept.len() <= MAX_KEPT + '…'.len_utf8() && !kept.contains("eyJ"), "{kept}");
    }
}
