//! As little HTTP/1.1 as the load needs: write a request that is ready, read the answer's status, skip its body.
use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One keep-alive connection with at most one request on it.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(1024) })
    }

    /// The status of the answer; an error ends the connection.
    pub(crate) async fn send(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(head) = Head::read(&self.buffer)?
                && self.buffer.len() >= head.length
            {
                return Ok(head.status);
            }
        }
    }
}

struct Head {
    status: u16,
    /// Of head and body together.
    length: usize,
}

impl Head {
    /// None while it has not come whole.
    fn read(bytes: &[u8]) -> io::Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let wrong = || io::Error::from(io::ErrorKind::InvalidData);
        let text = str::from_utf8(&bytes[..end]).map_err(|_| wrong())?;
        let mut lines = text.split("\r\n");
        let status = lines.next().and_then(|line| line.get(9..12)?.parse().ok()).ok_or_else(wrong)?;
        let mut body = 0;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                body = value.trim().parse().map_err(|_| wrong())?;
            }
        }
        Ok(Some(Self { status, length: end + 4 + body }))
    }
}
