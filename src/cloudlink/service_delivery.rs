//! The Service Delivery API: agreements and products of distributors, to be read only (wire reference, 10 \[C, G\]).
//!
//! Where it is and how its routes are called is assumed \[A\]; what it answers is handed on as it came, with a typed view
//! of what everything has. It is modelled after TM Forum's TMF637.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::CloudLink;
use super::error::Error;
use super::object::Field as _;
use super::paging::{Items, Paging};
use super::places::Place;
use super::query::Query;

/// An agreement or a product, as it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Document(pub Value);

impl Document {
    /// Its id. The guide prints `Id` and `Status`, TMF writes them small: both are read.
    pub fn id(&self) -> Option<String> {
        self.text(&["id", "Id", "ID"])
    }

    /// Its status.
    pub fn status(&self) -> Option<String> {
        self.text(&["status", "Status"])
    }

    fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| String::read(self.0.get(*name)?.clone()).ok())
    }
}

impl CloudLink {
    /// The agreements that we may see; TMF's `offset` and `limit` can be given as other query options \[A\].
    pub fn agreements(&self, query: &Query<'_>, paging: Paging) -> Items<Document> {
        self.list(Place::Agreements, &[], query, paging)
    }

    /// One agreement \[A\].
    pub async fn agreement(&self, agreement: &str, timeout: Duration) -> Result<Document, Error> {
        self.get(Place::Agreement, &[agreement], &Query::ALL, timeout).await
    }

    /// The products that we may see \[A\].
    pub fn products(&self, query: &Query<'_>, paging: Paging) -> Items<Document> {
        self.list(Place::Products, &[], query, paging)
    }

    /// One product \[A\].
    pub async fn product(&self, product: &str, timeout: Duration) -> Result<Document, Error> {
        self.get(Place::Product, &[product], &Query::ALL, timeout).await
    }
}
