//! The users of an account. Those from the start are made of their number whenever somebody asks, and cost a few bytes
//! each; only what was changed or added is kept as an object.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::seeds;
use crate::simulator::answer::{BASE, Refusal};
use crate::simulator::clock::{Clock, iso};
use crate::simulator::page::Page;
use crate::simulator::realm::Account;

/// Users that may be added or changed.
const MOST: usize = 100_000;
/// The first extension.
const FIRST_EXTENSION: u32 = 3001;
const FIRST_NAMES: [&str; 20] = [
    "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam", "Mona", "Noah",
    "Olga", "Paul", "Rosa", "Samir", "Tara", "Viktor",
];
const LAST_NAMES: [&str; 17] = [
    "Abel", "Brown", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Hansen", "Ivanova", "Jones", "Kaya",
    "Laurent", "Meyer", "Novak", "Okafor", "Petit", "Rossi",
];

/// The id of an account's user number so and so.
pub(crate) fn user_id(account_id: &str, number: u32) -> String {
    format!("{}-05e4-4c00-8000-{number:012x}", account_id.get(..8).unwrap_or("00000000"))
}

/// The number of the user whose phone this is, among so many.
pub(crate) fn index_of(extension: &str, users: u32) -> Option<u32> {
    let number = extension.parse::<u32>().ok()?.checked_sub(FIRST_EXTENSION)?;
    (number < users).then_some(number)
}

/// A user: by number, or kept.
#[derive(Clone, PartialEq)]
enum Slot {
    Made(u32),
    Kept(String),
}

/// The users of one account.
pub(crate) struct People {
    account: Account,
    made: u32,
    since: String,
    clock: Clock,
    held: Mutex<Held>,
}

struct Held {
    /// Everyone, oldest first.
    order: Vec<Slot>,
    /// Those who are not as they were made.
    kept: HashMap<String, Value>,
}

