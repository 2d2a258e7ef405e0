//! `[server]`: the public listener.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::section::{Mode, Section};
use super::values::is_loopback;
use crate::ingest::{Application, Options};
use crate::kit::listener::Tls;

/// Paths that are the listener's own.
const TAKEN: [&str; 1] = ["/healthz"];

/// What `[server]` says.
pub(super) struct Server {
    pub(super) options: Options,
    pub(super) behind_proxy: bool,
    pub(super) public_url: Option<Url>,
}

pub(super) fn settle(root: &mut Section<'_>, applications: Vec<Application>) -> Server {
    root.table_or_empty("server", |server| {
        let listen = server.address("listen", SocketAddr::from(([127, 0, 0, 1], 8080)));
        let behind_proxy = server.flag("behind_proxy", false);
        let tls_meant = server.has("tls");
        let tls = server.table("tls", tls).flatten();
        if !listen.ip().is_loopback() && !behind_proxy && !tls_meant {
            let remedy =
                "give [server] tls = { cert, key }, or say behind_proxy = true if something in front of it speaks TLS";
            server.problem("listen", format!("notifications would come unencrypted to {listen}"), remedy);
        }
        let public_url = server.url("public_url");
        if public_url.as_ref().is_some_and(|url| url.scheme() == "http" && !is_loopback(url)) {
            server.warn("public_url", "notifications would travel unencrypted to an http address");
        }
        let options = Options {
            listen,
            path: server
                .text("path")
                .and_then(|path| public_path(server, path))
                .unwrap_or_else(|| "/notify".to_owned()),
            max_body: server.size("max_body", 1 << 20, ["1KiB", "16MiB"]) as usize,
            drain: server.duration("drain", Duration::ZERO, ["0s", "1h"]),
            tls,
            applications,
        };
        Server { options, behind_proxy, public_url }
    })
}

fn public_path(server: &Section<'_>, path: String) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    let wrong = match path.as_str() {
        _ if !path.starts_with('/') => "must begin with a slash",
        "/" => "must be more than a slash",
        _ if path.ends_with('/') => "must not end with a slash",
        _ if path.contains("//") => "must not contain two slashes in a row",
        _ if path.split('/').any(|part| part == "." || part == "..") => "must not contain . or .. as a part",
        _ if !path.chars().all(plain) => "may contain letters, digits and / - . _ ~",
        taken if TAKEN.contains(&taken) => "is taken by the listener itself",
        _ => return Some(path),
    };
    server.problem("path", wrong, "such as /notify");
    None
}

fn tls(tls: &mut Section<'_>) -> Option<Tls> {
    let cert = pem(tls, "cert");
    let key = pem(tls, "key");
    Some(Tls { cert: cert?, key: key? })
}

fn pem(tls: &mut Section<'_>, key: &'static str) -> Option<PathBuf> {
    if !tls.has(key) {
        tls.missing(key, "the path of a PEM file");
    }
    let path = tls.path(key)?;
    if tls.context.mode == Mode::Run
        && let Err(error) = std::fs::File::open(&path)
    {
        tls.wrong(key, format!("{} cannot be read: {error}", path.display()));
    }
    Some(path)
}
