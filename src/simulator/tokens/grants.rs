//! `POST /token`: the grants, as a form or as JSON. Success is 201.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use serde_json::{Value, json};

use super::store::{Holder, Kind};
use super::{pkce, refuse};
use crate::simulator::answer::{self, Answer, Refusal, fields};
use crate::simulator::realm::Realm;
use crate::simulator::service::Wire;
use crate::simulator::variants::Variant;
use crate::simulator::world::World;

/// The scopes that may be asked for.
const SCOPES: [&str; 7] = ["openid", "gauth", "abc", "profile", "read_write", "read", "write"];
/// The claims that make an anonymous user of a client.
const CLAIMS: [&str; 8] = ["principalId", "userId", "name", "role", "email", "phone", "extension", "mobile"];
/// Roles from the highest to the lowest.
const ROLES: [&str; 5] = ["GLOBAL_ADMIN", "PARTNER_ADMIN", "ACCOUNT_ADMIN", "USER", "GUEST"];

type Fields = HashMap<String, String>;

pub(super) fn fetch(wire: &Wire) -> Answer {
    let mut fields = fields(&wire.body)?;
    if let Some((id, secret)) = basic(&wire.headers) {
        fields.entry("client_id".to_owned()).or_insert(id);
        fields.entry("client_secret".to_owned()).or_insert(secret);
    }
    let world = &wire.world;
    let grant = fields.get("grant_type").map(String::as_str);
    let holder = match grant {
        Some("client_credentials") => client(world, &fields),
        Some("password") => match by_password(world, &fields) {
            Ok(holder) => Ok(holder),
            Err(Denied::Refusal(refusal)) => Err(refusal),
            Err(Denied::Plain(response)) => return Ok(*response),
        },
        Some("refresh_token") => refreshed(world, &fields),
        Some("authorization_code") => by_code(world, &fields),
        Some("urn:ietf:params:oauth:grant-type:token-exchange") => exchanged(&fields),
        Some(other) => Err(refuse(400, "InvalidGrantType", format!("there is no grant {other}"))),
        None => Err(refuse(400, "MissingParameters", "grant_type is missing")),
    }?;
    let holder = scoped(holder, fields.get("scope"))?;
    let keeps = grant == Some("refresh_token") && wire.plays(Variant::RefreshKept);
    tracing::info!(target: "simulator", principal = holder.principal_id, "a token was fetched");
    answer::created(world.tokens.issue(holder, !keeps))
}

fn scoped(holder: Holder, scope: Option<&String>) -> Result<Holder, Refusal> {
    let Some(scope) = scope.filter(|scope| !scope.trim().is_empty()) else { return Ok(holder) };
    match scope.split_whitespace().find(|word| !SCOPES.contains(word)) {
        Some(word) => Err(refuse(400, "InvalidScope", format!("there is no scope {word}"))),
        None => Ok(Holder { scope: scope.clone(), ..holder }),
    }
}

/// Id and secret of an HTTP Basic header.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (word, code) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !word.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(code.trim()).ok()?).ok()?;
    text.split_once(':').map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

