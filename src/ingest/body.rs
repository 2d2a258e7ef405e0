//! Reading a body within bounds: bytes of one, bytes of all together, time.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use axum::http::{HeaderMap, HeaderValue};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;
use crate::kit::supervisor::Supervisor;

/// How long a body may take to come.
const TIME: Duration = Duration::from_secs(10);
/// The first bytes of every body draw on room of their own, so that a few large and slow bodies can't keep the small
/// ones out, which is what notifications are.
const SMALL: usize = 16 << 10;
const SMALL_ROOM: usize = 8 << 20;
const LARGE_ROOM: usize = 24 << 20;
/// How long the rest of a refused body is read and thrown away, so that its sender gets to read the answer.
const LINGER: Duration = Duration::from_secs(5);
/// How many refused bodies are read to their end at the same time.
const LINGERERS: usize = 64;

/// Room for bodies in flight.
#[derive(Debug)]
pub(super) struct Bounds {
    max_body: usize,
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    lingerers: Arc<Semaphore>,
    supervisor: Supervisor,
}

/// A body that was read whole, and the room it takes until it is dropped.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) bytes: Bytes,
    _room: [Option<OwnedSemaphorePermit>; 2],
}

impl Bounds {
    pub(super) fn new(max_body: usize, supervisor: Supervisor) -> Self {
        let room = |size| Arc::new(Semaphore::new(size));
        Self { max_body, small: room(SMALL_ROOM), large: room(LARGE_ROOM), lingerers: room(LINGERERS), supervisor }
    }

    /// Reads a body whole. What is not read when it is refused is thrown away as it comes.
    pub(super) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Whole, Problem> {
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let mut body = body;
        let read = if length.is_some_and(|length| length > self.max_body as u64) {
            Err(Problem::TooLarge)
        } else {
            tokio::time::timeout(TIME, self.collect(&mut body, length.unwrap_or(0) as usize))
                .await
                .unwrap_or(Err(Problem::Timeout))
        };
        if read.is_err() {
            self.discard(body);
        }
        read
    }

    /// `length` is what the sender announced, known to be within the bound: it saves growing step by step. Until bytes
    /// come the room is not more than an address.
    async fn collect(&self, body: &mut Body, length: usize) -> Result<Whole, Problem> {
        let mut bytes = BytesMut::with_capacity(length);
        let mut room: [Option<OwnedSemaphorePermit>; 2] = [None, None];
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Problem::Broken)?.into_data() else { continue };
            if bytes.len() + data.len() > self.max_body {
                return Err(Problem::TooLarge);
            }
            let small = (bytes.len() + data.len()).min(SMALL).saturating_sub(bytes.len());
            take(&self.small, small, &mut room[0])?;
            take(&self.large, data.len() - small, &mut room[1])?;
            bytes.extend_from_slice(&data);
        }
        Ok(Whole { bytes: bytes.freeze(), _room: room })
    }

    /// Reads on without keeping anything, for a while: a connection that is closed with unread bytes in it loses the
    /// answer on its way.
    pub(super) fn discard(&self, mut body: Body) {
        let Ok(turn) = Arc::clone(&self.lingerers).try_acquire_owned() else { return };
        self.supervisor.spawn(async move {
            let rest = async { while let Some(Ok(_)) = body.frame().await {} };
            let _ = tokio::time::timeout(LINGER, rest).await;
            drop(turn);
        });
    }

    /// Undoes a content encoding, within the same bound.
    pub(super) fn decode(&self, bytes: Bytes, encoding: Option<&HeaderValue>) -> Result<Bytes, Problem> {
        decoded(bytes, encoding, self.max_body)
    }
}

/// Undoes a content encoding; what comes of it has at most `most` bytes.
pub(super) fn decoded(bytes: Bytes, encoding: Option<&HeaderValue>, most: usize) -> Result<Bytes, Problem> {
    let encoding = encoding.map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    match encoding.as_deref() {
        None | Some("" | "identity") => Ok(bytes),
        Some("gzip" | "x-gzip") => inflate(flate2::read::MultiGzDecoder::new(&bytes[..]), most),
        Some("deflate") => inflate(flate2::read::ZlibDecoder::new(&bytes[..]), most),
        Some(_) => Err(Problem::Encoding),
    }
}

fn inflate(decoder: impl Read, most: usize) -> Result<Bytes, Problem> {
    let mut plain = Vec::new();
    decoder.take(most as u64 + 1).read_to_end(&mut plain).map_err(|_| Problem::NotJson)?;
    if plain.len() > most { Err(Problem::TooLarge) } else { Ok(plain.into()) }
}

/// The content encoding of a request.
pub(super) fn encoding(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(CONTENT_ENCODING)
}

fn take(room: &Arc<Semaphore>, bytes: usize, held: &mut Option<OwnedSemaphorePermit>) -> Result<(), Problem> {
    if bytes == 0 {
        return Ok(());
    }
    let count = u32::try_from(bytes).map_err(|_| Problem::TooLarge)?;
    let permit = Arc::clone(room).try_acquire_many_owned(count).map_err(|_| Problem::Unavailable)?;
    match held {
        Some(held) => held.merge(permit),
        None => *held = Some(permit),
    }
    Ok(())
}
