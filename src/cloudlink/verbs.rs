//! What typed calls are made of: a place, its ids, a body of JSON, an answer of JSON.

use bytes::Bytes;
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

use super::client::{Api, Call, CloudLink};
use super::error::Error;
use super::paging::{Items, Pages, Paging, items};
use super::places::Place;
use super::query::Query;
use super::scrub::without_secrets;
use super::transport::Answer;
use crate::kit::secret::Secret;

/// No body at all.
pub(super) const NOTHING: () = ();

impl CloudLink {
    /// Reads one thing.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        place: Place,
        ids: &[&str],
        query: &Query<'_>,
        timeout: Duration,
    ) -> Result<T, Error> {
        let answer = self.exchange(Method::GET, place, ids, query, &NOTHING, timeout).await?;
        read(place.api(), answer, false)
    }

    /// Changes or makes something. An empty answer is read as an object without fields.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        place: Place,
        ids: &[&str],
        body: &impl Serialize,
        timeout: Duration,
    ) -> Result<T, Error> {
        let answer = self.exchange(method, place, ids, &Query::ALL, body, timeout).await?;
        read(place.api(), answer, true)
    }

    /// Makes something whose answer is a secret as a whole: a key, a code, tokens for media.
    pub(super) async fn send_for_secret(
        &self,
        place: Place,
        ids: &[&str],
        body: &impl Serialize,
        timeout: Duration,
    ) -> Result<Secret, Error> {
        let answer = self.exchange(Method::POST, place, ids, &Query::ALL, body, timeout).await?;
        let body = answer.body.map_err(|error| Error::body(place.api(), error))?;
        Ok(Secret::new(String::from_utf8_lossy(&body)))
    }

    /// Changes something; what is answered does not matter.
    pub(super) async fn change(
        &self,
        method: Method,
        place: Place,
        ids: &[&str],
        body: &impl Serialize,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.exchange(method, place, ids, &Query::ALL, body, timeout).await.map(drop)
    }

    /// Deletes something.
    pub(super) async fn delete(&self, place: Place, ids: &[&str], timeout: Duration) -> Result<(), Error> {
        self.change(Method::DELETE, place, ids, &NOTHING, timeout).await
    }

    /// Reads a collection.
    pub(super) fn list<T: DeserializeOwned + Send + 'static>(
        &self,
        place: Place,
        ids: &[&str],
        query: &Query<'_>,
        paging: Paging,
    ) -> Items<T> {
        items(place.api(), self.pages_at(place.api(), self.at(place, ids, query), paging, place.name()))
    }

    /// The pages of a place that is a collection, its ids in the order of the table's template, the items as they came.
    pub fn pages_of(&self, place: Place, ids: &[&str], query: &Query<'_>, paging: Paging) -> Pages {
        self.pages_at(place.api(), self.at(place, ids, query), paging, place.name())
    }

    /// The object at a place as it came, without anybody's password.
    pub async fn object_at(&self, place: Place, ids: &[&str], timeout: Duration) -> Result<Value, Error> {
        self.get(place, ids, &Query::ALL, timeout).await
    }

    pub(super) async fn exchange(
        &self,
        method: Method,
        place: Place,
        ids: &[&str],
        query: &Query<'_>,
        body: &impl Serialize,
        timeout: Duration,
    ) -> Result<Answer, Error> {
        let (api, url) = (place.api(), self.at(place, ids, query)?);
        let body = serde_json::to_vec(body).map_err(|error| Error::unreadable(api, error))?;
        let body = Some(Bytes::from(body)).filter(|body| *body != "null");
        self.call_api(Call { api, method, url, body, timeout, what: place.name() }).await
    }
}

/// The answer as JSON, without anybody's password.
pub(super) fn read<T: DeserializeOwned>(api: Api, answer: Answer, may_be_empty: bool) -> Result<T, Error> {
    let mut value = json(api, answer, may_be_empty)?;
    without_secrets(&mut value);
    serde_json::from_value(value).map_err(|error| Error::unreadable(api, error))
}

/// The same with the secrets of what was just made.
pub(super) fn json(api: Api, answer: Answer, may_be_empty: bool) -> Result<Value, Error> {
    let body = answer.body.map_err(|error| Error::body(api, error))?;
    if may_be_empty && body.trim_ascii().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(&body).map_err(|error| Error::unreadable(api, error))
}
