//! Groups and their members.

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
    /// A group \[P, SH\]; also what of one is to be made or changed.
    Group {
        group_id: String = "groupId" | "id",
        account_id: String = "accountId",
        site_id: String = "siteId",
        name: String = "name",
        display_name: String = "displayName",
        email: String = "email",
        extension: String = "extension",
        kind: String = "type" | "groupType",
        photo_url: String = "photoUrl",
        created_on: DateTime<Utc> = "createdOn",
        modified_on: DateTime<Utc> = "modifiedOn",
    }

    /// A member of a group; its fields are named nowhere \[A\].
    Member {
        member_id: String = "memberId" | "id",
        user_id: String = "userId",
        name: String = "name",
        extension: String = "extension",
    }
}

impl Member {
    /// Who it is: the user, else the member.
    pub fn user(&self) -> Option<&str> {
        self.user_id.as_deref().or(self.member_id.as_deref())
    }
}

impl CloudLink {
    /// The groups of an account \[P, SH\].
    pub fn groups(&self, account: &str, query: &Query<'_>, paging: Paging) -> Items<Group> {
        self.list(Place::Groups, &[account], query, paging)
    }

    /// One group \[P, SH\].
    pub async fn group(&self, account: &str, group: &str, timeout: Duration) -> Result<Group, Error> {
        self.get(Place::Group, &[account, group], &Query::ALL, timeout).await
    }

    /// Makes a group \[P, SH\].
    pub async fn create_group(&self, account: &str, new: &Group, timeout: Duration) -> Result<Group, Error> {
        self.send(Method::POST, Place::Groups, &[account], new, timeout).await
    }

    /// Changes a group \[P, SH\].
    pub async fn change_group(
        &self,
        account: &str,
        group: &str,
        change: &Group,
        timeout: Duration,
    ) -> Result<Group, Error> {
        self.send(Method::PUT, Place::Group, &[account, group], change, timeout).await
    }

    /// Deletes a group \[P, SH\].
    pub async fn delete_group(&self, account: &str, group: &str, timeout: Duration) -> Result<(), Error> {
        self.delete(Place::Group, &[account, group], timeout).await
    }

    /// The members of a group \[A\].
    pub fn members(&self, account: &str, group: &str, query: &Query<'_>, paging: Paging) -> Items<Member> {
        self.list(Place::Members, &[account, group], query, paging)
    }

    /// Adds a member \[A\].
    pub async fn add_member(
        &self,
        account: &str,
        group: &str,
        new: &Member,
        timeout: Duration,
    ) -> Result<Member, Error> {
        self.send(Method::POST, Place::Members, &[account, group], new, timeout).await
    }

    /// One member \[A\].
    pub async fn member(&self, account: &str, group: &str, member: &str, timeout: Duration) -> Result<Member, Error> {
        self.get(Place::Member, &[account, group, member], &Query::ALL, timeout).await
    }

    /// Takes a member out \[A\].
    pub async fn remove_member(
        &self,
        account: &str,
        group: &str,
        member: &str,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.delete(Place::Member, &[account, group, member], timeout).await
    }
}
