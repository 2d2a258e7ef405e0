//! What a request that changes something must be like: sent by a program and not by a page in somebody's browser, with
//! a small JSON body that comes in time.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;

/// Why a request is not carried out: for the answer.
pub(super) type Refused = (StatusCode, String);

/// The largest body.
pub const MAX_BODY: usize = 64 << 10;
/// How long a body may take to come.
const TIME: Duration = Duration::from_secs(10);

/// Whether the request may come from whoever sent it. A browser says with every POST which page it is from, and a page
/// can't send `application/json` elsewhere without asking first, which is not answered here.
pub(super) fn check(headers: &HeaderMap, listen: SocketAddr) -> Result<(), Refused> {
    let text = |name| headers.get(name).map(|value: &axum::http::HeaderValue| value.to_str().unwrap_or("?"));
    if text(ORIGIN).is_some_and(|origin| !is_listener(origin, listen)) {
        return Err(refused(StatusCode::FORBIDDEN, "a page of another origin may not ask for this"));
    }
    let media = text(CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send it with Content-Type: application/json"));
    }
    Ok(())
}

/// Whether the host that was asked is this machine. Without a token a page whose name was made to lead here (DNS
/// rebinding) is kept out by this: it asks for its own name. What is no browser may leave the header out.
pub(super) fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else { return true };
    let host = host.to_str().unwrap_or("?");
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = host.rsplit_once(':').filter(|(name, _)| !name.contains(':')).map_or(host, |(name, _)| name);
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn is_listener(origin: &str, listen: SocketAddr) -> bool {
    let named = listen.ip().is_loopback().then(|| format!("http://localhost:{}", listen.port()));
    origin == format!("http://{listen}") || named.is_some_and(|named| origin == named)
}

fn refused(status: StatusCode, why: &str) -> Refused {
    (status, why.to_owned())
}

/// Reads the body; an empty one is `{}`.
pub(super) async fn read<T: DeserializeOwned>(body: Body) -> Result<T, Refused> {
    let Ok(read) = tokio::time::timeout(TIME, Limited::new(body, MAX_BODY).collect()).await else {
        return Err(refused(StatusCode::REQUEST_TIMEOUT, "the body took too long"));
    };
    let bytes =
        read.map_err(|_| refused(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 64 KiB, or broke off"))?;
    let bytes = bytes.to_bytes();
    let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
    serde_json::from_slice(text).map_err(|error| refused(StatusCode::BAD_REQUEST, &format!("the body: {error}")))
}
