//! Why a captured request is believed, or not: which application's key, which encoding and which construction fit its
//! signature, what the gateway answers to it, and what to try next.
//!
//! For people at a desk; nothing here is on the path of a notification, and what it finds is not accepted anywhere. The gateway's
//! answer comes from the gateway's own code. Keys are named, never shown.

pub mod captured;
mod encodings;
mod hints;
mod keys;
mod messages;
mod search;

use axum::http::HeaderValue;
use bytes::Bytes;

use self::captured::Captured;
pub use self::search::{Differs, Fit};
use super::signature::{Claimed, Keys};
use super::webhook::SIGNATURE;
use super::{Application, body};
use crate::event::publication::{self, DecodeError};

/// What the gateway is set up with, as far as it matters for one request.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The path that takes publications.
    pub path: String,
    /// The largest body.
    pub max_body: usize,
    /// Whose notifications are believed.
    pub applications: Vec<Application>,
}

/// What there is to say about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The header whose value was looked at.
    pub header: Option<String>,
    /// What the gateway answers.
    pub verdict: Verdict,
    /// What fits the signature.
    pub fit: Option<Fit>,
    /// The names of the keys that were tried.
    pub keys: Vec<String>,
    /// How many combinations were tried, and whether there would be more.
    pub tried: usize,
    /// The search was cut off, because the body is large.
    pub cut: bool,
    /// What was guessed or repaired when the capture was read.
    pub notes: Vec<String>,
    /// What to do.
    pub next: Vec<String>,
}

/// The gateway's answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// 200, by the key of this application; so many publications.
    Accepted {
        /// Whose key it is.
        application: String,
        /// How many publications the body holds.
        publications: usize,
    },
    /// The signature is right, and something else is not.
    Refused {
        /// Whose key it is.
        application: String,
        /// The status.
        status: u16,
        /// Why.
        why: String,
    },
    /// 401.
    NotBelieved,
}

impl Verdict {
    /// The status that the gateway answers with.
    pub fn status(&self) -> u16 {
        match self {
            Self::Accepted { .. } => 200,
            Self::Refused { status, .. } => *status,
            Self::NotBelieved => 401,
        }
    }
}

/// Looks into a request.
pub fn diagnose(captured: &Captured, setup: &Setup) -> Diagnosis {
    let header = signature_header(captured);
    let readings = header.map(|(_, value)| encodings::readings(value)).unwrap_or_default();
    let searched = search::search(captured, &readings, &setup.applications);
    let verdict = verdict(captured, setup);
    let next = hints::next(&hints::Case {
        captured,
        setup,
        header,
        readings: &readings,
        searched: &searched,
        verdict: &verdict,
    });
    Diagnosis {
        header: header.map(|(name, _)| name.to_owned()),
        verdict,
        fit: searched.fit,
        keys: setup.applications.iter().map(|application| application.name.to_string()).collect(),
        tried: searched.tried,
        cut: searched.cut,
        notes: captured.notes.clone(),
        next,
    }
}

/// The header that is looked at: the documented one, else one that is called like a signature and can be read as one.
fn signature_header(captured: &Captured) -> Option<(&str, &str)> {
    let pairs = || captured.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let like = |(name, value): &(&str, &str)| {
        let name = name.to_ascii_lowercase();
        ["signature", "hmac", "digest", "sign"].iter().any(|word| name.contains(word))
            && !encodings::readings(value).is_empty()
    };
    pairs().find(|(name, _)| name.eq_ignore_ascii_case(SIGNATURE)).or_else(|| pairs().find(like))
}

/// What the gateway does with it, step by step as it does.
fn verdict(captured: &Captured, setup: &Setup) -> Verdict {
    let only = captured.path().and_then(|path| path.strip_prefix(setup.path.as_str())?.strip_prefix('/'));
    let only = only.filter(|name| !name.is_empty());
    let claimed = captured.header(SIGNATURE).and_then(|value| Claimed::parse(value.as_bytes()));
    let verified = claimed
        .and_then(|claimed| Keys::new(&setup.applications).verify(Bytes::from(captured.body.clone()), &claimed, only));
    let Some(verified) = verified else { return Verdict::NotBelieved };
    let application = verified.application().to_string();
    let refused = |status, why: String| Verdict::Refused { application: application.clone(), status, why };
    let too_large = || refused(413, format!("the body is larger than [server] max_body, {} bytes", setup.max_body));
    if verified.body().len() > setup.max_body {
        return too_large();
    }
    let encoding = captured.header("content-encoding").and_then(|value| HeaderValue::from_str(value).ok());
    let document = match body::decoded(verified.body().clone(), encoding.as_ref(), setup.max_body) {
        Ok(document) => document,
        Err(super::problem::Problem::Encoding) => {
            return refused(415, "its content-encoding is none that the gateway takes".to_owned());
        }
        Err(super::problem::Problem::TooLarge) => return too_large(),
        Err(_) => return refused(400, "the body is not what its content-encoding says".to_owned()),
    };
    match publication::decode(&document) {
        Ok(publications) => Verdict::Accepted { application, publications: publications.len() },
        Err(DecodeError::TooMany) => refused(413, "it holds more publications than are taken at once".to_owned()),
        Err(DecodeError::NotJson) => refused(400, "the body is no JSON".to_owned()),
        Err(DecodeError::NoPublication) => refused(400, "the body is JSON, but no publication".to_owned()),
    }
}

#[cfg(test)]
mod tests;
