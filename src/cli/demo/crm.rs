//! A CRM as small as can be: it notes who called. It runs in the demo's own process.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What the CRM was told.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) authorization: String,
    pub(super) idempotency_key: String,
    pub(super) body: Value,
}

/// The CRM as the stories see it.
#[derive(Clone, Default)]
pub(super) struct Crm {
    told: Arc<Mutex<Vec<Told>>>,
}

/// The CRM's listener, not yet serving.
pub(super) struct Desk {
    listener: TcpListener,
    crm: Crm,
}

impl Desk {
    /// Binds a free loopback port.
    pub(super) async fn open(crm: Crm) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?, crm })
    }

    /// The base URL for the gateway.
    pub(super) fn url(&self) -> io::Result<String> {
        Ok(format!("http://{}/api", self.listener.local_addr()?))
    }

    /// Serves for as long as it is polled.
    pub(super) async fn serve(self) -> io::Result<()> {
        let router = Router::new().route("/api/calls", post(call)).with_state(self.crm);
        axum::serve(self.listener, router).await
    }
}

impl Crm {
    /// What it was told about one call.
    pub(super) fn told_of(&self, call: &str) -> Vec<Told> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().filter(|told| told.body["call"] == call).cloned().collect()
    }
}

async fn call(State(crm): State<Crm>, headers: HeaderMap, Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let told = Told { authorization: header("authorization"), idempotency_key: header("idempotency-key"), body };
    crm.told.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    (StatusCode::CREATED, Json(json!({})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_notes_who_told_it_what() {
        let crm = Crm::default();
        let desk = Desk::open(crm.clone()).await.unwrap();
        let request = super::super::cloudlink::local_client()
            .unwrap()
            .post(format!("{}/calls", desk.url().unwrap()))
            .bearer_auth("token")
            .header("Idempotency-Key", "event-1")
            .json(&json!({ "call": "7", "from": "+16135550142" }));
        let status = tokio::select! {
            answer = request.send() => answer.unwrap().status(),
            closed = desk.serve() => panic!("{closed:?}"),
        };
        assert_eq!(status, 201);
        let told = crm.told_of("7");
        assert!(matches!(&*told, [only] if only.authorization == "Bearer token" && only.idempotency_key == "event-1"));
        assert!(crm.told_of("8").is_empty());
    }
}
