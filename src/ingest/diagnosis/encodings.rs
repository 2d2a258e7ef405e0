//! How the value of a signature header may be written, more generously than the gateway takes it.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The longest value that is looked at, and the most that it may hold.
const LONGEST: usize = 4096;
const MOST: usize = 16;

/// A value read in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// The digest, perhaps a part of it.
    pub(super) digest: Vec<u8>,
    /// How it was written, in words.
    pub(super) encoding: String,
}

/// Every way in which a value can be read as a digest; best first.
pub(super) fn readings(value: &str) -> Vec<Reading> {
    let value = value.trim();
    let mut found: Vec<Reading> = Vec::new();
    if value.len() > LONGEST {
        return found;
    }
    for (before, bare) in parts(value).into_iter().take(MOST) {
        for (digest, encoding) in digests(&bare) {
            if !found.iter().any(|reading| reading.digest == digest) {
                found.push(Reading { digest, encoding: format!("{encoding}{before}") });
            }
        }
    }
    found
}

/// The value itself, what is in its quotes, what follows `sha256=`, `HMAC ` and the like, and each of several with commas.
fn parts(value: &str) -> Vec<(String, Cow<'_, str>)> {
    let mut parts = vec![(String::new(), Cow::from(value))];
    let unquoted = value.trim_matches(['"', '\'']);
    if unquoted != value {
        parts.push((" in quotes".to_owned(), unquoted.into()));
    }
    for piece in unquoted.split([',', ';']).map(str::trim) {
        if let Some((name, rest)) = piece.split_once('=').filter(|(name, rest)| is_word(name) && !rest.is_empty()) {
            parts.push((format!(" after `{name}=`"), rest.trim_matches('"').into()));
        }
        if let Some((scheme, rest)) = piece.rsplit_once([' ', ':']) {
            let scheme = scheme.trim();
            parts.push((format!(" after `{}`", scheme.escape_debug()), rest.trim().into()));
        }
        if piece != unquoted {
            parts.push((" as one of several".to_owned(), piece.into()));
        }
    }
    if unquoted.contains('%') {
        let plain = percent_encoding::percent_decode_str(unquoted).decode_utf8_lossy().into_owned();
        parts.push((", percent-encoded".to_owned(), plain.into()));
    }
    parts
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 24
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// What a bare value can be: hex, base64, hex within base64.
fn digests(bare: &str) -> Vec<(Vec<u8>, &'static str)> {
    if let Some(digest) = hexadecimal(bare) {
        return vec![(digest, case(bare))];
    }
    let colons: String = bare.chars().filter(|c| !":-".contains(*c)).collect();
    if let Some(digest) = hexadecimal(&colons).filter(|_| colons != bare) {
        return vec![(digest, "hex with separators")];
    }
    let Some((decoded, name)) = base64(bare) else { return Vec::new() };
    let inner = std::str::from_utf8(&decoded).ok().and_then(hexadecimal);
    let inner = inner.map(|digest| (digest, "hex that was encoded as base64"));
    inner.into_iter().chain(is_length(decoded.len()).then_some((decoded, name))).collect()
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    hex::decode(text).ok().filter(|digest| is_length(digest.len()))
}

/// Lengths of SHA-1, SHA-256, -384, -512, and of their usual halves.
fn is_length(length: usize) -> bool {
    [16, 20, 32, 48, 64].contains(&length)
}

fn case(text: &str) -> &'static str {
    let (lower, upper) = (text.contains(|c: char| c.is_lowercase()), text.contains(|c: char| c.is_uppercase()));
    match (lower, upper) {
        (true, true) => "hex in mixed case",
        (false, true) => "upper-case hex",
        _ => "lower-case hex",
    }
}

fn base64(bare: &str) -> Option<(Vec<u8>, &'static str)> {
    let padded = bare.ends_with('=') || bare.len().is_multiple_of(4);
    let standard = STANDARD.decode(bare).map(|digest| (digest, ["base64 without padding", "base64"]));
    let either =
        standard.or_else(|_| URL_SAFE.decode(bare).map(|digest| (digest, ["base64url without padding", "base64url"])));
    either.ok().map(|(digest, names)| (digest, names[usize::from(padded)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "78162394df12feef6cedd95943069762321e2f61e4cb192f4254381025b4f8a2";

    /// Made by `python3 -c "import base64; d=bytes.fromhex(HEX); print(base64.b64encode(d), base64.b64encode(HEX.encode()))"`.
    const BASE64: &str = "eBYjlN8S/u9s7dlZQwaXYjIeL2HkyxkvQlQ4ECW0+KI=";
    const BASE64_OF_HEX: &str =
        "NzgxNjIzOTRkZjEyZmVlZjZjZWRkOTU5NDMwNjk3NjIzMjFlMmY2MWU0Y2IxOTJmNDI1NDM4MTAyNWI0ZjhhMg==";

    #[test]
    fn every_way_of_writing_is_named() {
        let url_safe = BASE64.replace('+', "-").replace('/', "_");
        let colons =
            HEX.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).unwrap()).collect::<Vec<_>>().join(":");
        for (value, encoding) in [
            (HEX, "lower-case hex"),
            (&HEX.to_uppercase(), "upper-case hex"),
            (&format!("7{}", HEX[1..].replace("df", "DF")), "hex in mixed case"),
            (&format!(" {HEX}\t"), "lower-case hex"),
            (&format!("\"{HEX}\""), "lower-case hex in quotes"),
            (&format!("sha256={HEX}"), "lower-case hex after `sha256=`"),
            (&format!("HMAC-SHA256 {HEX}"), "lower-case hex after `HMAC-SHA256`"),
            (&format!("t=1700000000,v1={HEX}"), "lower-case hex after `v1=`"),
            (&colons, "hex with separators"),
            (BASE64, "base64"),
            (BASE64.trim_end_matches('='), "base64 without padding"),
            (&url_safe, "base64url"),
            (url_safe.trim_end_matches('='), "base64url without padding"),
            (&format!("sha256={BASE64}"), "base64 after `sha256=`"),
            (&BASE64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"), "base64, percent-encoded"),
            (BASE64_OF_HEX, "hex that was encoded as base64"),
        ] {
            let read = readings(value);
            let of_digest = read.iter().find(|reading| hex::encode(&reading.digest) == HEX);
            assert_eq!(of_digest.map(|reading| &*reading.encoding), Some(encoding), "{value}: {read:?}");
        }
    }

    #[test]
    fn what_is_no_digest_is_none() {
        for value in ["", "abc", "sha256=", "{\"a\":1}", &HEX[1..], &"a".repeat(5000), "=,=;=", "…"] {
            assert_eq!(readings(value), [], "{value}");
        }
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics(value in ".{0,200}", near in "[0-9a-fA-F=+/,;:% \"-]{0,140}") {
            let _ = (readings(&value), readings(&near));
        }
    }
}
