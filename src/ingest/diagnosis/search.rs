//! Trying what may have been signed, with every key, by every construction, until one fits.
//!
//! All of it is ring's; the gateway's own check uses another library, so that the two can catch each other's mistakes.

use ring::{digest, hmac};

use super::captured::Captured;
use super::encodings::Reading;
use super::keys::{self, Form};
use super::messages::{self, Because, Message};
use crate::ingest::Application;

/// How many bytes are hashed at most: a few seconds.
const BUDGET: usize = 2 << 30;

/// What fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    /// The name of the application whose key it is; none if there is no key in it.
    pub application: Option<String>,
    /// How the header's value is written.
    pub encoding: String,
    /// How the value is made, in words: construction, message, key.
    pub construction: String,
    /// The parts that differ from the documented way, in words. None of them: it is the documented way.
    pub differs: Differs,
}

/// In what a fit differs from HMAC-SHA256 of the raw body, keyed by the id as given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differs {
    /// The construction is another.
    pub construction: bool,
    /// The key is used in another form; what to write in the settings, if that helps.
    pub key: Option<Option<&'static str>>,
    pub(super) message: Option<Because>,
}

impl Fit {
    /// Whether only the encoding of the value may be unusual.
    pub fn is_documented(&self) -> bool {
        !self.differs.construction && self.differs.key.is_none() && self.differs.message.is_none()
    }
}

/// What a search came to.
#[derive(Debug, Default)]
pub(super) struct Searched {
    pub(super) fit: Option<Fit>,
    /// How many combinations were tried.
    pub(super) tried: usize,
    /// Whether there were more than time allows.
    pub(super) cut: bool,
}

/// How key and message become a digest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Hmac,
    KeyFirst,
    KeyLast,
    KeyColon,
    KeyAround,
    Swapped,
    HashedKey,
    HexTwice,
}

const HOWS: [How; 8] = [
    How::Hmac,
    How::KeyFirst,
    How::KeyLast,
    How::KeyColon,
    How::KeyAround,
    How::Swapped,
    How::HashedKey,
    How::HexTwice,
];

/// A hash function.
struct Hash {
    name: &'static str,
    digest: &'static digest::Algorithm,
    hmac: hmac::Algorithm,
}

const HASHES: [Hash; 4] = [
    Hash { name: "SHA256", digest: &digest::SHA256, hmac: hmac::HMAC_SHA256 },
    Hash { name: "SHA1", digest: &digest::SHA1_FOR_LEGACY_USE_ONLY, hmac: hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY },
    Hash { name: "SHA384", digest: &digest::SHA384, hmac: hmac::HMAC_SHA384 },
    Hash { name: "SHA512", digest: &digest::SHA512, hmac: hmac::HMAC_SHA512 },
];

/// Looks for what fits one of the readings.
pub(super) fn search(captured: &Captured, readings: &[Reading], applications: &[Application]) -> Searched {
    let keys: Vec<(&str, Vec<Form>)> =
        applications.iter().map(|application| (&*application.name, keys::forms(&application.id))).collect();
    let hashes: Vec<&Hash> = HASHES.iter().filter(|hash| readings.iter().any(|reading| hash.may_be(reading))).collect();
    let mut found = Searched::default();
    let mut left = BUDGET;
    messages::each(captured, |message| {
        for hash in &hashes {
            let tries = keys.iter().flat_map(|(name, forms)| forms.iter().map(|form| (Some(*name), Some(form))));
            for (name, form) in tries.chain([(None, None)]) {
                let hows = if form.is_some() { &HOWS[..] } else { &[How::KeyFirst] };
                for how in hows {
                    let Some(rest) = left.checked_sub(message.bytes.len() + 64) else {
                        found.cut = true;
                        return true;
                    };
                    (left, found.tried) = (rest, found.tried + 1);
                    let digest = how.digest(hash, form.map_or(&[][..], |form| &form.bytes), &message.bytes);
                    if let Some(reading) = readings.iter().find(|reading| hash.is(&digest, reading)) {
                        found.fit = Some(fit(name, form, *how, hash, &message, reading));
                        return true;
                    }
                }
            }
        }
        false
    });
    found
}

impl Hash {
    /// Whole, or cut to 16 or 20 bytes.
    fn may_be(&self, reading: &Reading) -> bool {
        let (whole, length) = (self.digest.output_len(), reading.digest.len());
        whole == length || self.name == "SHA256" && length < whole
    }

    fn is(&self, digest: &[u8], reading: &Reading) -> bool {
        self.may_be(reading) && digest.get(..reading.digest.len()) == Some(&reading.digest[..])
    }
}

impl How {
    fn digest(self, hash: &Hash, key: &[u8], message: &[u8]) -> Vec<u8> {
        let of = |parts: &[&[u8]]| {
            let mut context = digest::Context::new(hash.digest);
            for part in parts {
                context.update(part);
            }
            context.finish().as_ref().to_vec()
        };
        let mac = |key: &[u8], message: &[u8]| hmac::sign(&hmac::Key::new(hash.hmac, key), message).as_ref().to_vec();
        match self {
            Self::Hmac => mac(key, message),
            Self::Swapped => mac(message, key),
            Self::HashedKey => mac(&of(&[key]), message),
            Self::HexTwice => mac(key, hex::encode(of(&[message])).as_bytes()),
            Self::KeyFirst => of(&[key, message]),
            Self::KeyLast => of(&[message, key]),
            Self::KeyColon => of(&[key, b":", message]),
            Self::KeyAround => of(&[key, message, key]),
        }
    }

    fn words(self, hash: &str, key: &str, message: &str) -> String {
        match self {
            Self::Hmac => format!("HMAC-{hash} of {message}, keyed by {key}"),
            Self::Swapped => format!("HMAC-{hash} of {key}, keyed by {message}"),
            Self::HashedKey => format!("HMAC-{hash} of {message}, keyed by the {hash} of {key}"),
            Self::HexTwice => format!("HMAC-{hash} of the {hash} (as hex) of {message}, keyed by {key}"),
            Self::KeyFirst => format!("{hash} of {key} followed by {message}"),
            Self::KeyLast => format!("{hash} of {message} followed by {key}"),
            Self::KeyColon => format!("{hash} of {key}, a colon and {message}"),
            Self::KeyAround => format!("{hash} of {message} with {key} before and after it"),
        }
    }
}

fn fit(name: Option<&str>, form: Option<&Form>, how: How, hash: &Hash, message: &Message, reading: &Reading) -> Fit {
    let key = form.and_then(|form| form.words).unwrap_or("the id as given");
    let mut construction = match form {
        Some(_) => how.words(hash.name, key, &message.words),
        None => format!("{} of {}, without any key: everybody can make it", hash.name, message.words),
    };
    let whole = hash.digest.output_len();
    if reading.digest.len() < whole {
        construction = format!("the first {} bytes of the {construction}", reading.digest.len());
    }
    let differs = Differs {
        construction: how != How::Hmac || hash.name != "SHA256" || form.is_none() || reading.digest.len() < whole,
        key: form.and_then(|form| form.words.map(|_| form.remedy)),
        message: (message.because != Because::Same).then_some(message.because),
    };
    Fit { application: name.map(str::to_owned), encoding: reading.encoding.clone(), construction, differs }
}
