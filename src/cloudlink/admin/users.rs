//! Users, their tags, and the mails that they are sent.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::cloudlink::client::CloudLink;
use crate::cloudlink::error::Error;
use crate::cloudlink::object::object;
use crate::cloudlink::paging::{Items, Paging};
use crate::cloudlink::places::Place;
use crate::cloudlink::query::Query;
use crate::kit::secret::Secret;

object! {
    /// A user \[P, SD\]; also what of one is to be made or changed. Every field can be missing.
    User {
        user_id: String = "userId",
        unique_user_id: String = "uniqueUserId",
        account_id: String = "accountId",
        site_id: String = "siteId",
        name: String = "name",
        display_name: String = "displayName",
        email: String = "email",
        /// `PARTNER_ADMIN`, `ACCOUNT_ADMIN` or `USER`.
        role: String = "role",
        extension: String = "extension",
        phone: String = "phone",
        mobile: String = "mobile",
        sip_address: String = "sipAddress",
        photo_url: String = "photoUrl",
        source: String = "source",
        email_verified: bool = "emailVerified",
        email_valid: bool = "emailValid",
        phone_verified: bool = "phoneVerified",
        mobile_verified: bool = "mobileVerified",
        extension_verified: bool = "extensionVerified",
        user_verified: bool = "userVerified",
        created_on: DateTime<Utc> = "createdOn",
        created_by: String = "createdBy",
        modified_on: DateTime<Utc> = "modifiedOn",
        modified_by: String = "modifiedBy",
    }

    /// One of several changes to users at once \[P, SH\].
    Operation {
        /// What is done.
        op: String = "op",
        /// To whom.
        id: String = "id",
        body: Value = "body",
    }

    /// What came of one of them \[P, SH\].
    OperationAnswer {
        id: String = "id",
        status_code: u64 = "statusCode",
        headers: Value = "headers",
        body: Value = "body",
    }

    /// What came of all of them.
    Operations {
        operations: Vec<OperationAnswer> = "operations",
    }
}

impl CloudLink {
    /// The users of an account \[P, SH, SD\].
    pub fn users(&self, account: &str, query: &Query<'_>, paging: Paging) -> Items<User> {
        self.list(Place::AccountUsers, &[account], query, paging)
    }

    /// One user \[P, SH, SD\].
    pub async fn user(&self, account: &str, user: &str, timeout: Duration) -> Result<User, Error> {
        self.get(Place::AccountUser, &[account, user], &Query::ALL, timeout).await
    }

    /// The users that we may see \[P, SH, SD\].
    pub fn all_users(&self, query: &Query<'_>, paging: Paging) -> Items<User> {
        self.list(Place::Users, &[], query, paging)
    }

    /// One user, whatever the account \[P, SH, SD\].
    pub async fn user_anywhere(&self, user: &str, timeout: Duration) -> Result<User, Error> {
        self.get(Place::User, &[user], &Query::ALL, timeout).await
    }

    /// Makes a user \[P, SH, SD\].
    pub async fn create_user(&self, account: &str, new: &User, timeout: Duration) -> Result<User, Error> {
        self.send(Method::POST, Place::AccountUsers, &[account], new, timeout).await
    }

    /// Changes a user \[P, SH, SD\].
    pub async fn change_user(
        &self,
        account: &str,
        user: &str,
        change: &User,
        timeout: Duration,
    ) -> Result<User, Error> {
        self.send(Method::PUT, Place::AccountUser, &[account, user], change, timeout).await
    }

    /// Changes many users at once; each change has an outcome of its own \[P, SH\].
    pub async fn change_users(
        &self,
        account: &str,
        operations: &[Operation],
        timeout: Duration,
    ) -> Result<Operations, Error> {
        let body = json!({ "operations": operations });
        self.send(Method::PATCH, Place::AccountUsers, &[account], &body, timeout).await
    }

    /// Deletes a user \[P, SH, SD\].
    pub async fn delete_user(&self, account: &str, user: &str, timeout: Duration) -> Result<(), Error> {
        self.delete(Place::AccountUser, &[account, user], timeout).await
    }

    /// A tag of a user \[P, SH, SD\].
    pub async fn user_tag(&self, account: &str, user: &str, tag: &str, timeout: Duration) -> Result<Value, Error> {
        self.get(Place::UserTag, &[account, user, tag], &Query::ALL, timeout).await
    }

    /// Sets a tag of a user \[P, SH, SD\].
    pub async fn set_user_tag(
        &self,
        account: &str,
        user: &str,
        tag: &str,
        value: &Value,
        timeout: Duration,
    ) -> Result<Value, Error> {
        self.send(Method::PUT, Place::UserTag, &[account, user, tag], value, timeout).await
    }

    /// Takes a tag of a user away \[P, SH, SD\].
    pub async fn delete_user_tag(&self, account: &str, user: &str, tag: &str, timeout: Duration) -> Result<(), Error> {
        self.delete(Place::UserTag, &[account, user, tag], timeout).await
    }

    /// Sends the mail with which a password is set anew; 404 if nobody has the address \[C, MB\].
    pub async fn send_password_mail(&self, email: &str, account: &str, timeout: Duration) -> Result<(), Error> {
        let body = json!({ "email": email, "action": "forgot", "accountId": account });
        self.change(Method::PUT, Place::Password, &[email], &body, timeout).await
    }

    /// Sends the mail that welcomes a user \[C, G\]; the path is \[A\].
    pub async fn send_welcome_mail(&self, account: &str, user: &str, timeout: Duration) -> Result<(), Error> {
        self.change(Method::POST, Place::WelcomeMail, &[account, user], &(), timeout).await
    }

    /// Makes a code with which a user can sign in for a while, answered as JSON \[C, G\]; the path is \[A\].
    pub async fn create_access_code(&self, account: &str, user: &str, timeout: Duration) -> Result<Secret, Error> {
        self.send_for_secret(Place::AccessCode, &[account, user], &(), timeout).await
    }
}
