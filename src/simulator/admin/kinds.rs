//! The resources that are only kept and shown: groups, contacts, sites, entities, policies, partners. One set of handlers
//! for all; a [`Kind`] says what is special about each.

use serde_json::{Map, Value, json};

use super::directory::Directory;
use super::guard::{realm, realm_to_change};
use crate::simulator::answer::{self, Answer, BASE, Refusal, object, one_of, only, required};
use crate::simulator::clock::iso;
use crate::simulator::page::Page;
use crate::simulator::service::Service::Admin;
use crate::simulator::service::{Ask, Served, signed};
use crate::simulator::shelf::Shelf;
use crate::simulator::world::guid;

/// What is special about a kind of resource.
pub(super) struct Kind {
    /// As in the path.
    plural: &'static str,
    /// The property, and the part of the path, with the id.
    id: &'static str,
    shelf: fn(&Directory) -> &Shelf,
    /// What may be sent beyond what is the service's own.
    known: &'static [&'static str],
    required: &'static str,
    /// A property that has only these values.
    words: Option<(&'static str, &'static [&'static str])>,
}

const OWN: [&str; 7] = ["accountId", "createdOn", "createdBy", "modifiedOn", "modifiedBy", "_links", "_embedded"];

const GROUPS: Kind = Kind {
    plural: "groups",
    id: "groupId",
    shelf: |directory| &directory.groups,
    known: &["name", "displayName", "description", "siteId", "type", "extension", "email", "photoUrl", "externalId"],
    required: "name",
    words: None,
};
const CONTACTS: Kind = Kind {
    plural: "contacts",
    id: "contactId",
    shelf: |directory| &directory.contacts,
    known: &["name", "email", "phone", "mobile", "contactType", "company", "photoUrl", "externalId"],
    required: "name",
    words: Some((
        "contactType",
        &[
            "TECHNICAL_SUPPORT",
            "MAIN_CONTACT",
            "ON_SITE",
            "MAINTAINER",
            "GUEST",
            "TEMPORARY",
            "PERSONAL_CONTACT",
            "CORPORATE",
        ],
    )),
};
const SITES: Kind = Kind {
    plural: "sites",
    id: "siteId",
    shelf: |directory| &directory.sites,
    known: &["name", "description", "address", "coordinates", "timeZone", "timezone", "diallingRules"],
    required: "name",
    words: None,
};
const ENTITIES: Kind = Kind {
    plural: "entities",
    id: "entityId",
    shelf: |directory| &directory.entities,
    known: &["name", "description", "type", "value"],
    required: "name",
    words: None,
};
const POLICIES: Kind = Kind {
    plural: "policies",
    id: "policyId",
    shelf: |directory| &directory.policies,
    known: &["name", "description"],
    required: "name",
    words: None,
};

macro_rules! routes_of {
    ($($kind:ident, $plural:literal, $id:literal;)*) => {
        pub(super) static ROUTES: &[Served] = &[
            $(
                signed(Admin, "GET", concat!("/accounts/{accountId}/", $plural), |ask| list(ask, &$kind)),
                signed(Admin, "POST", concat!("/accounts/{accountId}/", $plural), |ask| make(ask, &$kind)),
                signed(Admin, "GET", concat!("/accounts/{accountId}/", $plural, "/{", $id, "}"), |ask| one(ask, &$kind)),
                signed(Admin, "PUT", concat!("/accounts/{accountId}/", $plural, "/{", $id, "}"), |ask| change(ask, &$kind)),
                signed(Admin, "DELETE", concat!("/accounts/{accountId}/", $plural, "/{", $id, "}"), |ask| remove(ask, &$kind)),
            )*
            signed(Admin, "GET", "/partners", |ask| answer::ok(Page::of(ask)?.collection(ask.realm().directory.partners.all()))),
            signed(Admin, "GET", "/partners/{partnerId}", |ask| answer::ok(ask.realm().directory.partners.get(ask.part("partnerId"))?)),
        ];
    };
}

routes_of! {
    GROUPS, "groups", "groupId";
    CONTACTS, "contacts", "contactId";
    SITES, "sites", "siteId";
    ENTITIES, "entities", "entityId";
    POLICIES, "policies", "policyId";
}

fn list(ask: &Ask, kind: &Kind) -> Answer {
    answer::ok(Page::of(ask)?.collection((kind.shelf)(&realm(ask)?.directory).all()))
}

fn one(ask: &Ask, kind: &Kind) -> Answer {
    answer::ok((kind.shelf)(&realm(ask)?.directory).get(ask.part(kind.id))?)
}

fn make(ask: &Ask, kind: &Kind) -> Answer {
    let realm = realm_to_change(ask)?;
    let map = checked(ask, kind)?;
    required(&map, kind.required)?;
    let id = guid();
    let mut item = json!({ kind.id: id, "accountId": realm.account.id });
    merge(&mut item, map);
    item["createdOn"] = iso(realm.directory.clock.now()).into();
    item["createdBy"] = ask.by().into();
    item["_links"] = json!({ "self": format!("{BASE}/accounts/{}/{}/{id}", realm.account.id, kind.plural) });
    (kind.shelf)(&realm.directory).put(&id, item.clone())?;
    answer::created(item)
}

fn change(ask: &Ask, kind: &Kind) -> Answer {
    let realm = realm_to_change(ask)?;
    let map = checked(ask, kind)?;
    let changed = (kind.shelf)(&realm.directory).change(ask.part(kind.id), |item| {
        merge(item, map);
        item["modifiedOn"] = iso(realm.directory.clock.now()).into();
        item["modifiedBy"] = ask.by().into();
        Ok(())
    })?;
    answer::ok(changed)
}

fn remove(ask: &Ask, kind: &Kind) -> Answer {
    (kind.shelf)(&realm_to_change(ask)?.directory).take(ask.part(kind.id))?;
    answer::nothing()
}

fn checked(ask: &Ask, kind: &Kind) -> Result<Map<String, Value>, Refusal> {
    let mut map = object(&ask.body)?;
    map.retain(|key, _| !OWN.contains(&&**key) && key != kind.id);
    only(&map, kind.known)?;
    if let Some((key, words)) = kind.words {
        one_of(&map, key, words)?;
    }
    Ok(map)
}

fn merge(item: &mut Value, map: Map<String, Value>) {
    for (key, value) in map {
        item[key] = value;
    }
}
