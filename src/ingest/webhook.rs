//! From request to answer: bounded body, signature, publications, journal, 200.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, Response, StatusCode};
use bytes::Bytes;
use tokio::time::Instant;

use super::Options;
use super::body::{Bounds, encoding};
use super::problem::{self, Problem};
use super::signature::{Claimed, Keys};
use crate::event::publication::{self, DecodeError};
use crate::journal::{Accepted, Entry, Journal};
use crate::kit::supervisor::Supervisor;
use crate::telemetry::Metrics;

/// The header that carries the signature.
pub(super) const SIGNATURE: &str = "x-notify-signature";

/// The public listener's service.
#[derive(Debug)]
pub struct Ingest<J> {
    path: String,
    keys: Keys,
    bounds: Bounds,
    journal: Arc<J>,
    metrics: Arc<Metrics>,
    draining: AtomicBool,
}

impl<J: Journal> Ingest<J> {
    /// Prepares the service.
    pub fn new(options: &Options, journal: Arc<J>, metrics: Arc<Metrics>, supervisor: Supervisor) -> Self {
        let keys = Keys::new(&options.applications);
        let bounds = Bounds::new(options.max_body, supervisor);
        Self { path: options.path.clone(), keys, bounds, journal, metrics, draining: AtomicBool::new(false) }
    }

    /// From now on `/healthz` says that this gateway is going away; publications are taken as before.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Answers a request.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let began = Instant::now();
        match self.route(request).await {
            Ok(status) => {
                self.metrics.answered(began.elapsed().as_secs_f64());
                empty(status)
            }
            Err(problem) => {
                self.metrics.refused(problem);
                tracing::debug!(?problem, "refused");
                problem::response(problem)
            }
        }
    }

    async fn route(&self, request: Request) -> Result<StatusCode, Problem> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        if path == "/healthz" {
            let ready =
                if self.draining.load(Ordering::Relaxed) { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
            return if is_read(&parts.method) { Ok(ready) } else { Err(Problem::Method) };
        }
        let application = match path.strip_prefix(self.path.as_str()) {
            Some("" | "/") => None,
            Some(rest) => Some(rest.strip_prefix('/').ok_or(Problem::NotFound)?.to_owned()),
            None => return Err(Problem::NotFound),
        };
        match parts.method {
            Method::POST => {}
            // Something may probe the address when a subscription is made.
            ref method if is_read(method) => return Ok(StatusCode::OK),
            _ => return Err(Problem::Method),
        }
        let Some(claimed) = parts.headers.get(SIGNATURE).and_then(|value| Claimed::parse(value.as_bytes())) else {
            self.bounds.discard(body);
            return Err(Problem::Signature);
        };
        let whole = self.bounds.read(&parts.headers, body).await?;
        let entries = self.open(whole.bytes, &parts.headers, &claimed, application.as_deref())?;
        self.store(entries).await
    }

    /// Proves a body and takes it apart. Nothing of the body itself is kept while the journal is waited for.
    fn open(
        &self,
        body: Bytes,
        headers: &HeaderMap,
        claimed: &Claimed,
        only: Option<&str>,
    ) -> Result<Vec<Entry>, Problem> {
        let verified = self.keys.verify(body, claimed, only).ok_or(Problem::Signature)?;
        let document = self.bounds.decode(verified.body().clone(), encoding(headers))?;
        let publications = publication::decode(&document).map_err(|error| match error {
            DecodeError::NotJson | DecodeError::NoPublication => Problem::NotJson,
            DecodeError::TooMany => Problem::TooLarge,
        })?;
        let account = verified.account();
        let source: Arc<str> = format!("{account}/{}", verified.application()).into();
        let entries = publications.into_iter().map(|publication| Entry {
            id: format!("{account}/{}", publication.id).into(),
            lane: format!("{account}/{}", publication.lane).into(),
            source: Arc::clone(&source),
            body: publication.body,
        });
        Ok(entries.collect())
    }

    /// All publications of a body into the journal, or none.
    async fn store(&self, entries: Vec<Entry>) -> Result<StatusCode, Problem> {
        if entries.is_empty() {
            return Ok(StatusCode::OK);
        }
        let accepted = self.journal.accept(entries).await.map_err(|error| {
            tracing::warn!(%error, "a genuine notification could not be stored; its sender is told to come again");
            Problem::Unavailable
        })?;
        let known = accepted.iter().filter(|accepted| **accepted == Accepted::Known).count();
        self.metrics.accepted((accepted.len() - known) as u64, known as u64);
        Ok(StatusCode::OK)
    }
}

fn is_read(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
