//! `x-notify-signature`: HMAC-SHA256 over the raw body with the applicationId as key.
//!
//! That the header exists and is computed over the body with SHA-256 and the applicationId is confirmed by Mitel's
//! guide. The encoding of its value is stated nowhere (assumed), so every usual one is taken: 64 hex digits of either
//! case, with or without `sha256=`, or base64 and base64url with or without padding.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Application;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// A header value that may be a signature: 32 bytes and how they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    digest: [u8; 32],
    encoding: &'static str,
}

impl Claimed {
    /// Reads a header value; `None` when it can't be a signature in any encoding.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?.trim();
        let (bare, prefixed) = text.strip_prefix("sha256=").map_or((text, false), |bare| (bare, true));
        let mut digest = [0; 32];
        if bare.len() == 64 && hex::decode_to_slice(bare, &mut digest).is_ok() {
            return Some(Self { digest, encoding: if prefixed { "sha256=hex" } else { "hex" } });
        }
        if !(43..=44).contains(&bare.len()) {
            return None;
        }
        let decoded = STANDARD.decode(bare).map(|bytes| (bytes, "base64"));
        let (bytes, encoding) = decoded.or_else(|_| URL_SAFE.decode(bare).map(|bytes| (bytes, "base64url"))).ok()?;
        Some(Self { digest: bytes.try_into().ok()?, encoding })
    }
}

/// The applications whose notifications are believed, with their keys ready for use.
pub struct Keys(Vec<Key>);

struct Key {
    name: Arc<str>,
    account: Arc<str>,
    mac: Hmac<Sha256>,
    /// Whether the encoding of its signatures was logged.
    seen: AtomicBool,
}

/// A body whose signature was verified. There is no other way to make one.
#[derive(Clone, Debug)]
pub struct Verified {
    body: Bytes,
    account: Arc<str>,
    application: Arc<str>,
}

impl Verified {
    /// The raw body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The account whose application verified it.
    pub fn account(&self) -> &Arc<str> {
        &self.account
    }

    /// The application whose key verified it.
    pub fn application(&self) -> &Arc<str> {
        &self.application
    }
}

impl Keys {
    /// Prepares the keys.
    pub fn new(applications: &[Application]) -> Self {
        let key = |application: &Application| {
            let mac = Hmac::<Sha256>::new_from_slice(application.id.expose().as_bytes()).ok()?;
            let (name, account) = (Arc::clone(&application.name), Arc::clone(&application.account));
            Some(Key { name, account, mac, seen: AtomicBool::new(false) })
        };
        // HMAC takes keys of any length, so none is lost here.
        Self(applications.iter().filter_map(key).collect())
    }

    /// Proves that a body is genuine: by the key of one application, or by any. Every candidate key is tried, each
    /// compared in constant time.
    pub fn verify(&self, body: Bytes, claimed: &Claimed, only: Option<&str>) -> Option<Verified> {
        let fits = |key: &&Key| key.mac.clone().chain_update(&body).verify_slice(&claimed.digest).is_ok();
        let key = self.0.iter().filter(|key| only.is_none_or(|name| *key.name == *name)).find(fits)?;
        if !key.seen.swap(true, Ordering::Relaxed) {
            tracing::info!(
                application = &*key.name,
                encoding = claimed.encoding,
                "first genuine notification of this application"
            );
        }
        Some(Verified { body, account: Arc::clone(&key.account), application: Arc::clone(&key.name) })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;
    use crate::kit::secret::Secret;

    fn keys(ids: &[&str]) -> Keys {
        let application = |(n, id): (usize, &&str)| Application {
            name: n.to_string().into(),
            account: "main".into(),
            id: Secret::new(*id),
        };
        Keys::new(&ids.iter().enumerate().map(application).collect::<Vec<_>>())
    }

    fn accepts(key: &[u8], body: &[u8], header: &str) -> bool {
        let key = Hmac::<Sha256>::new_from_slice(key).unwrap();
        let key = Key { name: "x".into(), account: "main".into(), mac: key, seen: AtomicBool::new(false) };
        Claimed::parse(header.as_bytes())
            .is_some_and(|claimed| Keys(vec![key]).verify(Bytes::copy_from_slice(body), &claimed, None).is_some())
    }

    /// The test cases of RFC 4231 with a whole HMAC-SHA-256 (5 is a truncated one).
    #[test]
    fn agrees_with_rfc_4231() {
        let cases: [(&[u8], &[u8], &str); 6] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (
                &(1..=25).collect::<Vec<u8>>(),
                &[0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                &[0xaa; 131],
                b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ];
        for (key, body, digest) in cases {
            assert!(accepts(key, body, digest), "{digest}");
        }
    }

    const ID: &str = "9f1c2b3a-0000-4000-8000-000000000001";
    const BODY: &[u8] = br#"{"publicationId":"p1"}"#;
    const HEX: &str = "78162394df12feef6cedd95943069762321e2f61e4cb192f4254381025b4f8a2";

    #[test]
    fn takes_every_encoding() {
        let digest = hex::decode(HEX).unwrap();
        let headers = [
            HEX.to_owned(),
            HEX.to_uppercase(),
            format!("sha256={HEX}"),
            format!(" {HEX} "),
            "eBYjlN8S/u9s7dlZQwaXYjIeL2HkyxkvQlQ4ECW0+KI=".to_owned(),
            BASE64_STANDARD.encode(&digest).trim_end_matches('=').to_owned(),
            BASE64_URL_SAFE_NO_PAD.encode(&digest),
        ];
        for header in headers {
            assert!(accepts(ID.as_bytes(), BODY, &header), "{header}");
        }
        for header in ["", "abc", &HEX[..32], &"0".repeat(64), &format!("{HEX}00"), &format!("sha1={HEX}")] {
            assert!(!accepts(ID.as_bytes(), BODY, header), "{header}");
        }
    }

    #[test]
    fn tries_each_key_or_just_the_named_one() {
        let keys = keys(&["other", ID]);
        let claimed = Claimed::parse(HEX.as_bytes()).unwrap();
        let by = |only| {
            keys.verify(Bytes::from_static(BODY), &claimed, only).map(|verified| verified.application().to_string())
        };
        assert_eq!(by(None).as_deref(), Some("1"));
        assert_eq!(by(Some("1")).as_deref(), Some("1"));
        assert_eq!(by(Some("0")), None);
        assert_eq!(by(Some("nobody")), None);
        assert_eq!(format!("{keys:?}"), r#"["0", "1"]"#);
    }

    proptest! {
        #[test]
        fn one_flipped_bit_anywhere_is_refused(bit in 0usize..(36 + 22 + 32) * 8) {
            let (mut key, mut body, mut digest) = (ID.as_bytes().to_vec(), BODY.to_vec(), hex::decode(HEX).unwrap());
            let parts = [&mut key, &mut body, &mut digest];
            let mut at = bit;
            for part in parts {
                if at < part.len() * 8 {
                    part[at / 8] ^= 1 << (at % 8);
                    break;
                }
                at -= part.len() * 8;
            }
            prop_assert!(!accepts(&key, &body, &hex::encode(&digest)));
        }

        #[test]
        fn reading_a_header_never_panics(value in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = Claimed::parse(&value);
        }
    }
}
