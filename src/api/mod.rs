//! The admin listener.

use std::net::SocketAddr;

use crate::kit::secret::Secret;

/// The settled `[admin]`.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The bearer token that requests must carry; none is possible only on loopback.
    pub token: Option<Secret>,
}
