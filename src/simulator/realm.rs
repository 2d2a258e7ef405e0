//! A realm: one account and everything in it. A token leads to one realm and to nothing else, so that no handler can show
//! one account's things to another by mistake.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::admin::Directory;
use super::chat::Chats;
use super::clock::Clock;
use super::delivery::Delivery;
use super::meetings::Meetings;
use super::options::{Options, Tenant};
use super::phones::Phones;
use super::presence::Presences;
use super::recordings::Recordings;

/// Who an account is.
#[derive(Clone)]
pub(crate) struct Account {
    /// The GUID.
    pub(crate) id: String,
    pub(crate) number: String,
    pub(crate) name: String,
    /// The GUID of the account of the partner who looks after it; a partner's own.
    pub(crate) partner_id: String,
    /// Whom its client stands for.
    pub(crate) principal_id: String,
}

impl Account {
    /// Whether it is a partner's.
    pub(crate) fn is_partner(&self) -> bool {
        self.id == self.partner_id
    }

    /// Whether this text names it: by GUID or by number.
    pub(crate) fn is_named(&self, text: &str) -> bool {
        self.id == text || self.number == text
    }
}

/// One account and everything in it.
pub(crate) struct Realm {
    pub(crate) account: Account,
    pub(crate) phones: Phones,
    pub(crate) chats: Chats,
    pub(crate) presences: Presences,
    pub(crate) meetings: Meetings,
    pub(crate) recordings: Recordings,
    pub(crate) directory: Directory,
    pub(crate) delivery: Delivery,
    active: AtomicBool,
}

impl Realm {
    /// An account in which nothing has happened yet.
    pub(crate) fn new(tenant: &Tenant, partner_id: &str, options: &Options, clock: Clock) -> Arc<Self> {
        let account = Account {
            id: tenant.account_id.clone(),
            number: tenant.account_number.clone(),
            name: tenant.name.clone(),
            partner_id: partner_id.to_owned(),
            principal_id: tenant.principal_id.clone(),
        };
        Arc::new(Self {
            phones: Phones::new(clock, options, &account),
            chats: Chats::new(clock, options.variants),
            presences: Presences::default(),
            meetings: Meetings::new(&account, clock),
            recordings: Recordings::new(&account, clock),
            directory: Directory::new(tenant, &account, options, clock),
            delivery: Delivery::new(&account, clock),
            active: AtomicBool::new(true),
            account,
        })
    }

    /// Whether tokens are good for it.
    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    /// From now on tokens are good for it, or not.
    pub(crate) fn set_active(&self, active: bool) {
        self.active.store(active, Ordering::Relaxed);
    }
}
