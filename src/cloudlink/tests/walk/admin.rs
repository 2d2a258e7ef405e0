//! The Admin API.

use serde_json::{Value, json};

use super::{ACCOUNT, ALL, EACH, SOON, Told, USER, all, one};
use crate::cloudlink::admin::{Account, Client, Contact, Group, Member, NewClient, Operation, Policy, Statement, User};
use crate::cloudlink::{CloudLink, Error, Query, Upload};

const CLIENT: &str = "9d2e61aa-4a70-41f2-b4a0-0c7f6d1e2b55";
const SITE: &str = "9c2d4f30-6d0b-4a8b-b1a8-5a3a6b1f7e20";

pub(super) async fn call(c: &CloudLink, name: &str) -> Result<Told, Error> {
    let account = Account { name: Some("Example Ltd".into()), ..Account::default() };
    let new = User {
        name: Some("Ada Lovelace".into()),
        email: Some("ada@example.com".into()),
        role: Some("USER".into()),
        ..User::default()
    };
    let moved = User { mobile: Some("+16135550102".into()), ..User::default() };
    let operation = Operation {
        op: Some("update".into()),
        id: Some(USER.into()),
        body: Some(json!({ "mobile": "+16135550102" })),
        ..Operation::default()
    };
    let client = NewClient {
        name: Some("gateway".into()),
        role: Some("ACCOUNT_ADMIN".into()),
        kind: Some("DEFAULT".into()),
        active: Some(true),
        ..NewClient::default()
    };
    let group = Group { name: Some("Sales".into()), ..Group::default() };
    let member = Member { user_id: Some(USER.into()), ..Member::default() };
    let contact =
        Contact { name: Some("Grace Hopper".into()), email: Some("grace@example.com".into()), ..Contact::default() };
    let mail = Contact { email: Some("grace@example.com".into()), ..Contact::default() };
    let policy = Policy { name: Some("guests".into()), ..Policy::default() };
    let statement = Statement {
        effect: Some("ALLOW".into()),
        actions: Some(json!(["read"])),
        resources: Some(json!(["*"])),
        ..Statement::default()
    };
    let tag = json!({ "value": "x" });
    let found = Query { filter: "substringof(name,'Exa')", expand: "tags", ..Query::ALL };
    let corporate = Query::filter("contactType eq 'CORPORATE'");
    let photo = || Upload::bytes("image/jpeg", "JPEG");
    match name {
        "GET accounts" => all(c.accounts(&found, EACH)),
        "GET account" => one(c.account(ACCOUNT, ALL, SOON)),
        "PUT account" => one(c.change_account(ACCOUNT, &account, SOON)),
        "GET account_tag" => one(c.account_tag(ACCOUNT, "t-1", SOON)),
        "PUT account_tag" => one(c.set_account_tag(ACCOUNT, "t-1", &tag, SOON)),
        "DELETE account_tag" => one(c.delete_account_tag(ACCOUNT, "t-1", SOON)),
        "GET user_tag" => one(c.user_tag(ACCOUNT, USER, "t-1", SOON)),
        "PUT user_tag" => one(c.set_user_tag(ACCOUNT, USER, "t-1", &tag, SOON)),
        "DELETE user_tag" => one(c.delete_user_tag(ACCOUNT, USER, "t-1", SOON)),
        "GET account_users" => all(c.users(ACCOUNT, &Query { top: Some(100), ..Query::ALL }, EACH)),
        "POST account_users" => one(c.create_user(ACCOUNT, &new, SOON)),
        "PATCH account_users" => one(c.change_users(ACCOUNT, std::slice::from_ref(&operation), SOON)),
        "GET account_user" => one(c.user(ACCOUNT, USER, SOON)),
        "PUT account_user" => one(c.change_user(ACCOUNT, USER, &moved, SOON)),
        "DELETE account_user" => one(c.delete_user(ACCOUNT, USER, SOON)),
        "GET users" => all(c.all_users(&Query::filter("email eq 'ada@example.com'"), EACH)),
        "GET user" => one(c.user_anywhere(USER, SOON)),
        "PUT password" => one(c.send_password_mail("ada@example.com", ACCOUNT, SOON)),
        "POST welcome_mail" => one(c.send_welcome_mail(ACCOUNT, USER, SOON)),
        "POST access_code" => one(c.create_access_code(ACCOUNT, USER, SOON)),
        "PUT user_photo" => one(c.put_user_photo(ACCOUNT, USER, photo(), SOON)),
        "POST clients" => one(async { Ok(with_secret(&c.create_client(ACCOUNT, &client, SOON).await?)) }),
        "GET clients" => all(c.clients(ACCOUNT, ALL, EACH)),
        "GET client" => one(c.client(ACCOUNT, CLIENT, SOON)),
        "GET groups" => all(c.groups(ACCOUNT, ALL, EACH)),
        "POST groups" => one(c.create_group(ACCOUNT, &group, SOON)),
        "GET group" => one(c.group(ACCOUNT, "g-1", SOON)),
        "PUT group" => one(c.change_group(ACCOUNT, "g-1", &group, SOON)),
        "DELETE group" => one(c.delete_group(ACCOUNT, "g-1", SOON)),
        "GET members" => all(c.members(ACCOUNT, "g-1", ALL, EACH)),
        "POST members" => one(c.add_member(ACCOUNT, "g-1", &member, SOON)),
        "GET member" => one(c.member(ACCOUNT, "g-1", "m-1", SOON)),
        "DELETE member" => one(c.remove_member(ACCOUNT, "g-1", "m-1", SOON)),
        "PUT group_photo" => one(c.put_group_photo(ACCOUNT, "g-1", photo(), SOON)),
        "GET contacts" => all(c.contacts(ACCOUNT, &corporate, EACH)),
        "POST contacts" => one(c.create_contact(ACCOUNT, &contact, SOON)),
        "GET contact" => one(c.contact(ACCOUNT, "k-1", SOON)),
        "PUT contact" => one(c.change_contact(ACCOUNT, "k-1", &mail, SOON)),
        "DELETE contact" => one(c.delete_contact(ACCOUNT, "k-1", SOON)),
        "PUT contact_photo" => one(c.put_contact_photo(ACCOUNT, "k-1", photo(), SOON)),
        "GET sites" => all(c.sites(ACCOUNT, ALL, EACH)),
        "GET site" => one(c.site(ACCOUNT, SITE, SOON)),
        "GET entities" => all(c.entities(ACCOUNT, ALL, EACH)),
        "GET entity" => one(c.entity(ACCOUNT, "e-1", SOON)),
        "POST scim_key" => one(c.create_scim_key(ACCOUNT, SOON)),
        "GET policies" => all(c.policies(ACCOUNT, ALL, EACH)),
        "POST policies" => one(c.create_policy(ACCOUNT, &policy, SOON)),
        "GET policy" => one(c.policy(ACCOUNT, "p-1", SOON)),
        "PUT policy" => one(c.change_policy(ACCOUNT, "p-1", &policy, SOON)),
        "DELETE policy" => one(c.delete_policy(ACCOUNT, "p-1", SOON)),
        "GET statements" => all(c.statements(ACCOUNT, "p-1", ALL, EACH)),
        "POST statements" => one(c.create_statement(ACCOUNT, "p-1", &statement, SOON)),
        "GET statement" => one(c.statement(ACCOUNT, "p-1", "s-1", SOON)),
        "PUT statement" => one(c.change_statement(ACCOUNT, "p-1", "s-1", &statement, SOON)),
        "DELETE statement" => one(c.delete_statement(ACCOUNT, "p-1", "s-1", SOON)),
        "GET partners" => all(c.partners(ALL, EACH)),
        "GET partner" => one(c.partner("77", SOON)),
        other => panic!("{other}: nothing calls it"),
    }
    .await
}

/// A client that was just made, with its secret where the test sees it.
fn with_secret(client: &Client) -> Value {
    assert!(!format!("{client:?}").contains("s3cret"));
    let mut value = serde_json::to_value(client).unwrap();
    value["secret"] = client.client_secret.as_ref().unwrap().expose().into();
    value
}
