//! Binding, serving and stopping. Connections are served by hand (not by `axum::serve`), because a mood may close one
//! without an answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use super::answer::BASE;
use super::moods::Broken;
use super::options::Options;
use super::service::Service;
use super::tasks::Tasks;
use super::world::World;
use super::{control, gate, portal, recordings, service};

/// How long a connection may stay without a request.
const IDLE: Duration = Duration::from_mins(5);

/// A simulator that serves; it stops when this is dropped.
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    tasks: Tasks,
}

impl Running {
    /// The base URL of all APIs.
    pub fn api_url(&self) -> String {
        format!("http://{}{BASE}", self.addr)
    }

    /// The base URL of one API alone, as if it had a host of its own.
    pub fn service_url(&self, service: Service) -> String {
        format!("http://{}/{}{BASE}", self.addr, service.host())
    }

    /// The page on which a user signs in with a browser.
    pub fn portal_url(&self) -> String {
        format!("http://{}/authorize", self.addr)
    }

    /// The base URL of the control API.
    pub fn control_url(&self) -> String {
        format!("http://{}/control", self.addr)
    }

    /// Closes the listener and all connections and waits for their end. What was not delivered is lost.
    pub async fn shutdown(self) {
        self.tasks.finish().await;
        tracing::info!(target: "simulator", "stopped");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}

/// Binds, begins to serve, and returns; whoever has the `Running` can connect.
pub async fn start(options: Options) -> io::Result<Running> {
    let listener = TcpListener::bind(options.listen).await?;
    let addr = listener.local_addr()?;
    let tasks = Tasks::default();
    let world = World::new(options, tasks.clone())?;
    tasks.spawn(accept(listener, router(world), tasks.clone()));
    tracing::info!(target: "simulator", %addr, "CloudLink is simulated at http://{addr}{BASE}");
    Ok(Running { addr, tasks })
}

fn router(world: Arc<World>) -> Router {
    service::router()
        .merge(portal::routes())
        .merge(recordings::downloads())
        .nest("/control", control::routes())
        .fallback(gate::no_route)
        .method_not_allowed_fallback(gate::no_route)
        .layer(from_fn_with_state(Arc::clone(&world), gate::pass))
        .with_state(world)
}

async fn accept(listener: TcpListener, router: Router, tasks: Tasks) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => tasks.spawn(serve(stream, router.clone())),
            Err(error) => {
                tracing::warn!(target: "simulator", %error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, router: Router) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(router.clone(), request));
    let mut connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service);
    let Err(error) = (&mut connection).await else { return };
    tracing::debug!(target: "simulator", %error, "a connection broke");
    if Broken::within(&error) == Some(Broken::Reset) {
        // Closing with nothing to linger for is what sends RST in the place of FIN.
        let _ = connection.into_parts().io.into_inner().set_zero_linger();
    }
}

/// An error ends the connection without an answer: that is how a mood drops a request.
async fn answer(router: Router, request: hyper::Request<Incoming>) -> Result<Response, Broken> {
    let response = router.oneshot(request).await?;
    match response.extensions().get::<Broken>() {
        Some(broken) => Err(*broken),
        None => Ok(response),
    }
}
