//! The Admin API: an account is looked after.

use serde_json::json;
use switchhook::cloudlink::admin::{Account, Contact, Group, Member, NewClient, Operation, Policy, Statement, User};
use switchhook::cloudlink::{Query, Upload, quoted};

use super::stage::{EACH, SOON, Stage};
use super::{all, have};

const ALL: &Query<'static> = &Query::ALL;

fn photo() -> Upload {
    Upload::bytes("image/jpeg", "JPEG, or what passes for it")
}

/// A partner finds a customer; the customer is renamed and tagged.
pub(super) async fn accounts(stage: &Stage) {
    let (c, id) = (&stage.own, stage.account.as_str());
    let found = Query { filter: "substringof(name,'Dental')", expand: "tags", ..Query::ALL };
    assert_eq!(all(stage.partner.accounts(&found, EACH)).await[0].account_id.as_deref(), Some(id));
    let name = Some("Example Dental Surgery".to_owned());
    let changed = c.change_account(id, &Account { name: name.clone(), ..Account::default() }, SOON).await.unwrap();
    assert_eq!((&changed.name, changed.access_token_expiry_hours), (&name, Some(1)));
    assert_eq!(c.account(id, ALL, SOON).await.unwrap().name, name);
    let tag = json!({ "value": "gold" });
    c.set_account_tag(id, "plan", &tag, SOON).await.unwrap();
    assert_eq!(c.account_tag(id, "plan", SOON).await.unwrap()["value"], tag["value"]);
    c.delete_account_tag(id, "plan", SOON).await.unwrap();
}

/// Somebody is hired, changed in two ways, photographed, written to, and leaves.
pub(super) async fn users(stage: &Stage) {
    let (c, account) = (&stage.own, stage.account.as_str());
    let site = have(all(c.sites(account, ALL, EACH)).await[0].site_id.as_deref()).to_owned();
    let new = User {
        unique_user_id: Some("10000495.ada".into()),
        site_id: Some(site),
        name: Some("Ada Lovelace".into()),
        display_name: Some("Ada".into()),
        email: Some("ada@example.com".into()),
        role: Some("USER".into()),
        extension: Some("3090".into()),
        phone: Some("+16135550101".into()),
        sip_address: Some("sip:3090@sip.example".into()),
        photo_url: Some("https://img.example/ada.png".into()),
        email_verified: Some(true),
        email_valid: Some(true),
        phone_verified: Some(false),
        mobile_verified: Some(false),
        extension_verified: Some(true),
        user_verified: Some(true),
        rest: json!({ "avatars": { "50": "https://img.example/ada-50.png" } }).as_object().unwrap().clone(),
        ..User::default()
    };
    let made = c.create_user(account, &User { mobile: Some("+16135550100".into()), ..new }, SOON).await.unwrap();
    let id = have(made.user_id.as_deref());
    let mobile = |number: &str| User { mobile: Some(number.into()), ..User::default() };
    c.change_user(account, id, &mobile("+16135550102"), SOON).await.unwrap();
    let operation = Operation {
        op: Some("update".into()),
        id: Some(id.to_owned()),
        body: Some(json!({ "mobile": "+16135550103" })),
        ..Operation::default()
    };
    let done = c.change_users(account, &[operation], SOON).await.unwrap().operations.unwrap();
    assert_eq!(done[0].status_code, Some(200));
    let now = c.user(account, id, SOON).await.unwrap();
    assert_eq!((now.mobile.as_deref(), now.email_verified), (Some("+16135550103"), Some(true)));
    assert_eq!(c.user_anywhere(id, SOON).await.unwrap(), now);
    let by_mail = format!("email eq {}", quoted("ada@example.com"));
    assert_eq!(all(c.all_users(&Query::filter(&by_mail), EACH)).await, [now]);
    assert_eq!(all(c.users(account, &Query { top: Some(5), ..Query::ALL }, EACH)).await.len(), 13);

    c.set_user_tag(account, id, "desk", &json!({ "value": "12b" }), SOON).await.unwrap();
    assert_eq!(c.user_tag(account, id, "desk", SOON).await.unwrap()["value"], "12b");
    c.delete_user_tag(account, id, "desk", SOON).await.unwrap();
    c.put_user_photo(account, id, photo(), SOON).await.unwrap();
    c.send_welcome_mail(account, id, SOON).await.unwrap();
    c.send_password_mail("ada@example.com", account, SOON).await.unwrap();
    assert!(c.create_access_code(account, id, SOON).await.unwrap().expose().contains("accessCode"));
    c.delete_user(account, id, SOON).await.unwrap();
    assert_eq!(all(c.users(account, ALL, EACH)).await.len(), 12);
}

