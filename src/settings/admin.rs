//! `[admin]`: the listener for people and programs of the house.

use std::net::SocketAddr;

use super::secret::Found;
use super::section::Section;
use super::server::Server;
use crate::api::Options;

pub(super) fn settle(root: &mut Section<'_>, server: &Server) -> Options {
    root.table_or_empty("admin", |admin| {
        let listen = admin.address("listen", SocketAddr::from(([127, 0, 0, 1], 9180)));
        let token_meant = admin.has("token");
        let token = admin.secret("token").map(Found::into_secret);
        if !listen.ip().is_loopback() && !token_meant {
            let remedy = "give [admin] token = { env = \"NAME\" }, or listen on 127.0.0.1";
            admin.problem("token", format!("is missing, and {listen} can be reached from elsewhere"), remedy);
        }
        if listen == server.options.listen && listen.port() != 0 {
            admin.wrong("listen", format!("{listen} is taken by server.listen"));
        }
        Options { listen, token }
    })
}
