//! Photos of users, groups and contacts. That they can be sent is \[C, G\]; by which method and where is \[A\].

use std::time::Duration;

use reqwest::Method;
use url::Url;

use crate::cloudlink::client::{Api, Call, CloudLink};
use crate::cloudlink::error::Error;
use crate::cloudlink::files::{Download, MAX_FILE, Upload};
use crate::cloudlink::places::Place;

impl CloudLink {
    /// Sends the photo of a user; more than [`MAX_FILE`] bytes are not sent.
    pub async fn put_user_photo(
        &self,
        account: &str,
        user: &str,
        photo: Upload,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.upload(Place::UserPhoto, &[account, user], photo, timeout).await.map(drop)
    }

    /// Sends the photo of a group.
    pub async fn put_group_photo(
        &self,
        account: &str,
        group: &str,
        photo: Upload,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.upload(Place::GroupPhoto, &[account, group], photo, timeout).await.map(drop)
    }

    /// Sends the photo of a contact.
    pub async fn put_contact_photo(
        &self,
        account: &str,
        contact: &str,
        photo: Upload,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.upload(Place::ContactPhoto, &[account, contact], photo, timeout).await.map(drop)
    }

    /// Receives a photo from a `photoUrl` \[P, SD\]: with our token if it lies at the Admin API itself, without it anywhere
    /// else.
    pub async fn photo(&self, url: &str, timeout: Duration) -> Result<Download, Error> {
        let (api, base) = (Api::Admin, self.base(Api::Admin)?);
        match base.join(url) {
            Ok(url) if url.origin() == base.origin() && url.username().is_empty() => {
                let clean: Url = url;
                let call = Call { api, method: Method::GET, url: clean, body: None, timeout, what: "photo" };
                self.download_at(call).await
            }
            _ => self.download_elsewhere(api, url, MAX_FILE, timeout).await,
        }
    }
}
