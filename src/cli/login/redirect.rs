//! The ear for the redirect: a listener on this machine's own address that hears the one that answers our login, and shows
//! the browser one plain page. Whoever else reaches the port is told that it is not for them, and ends nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Response, StatusCode, Uri, header};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use url::{Host, Url};

use crate::kit::listener::Listener;
use crate::kit::supervisor::Supervisor;

/// How long the browser may take to read its page.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Ear {
    listeners: Vec<Listener>,
    redirect_uri: Url,
}

/// The page that the browser waits for.
pub(super) struct Page {
    answer: oneshot::Sender<bool>,
    supervisor: Supervisor,
    close: CancellationToken,
}

/// A redirect's query, and where its page goes.
type Heard = (String, oneshot::Sender<bool>);

impl Ear {
    /// Listens where the redirect will lead: on the port that it names, or on a free one.
    pub(super) async fn bind(redirect_uri: &Url) -> Result<Self, String> {
        let here = match redirect_uri.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost") => {
                IpAddr::V4(Ipv4Addr::LOCALHOST)
            }
            _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        };
        if !here.is_loopback() || redirect_uri.scheme() != "http" {
            return Err(format!("auth.redirect_uri ({redirect_uri}) does not lead to this machine: use --manual"));
        }
        let wanted = SocketAddr::new(here, redirect_uri.port().unwrap_or(0));
        let first = Listener::bind(wanted, None).await.map_err(|error| error.to_string())?;
        let port = first.address().map_err(|error| error.to_string())?.port();
        let mut listeners = vec![first];
        if matches!(redirect_uri.host(), Some(Host::Domain(_))) {
            // The name may lead there too; a machine without IPv6 has no such address.
            listeners.extend(Listener::bind(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port), None).await);
        }
        let mut redirect_uri = redirect_uri.clone();
        redirect_uri.set_port(Some(port)).map_err(|()| "auth.redirect_uri can't carry a port".to_owned())?;
        Ok(Self { listeners, redirect_uri })
    }

    /// Where the portal is to send the browser.
    pub(super) fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// Waits for the one redirect that is `ours`, by its query: that, and the page that the browser waits for.
    pub(super) async fn hear(
        self,
        ours: impl Fn(&str) -> bool + Clone + Send + Sync + 'static,
    ) -> Result<(String, Page), String> {
        let (heard, mut comes) = mpsc::channel::<Heard>(1);
        let (supervisor, _) = Supervisor::new();
        let close = CancellationToken::new();
        for listener in self.listeners {
            let (heard, path, ours) = (heard.clone(), self.redirect_uri.path().to_owned(), ours.clone());
            let handle = move |request: axum::extract::Request| {
                let (heard, path, ours) = (heard.clone(), path.clone(), ours.clone());
                let (head, _) = request.into_parts();
                async move { answer(&head.method, &head.uri, &path, ours, &heard).await }
            };
            supervisor.spawn(listener.serve(handle, supervisor.clone(), close.clone()));
        }
        let (query, answer) = comes.recv().await.ok_or("the listener has ended")?;
        Ok((query, Page { answer, supervisor, close }))
    }
}

impl Page {
    /// Shows how it went, and closes the listener.
    pub(super) async fn show(self, well: bool) {
        // A browser that has gone away misses nothing.
        let _ = self.answer.send(well);
        self.close.cancel();
        let _ = tokio::time::timeout(LAST_WORDS, self.supervisor.drained()).await;
    }
}

/// The first redirect that is ours waits for how it went; everything else is told that it is nothing to us.
async fn answer(
    method: &Method,
    uri: &Uri,
    path: &str,
    ours: impl Fn(&str) -> bool,
    heard: &mpsc::Sender<Heard>,
) -> Response<Body> {
    if uri.path() != path {
        return page(StatusCode::NOT_FOUND, "There is nothing here.");
    }
    if method != Method::GET {
        return page(StatusCode::METHOD_NOT_ALLOWED, "There is nothing here.");
    }
    let query = uri.query().unwrap_or_default().to_owned();
    if !ours(&query) {
        return page(StatusCode::BAD_REQUEST, "This belongs to another login, or is forged. You are not signed in.");
    }
    let (answer, how) = oneshot::channel();
    if heard.try_send((query, answer)).is_err() {
        return page(StatusCode::GONE, "This login is over.");
    }
    match how.await {
        Ok(true) => page(StatusCode::OK, "You are signed in; you can close this window."),
        _ => page(StatusCode::BAD_REQUEST, "You are not signed in. The terminal says why; you can close this window."),
    }
}

/// Nothing that came from outside is in it.
fn page(status: StatusCode, words: &str) -> Response<Body> {
    let text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Switchhook</title>\
         <meta name=\"viewport\" content=\"width=device-width\"></head>\
         <body><p>{words}</p></body></html>\n"
    );
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
