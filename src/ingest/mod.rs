//! The public listener: bounded bodies, signatures, publications into the journal, and the answer that depends on it.
//!
//! `kit::listener` bounds connections and time, `body` bounds bytes, `signature` proves, `webhook` is the path from request
//! to answer. Nothing is parsed before its signature is verified, and 200 is said only when the journal has it.

mod body;
pub mod diagnosis;
mod problem;
mod signature;
mod webhook;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::kit::listener::Tls;
use crate::kit::secret::Secret;

pub use signature::{Keys, Verified};
pub use webhook::Ingest;

/// The settled `[server]` and `[[application]]`.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The path that takes publications, with a leading and without a trailing slash.
    pub path: String,
    /// The largest body, before and after decoding, in bytes.
    pub max_body: usize,
    /// How long to stay unready before the listener closes.
    pub drain: std::time::Duration,
    /// A certificate chain and key in PEM files: TLS on this listener.
    pub tls: Option<Tls>,
    /// Whose notifications are believed.
    pub applications: Vec<Application>,
}

/// One Notify application: a name for the path, and the key of its signatures.
#[derive(Clone, Debug)]
pub struct Application {
    /// The name in the settings and in `POST {path}/{name}`.
    pub name: Arc<str>,
    /// The account whose events these are.
    pub account: Arc<str>,
    /// The Notify applicationId: the HMAC key, its UTF-8 bytes exactly as given in the subscription.
    pub id: Secret,
}
