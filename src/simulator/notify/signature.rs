//! The signature of a webhook: HMAC-SHA256 over the body with the applicationId as key, in one of several writings.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;

use crate::simulator::options::SignatureForm;

/// The header's value for this body.
pub(crate) fn sign(application_id: &str, body: &[u8], form: SignatureForm) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, application_id.as_bytes());
    let tag = hmac::sign(&key, body);
    match form {
        SignatureForm::Hex => hex::encode(tag),
        SignatureForm::UpperHex => hex::encode_upper(tag),
        SignatureForm::Prefixed => format!("sha256={}", hex::encode(tag)),
        SignatureForm::Base64 => STANDARD.encode(tag),
        SignatureForm::Base64Url => URL_SAFE_NO_PAD.encode(tag),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_known_vector_says() {
        let sign = |form| sign("9f1c2b3a-0000-4000-8000-000000000001", br#"{"publicationId":"p1"}"#, form);
        let hex = "78162394df12feef6cedd95943069762321e2f61e4cb192f4254381025b4f8a2";
        assert_eq!(sign(SignatureForm::Hex), hex);
        assert_eq!(sign(SignatureForm::UpperHex), hex.to_uppercase());
        assert_eq!(sign(SignatureForm::Prefixed), format!("sha256={hex}"));
        assert_eq!(sign(SignatureForm::Base64), "eBYjlN8S/u9s7dlZQwaXYjIeL2HkyxkvQlQ4ECW0+KI=");
        assert_eq!(sign(SignatureForm::Base64Url), "eBYjlN8S_u9s7dlZQwaXYjIeL2HkyxkvQlQ4ECW0-KI");
    }
}
