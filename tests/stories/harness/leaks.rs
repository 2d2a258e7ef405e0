//! Where a secret could have gone, and how it could be written there.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Everything that the simulator hands out and nobody may show begins with one of these.
pub(crate) const GIVEN: [&str; 3] = ["sim-access-", "sim-refresh-", "sim-code-"];

/// A secret as text, form, URL, JSON, HTML, hex and base64 write it, base64 at each of its three offsets.
pub(crate) fn spellings(secret: &str) -> Vec<String> {
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::Value::from(secret).to_string();
    let percent = secret.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
    let (hex, upper) = (hex::encode(secret), hex::encode_upper(secret));
    let mut all = vec![secret.to_owned(), form.replace('+', "%20"), form, json.trim_matches('"').to_owned()];
    all.extend([percent.to_uppercase(), percent, hex, upper]);
    let json = json.trim_matches('"').to_owned();
    let careful = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    all.extend([json.replace('/', "\\/"), careful.replace('/', "\\/"), careful, html]);
    // Within a text of JSON within JSON.
    all.push(json.replace('\\', "\\\\").replace('"', "\\\""));
    for before in 0..3 {
        let bytes = [&vec![0; before][..], secret.as_bytes()].concat();
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            // The letters at both ends hold bits of the neighbours too.
            let text = engine.encode(&bytes);
            let whole = bytes.len() / 3 * 4;
            all.push(text[if before == 0 { 0 } else { 4 }..whole].to_owned());
        }
    }
    // What is very short is found everywhere.
    all.retain(|spelling| spelling.len() >= 6);
    all.sort_unstable();
    all.dedup();
    all
}

/// The spellings of the secrets that stand in some bytes.
pub(crate) fn found_in(bytes: &[u8], secrets: &[&str]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    secrets.iter().flat_map(|secret| spellings(secret)).filter(|spelling| text.contains(spelling.as_str())).collect()
}

/// Every file below a folder: the store, logs, settings, what was left behind.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// The files below a folder that hold a secret, but for those whose names end in one of `may`.
pub(crate) fn found_below(folder: &Path, secrets: &[&str], may: &[&str]) -> Vec<PathBuf> {
    let mut found = files(folder);
    found.retain(|path| !may.iter().any(|end| path.display().to_string().ends_with(end)));
    found.retain(|path| std::fs::read(path).is_ok_and(|bytes| !found_in(&bytes, secrets).is_empty()));
    found
}

/// Where a process can be looked at from outside: what it was started with.
pub(crate) fn of_process(pid: u32) -> Vec<(String, Vec<u8>)> {
    ["cmdline", "environ", "comm", "status"]
        .map(|name| (name.to_owned(), std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default()))
        .into()
}

#[test]
fn every_spelling_is_found() {
    let secret = "p/ä ss+word\"1";
    let base64 = base64::engine::general_purpose::STANDARD.encode(format!("x:{secret}"));
    for text in [
        secret.to_owned(),
        "p%2F%C3%A4+ss%2Bword%221".to_owned(),
        "p%2F%C3%A4%20ss%2Bword%221".to_owned(),
        serde_json::json!({ "password": secret }).to_string(),
        base64,
        hex::encode(secret),
        "p\\/ä ss+word\\\"1".to_owned(),
        "p/ä ss+word&quot;1".to_owned(),
    ] {
        assert!(!found_in(format!("before {text} after").as_bytes(), &[secret]).is_empty(), "{text}");
    }
    assert!(found_in(b"nothing of it", &[secret]).is_empty());
}
