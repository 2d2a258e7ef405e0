//! What one account consists of: its own description, users, clients, groups, contacts, sites and so on.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use serde_json::{Value, json};

use super::people::People;
use super::seeds;
use crate::simulator::answer::Refusal;
use crate::simulator::clock::{Clock, iso};
use crate::simulator::options::{Options, Tenant};
use crate::simulator::page::Page;
use crate::simulator::realm::Account;
use crate::simulator::shelf::Shelf;

/// Mails and photos that are remembered.
const MOST_KEPT: usize = 1000;

/// Everything of one account that Admin shows.
pub(crate) struct Directory {
    pub(super) clock: Clock,
    pub(super) people: People,
    /// One item: the account itself.
    account: Shelf,
    pub(super) clients: Shelf,
    pub(super) groups: Shelf,
    /// By `group member`.
    pub(super) members: Shelf,
    pub(super) contacts: Shelf,
    pub(super) sites: Shelf,
    pub(super) entities: Shelf,
    pub(super) policies: Shelf,
    /// By `policy statement`.
    pub(super) statements: Shelf,
    pub(super) partners: Shelf,
    /// By the path of what they are on.
    pub(super) tags: Shelf,
    photos: Mutex<HashMap<String, (String, Bytes)>>,
    mails: Mutex<VecDeque<Value>>,
    passwords: Mutex<HashMap<String, String>>,
    password: String,
}

impl Directory {
    /// As it is from the start.
    pub(crate) fn new(tenant: &Tenant, account: &Account, options: &Options, clock: Clock) -> Self {
        let now = iso(clock.now());
        let role = if tenant.partner { "PARTNER_ADMIN" } else { "ACCOUNT_ADMIN" };
        let client = json!({
            "clientId": tenant.client_id, "clientSecret": tenant.client_secret, "accountId": account.id,
            "principalId": tenant.principal_id, "name": tenant.client_id, "role": role, "type": "DEFAULT",
            "active": true, "createdOn": now,
        });
        let people = People::new(account, options.users, clock);
        Self {
            account: Shelf::with("AccountNotFound", [(account.id.clone(), seeds::account(account, options, &now))]),
            clients: Shelf::with("ClientNotFound", [(tenant.client_id.clone(), client)]),
            groups: Shelf::with("GroupNotFound", seeds::groups(account, &now)),
            members: Shelf::with("MemberNotFound", seeds::members(account, options.users)),
            contacts: Shelf::with("ContactNotFound", seeds::contacts(account, &now)),
            sites: Shelf::with("SiteNotFound", seeds::sites(account, &now)),
            entities: Shelf::with("EntityNotFound", seeds::entities(account, &now)),
            policies: Shelf::with("PolicyNotFound", seeds::policies(account, &now)),
            statements: Shelf::with("StatementNotFound", seeds::statements(account)),
            partners: Shelf::with("PartnerNotFound", seeds::partners(account, &now)),
            tags: Shelf::new("TagNotFound"),
            photos: Mutex::default(),
            mails: Mutex::default(),
            passwords: Mutex::default(),
            password: options.password.clone(),
            people,
            clock,
        }
    }

    /// A user's object.
    pub(crate) fn user(&self, id: &str) -> Option<Value> {
        self.people.get(id)
    }

    /// A page of the users' ids.
    pub(crate) fn page_of_ids(&self, page: &Page) -> Value {
        self.people.page_of_ids(page)
    }

    /// The users who may sign in under this name.
    pub(crate) fn by_login(&self, name: &str) -> Vec<Value> {
        self.people.by_login(name)
    }

    /// A client's object, with its secret.
    pub(crate) fn client(&self, id: &str) -> Option<Value> {
        self.clients.get(id).ok()
    }

    /// The password of a user.
    pub(crate) fn password_of(&self, user: &str) -> String {
        let own = self.passwords.lock().unwrap_or_else(PoisonError::into_inner).get(user).cloned();
        own.unwrap_or_else(|| self.password.clone())
    }

    /// Gives a user a password of their own.
    pub(super) fn set_password(&self, user: &str, password: &str) {
        let mut own = self.passwords.lock().unwrap_or_else(PoisonError::into_inner);
        if own.len() < MOST_KEPT || own.contains_key(user) {
            own.insert(user.to_owned(), password.to_owned());
        }
    }

    /// The account's own object.
    pub(crate) fn account(&self) -> Value {
        self.account.all().into_iter().next().unwrap_or_default()
    }

    /// Changes the account's own object.
    pub(super) fn change_account(
        &self,
        id: &str,
        change: impl FnOnce(&mut Value) -> Result<(), Refusal>,
    ) -> Result<Value, Refusal> {
        self.account.change(id, change)
    }

    /// Writes down a mail that would have been sent.
    pub(super) fn mail(&self, to: &str, kind: &str) {
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        if mails.len() >= MOST_KEPT {
            mails.pop_front();
        }
        mails.push_back(json!({ "to": to, "kind": kind, "time": iso(self.clock.now()) }));
    }

    /// The mails that would have been sent, oldest first.
    pub(crate) fn mails(&self) -> Vec<Value> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The photo of a user, contact or group: type and bytes.
    pub(super) fn photo(&self, of: &str) -> Option<(String, Bytes)> {
        self.photos.lock().unwrap_or_else(PoisonError::into_inner).get(of).cloned()
    }

    /// Keeps a photo, or forgets it; whether there was one before.
    pub(super) fn set_photo(&self, of: &str, photo: Option<(String, Bytes)>) -> Result<bool, Refusal> {
        let mut photos = self.photos.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(photo) = photo else { return Ok(photos.remove(of).is_some()) };
        if photos.len() >= MOST_KEPT && !photos.contains_key(of) {
            return Err(Refusal::bad(format!("there are {MOST_KEPT} photos already")));
        }
        Ok(photos.insert(of.to_owned(), photo).is_some())
    }
}
