//! What an account has from the start: believable groups, contacts, sites with time zones and dialling rules. Names and
//! numbers are invented; ids are the same in every run.

use serde_json::{Value, json};

use super::people::user_id;
use crate::simulator::answer::BASE;
use crate::simulator::options::Options;
use crate::simulator::realm::Account;

/// What a seed is.
type Seed = (String, Value);

/// A GUID that is the same in every run: of an account, a kind and a number.
pub(super) fn id(account: &Account, kind: u16, number: u32) -> String {
    format!("{}-{kind:04x}-4a00-8000-{number:012x}", account.id.get(..8).unwrap_or("00000000"))
}

fn seed(id: String, mut value: Value, key: &str, account: &Account, now: &str) -> Seed {
    value[key] = id.clone().into();
    value["accountId"] = account.id.clone().into();
    value["createdOn"] = now.into();
    value["createdBy"] = account.principal_id.clone().into();
    (id, value)
}

/// The account itself.
pub(super) fn account(account: &Account, options: &Options, now: &str) -> Value {
    json!({
        "accountId": account.id, "accountNumber": account.number, "name": account.name,
        "partnerId": account.partner_id, "organizationId": format!("org-{}", account.number), "active": true,
        "state": "ACTIVE", "languageCode": "en-US", "domain": format!("{}.sim.api.mitel.io", account.id),
        "location": { "address": "1 Example Street, Ottawa, ON" }, "policy": { "allowGuestAccess": true },
        "accessTokenExpiryHours": options.token_lifetime.as_secs_f64() / 3600.0,
        "refreshTokenExpiryHours": options.refresh_lifetime.as_secs_f64() / 3600.0,
        "userLimit": 100_000, "contacts": [], "createdOn": now,
        "_links": { "self": format!("{BASE}/accounts/{}", account.id) },
    })
}

/// Three groups.
pub(super) fn groups(account: &Account, now: &str) -> Vec<Seed> {
    let group = |(number, name, extension): (u32, &str, &str)| {
        let value = json!({
            "name": name, "description": format!("All of {name}"), "extension": extension, "type": "ring",
            "siteId": id(account, 0x51e0, 1),
        });
        seed(id(account, 0x6001, number), value, "groupId", account, now)
    };
    [(1, "Reception", "4001"), (2, "Service", "4002"), (3, "Management", "4003")].map(group).to_vec()
}

/// Who is in the groups: everyone in turn, as far as there are users.
pub(super) fn members(account: &Account, users: u32) -> Vec<Seed> {
    let member = |number: u32| {
        let (group, user) = (id(account, 0x6001, number % 3 + 1), user_id(&account.id, number));
        let value = json!({ "memberId": user, "groupId": group, "userId": user, "type": "USER" });
        (format!("{group} {user}"), value)
    };
    (1..users.min(31)).map(member).collect()
}

/// Contacts of several types.
pub(super) fn contacts(account: &Account, now: &str) -> Vec<Seed> {
    let contact = |(number, name, phone, kind): (u32, &str, &str, &str)| {
        let email = format!("{}@customer.example", name.to_lowercase().replace(' ', "."));
        let value = json!({ "name": name, "email": email, "phone": phone, "contactType": kind });
        seed(id(account, 0xc001, number), value, "contactId", account, now)
    };
    [
        (1, "Ada Example", "+16135550142", "CORPORATE"),
        (2, "Grace Sample", "+16135550143", "CORPORATE"),
        (3, "Konrad Muster", "+4930901820", "CORPORATE"),
        (4, "Olive Onsite", "+16135550144", "ON_SITE"),
        (5, "Max Maintainer", "+16135550145", "MAINTAINER"),
        (6, "Mia Main", "+16135550146", "MAIN_CONTACT"),
    ]
    .map(contact)
    .to_vec()
}

/// Two sites in two time zones.
pub(super) fn sites(account: &Account, now: &str) -> Vec<Seed> {
    let ottawa = json!({
        "name": "Ottawa", "timeZone": "America/Toronto", "timezone": "America/Toronto",
        "address": { "street": "1 Example Street", "city": "Ottawa", "region": "ON", "postalCode": "K1A 0B1", "country": "CA" },
        "coordinates": { "latitude": 45.4215, "longitude": -75.6972 },
        "diallingRules": { "countryCode": "1", "areaCode": "613", "outsideLinePrefix": "9",
            "nationalPrefix": "1", "internationalPrefix": "011", "extensionLength": 4 },
    });
    let berlin = json!({
        "name": "Berlin", "timeZone": "Europe/Berlin", "timezone": "Europe/Berlin",
        "address": { "street": "Beispielweg 2", "city": "Berlin", "postalCode": "10117", "country": "DE" },
        "coordinates": { "latitude": 52.52, "longitude": 13.405 },
        "diallingRules": { "countryCode": "49", "areaCode": "30", "outsideLinePrefix": "0",
            "nationalPrefix": "0", "internationalPrefix": "00", "extensionLength": 4 },
    });
    let site = |(number, value)| seed(id(account, 0x51e0, number), value, "siteId", account, now);
    [(1, ottawa), (2, berlin)].map(site).to_vec()
}

/// One entity: the number of the whole.
pub(super) fn entities(account: &Account, now: &str) -> Vec<Seed> {
    let value = json!({ "name": "Main number", "type": "number", "value": "+16135550100" });
    vec![seed(id(account, 0xe001, 1), value, "entityId", account, now)]
}

/// One policy.
pub(super) fn policies(account: &Account, now: &str) -> Vec<Seed> {
    let value = json!({ "name": "Default", "description": "What every user may do" });
    vec![seed(id(account, 0x9011, 1), value, "policyId", account, now)]
}

/// Its one statement.
pub(super) fn statements(account: &Account) -> Vec<Seed> {
    let (policy, statement) = (id(account, 0x9011, 1), id(account, 0x9012, 1));
    let value = json!({
        "statementId": statement, "policyId": policy, "effect": "Allow", "actions": ["media:*"], "resources": ["*"],
    });
    vec![(format!("{policy} {statement}"), value)]
}

/// The partner who looks after the account.
pub(super) fn partners(account: &Account, now: &str) -> Vec<Seed> {
    if account.partner_id.is_empty() {
        return vec![];
    }
    let value = json!({ "name": "Example Telecom Partner", "active": true });
    vec![seed(account.partner_id.clone(), value, "partnerId", account, now)]
}
