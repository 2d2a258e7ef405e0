//! HTTP by hand: for requests that no decent client would send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A plain connection.
pub(crate) struct Plain(TcpStream);

/// What was read before the end of the connection, or of a message.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Plain {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Sends; a peer that has closed already is no surprise here.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn finish(&mut self) {
        self.0.shutdown().await.ok();
    }

    /// What comes until the other side closes, within the time; none if it does not close.
    pub(crate) async fn rest(&mut self, within: Duration) -> Option<Reply> {
        let mut bytes = Vec::new();
        // A reset after the answer is a close too.
        timeout(within, self.0.read_to_end(&mut bytes)).await.ok().map(drop)?;
        Some(Reply::of(&bytes))
    }

    /// The head of one answer and what came with it, the connection left open.
    pub(crate) async fn reply(&mut self, within: Duration) -> Reply {
        let mut bytes = Vec::new();
        let read = async {
            while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
                let mut piece = [0; 4096];
                match self.0.read(&mut piece).await {
                    Ok(0) | Err(_) => break,
                    Ok(read) => bytes.extend_from_slice(&piece[..read]),
                }
            }
        };
        timeout(within, read).await.ok();
        Reply::of(&bytes)
    }
}

impl Reply {
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, text }
    }
}
