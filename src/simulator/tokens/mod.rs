//! Authentication: every way to get a token, who one is with it, and how applications may let users sign in. `store` keeps
//! what was given out; `grants` is `POST /token`, `codes` the authorization code with its portal-free way, `others` guests
//! and roles, `claims` who-am-I, `applications` who may send users here. Where users see a page is `portal`'s.

mod applications;
mod claims;
mod codes;
mod grants;
mod others;
mod pkce;
mod store;

use axum::http::StatusCode;

use super::answer::Refusal;
use super::service::Service::Authentication;
use super::service::{Served, open, signed};
pub(crate) use applications::Applications;
pub(crate) use codes::{Demand, signed_in};
pub(crate) use store::{Holder, Tokens};

/// The routes of the Authentication API.
pub(crate) static ROUTES: &[Served] = &[
    open(Authentication, "POST", "/token", grants::fetch),
    signed(Authentication, "GET", "/token", claims::who_am_i),
    open(Authentication, "POST", "/authorize", codes::authorize),
    open(Authentication, "GET", "/authorize", super::portal::page),
    open(Authentication, "POST", "/guest/token", others::guest),
    signed(Authentication, "POST", "/assume-role/token", others::assume),
    signed(Authentication, "GET", "/applications", applications::list),
    signed(Authentication, "POST", "/applications", applications::make),
    signed(Authentication, "GET", "/applications/{applicationId}", applications::one),
    signed(Authentication, "PUT", "/applications/{applicationId}", applications::change),
];

/// An error of the table in the specification.
pub(crate) fn refuse(status: u16, name: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), name, message)
}
