//! Recordings and their sound.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::json;

use crate::cloudlink::client::{Api, CloudLink};
use crate::cloudlink::error::Error;
use crate::cloudlink::files::Download;
use crate::cloudlink::object::object;
use crate::cloudlink::paging::{Items, Paging};
use crate::cloudlink::places::Place;
use crate::cloudlink::query::Query;
use crate::kit::secret::Secret;

/// The most that is taken of a recording, in bytes: some days of telephone sound.
pub const MAX_RECORDING: u64 = 2 * 1024 * 1024 * 1024;

object! {
    /// A recording \[C, SW\].
    Recording {
        recording_id: String = "recordingId",
        call_id: String = "callId",
        created_on: DateTime<Utc> = "createdOn",
        content_type: String = "contentType",
        duration_in_seconds: u64 = "durationInSeconds",
        label: String = "label",
        embedded: Embedded = "_embedded",
    }

    /// What was expanded.
    Embedded {
        media: Media = "media",
    }

    /// Where the sound is, for a while.
    Media {
        /// It carries its own permission.
        url: Secret = "url",
        expiry: DateTime<Utc> = "expiry",
    }
}

impl Recording {
    /// Where the sound is, if that was asked for ([`Query::expand`]).
    pub fn media(&self) -> Option<&Media> {
        self.embedded.as_ref()?.media.as_ref()
    }
}

impl CloudLink {
    /// The recordings that we may see \[C, SW\]; `$expand=media` tells where the sound is.
    pub fn recordings(&self, query: &Query<'_>, paging: Paging) -> Items<Recording> {
        self.list(Place::Recordings, &[], query, paging)
    }

    /// One recording, and where its sound is \[C, SW\].
    pub async fn recording(&self, recording: &str, timeout: Duration) -> Result<Recording, Error> {
        let query = Query { expand: "media", ..Query::ALL };
        self.get(Place::Recording, &[recording], &query, timeout).await
    }

    /// Labels a recording: all that can be changed \[C, SW\].
    pub async fn label_recording(&self, recording: &str, label: &str, timeout: Duration) -> Result<Recording, Error> {
        self.send(Method::PUT, Place::Recording, &[recording], &json!({ "label": label }), timeout).await
    }

    /// Deletes a recording \[C, SW\].
    pub async fn delete_recording(&self, recording: &str, timeout: Duration) -> Result<(), Error> {
        self.delete(Place::Recording, &[recording], timeout).await
    }

    /// The sound of a recording, from the address that was told with it, without our token \[C, SW\].
    pub async fn recording_media(&self, recording: &Recording, timeout: Duration) -> Result<Download, Error> {
        let url = recording.media().and_then(|media| media.url.as_ref()).ok_or(Error::Address {
            what: "the recording's sound",
            why: "it was not told with the recording: expand media",
        })?;
        self.download_elsewhere(Api::Media, url.expose(), MAX_RECORDING, timeout).await
    }
}
