//! A verified body into publications: every shape that a body may have, what must not be stored, ids and lane keys.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::resource::{Resource, Service};

/// The most publications that one body may carry.
pub const MOST: usize = 10_000;
/// Fewer brackets than this are nested less deep than a reader of JSON allows.
const DEEPEST: usize = 100;
/// More digits than that are looked at with care.
const MOST_DIGITS: u32 = 300;
/// A longer `publicationId` is replaced by its hash.
const LONGEST_ID: usize = 200;

/// One publication, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Its `publicationId`, else a hash of its text, so that a repeat is recognised all the same.
    pub id: Arc<str>,
    /// The order key: the call, the conversation, the presentity, else the subject.
    pub lane: Arc<str>,
    /// Its JSON text as it came, less what must never be stored.
    pub body: Arc<str>,
}

/// Why a signed body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or nested too deeply.
    #[error("the body is no JSON")]
    NotJson,
    /// JSON, but not an object or a list of objects.
    #[error("the body is no publication")]
    NoPublication,
    /// More than [`MOST`] at once.
    #[error("the body carries too many publications")]
    TooMany,
}

/// Takes a body apart. CloudLink sends one bare publication (confirmed by Mitel's notification sample); a list, and
/// envelopes with `publication` or `publications`, are taken too.
///
/// The outer shape is read without building anything, so that a body costs no more memory than its largest publication.
pub fn decode(body: &[u8]) -> Result<Vec<Publication>, DecodeError> {
    let text = std::str::from_utf8(body).map_err(|_| DecodeError::NotJson)?;
    if is_list(text) {
        return each(text);
    }
    // What has a usual publication's head is one, whatever else stands beside it.
    if let Some(publication) = quick(text) {
        return Ok(vec![publication]);
    }
    let fields: HashMap<String, &RawValue> = serde_json::from_str(text).map_err(|_| DecodeError::NotJson)?;
    if fields.contains_key("publicationId") || fields.contains_key("topic") {
        return Ok(vec![one(text)?]);
    }
    match (fields.get("publications"), fields.get("publication")) {
        (Some(list), _) if is_list(list.get()) => each(list.get()),
        (_, Some(inner)) => Ok(vec![one(inner.get())?]),
        _ => Ok(vec![one(text)?]),
    }
}

fn is_list(text: &str) -> bool {
    text.trim_start().starts_with('[')
}

fn each(text: &str) -> Result<Vec<Publication>, DecodeError> {
    let texts: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| DecodeError::NotJson)?;
    if texts.len() > MOST {
        return Err(DecodeError::TooMany);
    }
    texts.into_iter().map(|text| one(text.get())).collect()
}

fn one(text: &str) -> Result<Publication, DecodeError> {
    if let Some(publication) = quick(text) {
        return Ok(publication);
    }
    slow(text)
}

fn slow(text: &str) -> Result<Publication, DecodeError> {
    let document: &Value = &serde_json::from_str(text).map_err(|_| DecodeError::NotJson)?;
    if !document.is_object() {
        return Err(DecodeError::NoPublication);
    }
    let id = match document.get("publicationId") {
        Some(Value::String(id)) if !id.is_empty() && id.len() <= LONGEST_ID => id.as_str().into(),
        Some(Value::Number(id)) => id.to_string().into(),
        Some(Value::String(id)) if !id.is_empty() => hash(id),
        _ => hash(text),
    };
    let lane = Resource::of(document).lane();
    // Of a name that is there twice only the last is in the document.
    let is_twice = || names_the_forbidden(text.as_bytes()).then(|| document.clone());
    let body = scrub(document).or_else(is_twice).map_or_else(|| text.into(), |scrubbed| scrubbed.to_string().into());
    Ok(Publication { id, lane, body })
}

/// What a usual publication is known by, without building the rest of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(borrow)]
    publication_id: Cow<'a, str>,
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
}

/// The usual publication, as it is: flat enough to be read later, nothing in it that must not be stored, all that it is
/// known by in its head. Everything else takes the long way.
fn quick(text: &str) -> Option<Publication> {
    let is_flat = text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() < DEEPEST;
    // A key can be hidden behind an escape.
    let is_escaped = memchr::memmem::find(text.as_bytes(), b"\\u").is_some();
    let is_plain = !is_escaped && !names_the_forbidden(text.as_bytes());
    let is_small = !has_a_huge_number(text.as_bytes());
    let head: Head<'_> = serde_json::from_str(text).ok().filter(|_| is_flat && is_plain && is_small)?;
    let id = &*head.publication_id;
    let resource = Resource::parse(Service::of(&head.topic), &head.subject)?;
    (!id.is_empty() && id.len() <= LONGEST_ID).then(|| Publication {
        id: id.into(),
        lane: resource.lane(),
        body: text.into(),
    })
}

