//! What belongs to one item of a kind: the members of a group, the statements of a policy.

use serde_json::{Value, json};

use super::guard::{realm, realm_to_change};
use crate::simulator::answer::{self, Answer, Refusal, object, only, text};
use crate::simulator::page::Page;
use crate::simulator::service::Service::Admin;
use crate::simulator::service::{Ask, Served, signed};
use crate::simulator::world::guid;

pub(super) static ROUTES: &[Served] = &[
    signed(Admin, "GET", "/accounts/{accountId}/groups/{groupId}/members", members),
    signed(Admin, "POST", "/accounts/{accountId}/groups/{groupId}/members", join),
    signed(Admin, "GET", "/accounts/{accountId}/groups/{groupId}/members/{memberId}", |ask| {
        answer::ok(realm(ask)?.directory.members.get(&member(ask, ask.part("memberId")))?)
    }),
    signed(Admin, "PUT", "/accounts/{accountId}/groups/{groupId}/members/{memberId}", |ask| {
        let new = add(ask, ask.part("memberId").to_owned())?;
        if new.1 { answer::created(new.0) } else { answer::ok(new.0) }
    }),
    signed(Admin, "DELETE", "/accounts/{accountId}/groups/{groupId}/members/{memberId}", |ask| {
        realm_to_change(ask)?.directory.members.take(&member(ask, ask.part("memberId")))?;
        answer::nothing()
    }),
    signed(Admin, "GET", "/accounts/{accountId}/policies/{policyId}/statements", statements),
    signed(Admin, "POST", "/accounts/{accountId}/policies/{policyId}/statements", state),
    signed(Admin, "GET", "/accounts/{accountId}/policies/{policyId}/statements/{statementId}", |ask| {
        answer::ok(realm(ask)?.directory.statements.get(&statement(ask, ask.part("statementId")))?)
    }),
    signed(Admin, "PUT", "/accounts/{accountId}/policies/{policyId}/statements/{statementId}", |ask| {
        answer::ok(keep_statement(ask, ask.part("statementId").to_owned())?)
    }),
    signed(Admin, "DELETE", "/accounts/{accountId}/policies/{policyId}/statements/{statementId}", |ask| {
        realm_to_change(ask)?.directory.statements.take(&statement(ask, ask.part("statementId")))?;
        answer::nothing()
    }),
];

fn member(ask: &Ask, id: &str) -> String {
    format!("{} {id}", ask.part("groupId"))
}

fn statement(ask: &Ask, id: &str) -> String {
    format!("{} {id}", ask.part("policyId"))
}

fn members(ask: &Ask) -> Answer {
    let (directory, group) = (&realm(ask)?.directory, ask.part("groupId"));
    directory.groups.get(group)?;
    let members = directory.members.all().into_iter().filter(|member| member["groupId"] == *group);
    answer::ok(Page::of(ask)?.collection(members))
}

fn join(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &["memberId", "userId", "contactId", "type", "groupId"])?;
    let who = ["memberId", "userId", "contactId"].iter().find_map(|key| text(&map, key).transpose()).transpose()?;
    let who = who.ok_or_else(|| Refusal::bad("should have required property 'memberId'"))?;
    answer::created(add(ask, who)?.0)
}

fn add(ask: &Ask, who: String) -> Result<(Value, bool), Refusal> {
    let directory = &realm_to_change(ask)?.directory;
    directory.groups.get(ask.part("groupId"))?;
    let kind = match (directory.user(&who), directory.contacts.get(&who)) {
        (Some(_), _) => ("USER", "userId"),
        (None, Ok(_)) => ("CONTACT", "contactId"),
        (None, Err(_)) => return Err(Refusal::missing("MemberNotFound", format!("nobody is {who}"))),
    };
    let item = json!({ "memberId": who, "groupId": ask.part("groupId"), kind.1: who, "type": kind.0 });
    let new = directory.members.put(&member(ask, &who), item.clone())?;
    Ok((item, new))
}

fn statements(ask: &Ask) -> Answer {
    let (directory, policy) = (&realm(ask)?.directory, ask.part("policyId"));
    directory.policies.get(policy)?;
    let statements = directory.statements.all().into_iter().filter(|statement| statement["policyId"] == *policy);
    answer::ok(Page::of(ask)?.collection(statements))
}

fn state(ask: &Ask) -> Answer {
    answer::created(keep_statement(ask, guid())?)
}

fn keep_statement(ask: &Ask, id: String) -> Result<Value, Refusal> {
    let directory = &realm_to_change(ask)?.directory;
    directory.policies.get(ask.part("policyId"))?;
    let map = object(&ask.body)?;
    only(&map, &["statementId", "policyId", "effect", "actions", "resources", "principals"])?;
    let mut item = json!({ "statementId": id, "policyId": ask.part("policyId") });
    for (key, value) in map.into_iter().filter(|(key, _)| !matches!(&**key, "statementId" | "policyId")) {
        item[key] = value;
    }
    directory.statements.put(&statement(ask, &id), item.clone())?;
    Ok(item)
}
