//! Connections: how many, how long they may take for a head, how long they may be idle, TLS, and the orderly end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::supervisor::Supervisor;

/// The most connections at a time; more wait in the system's queue.
const CONNECTIONS: usize = 1024;
/// How long a head may take to come, and a connection may be idle between requests; less when connections are scarce, so
/// that those who open many and say nothing do not keep the others out for long.
const HEAD_TIME: Duration = Duration::from_secs(15);
const HEAD_TIME_SCARCE: Duration = Duration::from_secs(2);
/// How long a connection may take to end when the listener closes.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// How long a TLS handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// The largest head.
const HEAD_BYTES: usize = 32 << 10;
/// The most header lines.
const HEADERS: usize = 64;

/// PEM files of a certificate chain and its key.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The certificate chain.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Why a listener can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address can't be had.
    #[error("can't listen on {address}: {source}; is another switchhook running, or the port taken?")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A PEM file can't be used.
    #[error("can't use {} as {what}: {reason}", .path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// A bound listener, which does not answer yet.
pub struct Listener {
    tcp: TcpListener,
    tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Binds the address and reads the certificate.
    pub async fn bind(address: SocketAddr, tls: Option<&Tls>) -> Result<Self, ListenError> {
        let tls = tls.map(acceptor).transpose()?;
        let tcp = TcpListener::bind(address).await.map_err(|source| ListenError::Bind { address, source })?;
        Ok(Self { tcp, tls })
    }

    /// The address that was bound.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Serves until `close`; connections that have a request under way finish it.
    pub async fn serve<H, F>(self, handler: H, supervisor: Supervisor, close: CancellationToken)
    where
        H: Fn(Request) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let turns = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let accept = async {
                let turn = Arc::clone(&turns).acquire_owned().await;
                (self.tcp.accept().await, turn)
            };
            let (accepted, turn) = tokio::select! {
                () = close.cancelled() => return,
                both = accept => both,
            };
            match (accepted, turn) {
                (Ok((stream, _)), Ok(turn)) => {
                    let scarce = turns.available_permits() < CONNECTIONS * 3 / 4;
                    let head_time = if scarce { HEAD_TIME_SCARCE } else { HEAD_TIME };
                    let connection =
                        connection(stream, self.tls.clone(), handler.clone(), head_time, close.clone(), turn);
                    supervisor.spawn(connection);
                }
                (Err(error), _) => {
                    // Out of file descriptors, mostly: it passes when connections end.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                // Nobody closes the semaphore.
                (_, Err(_)) => return,
            }
        }
    }
}

async fn connection<H, F>(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    handler: H,
    head_time: Duration,
    close: CancellationToken,
    turn: OwnedSemaphorePermit,
) where
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    // An answer is one small packet: it must not wait for company.
    let _ = stream.set_nodelay(true);
    match tls {
        None => http(stream, handler, head_time, close).await,
        Some(tls) => match tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream)).await {
            Ok(Ok(stream)) => http(stream, handler, head_time, close).await,
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        },
    }
    drop(turn);
}

async fn http<S, H, F>(stream: S, handler: H, head_time: Duration, close: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let answer = handler(request.map(Body::new));
        async move { Ok::<_, std::convert::Infallible>(answer.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_time)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = close.cancelled() => {
            connection.as_mut().graceful_shutdown();
            // A request under way is answered; a head that is only half there is not waited for.
            let Ok(ended) = tokio::time::timeout(LAST_WORDS, connection).await else { return };
            ended
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection broke off");
    }
}

fn acceptor(tls: &Tls) -> Result<TlsAcceptor, ListenError> {
    let pem = |path: &Path, what, reason: String| ListenError::Pem { path: path.to_owned(), what, reason };
    let certificates = CertificateDer::pem_file_iter(&tls.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| pem(&tls.cert, "a certificate chain", error.to_string()))?;
    let key =
        PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| pem(&tls.key, "a private key", error.to_string()))?;
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| pem(&tls.cert, "a certificate for its key", error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