/// Whether something in it may be a number beyond what is read: an exponent of three digits, or very many digits. What
/// stands between quotes is none: ids look like such numbers.
fn has_a_huge_number(text: &[u8]) -> bool {
    let mut rest = text;
    loop {
        let quote = memchr::memchr(b'"', rest).unwrap_or(rest.len());
        if is_huge(&rest[..quote]) {
            return true;
        }
        match rest.get(quote + 1..).and_then(behind_quoted) {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
}

/// What stands behind the quote that ends a text.
fn behind_quoted(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text;
    loop {
        let at = memchr::memchr2(b'"', b'\\', rest)?;
        if rest[at] == b'"' {
            return rest.get(at + 1..);
        }
        rest = rest.get(at + 2..)?;
    }
}

/// The same where nothing is quoted.
fn is_huge(text: &[u8]) -> bool {
    let (mut digits, mut exponent) = (0, 0);
    for byte in text {
        (digits, exponent) = match byte {
            b'0'..=b'9' if exponent > 0 => (digits + 1, exponent + 1),
            b'0'..=b'9' => (digits + 1, 0),
            b'e' | b'E' if digits > 0 => (0, 1),
            b'+' | b'-' if exponent == 1 => (0, 1),
            _ => (0, 0),
        };
        if exponent > 3 || digits > MOST_DIGITS {
            return true;
        }
    }
    false
}

/// Whether what must not be stored is named, however its letters are written. The letter that is looked for is the
/// rarest of the name.
fn names_the_forbidden(text: &[u8]) -> bool {
    memchr::memchr2_iter(b'w', b'W', text).any(|at| {
        let begin = at.checked_sub(FORBIDDEN_W);
        let window = begin.and_then(|begin| text.get(begin..begin + FORBIDDEN.len()));
        window.is_some_and(|window| window.eq_ignore_ascii_case(FORBIDDEN.as_bytes()))
    })
}

fn hash(text: &str) -> Arc<str> {
    format!("sha256:{}", hex::encode(Sha256::digest(text))).into()
}

/// The field that user objects of the Admin API carry and that must never be stored, logged or relayed.
const FORBIDDEN: &str = "sipPassword";
/// Where its `w` stands.
const FORBIDDEN_W: usize = 7;

/// A copy without what must not be stored; `None` when there is nothing of the kind.
fn scrub(value: &Value) -> Option<Value> {
    match value {
        Value::Object(map) => {
            let mut changed = false;
            let kept = map.iter().filter_map(|(key, value)| {
                if key.eq_ignore_ascii_case(FORBIDDEN) {
                    changed = true;
                    return None;
                }
                let scrubbed = scrub(value);
                changed |= scrubbed.is_some();
                Some((key, value, scrubbed))
            });
            let kept: Vec<_> = kept.collect();
            changed.then(|| {
                let fields = kept.into_iter();
                Value::Object(
                    fields.map(|(key, value, new)| (key.clone(), new.unwrap_or_else(|| value.clone()))).collect(),
                )
            })
        }
        Value::Array(items) => {
            let scrubbed: Vec<_> = items.iter().map(scrub).collect();
            scrubbed.iter().any(Option::is_some).then(|| {
                Value::Array(
                    items.iter().zip(scrubbed).map(|(item, new)| new.unwrap_or_else(|| item.clone())).collect(),
                )
            })
        }
        Value::String(text) => scrub_text(text).map(Value::String),
        _ => None,
    }
}

/// JSON inside a text (extraPbxData comes so): what can't be read for sure is dropped whole.
fn scrub_text(text: &str) -> Option<String> {
    let is_named = names_the_forbidden(text.as_bytes());
    // In there, too, a key can be hidden behind an escape.
    if !is_named && !text.contains("\\u") {
        return None;
    }
    match serde_json::from_str::<Value>(text) {
        Ok(inner) => scrub(&inner).or(is_named.then_some(inner)).map(|inner| inner.to_string()),
        Err(_) => is_named.then(String::new),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CALL: &str = r#"{"publicationId":"p1","topic":"platform-api-media","method":"PUT","subject":"/2017-09-01/endpoints/3001/calls/7","content":{}}"#;

    fn ids(body: &str) -> Vec<String> {
        decode(body.as_bytes()).unwrap().into_iter().map(|publication| publication.id.to_string()).collect()
    }

    #[test]
    fn takes_every_shape() {
        let chat =
            r#"{"publicationId":"p2","topic":"platform-api-conversations","subject":"/conversations/c/messages/m"}"#;
        assert_eq!(ids(CALL), ["p1"]);
        assert_eq!(ids(&format!("[{CALL},{chat}]")), ["p1", "p2"]);
        assert_eq!(ids(&format!(r#"{{"x":1,"publications":[{CALL}, {chat}]}}"#)), ["p1", "p2"]);
        assert_eq!(ids(&format!(r#"{{"publication": {CALL}}}"#)), ["p1"]);
        assert_eq!(ids("[]"), [""; 0]);
        let list = decode(format!("[ {CALL} , {chat} ]").as_bytes()).unwrap();
        assert_eq!(&*list[0].body, CALL, "the text stays as it came");
        assert_eq!((&*list[0].lane, &*list[1].lane), ("call/3001/7", "conversation/c"));
    }

    #[test]
    fn refuses_what_is_no_publication() {
        for body in ["", "not json", "1", "\"x\"", "null", "[1]", "[null]", "{\"publication\":1}", "\u{feff}{}"] {
            assert!(decode(body.as_bytes()).is_err(), "{body}");
        }
        assert_eq!(decode("[".repeat(100_000).as_bytes()), Err(DecodeError::NotJson));
        assert_eq!(decode(&[b'{', 0xff, b'}']), Err(DecodeError::NotJson));
        assert_eq!(decode(format!("[{}{{}}]", "{},".repeat(MOST)).as_bytes()), Err(DecodeError::TooMany));
    }

    #[test]
    fn a_missing_id_comes_from_the_text() {
        assert_eq!(ids(r#"{"topic":"x"}"#), ids(r#"{"topic":"x"}"#));
        assert_ne!(ids(r#"{"topic":"x"}"#), ids(r#"{"topic":"y"}"#));
    }

    #[test]
    fn a_sip_password_is_not_stored() {
        let body = r#"{"publicationId":"p","content":{"userId":"u","sipPassword":"s3cret","list":[{"sip\u0050assword":"s3cret"}],"text":"{\"sipPassword\":\"s3cret\",\"a\":1}","hidden":"{\"sip\\u0050assword\":\"s3cret\",\"b\":[\"\\u00e9\"]}","broken":"sipPassword=s3cret"}}"#;
        let twice = r#"{"publicationId":"p","content":{"sipPassword":"s3cret"},"content":{"a":1}}"#;
        assert!(!decode(twice.as_bytes()).unwrap().remove(0).body.contains("s3cret"));
        let stored = decode(body.as_bytes()).unwrap().remove(0).body;
        assert!(!stored.contains("s3cret"), "{stored}");
        assert!(stored.contains(r#""userId":"u""#) && stored.contains(r#"\"a\":1"#), "{stored}");
        assert!(stored.contains(r#""hidden":"{\"b\":[\"é\"]}""#), "{stored}");
    }

    #[test]
    fn a_number_that_can_not_be_read_is_refused_on_both_ways() {
        let with = |number: &str| CALL.replace("\"content\":{}", &format!("\"content\":{{\"x\":{number}}}"));
        let long = "9".repeat(400);
        for number in ["1e999", "1E+999", "-1e0999", &long] {
            assert!(slow(&with(number)).is_err() && quick(&with(number)).is_none(), "{number}");
        }
        for number in ["1e99", "0.1", "1770106530124", "-7"] {
            assert_eq!(quick(&with(number)), slow(&with(number)).ok(), "{number}");
        }
    }

    #[test]
    fn what_stands_between_quotes_is_no_number() {
        for id in ["7a7c0f5e-0b1a-4a53-9c1e-000000000001", "1e999", r#"a\"1e999"#, r"1e999\\"] {
            let text = CALL.replace("\"p1\"", &format!("\"{id}\""));
            assert_eq!(quick(&text), slow(&text).ok(), "{id}");
            assert!(quick(&text).is_some(), "{id}");
        }
        let behind = CALL.replace("\"p1\"", r#""a\\","x":1e999"#);
        assert!(quick(&behind).is_none() && slow(&behind).is_err());
    }

    /// Mostly what a publication has, in any order and with anything in it.
    fn nearly_a_publication() -> impl Strategy<Value = String> {
        let value = prop_oneof![
            Just("\"platform-api-media\"".to_owned()),
            Just("\"/2017-09-01/endpoints/3001/calls/7\"".to_owned()),
            Just("\"/conversations/c/messages/m\"".to_owned()),
            Just("\"a\\u0041\"".to_owned()),
            Just("7".to_owned()),
            Just("null".to_owned()),
            Just("1e999".to_owned()),
            Just("{\"SipPassword\":\"s\",\"a\":[1,{}]}".to_owned()),
            Just("{\"state\":\"ringing\",\"callId\":\"endpoints/1/calls/2\"}".to_owned()),
        ];
        let key = prop_oneof![Just("publicationId"), Just("topic"), Just("subject"), Just("content"), Just("x")];
        prop::collection::vec((key, value), 0..7).prop_map(|fields| {
            let fields: Vec<String> = fields.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
            format!("{{{}}}", fields.join(","))
        })
    }

    proptest! {
        #[test]
        fn the_quick_way_and_the_long_one_come_to_the_same(text in nearly_a_publication()) {
            if let Some(quick) = quick(&text) {
                prop_assert_eq!(slow(&text).unwrap(), quick);
            }
        }

        #[test]
        fn never_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&body);
        }

        #[test]
        fn never_panics_on_nearly_json(body in r#"[\[\]{}",:a-z0-9 ]{0,80}"#) {
            let _ = decode(body.as_bytes());
        }
    }
}
