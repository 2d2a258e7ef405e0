//! Attachments: raw bytes under an id, 10 MB at most \[C, G\]. Where they lie is assumed \[A\], and can be set.

use std::time::Duration;

use serde_json::Value;

use crate::cloudlink::client::CloudLink;
use crate::cloudlink::error::Error;
use crate::cloudlink::files::{Download, Upload};
use crate::cloudlink::places::Place;
use crate::cloudlink::query::Query;
use crate::cloudlink::verbs;

impl CloudLink {
    /// Creates an attachment, or puts other bytes in its place \[C, G\]. More than [`MAX_FILE`](super::super::MAX_FILE)
    /// bytes are not sent. What is answered is said nowhere.
    pub async fn put_attachment(
        &self,
        conversation: &str,
        attachment: &str,
        file: Upload,
        timeout: Duration,
    ) -> Result<Value, Error> {
        let place = Place::Attachment;
        let answer = self.upload(place, &[conversation, attachment], file, timeout).await?;
        // The file is there, whatever became of the rest of the answer.
        Ok(verbs::read(place.api(), answer, true).unwrap_or_default())
    }

    /// The bytes of an attachment \[C, G\].
    pub async fn attachment(&self, conversation: &str, attachment: &str, timeout: Duration) -> Result<Download, Error> {
        self.download(Place::Attachment, &[conversation, attachment], timeout).await
    }

    /// Deletes an attachment \[C, G\].
    pub async fn delete_attachment(
        &self,
        conversation: &str,
        attachment: &str,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.delete(Place::Attachment, &[conversation, attachment], timeout).await
    }

    /// What is known of an attachment besides its bytes \[C, G\].
    pub async fn attachment_metadata(
        &self,
        conversation: &str,
        attachment: &str,
        timeout: Duration,
    ) -> Result<Value, Error> {
        self.get(Place::AttachmentMetadata, &[conversation, attachment], &Query::ALL, timeout).await
    }
}
