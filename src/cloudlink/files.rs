//! Bytes: photos, attachments and recordings, sent and received as streams.
//!
//! A file is never whole in memory. What is too large is refused before it is sent if its size is known, else when it
//! turns out to be.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Body, Method, Request, StatusCode};
use tokio::time::Instant;
use url::Url;

use super::client::{Api, Call, CloudLink};
use super::error::Error;
use super::places::Place;
use super::query::Query;
use super::scrub::clean_headers;
use super::transport::{Answer, Opened, is_this_machine};

/// The most that an attachment or a photo may have, in bytes: Mitel says 10 MB \[C, G\].
pub const MAX_FILE: u64 = 10 * 1024 * 1024;

/// A file to be sent.
pub struct Upload {
    kind: HeaderValue,
    length: Option<u64>,
    source: Source,
}

enum Source {
    Whole(Bytes),
    Stream(BoxStream<'static, io::Result<Bytes>>),
}

/// A file that comes. Its bytes must be read before the call's time-out is over.
pub struct Download {
    /// What it is, by its `Content-Type`.
    pub kind: Option<String>,
    /// How many bytes there are, if that was said.
    pub length: Option<u64>,
    /// The bytes as they come; ends with [`Error::TooLarge`] when there are too many.
    pub bytes: BoxStream<'static, Result<Bytes, Error>>,
}

impl Upload {
    /// A file that is in memory. `kind` is its media type; one that no header can hold is sent as plain bytes.
    pub fn bytes(kind: &str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { kind: media_type(kind), length: Some(bytes.len() as u64), source: Source::Whole(bytes) }
    }

