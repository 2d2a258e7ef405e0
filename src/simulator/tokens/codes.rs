//! The authorization code without a browser: `POST /authorize`. And what the portal needs of it: a demand that is proven to
//! be allowed, and the code for a user who signed in.

use std::collections::HashMap;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::grants::{Denied, user};
use super::store::{Code, Holder};
use super::{pkce, refuse};
use crate::simulator::answer::{self, Answer, Refusal, fields};
use crate::simulator::service::Wire;
use crate::simulator::world::World;

/// What an application asks for when it sends a user, proven to be allowed.
#[derive(Debug)]
pub(crate) struct Demand {
    pub(crate) client_id: String,
    /// As it was sent, if it was.
    pub(crate) redirect_uri: Option<String>,
    challenge: Option<String>,
    scope: Option<String>,
}

impl Demand {
    /// Reads the usual parameters. What may not be is an error of the specification, or the body of a plain 400.
    pub(crate) fn read(world: &World, fields: &HashMap<String, String>) -> Result<Self, DemandError> {
        let given = |key: &str| fields.get(key).filter(|text| !text.is_empty()).cloned();
        let client_id = given("client_id").ok_or(DemandError::Invalid("client_id is missing"))?;
        if fields.get("response_type").map(String::as_str) != Some("code") {
            return Err(DemandError::Invalid("response_type should be code"));
        }
        world.applications.check(&client_id, given("redirect_uri").as_deref()).map_err(DemandError::Refused)?;
        let challenge = given("code_challenge");
        match (&challenge, fields.get("code_challenge_method").map(String::as_str)) {
            (None, None) | (Some(_), Some("S256")) => {}
            (Some(_), _) => return Err(DemandError::Invalid("code_challenge_method should be S256")),
            (None, Some(_)) => return Err(DemandError::Invalid("code_challenge is missing")),
        }
        if challenge.as_ref().is_some_and(|text| !pkce::is_challenge(text)) {
            return Err(DemandError::Invalid("code_challenge should be 43 characters of base64url"));
        }
        Ok(Self { client_id, redirect_uri: given("redirect_uri"), challenge, scope: given("scope") })
    }

    fn code(self, world: &World, holder: Holder) -> Result<String, Refusal> {
        if !world.applications.is_enabled(&self.client_id, &holder.realm.account.id) {
            return Err(refuse(403, "InvalidClient", "the application is not enabled on the user's account"));
        }
        let holder = Holder { scope: self.scope.unwrap_or_else(|| "openid profile".to_owned()), ..holder };
        Ok(world.tokens.give_code(Code {
            holder,
            client_id: self.client_id,
            redirect_uri: self.redirect_uri,
            challenge: self.challenge,
            expires_ms: 0,
        }))
    }
}

/// Why a demand is none.
#[derive(Debug)]
pub(crate) enum DemandError {
    /// `invalid_request`, and why.
    Invalid(&'static str),
    Refused(Refusal),
}

impl DemandError {
    /// What is wrong, for a page.
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Invalid(why) => why,
            Self::Refused(refusal) => &refusal.message,
        }
    }
}

/// The code for a user who gives name and password, or what to say to them.
pub(crate) fn signed_in(
    world: &World,
    demand: Demand,
    (name, password, account): (&str, &str, Option<&str>),
) -> Result<String, String> {
    match user(world, name, password, account) {
        Ok(holder) => demand.code(world, holder).map_err(|refusal| refusal.message),
        Err(Denied::Refusal(refusal)) if refusal.status == StatusCode::CONFLICT => Err(refusal.message),
        Err(Denied::Refusal(_)) => Err("The user name or the password is wrong.".to_owned()),
        Err(Denied::Plain(_)) => Err("This user is locked or has to change the password.".to_owned()),
    }
}

pub(super) fn authorize(wire: &Wire) -> Answer {
    let (world, fields) = (&wire.world, fields(&wire.body)?);
    let demand = match Demand::read(world, &fields) {
        Ok(demand) => demand,
        Err(DemandError::Refused(refusal)) => return Err(refusal),
        Err(DemandError::Invalid(why)) => return Ok(invalid(why)),
    };
    let holder = match (fields.get("username"), fields.get("password"), fields.get("id_token_hint")) {
        (Some(name), Some(password), _) => {
            match user(world, name, password, fields.get("account_id").map(String::as_str)) {
                Ok(holder) => holder,
                Err(Denied::Refusal(refusal)) if refusal.name == "UserNotFound" => {
                    return Err(refuse(404, "NoneMatching", "no such user"));
                }
                Err(Denied::Refusal(refusal)) => return Err(refusal),
                Err(Denied::Plain(response)) => return Ok(*response),
            }
        }
        // Moving between applications: a user who is signed in to one may go to another.
        (_, _, Some(token)) if fields.contains_key("target_client_id") => {
            let held = world.tokens.holder(token);
            Holder::clone(&*held.ok_or_else(|| refuse(401, "InvalidLoginCredentials", "the token is not valid"))?)
        }
        _ => return Ok(invalid("username and password are missing")),
    };
    answer::created(json!({ "code": demand.code(world, holder)? }))
}

fn invalid(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_request", "error_description": why }))).into_response()
}
