//! Policies and their statements \[P, SH\].

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::cloudlink::client::CloudLink;
use crate::cloudlink::error::Error;
use crate::cloudlink::object::object;
use crate::cloudlink::paging::{Items, Paging};
use crate::cloudlink::places::Place;
use crate::cloudlink::query::Query;

object! {
    /// A policy; its fields are named nowhere \[A\].
    Policy {
        policy_id: String = "policyId" | "id",
        account_id: String = "accountId",
        name: String = "name",
        description: String = "description",
    }

    /// A statement of a policy; its fields are named nowhere \[A\].
    Statement {
        statement_id: String = "statementId" | "id",
        effect: String = "effect",
        actions: Value = "actions",
        resources: Value = "resources",
    }
}

impl CloudLink {
    /// The policies of an account.
    pub fn policies(&self, account: &str, query: &Query<'_>, paging: Paging) -> Items<Policy> {
        self.list(Place::Policies, &[account], query, paging)
    }

    /// One policy.
    pub async fn policy(&self, account: &str, policy: &str, timeout: Duration) -> Result<Policy, Error> {
        self.get(Place::Policy, &[account, policy], &Query::ALL, timeout).await
    }

    /// Makes a policy.
    pub async fn create_policy(&self, account: &str, new: &Policy, timeout: Duration) -> Result<Policy, Error> {
        self.send(Method::POST, Place::Policies, &[account], new, timeout).await
    }

    /// Changes a policy.
    pub async fn change_policy(
        &self,
        account: &str,
        policy: &str,
        change: &Policy,
        timeout: Duration,
    ) -> Result<Policy, Error> {
        self.send(Method::PUT, Place::Policy, &[account, policy], change, timeout).await
    }

    /// Deletes a policy.
    pub async fn delete_policy(&self, account: &str, policy: &str, timeout: Duration) -> Result<(), Error> {
        self.delete(Place::Policy, &[account, policy], timeout).await
    }

    /// The statements of a policy.
    pub fn statements(&self, account: &str, policy: &str, query: &Query<'_>, paging: Paging) -> Items<Statement> {
        self.list(Place::Statements, &[account, policy], query, paging)
    }

    /// One statement.
    pub async fn statement(
        &self,
        account: &str,
        policy: &str,
        statement: &str,
        timeout: Duration,
    ) -> Result<Statement, Error> {
        self.get(Place::Statement, &[account, policy, statement], &Query::ALL, timeout).await
    }

    /// Makes a statement.
    pub async fn create_statement(
        &self,
        account: &str,
        policy: &str,
        new: &Statement,
        timeout: Duration,
    ) -> Result<Statement, Error> {
        self.send(Method::POST, Place::Statements, &[account, policy], new, timeout).await
    }

    /// Changes a statement.
    pub async fn change_statement(
        &self,
        account: &str,
        policy: &str,
        statement: &str,
        change: &Statement,
        timeout: Duration,
    ) -> Result<Statement, Error> {
        self.send(Method::PUT, Place::Statement, &[account, policy, statement], change, timeout).await
    }

    /// Deletes a statement.
    pub async fn delete_statement(
        &self,
        account: &str,
        policy: &str,
        statement: &str,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.delete(Place::Statement, &[account, policy, statement], timeout).await
    }
}