impl People {
    /// So many of them.
    pub(super) fn new(account: &Account, made: u32, clock: Clock) -> Self {
        let held = Held { order: (0..made).map(Slot::Made).collect(), kept: HashMap::new() };
        Self { account: account.clone(), made, since: iso(clock.now()), clock, held: Mutex::new(held) }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a user who was there from the start.
    fn number(&self, id: &str) -> Option<u32> {
        let number = u32::from_str_radix(id.rsplit('-').next()?, 16).ok()?;
        (number < self.made && user_id(&self.account.id, number) == id).then_some(number)
    }

    fn made(&self, number: u32) -> Value {
        let (account, id) = (&self.account, user_id(&self.account.id, number));
        let n = number as usize;
        let (first, last) = (FIRST_NAMES[n % FIRST_NAMES.len()], LAST_NAMES[n % LAST_NAMES.len()]);
        let role = match (number, account.is_partner()) {
            (0, true) => "PARTNER_ADMIN",
            (0, false) => "ACCOUNT_ADMIN",
            _ => "USER",
        };
        // The first user of every account has the same address: who signs in with it has to name the account.
        let login = if number == 0 { "admin".to_owned() } else { format!("{first}.{last}{number}").to_lowercase() };
        let extension = (FIRST_EXTENSION + number).to_string();
        let photo = format!("https://photos.sim.api.mitel.io/{id}.png");
        let avatars: serde_json::Map<_, _> = ["50", "150", "300", "scaled"]
            .iter()
            .map(|size| ((*size).to_owned(), format!("{photo}?s={size}").into()))
            .collect();
        let mut user = json!({
            "userId": id, "uniqueUserId": format!("{}.{login}", account.number), "loginId": login,
            "accountId": account.id, "siteId": seeds::id(account, 0x51e0, 1 + number % 2),
            "name": format!("{first} {last}"), "displayName": format!("{first} {last}"),
            "email": format!("{login}@example.com"), "role": role, "extension": extension,
            "phone": format!("+1613{number:07}"), "mobile": format!("+1343{number:07}"),
            "sipAddress": format!("sip:{extension}@{}.sim.api.mitel.io", account.id),
            "sipPassword": format!("sip-secret-{number}-{}", account.number),
            "photoUrl": photo, "avatars": avatars, "source": "PBX", "active": true,
            "emailVerified": true, "emailValid": true, "phoneVerified": false, "mobileVerified": false,
            "extensionVerified": true, "userVerified": true,
            "createdOn": self.since, "createdBy": account.principal_id,
            "_links": { "self": format!("{BASE}/accounts/{}/users/{id}", account.id) },
        });
        // Every field can be missing.
        let absent: &[&str] = match number % 7 {
            3 => &["mobile", "photoUrl", "avatars"],
            5 => &["phone", "siteId"],
            _ => &[],
        };
        for key in absent {
            user.as_object_mut().and_then(|user| user.shift_remove(*key));
        }
        user
    }

    fn shown(&self, held: &Held, slot: &Slot) -> Value {
        match slot {
            Slot::Made(number) => self.made(*number),
            Slot::Kept(id) => held.kept.get(id).cloned().unwrap_or_default(),
        }
    }

    /// A user's object.
    pub(super) fn get(&self, id: &str) -> Option<Value> {
        let held = self.held();
        let kept = held.kept.get(id).filter(|user| !user.is_null()).cloned();
        kept.or_else(|| self.number(id).filter(|_| !held.kept.contains_key(id)).map(|number| self.made(number)))
    }

    /// A page of them.
    pub(super) fn page(&self, page: &Page) -> Value {
        let held = self.held();
        if page.sees_all() {
            return page.collection(held.order.iter().map(|slot| self.shown(&held, slot)));
        }
        page.of_long(held.order.len(), |at| self.shown(&held, &held.order[at]))
    }

    /// A page of their ids.
    pub(super) fn page_of_ids(&self, page: &Page) -> Value {
        let held = self.held();
        page.of_long(held.order.len(), |at| match &held.order[at] {
            Slot::Made(number) => user_id(&self.account.id, *number).into(),
            Slot::Kept(id) => id.clone().into(),
        })
    }

    /// Those who may sign in under a name: userId, uniqueUserId, loginId, email or mobile.
    pub(super) fn by_login(&self, name: &str) -> Vec<Value> {
        let fits = |user: &Value| {
            ["userId", "uniqueUserId", "loginId", "email", "mobile"]
                .iter()
                .any(|key| user[*key].as_str().is_some_and(|text| text.eq_ignore_ascii_case(name)))
        };
        // Whoever was made has their number at the end of each name, so nobody has to be searched for.
        let local = name.split('@').next().unwrap_or(name);
        let digits: Vec<char> = local.chars().rev().take_while(char::is_ascii_digit).take(7).collect();
        let written: String = digits.iter().rev().collect();
        let numbers = [self.number(name), if written.is_empty() { Some(0) } else { written.parse().ok() }];
        let held = self.held();
        let mut found: Vec<Value> = held.kept.values().filter(|user| fits(user)).cloned().collect();
        let made = numbers.into_iter().flatten().filter(|number| *number < self.made);
        let made = made.filter(|number| !held.kept.contains_key(&user_id(&self.account.id, *number)));
        found.extend(made.map(|number| self.made(number)).filter(fits).take(1));
        found
    }

    /// Adds one; the id and what is the service's own are filled in.
    pub(super) fn add(&self, mut user: Value, by: &str) -> Result<Value, Refusal> {
        if let Some(email) = user["email"].as_str().filter(|email| !self.by_login(email).is_empty()) {
            let why = format!("a user with the address {email} exists");
            return Err(Refusal::new(StatusCode::CONFLICT, "ConditionalCheckFailedException", why));
        }
        let id = crate::simulator::world::guid();
        user["userId"] = id.clone().into();
        user["accountId"] = self.account.id.clone().into();
        user["sipPassword"] = format!("sip-secret-{}", crate::simulator::world::plain_id()).into();
        user["createdOn"] = iso(self.clock.now()).into();
        user["createdBy"] = by.into();
        user["_links"] = json!({ "self": format!("{BASE}/accounts/{}/users/{id}", self.account.id) });
        let mut held = self.held();
        if held.kept.len() >= MOST {
            return Err(Refusal::bad(format!("{MOST} users were added or changed already")));
        }
        held.kept.insert(id.clone(), user.clone());
        held.order.push(Slot::Kept(id));
        Ok(user)
    }

    /// Changes one; answers what became of them.
    pub(super) fn change(&self, id: &str, changes: serde_json::Map<String, Value>, by: &str) -> Result<Value, Refusal> {
        let mut user = self.get(id).ok_or_else(|| no_such(id))?;
        for (key, value) in changes {
            user[key] = value;
        }
        user["modifiedOn"] = iso(self.clock.now()).into();
        user["modifiedBy"] = by.into();
        let mut held = self.held();
        if held.kept.len() >= MOST && !held.kept.contains_key(id) {
            return Err(Refusal::bad(format!("{MOST} users were added or changed already")));
        }
        if held.kept.insert(id.to_owned(), user.clone()).is_none() {
            let made = self.number(id).map(Slot::Made);
            if let Some(slot) = held.order.iter_mut().find(|slot| Some(&**slot) == made.as_ref()) {
                *slot = Slot::Kept(id.to_owned());
            }
        }
        Ok(user)
    }

    /// Takes one away; answers who it was.
    pub(super) fn remove(&self, id: &str) -> Result<Value, Refusal> {
        let user = self.get(id).ok_or_else(|| no_such(id))?;
        let mut held = self.held();
        let slots = [self.number(id).map(Slot::Made), Some(Slot::Kept(id.to_owned()))];
        held.order.retain(|slot| !slots.contains(&Some(slot.clone())));
        // Whoever was made would be there again if nothing said otherwise.
        if self.number(id).is_some() {
            held.kept.insert(id.to_owned(), Value::Null);
        } else {
            held.kept.remove(id);
        }
        Ok(user)
    }
}

/// 404 for a user.
pub(super) fn no_such(id: &str) -> Refusal {
    Refusal::missing("UserNotFound", format!("no user {id}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::options::Options;

    fn people(made: u32) -> People {
        let options = Options::default();
        let account = Account {
            id: options.account_id,
            number: options.account_number,
            name: String::new(),
            partner_id: String::new(),
            principal_id: "client".to_owned(),
        };
        People::new(&account, made, Clock::default())
    }

    #[test]
    fn everyone_is_found_by_each_of_their_names_and_nobody_else_is() {
        let people = people(500);
        for number in [0, 1, 10, 499] {
            let user = people.made(number);
            for key in ["userId", "uniqueUserId", "loginId", "email", "mobile"] {
                let Some(name) = user[key].as_str() else { continue };
                assert_eq!(people.by_login(name), std::slice::from_ref(&user), "{key} {name}");
            }
        }
        for name in ["", "nobody@example.com", "500", "anna.abel500@example.com", "user-é"] {
            assert!(people.by_login(name).is_empty(), "{name}");
        }
    }

    #[test]
    fn changes_and_removals_of_made_ones_stick() {
        let people = people(3);
        let id = user_id(&people.account.id, 1);
        let changes = [("displayName".to_owned(), "New".into()), ("email".to_owned(), "new@example.com".into())];
        people.change(&id, changes.into_iter().collect(), "me").unwrap();
        assert_eq!(people.get(&id).unwrap()["displayName"], "New");
        assert_eq!(people.by_login("new@example.com").len(), 1);
        assert!(people.by_login("ben.brown1@example.com").is_empty());
        people.remove(&id).unwrap();
        assert!(people.get(&id).is_none() && people.remove(&id).is_err() && people.by_login(&id).is_empty());
        let new = people.add(json!({ "email": "x@example.com" }), "me").unwrap();
        assert!(people.add(json!({ "email": "X@example.com" }), "me").is_err());
        assert_eq!(people.held().order.len(), 3);
        people.remove(new["userId"].as_str().unwrap()).unwrap();
        assert_eq!(people.held().order.len(), 2);
    }
}