/// A group is made, gets a member and a photo, and is dissolved.
pub(super) async fn groups(stage: &Stage) {
    let (c, account, user) = (&stage.own, stage.account.as_str(), stage.user.as_str());
    let group = |name: &str| Group {
        name: Some(name.into()),
        site_id: Some("9c2d4f30-6d0b-4a8b-b1a8-5a3a6b1f7e20".into()),
        extension: Some("4090".into()),
        kind: Some("ring".into()),
        rest: json!({ "description": "all of sales" }).as_object().unwrap().clone(),
        ..Group::default()
    };
    let made = c.create_group(account, &group("Sales"), SOON).await.unwrap();
    let id = have(made.group_id.as_deref());
    assert_eq!(c.change_group(account, id, &group("Selling"), SOON).await.unwrap().name.as_deref(), Some("Selling"));
    assert_eq!(c.group(account, id, SOON).await.unwrap().name.as_deref(), Some("Selling"));
    assert_eq!(all(c.groups(account, ALL, EACH)).await.len(), 4);
    let new = Member { user_id: Some(user.to_owned()), ..Member::default() };
    let member = c.add_member(account, id, &new, SOON).await.unwrap();
    let who = have(member.member_id.as_deref());
    assert_eq!(c.member(account, id, who, SOON).await.unwrap().user(), Some(user));
    assert_eq!(all(c.members(account, id, ALL, EACH)).await, std::slice::from_ref(&member));
    c.put_group_photo(account, id, photo(), SOON).await.unwrap();
    c.remove_member(account, id, who, SOON).await.unwrap();
    c.delete_group(account, id, SOON).await.unwrap();
}

/// Somebody outside is noted, corrected, photographed and forgotten.
pub(super) async fn contacts(stage: &Stage) {
    let (c, account) = (&stage.own, stage.account.as_str());
    let contact = |mail: &str| Contact {
        name: Some("Grace Hopper".into()),
        email: Some(mail.into()),
        contact_type: Some("CORPORATE".into()),
        ..Contact::default()
    };
    let made = c.create_contact(account, &contact("grace@example.com"), SOON).await.unwrap();
    let id = have(made.contact_id.as_deref());
    c.change_contact(account, id, &contact("hopper@example.com"), SOON).await.unwrap();
    assert_eq!(c.contact(account, id, SOON).await.unwrap().email.as_deref(), Some("hopper@example.com"));
    assert_eq!(all(c.contacts(account, &Query::filter("contactType eq 'CORPORATE'"), EACH)).await.len(), 4);
    c.put_contact_photo(account, id, photo(), SOON).await.unwrap();
    let path = format!("/2017-09-01/accounts/{account}/contacts/{id}/photo");
    assert_eq!(c.photo(&path, SOON).await.unwrap().kind.as_deref(), Some("image/jpeg"));
    c.delete_contact(account, id, SOON).await.unwrap();
}

/// Sites, entities, partners, clients and the key for SCIM.
pub(super) async fn what_else_an_account_has(stage: &Stage) {
    let (c, account) = (&stage.own, stage.account.as_str());
    let site = all(c.sites(account, ALL, EACH)).await.remove(1);
    assert_eq!(
        c.site(account, have(site.site_id.as_deref()), SOON).await.unwrap().time_zone.as_deref(),
        Some("Europe/Berlin")
    );
    let entity = all(c.entities(account, ALL, EACH)).await.remove(0);
    assert_eq!(c.entity(account, have(entity.entity_id.as_deref()), SOON).await.unwrap(), entity);
    let partner = all(c.partners(ALL, EACH)).await.remove(0);
    assert_eq!(c.partner(have(partner.partner_id.as_deref()), SOON).await.unwrap(), partner);
    let new = NewClient {
        name: Some("gateway".into()),
        role: Some("ACCOUNT_ADMIN".into()),
        kind: Some("DEFAULT".into()),
        active: Some(true),
        ..NewClient::default()
    };
    let made = c.create_client(account, &new, SOON).await.unwrap();
    assert!(made.client_secret.is_some());
    assert_eq!(c.client(account, have(made.client_id.as_deref()), SOON).await.unwrap().client_secret, None);
    assert_eq!(all(c.clients(account, ALL, EACH)).await.len(), 2);
    assert!(c.create_scim_key(account, SOON).await.unwrap().expose().contains("scimKey"));
}

/// A policy with a statement comes and goes.
pub(super) async fn policies(stage: &Stage) {
    let (c, account) = (&stage.own, stage.account.as_str());
    let policy = |description: &str| Policy {
        name: Some("guests".into()),
        description: Some(description.into()),
        ..Policy::default()
    };
    let made = c.create_policy(account, &policy("what guests may do"), SOON).await.unwrap();
    let id = have(made.policy_id.as_deref());
    c.change_policy(account, id, &policy("what guests may"), SOON).await.unwrap();
    assert_eq!(c.policy(account, id, SOON).await.unwrap().description.as_deref(), Some("what guests may"));
    assert_eq!(all(c.policies(account, ALL, EACH)).await.len(), 2);
    let statement = |effect: &str| Statement {
        effect: Some(effect.into()),
        actions: Some(json!(["read"])),
        resources: Some(json!(["*"])),
        ..Statement::default()
    };
    let stated = c.create_statement(account, id, &statement("ALLOW"), SOON).await.unwrap();
    let which = have(stated.statement_id.as_deref());
    c.change_statement(account, id, which, &statement("DENY"), SOON).await.unwrap();
    assert_eq!(c.statement(account, id, which, SOON).await.unwrap().effect.as_deref(), Some("DENY"));
    assert_eq!(all(c.statements(account, id, ALL, EACH)).await.len(), 1);
    c.delete_statement(account, id, which, SOON).await.unwrap();
    c.delete_policy(account, id, SOON).await.unwrap();
}