/// The client itself or, if claims are given, the anonymous user that it speaks for.
fn client(world: &World, fields: &Fields) -> Result<Holder, Refusal> {
    let (Some(id), Some(secret)) = (fields.get("client_id"), fields.get("client_secret")) else {
        return Err(refuse(400, "MissingParameters", "client_id and client_secret are needed"));
    };
    let found = world.realms.iter().find_map(|realm| Some((realm, realm.directory.client(id)?)));
    let (realm, client) = found.ok_or_else(|| refuse(404, "ClientNotFound", "no such client"))?;
    if client["clientSecret"] != **secret {
        return Err(refuse(401, "ClientSecretMismatch", "the client secret is wrong"));
    }
    if client["active"] == false {
        return Err(refuse(401, "ClientNotActive", "the client is not active"));
    }
    own_account(world, realm, fields)?;
    let (own, role) = (word(&client, "principalId"), word(&client, "role"));
    let mut holder = Holder::new(realm, own, role, client["name"].as_str().unwrap_or(id), Kind::Client);
    let claims = fields.iter().filter(|(key, _)| CLAIMS.contains(&&***key));
    holder.claims = claims.map(|(key, value)| (key.clone(), value.clone().into())).collect();
    if !holder.claims.is_empty() {
        anonymous(&mut holder, fields)?;
    }
    holder.claims.insert("clientId".to_owned(), id.clone().into());
    Ok(holder)
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn anonymous(holder: &mut Holder, fields: &Fields) -> Result<(), Refusal> {
    let named = fields.get("principalId").or_else(|| fields.get("userId"));
    if let Some(id) = named {
        if holder.realm.directory.user(id).is_some() {
            return Err(refuse(400, "InvalidPrincipals", "the principal is a user of the account"));
        }
        holder.principal_id.clone_from(id);
    } else {
        holder.principal_id = crate::simulator::world::guid();
    }
    if let Some(role) = fields.get("role") {
        let rank = |role: &str| ROLES.iter().position(|known| *known == role);
        let wanted = rank(role).ok_or_else(|| refuse(400, "InvalidPrincipals", "there is no such role"))?;
        if Some(wanted) < rank(&holder.role) {
            return Err(refuse(403, "ImpersonationNotAllowed", "the role is above the client's"));
        }
        holder.role.clone_from(role);
    }
    if let Some(name) = fields.get("name") {
        holder.name.clone_from(name);
    }
    holder.kind = Kind::Anonymous;
    Ok(())
}

/// That `account_id`, if it is given, names the client's own account.
fn own_account(world: &World, realm: &Realm, fields: &Fields) -> Result<(), Refusal> {
    let Some(account) = fields.get("account_id").filter(|id| !id.is_empty()) else { return Ok(()) };
    if realm.account.is_named(account) {
        return Ok(());
    }
    world.named(account)?;
    Err(refuse(403, "InvalidClient", "the client belongs to another account"))
}

/// Why a user may not sign in: as an error of the table, or as the nameless 422.
pub(super) enum Denied {
    Refusal(Refusal),
    Plain(Box<Response>),
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

fn by_password(world: &World, fields: &Fields) -> Result<Holder, Denied> {
    let (Some(username), Some(password)) = (fields.get("username"), fields.get("password")) else {
        return Err(refuse(400, "MissingParameters", "username and password are needed").into());
    };
    user(world, username, password, fields.get("account_id").map(String::as_str))
}

/// The user with this name and password. `locked…`, `expired…` and `weak…` are users whom the service does not let in, with 422.
pub(super) fn user(world: &World, name: &str, password: &str, account: Option<&str>) -> Result<Holder, Denied> {
    let within: Vec<&Arc<Realm>> = match account.filter(|account| !account.is_empty()) {
        Some(account) => vec![world.named(account)?],
        None => world.realms.iter().collect(),
    };
    for (prefix, error) in [("locked", "401"), ("expired", "451"), ("weak", "452")] {
        if name.starts_with(prefix) {
            let body = json!({ "error": error, "message": "the user may not sign in like this" });
            return Err(Denied::Plain(Box::new((StatusCode::UNPROCESSABLE_ENTITY, axum::Json(body)).into_response())));
        }
    }
    let mut found: Vec<(&Arc<Realm>, Value)> =
        within.iter().flat_map(|realm| realm.directory.by_login(name).into_iter().map(|user| (*realm, user))).collect();
    if found.len() > 1 {
        return Err(refuse(409, "MultipleMatching", "several accounts have this user: give account_id").into());
    }
    let Some((realm, user)) = found.pop() else { return Err(refuse(404, "UserNotFound", "no such user").into()) };
    if password != realm.directory.password_of(word(&user, "userId")) {
        return Err(refuse(401, "InvalidLoginCredentials", "the name or the password is wrong").into());
    }
    if !realm.is_active() {
        return Err(refuse(400, "InactiveAccount", "the account is not active").into());
    }
    if user["active"] == false {
        return Err(refuse(403, "UserNotActive", "the user is not active").into());
    }
    Ok(of_user(realm, &user))
}

/// Whom a user's token stands for.
pub(super) fn of_user(realm: &Arc<Realm>, user: &Value) -> Holder {
    let mut holder =
        Holder::new(realm, word(user, "userId"), word(user, "role"), word(user, "displayName"), Kind::User);
    for key in ["uniqueUserId", "email", "siteId", "extension", "sipAddress", "emailVerified", "userVerified"] {
        if let Some(value) = user.get(key) {
            holder.claims.insert(key.to_owned(), value.clone());
        }
    }
    holder
}

fn refreshed(world: &World, fields: &Fields) -> Result<Holder, Refusal> {
    let Some(token) = fields.get("refresh_token").or_else(|| fields.get("token")) else {
        return Err(refuse(400, "MissingAuthToken", "refresh_token is missing"));
    };
    let held = world.tokens.spend(token);
    let held = held.ok_or_else(|| refuse(401, "InvalidLoginCredentials", "the refresh token is not valid"))?;
    if !held.realm.is_active() {
        return Err(refuse(400, "InactiveAccount", "the account is not active"));
    }
    if !held.is_good() {
        return Err(refuse(403, "UserNotActive", "the user is not active"));
    }
    Ok(Holder::clone(&held))
}

fn by_code(world: &World, fields: &Fields) -> Result<Holder, Refusal> {
    let (Some(client), Some(code)) = (fields.get("client_id"), fields.get("code")) else {
        return Err(refuse(400, "MissingParameters", "client_id and code are needed"));
    };
    let code = world.tokens.spend_code(code);
    let code = code.ok_or_else(|| refuse(401, "InvalidLoginCredentials", "the code is unknown, used or expired"))?;
    if code.client_id != *client {
        return Err(refuse(403, "InvalidClient", "the code was given to another client"));
    }
    if code.redirect_uri.is_some() && code.redirect_uri.as_ref() != fields.get("redirect_uri") {
        return Err(refuse(403, "InvalidClient", "redirect_uri is not the one that the code was asked for with"));
    }
    let verifier = fields.get("code_verifier");
    let proved = match (&code.challenge, verifier) {
        (None, _) => true,
        (Some(challenge), Some(verifier)) => pkce::fits(verifier, challenge),
        (Some(_), None) => false,
    };
    if !proved {
        return Err(refuse(401, "InvalidVerifier", "code_verifier does not fit the code_challenge"));
    }
    Ok(code.holder)
}

/// Exchanging tokens is for one vendor's clients, none of which anyone here is.
fn exchanged(fields: &Fields) -> Result<Holder, Refusal> {
    match ["subject_token", "subject_token_type"].iter().find(|key| !fields.contains_key(**key)) {
        Some(missing) => Err(refuse(400, "MissingParameters", format!("{missing} is missing"))),
        None => Err(refuse(403, "ImpersonationNotAllowed", "this client may not exchange tokens")),
    }
}
