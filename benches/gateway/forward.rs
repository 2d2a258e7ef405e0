//! The bare forwarders' way to CloudLink: a pool of keep-alive connections, so many at once. Either the least there is,
//! hyper's connections with the last used first, or reqwest, which is what most would take and costs more CPU.
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use clap::ValueEnum;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::calls::REDIRECTED_TO;
use crate::upstream::TOKEN;

/// Redirects that are sent and not answered.
const AT_ONCE: usize = 32;
/// Redirects that wait for their turn; more hold up the answers.
const WAITING: usize = 1 << 16;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Client {
    Hyper,
    Reqwest,
}

pub(crate) struct Forward {
    to: SocketAddr,
    pool: Pool,
    turns: Semaphore,
    room: Arc<Semaphore>,
}

enum Pool {
    Hyper(Mutex<Vec<SendRequest<Full<Bytes>>>>),
    Reqwest(reqwest::Client),
}

impl Forward {
    pub(crate) fn new(to: SocketAddr, client: Client) -> Self {
        let pool = match client {
            Client::Hyper => Pool::Hyper(Mutex::default()),
            Client::Reqwest => {
                rustls::crypto::ring::default_provider().install_default().expect("the first of this process");
                Pool::Reqwest(reqwest::Client::builder().build().expect("a client without TLS"))
            }
        };
        Self { to, pool, turns: Semaphore::new(AT_ONCE), room: Arc::new(Semaphore::new(WAITING)) }
    }

    /// Returns when the redirect is under way on a task of its own.
    #[expect(
        clippy::disallowed_methods,
        reason = "the bare forwarder has no supervisor: that is what it is compared with"
    )]
    pub(crate) async fn soon(self: &Arc<Self>, path: String) {
        let room = Arc::clone(&self.room).acquire_owned().await.expect("never closed");
        let forward = Arc::clone(self);
        tokio::spawn(async move {
            forward.now(&path).await;
            drop(room);
        });
    }

    /// Returns when CloudLink answered; whether it took the redirect.
    pub(crate) async fn now(&self, path: &str) -> bool {
        let _turn = self.turns.acquire().await.expect("never closed");
        let body = format!(r#"{{"action":"redirect","destination":"{REDIRECTED_TO}"}}"#);
        match &self.pool {
            Pool::Hyper(idle) => self.by_hyper(idle, path, body).await.unwrap_or(false),
            Pool::Reqwest(client) => self.by_reqwest(client, path, body).await.unwrap_or(false),
        }
    }

    async fn by_reqwest(&self, client: &reqwest::Client, path: &str, body: String) -> reqwest::Result<bool> {
        let request = client.put(format!("http://{}{path}", self.to)).body(body);
        let request = request.header(AUTHORIZATION, TOKEN).header(CONTENT_TYPE, "application/json");
        let answer = request.send().await?;
        let done = answer.status().is_success();
        answer.bytes().await?;
        Ok(done)
    }

    async fn by_hyper(
        &self,
        idle: &Mutex<Vec<SendRequest<Full<Bytes>>>>,
        path: &str,
        body: String,
    ) -> hyper::Result<bool> {
        let last_used = idle.lock().expect("never poisoned").pop();
        let mut connection = match last_used {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let request = Request::builder()
            .method(Method::PUT)
            .uri(path)
            .header(HOST, "cloudlink.bench")
            .header(AUTHORIZATION, TOKEN)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body))
            .expect("all parts are valid");
        connection.ready().await?;
        let answer = connection.send_request(request).await?;
        let done = answer.status().is_success();
        answer.into_body().collect().await?;
        idle.lock().expect("never poisoned").push(connection);
        Ok(done)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the bare forwarder has no supervisor: that is what it is compared with"
    )]
    async fn connect(&self) -> hyper::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.to).await.expect("the bench's own server listens");
        stream.set_nodelay(true).expect("a socket of ours");
        let (connection, driver) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        Ok(connection)
    }
}
