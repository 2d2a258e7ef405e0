//! The bare forwarders' way to CloudLink: a pool of keep-alive connections, the last used first, so many at once.
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::calls::REDIRECTED_TO;
use crate::upstream::TOKEN;

/// Redirects that are sent and not answered.
const AT_ONCE: usize = 32;
/// Redirects that wait for their turn; more hold up the answers.
const WAITING: usize = 1 << 16;

pub(crate) struct Forward {
    to: SocketAddr,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
    turns: Semaphore,
    room: Arc<Semaphore>,
}

impl Forward {
    pub(crate) fn new(to: SocketAddr) -> Self {
        let (turns, room) = (Semaphore::new(AT_ONCE), Arc::new(Semaphore::new(WAITING)));
        Self { to, idle: Mutex::new(Vec::new()), turns, room }
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
            let _ = forward.now(&path).await;
            drop(room);
        });
    }

    /// Returns when CloudLink answered.
    pub(crate) async fn now(&self, path: &str) -> hyper::Result<bool> {
        let _turn = self.turns.acquire().await.expect("never closed");
        let idle = self.idle.lock().expect("never poisoned").pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let request = Request::builder()
            .method(Method::PUT)
            .uri(path)
            .header(HOST, "cloudlink.bench")
            .header(AUTHORIZATION, TOKEN)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(format!(r#"{{"action":"redirect","destination":"{REDIRECTED_TO}"}}"#)))
            .expect("all parts are valid");
        connection.ready().await?;
        let answer = connection.send_request(request).await?;
        let done = answer.status().is_success();
        answer.into_body().collect().await?;
        self.idle.lock().expect("never poisoned").push(connection);
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