    /// A file that comes piece by piece, with its length in bytes if that is known.
    pub fn stream(
        kind: &str,
        length: Option<u64>,
        bytes: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Self {
        Self { kind: media_type(kind), length, source: Source::Stream(bytes.boxed()) }
    }
}

fn media_type(kind: &str) -> HeaderValue {
    HeaderValue::from_str(kind).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

impl CloudLink {
    /// Sends a file by PUT. It is sent once: a token that is refused is renewed, and the error says that it may be tried
    /// again at once, with the file from its beginning.
    pub(super) async fn upload(
        &self,
        place: Place,
        ids: &[&str],
        upload: Upload,
        timeout: Duration,
    ) -> Result<Answer, Error> {
        let api = place.api();
        let too_large = Error::TooLarge { api, way: "send to", limit: MAX_FILE };
        if upload.length.is_some_and(|length| length > MAX_FILE) {
            return Err(too_large);
        }
        let (url, deadline) = (self.at(place, ids, &Query::ALL)?, Instant::now() + timeout);
        let call = Call { api, method: Method::PUT, url, body: None, timeout, what: place.name() };
        let token = self.token(deadline).await?;
        let (mut request, correlation) = self.request(&call, &token);
        let over = Arc::new(AtomicBool::new(false));
        put_into(&mut request, upload, &over);
        let sent = self.line(api).send(request, deadline).await;
        if over.load(Ordering::Relaxed) {
            return Err(too_large);
        }
        let mut answer = sent.map_err(|lost| self.lost(&call, &correlation, lost))?;
        clean_headers(&mut answer.headers, &[token.text.expose()]);
        if self.says_yes(&call, answer.status, &answer.headers, &correlation) {
            return Ok(answer);
        }
        match self.refusal(&call, &answer, &token, correlation) {
            Error::Answered(refused) if refused.status == StatusCode::UNAUTHORIZED => {
                Err(self.come_again(&token, refused, deadline).await)
            }
            error => Err(error),
        }
    }

    /// Receives a file.
    pub(super) async fn download(&self, place: Place, ids: &[&str], timeout: Duration) -> Result<Download, Error> {
        let (api, url) = (place.api(), self.at(place, ids, &Query::ALL)?);
        self.download_at(Call { api, method: Method::GET, url, body: None, timeout, what: place.name() }).await
    }

    pub(super) async fn download_at(&self, call: Call<'_>) -> Result<Download, Error> {
        let deadline = Instant::now() + call.timeout;
        let mut token = self.token(deadline).await?;
        let mut first = true;
        loop {
            let (request, correlation) = self.request(&call, &token);
            let opened = self.line(call.api).open(request, deadline).await;
            let mut opened = opened.map_err(|lost| self.lost(&call, &correlation, lost))?;
            clean_headers(opened.headers_mut(), &[token.text.expose()]);
            if self.says_yes(&call, opened.status(), opened.headers(), &correlation) {
                return Download::of(call.api, opened, MAX_FILE);
            }
            match self.refusal(&call, &opened.read().await, &token, correlation) {
                Error::Answered(refused) if refused.status == StatusCode::UNAUTHORIZED && first => {
                    token = self.another_token(&token, refused, deadline).await?;
                    first = false;
                }
                error => return Err(error),
            }
        }
    }

    /// Receives a file from an address that CloudLink gave and that carries its own permission: without our token. The
    /// address may be a secret and is not told.
    pub(super) async fn download_elsewhere(
        &self,
        api: Api,
        address: &str,
        limit: u64,
        timeout: Duration,
    ) -> Result<Download, Error> {
        let wrong = |why| Error::Address { what: "the file", why };
        let url: Url = address.parse().map_err(|_| wrong("its address is no URL"))?;
        let base = self.base(api)?;
        if url.scheme() != "https" && url.scheme() != base.scheme() {
            return Err(wrong("its address is not https"));
        }
        if is_this_machine(&url) && !is_this_machine(base) {
            return Err(wrong("its address is this machine"));
        }
        let deadline = Instant::now() + timeout;
        let opened = self.line(api).elsewhere().open(Request::new(Method::GET, url), deadline).await;
        let opened = opened.map_err(|lost| Error::Lost { api, lost })?;
        if opened.status().is_success() {
            return Download::of(api, opened, limit);
        }
        Err(Error::unreadable(api, format!("the file's own host answered {}", opened.status().as_u16())))
    }
}

/// The body, cut and marked where it is longer than may be.
fn put_into(request: &mut Request, upload: Upload, over: &Arc<AtomicBool>) {
    request.headers_mut().insert(CONTENT_TYPE, upload.kind);
    if let Some(length) = upload.length {
        request.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    let body = match upload.source {
        Source::Whole(bytes) => bytes.into(),
        Source::Stream(bytes) => {
            let (over, mut sent) = (Arc::clone(over), 0_u64);
            Body::wrap_stream(bytes.map(move |piece| {
                let piece = piece?;
                sent += piece.len() as u64;
                if sent > MAX_FILE {
                    over.store(true, Ordering::Relaxed);
                    return Err(io::Error::other("the file is too large"));
                }
                Ok(piece)
            }))
        }
    };
    *request.body_mut() = Some(body);
}

impl Download {
    fn of(api: Api, opened: Opened, limit: u64) -> Result<Self, Error> {
        let too_large = move || Error::TooLarge { api, way: "receive from", limit };
        let text = |headers: &HeaderMap, name| {
            headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned)
        };
        let kind = text(opened.headers(), CONTENT_TYPE);
        let length = text(opened.headers(), CONTENT_LENGTH).and_then(|length| length.parse().ok());
        if length.is_some_and(|length: u64| length > limit) {
            return Err(too_large());
        }
        let bytes = stream::unfold((opened, 0_u64, true), move |(mut opened, received, more)| async move {
            if !more {
                return None;
            }
            let piece = match opened.piece().await {
                Ok(piece) => piece?,
                Err(error) => return Some((Err(Error::body(api, error)), (opened, received, false))),
            };
            let received = received + piece.len() as u64;
            let piece = if received > limit { Err(too_large()) } else { Ok(piece) };
            let more = piece.is_ok();
            Some((piece, (opened, received, more)))
        });
        Ok(Self { kind, length, bytes: bytes.boxed() })
    }

    /// All bytes, for those who have room for them.
    pub async fn collect(mut self) -> Result<Vec<u8>, Error> {
        let mut whole = Vec::new();
        while let Some(piece) = self.bytes.next().await {
            whole.extend_from_slice(&piece?);
        }
        Ok(whole)
    }
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Upload({:?}, {:?} bytes)", self.kind, self.length)
    }
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Download({:?}, {:?} bytes)", self.kind, self.length)
    }
}
