//! The two bare forwarders: what one would write in an afternoon, with nothing of Switchhook in it. Both verify and
//! forward; the durable one keeps the notification before it answers, and forwards after that.
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::serve::ListenerExt as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::net::TcpListener;

use crate::calls::{APPLICATION, PATH};
use crate::forward::Forward;
use crate::keep::Keep;
use crate::options::Options;
use crate::subject::Subject;

struct App {
    key: Hmac<Sha256>,
    forward: Arc<Forward>,
    keep: Option<Keep>,
}

/// Serves until it is killed.
pub(crate) fn serve(subject: Subject, options: &Options) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let app = App {
        key: Hmac::new_from_slice(APPLICATION.as_bytes()).expect("a key of any length"),
        forward: Arc::new(Forward::new(options.upstream, options.client)),
        keep: (subject == Subject::Durable).then(|| Keep::create(&options.log)),
    };
    let router = Router::new().route(PATH, get(|| async {}).post(notify)).with_state(Arc::new(app));
    runtime.block_on(async {
        let listener = TcpListener::bind(options.listen).await.expect("a free port");
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a socket of ours"));
        axum::serve(listener, router).await.expect("it never ends");
    });
}

async fn notify(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if !app.verifies(&headers, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    let Some(path) = path_in(&body) else { return StatusCode::BAD_REQUEST };
    match &app.keep {
        Some(keep) => {
            if keep.keep(body).await.is_err() {
                return StatusCode::SERVICE_UNAVAILABLE;
            }
            app.forward.soon(path).await;
            StatusCode::OK
        }
        None if app.forward.now(&path).await => StatusCode::OK,
        None => StatusCode::BAD_GATEWAY,
    }
}

impl App {
    fn verifies(&self, headers: &HeaderMap, body: &[u8]) -> bool {
        let Some(given) = headers.get("x-notify-signature").and_then(|value| hex::decode(value).ok()) else {
            return false;
        };
        let mut mac = self.key.clone();
        mac.update(body);
        mac.verify_slice(&given).is_ok()
    }
}

/// The call's own path, which is the subject of its notification.
fn path_in(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Publication<'text> {
        subject: &'text str,
    }
    serde_json::from_slice::<Publication<'_>>(body).ok().map(|publication| publication.subject.to_owned())
}
