//! Contacts of an account.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Method;

use crate::cloudlink::client::CloudLink;
use crate::cloudlink::error::Error;
use crate::cloudlink::object::object;
use crate::cloudlink::paging::{Items, Paging};
use crate::cloudlink::places::Place;
use crate::cloudlink::query::Query;

object! {
    /// A contact \[P, SD\]; also what of one is to be made or changed.
    Contact {
        contact_id: String = "contactId",
        account_id: String = "accountId",
        name: String = "name",
        email: String = "email",
        phone: String = "phone",
        mobile: String = "mobile",
        extension: String = "extension",
        /// `TECHNICAL_SUPPORT`, `MAIN_CONTACT`, `ON_SITE`, `MAINTAINER`, `GUEST`, `TEMPORARY`, `PERSONAL_CONTACT` or
        /// `CORPORATE`, which are synchronised from the PBX \[C, F78\].
        contact_type: String = "contactType",
        photo_url: String = "photoUrl",
        created_on: DateTime<Utc> = "createdOn",
        created_by: String = "createdBy",
        modified_on: DateTime<Utc> = "modifiedOn",
        modified_by: String = "modifiedBy",
    }
}

impl CloudLink {
    /// The contacts of an account \[P, SD\].
    pub fn contacts(&self, account: &str, query: &Query<'_>, paging: Paging) -> Items<Contact> {
        self.list(Place::Contacts, &[account], query, paging)
    }

    /// One contact \[P, SD\].
    pub async fn contact(&self, account: &str, contact: &str, timeout: Duration) -> Result<Contact, Error> {
        self.get(Place::Contact, &[account, contact], &Query::ALL, timeout).await
    }

    /// Makes a contact \[P, SD\].
    pub async fn create_contact(&self, account: &str, new: &Contact, timeout: Duration) -> Result<Contact, Error> {
        self.send(Method::POST, Place::Contacts, &[account], new, timeout).await
    }

    /// Changes a contact \[P, SD\].
    pub async fn change_contact(
        &self,
        account: &str,
        contact: &str,
        change: &Contact,
        timeout: Duration,
    ) -> Result<Contact, Error> {
        self.send(Method::PUT, Place::Contact, &[account, contact], change, timeout).await
    }

    /// Deletes a contact \[P, SD\].
    pub async fn delete_contact(&self, account: &str, contact: &str, timeout: Duration) -> Result<(), Error> {
        self.delete(Place::Contact, &[account, contact], timeout).await
    }
}
