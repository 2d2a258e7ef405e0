//! Accounts, their tags, sites and entities; partners.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::cloudlink::client::CloudLink;
use crate::cloudlink::error::Error;
use crate::cloudlink::object::object;
use crate::cloudlink::paging::{Items, Paging};
use crate::cloudlink::places::Place;
use crate::cloudlink::query::Query;
use crate::kit::secret::Secret;

object! {
    /// An account \[P, SD\]; also what of it is to be changed.
    Account {
        account_id: String = "accountId",
        account_number: String = "accountNumber",
        name: String = "name",
        partner_id: String = "partnerId",
        active: bool = "active",
        state: String = "state",
        language_code: String = "languageCode",
        domain: String = "domain",
        /// With the `address`.
        location: Value = "location",
        /// With `allowGuestAccess`.
        policy: Value = "policy",
        access_token_expiry_hours: u64 = "accessTokenExpiryHours",
        refresh_token_expiry_hours: u64 = "refreshTokenExpiryHours",
        user_limit: u64 = "userLimit",
    }

    /// A site \[C, G\]: address, coordinates, time zone, dialling rules; the names are \[A\], so the fields beyond these
    /// are in `rest`.
    Site {
        site_id: String = "siteId" | "id",
        account_id: String = "accountId",
        name: String = "name",
        address: Value = "address",
        /// A name of the time zone database, it is hoped.
        time_zone: String = "timeZone" | "timezone" | "timeZoneId",
    }

    /// An entity of an account \[C, G\]; its fields are named nowhere.
    Entity {
        entity_id: String = "entityId" | "id",
        name: String = "name",
        kind: String = "type",
    }

    /// A partner \[P, SH\].
    Partner {
        partner_id: String = "partnerId" | "id",
        name: String = "name",
    }
}

impl CloudLink {
    /// The accounts that we may see, by `partnerId eq '…'`, `organizationId eq '…'`, `substringof(name,'…')` \[P, SH\].
    pub fn accounts(&self, query: &Query<'_>, paging: Paging) -> Items<Account> {
        self.list(Place::Accounts, &[], query, paging)
    }

    /// One account \[C, G\].
    pub async fn account(&self, account: &str, query: &Query<'_>, timeout: Duration) -> Result<Account, Error> {
        self.get(Place::Account, &[account], query, timeout).await
    }

    /// Changes an account \[C, G\].
    pub async fn change_account(&self, account: &str, change: &Account, timeout: Duration) -> Result<Account, Error> {
        self.send(Method::PUT, Place::Account, &[account], change, timeout).await
    }

    /// A tag of an account \[P, SH, SD\].
    pub async fn account_tag(&self, account: &str, tag: &str, timeout: Duration) -> Result<Value, Error> {
        self.get(Place::AccountTag, &[account, tag], &Query::ALL, timeout).await
    }

    /// Sets a tag of an account \[P, SH, SD\].
    pub async fn set_account_tag(
        &self,
        account: &str,
        tag: &str,
        value: &Value,
        timeout: Duration,
    ) -> Result<Value, Error> {
        self.send(Method::PUT, Place::AccountTag, &[account, tag], value, timeout).await
    }

    /// Takes a tag of an account away \[P, SH, SD\].
    pub async fn delete_account_tag(&self, account: &str, tag: &str, timeout: Duration) -> Result<(), Error> {
        self.delete(Place::AccountTag, &[account, tag], timeout).await
    }

    /// The sites of an account \[C, G\]; the path is \[A\].
    pub fn sites(&self, account: &str, query: &Query<'_>, paging: Paging) -> Items<Site> {
        self.list(Place::Sites, &[account], query, paging)
    }

    /// One site \[A\].
    pub async fn site(&self, account: &str, site: &str, timeout: Duration) -> Result<Site, Error> {
        self.get(Place::Site, &[account, site], &Query::ALL, timeout).await
    }

    /// The entities of an account \[C, G\]; the path is \[A\].
    pub fn entities(&self, account: &str, query: &Query<'_>, paging: Paging) -> Items<Entity> {
        self.list(Place::Entities, &[account], query, paging)
    }

    /// One entity \[A\].
    pub async fn entity(&self, account: &str, entity: &str, timeout: Duration) -> Result<Entity, Error> {
        self.get(Place::Entity, &[account, entity], &Query::ALL, timeout).await
    }

    /// Makes a key for SCIM, answered as JSON \[C, G\].
    pub async fn create_scim_key(&self, account: &str, timeout: Duration) -> Result<Secret, Error> {
        self.send_for_secret(Place::ScimKey, &[account], &(), timeout).await
    }

    /// The partners that we may see \[P, SH\].
    pub fn partners(&self, query: &Query<'_>, paging: Paging) -> Items<Partner> {
        self.list(Place::Partners, &[], query, paging)
    }

    /// One partner \[P, SH\].
    pub async fn partner(&self, partner: &str, timeout: Duration) -> Result<Partner, Error> {
        self.get(Place::Partner, &[partner], &Query::ALL, timeout).await
    }
}
