//! Proof Key for Code Exchange, S256 (RFC 7636), and the `state` of a login: what nobody else can know.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::kit::secret::Secret;

/// A verifier, to be sent when the code is exchanged.
pub(super) struct Verifier(Secret);

impl Verifier {
    /// From the system's randomness: 32 bytes, as the RFC recommends.
    pub(super) fn new() -> Result<Self, NoRandomness> {
        unguessable().map(Self)
    }

    /// Its text.
    pub(super) fn secret(&self) -> &Secret {
        &self.0
    }

    /// The challenge that goes to the portal.
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, self.0.expose().as_bytes()))
    }
}

/// The system gives no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomness;

/// 256 bits as text.
pub(super) fn unguessable() -> Result<Secret, NoRandomness> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

/// Whether two texts are the same, in a time that does not tell how much of them is.
pub(super) fn same(expected: &Secret, given: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, expected.expose().as_bytes());
    let tag = hmac::sign(&key, expected.expose().as_bytes());
    hmac::verify(&key, given.as_bytes(), tag.as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636, appendix B.
    #[test]
    fn the_vectors_of_the_rfc() {
        let octets = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105, 214, 191,
            240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let verifier = URL_SAFE_NO_PAD.encode(octets);
        assert_eq!(verifier, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let verifier = Verifier(Secret::new(verifier));
        let hash = [
            19, 211, 30, 150, 26, 26, 216, 236, 47, 22, 177, 12, 76, 152, 46, 8, 118, 168, 120, 173, 109, 241, 68, 86,
            110, 225, 137, 74, 203, 112, 249, 195,
        ];
        assert_eq!(URL_SAFE_NO_PAD.decode(verifier.challenge()).unwrap(), hash);
        assert_eq!(verifier.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn each_is_another_of_the_length_and_letters_of_the_rfc() {
        let (one, other) = (Verifier::new().unwrap(), Verifier::new().unwrap());
        assert_ne!(one.secret(), other.secret());
        let text = one.secret().expose();
        assert_eq!(text.len(), 43);
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c)), "{text}");
    }

    #[test]
    fn only_the_same_is_the_same() {
        let state = Secret::new("abc");
        assert!(same(&state, "abc"));
        for other in ["", "ab", "abcd", "abd", "ABC"] {
            assert!(!same(&state, other), "{other}");
        }
    }
}
